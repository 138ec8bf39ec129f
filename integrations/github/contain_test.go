package github_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	sandbox "github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

// contain is one action of a GitHub.
func contain(t *testing.T, c github.Containment, name string) actions.Action {
	t.Helper()
	all, err := github.Actions(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Spec().Name == name {
			return a
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func TestContainmentKeepsTheContract(t *testing.T) {
	for _, c := range []struct {
		actiontest.Case
		target  string
		params  map[string]string
		look    func(*octo) any
		disturb func(*octo)
	}{
		{Case: actiontest.Case{Name: "github.remove-member", Unknown: "acme/nobody",
			Person: func(w actiontest.World) { _ = w.(*octo).hub.Accept("acme", "mallory") }},
			target: "acme/mallory", look: func(o *octo) any { return o.seat("mallory") },
			disturb: func(o *octo) {
				o.hub.Seat("acme", sandbox.Membership{Login: "mallory", Role: sandbox.RoleOwner, State: sandbox.StateActive})
			}},
		{Case: actiontest.Case{Name: "github.revoke-sso", Unknown: "acme/nobody"}, target: "mallory", look: func(o *octo) any { return o.sso },
			disturb: func(o *octo) { o.sso = append(o.sso, object{"login": "mallory", "credential_id": 99}) }},
		{Case: actiontest.Case{Name: "github.revoke-tokens", Unknown: "acme/nobody"}, target: "mallory", look: func(o *octo) any { return o.pats },
			disturb: func(o *octo) { o.pats = append(o.pats, object{"id": 99, "owner": object{"login": "mallory"}}) }},
		{Case: actiontest.Case{Name: "github.delete-deploy-key", Unknown: "acme/nothing", Gone: "The repository has no key of that title any more."}, target: "acme/shop", params: map[string]string{"key": "ci-deploy"},
			look: func(o *octo) any {
				var out []string
				for _, k := range o.hub.DeployKeys("acme/shop") {
					out = append(out, fmt.Sprint(k.Title, k.Key, k.ReadOnly))
				}
				return slices.Sorted(slices.Values(out))
			},
			disturb: func(o *octo) {
				o.retitled(sandbox.DeployKey{Title: "mine again", Key: deployKey, ReadOnly: true})
			}},
		{Case: actiontest.Case{Name: "github.suspend-installation", Unknown: "deploy-bot/nobody"}, target: "deploy-bot/acme", look: func(o *octo) any { return o.installed },
			disturb: func(o *octo) { o.installed["repository_selection"] = "all" }},
		{Case: actiontest.Case{Name: "github.lock-branch", Unknown: "acme/nothing"}, target: "acme/shop", params: map[string]string{"branch": "release/1"},
			look: func(o *octo) any { return o.rulesets },
			disturb: func(o *octo) {
				rs := object{"id": 66, "name": "tocsin: release/1 is locked", "target": "branch", "enforcement": "disabled",
					"conditions": object{"ref_name": object{"include": []any{}}}, "rules": []any{}}
				if len(o.rulesets) > 0 {
					maps.Copy(o.rulesets[0], object{"enforcement": "disabled"})
					return
				}
				o.rulesets = append(o.rulesets, rs)
			}},
		{Case: actiontest.Case{Name: "github.archive-repository", Unknown: "acme/nothing"}, target: "acme/shop", look: func(o *octo) any { return o.repo["archived"] },
			disturb: func(o *octo) { o.repo["visibility"], o.repo["private"] = "public", false }},
		{Case: actiontest.Case{Name: "github.disable-actions", Unknown: "acme/nothing"}, target: "acme/shop", look: func(o *octo) any { return []any{o.actions, o.allowed} },
			disturb: func(o *octo) { o.actions = object{"enabled": true, "allowed_actions": "local_only"} }},
	} {
		c.Make = func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			o := newOcto(t)
			o.look, o.disturb = func() any { return c.look(o) }, func() { c.disturb(o) }
			return contain(t, o.conf(), c.Name), o, actions.Input{Target: c.target, Params: c.params}
		}
		actiontest.Conform(t, c.Case)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	o := newOcto(t)
	o.hub.Seat("acme", sandbox.Membership{Login: "tocsin", Role: sandbox.RoleMember, State: sandbox.StateActive})
	_, err := contain(t, o.conf(), "github.remove-member").Plan(t.Context(), actions.Input{Target: "alice"})
	if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "last owner") {
		t.Errorf("%v", err)
	}
	o.hub.Seat("acme", sandbox.Membership{Login: "mallory", Role: sandbox.RoleOwner, State: sandbox.StateActive})
	p, err := contain(t, o.conf(), "github.remove-member").Plan(t.Context(), actions.Input{Target: "@alice"})
	if err != nil || !strings.Contains(strings.Join(p.Warnings, " "), "is an owner of acme; 1 others are left") {
		t.Errorf("%q, %v", p.Warnings, err)
	}
}

func TestAnOwnerComesBackAsOwner(t *testing.T) {
	o := newOcto(t)
	a := contain(t, o.conf(), "github.remove-member")
	p, err := a.Plan(t.Context(), actions.Input{Target: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := a.(actions.Undoer).Undo(t.Context(), r)
	if err != nil || o.seat("alice") != (sandbox.Membership{Login: "alice", Role: sandbox.RoleOwner, State: sandbox.StatePending}) {
		t.Fatalf("%v, %v", o.seat("alice"), err)
	}
	proof, err := a.Verify(t.Context(), back)
	if err != nil || proof.Standing != actions.Unproven || !strings.Contains(proof.Seen[0], "has not accepted yet") {
		t.Errorf("%+v, %v", proof, err)
	}
}

func TestContainmentTouchesNeitherBreakGlassNorItself(t *testing.T) {
	o := newOcto(t)
	for name, target := range map[string]string{"github.remove-member": "tocsin", "github.revoke-sso": "tocsin", "github.revoke-tokens": "acme/root", "github.archive-repository": "acme/tocsin"} {
		_, err := contain(t, o.conf(), name).Plan(t.Context(), actions.Input{Target: target})
		var none *actions.NoTarget
		unknown := name == "github.archive-repository" && errors.As(err, &none)
		if !incident.IsGivenUp(err) && !unknown {
			t.Errorf("%s %s: %v", name, target, err)
		}
	}
	c := o.conf()
	c.BreakGlass = []string{"ACME/shop"}
	if _, err := contain(t, c, "github.archive-repository").Plan(t.Context(), actions.Input{Target: "shop"}); !incident.IsGivenUp(err) {
		t.Errorf("a break-glass repository: %v", err)
	}
}

func TestADeployKeyIsNamedInSeveralWays(t *testing.T) {
	o := newOcto(t)
	a := contain(t, o.conf(), "github.delete-deploy-key")
	p, err := a.Plan(t.Context(), actions.Input{Target: "shop", Params: map[string]string{"key": fmt.Sprint(o.hub.DeployKeys("acme/shop")[0].ID)}})
	if err != nil {
		t.Fatal(err)
	}
	print := strings.TrimPrefix(p.Target.ID, "acme/shop/")
	again, err := a.Plan(t.Context(), actions.Input{Target: "shop", Params: map[string]string{"key": print}})
	if err != nil || again.Target != p.Target || !strings.HasPrefix(print, "SHA256:") {
		t.Errorf("%+v, %v", again.Target, err)
	}
	var none *actions.NoTarget
	if _, err := a.Plan(t.Context(), actions.Input{Target: "shop", Params: map[string]string{"key": "other"}}); !errors.As(err, &none) || !strings.Contains(none.Hint, "ci-deploy, mirror") {
		t.Errorf("%v", err)
	}
	o.retitled(sandbox.DeployKey{Title: "CI-deploy", Key: mirrorKey, ReadOnly: true})
	var many *actions.Ambiguous
	if _, err := a.Plan(t.Context(), actions.Input{Target: "shop", Params: map[string]string{"key": "ci-deploy"}}); !errors.As(err, &many) {
		t.Errorf("%v", err)
	}
}

func TestALockWithADoorInItIsNoLock(t *testing.T) {
	o := newOcto(t)
	a := contain(t, o.conf(), "github.lock-branch")
	p, err := a.Plan(t.Context(), actions.Input{Target: "acme/shop"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	o.rulesets[0]["bypass_actors"] = []any{object{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}}
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("with a bypass: %+v, %v", proof, err)
	}
	o.rulesets[0]["bypass_actors"], o.rulesets[0]["rules"] = []any{}, []any{object{"type": "creation"}}
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("with the rules taken out: %+v, %v", proof, err)
	}
}

func TestRunsUnderWayAreWarnedOf(t *testing.T) {
	o := newOcto(t)
	p, err := contain(t, o.conf(), "github.disable-actions").Plan(t.Context(), actions.Input{Target: "acme/shop"})
	if err != nil || !slices.Contains(p.Warnings, "2 runs are under way and go on; cancel them in GitHub where that matters.") {
		t.Errorf("%q, %v", p.Warnings, err)
	}
}

func TestExposedSecretsAreListedWithoutTheSecret(t *testing.T) {
	o := newOcto(t)
	got, err := github.ExposedSecrets(t.Context(), o.conf(), "acme")
	if err != nil || len(got) != 2 || got[0].Number != 1 || !got[0].Bypassed || got[1].Kind != "Slack API Token" || got[1].Repo != "acme/shop" {
		t.Errorf("%+v, %v", got, err)
	}
	if strings.Contains(fmt.Sprintf("%+v", got), "the-exposed-secret") {
		t.Error("a secret can be read")
	}
	var none *actions.NoTarget
	for _, where := range []string{"acme/shop", "acme/../x", ""} {
		if _, err := github.ExposedSecrets(t.Context(), o.conf(), where); !errors.As(err, &none) {
			t.Errorf("%q: %v", where, err)
		}
	}
}

func TestWithoutAnAppOfOnesOwnNothingIsSuspended(t *testing.T) {
	o := newOcto(t)
	c := o.conf()
	c.Apps = nil
	var right *actions.MissingRight
	if _, err := contain(t, c, "github.suspend-installation").Plan(t.Context(), actions.Input{Target: "acme"}); !errors.As(err, &right) {
		t.Errorf("%v", err)
	}
}

func TestTheDoctorOfContainment(t *testing.T) {
	o := newOcto(t)
	check := contain(t, o.conf(), "github.lock-branch").(actions.Checker)
	if missing, err := check.Check(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("%q, %v", missing, err)
	}
	o.scopes = "repo"
	c := o.conf()
	c.Org = "unknown"
	missing, err := contain(t, c, "github.lock-branch").(actions.Checker).Check(t.Context())
	if err != nil || len(missing) != 2 || o.Changes() != 0 {
		t.Errorf("%q, %v", missing, err)
	}
}

func TestContainmentsThatCannotBe(t *testing.T) {
	for _, c := range []github.Containment{
		{}, {Token: "t", BaseURL: "ftp://x"}, {Token: "t", BaseURL: "https://u:p@x"}, {Token: "t", Org: "a/b"},
		{App: &github.App{ID: 1, Key: "no key"}}, {Token: "t", Apps: []github.App{{ID: 1, Key: "no key"}}},
	} {
		if _, err := github.Actions(c); err == nil || strings.Contains(err.Error(), "u:p@") {
			t.Errorf("%v: %v", c.BaseURL, err)
		}
	}
}

// Names of branches and accounts never lead out of their place in the path.
func FuzzTargets(f *testing.F) {
	f.Add("acme/shop", "main")
	f.Add("../../user", "../../../x")
	f.Add("acme/shop/keys", "a..b")
	f.Fuzz(func(t *testing.T, target, branch string) {
		o := newOcto(t)
		_, _ = contain(t, o.conf(), "github.lock-branch").Plan(t.Context(), actions.Input{Target: target, Params: map[string]string{"branch": branch}})
		_, _ = contain(t, o.conf(), "github.remove-member").Plan(t.Context(), actions.Input{Target: target})
		for _, p := range o.paths {
			if strings.Contains(p, "..") || strings.Count(p, "/") > 6 {
				t.Errorf("%q and %q led to %s", target, branch, p)
			}
		}
	})
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	all, err := github.Actions(newOcto(t).conf())
	if err != nil {
		t.Fatal(err)
	}
	actiontest.Documented(t, "../../docs/adapters/github.md", all)
}

// A list that was not read to its end proves nothing.
func TestAListWithoutEndIsNoProof(t *testing.T) {
	o := newOcto(t)
	for n := range 60 {
		o.sso = append(o.sso, object{"login": "alice", "credential_id": 1000 + n})
	}
	if _, err := contain(t, o.conf(), "github.revoke-sso").Plan(t.Context(), actions.Input{Target: "mallory"}); !incident.IsGivenUp(err) {
		t.Errorf("%v", err)
	}
}
