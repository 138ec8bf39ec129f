package story

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

// worldForms list what time and the vendors do.
func worldForms() []form {
	return []form{
		deed("wait <duration>", "so much time passes at once, in small steps; what it wakes is done before the next step", func(ctx context.Context, p *Player, a args) error {
			return p.pass(ctx, a.duration("duration"))
		}),
		deed("speed <n>", "from now on a second of real time is so many here", func(_ context.Context, p *Player, a args) error {
			p.World.Clock.SetFactor(float64(max(1, a.number("n", 1))))
			return nil
		}),
		deed("all is quiet", "nothing changes any more for a while", func(ctx context.Context, p *Player, _ args) error { return p.settle(ctx) }),
		deed("<vendor> is down [for <duration>]", "answers 503 to everything", broken(fault.Down)),
		deed("<vendor> is up", "all its troubles end", func(_ context.Context, p *Player, a args) error {
			p.faults(a["vendor"]).Clear()
			return nil
		}),
		deed("<vendor> limits <method> [for <duration>] [once] [<n> times]", "answers 429; retry after ten seconds", broken(fault.RateLimit)),
		deed("<vendor> answers <n-status> [to <method>] [once] [<n> times]", "an error; no work is done", broken(fault.ServerError)),
		deed("<vendor> loses answers to <method> [for <duration>] [once] [<n> times]", "the work is done, the answer is lost", broken(fault.Ambiguous)),
		deed("<vendor> cuts calls to <method> [for <duration>] [once] [<n> times]", "the connection is closed before any work", broken(fault.Drop)),
		deed("<vendor> is slow by <duration-delay> [for <duration>]", "every answer comes late, in real time", broken(fault.Latency)),
		deed("slack drops sockets", "all Socket Mode connections are cut", func(_ context.Context, p *Player, _ args) error {
			p.World.Slack.DropSockets()
			return nil
		}),
		deed("slack refreshes sockets", "as it does every few hours: asks for new connections", func(_ context.Context, p *Player, _ args) error {
			p.World.Slack.RefreshSockets()
			return nil
		}),
		deed("slack loses <n> acknowledgements", "what the app acknowledged is delivered again", func(_ context.Context, p *Player, a args) error {
			p.World.Slack.LoseAcks(a.number("n", 1))
			return nil
		}),
		deed("slack repeats <n> events", "delivers each twice", func(_ context.Context, p *Player, a args) error {
			p.World.Slack.RepeatEvents(a.number("n", 1))
			return nil
		}),
		deed("slack revokes tokens", "", func(_ context.Context, p *Player, _ args) error {
			p.World.Slack.RevokeTokens(true)
			return nil
		}),
		deed("slack restores tokens", "", func(_ context.Context, p *Player, _ args) error {
			p.World.Slack.RevokeTokens(false)
			return nil
		}),
		deed("somebody posts <text> to <path> unsigned|forged|stale|sha1|signed|twice", "a request to the app from outside: <path> is /slack/command, /pagerduty/webhook …; twice: signed, and the same again", posts),
		expect("they get <n-status>", "what the last posted request was answered with", func(p *Player, a args) error {
			return holdsIf(p.answered == a.number("n-status", 0), fmt.Sprintf("the answer was %d", p.answered))
		}),
	}
}

func (p *Player) faults(vendor string) *fault.Set {
	switch vendor {
	case "pagerduty":
		return p.World.PagerDuty.Faults()
	case "github":
		return p.World.GitHub.Faults()
	case "okta":
		return p.World.Okta.Faults()
	case "aws":
		return p.World.AWS.Faults()
	case "cloudflare":
		return p.World.Cloudflare.Faults()
	}
	return p.World.Slack.Faults()
}

// retryAfter is what a limited caller is told to wait.
const retryAfter = 10 * time.Second

func broken(kind fault.Kind) func(context.Context, *Player, args) error {
	return func(_ context.Context, p *Player, a args) error {
		r := fault.Rule{Vendor: a["vendor"], Method: a["method"], Kind: kind, RetryAfter: retryAfter,
			Delay: a.duration("duration-delay"), Status: a.number("n-status", 0), Times: a.number("n", 0)}
		if a.has("once") {
			r.Times = 1
		}
		if d := a.duration("duration"); d > 0 {
			r.Until = p.World.Clock.Now().Add(d)
		}
		p.faults(a["vendor"]).Add(r)
		return nil
	}
}

