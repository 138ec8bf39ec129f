package google

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
)

func (g *workspace) conf() Config {
	return Config{Key: keyJSON(), Subject: "admin@example.com", Directory: g.url, IAM: g.url, Token: g.url + "/token", BreakGlass: []string{"Root@example.com"}}
}

// the is one action of a Google.
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
	for _, c := range []struct {
		actiontest.Case
		target string
		change func(*workspace)
	}{
		{Case: actiontest.Case{Name: "google.suspend-user"}},
		{Case: actiontest.Case{Name: "google.sign-out", Unproven: true, Blind: "Google lists no sessions"}},
		{Case: actiontest.Case{Name: "google.revoke-grants"}, change: func(g *workspace) {
			g.disturb = func() { g.grants = append(g.grants, map[string]any{"clientId": "app-3.example", "displayText": "New"}) }
		}},
		{Case: actiontest.Case{Name: "google.disable-key", Unknown: "nobody@acme.iam.gserviceaccount.com/0a1b"}, target: deploy + "/0a1b", change: func(g *workspace) {
			g.disturb = func() {
				g.keys[0]["extendedStatus"] = []any{map[string]any{"key": "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_EXPOSED", "value": "https://github.com/x"}}
			}
			g.look = func() any { return fmt.Sprint(g.keys[0]["disabled"] == true) }
		}},
	} {
		if c.Unknown == "" {
			c.Unknown, c.target = "nobody@example.com", "mallory@example.com"
		}
		c.Make = func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			g := newWorkspace(t)
			if c.change != nil {
				c.change(g)
			}
			return the(t, g.conf(), c.Name), g, actions.Input{Target: c.target}
		}
		actiontest.Conform(t, c.Case)
	}
}

func TestTheLastSuperAdministratorIsWarnedOf(t *testing.T) {
	g := newWorkspace(t)
	g.users["101"]["isAdmin"], g.users["102"]["suspended"], g.users["103"]["suspended"] = true, true, true
	p, err := the(t, g.conf(), "google.suspend-user").Plan(t.Context(), actions.Input{Target: "mal@example.com"})
	if err != nil || p.Target.ID != "101" || !strings.Contains(strings.Join(p.Warnings, "\n"), "last super administrator") {
		t.Errorf("%+v, %v", p, err)
	}
	g.users["103"]["suspended"] = false
	p, err = the(t, g.conf(), "google.suspend-user").Plan(t.Context(), actions.Input{Target: "mal@example.com"})
	if err != nil || len(p.Warnings) != 1 {
		t.Errorf("%q, %v", p.Warnings, err)
	}
}

func TestWhoIsNeverTouched(t *testing.T) {
	g := newWorkspace(t)
	for _, target := range []string{"admin@example.com", "102", "root@example.com", "103"} {
		if _, err := the(t, g.conf(), "google.suspend-user").Plan(t.Context(), actions.Input{Target: target}); !incident.IsGivenUp(err) {
			t.Errorf("%s: %v", target, err)
		}
	}
	g.keys[0]["name"] = "projects/acme/serviceAccounts/" + deploy + "/keys/0wnk3y"
	if _, err := the(t, g.conf(), "google.disable-key").Plan(t.Context(), actions.Input{Target: deploy + "/0wnk3y"}); !incident.IsGivenUp(err) {
		t.Errorf("Tocsin's own key: %v", err)
	}
}

