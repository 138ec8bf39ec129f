package entra

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions/actiontest"
)

const clientSecret = "the-client-secret-nobody-may-see"

// tenant is an honest Entra: a login that grants tokens for one Graph, and a Graph that
// takes only the newest of them.
type tenant struct {
	actiontest.Gate
	url string

	mu       sync.Mutex
	grants   int
	life     int // seconds
	accounts map[string]map[string]any
	valid    time.Time // from which mallory's sessions count
	roles    []any
	admins   []any
	owned    []any
	granted  []string
	disturb  func()
	forbid   map[string]bool
}

func newTenant(t *testing.T) *tenant {
	e := &tenant{life: 3599, valid: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), forbid: map[string]bool{}, accounts: map[string]map[string]any{
		"id-mallory": {"id": "id-mallory", "userPrincipalName": "mallory@example.com", "mail": "m.allory@example.com", "accountEnabled": true, "userType": "Member"},
		"id-root":    {"id": "id-root", "userPrincipalName": "root@example.com", "accountEnabled": true, "userType": "Member"},
	}, granted: []string{"df021288-bdef-4463-88db-98f22de89214", "3011c876-62b7-4ada-afa2-506cbbecc68c", "77f3a031-c388-4f99-b373-dc68676a979e", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"}}
	e.disturb = func() { e.accounts["id-mallory"]["userPrincipalName"] = "renamed@example.com" }
	e.Refuse = refuse
	web := httptest.NewServer(e)
	t.Cleanup(web.Close)
	e.url = web.URL
	return e
}

func (e *tenant) token() string { return fmt.Sprintf("access-token-%d-nobody-may-see", e.grants) }

func (e *tenant) Look() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return fmt.Sprint(e.accounts["id-mallory"]["accountEnabled"], e.valid)
}

func (e *tenant) Disturb() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Keeps() {
		e.disturb()
	}
}

func (e *tenant) Secrets() []string { return []string{clientSecret, "nobody-may-see"} }

func refuse(w http.ResponseWriter, status int) {
	code := map[int]string{400: "Request_BadRequest", 401: "InvalidAuthenticationToken", 403: "Authorization_RequestDenied", 404: "Request_ResourceNotFound", 429: "TooManyRequests"}[status]
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "7")
	}
	w.WriteHeader(status)
	answer(w, map[string]any{"error": map[string]any{"code": code, "message": "Not with " + clientSecret, "innerError": map[string]any{"request-id": "1"}}})
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (e *tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") {
		if r.URL.Path != "/acme.example/oauth2/v2.0/token" || r.FormValue("client_secret") != clientSecret || r.FormValue("scope") != e.url+"/.default" || r.FormValue("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			answer(w, map[string]any{"error": "invalid_client", "error_description": "AADSTS7000215 " + clientSecret})
			return
		}
		e.grants++
		answer(w, map[string]any{"token_type": "Bearer", "expires_in": e.life, "access_token": e.token()})
		return
	}
	if e.Stops(w, r.Method != http.MethodGet) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+e.token() {
		refuse(w, http.StatusUnauthorized)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1.0")
	if e.forbid[path] {
		refuse(w, http.StatusForbidden)
		return
	}
	switch {
	case path == "/users":
		e.search(w, r.URL.Query().Get("$filter"))
	case strings.HasPrefix(path, "/users/"):
		name, below, _ := strings.Cut(strings.TrimPrefix(path, "/users/"), "/")
		e.user(w, r, name, below)
	case path == "/directoryRoles/roleTemplateId="+globalAdmin+"/members":
		answer(w, map[string]any{"value": e.admins})
	case path == "/servicePrincipals(appId='app-1')/appRoleAssignments":
		value := []any{}
		for _, g := range e.granted {
			value = append(value, map[string]any{"appRoleId": g})
		}
		answer(w, map[string]any{"value": value})
	default:
		refuse(w, http.StatusNotFound)
	}
}

func (e *tenant) search(w http.ResponseWriter, filter string) {
	value := []any{}
	for _, a := range e.accounts {
		name, _ := a["userPrincipalName"].(string)
		mail, _ := a["mail"].(string)
		start := strings.TrimSuffix(strings.TrimPrefix(filter, "startswith(userPrincipalName,'"), "')")
		if filter == "mail eq '"+mail+"'" || strings.HasPrefix(filter, "startswith") && strings.HasPrefix(name, start) {
			value = append(value, a)
		}
	}
	answer(w, map[string]any{"value": value})
}

func (e *tenant) user(w http.ResponseWriter, r *http.Request, name, below string) {
	var a map[string]any
	for id, one := range e.accounts {
		if id == name || one["userPrincipalName"] == name {
			a = one
		}
	}
	if a == nil {
		refuse(w, http.StatusNotFound)
		return
	}
	switch r.Method + " " + below {
	case "GET ":
		out := map[string]any{"signInSessionsValidFromDateTime": e.valid.Format(time.RFC3339)}
		for k, v := range a {
			out[k] = v
		}
		answer(w, out)
	case "PATCH ":
		var in map[string]bool
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			refuse(w, http.StatusBadRequest)
			return
		}
		if a["accountEnabled"] != in["accountEnabled"] && e.Keeps() {
			a["accountEnabled"] = in["accountEnabled"]
		}
		w.WriteHeader(http.StatusNoContent)
	case "POST revokeSignInSessions":
		if e.Keeps() {
			e.valid = e.valid.Add(time.Hour)
		}
		answer(w, map[string]any{"value": true})
	case "GET transitiveMemberOf/microsoft.graph.directoryRole":
		if r.Header.Get("ConsistencyLevel") != "eventual" {
			refuse(w, http.StatusBadRequest)
			return
		}
		answer(w, map[string]any{"value": e.roles})
	case "GET ownedObjects":
		answer(w, map[string]any{"value": e.owned})
	default:
		refuse(w, http.StatusNotFound)
	}
}
