package vault

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
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

func copied(role map[string]any) map[string]any {
	if role == nil {
		return nil
	}
	out := map[string]any{}
	for k, v := range role {
		out[k] = v
	}
	return out
}

func TestActionsKeepTheContract(t *testing.T) {
	on := func(name, target string, watch func(*bank) any, disturb func(*bank)) func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
		return func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			b := newBank(t)
			b.watch = func() any { return watch(b) }
			if disturb != nil {
				b.disturb = func() { disturb(b) }
			}
			return the(t, b.conf(), name), b, actions.Input{Target: target}
		}
	}
	role := func(key string) (func(*bank) any, func(*bank)) {
		return func(b *bank) any { return []any{copied(b.roles[key]), b.ids[key]} },
			func(b *bank) { b.roles[key] = map[string]any{"token_ttl": 5.0, "token_policies": []any{"more"}} }
	}
	shop, otherShop := role("kubernetes/shop")
	ci, otherCI := role("approle/ci")
	for _, c := range []actiontest.Case{
		{Name: "vault.revoke-prefix", Unknown: "database/creds/nothing",
			NoDisturb: "a prefix has leases or none; a lease that is issued meanwhile is meant too",
			Make:      on("vault.revoke-prefix", "database/creds/readonly", func(b *bank) any { return slices.Clone(b.leases) }, nil)},
		{Name: "vault.revoke-token", Unknown: "acc-nobody-00001", NoDisturb: "a token is valid or revoked; there is nothing else about it",
			Make: on("vault.revoke-token", "acc-mallory-0001", func(b *bank) any { return b.tokens["acc-mallory-0001"] != nil }, nil)},
		{Name: "vault.disable-role of kubernetes", Gone: "a role that is disabled is deleted", Unknown: "kubernetes/nobody", Make: on("vault.disable-role", "kubernetes/shop", shop, otherShop)},
		{Name: "vault.disable-role of approle", Gone: "a role that is disabled is deleted", Unknown: "nobody", Make: on("vault.disable-role", "auth/approle/role/ci", ci, func(b *bank) { otherCI(b); b.ids["approle/ci"] = "another" })},
	} {
		actiontest.Conform(t, c)
	}
}

func TestWhatIsNeverTouched(t *testing.T) {
	b := newBank(t)
	b.tokens["acc-breakglass-1"] = map[string]any{"accessor": "acc-breakglass-1"}
	for action, targets := range map[string][]string{
		"vault.revoke-prefix": {"auth/approle/login", "auth/approle", "auth/token", "database", "sys", "database/creds/dr", "database/creds/dr/eu", "database/creds"},
		"vault.revoke-token":  {"acc-tocsin-00001", "acc-breakglass-1"},
		"vault.disable-role":  {"approle/tocsin", "tocsin", "team/jwt/deploy"},
	} {
		for _, target := range targets {
			if _, err := the(t, b.conf(), action).Plan(t.Context(), actions.Input{Target: target}); !incident.IsGivenUp(err) {
				t.Errorf("%s %s: %v", action, target, err)
			}
		}
	}
}

func TestNamesThatAreNotExact(t *testing.T) {
	b := newBank(t)
	var many *actions.Ambiguous
	_, err := the(t, b.conf(), "vault.disable-role").Plan(t.Context(), actions.Input{Target: "deploy"})
	if !errors.As(err, &many) || !slices.Equal(many.Fits, []string{"approle/deploy", "team/jwt/deploy"}) {
		t.Errorf("%v", err)
	}
	var no *actions.NoTarget
	_, err = the(t, b.conf(), "vault.disable-role").Plan(t.Context(), actions.Input{Target: "kubernetes/sho"})
	if !errors.As(err, &no) || no.Hint != "Did you mean kubernetes/shop?" {
		t.Errorf("%v", err)
	}
	for _, action := range []string{"vault.revoke-prefix", "vault.revoke-token", "vault.disable-role"} {
		for _, odd := range []string{"", "..", "a/../b", "a//b", "x?list=true", "x%2f..", "a\nb", strings.Repeat("x/", 300), rootToken, "s.abcdefgh12345"} {
			_, err := the(t, b.conf(), action).Plan(t.Context(), actions.Input{Target: odd})
			if !errors.As(err, &no) && !incident.IsGivenUp(err) {
				t.Errorf("%s %.20q: %v", action, odd, err)
			}
			if action == "vault.revoke-token" && odd != "" && strings.Contains(err.Error(), rootToken) {
				t.Errorf("a token that was typed is repeated: %v", err)
			}
		}
	}
}

