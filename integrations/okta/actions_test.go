package okta

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v4"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
)

func (a *acme) conf() Config {
	return Config{Base: a.url, Token: apiToken, BreakGlass: []string{"Break.Glass@example.com"}, Watch: []string{"billing"}}
}

// the is one action of an Okta.
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

func TestActionsKeepTheContract(t *testing.T) {
	on := func(name, target string, change func(*acme)) func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
		return func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			a := newAcme(t)
			if change != nil {
				change(a)
			}
			return the(t, a.conf(), name), a, actions.Input{Target: target}
		}
	}
	for _, c := range []actiontest.Case{
		{Name: "okta.suspend-user", Make: on("okta.suspend-user", "mallory@example.com", nil), Unknown: "nobody@example.com"},
		{Name: "okta.clear-sessions", Make: on("okta.clear-sessions", "mallory@example.com", nil), Unknown: "nobody@example.com", Unproven: true},
		{Name: "okta.expire-password", Make: on("okta.expire-password", "mallory@example.com", nil), Unknown: "nobody@example.com"},
		{Name: "okta.reset-factors", Make: on("okta.reset-factors", "mallory@example.com", func(a *acme) {
			a.disturb = func() {
				a.users["00umallory"].Factors = append(a.users["00umallory"].Factors, factorOf("ost9", "token:software:totp", "GOOGLE"))
			}
		}), Unknown: "nobody@example.com"},
		{Name: "okta.deactivate-token", Make: on("okta.deactivate-token", "ci-deploy", func(a *acme) { a.watch = "00Tone" }), Unknown: "no-such-token",
			NoDisturb: "a token is valid or revoked; there is nothing else about it"},
	} {
		actiontest.Conform(t, c)
	}
}

func TestThePlanSaysWhoElseFeelsIt(t *testing.T) {
	a := newAcme(t)
	a.users["00umallory"].Roles = roles(superAdmin)
	a.users["00ualice"].Status, a.users["00utocsin"].Roles = suspended, nil
	p, err := the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(append(p.Dependants, p.Warnings...), "\n")
	for _, want := range []string{
		"loses sign-in to 2 applications: Billing, Wiki.", "is in 1 group: billing.", "is an administrator of Okta: 1 role: super admin.",
		"is the last active super administrator", "owns the group billing, with 1 other owners.", "is the only active member of the group billing.",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the plan does not say %q:\n%s", want, all)
		}
	}
	if p.Target.ID != "00umallory" || p.Owner != "alice" {
		t.Errorf("the plan is for %+v of %q", p.Target, p.Owner)
	}
	a.users["00ualice"].Status = active
	p, err = the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory"})
	if err != nil || strings.Contains(strings.Join(p.Warnings, "\n"), "last active") {
		t.Errorf("alice is a super administrator too: %v, %v", p.Warnings, err)
	}
}

func TestWhatMayNotBeReadIsAWarning(t *testing.T) {
	a := newAcme(t)
	a.forbid["/api/v1/users/00umallory/roles"] = true
	p, err := the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory"})
	if err != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "may not read administrator roles (okta.roles.read)") {
		t.Errorf("%v, %v", p.Warnings, err)
	}
}

func TestWhoIsNeverTouched(t *testing.T) {
	a := newAcme(t)
	for _, target := range []string{"break.glass@example.com", "00uroot", "tocsin@example.com", "tocsin"} {
		_, err := the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: target})
		if !incident.IsGivenUp(err) {
			t.Errorf("%s: %v", target, err)
		}
	}
	if _, err := the(t, a.conf(), "okta.deactivate-token").Plan(t.Context(), actions.Input{Target: "tocsin"}); !incident.IsGivenUp(err) {
		t.Errorf("Tocsin's own token: %v", err)
	}
}

func TestNamesThatAreNotExact(t *testing.T) {
	a := newAcme(t)
	var no *actions.NoTarget
	_, err := the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: "malory@example.com"})
	if !errors.As(err, &no) || no.Hint != "Did you mean mallory@example.com?" {
		t.Errorf("%v", err)
	}
	a.users["00utwin"] = &person{ID: "00utwin", Login: "twin@example.com", Email: "desk@example.com", Status: active}
	a.users["00uother"] = &person{ID: "00uother", Login: "other@example.com", Email: "desk@example.com", Status: active}
	var many *actions.Ambiguous
	_, err = the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: "desk@example.com"})
	if !errors.As(err, &many) || !slices.Equal(many.Fits, []string{"other@example.com", "twin@example.com"}) {
		t.Errorf("%v", err)
	}
	_, err = the(t, a.conf(), "okta.deactivate-token").Plan(t.Context(), actions.Input{Target: "backup"})
	if !errors.As(err, &many) || !slices.Equal(many.Fits, []string{"00Tfour", "00Tthree"}) {
		t.Errorf("%v", err)
	}
	for _, odd := range []string{"", ".", "..", "me", "ME", strings.Repeat("x", 300), `x" or profile.login sw "`} {
		if _, err := the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: odd}); !errors.As(err, &no) {
			t.Errorf("%.20q: %v", odd, err)
		}
	}
}

func TestStatusesThatDoNotAllowIt(t *testing.T) {
	for _, status := range []string{"STAGED", "PROVISIONED", "LOCKED_OUT", "RECOVERY", expired, gone} {
		a := newAcme(t)
		a.users["00umallory"].Status = status
		_, err := the(t, a.conf(), "okta.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory"})
		if !incident.IsGivenUp(err) {
			t.Errorf("suspend %s: %v", status, err)
		}
	}
	a := newAcme(t)
	a.users["00umallory"].Provider = "ACTIVE_DIRECTORY"
	_, err := the(t, a.conf(), "okta.expire-password").Plan(t.Context(), actions.Input{Target: "mallory"})
	if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "active directory") {
		t.Errorf("%v", err)
	}
}

