package pagerduty

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Why a rung is passed over. Nobody is named: the room may hold the person's friends.
const (
	whyBarred  = "someone on this rung may not be paged"
	whyNobody  = "nobody on this rung may be paged"
	whyUnknown = "who is on call on this rung cannot be known, and someone may not be paged in this incident; name a schedule or a policy on the rung, and a PagerDuty API token"
)

// shortWait is a wait the room need not hear of.
const shortWait = 2 * time.Second

// page pages a rung, or the one person the effect names.
func (p *Pager) page(ctx context.Context, t incident.Task, e incident.Page, tell func(incident.Command) error) (incident.Command, error) {
	if e.To != "" {
		return p.pageOne(ctx, t, e, tell)
	}
	rung := e.Rung
	vendor := rung.Service != "" || rung.Policy != ""
	if vendor && !anyBarred(t.State) {
		return p.pageAtOnce(ctx, t, e, tell)
	}
	on := p.onCallNow(ctx, rung, t.Rank)
	people, bad := p.reach(t.State, rung, on)
	switch {
	case bad:
		return incident.PageSkipped{Page: e.Page, Why: whyBarred}, nil
	case !vendor && len(people) == 0 && on.err != nil:
		return nil, p.say(t, e.Page, nil, tell, on.err, "Check the schedule id in the plan.")
	case !vendor && len(people) == 0:
		return incident.PageSkipped{Page: e.Page, Why: whyNobody}, nil
	case !vendor:
		return incident.PageTaken{Page: e.Page, People: people}, nil
	case anyBarred(t.State) && !on.known && on.err == nil:
		return incident.PageSkipped{Page: e.Page, Why: whyUnknown}, nil
	case anyBarred(t.State) && !on.known:
		// Paging blindly could ring the very person this is about.
		return nil, p.say(t, e.Page, people, tell, on.err, "Check the schedule or policy id in the plan.")
	}
	ref, err := p.trigger(ctx, t, rung, nil)
	if err != nil {
		return nil, p.say(t, e.Page, people, tell, err, fixFor(rung))
	}
	return incident.PageTaken{Page: e.Page, People: people, Vendor: ref}, nil
}

// pageAtOnce pages a rung while it is being looked up whom that reaches. Only where
// nobody is excluded: otherwise who is on call has to be known first.
func (p *Pager) pageAtOnce(ctx context.Context, t incident.Task, e incident.Page, tell func(incident.Command) error) (incident.Command, error) {
	found := make(chan rota, 1)
	go func() { found <- p.onCallNow(ctx, e.Rung, t.Rank) }()
	ref, err := p.trigger(ctx, t, e.Rung, nil)
	people, _ := p.reach(t.State, e.Rung, <-found)
	if err != nil {
		return nil, p.say(t, e.Page, people, tell, err, fixFor(e.Rung))
	}
	return incident.PageTaken{Page: e.Page, People: people, Vendor: ref}, nil
}

// pageOne pages one person by name: through PagerDuty when they have a user there
// and an incident can be assigned, otherwise by the direct message others send.
func (p *Pager) pageOne(ctx context.Context, t incident.Task, e incident.Page, tell func(incident.Command) error) (incident.Command, error) {
	who := t.State.Person(e.To)
	if i := slices.IndexFunc(e.Rung.People, func(o incident.Person) bool { return o.ID == e.To }); i >= 0 {
		who = e.Rung.People[i]
	}
	if barred(t.State, who) {
		return incident.PageSkipped{Page: e.Page, Why: "this person may not be paged"}, nil
	}
	people := []incident.Person{who}
	// The incident needs a service: the configured one, or one of a policy in use.
	rung := incident.Rung{Urgency: "high"}
	for _, r := range t.State.Paging.Ladder.Rungs {
		if rung.Policy == "" {
			rung.Policy = r.Policy
		}
	}
	if who.PagerDuty == "" || !p.mayREST() || p.conf.RESTService == "" && rung.Policy == "" {
		return incident.PageTaken{Page: e.Page, People: people}, nil
	}
	ref, err := p.trigger(ctx, t, rung, []string{who.PagerDuty})
	if err != nil {
		return nil, p.say(t, e.Page, people, tell, err, "Check the PagerDuty user id and the service in the configuration.")
	}
	return incident.PageTaken{Page: e.Page, People: people, Vendor: ref}, nil
}

// say tells the room that a page does not go through, once and when the reason is
// final, and returns what the engine is to do. A short wait is nothing to hear of.
func (p *Pager) say(t incident.Task, page incident.PageID, people []incident.Person, tell func(incident.Command) error, err error, hint string) error {
	end := verdict(err, hint)
	wait, later := incident.LaterBy(end)
	switch told := t.State.Paging.Pages[page].Trouble; {
	case later && wait <= shortWait:
		return end
	case told != "" && !incident.IsGivenUp(end):
		return end
	case told == why(end):
		return end
	}
	if tellErr := tell(incident.PageTroubled{Page: page, Why: why(end), People: people}); tellErr != nil {
		return errors.Join(end, tellErr)
	}
	return end
}

// why is the reason in few words, for the room.
func why(err error) string {
	var r *refused
	if errors.As(err, &r) && r.unsent {
		return "The page cannot be sent. " + r.fix()
	}
	if r != nil {
		return "PagerDuty refused the page. " + r.fix()
	}
	var t *trouble
	switch {
	case !errors.As(err, &t):
		return "PagerDuty cannot be asked now"
	case t.status == http.StatusTooManyRequests:
		return "PagerDuty asks to wait: too many requests"
	case t.status == 0 && t.cause != nil:
		return "PagerDuty does not answer in time"
	case t.status == 0:
		return "PagerDuty cannot be reached"
	case t.status >= 500:
		return "PagerDuty answers with an error of its own"
	}
	return "PagerDuty's answer makes no sense"
}

func fixFor(r incident.Rung) string {
	if r.Policy != "" {
		return "Check the escalation policy and the priority this rung names in the plan, and the service in the configuration."
	}
	return "Check the integration key of the service this rung names."
}
