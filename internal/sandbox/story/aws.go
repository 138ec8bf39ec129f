package story

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/aws"
)

// awsForms list what is done to the AWS account, and what must be so there.
func awsForms() []form {
	lie := func(on bool) func(context.Context, *Player, args) error {
		return func(_ context.Context, p *Player, _ args) error {
			p.World.AWS.Lie(on)
			return nil
		}
	}
	listed := func(want bool) func(*Player, args) error {
		return func(p *Player, a args) error {
			list, found := p.ipSet(a["set"])
			return holdsIf(found && slices.Contains(list, a["cidr"]) == want, "it lists "+strings.Join(list, ", "))
		}
	}
	return []form{
		deed("somebody activates the aws key <id>", "in AWS's own console", func(_ context.Context, p *Player, a args) error {
			return p.setKey(a["id"], aws.Active)
		}),
		deed("aws lies", "says yes from now on and keeps nothing", lie(true)),
		deed("aws tells the truth", "", lie(false)),
		expect("aws key <id> is <status>", "Active, Inactive, gone", func(p *Player, a args) error {
			is := p.keyStatus(a["id"])
			return holdsIf(strings.EqualFold(is, a["status"]), fmt.Sprintf("it is %q", is))
		}),
		expect("aws ip set <set> has <cidr>", "of WAF, in the region", listed(true)),
		expect("aws ip set <set> lacks <cidr>", "", listed(false)),
		expect("aws changed <n-count> times", "how often something really changed", func(p *Player, a args) error {
			n := p.World.AWS.Writes()
			return holdsIf(n == a.number("n-count", -1), fmt.Sprintf("it changed %d times", n))
		}),
	}
}

// keyStatus is the status of an access key, "gone" where nobody has it.
func (p *Player) keyStatus(id string) string {
	status := "gone"
	p.World.AWS.Look(func(w *aws.World) {
		for _, u := range w.IAM.Users {
			for _, k := range u.Keys {
				if k.ID == id {
					status = k.Status
				}
			}
		}
	})
	return status
}

func (p *Player) setKey(id, status string) error {
	found := false
	p.World.AWS.With(func(w *aws.World) {
		for _, u := range w.IAM.Users {
			for i := range u.Keys {
				if u.Keys[i].ID == id {
					u.Keys[i].Status, found = status, true
				}
			}
		}
	})
	if !found {
		return fmt.Errorf("AWS has no key %q", id)
	}
	return nil
}

// ipSet is what a set of any region lists, and whether there is one.
func (p *Player) ipSet(name string) (list []string, found bool) {
	p.World.AWS.Look(func(w *aws.World) {
		for _, waf := range w.WAF {
			for _, s := range waf.Sets {
				if s.Name == name {
					list, found = slices.Clone(s.Addresses), true
				}
			}
		}
	})
	return list, found
}
