package story

import (
	"context"
	"fmt"
	"slices"

	"github.com/tocsin-ir/tocsin/internal/sandbox/cloudflare"
)

// cloudflareForms list what is done to the zones at Cloudflare, and what must be so there.
func cloudflareForms() []form {
	lie := func(on bool) func(context.Context, *Player, args) error {
		return func(_ context.Context, p *Player, _ args) error {
			p.World.Cloudflare.Lie(on)
			return nil
		}
	}
	blocks := func(want bool) func(*Player, args) error {
		return func(p *Player, a args) error {
			rules := p.zoneRules(a["zone"])
			has := slices.ContainsFunc(rules, func(r cloudflare.Rule) bool {
				return r.Enabled && r.Action == "block" && r.Expression == "ip.src eq "+a["address"]
			})
			return holdsIf(has == want, fmt.Sprintf("its rules are %+v", rules))
		}
	}
	return []form{
		deed("cloudflare lies", "says yes from now on and keeps nothing", lie(true)),
		deed("cloudflare tells the truth", "", lie(false)),
		expect("cloudflare zone <zone> blocks <address>", "by a custom rule for this address alone", blocks(true)),
		expect("cloudflare zone <zone> passes <address>", "no such rule", blocks(false)),
	}
}

func (p *Player) zoneRules(name string) (out []cloudflare.Rule) {
	p.World.Cloudflare.Look(func(w *cloudflare.World) {
		for _, z := range w.Zones {
			if z.Name == name && w.Rulesets[z.ID] != nil {
				out = slices.Clone(w.Rulesets[z.ID].Rules)
			}
		}
	})
	return out
}
