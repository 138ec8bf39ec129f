package story

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
)

// pagerForms list what happens at PagerDuty.
func pagerForms() []form {
	act := func(verb, help, needs string, do func(p *Player, who, incident string, a args) error) form {
		return deed("<who> "+verb+" [<title>]", help, func(ctx context.Context, p *Player, a args) error {
			return p.inPager(ctx, a, needs, func(who, incident string) error { return do(p, who, incident, a) })
		})
	}
	return []form{
		expect("pagerduty paged <who> [times|time <n>]", "notified them, over all incidents; with a number: exactly so often, however many devices rang", paged),
		expect("pagerduty paged <who> <n> times|time", "", paged),
		never("pagerduty did not page <who>", "", func(p *Player, a args) error {
			n, err := p.pages(a["who"])
			if err != nil {
				return err
			}
			return holdsIf(n == 0, fmt.Sprintf("%s was paged %d times; PagerDuty has%s", a["who"], n, p.pager()))
		}),
		act("acknowledges in pagerduty", "the newest incident that rings, or the one of that title", "triggered", func(p *Player, who, in string, _ args) error {
			return p.World.PagerDuty.Acknowledge(who, in)
		}),
		act("unacknowledges in pagerduty", "", "acknowledged", func(p *Player, who, in string, _ args) error {
			return p.World.PagerDuty.Unacknowledge(who, in)
		}),
		act("resolves in pagerduty", "", "triggered acknowledged", func(p *Player, who, in string, _ args) error {
			return p.World.PagerDuty.Resolve(who, in)
		}),
		act("reopens in pagerduty", "", "resolved", func(p *Player, who, in string, _ args) error { return p.World.PagerDuty.Reopen(who, in) }),
		act("escalates in pagerduty", "to the next rung of the policy", "triggered acknowledged", func(p *Player, who, in string, _ args) error {
			return p.World.PagerDuty.Escalate(who, in)
		}),
		act("writes <text-note> in pagerduty", "a note", "", func(p *Player, who, in string, a args) error {
			return p.World.PagerDuty.Note(who, in, a["text-note"])
		}),
		act("sets priority <priority> in pagerduty", "", "", func(p *Player, who, in string, a args) error {
			return p.World.PagerDuty.SetPriority(who, in, "PPRIO0"+strings.TrimPrefix(a["priority"], "P"))
		}),
		act("joins in pagerduty", "answers a request to help", "", func(p *Player, who, in string, _ args) error {
			return p.World.PagerDuty.Reply(who, in, true)
		}),
		deed("<who-to> is assigned in pagerduty by <who> [<title>]", "hands an open incident over", func(ctx context.Context, p *Player, a args) error {
			to, ok := p.World.Person(a["who-to"])
			if !ok || to.PagerDuty == "" {
				return fmt.Errorf("%s has no account at PagerDuty", a["who-to"])
			}
			return p.inPager(ctx, a, "triggered acknowledged", func(who, in string) error {
				return p.World.PagerDuty.Reassign(who, in, to.PagerDuty)
			})
		}),
		expect("pagerduty incident [<title>] is triggered|acknowledged|resolved", "the newest, or the newest of that title", func(p *Player, a args) error {
			in, err := p.newest(a, "")
			if err != nil {
				return err
			}
			return holdsIf(in.Status == a["triggered"], "PagerDuty has"+p.pager())
		}),
		expect("pagerduty incident [<title>] has priority <priority>", "", func(p *Player, a args) error {
			in, err := p.newest(a, "")
			if err != nil {
				return err
			}
			return holdsIf(in.Priority == a["priority"], "its priority is "+in.Priority)
		}),
		expect("pagerduty has <n> incident|incidents [titled <title>]", "exactly so many", func(p *Player, a args) error {
			n := 0
			for _, in := range p.World.PagerDuty.Incidents() {
				if t, ok := a["title"]; !ok || says(in.Title, t) {
					n++
				}
			}
			return holdsIf(n == a.number("n", -1), fmt.Sprintf("there are %d; PagerDuty has%s", n, p.pager()))
		}),
		never("pagerduty has no incidents", "", func(p *Player, _ args) error {
			return holdsIf(len(p.World.PagerDuty.Incidents()) == 0, "PagerDuty has"+p.pager())
		}),
		deed("pagerduty triggers <title> on service <service>", "an incident that is not the app's", func(_ context.Context, p *Player, a args) error {
			ids := map[string]string{"security": "PSECURE", "security-secondary": "PSECOND", "website": "PWEBAPP"}
			id := ids[a["service"]]
			if id == "" {
				return fmt.Errorf("there is no service %s; there are security, security-secondary, website", a["service"])
			}
			_, err := p.World.PagerDuty.Trigger("PDAVE01", id, a["title"])
			return err
		}),
		expect("pagerduty note has <text>", "a note or status update of any incident", func(p *Player, a args) error {
			var have []string
			for _, in := range p.World.PagerDuty.Incidents() {
				for _, n := range slices.Concat(in.Notes, in.StatusUpdates) {
					if says(n.Text, a["text"]) {
						return nil
					}
					have = append(have, n.Text)
				}
			}
			return fmt.Errorf("the notes are %q", have)
		}),
	}
}

