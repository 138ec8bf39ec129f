package google

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
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v4"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
)

const deploy = "deploy@acme.iam.gserviceaccount.com"

var ownKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// keyJSON is the key file of Tocsin's service account.
func keyJSON() actions.Secret {
	der, err := x509.MarshalPKCS8PrivateKey(ownKey())
	if err != nil {
		panic(err)
	}
	b, _ := json.Marshal(map[string]string{"type": "service_account", "client_email": "tocsin@acme.iam.gserviceaccount.com", "private_key_id": "0wnk3y",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://elsewhere.example/token"})
	return actions.Secret(b)
}

// workspace is an honest Google: it grants tokens for signed assertions only, to the
// subject and the scopes that were delegated, and says quotas of the directory with 403.
type workspace struct {
	actiontest.Gate
	url string

	mu        sync.Mutex
	delegated []string // scopes
	users     map[string]map[string]any
	sessions  int
	grants    []map[string]any
	keys      []map[string]any
	may       []string
	disturb   func()
	look      func() any
	current   string
}

func newWorkspace(t *testing.T) *workspace {
	g := &workspace{delegated: []string{scopeUsers, scopeSecurity}, sessions: 2, users: map[string]map[string]any{
		"101": {"id": "101", "primaryEmail": "mallory@example.com", "aliases": []any{"mal@example.com"}},
		"102": {"id": "102", "primaryEmail": "admin@example.com", "isAdmin": true},
		"103": {"id": "103", "primaryEmail": "root@example.com", "isAdmin": true},
	}, grants: []map[string]any{
		{"clientId": "app-2.example", "displayText": "Mail Grabber", "scopes": []any{"https://mail.google.com/"}},
		{"clientId": "app-1.example", "displayText": "Calendar", "scopes": []any{"openid"}},
	}, may: []string{readKeys, readKey, disableKeys, enableKeys}}
	for _, k := range []string{"0a1b", "2c3d"} {
		g.keys = append(g.keys, map[string]any{"name": "projects/acme/serviceAccounts/" + deploy + "/keys/" + k, "validAfterTime": "2026-01-01T00:00:00Z"})
	}
	g.disturb = func() { g.users["101"]["archived"] = true }
	g.look = func() any { return fmt.Sprint(g.users["101"]["suspended"] == true, g.sessions, g.grants) }
	g.Refuse = func(w http.ResponseWriter, status int) { refuse(w, status, g.current) }
	web := httptest.NewServer(g)
	t.Cleanup(web.Close)
	g.url = web.URL
	return g
}

func (g *workspace) Look() any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.look()
}

func (g *workspace) Disturb() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Keeps() {
		g.disturb()
	}
}

func (g *workspace) Secrets() []string {
	return []string{"PRIVATE KEY", "directory-token-nobody-may-see", "cloud-token-nobody-may-see"}
}

// refuse answers as the two APIs do.
func refuse(w http.ResponseWriter, status int, path string) {
	reason := map[int]string{400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 409: "duplicate", 429: "rateLimitExceeded"}[status]
	body := map[string]any{"code": status, "message": "Not with directory-token-nobody-may-see", "errors": []any{map[string]any{"domain": "global", "reason": reason}}}
	if strings.HasPrefix(path, "/v1/") {
		body = map[string]any{"code": status, "message": "Not with cloud-token-nobody-may-see", "status": map[int]string{403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}[status]}
	}
	w.WriteHeader(status)
	answer(w, map[string]any{"error": body})
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (g *workspace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/token" {
		g.token(w, r)
		return
	}
	g.current = r.URL.Path
	if g.Stops(w, r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, ":testIamPermissions")) {
		return
	}
	auth := r.Header.Get("Authorization")
	switch cloud := strings.HasPrefix(r.URL.Path, "/v1/"); {
	case cloud && auth == "Bearer cloud-token-nobody-may-see":
		g.cloud(w, r)
	case !cloud && auth == "Bearer directory-token-nobody-may-see":
		g.directory(w, r)
	default:
		refuse(w, http.StatusUnauthorized, r.URL.Path)
	}
}

