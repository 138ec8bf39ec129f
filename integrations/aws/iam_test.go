package aws

import (
	"errors"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
)

// A case on this AWS: what the action looks at, and how somebody else gets in its way.
func made(name, target string, look func(*world) any, disturb func(*world), params ...string) func(*testing.T) (actions.Action, actiontest.World, actions.Input) {
	return func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
		v := newAmazon(t)
		v.look, v.disturb = look, disturb
		in := actions.Input{Target: target, Params: map[string]string{}}
		for i := 0; i+1 < len(params); i += 2 {
			in.Params[params[i]] = params[i+1]
		}
		a := v.action(name)
		v.Only(a.Spec().Rights)
		return a, v, in
	}
}

const leaked = "AKIAMALLORYSECONDKEY" // on the second page

func TestKeys(t *testing.T) {
	look := func(w *world) any { return w.IAM.Users["mallory"].Keys }
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.disable-access-key", Unknown: "AKIANOBODYNOBODYNOBO",
		Make:      made("aws.disable-access-key", leaked, look, nil),
		NoDisturb: "A key is active or inactive, and the plan knows both; what happens when it is deleted is a test of its own.",
	})
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.delete-access-key", Unknown: "AKIANOBODYNOBODYNOBO",
		Make: made("aws.delete-access-key", leaked, look, func(w *world) { w.IAM.Users["mallory"].Keys[1].Status = "Inactive" }),
	})
}

func TestPrincipals(t *testing.T) {
	policies := func(kind, name string) func(*world) any {
		return func(w *world) any {
			if kind == user {
				return w.IAM.Users[name].Policies
			}
			return w.IAM.Roles[name].Policies
		}
	}
	meddle := func(kind, name, policy string) func(*world) {
		return func(w *world) {
			all := w.IAM.Roles
			if kind == user {
				all = w.IAM.Users
			}
			all[name].Policies[policy] = `{"Version":"2012-10-17","Statement":[]}`
		}
	}
	for kind, name := range map[string]string{user: "mallory", role: "ci-deployer"} {
		actiontest.Conform(t, actiontest.Case{
			Name: "aws.deny-" + kind, Unknown: "malory",
			Make: made("aws.deny-"+kind, name, policies(kind, name), meddle(kind, name, denyName)),
		})
		actiontest.Conform(t, actiontest.Case{
			Name: "aws.revoke-" + kind + "-sessions", Unknown: "malory",
			Make:   made("aws.revoke-"+kind+"-sessions", name, policies(kind, name), meddle(kind, name, revokeName)),
			Renews: "Sessions begun since the last revocation are still good.",
		})
	}
}

// Whatever is asked, some identities are never touched, and the reason is said.
func TestSpared(t *testing.T) {
	for _, c := range []struct{ action, target, says string }{
		{"aws.disable-access-key", tocsinKey, "own identity"},
		{"aws.delete-access-key", tocsinKey, "own identity"},
		{"aws.deny-user", "tocsin", "own identity"},
		{"aws.deny-user", "rescue", "break-glass"},
		{"aws.deny-role", "AWSServiceRoleForSupport", "service-linked"},
		{"aws.revoke-role-sessions", "AWSReservedSSO_Admin_0123", "Identity Center"},
		{"aws.deny-user", "arn:aws:iam::444455556666:user/mallory", "in the account 444455556666"},
		{"aws.disable-access-key", "AKIAFOREIGNFOREIGNFO", "belongs to the account 444455556666"},
		{"aws.disable-access-key", "ASIATEMPORARYTEMPORA", "temporary key"},
		{"aws.deny-role", "ci-deployer", "carries the tag"},
	} {
		t.Run(c.action+" "+c.target, func(t *testing.T) {
			v := newAmazon(t)
			v.with(func(w *world) { w.IAM.Roles["ci-deployer"].Tags[breakGlassTag] = "" })
			a := v.action(c.action, func(c *Config) { c.BreakGlass = []string{"Rescue"} })
			_, err := a.Plan(t.Context(), actions.Input{Target: c.target, Key: "k"})
			if err == nil || !strings.Contains(err.Error(), c.says) || !incident.IsGivenUp(err) {
				t.Errorf("plan answered %v", err)
			}
		})
	}
}

