package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// publishHome draws a person's home tab from the present record.
func (s *Slack) publishHome(ctx context.Context, user string, rank incident.Rank) error {
	card, err := s.home(ctx, user)
	if err != nil {
		return err
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: draw(card, maxHomeBlocks)}}
	err = s.call(ctx, "views.publish", user, rank, func() error {
		_, err := s.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view})
		return err
	})
	if err != nil {
		return fmt.Errorf("publish the home tab: %w", err)
	}
	return nil
}

func (s *Slack) home(ctx context.Context, user string) (templates.Card, error) {
	p, err := s.c.Room.Directory.BySlack(ctx, user)
	if err == nil {
		err = welcome(p)
	}
	if no, ok := asRefusal(err); ok {
		return refusalCard(no), nil
	}
	if err != nil {
		return templates.Card{}, fmt.Errorf("look up %s: %w", user, err)
	}
	a := s.c.Room.begin(Call{Person: p, Via: incident.ViaSlack})
	list, err := a.visible(ctx, 30, incident.Open, incident.Resolved)
	if err != nil {
		return templates.Card{}, err
	}
	me := templates.Me{Person: p, Incidents: list}
	for _, st := range list {
		me.Duties = append(me.Duties, templates.Duties(st, p.ID, a.now)...)
	}
	return templates.Home(me, a.now), nil
}
