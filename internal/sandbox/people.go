package sandbox

import (
	"slices"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Persona is somebody of the world, with their accounts at the three vendors.
type Persona struct {
	Name      string // "alice": the handle in Slack and in stories
	RealName  string
	Title     string // what they do, in a few words
	Email     string
	Zone      string // IANA
	Phone     string // digits after the country code +1; empty: none
	Slack     string // user id
	PagerDuty string // user id; empty: no account
	GitHub    string // login; empty: no account

	Admin       bool
	Guest       bool // sees only the channels they are in
	Deactivated bool // has left the company
}

// People are the personas of the default world, those on call first.
func People() []Persona {
	return []Persona{
		{Name: "alice", RealName: "Alice Archer", Title: "Security lead", Email: "alice@example.com", Zone: "Europe/Berlin", Phone: "5550101",
			Slack: "U0ALICE01", PagerDuty: "PALICE1", GitHub: "alice", Admin: true},
		{Name: "bob", RealName: "Bob Brandt", Title: "Security engineer, primary on-call", Email: "bob@example.com", Zone: "America/New_York", Phone: "5550102",
			Slack: "U0BOB0001", PagerDuty: "PBOB001", GitHub: "bob"},
		{Name: "carol", RealName: "Carol Chen", Title: "Security engineer, secondary on-call", Email: "carol@example.com", Zone: "Asia/Singapore", Phone: "5550103",
			Slack: "U0CAROL01", PagerDuty: "PCAROL1", GitHub: "carol"},
		{Name: "dave", RealName: "Dave Dutta", Title: "Owner of the web fleet", Email: "dave@example.com", Zone: "Europe/London", Phone: "5550104",
			Slack: "U0DAVE001", PagerDuty: "PDAVE01", GitHub: "dave"},
		{Name: "erin", RealName: "Erin Eriksen", Title: "Chief operating officer", Email: "erin@example.com", Zone: "Europe/Berlin", Slack: "U0ERIN001"},
		{Name: "mallory", RealName: "Mallory Moss", Title: "Software engineer", Email: "mallory@example.com", Zone: "Europe/Berlin", Slack: "U0MALLORY1"},
		{Name: "gus", RealName: "Gus Gast", Title: "Contractor", Email: "gus@partner.example", Zone: "Europe/Berlin", Slack: "U0GUS0001", Guest: true},
		{Name: "dora", RealName: "Dora Dahl", Title: "Left the company", Email: "dora@example.com", Zone: "Europe/Berlin", Slack: "U0DORA001", Deactivated: true},
	}
}

// Person finds a persona by name.
func (w *World) Person(name string) (Persona, bool) {
	i := slices.IndexFunc(w.People, func(p Persona) bool { return p.Name == name })
	if i < 0 {
		return Persona{}, false
	}
	return w.People[i], true
}

// populate fills the workspace: the people and the channels they talk in.
func (w *World) populate() {
	var all, staff []string
	for _, p := range w.People {
		w.Slack.AddUser(slack.User{ID: p.Slack, Name: p.Name, RealName: p.RealName, Email: p.Email, TZ: p.Zone, Title: p.Title,
			Admin: p.Admin, Guest: p.Guest, Deleted: p.Deactivated})
		if p.Deactivated {
			continue
		}
		all = append(all, p.Slack)
		if !p.Guest {
			staff = append(staff, p.Slack)
		}
	}
	bot, _ := w.Slack.BotUser()
	w.Slack.AddChannel("general", false, append(all, bot)...)
	w.Slack.AddChannel("incidents", false, append(staff, bot)...)
	var team []string
	for _, p := range w.People {
		if p.PagerDuty != "" {
			team = append(team, p.Slack)
		}
	}
	w.Slack.AddChannel("security-team", false, team...)
}
