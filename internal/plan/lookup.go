package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// People are all people of the plan, in the order of people.yaml.
func (p *Plan) People() []incident.Person {
	out := make([]incident.Person, len(p.people))
	for n, who := range p.people {
		out[n] = who.Person
	}
	return out
}

// ByID finds a person by the plan's id.
func (p *Plan) ByID(id incident.PersonID) (incident.Person, bool) {
	n, ok := p.byID[id]
	if !ok {
		return incident.Person{}, false
	}
	return p.people[n].Person, true
}

// BySlack finds a person by Slack user id, ByPagerDuty by PagerDuty user id,
// ByGitHub by login and ByEmail by address. Capitals do not matter in any.
func (p *Plan) BySlack(id string) (incident.Person, bool) { return p.byAccount("slack", id) }

// ByPagerDuty finds a person by PagerDuty user id.
func (p *Plan) ByPagerDuty(id string) (incident.Person, bool) { return p.byAccount("pagerduty", id) }

// ByGitHub finds a person by login.
func (p *Plan) ByGitHub(login string) (incident.Person, bool) { return p.byAccount("github", login) }

// ByEmail finds a person by e-mail address.
func (p *Plan) ByEmail(address string) (incident.Person, bool) { return p.byAccount("email", address) }

func (p *Plan) byAccount(space, account string) (incident.Person, bool) {
	n, ok := p.accounts[space+" "+strings.ToLower(strings.TrimSpace(account))]
	if !ok {
		return incident.Person{}, false
	}
	return p.people[n].Person, true
}

// Contact is how else to reach a person, for responders' eyes only; "" if the plan
// does not say.
func (p *Plan) Contact(id incident.PersonID) string {
	if n, ok := p.byID[id]; ok {
		return p.people[n].contact
	}
	return ""
}

// Settings are the plan's settings.
func (p *Plan) Settings() Settings { return p.settings }

// Services are the names of the PagerDuty integration keys that ladders page with,
// sorted. The configuration has to have a key for each.
func (p *Plan) Services() []string {
	names := map[string]bool{}
	for _, l := range p.ladders {
		for _, r := range l.rungs {
			if r.Service != "" {
				names[r.Service] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Schedules are the ids of the PagerDuty schedules that rungs name, sorted: whose
// on-call has to be known when PagerDuty cannot be asked.
func (p *Plan) Schedules() []string {
	ids := map[string]bool{}
	for _, l := range p.ladders {
		for _, r := range l.rungs {
			if r.Schedule != "" {
				ids[r.Schedule] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// Ladders are the names of all ladders, sorted.
func (p *Plan) Ladders() []string { return slices.Sorted(maps.Keys(p.ladders)) }

func (p *Plan) personIDs() []string {
	out := make([]string, len(p.people))
	for n, who := range p.people {
		out[n] = string(who.ID)
	}
	return out
}
