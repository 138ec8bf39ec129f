package app

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
)

// memberFresh is how long what Slack said of an account is believed without asking
// again: a deactivated account is out within it. memberStale is how long it is
// believed while Slack does not answer.
const (
	memberFresh = time.Minute
	memberStale = 24 * time.Hour
	maxMembers  = 10_000
)

// members is what people.go needs of the Slack surface.
type members interface {
	Member(ctx context.Context, id string) (bot.Member, error)
	MemberByEmail(ctx context.Context, address string) (bot.Member, error)
	MemberByName(ctx context.Context, name string) (bot.Member, error)
}

// people knows who is who: the plan's people first, everybody else by their Slack
// account. One human is one principal, whatever account they come with.
type people struct {
	plan  func() *plan.Plan
	slack members // set once the surface exists
	now   func() time.Time
	log   *slog.Logger

	// mu guards everything that follows.
	mu   sync.Mutex
	seen map[string]seen
}

type seen struct {
	member bot.Member
	at     time.Time
}

func newPeople(p func() *plan.Plan, now func() time.Time, log *slog.Logger) *people {
	return &people{plan: p, now: now, log: log, seen: map[string]seen{}}
}

// BySlack finds a person by Slack user id, with their Standing. Somebody Slack does
// not know is a *incident.Refusal; while Slack does not answer, the plan's people and
// those seen within a day are believed.
func (d *people) BySlack(ctx context.Context, id string) (incident.Person, error) {
	m, err := d.member(ctx, id)
	switch {
	case err == nil:
		return d.principal(m), nil
	case bot.IsUnknownMember(err):
		return incident.Person{}, unknown(id)
	}
	if p, ok := d.plan().BySlack(id); ok {
		d.log.Warn("slack did not say who somebody is; the plan did", "error", err)
		return p, nil
	}
	return incident.Person{}, incident.Refuse("unknown-person", "Slack does not say right now who that is.", "Try again in a minute.")
}

func unknown(who string) error {
	return incident.Refuse("unknown-person", "I do not know "+quoted(who)+".", "Mention them with @, as Slack completes it.")
}

func quoted(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return `"` + s + `"`
}

// ByName finds a person by plan id, e-mail, GitHub login, Slack id, or name.
func (d *people) ByName(ctx context.Context, text string) (incident.Person, error) {
	name := strings.TrimPrefix(strings.TrimSpace(text), "@")
	p := d.plan()
	if who, ok := p.ByID(incident.PersonID(strings.ToLower(name))); ok {
		return d.withStanding(ctx, who)
	}
	if strings.Contains(name, "@") {
		if who, ok := p.ByEmail(name); ok {
			return d.withStanding(ctx, who)
		}
		m, err := d.slack.MemberByEmail(ctx, name)
		if err != nil {
			return incident.Person{}, unknown(name)
		}
		return d.principal(d.remember(m)), nil
	}
	for _, who := range p.People() {
		if strings.EqualFold(who.Name.Text, name) || who.Slack == name {
			return d.withStanding(ctx, who)
		}
	}
	if m, err := d.slack.MemberByName(ctx, name); err == nil {
		return d.principal(d.remember(m)), nil
	}
	if len(name) >= 5 && (name[0] == 'U' || name[0] == 'W') && strings.ToUpper(name) == name {
		return d.BySlack(ctx, name)
	}
	return incident.Person{}, unknown(name)
}

// withStanding looks whether the account behind a person of the plan is still good.
func (d *people) withStanding(ctx context.Context, p incident.Person) (incident.Person, error) {
	if p.Slack == "" {
		return p, nil
	}
	return d.BySlack(ctx, p.Slack)
}

// byPager finds the person behind a PagerDuty user; either may be "".
func (d *people) byPager(id, email string) (incident.Person, bool) {
	p := d.plan()
	if who, ok := p.ByPagerDuty(id); ok && id != "" {
		return who, true
	}
	if email == "" {
		return incident.Person{}, false
	}
	who, ok := p.ByEmail(email)
	if ok {
		who.PagerDuty = id
		return who, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	m, err := d.slack.MemberByEmail(ctx, email)
	if err != nil {
		return incident.Person{}, false
	}
	who = d.principal(d.remember(m))
	who.PagerDuty = id
	return who, true
}

// principal joins what Slack knows with what the plan knows.
func (d *people) principal(m bot.Member) incident.Person {
	p, ok := d.plan().BySlack(m.ID)
	if !ok && m.Email != "" && m.Standing != incident.Foreign {
		// Another workspace may give its accounts any address: it makes nobody one of us.
		p, ok = d.plan().ByEmail(m.Email)
	}
	if !ok {
		p = incident.Person{ID: incident.PersonID(m.ID)}
	}
	p.Slack, p.Standing = m.ID, m.Standing
	if p.Name.Text == "" {
		p.Name = incident.Seal(m.Name)
	}
	if p.Email.Text == "" {
		p.Email = incident.Seal(m.Email)
	}
	if p.Zone == "" {
		p.Zone = m.Zone
	}
	if m.Bot {
		p.Standing = incident.Guest // an app may not act as a responder
	}
	return p
}

func (d *people) member(ctx context.Context, id string) (bot.Member, error) {
	d.mu.Lock()
	had, ok := d.seen[id]
	d.mu.Unlock()
	if ok && d.now().Sub(had.at) < memberFresh {
		return had.member, nil
	}
	m, err := d.slack.Member(ctx, id)
	if err == nil {
		return d.remember(m), nil
	}
	if ok && !bot.IsUnknownMember(err) && d.now().Sub(had.at) < memberStale {
		return had.member, nil
	}
	return bot.Member{}, err
}

func (d *people) remember(m bot.Member) bot.Member {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.seen) >= maxMembers {
		clear(d.seen)
	}
	d.seen[m.ID] = seen{m, d.now()}
	return m
}
