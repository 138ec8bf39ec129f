package app

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
)

// reader is the record as bot asks for it.
type reader struct{ *store.DB }

// List returns incidents of the given statuses, newest first.
func (r reader) List(ctx context.Context, statuses []incident.Status, limit int) ([]incident.State, error) {
	return r.DB.List(ctx, store.Filter{Statuses: statuses, Limit: limit})
}

// agreed is the plan in force, whichever that is at the moment.
type agreed struct{ *plan.Current }

func (p agreed) Digest() string      { return p.Now().Digest() }
func (p agreed) Types() []string     { return p.Now().Types() }
func (p agreed) DefaultType() string { return p.Now().DefaultType() }
func (p agreed) DefaultSeverity(incidentType string) incident.Severity {
	return p.Now().DefaultSeverity(incidentType)
}
func (p agreed) Roles() []incident.RoleSpec { return p.Now().Roles() }
func (p agreed) Sections() []string         { return incident.Sections() }
func (p agreed) Ladders() []string          { return p.Now().Ladders() }
func (p agreed) AssetNames() []string       { return p.Now().AssetNames() }
func (p agreed) Judge(q incident.Question) incident.Judgement {
	return p.Now().Judge(q)
}

// May says whether somebody may do something, as it is agreed now.
func (p agreed) May(who incident.Person, r incident.Right, s incident.State) incident.Verdict {
	return p.Now().May(who, r, s)
}

// Contacts says how to reach people outside Slack and the pager: what PagerDuty told
// last, and the plan.
func (a *App) Contacts(ctx context.Context, ids []incident.PersonID) ([]bot.Contact, error) {
	var out []bot.Contact
	for _, id := range ids {
		p, ok := a.plan.Now().ByID(id)
		if !ok {
			if p, ok = a.plan.Now().BySlack(string(id)); !ok {
				p = incident.Person{ID: id, Slack: string(id)}
			}
		}
		c := bot.Contact{Person: p}
		if way := a.plan.Now().Contact(p.ID); way != "" {
			c.Ways = append(c.Ways, way)
		}
		if a.pager != nil && p.PagerDuty != "" {
			ways, _, err := a.pager.Contacts(ctx, p.PagerDuty)
			if err != nil {
				a.log.Info("contact details", "error", err)
			}
			for _, w := range ways {
				c.Ways = append(c.Ways, fmt.Sprintf("%s: %s", w.Kind, w.Address))
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// PlanPerson finds a person of the plan by id.
func (a *App) PlanPerson(id string) (incident.Person, bool) {
	return a.plan.Now().ByID(incident.PersonID(id))
}
