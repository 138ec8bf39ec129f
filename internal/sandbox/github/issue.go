package github

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	stateOpen   = "open"
	stateClosed = "closed"

	maxIssueBody = 65536 // characters of a body or comment
	maxTitle     = 256   // characters
	maxLabels    = 100   // labels of one issue
	maxAssignees = 10
	maxSubs      = 100 // sub-issues of one parent
	maxDepth     = 8   // levels of sub-issues
)

// issue is an issue or, with pull set, a pull request. Everything here expects the
// server's lock to be held.
type issue struct {
	id               int64
	number           int
	repo             *repo
	title, body      string
	state, reason    string
	by, closedBy     string
	labels           []*label
	assignees        []string
	milestone        *milestone
	comments         []*comment
	subs             []*issue
	parent           *issue
	events           []*issueEvent
	created, updated time.Time
	closed           time.Time
	pull             *pull
	past             []snapshot // for search, which lags behind
}

type comment struct {
	id               int64
	by, body         string
	created, updated time.Time
}

type issueEvent struct {
	id       int64
	kind, by string
	detail   string
	at       time.Time
}

// snapshot is what search may find of an issue at some time.
type snapshot struct {
	at                time.Time
	text, title, body string
	state             string
	labels, assignees []string
}

func (r *repo) issue(number int64) *issue {
	return find(r.issues, func(i *issue) bool { return int64(i.number) == number })
}

func (i *issue) labelNames() []string {
	out := []string{}
	for _, l := range i.labels {
		out = append(out, l.name)
	}
	return out
}

// touch records that an issue changed: for updated_at, for search, and for watchers.
func (s *Server) touch(i *issue) {
	now := s.clock.Now()
	i.updated = now
	text := i.title + "\n" + i.body
	for _, c := range i.comments {
		text += "\n" + c.body
	}
	for len(i.past) > 1 && now.Sub(i.past[1].at) >= s.conf.SearchDelay {
		i.past = slices.Delete(i.past, 0, 1) // search will never again see the oldest
	}
	i.past = append(i.past, snapshot{at: now, text: strings.ToLower(text), title: strings.ToLower(i.title), body: strings.ToLower(i.body),
		state: i.state, labels: i.labelNames(), assignees: slices.Clone(i.assignees)})
	s.changed()
}

func (s *Server) event(i *issue, kind, by, detail string) {
	i.events = append(i.events, &issueEvent{id: s.id(), kind: kind, by: by, detail: detail, at: s.clock.Now()})
}

// open adds an issue to a repository.
func (s *Server) open(r *repo, i *issue) {
	r.nextNumber++
	i.id, i.number, i.repo, i.state, i.created = s.id(), r.nextNumber, r, stateOpen, s.clock.Now()
	r.issues = append(r.issues, i)
	s.touch(i)
	if i.pull == nil {
		s.say(r, "issues", "opened", i.by, obj{"issue": s.renderIssue(i, "")})
		for _, l := range i.labels {
			s.event(i, "labeled", i.by, l.name)
			s.say(r, "issues", "labeled", i.by, obj{"issue": s.renderIssue(i, ""), "label": s.renderLabel(r, l)})
		}
		for _, a := range i.assignees {
			s.event(i, "assigned", i.by, a)
			s.say(r, "issues", "assigned", i.by, obj{"issue": s.renderIssue(i, ""), "assignee": s.renderUser(a)})
		}
	}
}

// close ends an issue; reason is completed, not_planned or duplicate.
func (s *Server) close(i *issue, by, reason string) bool {
	if i.state == stateClosed {
		return false
	}
	if reason == "" {
		reason = "completed"
	}
	i.state, i.reason, i.closed, i.closedBy = stateClosed, reason, s.clock.Now(), by
	s.event(i, "closed", by, reason)
	s.touch(i)
	s.sayIssue(i, "closed", by, nil)
	return true
}

