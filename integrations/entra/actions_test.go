package entra

import (
	"errors"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
)

func (e *tenant) conf() Config {
	return Config{Tenant: "acme.example", Client: "app-1", Secret: clientSecret, Base: e.url, Login: e.url, BreakGlass: []string{"Root@example.com"}}
}

// the is one action of a tenant.
func the(t *testing.T, c Config, name string) actions.Action {
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

func TestActionsKeepTheContract(t *testing.T) {
	for _, c := range []actiontest.Case{
		{Name: "entra.disable-account"},
		{Name: "entra.revoke-sessions", Unproven: true, NoDisturb: "the moment from which sessions count only moves forward, which is what the deed wants"},
	} {
		c.Unknown = "nobody@example.com"
		c.Make = func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			e := newTenant(t)
			return the(t, e.conf(), c.Name), e, actions.Input{Target: "mallory@example.com"}
		}
		actiontest.Conform(t, c)
	}
}

func TestThePlanSaysWhoElseFeelsIt(t *testing.T) {
	e := newTenant(t)
	e.roles = []any{map[string]any{"displayName": "Global Administrator", "roleTemplateId": globalAdmin}}
	e.admins = []any{map[string]any{"id": "id-mallory", "accountEnabled": true}, map[string]any{"id": "id-old", "accountEnabled": false}, map[string]any{"id": "an-app"}}
	e.owned = []any{map[string]any{"displayName": "billing"}, map[string]any{"displayName": "payments app"}}
	e.accounts["id-mallory"]["onPremisesSyncEnabled"] = true
	p, err := the(t, e.conf(), "entra.disable-account").Plan(t.Context(), actions.Input{Target: "m.allory@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(append(p.Dependants, p.Warnings...), "\n")
	for _, want := range []string{"owns billing, payments app.", "is an administrator: Global Administrator.", "is the last enabled Global Administrator", "on-premises directory"} {
		if !strings.Contains(all, want) {
			t.Errorf("the plan does not say %q:\n%s", want, all)
		}
	}
	e.forbid["/users/id-mallory/ownedObjects"] = true
	p, err = the(t, e.conf(), "entra.disable-account").Plan(t.Context(), actions.Input{Target: "id-mallory"})
	if err != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "may not read what the account owns (Directory.Read.All)") {
		t.Errorf("%q, %v", p.Warnings, err)
	}
}

func TestNamesThatAreNotExact(t *testing.T) {
	e := newTenant(t)
	a := the(t, e.conf(), "entra.disable-account")
	if _, err := a.Plan(t.Context(), actions.Input{Target: "root@example.com"}); !incident.IsGivenUp(err) {
		t.Errorf("a break-glass account: %v", err)
	}
	var no *actions.NoTarget
	if _, err := a.Plan(t.Context(), actions.Input{Target: "malory@example.com"}); !errors.As(err, &no) || no.Hint != "Did you mean mallory@example.com?" {
		t.Errorf("%v", err)
	}
	e.accounts["id-twin"] = map[string]any{"id": "id-twin", "userPrincipalName": "twin@example.com", "mail": "m.allory@example.com"}
	var many *actions.Ambiguous
	if _, err := a.Plan(t.Context(), actions.Input{Target: "m.allory@example.com"}); !errors.As(err, &many) || len(many.Fits) != 2 {
		t.Errorf("%v", err)
	}
	for _, odd := range []string{"", ".", "..", "$count", "x' or mail ne '", strings.Repeat("x", 300)} {
		if _, err := a.Plan(t.Context(), actions.Input{Target: odd}); !errors.As(err, &no) {
			t.Errorf("%.20q: %v", odd, err)
		}
	}
}

func TestATokenIsKeptAndFetchedAnewWhenItIsRefused(t *testing.T) {
	e := newTenant(t)
	a := the(t, e.conf(), "entra.disable-account")
	for range 3 {
		if _, err := a.Plan(t.Context(), actions.Input{Target: "mallory@example.com"}); err != nil {
			t.Fatal(err)
		}
	}
	if e.grants != 1 {
		t.Errorf("%d tokens for three plans", e.grants)
	}
	e.grants++ // somebody revoked ours
	if _, err := a.Plan(t.Context(), actions.Input{Target: "mallory@example.com"}); err != nil || e.grants != 3 {
		t.Errorf("%v after %d tokens", err, e.grants)
	}
	c := e.conf()
	c.Secret = "wrong"
	var right *actions.MissingRight
	if _, err := the(t, c, "entra.disable-account").Plan(t.Context(), actions.Input{Target: "mallory@example.com"}); !errors.As(err, &right) || strings.Contains(err.Error(), "AADSTS") {
		t.Errorf("%v", err)
	}
}

func TestTheDoctorReadsWhatWasGranted(t *testing.T) {
	e := newTenant(t)
	check := the(t, e.conf(), "entra.disable-account").(actions.Checker)
	if missing, err := check.Check(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("%q, %v", missing, err)
	}
	e.granted = e.granted[:1]
	missing, err := check.Check(t.Context())
	if err != nil || len(missing) != 3 || e.Changes() != 0 {
		t.Errorf("%q, %v", missing, err)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for _, c := range []Config{
		{}, {Tenant: "t", Client: "c"}, {Tenant: "../x", Client: "c", Secret: "s"}, {Tenant: "t", Client: "c", Secret: "s", Base: "https://graph.microsoft.us"},
		{Tenant: "t", Client: "c", Secret: "s", Base: "ftp://x", Login: "https://y"}, {Tenant: "t", Client: "c", Secret: "s", Base: "https://u:p@x", Login: "https://y"},
	} {
		if _, err := Actions(c); err == nil || strings.Contains(err.Error(), "u:p@") {
			t.Errorf("%+v: %v", c.Base, err)
		}
	}
	if _, err := Actions(Config{Tenant: "t", Client: "c", Secret: "s"}); err != nil {
		t.Errorf("the global cloud: %v", err)
	}
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	w := newTenant(t)
	all, err := Actions(w.conf())
	if err != nil {
		t.Fatal(err)
	}
	actiontest.Documented(t, "../../docs/adapters/entra.md", all)
}
