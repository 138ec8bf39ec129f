package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// made is what the files of the actions add themselves to.
var made []func(*Fleet) actions.Action

// Actions are the deeds on hosts.
func (f *Fleet) Actions() []actions.Action {
	all := make([]actions.Action, 0, len(made))
	for _, m := range made {
		all = append(all, m(f))
	}
	return all
}

const holdTTL = 24 * time.Hour

// onExpiry is a parameter of every hold.
var onExpiry = actions.Param{Name: "on-expiry", Help: "what the host does at the end of the time: ask (it stays) or release (it ends in the kernel, even with the agent dead)",
	Choices: []string{string(directive.Ask), string(directive.LetGo)}, Default: string(directive.Ask)}

// held is the state of a target, as far as holds go.
type held struct {
	By   []string `json:"held_by"`        // ids of holds, in order
	Seen string   `json:"seen,omitempty"` // what else must be as it was
}

// holding is the frame of a deed that one host holds: the order makes a hold, and its release ends it.
type holding struct {
	*Fleet
	kind directive.Kind
}

// match says which of a host's holds are about the target.
type match func(wire.Hold) bool

// about matches the holds of a kind that are about one thing; "" about anything.
func (a holding) about(thing string) match {
	return func(h wire.Hold) bool {
		return h.Kind == string(a.kind) && !h.Pending && (thing == "" || slices.Contains(h.About, thing))
	}
}