func (g *workspace) token(w http.ResponseWriter, r *http.Request) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(r.FormValue("assertion"), claims, func(t *jwt.Token) (any, error) { return &ownKey().PublicKey, nil })
	scope, _ := claims["scope"].(string)
	if err != nil || claims["iss"] != "tocsin@acme.iam.gserviceaccount.com" || claims["aud"] != g.url+"/token" || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
		return
	}
	if scope == scopeCloud && claims["sub"] == nil {
		answer(w, map[string]any{"access_token": "cloud-token-nobody-may-see", "expires_in": 3599, "token_type": "Bearer"})
		return
	}
	for s := range strings.SplitSeq(scope, " ") {
		if !slices.Contains(g.delegated, s) || claims["sub"] != "admin@example.com" {
			w.WriteHeader(http.StatusUnauthorized)
			answer(w, map[string]any{"error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens using this method."})
			return
		}
	}
	answer(w, map[string]any{"access_token": "directory-token-nobody-may-see", "expires_in": 3599, "token_type": "Bearer"})
}

func (g *workspace) directory(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, users)
	if path == "" {
		q, out := r.URL.Query().Get("query"), []any{}
		for _, id := range []string{"102", "101", "103"} {
			u := g.users[id]
			if q == "isAdmin=true" && u["isAdmin"] == true || strings.HasPrefix("email:"+u["primaryEmail"].(string), strings.TrimSuffix(q, "*")) {
				out = append(out, u)
			}
		}
		answer(w, map[string]any{"users": out})
		return
	}
	name, below, _ := strings.Cut(path[1:], "/")
	var u map[string]any
	for id, one := range g.users {
		aliases, _ := one["aliases"].([]any)
		if id == name || one["primaryEmail"] == name || slices.Contains(aliases, any(name)) {
			u = one
		}
	}
	what, which, _ := strings.Cut(below, "/")
	at := slices.IndexFunc(g.grants, func(one map[string]any) bool { return one["clientId"] == which })
	switch {
	case u == nil:
		refuse(w, http.StatusNotFound, "")
	case r.Method == http.MethodGet && below == "":
		answer(w, u)
	case r.Method == http.MethodPatch && below == "":
		var in map[string]any
		_ = json.NewDecoder(r.Body).Decode(&in)
		if (u["suspended"] == true) != (in["suspended"] == true) && g.Keeps() {
			u["suspended"] = in["suspended"]
		}
		answer(w, u)
	case r.Method == http.MethodPost && below == "signOut":
		if g.sessions > 0 && g.Keeps() {
			g.sessions = 0
		}
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && below == "tokens":
		answer(w, map[string]any{"kind": "admin#directory#tokenList", "items": g.grants})
	case r.Method == http.MethodDelete && what == "tokens" && at >= 0:
		if g.Keeps() {
			g.grants = slices.Delete(slices.Clone(g.grants), at, at+1)
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotFound, "")
	}
}

func (g *workspace) cloud(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, ":testIamPermissions") {
		answer(w, map[string]any{"permissions": g.may})
		return
	}
	below, ok := strings.CutPrefix(r.URL.Path, "/v1/projects/-/serviceAccounts/"+deploy+"/keys")
	id, verb, _ := strings.Cut(strings.TrimPrefix(below, "/"), ":")
	at := slices.IndexFunc(g.keys, func(k map[string]any) bool { return strings.HasSuffix(k["name"].(string), "/"+id) })
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, r.URL.Path)
	case below == "":
		answer(w, map[string]any{"keys": g.keys})
	case at < 0:
		refuse(w, http.StatusNotFound, r.URL.Path)
	case verb == "":
		answer(w, g.keys[at])
	default:
		off := verb == "disable"
		if (g.keys[at]["disabled"] == true) != off && g.Keeps() {
			g.keys[at]["disabled"] = off
		}
		answer(w, map[string]any{})
	}
}
