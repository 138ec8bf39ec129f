package plan

import (
	"net/mail"
	"regexp"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// person is one entry of people.yaml.
type person struct {
	incident.Person
	contact string
	at      at
}

var (
	slackID     = regexp.MustCompile(`^[UW][A-Z0-9]{2,30}$`)
	pagerDutyID = regexp.MustCompile(`^[A-Z0-9]{4,30}$`)
	gitHubLogin = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9_])*$`)
)

// reserved words name nobody: they are the other things that may stand in "who".
var reserved = []string{whoAnyone, whoResponders, "nobody", "tocsin", "system"}

func (r *reading) people() {
	if _, there := r.texts[peopleFile]; !there {
		return // everybody is then known by their Slack id alone
	}
	top, ok := r.top(peopleFile)
	if !ok {
		return
	}
	f := top.fields("people")
	f.must("people")
	for _, v := range f.items("people") {
		r.person(v)
	}
}

func (r *reading) person(v value) {
	f := v.fields("id", "name", "email", "slack", "pagerduty", "github", "zone", "contact")
	p := person{at: v.at, contact: f.text("contact", incident.MaxName)}
	id, ok := f.must("id")
	if !ok {
		return
	}
	p.ID = incident.PersonID(id.word())
	p.Name = incident.Seal(f.needText("name", incident.MaxName))
	for _, w := range reserved {
		if string(p.ID) == w {
			id.wrong("choose another id", "%q has a meaning of its own", w)
		}
	}
	if e, there := f.get("email"); there {
		p.Email = incident.Seal(r.account(e, "e-mail address", isAddress, "write only the address, name@example.com"))
	}
	if a, there := f.get("slack"); there {
		p.Slack = r.account(a, "Slack user id", slackID.MatchString, "it begins with U or W; in Slack: profile, ⋮, Copy member ID")
	}
	if a, there := f.get("pagerduty"); there {
		p.PagerDuty = r.account(a, "PagerDuty user id", pagerDutyID.MatchString, "it is the end of the user's address in PagerDuty, such as PXPGF42")
	}
	if a, there := f.get("github"); there {
		p.GitHub = r.account(a, "GitHub login", gitHubLogin.MatchString, "write it without @")
	}
	if z, there := f.get("zone"); there {
		p.Zone = z.zone()
	}
	if p.ID == "" {
		return
	}
	if earlier, twice := r.plan.byID[p.ID]; twice {
		id.wrong("", "%q is already the person of %s", p.ID, r.plan.people[earlier].at)
		return
	}
	r.plan.byID[p.ID] = len(r.plan.people)
	r.plan.people = append(r.plan.people, p)
}

// account is an account nobody else has: one account with two owners would make
// two persons of one, and four eyes of two.
func (r *reading) account(v value, what string, valid func(string) bool, hint string) string {
	t := v.name()
	if t == "" {
		return ""
	}
	if !valid(t) {
		v.wrong(hint, "%q is no %s", t, what)
		return ""
	}
	key := what + " " + strings.ToLower(t)
	if earlier, twice := r.accounts[key]; twice {
		v.wrong("one account belongs to one person", "the %s %s is already given in %s", what, t, earlier)
	}
	r.accounts[key] = v.at
	return t
}

func isAddress(t string) bool {
	a, err := mail.ParseAddress(t)
	return err == nil && a.Address == t && a.Name == ""
}

// persons reads a list of people's ids.
func (r *reading) persons(list []value) []incident.Person {
	var out []incident.Person
	for _, v := range list {
		if p, ok := r.personNamed(v); ok {
			out = append(out, p)
		}
	}
	return out
}

func (r *reading) personNamed(v value) (incident.Person, bool) {
	id := v.name()
	if id == "" || r.unread[peopleFile] {
		return incident.Person{}, false
	}
	n, ok := r.plan.byID[incident.PersonID(id)]
	if !ok {
		v.wrong(didYouMean(id, r.plan.personIDs()), "nobody in %s has the id %q", peopleFile, id)
		return incident.Person{}, false
	}
	return r.plan.people[n].Person, true
}