func paged(p *Player, a args) error {
	n, err := p.pages(a["who"])
	if err != nil {
		return err
	}
	want := a.number("n", -1)
	if want < 0 && n > 0 || n == want {
		return nil
	}
	return fmt.Errorf("%s was paged %d times; PagerDuty has%s", a["who"], n, p.pager())
}

// pages counts how often somebody was notified, several devices at once being one.
func (p *Player) pages(name string) (int, error) {
	who, ok := p.World.Person(name)
	if !ok || who.PagerDuty == "" {
		return 0, errSure{fmt.Errorf("%s has no account at PagerDuty", name)}
	}
	n := 0
	for _, in := range p.World.PagerDuty.Incidents() {
		seen := map[string]bool{} // devices since the round began
		for _, x := range in.Notifications {
			if x.UserID != who.PagerDuty {
				continue
			}
			if device := x.Type + x.Address; len(seen) == 0 || seen[device] {
				n++
				seen = map[string]bool{device: true}
			} else {
				seen[device] = true
			}
		}
	}
	return n, nil
}

// inPager does something as a person once there is an incident of that status.
func (p *Player) inPager(ctx context.Context, a args, needs string, do func(who, incident string) error) error {
	who, ok := p.World.Person(a["who"])
	if !ok || who.PagerDuty == "" {
		return fmt.Errorf("%s has no account at PagerDuty", a["who"])
	}
	return p.until(ctx, func() error {
		in, err := p.newest(a, needs)
		if err != nil {
			return err
		}
		if err := do(who.PagerDuty, in.ID); err != nil {
			return errSure{err}
		}
		return nil
	})
}

// newest finds an incident by its title and status, where the step names them.
func (p *Player) newest(a args, needs string) (pagerduty.Incident, error) {
	for _, in := range p.World.PagerDuty.Incidents() {
		if t, ok := a["title"]; ok && !says(in.Title, t) {
			continue
		}
		if needs == "" || slices.Contains(strings.Fields(needs), in.Status) {
			return in, nil
		}
	}
	return pagerduty.Incident{}, errors.New("there is no such incident; PagerDuty has" + p.pager())
}

// pager tells what PagerDuty has.
func (p *Player) pager() string {
	var out []sight
	for _, in := range p.World.PagerDuty.Incidents() {
		var to []string
		for _, x := range in.Assigned {
			to = append(to, x.Name)
		}
		out = append(out, sight{"", fmt.Sprintf("#%d %s · %s · %s · assigned to %s · %d notifications", in.Number, in.Title, in.Service, in.Status, strings.Join(to, ", "), len(in.Notifications))})
	}
	slices.Reverse(out)
	return last(out, 6)
}
