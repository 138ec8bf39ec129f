package slack

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
)

func (w *workspace) conf() Config {
	return Config{Base: w.url, Bot: botToken, Admin: adminToken, BreakGlass: []string{"root@example.com"}}
}

// the is one action of a workspace.
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
	for name, disturb := range map[string]func(*workspace){
		"slack.remove-from-channels": nil,
		"slack.reset-sessions": func(w *workspace) {
			w.disturb = func() { w.sessions["UMALLORY"] = append(w.sessions["UMALLORY"], 99) }
		},
	} {
		actiontest.Conform(t, actiontest.Case{Name: name, Unknown: "nobody@example.com", Make: func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			w := newWorkspace(t)
			if disturb != nil {
				disturb(w)
			}
			return the(t, w.conf(), name), w, actions.Input{Target: "mallory@example.com"}
		}})
	}
}

func TestThePlanSaysWhatTocsinCannotReach(t *testing.T) {
	w := newWorkspace(t)
	p, err := the(t, w.conf(), "slack.remove-from-channels").Plan(t.Context(), actions.Input{Target: "<@UMALLORY|mallory>"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Steps, []string{"Remove mallory@example.com from #billing.", "Remove mallory@example.com from #inc-0001."}) {
		t.Errorf("steps: %q", p.Steps)
	}
	all := strings.Join(append(p.Warnings, p.Dependants...), "\n")
	for _, want := range []string{"from #general, #random", "is an administrator of the workspace", "#billing is public"} {
		if !strings.Contains(all, want) {
			t.Errorf("the plan does not say %q:\n%s", want, all)
		}
	}
}

func TestOnlyNamedChannels(t *testing.T) {
	w := newWorkspace(t)
	a := the(t, w.conf(), "slack.remove-from-channels")
	in := actions.Input{Target: "UMALLORY", Params: map[string]string{"channels": "#inc-0001"}}
	p, err := a.Plan(t.Context(), in)
	if err != nil || len(p.Steps) != 1 {
		t.Fatalf("%q, %v", p.Steps, err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(w.channels["C3"].members, "UMALLORY") || !slices.Contains(w.channels["C2"].members, "UMALLORY") {
		t.Errorf("done: %q", r.Done)
	}
	in.Params["channels"] = "nowhere"
	var bad *actions.BadParam
	if _, err := a.Plan(t.Context(), in); !errors.As(err, &bad) {
		t.Errorf("%v", err)
	}
}

func TestAnAttackerWhoThrowsTheBotOutIsNotTakenForGone(t *testing.T) {
	w := newWorkspace(t)
	a := the(t, w.conf(), "slack.remove-from-channels")
	p, err := a.Plan(t.Context(), actions.Input{Target: "UMALLORY"})
	if err != nil {
		t.Fatal(err)
	}
	w.channels["C3"].members = []string{"UMALLORY"}
	var part *actions.Partial
	if _, err := a.Do(t.Context(), p); !errors.As(err, &part) || len(part.Receipt.Done) != 1 || !slices.Equal(part.NotDone, []string{"#inc-0001"}) {
		t.Errorf("not partial: %v", err)
	}
	proof, err := a.Verify(t.Context(), p.Receipt())
	if err != nil || proof.Standing != actions.Unproven || !strings.Contains(strings.Join(proof.Seen, " "), "cannot see") {
		t.Errorf("%+v, %v", proof, err)
	}
	w.channels["C3"].members = []string{"UMALLORY", "UTOCSIN0"} // somebody lets the bot in again
	r, err := a.Do(t.Context(), p)
	if err != nil || len(r.Done) != 2 {
		t.Errorf("%q, %v", r.Done, err)
	}
	if proof, err = a.Verify(t.Context(), r); err != nil || proof.Standing != actions.InEffect {
		t.Errorf("%+v, %v", proof, err)
	}
}

func TestWhoIsNeverTouched(t *testing.T) {
	w := newWorkspace(t)
	for _, target := range []string{"UTOCSIN0", "UROOT000", "root@example.com"} {
		if _, err := the(t, w.conf(), "slack.reset-sessions").Plan(t.Context(), actions.Input{Target: target}); !incident.IsGivenUp(err) {
			t.Errorf("%s: %v", target, err)
		}
	}
	var none *actions.NoTarget
	for _, target := range []string{"mallory", "@mallory", "", "<@everyone>", "U1"} {
		if _, err := the(t, w.conf(), "slack.reset-sessions").Plan(t.Context(), actions.Input{Target: target}); !errors.As(err, &none) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestWithoutAnAdministratorsToken(t *testing.T) {
	w := newWorkspace(t)
	c := w.conf()
	c.Admin = ""
	a := the(t, c, "slack.reset-sessions")
	var right *actions.MissingRight
	if _, err := a.Plan(t.Context(), actions.Input{Target: "UMALLORY"}); !errors.As(err, &right) || right.Right != endSessions {
		t.Errorf("%v", err)
	}
	missing, err := a.(actions.Checker).Check(t.Context())
	if err != nil || len(missing) != 1 || !strings.Contains(missing[0], "Enterprise") {
		t.Errorf("%q, %v", missing, err)
	}
}

func TestTheDoctorComparesScopes(t *testing.T) {
	w := newWorkspace(t)
	check := the(t, w.conf(), "slack.reset-sessions").(actions.Checker)
	if missing, err := check.Check(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("%q, %v", missing, err)
	}
	w.scopes[botToken] = "users:read, channels:read"
	missing, err := check.Check(t.Context())
	if err != nil || len(missing) != 4 {
		t.Errorf("%q, %v", missing, err)
	}
}

func TestCodesOfSlack(t *testing.T) {
	for code, want := range map[string]func(error) bool{
		"not_an_admin":   func(err error) bool { var m *actions.MissingRight; return errors.As(err, &m) && m.Right == endSessions },
		"token_revoked":  func(err error) bool { var m *actions.MissingRight; return errors.As(err, &m) },
		"ratelimited":    func(err error) bool { _, ok := incident.LaterBy(err); return ok },
		"internal_error": func(err error) bool { return !actions.Final(err) },
		"user_not_found": incident.IsGivenUp,
		"<b>" + botToken: func(err error) bool { return !strings.Contains(err.Error(), botToken) },
	} {
		w := newWorkspace(t)
		a := the(t, w.conf(), "slack.reset-sessions")
		p, err := a.Plan(t.Context(), actions.Input{Target: "UMALLORY"})
		if err != nil {
			t.Fatal(err)
		}
		w.refuse["admin.users.session.reset"] = code
		if _, err := a.Do(t.Context(), p); err == nil || !want(err) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	w := newWorkspace(t)
	all, err := Actions(w.conf())
	if err != nil {
		t.Fatal(err)
	}
	actiontest.Documented(t, "../../docs/adapters/slack.md", all)
}
