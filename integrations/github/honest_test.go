package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/internal/clock"
	sandbox "github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

const containToken = "ghp-of-containment-nobody-may-see"

var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func appPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())}))
}

type object = map[string]any

// octo is an honest GitHub for containment. Memberships and deploy keys are the sandbox's;
// what the sandbox has not is here: authorizations, tokens, rulesets, archiving, Actions and
// installations. It answers 404 to what is not there, refuses changes of an archived
// repository, and lets only the app itself, by a signed token, suspend an installation.
type octo struct {
	actiontest.Gate
	url string
	hub *sandbox.Server // acme, with its members, and acme/shop with its keys

	mu        sync.Mutex
	sso       []object
	pats      []object
	repo      object
	actions   object
	allowed   object
	rulesets  []object
	installed object
	look      func() any
	disturb   func()
	scopes    string
	paths     []string
}

func newOcto(t *testing.T) *octo {
	o := &octo{
		hub: newHub(t),
		sso: []object{
			{"login": "mallory", "credential_id": 161195, "credential_type": "personal access token", "token_last_eight": "71c3fc11", "scopes": []string{"repo"}},
			{"login": "mallory", "credential_id": 161196, "credential_type": "SSH key", "fingerprint": "jklmnop12345678", "authorized_credential_title": "laptop"},
			{"login": "alice", "credential_id": 161197, "credential_type": "SSH key", "fingerprint": "q"},
		},
		pats:    []object{{"id": 25381, "owner": object{"login": "mallory"}, "token_name": "deploy"}, {"id": 25382, "owner": object{"login": "alice"}, "token_name": "hers"}},
		repo:    object{"name": "shop", "full_name": "acme/shop", "owner": object{"login": "acme"}, "archived": false, "private": true, "visibility": "private", "default_branch": "main", "open_issues_count": 4},
		actions: object{"enabled": true, "allowed_actions": "selected"},
		allowed: object{"github_owned_allowed": true, "verified_allowed": false, "patterns_allowed": []any{"acme/*", "actions/cache@*"}},
		installed: object{"id": 5001, "app_id": 77, "app_slug": "deploy-bot", "account": object{"login": "acme"}, "repository_selection": "selected",
			"suspended_at": nil},
		scopes: "repo, admin:org",
	}
	o.Refuse = refuseAsGitHub
	web := httptest.NewServer(o)
	t.Cleanup(web.Close)
	o.url = web.URL
	return o
}

// The two keys of acme/shop.
const (
	deployKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA"
	mirrorKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBB"
)

func newHub(t *testing.T) *sandbox.Server {
	t.Helper()
	h := sandbox.New(sandbox.Config{Clock: clock.NewFast(time.Now(), 1), Tokens: map[string]string{containToken: "tocsin"}})
	t.Cleanup(h.Close)
	if err := h.AddRepo(sandbox.Repo{Name: "acme/shop", Private: true, Admin: []string{"tocsin"}, Push: []string{"mallory"}}); err != nil {
		t.Fatal(err)
	}
	for login, role := range map[string]string{"alice": sandbox.RoleOwner, "tocsin": sandbox.RoleOwner, "mallory": sandbox.RoleMember} {
		h.Seat("acme", sandbox.Membership{Login: login, Role: role, State: sandbox.StateActive})
	}
	for _, k := range []sandbox.DeployKey{{Title: "ci-deploy", Key: deployKey, AddedBy: "mallory"}, {Title: "mirror", Key: mirrorKey, ReadOnly: true}} {
		if err := h.AddDeployKey("acme/shop", k); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// retitled is a key with another title or other rights, as somebody gives it who deletes it
// and adds it again.
func (o *octo) retitled(k sandbox.DeployKey) {
	o.hub.DropDeployKey("acme/shop", k.Key)
	if err := o.hub.AddDeployKey("acme/shop", k); err != nil {
		panic(err)
	}
}

func (o *octo) seat(login string) sandbox.Membership {
	m, _ := o.hub.Member("acme", login)
	return m
}

func (o *octo) Changes() int { return o.Gate.Changes() + o.hub.Writes() }

func (o *octo) Lie() {
	o.Gate.Lie()
	o.hub.Lie(true)
}

func (o *octo) conf() github.Containment {
	return github.Containment{Token: containToken, BaseURL: o.url, Org: "acme", BreakGlass: []string{"root", "acme/tocsin"},
		Apps: []github.App{{ID: 77, Key: github.Secret(appPEM())}}}
}

func (o *octo) Look() any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Sprint(o.look())
}

func (o *octo) Disturb() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.Keeps() {
		o.disturb()
	}
}

