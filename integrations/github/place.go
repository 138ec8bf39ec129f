package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/incident"
)

// place is a repository that was found fit to be written to, and the client for it.
type place struct {
	p           *Publisher
	c           *gh.Client
	rank        incident.Rank
	owner, name string
	visibility  string
	push        bool
}

func (w *place) full() string { return w.owner + "/" + w.name }

// open looks at the repository before anything is written to it. An issue that
// exists already stays where it is, even when the plan names another repository now.
func (p *Publisher) open(ctx context.Context, t incident.Task) (*place, error) {
	owner, name, ok := strings.Cut(t.State.Report.Repo, "/")
	if t.State.Report.Number == 0 || !ok {
		var err error
		if owner, name, err = p.conf.Repo(t.State); err != nil {
			return nil, incident.GiveUp(fmt.Errorf("find the repository: %w", err))
		}
	}
	if !isName(owner) || !isName(name) {
		return nil, incident.GiveUp(errors.New("find the repository: no repository of the form owner/name is configured for post-mortems"))
	}
	c, err := p.client()
	if err != nil {
		return nil, incident.GiveUp(errors.New("find the repository: the address of GitHub is wrong"))
	}
	w := &place{p: p, c: c, rank: t.Rank, owner: owner, name: name}
	var got *gh.Repository
	err = p.call(ctx, t.Rank, CostRead, "look at the repository "+w.full(), func() (resp *gh.Response, err error) {
		got, resp, err = c.Repositories.Get(ctx, owner, name)
		return resp, err
	})
	if err != nil {
		return nil, verdict(err)
	}
	w.owner, w.name = got.GetOwner().GetLogin(), got.GetName() // after a rename, the new one
	w.visibility, w.push = visibility(got), got.GetPermissions()["push"]
	if why := p.unfit(got, w, t.State.Private); why != "" {
		return nil, incident.GiveUp(errors.New("publish to " + w.full() + ": " + why))
	}
	return w, nil
}

// unfit says why nothing may be written, "" when it may.
func (p *Publisher) unfit(r *gh.Repository, w *place, private bool) string {
	switch {
	case w.owner == "" || w.name == "":
		return "GitHub's answer does not name the repository."
	case r.GetArchived():
		return "The repository is archived. Name another one in the plan."
	case r.HasIssues != nil && !r.GetHasIssues():
		return "Issues are switched off there. Switch them on, or name another repository in the plan."
	case private && w.visibility != "private":
		return "The incident is confidential and the repository is " + w.visibility + ". Name a private repository for confidential incidents in the plan."
	case w.visibility == "public" && !p.conf.AllowPublic:
		return "The repository is public. Name a private one in the plan, or allow public ones in the configuration."
	}
	return ""
}

// visibility is private, internal or public. What is not plainly said counts as public.
func visibility(r *gh.Repository) string {
	v := r.GetVisibility()
	switch {
	case r.Private == nil || !r.GetPrivate():
		return "public"
	case v == "internal" || v == "public":
		return v
	}
	return "private"
}

// isName guards the paths the SDK builds by joining strings.
func isName(s string) bool {
	if s == "" || len(s) > 100 || s == "." || s == ".." {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return true
}