func TestKeysAndNamesThatAreNotExact(t *testing.T) {
	g := newWorkspace(t)
	disable := the(t, g.conf(), "google.disable-key")
	var many *actions.Ambiguous
	if _, err := disable.Plan(t.Context(), actions.Input{Target: deploy}); !errors.As(err, &many) || !slices.Equal(many.Fits, []string{deploy + "/0a1b", deploy + "/2c3d"}) {
		t.Errorf("%v", err)
	}
	var no *actions.NoTarget
	for _, odd := range []string{"", "/", deploy + "/../x", "a/b", "x@y/" + strings.Repeat("z", 99), "../x@y"} {
		if _, err := disable.Plan(t.Context(), actions.Input{Target: odd}); !errors.As(err, &no) {
			t.Errorf("%.30q: %v", odd, err)
		}
	}
	if _, err := the(t, g.conf(), "google.suspend-user").Plan(t.Context(), actions.Input{Target: "malory@example.com"}); !errors.As(err, &no) || no.Hint != "Did you mean mallory@example.com?" {
		t.Errorf("%v", err)
	}
}

func TestOneGrantAlone(t *testing.T) {
	g := newWorkspace(t)
	a := the(t, g.conf(), "google.revoke-grants")
	p, err := a.Plan(t.Context(), actions.Input{Target: "mallory@example.com", Params: map[string]string{"app": "mail grabber"}})
	if err != nil || len(p.Steps) != 1 {
		t.Fatalf("%q, %v", p.Steps, err)
	}
	if _, err := a.Do(t.Context(), p); err != nil || len(g.grants) != 1 || g.grants[0]["displayText"] != "Calendar" {
		t.Errorf("%v, %v", g.grants, err)
	}
}

func TestADelegationThatIsMissing(t *testing.T) {
	g := newWorkspace(t)
	g.delegated = []string{scopeUsers}
	var right *actions.MissingRight
	_, err := the(t, g.conf(), "google.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory@example.com"})
	if !errors.As(err, &right) {
		t.Errorf("%v", err)
	}
	c := g.conf()
	c.Subject = ""
	if _, err := the(t, c, "google.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory@example.com"}); !errors.As(err, &right) {
		t.Errorf("%v", err)
	}
	if _, err := the(t, c, "google.disable-key").Plan(t.Context(), actions.Input{Target: deploy + "/0a1b"}); err != nil {
		t.Errorf("keys need no delegation: %v", err)
	}
}

func TestAQuotaOfTheDirectoryAsksForPatience(t *testing.T) {
	g := newWorkspace(t)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		answer(w, map[string]any{"error": map[string]any{"code": 403, "errors": []any{map[string]any{"reason": "quotaExceeded"}}}})
	}))
	defer front.Close()
	c := g.conf()
	c.Directory = front.URL
	_, err := the(t, c, "google.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory@example.com"})
	if wait, ok := incident.LaterBy(err); !ok || wait != time.Minute {
		t.Errorf("%v", err)
	}
}

func TestTheDoctorAsksGoogle(t *testing.T) {
	g := newWorkspace(t)
	check := the(t, g.conf(), "google.disable-key").(actions.Checker)
	if missing, err := check.Check(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("%q, %v", missing, err)
	}
	g.may = []string{readKeys, readKey}
	missing, err := check.Check(t.Context())
	if err != nil || len(missing) != 2 || g.Changes() != 0 {
		t.Errorf("%q, %v", missing, err)
	}
	c := g.conf()
	c.Subject = ""
	missing, err = the(t, c, "google.disable-key").(actions.Checker).Check(t.Context())
	if err != nil || len(missing) != 3 {
		t.Errorf("%q, %v", missing, err)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for _, c := range []Config{
		{}, {Key: "{}"}, {Key: `{"type":"service_account","client_email":"x@y","private_key":"none"}`}, {Key: keyJSON(), Subject: "nobody"},
		{Key: keyJSON(), IAM: "ftp://x"}, {Key: keyJSON(), Directory: "https://u:p@x"},
	} {
		if _, err := Actions(c); err == nil || strings.Contains(err.Error(), "u:p@") || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%v: %v", c.Directory, err)
		}
	}
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	w := newWorkspace(t)
	all, err := Actions(w.conf())
	if err != nil {
		t.Fatal(err)
	}
	actiontest.Documented(t, "../../docs/adapters/google.md", all)
}
