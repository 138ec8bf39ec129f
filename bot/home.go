package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// publishHome draws a person's home tab from the present record. It is not drawn before
// it may be shown: a busy hour wants it drawn more often than Slack takes it.
func (s *Slack) publishHome(ctx context.Context, user string, rank incident.Rank) error {
	const method = "views.publish"
	done, err := s.homes.begin(user)
	if err != nil {
		return err
	}
	var shows []incident.State
	defer func() { done(shows) }()
	if err := s.budget.Take(ctx, method, user, rank); err != nil {
		return fmt.Errorf("publish the home tab: %w", err)
	}
	card, list, err := s.home(ctx, user)
	if err != nil {
		return err
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: draw(card, maxHomeBlocks)}}
	err = s.paid(ctx, method, user, func() error {
		_, err := s.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view})
		return err
	})
	if err != nil {
		return fmt.Errorf("publish the home tab: %w", err)
	}
	shows = list
	return nil
}

// onHome is how many incidents are looked at for a home tab.
const onHome = 30

// home is a person's home tab and the incidents it was drawn from.
func (s *Slack) home(ctx context.Context, user string) (templates.Card, []incident.State, error) {
	p, err := s.c.Room.Directory.BySlack(ctx, user)
	if err == nil {
		err = welcome(p)
	}
	if no, ok := asRefusal(err); ok {
		return refusalCard(no), nil, nil
	}
	if err != nil {
		return templates.Card{}, nil, fmt.Errorf("look up %s: %w", user, err)
	}
	a := s.c.Room.begin(Call{Person: p, Via: incident.ViaSlack})
	list, err := a.visible(ctx, onHome, incident.Open, incident.Resolved)
	if err != nil {
		return templates.Card{}, nil, err
	}
	me := templates.Me{Person: p, Incidents: list}
	for _, st := range list {
		me.Duties = append(me.Duties, templates.Duties(st, p.ID, a.now)...)
	}
	return templates.Home(me, a.now), list, nil
}
