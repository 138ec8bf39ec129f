package aws

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// denying is what deny-user and deny-role share: an inline policy that denies everything.
type denying struct {
	deed
	kind string
}

func (d denying) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	who, err := d.principal(ctx, d.kind, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	found, err := d.document(ctx, who, denyName)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: who.arn, Name: who.name})
	p.Found = actions.StateOf(policyState{Document: found})
	p.Want = actions.StateOf(policyState{Document: denyAll().text()})
	p.Steps = []string{fmt.Sprintf("Put the inline policy %s on the %s %s; it denies every action on every resource.", denyName, who.kind, who.name)}
	p.Dependants = []string{fmt.Sprintf("Everything that acts as the %s %s stops, sessions that are already open too.", who.kind, who.name)}
	if found != "" && !same(p.Found, p.Want) {
		p.Warnings = append(p.Warnings, fmt.Sprintf("There is a policy %s with another text; it is replaced, and undo brings it back.", denyName))
	}
	if d.kind == user {
		p.Warnings = append(p.Warnings, d.findings(ctx, d.conf.Region, about{user: who.name})...)
	}
	p.Owner = owner(who.tags)
	p.Already = same(p.Found, p.Want)
	return p, nil
}

func (d denying) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	who := principalOf(d.kind, p.Target)
	text, err := d.document(ctx, who, denyName)
	if err != nil {
		return actions.Receipt{}, err
	}
	now := actions.StateOf(policyState{Document: text})
	r := p.Receipt()
	if p.Already && same(now, p.Want) {
		return r, nil
	}
	r.Done = []string{fmt.Sprintf("The policy %s on %s denies everything.", denyName, who.name)}
	if same(now, p.Want) {
		return r, nil
	}
	if !same(now, p.Found) {
		return actions.Receipt{}, stale(p)
	}
	return r, d.write(ctx, who, denyName, denyAll().text())
}

func (d denying) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	who := principalOf(d.kind, r.Target)
	text, err := d.document(ctx, who, denyName)
	if err != nil {
		return actions.Proof{}, err
	}
	if r.Undone {
		return restored(r, actions.StateOf(policyState{Document: text}), denyName), nil
	}
	if text != denyAll().text() {
		return later(actions.Refuted(fmt.Sprintf("The policy %s of %s is not there, or not as it was written.", denyName, who.name))), nil
	}
	stored := fmt.Sprintf("The policy %s is on %s.", denyName, who.name)
	return d.enforced(ctx, who, stored, time.Now())
}

// enforced is a proof by IAM's own judgement: its simulator.
func (d deed) enforced(ctx context.Context, who principal, stored string, issued time.Time) (actions.Proof, error) {
	yes, err := d.deniedBySimulator(ctx, who.arn, issued)
	var right *actions.MissingRight
	switch {
	case errors.As(err, &right):
		return actions.Stored(stored, "IAM's simulator could not be asked: Tocsin lacks "+right.Right+"."), nil
	case err != nil:
		return actions.Proof{}, err
	case !yes:
		return later(actions.Refuted(stored, "IAM's simulator does not deny it what it should.")), nil
	}
	return actions.Proven(stored, "IAM's simulator decides explicitDeny for every action it was asked about.",
		"It may take IAM some seconds until every region obeys."), nil
}

// restored is the proof of an undo.
func restored(r actions.Receipt, now actions.State, name string) actions.Proof {
	if !same(now, r.Found) {
		return later(actions.Refuted(fmt.Sprintf("The policy %s of %s is not as it was found.", name, r.Target.Name)))
	}
	return actions.Proven(fmt.Sprintf("The policy %s of %s is as it was found.", name, r.Target.Name))
}

func (d denying) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	text, err := d.document(ctx, principalOf(d.kind, r.Target), denyName)
	if err != nil {
		return actions.Receipt{}, err
	}
	return d.takeBack(ctx, principalOf(d.kind, r.Target), r, actions.StateOf(policyState{Document: text}), denyName)
}

// takeBack restores the policy that was found.
func (d deed) takeBack(ctx context.Context, who principal, r actions.Receipt, now actions.State, name string) (actions.Receipt, error) {
	found, err := stateIn[policyState](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := undone(r, fmt.Sprintf("The policy %s of %s is as it was found.", name, who.name))
	if r.Already || same(now, r.Found) {
		return back, nil
	}
	if !same(now, r.Left) && !r.Force {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("somebody changed the policy %s of %s since", name, who.name)}
	}
	return back, d.write(ctx, who, name, found.Document)
}
