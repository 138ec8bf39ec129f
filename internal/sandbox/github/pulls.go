package github

import (
	"fmt"
	"net/http"
	"strings"
)

// pull is what a pull request has beyond an issue.
type pull struct {
	head, base string
	draft      bool
	merged     bool
}

func (s *Server) renderPull(c *call, i *issue) obj {
	o := s.renderIssue(i, c.prefix)
	delete(o, "pull_request")
	delete(o, "state_reason")
	url := fmt.Sprintf("%s%s/repos/%s/pulls/%d", s.base, c.prefix, i.repo.full(), i.number)
	side := func(branch string) obj {
		sha := ""
		if at := i.repo.branches[branch]; at != nil {
			sha = at.sha
		}
		return obj{"label": i.repo.owner + ":" + branch, "ref": branch, "sha": sha, "user": s.renderUser(i.repo.owner), "repo": s.renderRepo(c, i.repo)}
	}
	o["url"], o["issue_url"], o["head"], o["base"] = url, o["url"], side(i.pull.head), side(i.pull.base)
	o["draft"], o["merged"], o["mergeable"], o["merged_at"] = i.pull.draft, i.pull.merged, true, nil
	return o
}

func (s *Server) createPull(c *call) (int, any, *refusal) {
	var q struct {
		Title *string `json:"title"`
		Head  string  `json:"head"`
		Base  string  `json:"base"`
		Body  *string `json:"body"`
		Draft bool    `json:"draft"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.Title == nil {
		return 0, nil, notSupplied("title")
	}
	if no := checkText("PullRequest", q.Title, q.Body); no != nil {
		return 0, nil, no
	}
	head := strings.TrimPrefix(q.Head, c.repo.owner+":")
	from, onto := c.repo.branches[head], c.repo.branches[q.Base]
	switch {
	case from == nil:
		return 0, nil, unprocessable("PullRequest", "head", "invalid", "")
	case onto == nil:
		return 0, nil, unprocessable("PullRequest", "base", "invalid", "")
	case from == onto:
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []obj{{"resource": "PullRequest",
			"code": "custom", "message": fmt.Sprintf("No commits between %s and %s", q.Base, head)}}}
	}
	for _, i := range c.repo.issues {
		if i.pull != nil && i.state == stateOpen && i.pull.head == head && i.pull.base == q.Base {
			return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []obj{{"resource": "PullRequest",
				"code": "custom", "message": fmt.Sprintf("A pull request already exists for %s:%s.", c.repo.owner, head)}}}
		}
	}
	i := &issue{title: *q.Title, by: c.login, pull: &pull{head: head, base: q.Base, draft: q.Draft}}
	if q.Body != nil {
		i.body = *q.Body
	}
	s.open(c.repo, i)
	return http.StatusCreated, s.renderPull(c, i), nil
}

func (s *Server) thePull(c *call) (*issue, *refusal) {
	i := c.repo.issue(c.number("n"))
	if i == nil || i.pull == nil {
		return nil, notFound()
	}
	return i, nil
}

func (s *Server) getPull(c *call) (int, any, *refusal) {
	i, no := s.thePull(c)
	if no != nil {
		return 0, nil, no
	}
	return http.StatusOK, s.renderPull(c, i), nil
}

func (s *Server) listPulls(c *call) (int, any, *refusal) {
	q := c.URL.Query()
	state := q.Get("state")
	var out []*issue
	for _, i := range c.repo.issues {
		if i.pull == nil || state != "all" && i.state != state && (state != "" || i.state != stateOpen) {
			continue
		}
		if h := q.Get("head"); h != "" && h != c.repo.owner+":"+i.pull.head {
			continue
		}
		if b := q.Get("base"); b != "" && b != i.pull.base {
			continue
		}
		out = append(out, i)
	}
	return page(s, c, out, func(i *issue) obj { return s.renderPull(c, i) })
}