// Time passes in about so many steps, none planned shorter than this, so that what falls
// due on the way happens in order and at about its time. What the program says it has
// to do next ends a step early, by nearly a second at most too late.
const (
	maxPasses = 12
	minPass   = 30 * time.Second
	atLeast   = time.Second
	between   = 40 * time.Millisecond
)

func (p *Player) pass(ctx context.Context, d time.Duration) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	step := max(minPass, d/maxPasses)
	for d > 0 {
		some := min(step, d)
		if next := p.next(); next > 0 {
			some = min(some, max(next, atLeast))
		}
		p.World.Clock.Advance(some)
		if d -= some; d > 0 {
			if err := p.still(ctx, between); err != nil {
				return err
			}
		}
	}
	return p.settle(ctx)
}

// next is how long it is until the program has something to do; 0: nobody knows.
func (p *Player) next() time.Duration {
	if p.Next == nil {
		return 0
	}
	next := p.Next()
	if next.IsZero() {
		return 0
	}
	return next.Sub(p.World.Clock.Now())
}

// hookForms list what only the program can do; see Player.Hooks.
func hookForms() []form {
	hook := func(pattern, help string, filled ...string) form {
		return deed(pattern, help, func(ctx context.Context, p *Player, a args) error { return p.hook(ctx, pattern, a, filled) })
	}
	wants := func(pattern, help string, never bool, filled ...string) form {
		return form{Form: Form{pattern, help}, never: never, check: func(ctx context.Context, p *Player, a args) error {
			return p.hook(ctx, pattern, a, filled)
		}}
	}
	return []form{
		hook("tocsin restarts", "is killed and started again on the same database"),
		hook("tocsin stops", "is killed"),
		hook("tocsin starts", "comes back"),
		hook("tocsin do <text> [as <who>]", "the same words at the command line; plan:{shown} is the digest that the answer before showed", "text", "who"),
		wants("tocsin answers <text>", "the last of these said so", false, "text"),
		hook("token for <who>", "an operator makes one for the API", "who"),
		hook("token of <who> is revoked", "", "who"),
		hook("<who> asks the api <text>", "says it over the API, with the token made last; whoever has none makes one up", "who", "text"),
		wants("api answers <text>", "to the last of these: the answer, or why there was none", false, "text"),
		hook("<who> watches <text>", "follows an incident over the API, from now on", "who", "text"),
		wants("screen shows <text>", "on the screen of whoever watched last", false, "text"),
		wants("screen lacks <text>", "it is not on that screen", true, "text"),
		wants("watching ends <text>", "the watching is over, for that reason", false, "text"),
		hook("sensor starts on <host>", "a host with a sensor enrols and connects; what it sees is told by the story", "host"),
		hook("sensor obeys on <host>", "a host with a sensor that may be isolated; what it holds is in a table, and no kernel hears of it", "host"),
		hook("sensor stops on <host>", "the host is away", "host"),
		hook("sensor tells <text> from <host>", "a program was started; or →203.0.113.9:443, a connection was made", "text", "host"),
		hook("recording starts", "a host called recording shows, over and over, what the sensor of another once saw"),
		hook("feed lists <text>", "somebody publishes these indicators, with blanks between them, and the plan names the feed; it is read when it is due", "text"),
		hook("feed is <state>", "shut: it answers nobody until it lists something; dropped: the plan does not name it any more", "state"),
		hook("machine joins", "the machine that plays the story, as this-machine, seen through its own kernel where that is allowed"),
		hook("machine runs <text>", "a program is run on it", "text"),
		wants("timeline has <text>", "of the newest incident", false, "text"),
		wants("timeline lacks <text>", "", true, "text"),
		wants("evidence verifies <text>", "somebody who was handed the evidence of the newest incident finds it whole, and it says so", false, "text"),
		wants("audit verifies", "the chain of the newest incident is whole", false),
	}
}

// hook calls the program's hook, named by the pattern's first two words.
func (p *Player) hook(ctx context.Context, pattern string, a args, filled []string) error {
	name := strings.Join(strings.Fields(pattern)[:2], " ")
	do, ok := p.Hooks[name]
	if !ok {
		return errSure{fmt.Errorf("nobody here can carry out %q", name)}
	}
	var list []string
	for _, f := range filled {
		list = append(list, a[f])
	}
	return do(ctx, list)
}
