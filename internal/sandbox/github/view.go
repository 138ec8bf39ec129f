package github

import (
	"fmt"
	"slices"
	"time"
)

// Issue is an issue or pull request as a person sees it.
type Issue struct {
	ID          int64     `json:"id"`
	Number      int       `json:"number"`
	URL         string    `json:"url"`
	Title       string    `json:"title"`
	Body        string    `json:"body"`
	State       string    `json:"state"`
	StateReason string    `json:"state_reason"`
	PullRequest bool      `json:"pull_request"`
	By          string    `json:"by"`
	Labels      []Label   `json:"labels"`
	Assignees   []string  `json:"assignees"`
	Milestone   string    `json:"milestone"`
	Parent      int       `json:"parent"` // number of the parent issue, 0 for none
	SubIssues   []Sub     `json:"sub_issues"`
	Comments    []Comment `json:"comments"`
	Events      []Event   `json:"events"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Label is a label's name and its colour as six hex digits.
type Label struct {
	Name  string `json:"name"`
	Color string `json:"color"`
}

// Sub is a sub-issue.
type Sub struct {
	Repo   string `json:"repo"`
	Number int    `json:"number"`
	Title  string `json:"title"`
	State  string `json:"state"`
}

// Comment is a comment.
type Comment struct {
	ID   int64     `json:"id"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Body string    `json:"body"`
}

// Event is a line between the comments: labeled, assigned, closed.
type Event struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	By     string    `json:"by"`
	Detail string    `json:"detail"`
}

// RepoView is a repository as a list shows it.
type RepoView struct {
	Name       string `json:"name"`
	Visibility string `json:"visibility"`
	Issues     int    `json:"issues"`
}

// Repos are all repositories, in the order they were added.
func (s *Server) Repos() []RepoView {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []RepoView{}
	for _, r := range s.repos {
		out = append(out, RepoView{r.full(), r.visibility(), len(r.issues)})
	}
	return out
}

// Issues are a repository's issues and pull requests, newest first; none when there is
// no such repository.
func (s *Server) Issues(repoName string) []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Issue{}
	r := s.repoNamed(repoName)
	if r == nil {
		return out
	}
	for _, i := range slices.Backward(r.issues) {
		out = append(out, s.view(i))
	}
	return out
}

func (s *Server) view(i *issue) Issue {
	v := Issue{ID: i.id, Number: i.number, URL: fmt.Sprintf("%s/%s/issues/%d", s.conf.WebURL, i.repo.full(), i.number), Title: i.title,
		Body: i.body, State: i.state, StateReason: i.reason, PullRequest: i.pull != nil, By: i.by, Labels: []Label{},
		Assignees: append([]string{}, i.assignees...), SubIssues: []Sub{}, Comments: []Comment{}, Events: []Event{},
		CreatedAt: i.created, UpdatedAt: i.updated}
	for _, l := range i.labels {
		v.Labels = append(v.Labels, Label{l.name, l.color})
	}
	if i.milestone != nil {
		v.Milestone = i.milestone.title
	}
	if i.parent != nil {
		v.Parent = i.parent.number
	}
	for _, sub := range i.subs {
		v.SubIssues = append(v.SubIssues, Sub{sub.repo.full(), sub.number, sub.title, sub.state})
	}
	for _, c := range i.comments {
		v.Comments = append(v.Comments, Comment{c.id, c.created, c.by, c.body})
	}
	for _, e := range i.events {
		v.Events = append(v.Events, Event{e.at, e.kind, e.by, e.detail})
	}
	return v
}
