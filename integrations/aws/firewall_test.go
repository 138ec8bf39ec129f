package aws

import (
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
	honest "github.com/tocsin-ir/tocsin/internal/sandbox/aws"
)

func TestAddresses(t *testing.T) {
	// What was listed, whatever the order: a set has none.
	set := func(n int) func(*world) any {
		return func(w *world) any { return slices.Sorted(slices.Values(w.WAF[home].Sets[n].Addresses)) }
	}
	anew := func(n int) func(*world) { return func(w *world) { w.WAF[home].Sets[n].ID = "s9" } }
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.block-address", Unknown: "evil.example",
		Make: made("aws.block-address", "203.0.113.7", set(1), anew(1)),
	})
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.unlist-address", Unknown: "198.51.100.7",
		Make: made("aws.unlist-address", "203.0.113.9", set(0), func(w *world) {
			w.WAF[home].Sets[0].ID = "s9"
			w.WAF[home].Sets[0].Addresses = []string{"198.51.100.0/24"}
		}, "set", "partners"),
	})
}

func TestDomains(t *testing.T) {
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.block-domain", Unknown: "localhost",
		Make: made("aws.block-domain", "Evil.example", func(w *world) any { return w.DNS[home].Lists },
			func(w *world) { w.DNS[home].Lists["l9"], w.DNS[home].Lists["l1"] = w.DNS[home].Lists["l1"], nil }),
	})
}

// plannedDone is what a responder does, without a word of doubt.
func plannedDone(t *testing.T, a actions.Action, target string, params ...string) (actions.Plan, actions.Receipt, actions.Proof) {
	t.Helper()
	given := map[string]string{}
	for i := 0; i+1 < len(params); i += 2 {
		given[params[i]] = params[i+1]
	}
	full, err := a.Spec().Complete(given)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Plan(t.Context(), actions.Input{Target: target, Key: "k", Params: full})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := a.Verify(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return p, r, proof
}

// Somebody else writes the same set twice in the same second: their addresses stay, and
// so does the set's description.
func TestLockToken(t *testing.T) {
	v := newAmazon(t)
	v.with(func(w *world) { w.WAF[home].Race = 2 })
	plannedDone(t, v.action("aws.block-address"), "203.0.113.7")
	got := v.now().WAF[home].Sets[1]
	for _, want := range []string{"192.0.2.0/24", "192.0.101.7/32", "192.0.100.7/32", "203.0.113.7/32"} {
		if !slices.Contains(got.Addresses, want) {
			t.Errorf("%s is lost: %v", want, got.Addresses)
		}
	}
	if got.About != "kept" {
		t.Errorf("the description is %q", got.About)
	}
}

// What is listed and what is blocked are two things, and only the second is proven.
func TestBlockIsHonest(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.block-address")
	for _, c := range []struct {
		name, says string
		params     []string
		change     func(*honest.WAF)
		want       actions.Standing
	}{
		{"blocked", "edge-s1 blocks", nil, func(*honest.WAF) {}, actions.InEffect},
		{"no rule", "No web ACL", nil, func(w *honest.WAF) { w.ACLs[1].Rules = nil }, actions.Unproven},
		{"counted only", "No web ACL", nil, func(w *honest.WAF) {
			w.ACLs[1].Rules[1].(map[string]any)["Action"] = map[string]any{"Count": map[string]any{}}
		}, actions.Unproven},
		{"allowed before", "rule geo", nil, func(w *honest.WAF) {
			w.ACLs[1].Rules[0].(map[string]any)["Action"] = map[string]any{"Allow": map[string]any{}}
		}, actions.Unproven},
		{"protects nothing", "protects no", nil, func(w *honest.WAF) { w.ACLs[1].On = nil }, actions.Unproven},
		{"cloudfront", "distributions", []string{"scope", "cloudfront"}, func(*honest.WAF) {}, actions.Unproven},
		{"ipv6", "No web ACL", nil, func(*honest.WAF) {}, actions.Unproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			v.with(func(w *world) { w.WAF[home], w.WAF[global] = newWAF(), newWAF(); c.change(w.WAF[home]) })
			target := "203.0.113.7"
			if c.name == "ipv6" {
				target = "2001:db8::7"
			}
			_, _, proof := plannedDone(t, a, target, c.params...)
			if proof.Standing != c.want || !strings.Contains(strings.Join(proof.Seen, " "), c.says) {
				t.Errorf("%+v", proof)
			}
		})
	}
}

// A range that is wide enough is there already: nothing is done, and nothing undone.
func TestCovered(t *testing.T) {
	v := newAmazon(t)
	p, r, proof := plannedDone(t, v.action("aws.block-address"), "192.0.2.44")
	if !p.Already || !r.Already || v.Changes() != 0 || proof.Standing != actions.InEffect || !strings.Contains(p.Steps[0], "192.0.2.0/24 already") {
		t.Errorf("%+v\n%+v\n%+v", p, r, proof)
	}
	for _, bad := range []string{"0.0.0.0/0", "::/0", "::ffff:203.0.113.0/120"} {
		if _, err := v.action("aws.block-address").Plan(t.Context(), actions.Input{Target: bad, Key: "k"}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if _, err := v.action("aws.block-address").Plan(t.Context(), actions.Input{Target: "203.0.113.7", Key: "k", Params: map[string]string{"set": "tocsin-bloked"}}); err == nil || !strings.Contains(err.Error(), "Did you mean tocsin-blocked") {
		t.Errorf("%v", err)
	}
}

func TestDomainIsHonest(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.block-domain")
	if _, _, proof := plannedDone(t, a, "evil.example", "list", "quiet"); proof.Standing != actions.Unproven {
		t.Errorf("no rule blocks by it: %+v", proof)
	}
	if _, _, proof := plannedDone(t, a, "evil.example"); proof.Standing != actions.InEffect || !strings.Contains(proof.Seen[1], "vpc-1") {
		t.Errorf("%+v", proof)
	}
	v.with(func(w *world) { w.DNS[home].Lists["l1"].Status = "UPDATING" })
	p, err := a.Plan(t.Context(), actions.Input{Target: "worse.example", Key: "k", Params: map[string]string{"subdomains": "no"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Do(t.Context(), p); err == nil || incident.IsGivenUp(err) {
		t.Errorf("the list is at its last change, which passes; do answered %v", err)
	}
	for _, vital := range []string{"amazonaws.com", "com", "aws", "evil", "*.evil.example", "évil.example", "a..b"} {
		if _, err := a.Plan(t.Context(), actions.Input{Target: vital, Key: "k"}); err == nil {
			t.Errorf("%s may be blocked", vital)
		}
	}
}
