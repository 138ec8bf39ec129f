package vault

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-ir/tocsin/actions/actiontest"
)

const rootToken = "hvs.the-token-nobody-may-see"

// bank is an honest Vault: leases and tokens that are gone when they are revoked, roles
// whose old and new field names shadow each other, secret IDs that die with their role.
type bank struct {
	actiontest.Gate
	url string

	mu      sync.Mutex
	leases  []string
	tokens  map[string]map[string]any
	roles   map[string]map[string]any // "kubernetes/shop"
	ids     map[string]string         // role IDs of AppRoles
	secrets map[string][]string       // accessors of secret IDs
	caps    map[string][]string       // "" of a path: all of it
	made    int
	watch   func() any
	disturb func()
	forbid  string
}

func newBank(t testing.TB) *bank {
	b := &bank{
		leases: []string{"database/creds/readonly/abc1", "database/creds/readonly/abc2", "database/creds/readonly/eu/abc3", "database/creds/readwrite/x9", "auth/approle/login/h1"},
		tokens: map[string]map[string]any{
			"acc-mallory-0001": {"accessor": "acc-mallory-0001", "display_name": "kubernetes-shop", "path": "auth/kubernetes/login", "policies": []string{"default", "root"}, "id": "", "orphan": true, "meta": map[string]string{"role": "shop"}},
			"acc-tocsin-00001": {"accessor": "acc-tocsin-00001", "display_name": "approle", "path": "auth/approle/login", "policies": []string{"tocsin"}, "id": rootToken, "meta": map[string]string{"role_name": "tocsin"}},
		},
		roles: map[string]map[string]any{
			"kubernetes/shop": {"bound_service_account_names": []any{"shop"}, "bound_service_account_namespaces": []any{"prod"}, "token_policies": []any{"shop"}, "token_ttl": 3600.0, "token_type": "default", "audience": nil},
			"approle/ci":      {"bind_secret_id": true, "secret_id_ttl": 600.0, "token_policies": []any{"ci"}, "policies": []any{"ci"}, "token_period": 60.0, "period": 60.0, "token_ttl": 1200.0, "local_secret_ids": false},
			"approle/tocsin":  {"bind_secret_id": true, "token_policies": []any{"tocsin"}},
			"approle/deploy":  {"bind_secret_id": true},
			"team/jwt/deploy": {"role_type": "jwt", "bound_audiences": []any{"vault"}, "user_claim": "sub"},
		},
		ids:     map[string]string{"approle/ci": "role-id-of-ci", "approle/tocsin": "role-id-of-tocsin", "approle/deploy": "role-id-of-deploy"},
		secrets: map[string][]string{"approle/ci": {"sid-1", "sid-2"}},
	}
	b.Refuse = func(w http.ResponseWriter, status int) {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "3")
		}
		refuse(w, status, "not with "+rootToken)
	}
	web := httptest.NewServer(b)
	t.Cleanup(web.Close)
	b.url = web.URL
	return b
}

func (b *bank) conf() Config {
	return Config{Base: b.url, Token: rootToken, BreakGlass: []string{"acc-breakglass-1", "team/jwt/deploy", "database/creds/dr"}}
}

func (b *bank) Look() any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.watch()
}

func (b *bank) Disturb() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Keeps() {
		b.disturb()
	}
}

func (b *bank) Secrets() []string { return []string{rootToken} }

func refuse(w http.ResponseWriter, status int, why ...string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": append([]string{}, why...)})
}

func answer(w http.ResponseWriter, data any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "1", "lease_id": "", "data": data, "warnings": nil, "auth": nil})
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := strings.TrimPrefix(r.URL.Path, "/v1/")
	asks := r.Method == http.MethodGet || at == "auth/token/lookup-accessor" || at == "sys/capabilities-self"
	if b.Stops(w, !asks) {
		return
	}
	if r.Header.Get("X-Vault-Token") != rootToken || r.Header.Get("X-Vault-Request") != "true" || b.forbid != "" && strings.HasPrefix(at, b.forbid) {
		refuse(w, http.StatusForbidden, "permission denied")
		return
	}
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	list := r.URL.Query().Get("list") == "true"
	switch {
	case at == "auth/token/lookup-self":
		answer(w, b.tokens["acc-tocsin-00001"])
	case at == "auth/token/lookup-accessor":
		b.token(w, fmt.Sprint(in["accessor"]), false)
	case at == "auth/token/revoke-accessor":
		b.token(w, fmt.Sprint(in["accessor"]), true)
	case at == "sys/auth":
		answer(w, map[string]any{"token/": map[string]any{"type": "token"}, "kubernetes/": map[string]any{"type": "kubernetes"}, "approle/": map[string]any{"type": "approle"},
			"team/jwt/": map[string]any{"type": "jwt"}, "people/": map[string]any{"type": "userpass"}})
	case at == "sys/capabilities-self":
		out := map[string]any{}
		for _, p := range in["paths"].([]any) {
			out[p.(string)] = b.caps[p.(string)]
		}
		answer(w, out)
	case strings.HasPrefix(at, "sys/leases/lookup/") && list:
		b.keys(w, strings.TrimPrefix(at, "sys/leases/lookup/"), b.leases)
	case strings.HasPrefix(at, "sys/leases/revoke-prefix/") && r.Method == http.MethodPost:
		b.revoke(w, strings.TrimPrefix(at, "sys/leases/revoke-prefix/")+"/")
	case strings.HasPrefix(at, "auth/"):
		b.role(w, r.Method, strings.TrimPrefix(at, "auth/"), list, in)
	default:
		refuse(w, http.StatusNotFound)
	}
}

