package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

// slackOnly performs pages where no pager is configured: rungs of people are
// messaged directly, any other gives up with the reason.
type slackOnly struct{}

// Perform answers for a rung that names people.
func (slackOnly) Perform(_ context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
	p, ok := t.Effect.(incident.Page)
	if !ok {
		return nil, incident.GiveUp(errors.New("no pager is configured"))
	}
	if p.Rung.Service != "" || p.Rung.Policy != "" {
		return nil, incident.GiveUp(fmt.Errorf("PagerDuty is not configured, so %q was not paged; set TOCSIN_PAGERDUTY_KEYS", p.Rung.Name))
	}
	var people []incident.Person
	for _, who := range p.Rung.People {
		if !t.State.IsExcluded(who.ID) {
			people = append(people, who)
		}
	}
	if len(people) == 0 {
		return incident.PageSkipped{Page: p.Page, Why: "nobody on this rung may be paged"}, nil
	}
	return incident.PageTaken{Page: p.Page, People: people}, nil
}
