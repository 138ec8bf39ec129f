package github

import (
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// issueRequest is a creation or an edit. Raw fields tell null from absent.
type issueRequest struct {
	Title       *string         `json:"title"`
	Body        *string         `json:"body"`
	State       *string         `json:"state"`
	StateReason *string         `json:"state_reason"`
	Labels      json.RawMessage `json:"labels"`
	Assignees   *[]string       `json:"assignees"`
	Assignee    *string         `json:"assignee"`
	Milestone   json.RawMessage `json:"milestone"`
}

func (s *Server) issuesOn(c *call) *refusal {
	if c.repo.noIssues {
		return &refusal{status: http.StatusGone, message: "Issues has been disabled in this repository."}
	}
	return nil
}

// theIssue finds the issue of the path.
func (s *Server) theIssue(c *call) (*issue, *refusal) {
	i := c.repo.issue(c.number("n"))
	if i == nil {
		return nil, notFound()
	}
	if i.pull == nil {
		if no := s.issuesOn(c); no != nil {
			return nil, no
		}
	}
	return i, nil
}

// checkText holds title and body to GitHub's limits.
func checkText(resource string, title, body *string) *refusal {
	if title != nil && strings.TrimSpace(*title) == "" {
		return unprocessable(resource, "title", "missing_field", "")
	}
	if title != nil && utf8.RuneCountInString(*title) > maxTitle {
		return unprocessable(resource, "title", "custom", "title is too long (maximum is 256 characters)")
	}
	if body != nil && utf8.RuneCountInString(*body) > maxIssueBody {
		return unprocessable(resource, "body", "custom", "body is too long (maximum is 65536 characters)")
	}
	return nil
}

// wish is what labels, assignees and milestone of a request come to. Without push
// access it is empty: GitHub drops all three and says nothing.
type wish struct {
	labels    []*label
	setLabels bool
	people    []string
	setPeople bool
	milestone *milestone
	setMile   bool
}

func (s *Server) wish(c *call, q *issueRequest) (w wish, no *refusal) {
	if s.access(c, c.repo) < canPush {
		return wish{}, nil
	}
	if given(q.Labels) {
		names, no := labelNames(q.Labels)
		if no != nil {
			return w, no
		}
		if w.labels, no = s.wantLabels(c.repo, names); no != nil {
			return w, no
		}
		w.setLabels = true
	}
	if q.Assignee != nil && q.Assignees == nil {
		q.Assignees = &[]string{*q.Assignee}
	}
	if q.Assignees != nil {
		if w.people, no = s.wantAssignees(c.repo, *q.Assignees); no != nil {
			return w, no
		}
		w.setPeople = true
	}
	if q.Milestone != nil {
		w.setMile = true
		if string(q.Milestone) == "null" {
			return w, nil
		}
		n, err := strconv.Atoi(strings.Trim(string(q.Milestone), `"`))
		w.milestone = find(c.repo.milestones, func(m *milestone) bool { return err == nil && m.number == n })
		if w.milestone == nil {
			return w, unprocessable("Issue", "milestone", "invalid", "")
		}
	}
	return w, nil
}

func given(raw json.RawMessage) bool { return raw != nil && string(raw) != "null" }

// labelNames reads labels given as names or as objects with a name.
func labelNames(raw json.RawMessage) ([]string, *refusal) {
	var names []string
	if json.Unmarshal(raw, &names) == nil {
		return names, nil
	}
	var objects []struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(raw, &objects); err != nil {
		return nil, &refusal{status: http.StatusUnprocessableEntity, message: "Invalid request.\n\nlabels must be strings or objects with a name."}
	}
	for _, o := range objects {
		names = append(names, o.Name)
	}
	return names, nil
}

// wantLabels finds labels by name; a new name makes a new label, as on GitHub.
func (s *Server) wantLabels(r *repo, names []string) ([]*label, *refusal) {
	if len(names) > maxLabels {
		return nil, unprocessable("Issue", "labels", "invalid", "an issue can have at most 100 labels")
	}
	var out []*label
	for _, name := range names {
		if no := checkLabelName(name); no != nil {
			return nil, no
		}
	}
	for _, name := range names {
		l := r.label(name)
		if l == nil {
			l = &label{id: s.id(), name: name, color: "ededed"}
			r.labels = append(r.labels, l)
		}
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out, nil
}

func (s *Server) wantAssignees(r *repo, logins []string) ([]string, *refusal) {
	if len(logins) > maxAssignees {
		return nil, unprocessable("Issue", "assignees", "invalid", "an issue can have at most 10 assignees")
	}
	var out []string
	for _, l := range logins {
		if !s.canAssign(r, l) {
			no := unprocessable("Issue", "assignees", "invalid", "")
			no.errors[0]["value"] = l
			return nil, no
		}
		if login := s.userNamed(l).login; !slices.Contains(out, login) {
			out = append(out, login)
		}
	}
	return out, nil
}

func (s *Server) createIssue(c *call) (int, any, *refusal) {
	if no := s.issuesOn(c); no != nil {
		return 0, nil, no
	}
	var q issueRequest
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.Title == nil {
		return 0, nil, notSupplied("title")
	}
	if no := checkText("Issue", q.Title, q.Body); no != nil {
		return 0, nil, no
	}
	w, no := s.wish(c, &q)
	if no != nil {
		return 0, nil, no
	}
	i := &issue{title: *q.Title, by: c.login, labels: w.labels, assignees: w.people, milestone: w.milestone}
	if q.Body != nil {
		i.body = *q.Body
	}
	s.open(c.repo, i)
	return http.StatusCreated, s.renderIssue(i, c.prefix), nil
}

func (s *Server) getIssue(c *call) (int, any, *refusal) {
	i, no := s.theIssue(c)
	if no != nil {
		return 0, nil, no
	}
	return http.StatusOK, s.renderIssue(i, c.prefix), nil
}

// editIssue lets the author and whoever may push change the text and the state; labels,
// assignees and milestone need push access and are dropped without.
func (s *Server) editIssue(c *call) (int, any, *refusal) {
	i, no := s.theIssue(c)
	if no != nil {
		return 0, nil, no
	}
	if s.access(c, c.repo) < canPush && i.by != c.login {
		return 0, nil, forbidden("Must have admin rights to Repository.")
	}
	var q issueRequest
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if no := checkText("Issue", q.Title, q.Body); no != nil {
		return 0, nil, no
	}
	reason := ""
	if q.StateReason != nil {
		reason = *q.StateReason
	}
	if !slices.Contains([]string{"", "completed", "not_planned", "reopened", "duplicate"}, reason) {
		return 0, nil, unprocessable("Issue", "state_reason", "invalid", "")
	}
	if q.State != nil && *q.State != stateOpen && *q.State != stateClosed {
		return 0, nil, unprocessable("Issue", "state", "invalid", "")
	}
	w, no := s.wish(c, &q)
	if no != nil {
		return 0, nil, no
	}
	s.rewrite(i, c.login, q.Title, q.Body)
	if w.setLabels {
		s.setLabels(i, c.login, w.labels)
	}
	if w.setPeople {
		s.setAssignees(i, c.login, w.people)
	}
	if w.setMile {
		s.setMilestone(i, c.login, w.milestone)
	}
	if q.State != nil && *q.State == stateClosed {
		s.close(i, c.login, reason)
	}
	if q.State != nil && *q.State == stateOpen {
		s.reopen(i, c.login)
	}
	return http.StatusOK, s.renderIssue(i, c.prefix), nil
}

func (s *Server) listIssues(c *call) (int, any, *refusal) {
	if no := s.issuesOn(c); no != nil {
		return 0, nil, no
	}
	q := c.URL.Query()
	state := q.Get("state")
	if !slices.Contains([]string{"", stateOpen, stateClosed, "all"}, state) {
		return 0, nil, unprocessable("Issue", "state", "invalid", "")
	}
	var since time.Time
	if v := q.Get("since"); v != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, v); err != nil {
			return 0, nil, unprocessable("Issue", "since", "invalid", "")
		}
	}
	if state == "" {
		state = stateOpen
	}
	var out []*issue
	for _, i := range c.repo.issues {
		if (state == "all" || i.state == state) && !i.updated.Before(since) && i.wanted(q.Get("labels"), q.Get("assignee"), q.Get("creator"), q.Get("milestone")) {
			out = append(out, i)
		}
	}
	key := func(i *issue) int64 {
		switch q.Get("sort") {
		case "updated":
			return i.updated.UnixNano()
		case "comments":
			return int64(len(i.comments))
		}
		return int64(i.number) // created
	}
	sort.SliceStable(out, func(a, b int) bool {
		if q.Get("direction") == "asc" {
			return key(out[a]) < key(out[b])
		}
		return key(out[a]) > key(out[b])
	})
	return page(s, c, out, func(i *issue) obj { return s.renderIssue(i, c.prefix) })
}

