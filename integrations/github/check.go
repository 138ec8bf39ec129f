package github

import (
	"context"
	"errors"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/incident"
)

// Finding is one thing the doctor looked at.
type Finding struct {
	OK   bool
	What string // what was looked at: "acme/incidents"
	Says string // what was found, in a sentence
	Fix  string // what to do; "" when OK
}

// Check looks whether post-mortems could be written to the repositories (owner/name),
// without writing anything: sign-in, visibility, issues, push access.
func (p *Publisher) Check(ctx context.Context, repos ...string) []Finding {
	c, err := p.client()
	if err != nil {
		return []Finding{{false, "GitHub", "Its address is wrong.", "Correct it in the configuration."}}
	}
	var out []Finding
	if len(p.conf.WebhookSecret) == 0 {
		out = append(out, Finding{false, "GitHub webhook secret", "None is configured: closing an action item on GitHub stays unheard.", "Add the secret of the webhook."})
	}
	for _, full := range repos {
		out = append(out, p.checkRepo(ctx, c, full))
	}
	return out
}

func (p *Publisher) checkRepo(ctx context.Context, c *gh.Client, full string) Finding {
	owner, name, ok := strings.Cut(full, "/")
	if !ok || !isName(owner) || !isName(name) {
		return Finding{false, cut(full, 100), "This is not the name of a repository.", "Write owner/name."}
	}
	var got *gh.Repository
	err := p.call(ctx, incident.RankSay, CostRead, "look at "+full, func() (resp *gh.Response, err error) {
		got, resp, err = c.Repositories.Get(ctx, owner, name)
		return resp, err
	})
	if err != nil {
		says, do := err.Error()+".", "Try again; check the network and the address of GitHub."
		var t *trouble
		if errors.As(err, &t) && !t.passing() {
			do = fix(t)
		}
		if statusOf(err) == http.StatusUnauthorized {
			says = "GitHub does not accept the token or app."
		}
		return Finding{false, full, says, do}
	}
	w := &place{owner: got.GetOwner().GetLogin(), name: got.GetName(), visibility: visibility(got), push: got.GetPermissions()["push"]}
	if why := p.unfit(got, w, false); why != "" {
		return Finding{false, full, why, "See the sentence before."}
	}
	if !w.push && p.conf.App == nil { // of an app GitHub does not say
		return Finding{false, full, "Tocsin's account may not push: labels and assignees would be dropped.", "Give it write access, or the app Issues: read and write."}
	}
	return Finding{true, full, "The repository is " + w.visibility + " and may be written to.", ""}
}
