package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
)

// hearGitHub hands what somebody did to an action item's issue to the incident the
// item belongs to. What Tocsin did there itself is no news: an answer that comes late
// would undo what was decided here since.
func (a *App) hearGitHub(ctx context.Context, id incident.CommandID, e github.IssueEvent) error {
	if e.Own {
		return nil
	}
	stream, ours, err := a.db.ByClaim(ctx, incident.IssueKey(e.Repo, e.Number))
	if err != nil {
		return fmt.Errorf("whose is %s#%d: %w", e.Repo, e.Number, err)
	}
	if !ours {
		return nil // about an issue that is none of ours
	}
	s, err := a.db.Load(ctx, stream)
	if err != nil {
		return fmt.Errorf("load %s: %w", stream, err)
	}
	i := slices.IndexFunc(s.Items, func(it incident.ActionItem) bool { return it.Number == e.Number })
	if i < 0 {
		return nil
	}
	change := a.itemChange(ctx, s, s.Items[i], e)
	if change.Done == nil && change.Owner == nil && change.Due == nil {
		return nil
	}
	_, err = a.engine.Handle(ctx, stream, incident.Asked{
		ID: id, By: a.byGitHub(ctx, e.Actor), Via: incident.ViaGitHub, At: a.clock.Now(), What: change,
	})
	return err
}

// itemChange is what an event means for the item. An issue has several assignees, an
// item one owner: the owner stays while they are among them, else it is the last one
// who is known. An issue that nobody is assigned to leaves the item its owner.
func (a *App) itemChange(ctx context.Context, s incident.State, it incident.ActionItem, e github.IssueEvent) incident.ChangeItem {
	c := incident.ChangeItem{N: it.N}
	switch e.Action {
	case "closed", "reopened":
		done := e.Action == "closed"
		if it.Done != done {
			c.Done = &done
		}
		return c
	case "edited":
		c.Due = a.dueFrom(it.Due, e.Due)
		return c
	}
	for _, login := range e.Assignees {
		p, ok := a.plan.Now().ByGitHub(login)
		if !ok {
			continue
		}
		if p.ID == it.Owner {
			c.Owner = nil
			return c
		}
		if known, err := a.standing(ctx, p); err == nil && !s.IsExcluded(p.ID) {
			c.Owner = &known
		}
	}
	return c
}

// Of a day that somebody wrote on GitHub: when it is due on that day unless that is known,
// and how far from now it may be for us to believe that it was meant.
const (
	dueHour  = 17 * time.Hour // UTC
	duePast  = 365 * 24 * time.Hour
	dueAhead = 5 * 365 * 24 * time.Hour
)

// dueFrom is when an item falls due that GitHub says is due on a day; nil when that is
// no news. The time of the day stays.
func (a *App) dueFrom(was, day time.Time) *time.Time {
	now := a.clock.Now()
	if was.UTC().Format(time.DateOnly) == day.Format(time.DateOnly) || day.Before(now.Add(-duePast)) || day.After(now.Add(dueAhead)) {
		return nil
	}
	hour := dueHour
	if !was.IsZero() {
		hour = was.UTC().Sub(was.UTC().Truncate(24 * time.Hour))
	}
	due := day.Add(hour)
	return &due
}

// byGitHub is who a login is; GitHub itself when the plan does not know it.
func (a *App) byGitHub(ctx context.Context, login string) incident.Person {
	p, ok := a.plan.Now().ByGitHub(login)
	if !ok {
		return incident.Vendor("github")
	}
	known, err := a.standing(ctx, p)
	if err != nil {
		return p
	}
	return known
}

// standing looks whether somebody's account is still good, and believes the plan
// while Slack does not say: GitHub does not tell its news twice.
func (a *App) standing(ctx context.Context, p incident.Person) (incident.Person, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	known, err := a.people.withStanding(ctx, p)
	var no *incident.Refusal
	if err != nil && !errors.As(err, &no) {
		return p, nil
	}
	return known, err
}
