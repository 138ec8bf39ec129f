package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { made = append(made, func(s *slack) actions.Action { return removeFromChannels{s} }) }

var errTooMany = errors.New("list the user's channels: there are more than 2,000; name those that matter with channels=")

// removeFromChannels takes a user out of channels, and invites them again
// (https://docs.slack.dev/reference/methods/conversations.kick).
type removeFromChannels struct{ *slack }

// seats are the channels a user was found in. Name goes beside the id for people.
type seats struct {
	Channels []seat `json:"channels"`
}

type seat struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Private bool   `json:"private,omitempty"`
}

func (removeFromChannels) Spec() actions.Spec {
	return actions.Spec{
		Name: "slack.remove-from-channels", Title: "Remove a user from Slack channels",
		Does: "Takes the user out of the channels that Tocsin's bot is in, or of those named; direct messages and other channels stay, and public channels can be joined again.",
		Kind: actions.KindIdentity, Reversible: true, Blast: actions.BlastTarget,
		Params: []actions.Param{{Name: "channels", Help: "channels by name or id, with commas; all that the bot is in when left out", Max: 1000}},
		Rights: []string{readUsers, readEmails, readPublic, readPrivate, kickPublic, kickPrivate}, TTL: 24 * time.Hour,
		Proof:   "The channels the user is in are listed again.",
		Example: "slack.remove-from-channels mallory@example.com",
	}
}

func (a removeFromChannels) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	reach, beyond, _, err := a.reach(ctx, u.ID, in.Params["channels"])
	if err != nil {
		return actions.Plan{}, err
	}
	found := seats{[]seat{}}
	for _, c := range reach {
		found.Channels = append(found.Channels, seat{c.ID, c.Name, c.Private})
		p.Steps = append(p.Steps, "Remove "+u.title()+" from #"+c.Name+".")
		if !c.Private {
			p.Dependants = append(p.Dependants, "#"+c.Name+" is public: "+u.title()+" can join it again.")
		}
	}
	p.Found, p.Want = actions.StateOf(found), actions.StateOf(seats{[]seat{}})
	if len(beyond) > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("Tocsin cannot remove anybody from %s: it is not a member there, or it is the workspace's general channel.", names(beyond)))
	}
	if len(reach) == 0 {
		p.Already = true
		p.Steps = []string{u.title() + " is in none of the channels that Tocsin can remove them from; nothing will change."}
	}
	p.Warnings = append(p.Warnings, "Private channels that Tocsin is not in cannot be seen. Sessions stay open.")
	return p, nil
}

