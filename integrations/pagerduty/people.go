package pagerduty

import (
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// person is the principal behind a PagerDuty user; somebody the plan does not know
// is known by the PagerDuty id.
func (p *Pager) person(id, name, email string) incident.Person {
	if who, ok := p.conf.People(id, email); ok {
		if who.PagerDuty == "" {
			who.PagerDuty = id
		}
		return who
	}
	who := incident.Person{ID: incident.PersonID("pagerduty:" + id), PagerDuty: id, Name: incident.Seal(cut(name, incident.MaxName))}
	if email != "" {
		who.Email = incident.Seal(cut(email, incident.MaxName))
	}
	return who
}

// barred reports whether a person may not be paged in this incident. Accounts are
// compared as well as names: an exclusion holds for the human, however they are known.
func barred(s incident.State, who incident.Person) bool {
	if s.IsExcluded(who.ID) {
		return true
	}
	for _, part := range s.People {
		if part.Excluded && sameHuman(part.Person, who) {
			return true
		}
	}
	return false
}

func sameHuman(a, b incident.Person) bool {
	same := func(x, y string) bool { return x != "" && strings.EqualFold(x, y) }
	return same(a.PagerDuty, b.PagerDuty) || same(a.Slack, b.Slack) || same(a.Email.Text, b.Email.Text)
}

func anyBarred(s incident.State) bool {
	for _, part := range s.People {
		if part.Excluded {
			return true
		}
	}
	return false
}

// reach is whom a rung would reach: those paged first, the plan's own people without
// the barred, and whether the pager would ring somebody who is barred, now or as the
// policy steps on by itself.
func (p *Pager) reach(s incident.State, rung incident.Rung, on rota) (people []incident.Person, bad bool) {
	for _, c := range on.people {
		bad = bad || barred(s, p.person(c.ID, c.Name, c.Email))
	}
	for _, c := range first(on.people) {
		if who := p.person(c.ID, c.Name, c.Email); !barred(s, who) {
			people = addPerson(people, who)
		}
	}
	for _, who := range rung.People {
		if !barred(s, who) {
			people = addPerson(people, who)
		}
	}
	return people, bad
}

func addPerson(to []incident.Person, who incident.Person) []incident.Person {
	for _, have := range to {
		if have.ID == who.ID {
			return to
		}
	}
	return append(to, who)
}
