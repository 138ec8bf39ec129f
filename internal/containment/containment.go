// Package containment carries out what the rules owe of containment: it plans, keeps
// evidence, does, verifies and releases, through the actions of the catalogue. It decides
// nothing. Just before a deed it has the rules judge it once more, and after it it tells
// what was seen, never what was hoped.
package containment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// Bounds of carrying out.
const (
	planners     = 8                // targets planned at once
	planLong     = 50 * time.Second // for all targets of a request
	deedLong     = 30 * time.Second // for one deed; its performer has a minute
	preserveLong = 30 * time.Second // for evidence, then a waiver is offered (docs/adr/0045-deeds-and-registers.md)
	writeDown    = 5 * time.Second  // kept back of the performer's time for the record
	proofWait    = 3 * time.Second  // longest wait between two looks at the world
	proofLooks   = 5
	giveUpAfter  = 12 // attempts; about ten minutes of a vendor's outage, told from the first on
)

// Record is what is read of incidents and registers.
type Record interface {
	Load(ctx context.Context, id incident.ID) (incident.State, error)
	Event(ctx context.Context, id incident.ID, seq int64) (incident.Recorded, error)
}

// Evidence keeps what is preserved. Put returns what is kept of it and the key to read it.
type Evidence interface {
	Keep(ctx context.Context, of incident.ID, item io.Reader, limit int64) (incident.KeptItem, error)
}

// Crew performs the effects plan_action, enforce, release and prolong.
type Crew struct {
	Catalogue *actions.Catalogue
	Record    Record
	Evidence  Evidence // nil: nothing can be kept, so nothing that destroys is done without a waiver
	Rules     func() incident.Rules
	Now       func() time.Time
	Log       *slog.Logger
}

// Perform carries out one effect.
func (c *Crew) Perform(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error) {
	switch e := t.Effect.(type) {
	case incident.PlanAction:
		return c.plan(ctx, t, e)
	case incident.Enforce:
		return c.enforce(ctx, t, e, tell)
	case incident.Release:
		return c.release(ctx, t, e, tell)
	case incident.Prolong:
		return c.prolong(ctx, t, e, tell)
	}
	return nil, incident.GiveUp(fmt.Errorf("containment: %T is not its business", t.Effect))
}

// plan asks the action about every target and says what each would be.
func (c *Crew) plan(ctx context.Context, t incident.Task, e incident.PlanAction) (incident.Command, error) {
	deed, ok := t.State.Deed(e.N)
	if !ok || deed.Round != e.Round {
		return nil, nil
	}
	out := incident.ActionIsPlanned{N: e.N, Round: e.Round}
	action, ok := c.Catalogue.Find(deed.Action)
	if !ok {
		out.Err = fmt.Sprintf("There is no action %s here any more.", deed.Action)
		return out, nil
	}
	spec := action.Spec()
	names := deed.TargetNames()
	if deed.Names.Text == "" || len(names) != len(deed.Targets) {
		out.Err = "The targets were erased from the record."
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, planLong)
	defer cancel()
	in := actions.Input{Params: paramsOf(deed), Key: deed.ID(t.State.Stream), Note: noteOf(t.State, deed)}
	if deed.Lasts && deed.TTL > 0 && deed.Grant.OnExpiry == "release" {
		in.Until = c.Now().Add(deed.TTL).Truncate(time.Minute)
	}
	plans, errs := each(ctx, action, in, names, skipped(deed))
	if err := passing(errs, t.Attempt); err != nil {
		return nil, err // one vendor in trouble: all of it is planned again, reading costs nothing
	}
	out.Destroys, out.Lasts, out.Reversible = spec.Destroys, spec.Reversible && spec.TTL > 0, spec.Reversible
	body := make([]*actions.Plan, len(names))
	var sum []actions.Plan
	for i, name := range names {
		brief := incident.Brief{Name: name}
		register := incident.ID("")
		switch {
		case skipped(deed)(i):
			brief.Steps = []string{"Done already by this request."}
		case errs[i] != nil:
			brief.Refused = Reason(errs[i])
		default:
			p := plans[i]
			body[i] = &p
			sum = append(sum, p)
			register = incident.HoldID(string(p.Target.Kind), vendorOf(deed.Action)+":"+p.Target.ID)
			brief = incident.Brief{Name: name, Owner: p.Owner, Steps: p.Steps, Dependants: p.Dependants, Lost: p.Lost, Warnings: p.Warnings, Already: p.Already}
			if p.Target.Name != "" && p.Target.Name != name {
				brief.Steps = append([]string{"It is " + p.Target.Name + "."}, brief.Steps...)
			}
		}
		out.Briefs, out.Registers, out.Names = append(out.Briefs, brief), append(out.Registers, register), append(out.Names, name)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, incident.GiveUp(fmt.Errorf("write the plan: %w", err))
	}
	out.Body, out.Digest = string(b), actions.Digest(sum)
	return out, nil
}