// holds are the ids of the holds that match.
func (f *Fleet) holds(ctx context.Context, host string, of match) ([]string, error) {
	all, err := ask[wire.Hold](ctx, f, host, &wire.Question{What: wire.AskHolds})
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, h := range all {
		if of(h) {
			ids = append(ids, tame(h.ID))
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// plan begins the plan of a hold: what is found, and that with ours. A host whose limits do not allow it
// is refused here, before anybody is asked to approve.
func (a holding) plan(ctx context.Context, s actions.Spec, in actions.Input, host string, t actions.Target, of match, seen string) (actions.Plan, error) {
	p := actions.Plan{Action: s.Name, Target: t, Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
	ids, err := a.holds(ctx, host, of)
	if err != nil {
		return p, err
	}
	p.Found = actions.StateOf(held{ids, seen})
	if len(ids) > 0 {
		p.Already, p.Want = true, p.Found
		return p, nil
	}
	p.Want = actions.StateOf(held{with(ids, holdID(in.Key, a.kind, host)), seen})
	if err := endsItself(in); err != nil {
		return p, err
	}
	return p, a.allowed(host, a.lasts(in.Until))
}

func with(ids []string, id string) []string {
	out := append(slices.Clone(ids), id)
	slices.Sort(out)
	return slices.Compact(out)
}

// allowed holds an order against what the host said it allows. The host judges again.
func (a holding) allowed(host string, lasts time.Duration) error {
	h, ok := a.Host(host)
	switch {
	case !ok:
		return nil
	case !h.Pinned && len(h.Kinds) > 0:
		return incident.GiveUp(fmt.Errorf("%s has pinned another key than this server signs with, and obeys nobody here; enrol it again", host))
	case !slices.Contains(h.Kinds, string(a.kind)):
		return &actions.MissingRight{Right: string(a.kind), To: fmt.Sprintf("%s; %s's own limits do not allow it", a.kind, host)}
	case a.kind.Holds() && h.Longest > 0 && lasts > h.Longest:
		return &actions.BadParam{Name: "ttl", Why: fmt.Sprintf("is longer than %s allows: %v", host, h.Longest)}
	}
	return nil
}

// endsItself refuses a hold that the host would end by itself where no end was agreed: that a hold
// releases is for the plan's grant to say, and for nobody who asks for the deed.
func endsItself(in actions.Input) error {
	if in.Params[onExpiry.Name] == string(directive.LetGo) && in.Until.IsZero() {
		return &actions.BadParam{Name: onExpiry.Name, Why: "can be release only where the grant says on_expiry: release"}
	}
	return nil
}

// ends is how long a host is told to hold, and what it does then.
func (f *Fleet) ends(params map[string]string, until time.Time) (ms int64, then directive.OnExpiry) {
	then = directive.Ask
	if params[onExpiry.Name] == string(directive.LetGo) && !until.IsZero() {
		then = directive.LetGo
	}
	return f.lasts(until).Milliseconds(), then
}

// Prolong gives the host's own timer another end, where it was to end the hold.
func (a holding) Prolong(ctx context.Context, r actions.Receipt, until time.Time) error {
	host := r.Target.ID
	if i := strings.IndexAny(host, "/:"); i >= 0 {
		host = host[:i]
	}
	return a.prolong(ctx, r, host, until)
}

func (a holding) prolong(ctx context.Context, r actions.Receipt, host string, until time.Time) error {
	if r.Params[onExpiry.Name] != string(directive.LetGo) {
		return nil // it stays whatever the host's clock says
	}
	hold := holdID(r.Key, a.kind, host)
	d := directed(directive.Extend, fmt.Sprintf("%s-until-%d", hold, a.c.Now().UnixNano()), r.Key, "new end of "+r.Key)
	d.Hold = &directive.HoldOf{ID: hold}
	d.TTL, d.OnExpiry = a.ends(r.Params, until)
	_, err := a.order(ctx, host, d)
	return err
}

func (f *Fleet) lasts(until time.Time) time.Duration {
	if until.IsZero() {
		return holdTTL
	}
	return min(max(until.Sub(f.c.Now()), time.Minute), directive.LongestTTL)
}

// do gives the order.
func (a holding) do(ctx context.Context, p actions.Plan, host string, done []string, read deed.Read, part func(*directive.Directive) error) (actions.Receipt, error) {
	return deed.Do(ctx, p, done, read, func(ctx context.Context) error {
		d := directed(a.kind, holdID(p.Key, a.kind, host), p.Key, p.Digest())
		d.TTL, d.OnExpiry = a.ends(p.Params, p.Until)
		if err := part(&d); err != nil {
			return err
		}
		_, err := a.order(ctx, host, d)
		return err
	})
}

// undo releases ours; what others hold stays.
func (a holding) undo(ctx context.Context, r actions.Receipt, host, done, changed string, read deed.Read) (actions.Receipt, error) {
	id := holdID(r.Key, a.kind, host)
	return deed.Undo(ctx, r, []string{done}, changed, read, func(ctx context.Context) error {
		ids, err := a.holds(ctx, host, func(h wire.Hold) bool { return h.ID == id })
		if err != nil || len(ids) == 0 { // somebody let it go
			return err
		}
		return a.released(ctx, host, id, r.Key)
	})
}

// verify asks the host to try the hold, by packets and by what the kernel has. A host that does not
// answer has proved nothing.
func (a holding) verify(ctx context.Context, r actions.Receipt, host string, read deed.Read) (actions.Proof, error) {
	if r.Undone {
		return a.unheld(ctx, r, host, read)
	}
	id := holdID(r.Key, a.kind, host)
	if r.Already {
		var was held
		if err := unpack(r.Left, &was); err != nil || len(was.By) == 0 {
			return actions.Proof{}, incident.GiveUp(errors.New("read the receipt: it names no hold"))
		}
		id = was.By[0]
	}
	return a.proof(ctx, host, id)
}

// proof is what a host shows of a hold.
func (f *Fleet) proof(ctx context.Context, host, id string) (actions.Proof, error) {
	got, err := ask[wire.Proof](ctx, f, host, &wire.Question{What: wire.AskProof, Subject: id})
	if err == nil && len(got) != 1 {
		err = &Silent{Host: host, Err: errors.New("its answer is empty")}
	}
	if err != nil {
		return f.unproven(ctx, err)
	}
	seen := []string{fmt.Sprintf("%s says of its hold: %s.", host, tame(got[0].Standing))}
	refused := 0
	for _, t := range got[0].Tried {
		if t.Refused {
			refused++
		}
	}
	if n := len(got[0].Tried); n > 0 {
		seen = append(seen, fmt.Sprintf("It tried %d times to get through, and its gate refused %d.", n, refused))
	}
	for _, gap := range got[0].Gaps[:min(len(got[0].Gaps), 8)] {
		seen = append(seen, "Note: "+tame(gap)+".")
	}
	switch actions.Standing(got[0].Standing) {
	case actions.InEffect:
		return actions.Proven(seen...), nil
	case actions.NotInEffect:
		return actions.Refuted(seen...), nil
	}
	return actions.Stored(append(seen, "Nothing could be tried.")...), nil
}

// unproven is the honest answer of a host that gives none.
func (f *Fleet) unproven(ctx context.Context, err error) (actions.Proof, error) {
	var away *Away
	var silent *Silent
	if ctx.Err() != nil || !errors.As(err, &away) && !errors.As(err, &silent) {
		return actions.Proof{}, err
	}
	p := actions.Stored(err.Error() + ". It was not seen whether it is in effect.")
	p.Again = 30 * time.Second
	return p, nil
}

// unheld looks whether a host is as it was found.
func (a holding) unheld(ctx context.Context, r actions.Receipt, host string, read deed.Read) (actions.Proof, error) {
	now, err := read(ctx)
	if err != nil {
		return a.unproven(ctx, err)
	}
	if deed.Same(now, r.Found) || r.Already {
		return actions.Proven(host + " holds what it held before, and nothing of ours."), nil
	}
	var is held
	if unpack(now, &is) == nil && !slices.Contains(is.By, holdID(r.Key, a.kind, host)) && r.Force {
		return actions.Proven(host + " holds nothing of ours; others hold it."), nil
	}
	return actions.Refuted(host + " is not as it was found."), nil
}

// named finds the host that a person typed.
func (f *Fleet) named(typed string) (Host, error) {
	name := strings.ToLower(strings.TrimSpace(typed))
	if h, ok := f.Host(name); ok {
		return h, nil
	}
	var fits []string
	for _, h := range f.Hosts() {
		if strings.HasPrefix(h.Name, name+".") { // web-3 for web-3.example.com
			fits = append(fits, h.Name)
		}
	}
	switch len(fits) {
	case 1:
		h, _ := f.Host(fits[0])
		return h, nil
	case 0:
		return Host{}, &actions.NoTarget{Kind: actions.KindHost, Name: typed, Hint: f.near(name)}
	}
	return Host{}, &actions.Ambiguous{Kind: actions.KindHost, Name: typed, Fits: fits}
}

// near is a hint at a host with a name like it.
func (f *Fleet) near(name string) string {
	for _, h := range f.Hosts() {
		if name != "" && (strings.Contains(h.Name, name) || strings.Contains(name, h.Name) || len(name) > 2 && strings.HasPrefix(h.Name, name[:3])) {
			return "Did you mean " + h.Name + "?"
		}
	}
	return "tocsin sensor list shows which hosts have a sensor."
}

// split reads host:rest, or host/rest.
func split(target, sep string) (host, rest string, err error) {
	host, rest, ok := strings.Cut(strings.TrimSpace(target), sep)
	if !ok || host == "" || rest == "" {
		return "", "", &actions.BadParam{Name: "target", Why: fmt.Sprintf("is a host and what is on it, with %q between them", sep)}
	}
	return host, rest, nil
}
