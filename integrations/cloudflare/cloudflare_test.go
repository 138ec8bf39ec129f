package cloudflare

import (
	"errors"
	"io"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
	honest "github.com/tocsin-ir/tocsin/internal/sandbox/cloudflare"
)

func the(t testing.TB, c Config, name string) actions.Action {
	t.Helper()
	all, err := Actions(c)
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

// watchRules looks at what the rules do, without the ids that Cloudflare invents.
func watchRules(e *edge) any {
	out := map[string][]string{}
	for zone, set := range e.now().Rulesets {
		for _, r := range set.Rules {
			out[zone] = append(out[zone], r.Ref+" "+r.Expression+" "+r.Action)
		}
	}
	return out
}

// spoil is somebody who makes Tocsin's rule a challenge, or makes such a rule first.
func spoil(expression string) func(*edge) {
	return func(e *edge) {
		set := e.now().Rulesets[shop]
		for i := range set.Rules {
			if set.Rules[i].Ref == refOf(expression) {
				set.Rules[i].Action = "managed_challenge"
				return
			}
		}
		set.Rules = append(set.Rules, honest.Rule{ID: "theirs", Ref: "theirs", Expression: expression, Action: "block", Enabled: true})
	}
}

func TestActionsKeepTheContract(t *testing.T) {
	on := func(name, target string, params map[string]string, watch func(*edge) any, disturb func(*edge)) func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
		return func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			e := newEdge(t)
			e.watch, e.disturb = func() any { return watch(e) }, func() { disturb(e) }
			return the(t, e.conf(), name), e, actions.Input{Target: target, Params: params}
		}
	}
	oneZone := map[string]string{"zone": "shop.example"}
	for _, c := range []actiontest.Case{
		{Name: "cloudflare.block-address", Unproven: true, Make: on("cloudflare.block-address", "203.0.113.7", oneZone, watchRules, spoil("ip.src eq 203.0.113.7"))},
		{Name: "cloudflare.block-address of a range in two zones", Unproven: true,
			Make: on("cloudflare.block-address", "2001:db8::1/48", nil, func(e *edge) any {
				if set := e.now().Rulesets[blog]; set != nil && len(set.Rules) == 0 {
					delete(e.now().Rulesets, blog) // a ruleset without rules is none
				}
				return watchRules(e)
			}, spoil("ip.src in {2001:db8::/48}"))},
		{Name: "cloudflare.block-asn", Unproven: true, Make: on("cloudflare.block-asn", "as64496", oneZone, watchRules, spoil("ip.src.asnum eq 64496"))},
		{Name: "cloudflare.block-domain", Unproven: true, Make: on("cloudflare.block-domain", "Evil.example.", nil,
			func(e *edge) any {
				var out []string
				for _, p := range e.now().Policies {
					out = append(out, p.Name+p.Action+p.Traffic)
				}
				return out
			}, func(e *edge) {
				for i := range e.now().Policies {
					if e.now().Policies[i].Name == ruleName("evil.example") {
						e.now().Policies[i].Enabled = false
						return
					}
				}
				e.now().Policies = append(e.now().Policies, honest.Policy{ID: "theirs", Name: "ours too", Action: "block", Enabled: true, Filters: []string{"dns"}, Traffic: traffic("evil.example")})
			})},
		{Name: "cloudflare.under-attack", Unknown: "nobody.example", Make: on("cloudflare.under-attack", "shop.example", nil,
			func(e *edge) any { return e.now().Levels[shop] }, func(e *edge) { e.now().Levels[shop] = "low" })},
		{Name: "cloudflare.roll-token", Unknown: "nobody", Unproven: true, Make: on("cloudflare.roll-token", "ci-deploy", nil,
			func(e *edge) any { return maps.Clone(e.now().Tokens[0]) }, func(e *edge) {
				e.now().Tokens[0]["policies"], e.now().Tokens[0]["modified_on"] = []any{}, "2026-11-03T00:00:00Z"
			})},
	} {
		actiontest.Conform(t, c)
	}
}

