package story

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

// orgForms list what is done to GitHub's organisation and to the keys of its repositories,
// and what must be so there.
func orgForms() []form {
	key := func(want bool) func(*Player, args) error {
		return func(p *Player, a args) error {
			keys := p.World.GitHub.DeployKeys(a["repo"])
			has := slices.ContainsFunc(keys, func(k github.DeployKey) bool { return strings.EqualFold(k.Title, a["name"]) })
			return holdsIf(has == want, fmt.Sprintf("it has %d keys", len(keys)))
		}
	}
	return []form{
		deed("github member <login> accepts", "the invitation back into the organisation", func(_ context.Context, p *Player, a args) error {
			return p.World.GitHub.Accept(sandbox.Org, a["login"])
		}),
		expect("github member <login> is <state>", "active, pending, out", func(p *Player, a args) error {
			is := "out"
			if m, ok := p.World.GitHub.Member(sandbox.Org, a["login"]); ok {
				is = m.State
			}
			return holdsIf(is == a["state"], "the account is "+is)
		}),
		expect("github repository <repo> has deploy key <name>", "", key(true)),
		expect("github repository <repo> lacks deploy key <name>", "", key(false)),
	}
}