func TestWithoutTheLogNothingIsClaimed(t *testing.T) {
	a := newAcme(t)
	clear := the(t, a.conf(), "okta.clear-sessions")
	p, err := clear.Plan(t.Context(), actions.Input{Target: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := clear.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	a.forbid["/api/v1/logs"] = true
	proof, err := clear.Verify(t.Context(), r)
	if err != nil || proof.Standing != actions.Unproven || !strings.Contains(proof.Seen[0], readLogs) {
		t.Errorf("%+v, %v", proof, err)
	}
}

func TestAUserWithoutSessionsIsClearedToo(t *testing.T) {
	a := newAcme(t)
	a.users["00umallory"].Sessions = 0
	clear := the(t, a.conf(), "okta.clear-sessions")
	p, err := clear.Plan(t.Context(), actions.Input{Target: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := clear.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if proof, err := clear.Verify(t.Context(), r); err != nil || proof.Standing != actions.Unproven {
		t.Errorf("%+v, %v", proof, err)
	}
}

func TestTheDoctorNamesWhatIsMissing(t *testing.T) {
	a := newAcme(t)
	check := the(t, a.conf(), "okta.suspend-user").(actions.Checker)
	if missing, err := check.Check(t.Context()); err != nil || len(missing) > 0 {
		t.Errorf("%v, %v", missing, err)
	}
	a.forbid["/api/v1/logs"] = true
	a.users["00utocsin"].Roles = roles("READ_ONLY_ADMIN")
	before := a.Changes()
	missing, err := check.Check(t.Context())
	if err != nil || len(missing) != 3 || !strings.Contains(strings.Join(missing, "\n"), readLogs) || a.Changes() != before {
		t.Errorf("%q, %v", missing, err)
	}
}

func TestAServiceAppSignsInWithItsKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := newAcme(t)
	grants := 0
	a.grants = func(w http.ResponseWriter, r *http.Request) {
		var claims jwt.RegisteredClaims
		tok, err := jwt.ParseWithClaims(r.FormValue("client_assertion"), &claims, func(tok *jwt.Token) (any, error) {
			if tok.Method != jwt.SigningMethodRS256 || tok.Header["kid"] != "key-1" {
				return nil, errors.New("wrong key")
			}
			return &key.PublicKey, nil
		})
		if err != nil || !tok.Valid || claims.Issuer != "0oaapp" || claims.Subject != "0oaapp" || claims.ID == "" ||
			!claims.VerifyAudience(a.url+"/oauth2/v1/token", true) || r.FormValue("grant_type") != "client_credentials" || !strings.Contains(r.FormValue("scope"), manageUsers) {
			w.WriteHeader(http.StatusUnauthorized)
			answer(w, map[string]any{"error": "invalid_client"})
			return
		}
		grants++
		a.bearer = "access-token-nobody-may-see"
		answer(w, map[string]any{"access_token": a.bearer, "token_type": "Bearer", "expires_in": 3600})
	}
	pemKey := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	c := Config{Base: a.url + "/", OAuth: &OAuth{ClientID: "0oaapp", KeyID: "key-1", Key: actions.Secret(pemKey)}}
	suspend := the(t, c, "okta.suspend-user")
	p, err := suspend.Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := suspend.Do(t.Context(), p); err != nil || grants != 1 {
		t.Errorf("%v after %d sign-ins", err, grants)
	}
	c.OAuth.ClientID = "0oastranger"
	var missing *actions.MissingRight
	if _, err := the(t, c, "okta.suspend-user").Plan(t.Context(), actions.Input{Target: "mallory"}); !errors.As(err, &missing) {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for _, c := range []Config{
		{}, {Base: "https://acme.okta.com"}, {Base: "acme.okta.com", Token: "t"}, {Base: "https://u:p@acme.okta.com", Token: "t"},
		{Base: "https://acme.okta.com", Token: "t", OAuth: &OAuth{}}, {Base: "https://acme.okta.com", OAuth: &OAuth{ClientID: "x", KeyID: "y", Key: "no key"}},
		{Base: "https://acme.okta.com", Token: "two words"},
	} {
		if _, err := Actions(c); err == nil || strings.Contains(err.Error(), "u:p@") {
			t.Errorf("%v: %v", c.Base, err)
		}
	}
}

// The cursor is all that is taken of a link, whatever the header holds.
func FuzzNext(f *testing.F) {
	f.Add(`<https://acme.okta.com/api/v1/users?after=abc&limit=200>; rel="next"`)
	f.Add(`<https://acme.okta.com/api/v1/users>; rel="self", <https://x/?after=1>; rel="next"`)
	f.Add(`<:%>; rel="next", <`)
	f.Fuzz(func(t *testing.T, v string) {
		if got := next(http.Header{"Link": {v}}); got != "" && !strings.Contains(v, `rel="next"`) {
			t.Errorf("%q out of %q", got, v)
		}
	})
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	w := newAcme(t)
	all, err := Actions(w.conf())
	if err != nil {
		t.Fatal(err)
	}
	actiontest.Documented(t, "../../docs/adapters/okta.md", all)
	doc, err := os.ReadFile("../../docs/adapters/okta.md")
	if err != nil || !strings.Contains(string(doc), "\n"+strings.Join(scopes(), " ")+"\n") {
		t.Errorf("the scopes to install are not those the code asks for: %v", err)
	}
}