// skipped are the targets of an earlier round that stand as they are.
func skipped(d incident.Deed) func(int) bool {
	return func(i int) bool { m := d.Targets[i].Mark; return m.Holds() || m == incident.MarkDone }
}

// each plans every target, some at once.
func each(ctx context.Context, action actions.Action, in actions.Input, names []string, skip func(int) bool) ([]actions.Plan, []error) {
	plans, errs := make([]actions.Plan, len(names)), make([]error, len(names))
	slots := make(chan struct{}, planners)
	var wg sync.WaitGroup
	for i, name := range names {
		if skip(i) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			one := in
			one.Target = name
			one.Key = fmt.Sprintf("%s#%d", in.Key, i)
			plans[i], errs[i] = action.Plan(ctx, one)
		})
	}
	wg.Wait()
	return plans, errs
}

// passing is an error that may be gone at the next attempt; a vendor that stays away is
// told as the reason instead.
func passing(errs []error, attempt int) error {
	for _, err := range errs {
		if err == nil || actions.Final(err) {
			continue
		}
		if _, wait := incident.LaterBy(err); wait || attempt < 4 {
			return fmt.Errorf("plan: %w", err)
		}
	}
	return nil
}

func paramsOf(d incident.Deed) map[string]string {
	out := map[string]string{}
	if d.Params.Text != "" {
		_ = json.Unmarshal([]byte(d.Params.Text), &out)
	}
	return out
}

// noteOf may be written at a vendor: a confidential incident is a codename there.
func noteOf(s incident.State, d incident.Deed) string {
	if s.Private {
		return "Tocsin, " + s.Codename
	}
	return "Tocsin, " + d.ID(s.Stream)
}

func vendorOf(action string) string {
	for i, r := range action {
		if r == '.' {
			return action[:i]
		}
	}
	return action
}

// planOf is the approved plan of one target.
func (c *Crew) planOf(ctx context.Context, k incident.HoldKey) (incident.State, incident.Deed, actions.Plan, error) {
	s, err := c.Record.Load(ctx, k.Incident)
	if err != nil {
		return s, incident.Deed{}, actions.Plan{}, fmt.Errorf("load %s: %w", k.Incident, err)
	}
	deed, ok := s.Deed(k.Deed)
	if !ok || deed.Planned == 0 {
		return s, deed, actions.Plan{}, nil
	}
	ev, err := c.Record.Event(ctx, k.Incident, deed.Planned)
	if err != nil {
		return s, deed, actions.Plan{}, fmt.Errorf("read the plan of %s: %w", deed.ID(k.Incident), err)
	}
	planned, ok := ev.Event.(incident.ActionPlanned)
	var plans []*actions.Plan
	if !ok || json.Unmarshal([]byte(planned.Body.Text), &plans) != nil || k.Index >= len(plans) || plans[k.Index] == nil {
		return s, deed, actions.Plan{}, nil //nolint:nilerr // a plan nobody can read runs nothing
	}
	var sum []actions.Plan
	for _, p := range plans {
		if p != nil {
			sum = append(sum, *p)
		}
	}
	// What was approved is what runs: a record that was tampered with runs nothing.
	if actions.Digest(sum) != deed.Digest || planned.Digest != deed.Digest {
		return s, deed, actions.Plan{}, nil
	}
	return s, deed, *plans[k.Index], nil
}

// Reason is an error for people: what an action says in words of its own, and a plain
// sentence for anything else.
func Reason(err error) string {
	var (
		no      *actions.NoTarget
		many    *actions.Ambiguous
		right   *actions.MissingRight
		param   *actions.BadParam
		part    *actions.Partial
		changed *actions.Changed
	)
	switch {
	case errors.As(err, &part):
		return upper(fmt.Sprintf("%s; %s", (&actions.Partial{Receipt: part.Receipt, NotDone: part.NotDone, Err: errors.New("it stopped")}).Error(), Reason(part.Err)))
	case errors.As(err, &no), errors.As(err, &many), errors.As(err, &right), errors.As(err, &param), errors.As(err, &changed), errors.Is(err, actions.ErrStale):
		return sentence(err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "It took too long."
	}
	return sentence(err.Error())
}

// sentence begins with a capital, unless it begins with a name, and ends with one stop.
func sentence(s string) string {
	s = strings.TrimRight(upper(s), ". ")
	if strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

func upper(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s == "" || s[0] < 'a' || s[0] > 'z' || strings.ContainsAny(first, "@.:-_/0123456789") {
		return s
	}
	return string(s[0]-0x20) + s[1:]
}
