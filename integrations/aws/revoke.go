package aws

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// revoking is what revoke-user-sessions and revoke-role-sessions share: an inline policy
// that denies everything to sessions issued before the deed. The time is AWS's own, so
// that a wrong clock here leaves no session out.
type revoking struct {
	deed
	kind string
}

// state is the policy as the plan with this key sees it.
func (d revoking) state(ctx context.Context, who principal, key string) (actions.State, time.Time, error) {
	text, err := d.document(ctx, who, revokeName)
	if err != nil {
		return nil, time.Time{}, err
	}
	if at, ok := revokedAt(text, markOf(key)); ok {
		return actions.StateOf(policyState{Revoked: markOf(key)}), at, nil
	}
	return actions.StateOf(policyState{Document: text}), time.Time{}, nil
}

func (d revoking) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	who, err := d.principal(ctx, d.kind, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: who.arn, Name: who.name})
	if p.Found, _, err = d.state(ctx, who, in.Key); err != nil {
		return actions.Plan{}, err
	}
	p.Want = actions.StateOf(policyState{Revoked: markOf(in.Key)})
	p.Steps = []string{fmt.Sprintf("Put the inline policy %s on the %s %s; it denies everything to sessions issued before that moment.", revokeName, who.kind, who.name)}
	if who.kind == role {
		p.Dependants = []string{fmt.Sprintf("Everything that acts as the role %s has to assume it anew; instances and containers do so when they next ask for credentials, which may be hours later.", who.name)}
		p.Warnings = []string{"Whoever may assume the role can begin a new session at once; aws.deny-role stops that too."}
	} else {
		p.Dependants = []string{fmt.Sprintf("%s is signed out of the console and of every temporary session.", who.name)}
		p.Warnings = []string{"Access keys and the password of the user still work, and can begin new sessions."}
	}
	if !same(p.Found, actions.StateOf(policyState{})) {
		p.Warnings = append(p.Warnings, fmt.Sprintf("Sessions were revoked before by a policy %s; it is replaced by the later one.", revokeName))
	}
	p.Owner = owner(who.tags)
	p.Already = same(p.Found, p.Want)
	return p, nil
}

func (d revoking) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	who := principalOf(d.kind, p.Target)
	now, at, err := d.state(ctx, who, p.Key)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	if p.Already && same(now, p.Want) {
		return r, nil
	}
	if !same(now, p.Want) {
		if !same(now, p.Found) {
			return actions.Receipt{}, stale(p)
		}
		if at, err = d.clock(ctx); err != nil {
			return actions.Receipt{}, err
		}
		err = d.write(ctx, who, revokeName, revokeBefore(at, markOf(p.Key)).text())
	}
	r.Done = []string{fmt.Sprintf("Sessions of %s issued before %s are denied everything.", who.name, at.UTC().Format("2006-01-02 15:04:05 MST"))}
	return r, err
}

func (d revoking) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	who := principalOf(d.kind, r.Target)
	now, at, err := d.state(ctx, who, r.Key)
	if err != nil {
		return actions.Proof{}, err
	}
	if r.Undone {
		return restored(r, now, revokeName), nil
	}
	if !same(now, r.Left) {
		return later(actions.Refuted(fmt.Sprintf("The policy %s of %s is not there, or not as it was written.", revokeName, who.name))), nil
	}
	stored := fmt.Sprintf("The policy %s on %s denies sessions issued before %s.", revokeName, who.name, at.UTC().Format("2006-01-02 15:04:05 MST"))
	return d.enforced(ctx, who, stored, at.Add(-time.Minute))
}

func (d revoking) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	who := principalOf(d.kind, r.Target)
	now, _, err := d.state(ctx, who, r.Key)
	if err != nil {
		return actions.Receipt{}, err
	}
	return d.takeBack(ctx, who, r, now, revokeName)
}