// reach divides the channels a user is in into those the bot can remove them from and
// the others. A bot can act only where it is a member, and nobody is removed from the
// general channel. mine are the channels the bot is in.
func (a removeFromChannels) reach(ctx context.Context, id, named string) (reach, beyond []channel, mine []string, err error) {
	theirs, err := a.channels(ctx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	meant, err := pick(theirs, named)
	if err != nil {
		return nil, nil, nil, err
	}
	self, err := a.me(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	ours, err := a.channels(ctx, self.User)
	if err != nil {
		return nil, nil, nil, err
	}
	mine = ids(ours)
	for _, c := range meant {
		if c.General || !slices.Contains(mine, c.ID) {
			beyond = append(beyond, c)
		} else {
			reach = append(reach, c)
		}
	}
	return reach, beyond, mine, nil
}

// now is where a user is, of the channels a plan found them in.
type now struct {
	in, out []seat
	// unseen are private channels the bot is no longer in: somebody threw it out, and
	// whether the user is in there cannot be seen.
	unseen []seat
	more   bool // they are in a channel within reach that the plan knew nothing of
}

// look compares where the user is with where the plan found them. Where channels were
// named, only those count.
func (a removeFromChannels) look(ctx context.Context, id string, found actions.State, named string) (n now, err error) {
	var had seats
	if err := json.Unmarshal(found, &had); err != nil {
		return now{}, fmt.Errorf("read the plan: %w", actions.ErrStale)
	}
	reach, beyond, mine, err := a.reach(ctx, id, "")
	if err != nil {
		return now{}, err
	}
	theirs := append(ids(reach), ids(beyond)...)
	for _, s := range had.Channels {
		switch {
		case slices.Contains(theirs, s.ID):
			n.in = append(n.in, s)
		case s.Private && !slices.Contains(mine, s.ID):
			n.unseen = append(n.unseen, s)
		default:
			n.out = append(n.out, s)
		}
	}
	for _, c := range reach {
		known := slices.ContainsFunc(had.Channels, func(s seat) bool { return s.ID == c.ID })
		n.more = n.more || !known && named == ""
	}
	return n, nil
}

// Do goes on where an attempt before it stopped.
func (a removeFromChannels) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	n, err := a.look(ctx, p.Target.ID, p.Found, p.Params["channels"])
	switch {
	case err != nil:
		return actions.Receipt{}, err
	case n.more:
		return actions.Receipt{}, fmt.Errorf("%s joined another channel: %w", p.Target.Name, actions.ErrStale)
	}
	r := p.Receipt()
	for _, s := range n.out {
		r.Done = append(r.Done, p.Target.Name+" is out of #"+s.Name+".")
	}
	return a.each(ctx, r, append(n.in, n.unseen...), "out of", func(s seat) error {
		_, err := a.do(ctx, a.bot, call{step: "remove the user from #" + s.Name, method: "conversations.kick", right: kickPublic,
			in: map[string]string{"channel": s.ID, "user": p.Target.ID}})
		if refused(err, "not_in_channel") { // left by themselves meanwhile
			return nil
		}
		return err
	})
}

// each does one thing for every seat and stops where it cannot.
func (a removeFromChannels) each(ctx context.Context, r actions.Receipt, list []seat, where string, one func(seat) error) (actions.Receipt, error) {
	for i, s := range list {
		err := ctx.Err()
		if err == nil {
			err = one(s)
		}
		if err != nil && len(r.Done) == 0 {
			return actions.Receipt{}, err
		}
		if err != nil {
			part := &actions.Partial{Receipt: r, Err: err}
			for _, left := range list[i:] {
				part.NotDone = append(part.NotDone, "#"+left.Name)
			}
			return actions.Receipt{}, part
		}
		r.Done = append(r.Done, fmt.Sprintf("%s is %s #%s.", r.Target.Name, where, s.Name))
	}
	return r, nil
}

func (a removeFromChannels) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	n, err := a.look(ctx, r.Target.ID, r.Found, r.Params["channels"])
	if err != nil {
		return actions.Proof{}, err
	}
	var seen []string
	for _, s := range n.in {
		seen = append(seen, r.Target.Name+" is in #"+s.Name+".")
	}
	for _, s := range n.out {
		seen = append(seen, r.Target.Name+" is not in #"+s.Name+".")
	}
	for _, s := range n.unseen {
		seen = append(seen, "Tocsin is no longer in #"+s.Name+" and cannot see who is.")
	}
	if len(seen) == 0 {
		seen = []string{r.Target.Name + " was in none of the channels."}
	}
	switch {
	case r.Undone && len(n.out) > 0, !r.Undone && len(n.in) > 0:
		return actions.Refuted(seen...), nil
	case len(n.unseen) > 0:
		return actions.Stored(seen...), nil
	}
	return actions.Proven(seen...), nil
}

// Undo invites the user again to every channel they were taken out of.
func (a removeFromChannels) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	back := r
	back.Undone, back.Done = true, nil
	if r.Already {
		return back, nil
	}
	n, err := a.look(ctx, r.Target.ID, r.Found, r.Params["channels"])
	switch {
	case err != nil:
		return actions.Receipt{}, err
	case n.more && !r.Force:
		return actions.Receipt{}, &actions.Changed{What: r.Target.Name + " came into another channel since: somebody has let them in again."}
	}
	for _, s := range n.in {
		back.Done = append(back.Done, r.Target.Name+" is in #"+s.Name+".")
	}
	return a.each(ctx, back, append(n.out, n.unseen...), "in", func(s seat) error {
		_, err := a.do(ctx, a.bot, call{step: "invite the user to #" + s.Name, method: "conversations.invite", right: kickPublic,
			in: map[string]string{"channel": s.ID, "users": r.Target.ID}})
		if refused(err, "already_in_channel") {
			return nil
		}
		return err
	})
}