func TestThePlanSaysWhatElseFeelsIt(t *testing.T) {
	b := newBank(t)
	p, err := the(t, b.conf(), "vault.revoke-prefix").Plan(t.Context(), actions.Input{Target: "/database/creds/readonly/"})
	if err != nil || !strings.Contains(p.Steps[0], "Revoke 3 leases") {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = the(t, b.conf(), "vault.revoke-token").Plan(t.Context(), actions.Input{Target: "acc-mallory-0001"})
	if err != nil || !slices.Contains(p.Warnings, "This is a root token.") {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = the(t, b.conf(), "vault.disable-role").Plan(t.Context(), actions.Input{Target: "ci"})
	if err != nil || len(p.Lost) != 1 || !strings.Contains(p.Lost[0], "2 secret IDs") {
		t.Errorf("%+v, %v", p, err)
	}
}

// A role ID that cannot be given back leaves no half of a role behind.
func TestARoleIsMadeAgainWholeOrNotAtAll(t *testing.T) {
	b := newBank(t)
	a := the(t, b.conf(), "vault.disable-role")
	p, err := a.Plan(t.Context(), actions.Input{Target: "approle/ci"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	b.forbid = "auth/approle/role/ci/role-id"
	undo := a.(actions.Undoer)
	if _, err := undo.Undo(t.Context(), r); err == nil || b.roles["approle/ci"] != nil {
		t.Errorf("%v, and there is %v", err, b.roles["approle/ci"])
	}
	b.forbid = ""
	if _, err := undo.Undo(t.Context(), r); err != nil || b.ids["approle/ci"] != "role-id-of-ci" {
		t.Errorf("again: %v", err)
	}
}

func TestEvidenceHoldsWhatIsLost(t *testing.T) {
	b := newBank(t)
	for action, c := range map[string]struct{ target, want string }{
		"vault.revoke-prefix": {"database/creds/readonly", "database/creds/readonly/eu/abc3"},
		"vault.revoke-token":  {"acc-mallory-0001", "kubernetes-shop"},
		"vault.disable-role":  {"ci", "sid-2"},
	} {
		e, err := the(t, b.conf(), action).(actions.Preserver).Preserve(t.Context(), actions.Input{Target: c.target})
		if err != nil {
			t.Fatal(err)
		}
		f, err := e.Items[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		if kept, _ := io.ReadAll(f); !strings.Contains(string(kept), c.want) || strings.Contains(string(kept), rootToken) {
			t.Errorf("%s: kept %s", action, kept)
		}
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	b := newBank(t)
	b.caps = map[string][]string{}
	for _, r := range rights() {
		want, at := split(r)
		b.caps[example(at)] = want
	}
	check := the(t, b.conf(), "vault.disable-role").(actions.Checker)
	if missing, err := check.Check(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("%v, %v", missing, err)
	}
	b.caps["sys/leases/revoke-prefix/tocsin-check"] = []string{"update"}
	b.caps["sys/auth"] = []string{"root"}
	if missing, err := check.Check(t.Context()); err != nil || len(missing) != 1 || !strings.Contains(missing[0], revokeLease) {
		t.Errorf("%v, %v", missing, err)
	}
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	const doc = "../../docs/adapters/vault.md"
	all, err := Actions(Config{Base: "https://vault.example.com", Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	actiontest.Documented(t, doc, all)
	text, err := os.ReadFile(doc)
	if err != nil || !strings.Contains(string(text), "```hcl\n"+Policy()+"```\n") {
		t.Errorf("%s does not have the policy of the code, which is\n%s", doc, Policy())
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{}, {Base: "vault.example.com", Token: "t"}, {Base: "https://u:p@v.example", Token: "t"}, {Base: "https://v.example", Token: "a b"}, {Base: "https://v.example", Token: "t", Namespace: "a b"}} {
		if _, err := Actions(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// What can be asked for never leads elsewhere in Vault.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"database/creds/x", "../sys", "a/..", "a?b", "a%2e", "a/./b", ".", " "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !plain(s) {
			return
		}
		at := path("sys/leases/lookup/" + s)
		for piece := range strings.SplitSeq(at, "/") {
			if piece == "." || piece == ".." || strings.ContainsAny(piece, "?#\\\n") {
				t.Errorf("%q asks for %q", s, at)
			}
		}
		if !strings.HasPrefix(at, "/sys/leases/lookup/") {
			t.Errorf("%q asks for %q", s, at)
		}
	})
}
