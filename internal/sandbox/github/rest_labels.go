package github

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const maxLabelName = 50 // characters

var colour = regexp.MustCompile(`^[0-9a-fA-F]{6}$`)

func (r *repo) label(name string) *label {
	return find(r.labels, func(l *label) bool { return strings.EqualFold(l.name, name) })
}

func checkLabelName(name string) *refusal {
	if strings.TrimSpace(name) == "" {
		return unprocessable("Label", "name", "missing_field", "")
	}
	if utf8.RuneCountInString(name) > maxLabelName {
		return unprocessable("Label", "name", "invalid", "name is too long (maximum is 50 characters)")
	}
	return nil
}

// needPush hides writing from those who may only read, with 404 as GitHub does for
// labels, milestones, files and refs.
func (s *Server) needPush(c *call) *refusal {
	if s.access(c, c.repo) < canPush {
		return notFound()
	}
	return nil
}

func (s *Server) listRepoLabels(c *call) (int, any, *refusal) {
	return page(s, c, c.repo.labels, func(l *label) obj { return s.renderLabel(c.repo, l) })
}

func (s *Server) getLabel(c *call) (int, any, *refusal) {
	l := c.repo.label(c.PathValue("name"))
	if l == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.renderLabel(c.repo, l), nil
}

func (s *Server) createLabel(c *call) (int, any, *refusal) {
	if no := s.needPush(c); no != nil {
		return 0, nil, no
	}
	var q struct {
		Name        *string `json:"name"`
		Color       string  `json:"color"`
		Description string  `json:"description"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.Name == nil {
		return 0, nil, notSupplied("name")
	}
	if no := checkLabelName(*q.Name); no != nil {
		return 0, nil, no
	}
	if c.repo.label(*q.Name) != nil {
		return 0, nil, unprocessable("Label", "name", "already_exists", "")
	}
	if q.Color == "" {
		q.Color = "ededed"
	}
	if !colour.MatchString(q.Color) {
		return 0, nil, unprocessable("Label", "color", "invalid", "")
	}
	if utf8.RuneCountInString(q.Description) > 100 {
		return 0, nil, unprocessable("Label", "description", "invalid", "description is too long (maximum is 100 characters)")
	}
	l := &label{id: s.id(), name: *q.Name, color: strings.ToLower(q.Color), description: q.Description}
	c.repo.labels = append(c.repo.labels, l)
	s.changed()
	return http.StatusCreated, s.renderLabel(c.repo, l), nil
}

// issueForLabels finds the issue and checks push access, which changing labels needs.
func (s *Server) issueForLabels(c *call) (*issue, *refusal) {
	i, no := s.theIssue(c)
	if no == nil && c.Method != http.MethodGet && s.access(c, c.repo) < canPush {
		no = forbidden("Must have admin rights to Repository.")
	}
	return i, no
}

func (s *Server) listIssueLabels(c *call) (int, any, *refusal) {
	i, no := s.issueForLabels(c)
	if no != nil {
		return 0, nil, no
	}
	return page(s, c, i.labels, func(l *label) obj { return s.renderLabel(c.repo, l) })
}

func (s *Server) addIssueLabels(c *call) (int, any, *refusal) {
	i, names, no := s.namedLabels(c)
	if no != nil {
		return 0, nil, no
	}
	more, no := s.wantLabels(c.repo, append(i.labelNames(), names...))
	if no != nil {
		return 0, nil, no
	}
	s.setLabels(i, c.login, more)
	return page(s, c, i.labels, func(l *label) obj { return s.renderLabel(c.repo, l) })
}

func (s *Server) replaceIssueLabels(c *call) (int, any, *refusal) {
	i, names, no := s.namedLabels(c)
	if no != nil {
		return 0, nil, no
	}
	want, no := s.wantLabels(c.repo, names)
	if no != nil {
		return 0, nil, no
	}
	s.setLabels(i, c.login, want)
	return page(s, c, i.labels, func(l *label) obj { return s.renderLabel(c.repo, l) })
}

// namedLabels reads ["a"] or {"labels": ["a"]}.
func (s *Server) namedLabels(c *call) (*issue, []string, *refusal) {
	i, no := s.issueForLabels(c)
	if no != nil {
		return nil, nil, no
	}
	names, no := labelList(c)
	return i, names, no
}

func (s *Server) removeIssueLabel(c *call) (int, any, *refusal) {
	i, no := s.issueForLabels(c)
	if no != nil {
		return 0, nil, no
	}
	l := c.repo.label(c.PathValue("name"))
	if l == nil || !slices.Contains(i.labels, l) {
		return 0, nil, &refusal{status: http.StatusNotFound, message: "Label does not exist"}
	}
	s.setLabels(i, c.login, slices.DeleteFunc(slices.Clone(i.labels), func(x *label) bool { return x == l }))
	return page(s, c, i.labels, func(l *label) obj { return s.renderLabel(c.repo, l) })
}

func (s *Server) addAssignees(c *call) (int, any, *refusal) {
	i, no := s.theIssue(c)
	if no != nil {
		return 0, nil, no
	}
	var q struct {
		Assignees []string `json:"assignees"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if s.access(c, c.repo) >= canPush { // dropped without a word otherwise
		want := slices.Clone(i.assignees)
		for _, l := range q.Assignees {
			if s.canAssign(c.repo, l) && !slices.Contains(want, l) && len(want) < maxAssignees && c.Method == http.MethodPost {
				want = append(want, l)
			}
		}
		if c.Method == http.MethodDelete {
			want = slices.DeleteFunc(want, func(l string) bool { return slices.Contains(q.Assignees, l) })
		}
		s.setAssignees(i, c.login, want)
	}
	status := http.StatusCreated
	if c.Method == http.MethodDelete {
		status = http.StatusOK
	}
	return status, s.renderIssue(i, c.prefix), nil
}

func (s *Server) listMilestones(c *call) (int, any, *refusal) {
	state := c.URL.Query().Get("state")
	var out []*milestone
	for _, m := range c.repo.milestones {
		if state == "all" || m.state == state || state == "" && m.state == stateOpen {
			out = append(out, m)
		}
	}
	return page(s, c, out, func(m *milestone) obj { return s.renderMilestone(c.repo, m) })
}

func (s *Server) getMilestone(c *call) (int, any, *refusal) {
	m := find(c.repo.milestones, func(m *milestone) bool { return int64(m.number) == c.number("n") })
	if m == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.renderMilestone(c.repo, m), nil
}

func (s *Server) createMilestone(c *call) (int, any, *refusal) {
	if no := s.needPush(c); no != nil {
		return 0, nil, no
	}
	var q struct {
		Title       *string `json:"title"`
		Description string  `json:"description"`
		State       string  `json:"state"`
		DueOn       string  `json:"due_on"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.Title == nil || *q.Title == "" {
		return 0, nil, notSupplied("title")
	}
	if find(c.repo.milestones, func(m *milestone) bool { return m.title == *q.Title }) != nil {
		return 0, nil, unprocessable("Milestone", "title", "already_exists", "")
	}
	c.repo.nextMile++
	m := &milestone{id: s.id(), number: c.repo.nextMile, title: *q.Title, description: q.Description, state: stateOpen, created: s.clock.Now(), by: c.login}
	if q.State == stateClosed {
		m.state = stateClosed
	}
	if q.DueOn != "" {
		due, err := time.Parse(time.RFC3339, q.DueOn)
		if err != nil {
			return 0, nil, unprocessable("Milestone", "due_on", "invalid", "")
		}
		m.due = due
	}
	c.repo.milestones = append(c.repo.milestones, m)
	s.changed()
	return http.StatusCreated, s.renderMilestone(c.repo, m), nil
}