func (s *Server) reopen(i *issue, by string) bool {
	if i.state == stateOpen || i.pull != nil && i.pull.merged {
		return false
	}
	i.state, i.reason, i.closed, i.closedBy = stateOpen, "reopened", time.Time{}, ""
	s.event(i, "reopened", by, "")
	s.touch(i)
	s.sayIssue(i, "reopened", by, nil)
	return true
}

func (s *Server) sayIssue(i *issue, action, by string, more obj) {
	if i.pull != nil {
		return // pull request webhooks are not sent
	}
	payload := obj{"issue": s.renderIssue(i, "")}
	for k, v := range more {
		payload[k] = v
	}
	s.say(i.repo, "issues", action, by, payload)
}

// rewrite changes title or body.
func (s *Server) rewrite(i *issue, by string, title, body *string) {
	changes := obj{}
	if title != nil && *title != i.title {
		changes["title"] = obj{"from": i.title}
		s.event(i, "renamed", by, i.title+" → "+*title)
		i.title = *title
	}
	if body != nil && *body != i.body {
		changes["body"] = obj{"from": i.body}
		i.body = *body
	}
	if len(changes) == 0 {
		return
	}
	s.touch(i)
	s.sayIssue(i, "edited", by, obj{"changes": changes})
}

func (s *Server) setLabels(i *issue, by string, want []*label) {
	had := i.labels
	i.labels = want
	for _, l := range want {
		if !slices.Contains(had, l) {
			s.event(i, "labeled", by, l.name)
			s.touch(i)
			s.sayIssue(i, "labeled", by, obj{"label": s.renderLabel(i.repo, l)})
		}
	}
	for _, l := range had {
		if !slices.Contains(want, l) {
			s.event(i, "unlabeled", by, l.name)
			s.touch(i)
			s.sayIssue(i, "unlabeled", by, obj{"label": s.renderLabel(i.repo, l)})
		}
	}
}

func (s *Server) setAssignees(i *issue, by string, want []string) {
	had := i.assignees
	i.assignees = want
	for _, a := range want {
		if !slices.Contains(had, a) {
			s.event(i, "assigned", by, a)
			s.touch(i)
			s.sayIssue(i, "assigned", by, obj{"assignee": s.renderUser(a)})
		}
	}
	for _, a := range had {
		if !slices.Contains(want, a) {
			s.event(i, "unassigned", by, a)
			s.touch(i)
			s.sayIssue(i, "unassigned", by, obj{"assignee": s.renderUser(a)})
		}
	}
}

func (s *Server) setMilestone(i *issue, by string, m *milestone) {
	if i.milestone == m {
		return
	}
	i.milestone = m
	action := "demilestoned"
	if m != nil {
		action = "milestoned"
	}
	s.event(i, action, by, "")
	s.touch(i)
	s.sayIssue(i, action, by, nil)
}

func (s *Server) comment(i *issue, by, body string) *comment {
	now := s.clock.Now()
	c := &comment{id: s.id(), by: by, body: body, created: now, updated: now}
	i.comments = append(i.comments, c)
	s.touch(i)
	s.say(i.repo, "issue_comment", "created", by, obj{"issue": s.renderIssue(i, ""), "comment": s.renderComment(i, c, "")})
	return c
}

func (s *Server) renderLabel(r *repo, l *label) obj {
	return obj{"id": l.id, "node_id": fmt.Sprintf("LA_%d", l.id), "name": l.name, "color": l.color, "description": nilIfEmpty(l.description),
		"default": false, "url": s.base + "/repos/" + r.full() + "/labels/" + l.name}
}

func (s *Server) renderComment(i *issue, c *comment, prefix string) obj {
	url := s.base + prefix + "/repos/" + i.repo.full()
	return obj{"id": c.id, "node_id": fmt.Sprintf("IC_%d", c.id), "body": c.body, "user": s.renderUser(c.by),
		"created_at": stamp(c.created), "updated_at": stamp(c.updated), "author_association": s.association(i.repo, c.by),
		"url": fmt.Sprintf("%s/issues/comments/%d", url, c.id), "issue_url": fmt.Sprintf("%s/issues/%d", url, i.number),
		"html_url": fmt.Sprintf("%s/%s/issues/%d#issuecomment-%d", s.conf.WebURL, i.repo.full(), i.number, c.id)}
}