// Cloudflare breaks off after the first zone: what was done is told, and asking again goes
// on from there.
func TestHalfTheZones(t *testing.T) {
	e := newEdge(t)
	a := the(t, e.conf(), "cloudflare.block-address")
	p, err := a.Plan(t.Context(), actions.Input{Target: "203.0.113.7"})
	if err != nil || len(p.Steps) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	e.breaks = 2
	_, err = a.Do(t.Context(), p)
	var half *actions.Partial
	if !errors.As(err, &half) || len(half.Receipt.Done) != 1 || !strings.Contains(half.Receipt.Done[0], "1 of 2") {
		t.Fatalf("%v", err)
	}
	e.breaks = 0
	r, err := a.Do(t.Context(), p)
	if err != nil || len(e.now().Rulesets[shop].Rules) != 2 || len(e.now().Rulesets[blog].Rules) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if e.now().Rulesets[shop].Rules[0].Ref != refOf("ip.src eq 203.0.113.7") {
		t.Error("a rule that lets requests skip the others stands before it")
	}
	e.writes, e.breaks = 0, 2
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); !errors.As(err, &half) {
		t.Fatalf("%v", err)
	}
	e.breaks = 0
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); err != nil || len(e.now().Rulesets[shop].Rules) != 1 || len(e.now().Rulesets[blog].Rules) != 0 {
		t.Fatalf("%v", err)
	}
}

// A zone that somebody else blocks the address in already is left as it is, and its rule
// survives the way back.
func TestTheRuleOfSomebodyElseIsNotTaken(t *testing.T) {
	e := newEdge(t)
	spoil("ip.src eq 203.0.113.7")(e)
	a := the(t, e.conf(), "cloudflare.block-address")
	p, err := a.Plan(t.Context(), actions.Input{Target: "203.0.113.7"})
	if err != nil || len(p.Steps) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); err != nil || len(e.now().Rulesets[shop].Rules) != 2 || len(e.now().Rulesets[blog].Rules) != 0 {
		t.Errorf("%v: %+v", err, watchRules(e))
	}
}