func (o *octo) Secrets() []string { return []string{containToken, "PRIVATE KEY", "the-exposed-secret"} }

func refuseAsGitHub(w http.ResponseWriter, status int) {
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "7")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"message": "Not with " + containToken, "documentation_url": "https://docs.github.com/rest"})
}

func give(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	if v != nil {
		_ = json.NewEncoder(w).Encode(v)
	}
}

func (o *octo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v3/")
	o.paths = append(o.paths, r.Method+" "+path)
	if o.Stops(w, r.Method != http.MethodGet) {
		return
	}
	auth := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if path == "app" || strings.HasPrefix(path, "app/") {
		var claims jwt.RegisteredClaims
		_, err := jwt.ParseWithClaims(auth, &claims, func(*jwt.Token) (any, error) { return &appKey().PublicKey, nil })
		if err != nil || claims.Issuer != "77" {
			refuseAsGitHub(w, http.StatusUnauthorized)
			return
		}
		o.app(w, r, strings.TrimPrefix(path, "app"))
		return
	}
	if auth != containToken {
		refuseAsGitHub(w, http.StatusUnauthorized)
		return
	}
	parts := strings.Split(path, "/")
	if kept(parts) {
		o.hub.ServeHTTP(w, r)
		return
	}
	var in object
	_ = json.NewDecoder(r.Body).Decode(&in)
	switch {
	case path == "user":
		w.Header().Set("X-OAuth-Scopes", o.scopes)
		give(w, 200, object{"login": "tocsin", "id": 2})
	case parts[0] == "orgs" && parts[1] == "acme":
		o.org(w, r, parts[2], strings.Join(parts[3:], "/"), in)
	case len(parts) > 2 && parts[0] == "repos" && parts[1] == "acme" && parts[2] == "shop":
		o.shop(w, r, strings.Join(parts[3:], "/"), in)
	default:
		refuseAsGitHub(w, http.StatusNotFound)
	}
}

func (o *octo) org(w http.ResponseWriter, r *http.Request, what, which string, in object) {
	id, _ := strconv.Atoi(which)
	switch r.Method + " " + what {
	case "GET credential-authorizations":
		o.page(w, r, o.sso)
	case "DELETE credential-authorizations":
		o.drop(w, &o.sso, "credential_id", id)
	case "GET personal-access-tokens":
		var out []object
		for _, p := range o.pats {
			if p["owner"].(object)["login"] == r.URL.Query().Get("owner[]") {
				out = append(out, p)
			}
		}
		o.page(w, r, out)
	case "POST personal-access-tokens":
		if in["action"] != "revoke" {
			refuseAsGitHub(w, http.StatusUnprocessableEntity)
			return
		}
		o.drop(w, &o.pats, "id", id)
	case "GET secret-scanning":
		o.page(w, r, []object{
			{"number": 2, "secret_type_display_name": "Slack API Token", "secret": "the-exposed-secret-2", "created_at": "2026-03-02T10:00:00Z", "html_url": "https://github.com/acme/shop/security/secret-scanning/2", "repository": object{"full_name": "acme/shop"}},
			{"number": 1, "secret_type": "aws_access_key_id", "secret": "the-exposed-secret", "created_at": "2026-03-01T10:00:00Z", "push_protection_bypassed": true, "repository": object{"full_name": "acme/web"}}})
	default:
		refuseAsGitHub(w, http.StatusNotFound)
	}
}

// kept reports whether the sandbox answers for a path.
func kept(parts []string) bool {
	switch parts[0] {
	case "users":
		return true
	case "orgs":
		return len(parts) > 2 && slices.Contains([]string{"members", "memberships", "invitations"}, parts[2])
	}
	return len(parts) > 3 && parts[0] == "repos" && parts[3] == "keys"
}

// page pages by one, so that a reader who stops early is found out.
func (o *octo) page(w http.ResponseWriter, r *http.Request, all []object) {
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	n = max(n, 1)
	if n < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/x?page=%d>; rel="next"`, o.url, n+1))
	}
	out := []object{}
	if n <= len(all) {
		out = append(out, all[n-1])
	}
	give(w, 200, out)
}

func (o *octo) drop(w http.ResponseWriter, all *[]object, key string, id int) {
	at := slices.IndexFunc(*all, func(c object) bool { return fmt.Sprint(c[key]) == fmt.Sprint(id) })
	if at < 0 {
		refuseAsGitHub(w, http.StatusNotFound)
		return
	}
	if o.Keeps() {
		*all = slices.Delete(slices.Clone(*all), at, at+1)
	}
	give(w, 204, nil)
}
