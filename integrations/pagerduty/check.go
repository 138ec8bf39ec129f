package pagerduty

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

// Finding is one thing the doctor looked at.
type Finding struct {
	OK   bool
	What string // what was looked at: "API token"
	Says string // what was found, in a sentence
	Fix  string // what to do; "" when OK
}

// Check looks whether a page could go out, without paging anybody: the token, the
// user Tocsin acts as, integration keys, webhook secrets, priorities. It changes
// nothing at PagerDuty.
func (p *Pager) Check(ctx context.Context) []Finding {
	var out []Finding
	add := func(ok bool, what, says, fix string) {
		if ok {
			fix = ""
		}
		out = append(out, Finding{ok, what, says, fix})
	}
	if p.conf.APIToken == "" {
		add(false, "API token", "None is configured: only pages through integration keys go out, and nobody knows who is on call.", "Add a REST API key.")
	} else {
		out = append(out, p.checkREST(ctx)...)
	}
	for _, name := range slices.Sorted(maps.Keys(p.conf.Services)) {
		ok := len(p.conf.Services[name]) == 32 // Events v2: "routing_key"
		says := "has an integration key of the right length; only a page proves it."
		if !ok {
			says = "has an integration key that is not 32 characters long."
		}
		add(ok, "service "+quote(name), "The service "+says, "Copy the Events API v2 integration key of the service again.")
	}
	secrets := slices.DeleteFunc(slices.Clone(p.conf.WebhookSecrets), func(s Secret) bool { return s == "" })
	says := "At least one is configured."
	if len(secrets) == 0 {
		says = "None is configured: every webhook is refused, and what people do in PagerDuty stays unheard."
	}
	add(len(secrets) > 0, "webhook secret", says, "Add the secret of the webhook subscription.")
	return out
}

func (p *Pager) checkREST(ctx context.Context) []Finding {
	var priorities *pd.ListPrioritiesResponse
	err := p.call(ctx, incident.RankSay, CostREST, "try the API token", func(c *pd.Client) (err error) {
		priorities, err = c.ListPrioritiesWithContext(ctx, pd.ListPrioritiesOptions{Limit: 100})
		return err
	})
	if err != nil {
		end := verdict(err, "Check the address of PagerDuty in the configuration.")
		var r *refused
		if errors.As(end, &r) {
			return []Finding{{false, "API token", "PagerDuty refuses it.", r.fix()}}
		}
		return []Finding{{false, "API token", "PagerDuty cannot be asked: " + err.Error() + ".", "Try again; check the network and the address of PagerDuty in the configuration."}}
	}
	out := []Finding{{true, "API token", "PagerDuty accepts it.", ""}}
	for s := incident.P1; s <= incident.P4; s++ {
		want := p.priorityName(incident.Rung{}, s)
		if !slices.ContainsFunc(priorities.Priorities, func(have pd.Priority) bool { return strings.EqualFold(have.Name, want) }) {
			out = append(out, Finding{false, "priority for " + s.String(), "PagerDuty has no priority named " + quote(want) + ".", "Name an existing one, or enable priorities in PagerDuty."})
		}
	}
	return append(out, p.checkFrom(ctx))
}

func (p *Pager) checkFrom(ctx context.Context) Finding {
	const what = "From user"
	if p.conf.From == "" {
		return Finding{false, what, "None is configured: pages through escalation policies, notes and acknowledgements do not travel.", "Name the e-mail of a PagerDuty user."}
	}
	var got *pd.ListUsersResponse
	err := p.call(ctx, incident.RankSay, CostREST, "look up the From user", func(c *pd.Client) (err error) {
		got, err = c.ListUsersWithContext(ctx, pd.ListUsersOptions{Query: p.conf.From, Limit: 25})
		return err
	})
	if err != nil {
		return Finding{false, what, "PagerDuty cannot be asked: " + err.Error() + ".", "Try again."}
	}
	for _, u := range got.Users {
		if strings.EqualFold(u.Email, p.conf.From) {
			p.self.Store(&u.ID)
			return Finding{true, what, "PagerDuty knows the user.", ""}
		}
	}
	return Finding{false, what, "PagerDuty has no user with this e-mail.", "Name the e-mail of a PagerDuty user."}
}