// Signed in through a role, Tocsin knows itself by the role and by the session's ARN.
func TestOwnRole(t *testing.T) {
	v := newAmazon(t)
	assume := func(c *Config) {
		c.Role, c.ExternalID = "arn:aws:iam::"+account+":role/tocsin-role", "between us"
	}
	for _, target := range []string{"tocsin-role", "arn:aws:sts::" + account + ":assumed-role/tocsin-role/tocsin"} {
		_, err := v.action("aws.deny-role", assume).Plan(t.Context(), actions.Input{Target: target, Key: "k"})
		if err == nil || !strings.Contains(err.Error(), "own identity") {
			t.Errorf("%s: plan answered %v", target, err)
		}
	}
	for action, target := range map[string]string{"aws.deny-user": "tocsin", "aws.disable-access-key": tocsinKey} { // who assumes it
		_, err := v.action(action, assume).Plan(t.Context(), actions.Input{Target: target, Key: "k"})
		if err == nil || !strings.Contains(err.Error(), "own identity") {
			t.Errorf("%s: plan answered %v", target, err)
		}
	}
}

// Mallory's key is found by its id alone; what else hangs on it is said.
func TestKeyPlan(t *testing.T) {
	v := newAmazon(t)
	p, err := v.action("aws.disable-access-key").Plan(t.Context(), actions.Input{Target: "AKIAMALLORYMALLORYMA", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Owner != "payments" || !strings.Contains(strings.Join(p.Warnings, " "), "last used on 2026-11-24 for s3 in eu-west-1") {
		t.Errorf("%+v", p)
	}
}

// Somebody else deletes the key: before the deed the plan is stale, after it undo says
// that nothing brings it back, insisted on or not.
func TestKeyDeletedMeanwhile(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.disable-access-key")
	p, err := a.Plan(t.Context(), actions.Input{Target: leaked, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	v.with(func(w *world) { w.IAM.Users["mallory"].Keys = w.IAM.Users["mallory"].Keys[:1] })
	if _, err := a.Do(t.Context(), p); !errors.Is(err, actions.ErrStale) {
		t.Errorf("do answered %v", err)
	}
	r.Force = true
	var changed *actions.Changed
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); !errors.As(err, &changed) {
		t.Errorf("undo answered %v", err)
	}
}

// A user whose inline policies are full cannot be denied that way; nothing is written and
// it is final.
func TestPolicyQuota(t *testing.T) {
	v := newAmazon(t)
	v.with(func(w *world) {
		w.IAM.Users["mallory"].Policies["long"] = `{"Version":"2012-10-17","Statement":[],"Id":"` + strings.Repeat("x", 1900) + `"}`
	})
	a := v.action("aws.deny-user")
	p, err := a.Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Do(t.Context(), p); !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "LimitExceeded") || v.Changes() != 0 {
		t.Errorf("do answered %v after %d changes", err, v.Changes())
	}
}

// The deny policy is there, but the simulator may not be asked: stored, not proven.
func TestUnprovenWithoutSimulator(t *testing.T) {
	v := newAmazon(t)
	v.Deny(simulate)
	a := v.action("aws.deny-user")
	p, err := a.Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := a.Verify(t.Context(), r)
	if err != nil || proof.Standing != actions.Unproven || !strings.Contains(strings.Join(proof.Seen, " "), simulate) {
		t.Errorf("%+v, %v", proof, err)
	}
}

// A second revocation is later than the first; undone, the first is there again.
func TestRevokedTwice(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.revoke-role-sessions")
	first := `{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}}}]}`
	v.with(func(w *world) { w.IAM.Roles["ci-deployer"].Policies[revokeName] = first })
	p, err := a.Plan(t.Context(), actions.Input{Target: "ci-deployer", Key: "k"})
	if err != nil || p.Already || !strings.Contains(strings.Join(p.Warnings, " "), "revoked before") {
		t.Fatalf("%+v, %v", p, err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := v.now().IAM.Roles["ci-deployer"].Policies[revokeName]; got != first {
		t.Errorf("%s", got)
	}
}