// keys are the names below a prefix, folders with a slash; none is a 404.
func (b *bank) keys(w http.ResponseWriter, prefix string, all []string) {
	found := map[string]bool{}
	for _, one := range all {
		if rest, ok := strings.CutPrefix(one, prefix); ok {
			name, _, more := strings.Cut(rest, "/")
			if more {
				name += "/"
			}
			found[name] = true
		}
	}
	if len(found) == 0 {
		refuse(w, http.StatusNotFound)
		return
	}
	answer(w, map[string]any{"keys": slices.Sorted(maps.Keys(found))})
}

func (b *bank) revoke(w http.ResponseWriter, prefix string) {
	left := slices.DeleteFunc(slices.Clone(b.leases), func(l string) bool { return strings.HasPrefix(l, prefix) })
	if len(left) < len(b.leases) && b.Keeps() {
		b.leases = left
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *bank) token(w http.ResponseWriter, accessor string, gone bool) {
	t, ok := b.tokens[accessor]
	switch {
	case !ok && gone:
		answer(w, nil) // "No token found with this accessor", as a warning
	case !ok:
		refuse(w, http.StatusBadRequest, "1 error occurred:\n\t* invalid accessor\n\n")
	case gone:
		if b.Keeps() {
			delete(b.tokens, accessor)
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, t)
	}
}

func (b *bank) role(w http.ResponseWriter, method, at string, list bool, in map[string]any) {
	mount, rest, _ := strings.Cut(at, "/role")
	rest = strings.TrimPrefix(rest, "/")
	name, field, _ := strings.Cut(rest, "/")
	key := mount + "/" + name
	role, there := b.roles[key]
	switch {
	case list && name == "":
		b.keys(w, mount+"/", slices.Collect(maps.Keys(b.roles)))
	case list && field == "secret-id" && len(b.secrets[key]) == 0, !there && method != http.MethodPost && method != http.MethodDelete:
		refuse(w, http.StatusNotFound)
	case list && field == "secret-id":
		answer(w, map[string]any{"keys": b.secrets[key]})
	case field == "role-id" && method == http.MethodGet:
		answer(w, map[string]any{"role_id": b.ids[key]})
	case field == "role-id" && !there, field != "" && field != "role-id":
		refuse(w, http.StatusNotFound)
	case field == "role-id":
		if b.Keeps() {
			b.ids[key] = in["role_id"].(string)
		}
		w.WriteHeader(http.StatusNoContent)
	case method == http.MethodGet:
		answer(w, role)
	case method == http.MethodDelete:
		if there && b.Keeps() {
			delete(b.roles, key)
			delete(b.ids, key)
			delete(b.secrets, key)
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		b.write(w, mount, key, in)
	}
}

// write keeps what is not written, invents a role ID, and lets new field names shadow old ones.
func (b *bank) write(w http.ResponseWriter, mount, key string, in map[string]any) {
	for k, v := range in {
		if v == nil {
			refuse(w, http.StatusBadRequest, "error converting input for field "+k)
			return
		}
	}
	if !b.Keeps() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	role := b.roles[key]
	if role == nil {
		role = map[string]any{}
		if strings.HasPrefix(key, "kubernetes/") {
			role["audience"] = nil
		}
		b.made++
		if mount == "approle" {
			b.ids[key] = fmt.Sprint("made-up-", b.made)
		}
	}
	maps.Copy(role, in)
	for _, old := range []string{"policies", "period", "ttl"} {
		_, renamed := in["token_"+old]
		v, plain := in[old]
		switch {
		case renamed:
			delete(role, old)
		case plain:
			role["token_"+old] = v
		}
	}
	b.roles[key] = role
	w.WriteHeader(http.StatusNoContent)
}
