package story

import (
	"context"
	"fmt"
	"strings"
)

// oktaForms list what is done to Okta, and what must be so there.
func oktaForms() []form {
	set := func(status string) func(context.Context, *Player, args) error {
		return func(_ context.Context, p *Player, a args) error {
			if !p.World.Okta.Set(a["login"], status) {
				return fmt.Errorf("no user of Okta is called %q", a["login"])
			}
			return nil
		}
	}
	return []form{
		deed("an administrator suspends <login> in okta", "in Okta's own console", set("SUSPENDED")),
		deed("an administrator unsuspends <login> in okta", "", set("ACTIVE")),
		deed("an administrator deactivates <login> in okta", "", set("DEPROVISIONED")),
		deed("okta lies", "says yes from now on and keeps nothing", func(_ context.Context, p *Player, _ args) error {
			p.World.Okta.Lie(true)
			return nil
		}),
		deed("okta tells the truth", "", func(_ context.Context, p *Player, _ args) error {
			p.World.Okta.Lie(false)
			return nil
		}),
		expect("okta user <login> is <status>", "ACTIVE, SUSPENDED, PASSWORD_EXPIRED, DEPROVISIONED", func(p *Player, a args) error {
			u, ok := p.World.Okta.Look(a["login"])
			return holdsIf(ok && strings.EqualFold(u.Status, a["status"]), fmt.Sprintf("it is %q", u.Status))
		}),
		expect("okta user <login> has <n-count> sessions", "", func(p *Player, a args) error {
			u, ok := p.World.Okta.Look(a["login"])
			return holdsIf(ok && u.Sessions == a.number("n-count", -1), fmt.Sprintf("there are %d", u.Sessions))
		}),
		expect("okta changed <n-count> times", "how often something really changed", func(p *Player, a args) error {
			n := p.World.Okta.Writes()
			return holdsIf(n == a.number("n-count", -1), fmt.Sprintf("it changed %d times", n))
		}),
	}
}