func TestWhatCouldStillPassIsSaid(t *testing.T) {
	e := newEdge(t)
	e.now().Zones[0].Paused = true
	a := the(t, e.conf(), "cloudflare.block-address")
	p, err := a.Plan(t.Context(), actions.Input{Target: "203.0.113.7", Params: map[string]string{"zone": "shop.example"}})
	if err != nil || !strings.Contains(strings.Join(p.Warnings, " "), "paused") {
		t.Fatalf("%+v, %v", p, err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(e.now().Rulesets[shop].Rules)
	proof, err := a.Verify(t.Context(), r)
	if all := strings.Join(proof.Seen, " "); err != nil || proof.Standing != actions.Unproven || !strings.Contains(all, "paused") || !strings.Contains(all, "skip it") {
		t.Errorf("%+v, %v", proof, err)
	}
	attack := the(t, e.conf(), "cloudflare.under-attack")
	if p, err = attack.Plan(t.Context(), actions.Input{Target: "shop.example"}); err != nil {
		t.Fatal(err)
	}
	if r, err = attack.Do(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if proof, err := attack.Verify(t.Context(), r); err != nil || proof.Standing != actions.Unproven {
		t.Errorf("a zone that Cloudflare is paused for: %+v, %v", proof, err)
	}
}

func TestWhatIsNeverTouched(t *testing.T) {
	e := newEdge(t)
	c := e.conf()
	c.Never = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	c.BreakGlass = append(c.BreakGlass, "blog.example", "backup-of-all")
	for action, targets := range map[string][]string{
		"cloudflare.block-address": {"0.0.0.0/0", "10.1.2.3", "::/0", "127.0.0.1", "fd00::1", "192.0.2.9", "192.0.0.0/16"},
		"cloudflare.block-asn":     {"AS13335", "64511"},
		"cloudflare.block-domain":  {"bank.example", "www.bank.example"},
		"cloudflare.under-attack":  {"blog.example", blog},
		"cloudflare.roll-token":    {"tocsin", strings.Repeat("2", 32)},
	} {
		for _, target := range targets {
			if _, err := the(t, c, action).Plan(t.Context(), actions.Input{Target: target, Params: map[string]string{"zone": "shop.example"}}); !incident.IsGivenUp(err) {
				t.Errorf("%s %s: %v", action, target, err)
			}
		}
	}
}

func TestNamesThatAreNotExact(t *testing.T) {
	e := newEdge(t)
	var many *actions.Ambiguous
	if _, err := the(t, e.conf(), "cloudflare.roll-token").Plan(t.Context(), actions.Input{Target: "backup"}); !errors.As(err, &many) || len(many.Fits) != 2 {
		t.Errorf("%v", err)
	}
	var no *actions.NoTarget
	if _, err := the(t, e.conf(), "cloudflare.under-attack").Plan(t.Context(), actions.Input{Target: "www.shop.example"}); !errors.As(err, &no) || no.Hint != "Did you mean shop.example?" {
		t.Errorf("%v", err)
	}
	for action, odds := range map[string][]string{
		"cloudflare.block-address": {"", "evil", "1.2.3.4} or true {", "1.2.3.4 or ip.src ne 1.2.3.4", "::ffff:1.2.3.0/120", "fe80::1%eth0"},
		"cloudflare.block-asn":     {"", "AS", "AS0", "AS-1", "AS064496", "AS99999999999", "64496 or true", "+5"},
		"cloudflare.block-domain":  {"", "com", ".", `evil.example") or true or any(dns.domains[*] == "x`, "a b.example", "-x.example", "*.example.com", "evil\u2024example", strings.Repeat("a.", 200) + "example"},
		"cloudflare.under-attack":  {"", "../accounts", "a b", "shop.example/../x", "shop.example?x"},
	} {
		for _, odd := range odds {
			if p, err := the(t, e.conf(), action).Plan(t.Context(), actions.Input{Target: odd, Params: map[string]string{"zone": "shop.example"}}); !errors.As(err, &no) {
				t.Errorf("%s %.30q: %+v, %v", action, odd, p, err)
			}
		}
	}
	var param *actions.BadParam
	c := e.conf()
	c.Zones = nil
	if _, err := the(t, c, "cloudflare.block-address").Plan(t.Context(), actions.Input{Target: "203.0.113.7"}); !errors.As(err, &param) {
		t.Errorf("%v", err)
	}
}

func TestEvidenceHoldsNoValue(t *testing.T) {
	e := newEdge(t)
	kept, err := the(t, e.conf(), "cloudflare.roll-token").(actions.Preserver).Preserve(t.Context(), actions.Input{Target: "ci-deploy"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := kept.Items[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(f); !strings.Contains(string(b), "2026-11-01T00:00:00Z") {
		t.Errorf("kept %s", b)
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	e := newEdge(t)
	check := the(t, e.conf(), "cloudflare.under-attack").(actions.Checker)
	if missing, err := check.Check(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("%v, %v", missing, err)
	}
	for forbid, right := range map[string]string{"/gateway/": writeGateway, "/tokens": writeTokens, "/entrypoint": writeWAF, "security_level": writeSettings} {
		e.forbid = forbid
		if missing, err := check.Check(t.Context()); err != nil || len(missing) != 1 || !strings.Contains(missing[0], right) {
			t.Errorf("%s: %v, %v", forbid, missing, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{}, {Token: "a b"}, {Token: "t", Account: "shop"}, {Token: "t", Base: "api.cloudflare.com"}, {Token: "t", Base: "https://u:p@api.example"}} {
		if _, err := Actions(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	const doc = "../../docs/adapters/cloudflare.md"
	all, err := Actions(Config{Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	actiontest.Documented(t, doc, all)
	text, err := os.ReadFile(doc)
	if want := "```\n" + strings.Join(permissions(), "\n") + "\n```\n"; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s does not list the permissions of the code:\n%s", doc, want)
	}
}

// No address, number or domain that is typed becomes more of an expression than itself.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{"203.0.113.7", "2001:db8::/32", "AS64496", "evil.example", `x") or true`, "1.2.3.4} or {"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := &cloudflare{conf: Config{Account: account}}
		for _, resolve := range []func(string) (string, string, error){c.address, c.system} {
			name, expression, err := resolve(s)
			if err != nil {
				continue
			}
			again, same, err := resolve(name)
			if err != nil || again != name || same != expression || strings.ContainsAny(expression, `"()`) || strings.Count(expression, " ") > 2 {
				t.Errorf("%q is %q: %s, and then %q: %s, %v", s, name, expression, again, same, err)
			}
		}
		if name, err := (blockDomain{c}).resolve(s); err == nil && (strings.ContainsAny(name, `"'()\ `) || strings.Count(traffic(name), `"`) != 2) {
			t.Errorf("%q is the domain %q", s, name)
		}
	})
}