func (s *Server) association(r *repo, login string) string {
	switch level := r.rights[strings.ToLower(login)]; {
	case strings.EqualFold(login, r.owner):
		return "OWNER"
	case level >= canPush:
		return "MEMBER"
	case level == canRead:
		return "COLLABORATOR"
	}
	return "NONE"
}

func nilIfEmpty(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func (s *Server) renderIssue(i *issue, prefix string) obj {
	r := i.repo
	url := fmt.Sprintf("%s%s/repos/%s/issues/%d", s.base, prefix, r.full(), i.number)
	kind := "issues"
	if i.pull != nil {
		kind = "pull"
	}
	labels, people, done := []obj{}, []obj{}, 0
	for _, l := range i.labels {
		labels = append(labels, s.renderLabel(r, l))
	}
	for _, a := range i.assignees {
		people = append(people, s.renderUser(a))
	}
	for _, sub := range i.subs {
		if sub.state == stateClosed {
			done++
		}
	}
	o := obj{"id": i.id, "node_id": fmt.Sprintf("I_%d", i.id), "number": i.number, "title": i.title, "body": nilIfEmpty(i.body),
		"state": i.state, "state_reason": nilIfEmpty(i.reason), "locked": false, "user": s.renderUser(i.by), "labels": labels,
		"assignees": people, "assignee": nil, "milestone": nil, "comments": len(i.comments), "created_at": stamp(i.created),
		"updated_at": stamp(i.updated), "closed_at": stamp(i.closed), "closed_by": nil, "author_association": s.association(r, i.by),
		"url": url, "html_url": fmt.Sprintf("%s/%s/%s/%d", s.conf.WebURL, r.full(), kind, i.number),
		"comments_url": url + "/comments", "events_url": url + "/events", "labels_url": url + "/labels{/name}",
		"repository_url": s.base + prefix + "/repos/" + r.full()}
	if len(people) > 0 {
		o["assignee"] = people[0]
	}
	if i.closedBy != "" {
		o["closed_by"] = s.renderUser(i.closedBy)
	}
	if i.milestone != nil {
		o["milestone"] = s.renderMilestone(r, i.milestone)
	}
	if i.pull != nil {
		o["draft"] = i.pull.draft
		o["pull_request"] = obj{"url": fmt.Sprintf("%s%s/repos/%s/pulls/%d", s.base, prefix, r.full(), i.number), "html_url": o["html_url"]}
	} else if !r.noSubIssues {
		percent := 0
		if len(i.subs) > 0 {
			percent = done * 100 / len(i.subs)
		}
		o["sub_issues_summary"] = obj{"total": len(i.subs), "completed": done, "percent_completed": percent}
	}
	return o
}

func (s *Server) renderMilestone(r *repo, m *milestone) obj {
	open, closed := 0, 0
	for _, i := range r.issues {
		if i.milestone != m {
			continue
		}
		if i.state == stateOpen {
			open++
		} else {
			closed++
		}
	}
	return obj{"id": m.id, "node_id": fmt.Sprintf("MI_%d", m.id), "number": m.number, "title": m.title, "description": nilIfEmpty(m.description),
		"state": m.state, "due_on": stamp(m.due), "created_at": stamp(m.created), "updated_at": stamp(m.created), "closed_at": nil,
		"creator": s.renderUser(m.by), "open_issues": open, "closed_issues": closed,
		"url":      fmt.Sprintf("%s/repos/%s/milestones/%d", s.base, r.full(), m.number),
		"html_url": fmt.Sprintf("%s/%s/milestone/%d", s.conf.WebURL, r.full(), m.number)}
}