// wanted: an issue must carry all labels of the list.
func (i *issue) wanted(labels, assignee, creator, mile string) bool {
	if labels != "" {
		for _, name := range strings.Split(labels, ",") {
			if !slices.ContainsFunc(i.labels, func(l *label) bool { return strings.EqualFold(l.name, strings.TrimSpace(name)) }) {
				return false
			}
		}
	}
	switch assignee {
	case "":
	case "none":
		if len(i.assignees) > 0 {
			return false
		}
	case "*":
		if len(i.assignees) == 0 {
			return false
		}
	default:
		if !slices.Contains(i.assignees, assignee) {
			return false
		}
	}
	if creator != "" && !strings.EqualFold(creator, i.by) {
		return false
	}
	switch mile {
	case "":
		return true
	case "none":
		return i.milestone == nil
	case "*":
		return i.milestone != nil
	}
	return i.milestone != nil && strconv.Itoa(i.milestone.number) == mile
}

func (s *Server) listEvents(c *call) (int, any, *refusal) {
	i, no := s.theIssue(c)
	if no != nil {
		return 0, nil, no
	}
	return page(s, c, i.events, func(e *issueEvent) obj {
		o := obj{"id": e.id, "event": e.kind, "actor": s.renderUser(e.by), "created_at": stamp(e.at)}
		switch e.kind {
		case "labeled", "unlabeled":
			o["label"] = obj{"name": e.detail}
		case "assigned", "unassigned":
			o["assignee"] = s.renderUser(e.detail)
		}
		return o
	})
}
