package app

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/internal/mask"
	"github.com/tocsin-ir/tocsin/templates"
)

func (a *App) openGitHub(context.Context, Parts) error {
	c := a.config.GitHub
	if !c.Token.IsSet() && c.App == 0 {
		a.log.Warn("GitHub is not configured: post-mortems stay in the room")
		return nil
	}
	a.mask = new(mask.Mask)
	conf := github.Config{
		Token: github.Secret(c.Token.Reveal()), BaseURL: c.URL, AllowPublic: c.AllowPublic,
		Clock: a.clock, Budget: a.githubBudget, HTTP: a.metrics.client("github", 15*time.Second),
		Repo: a.repository, Render: a.renderPostMortem, RenderItem: a.renderItem, Mask: a.masked,
	}
	if c.App != 0 {
		conf.App = &github.App{ID: c.App, Installation: c.Installation, Key: github.Secret(c.AppKey.Reveal())}
	}
	if c.WebhookSecret.IsSet() {
		conf.WebhookSecret = []github.Secret{github.Secret(c.WebhookSecret.Reveal())}
	}
	var err error
	a.github, err = github.New(conf)
	return err
}

// repository says where an incident's post-mortem goes: where it is already, else
// where the plan says.
func (a *App) repository(s incident.State) (owner, name string, err error) {
	repo := s.Report.Repo
	if repo == "" {
		repo = a.plan.Now().Settings().PostMortem.Repository
	}
	owner, name, ok := strings.Cut(repo, "/")
	if !ok {
		return "", "", incident.GiveUp(errors.New("the plan names no repository for post-mortems; set postmortem.repository in settings.yaml"))
	}
	return owner, name, nil
}

func (a *App) masked(text string) (string, []string) {
	clean, found := a.mask.Text(text)
	var what []string
	for _, f := range found {
		what = append(what, f.Rule)
	}
	return clean, what
}

func (a *App) renderPostMortem(ctx context.Context, t incident.Task, f github.Facts) (github.Document, error) {
	options := a.documentOptions(t, !f.TaskList)
	events, err := a.record(ctx, t.Incident, a.db.Outline)
	if err != nil {
		return github.Document{}, err
	}
	if err := a.db.Reveal(ctx, events, templates.PostMortemReads(t.State, events, options)); err != nil {
		return github.Document{}, err
	}
	d := templates.PostMortem(t.State, events, options)
	return github.Document{Title: d.Title, Body: d.Body, Labels: d.Labels, Assignees: d.Assignees, Private: t.State.Private}, nil
}

func (a *App) renderItem(_ context.Context, t incident.Task, item incident.ActionItem) (github.Document, error) {
	d := templates.ItemIssue(t.State, item, a.documentOptions(t, true))
	return github.Document{Title: d.Title, Body: d.Body, Labels: d.Labels, Assignees: d.Assignees, Private: t.State.Private}, nil
}

func (a *App) documentOptions(t incident.Task, subIssues bool) templates.Options {
	return templates.Options{
		Confidential: t.State.Private, SubIssues: subIssues, Labels: a.plan.Now().Settings().PostMortem.Labels, Now: a.clock.Now(),
		Link: func(m incident.MessageRef) string { return m.Permalink },
	}
}

// history reads the whole record of an incident, texts filled.
func (a *App) history(ctx context.Context, id incident.ID) ([]incident.Recorded, error) {
	return a.record(ctx, id, a.db.Timeline)
}

// record reads the whole record of an incident. Its entries are numbered without a
// gap, so pages of a long one are read side by side.
func (a *App) record(ctx context.Context, id incident.ID, read func(context.Context, incident.ID, int64, int) ([]incident.Recorded, error)) ([]incident.Recorded, error) {
	const page = 1000
	var all []incident.Recorded
	for width := 1; ; width = runtime.GOMAXPROCS(0) {
		pages, errs := make([][]incident.Recorded, width), make([]error, width)
		var reading sync.WaitGroup
		for i := range width {
			reading.Go(func() { pages[i], errs[i] = read(ctx, id, int64(len(all)+i*page), page) })
		}
		reading.Wait()
		if err := errors.Join(errs...); err != nil {
			return nil, fmt.Errorf("read the record of %s: %w", id, err)
		}
		for _, some := range pages {
			all = append(all, some...)
			if len(some) < page {
				return all, nil
			}
		}
	}
}
