package okta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions/actiontest"
)

const apiToken = "00-the-api-token-nobody-may-see"

// acme is an honest Okta: it suspends only active users, unsuspends only suspended ones,
// pages its lists, and writes what was done into its System Log.
type acme struct {
	actiontest.Gate
	url    string
	grants func(w http.ResponseWriter, r *http.Request) // the token endpoint, where there is one
	bearer string                                       // what it granted

	mu       sync.Mutex
	users    map[string]*person
	groups   map[string]*team
	tokens   []map[string]any
	log      []map[string]any
	watch    string // the id of the user, or of the token, that Look looks at
	disturb  func()
	forbid   map[string]bool // paths that are answered 403
	requests int
}

type person struct {
	ID, Login, Email, Status, Provider string
	Sessions                           int
	Factors, Roles, Apps               []map[string]any
}

type team struct {
	ID, Name        string
	Members, Owners []string
}

// newAcme has Tocsin's own account, two administrators, and mallory, who has 3 sessions,
// 2 factors and a token.
func newAcme(t testing.TB) *acme {
	a := &acme{users: map[string]*person{}, groups: map[string]*team{}, watch: "00umallory", forbid: map[string]bool{}}
	a.Refuse = refuse
	for _, p := range []person{
		{ID: "00utocsin", Login: "tocsin@example.com", Status: active, Roles: roles(superAdmin)},
		{ID: "00ualice", Login: "alice@example.com", Status: active, Roles: roles(superAdmin)},
		{ID: "00uroot", Login: "break.glass@example.com", Status: active},
		{ID: "00umallory", Login: "mallory@example.com", Email: "mallory@example.com", Status: active, Sessions: 3, Provider: "OKTA",
			Factors: []map[string]any{factorOf("opf1", "push", "OKTA"), factorOf("sms2", "sms", "OKTA")},
			Apps:    []map[string]any{{"label": "Billing"}, {"label": "Wiki"}}},
	} {
		a.users[p.ID] = &p
	}
	a.groups["00gbilling"] = &team{ID: "00gbilling", Name: "billing", Members: []string{"00umallory"}, Owners: []string{"00umallory", "00ualice"}}
	a.tokens = []map[string]any{
		{"id": "00Tone", "name": "ci-deploy", "userId": "00umallory", "clientName": "Okta API", "lastUpdated": "2026-03-01T09:00:00.000Z"},
		{"id": "00Ttwo", "name": "tocsin", "userId": "00utocsin", "clientName": "Okta API", "lastUpdated": "2026-03-01T09:00:00.000Z"},
		{"id": "00Tthree", "name": "backup", "userId": "00ualice", "clientName": "Okta API"},
		{"id": "00Tfour", "name": "backup", "userId": "00ualice", "clientName": "Okta API"},
	}
	a.disturb = func() { a.users["00umallory"].Status = gone }
	web := httptest.NewServer(a)
	t.Cleanup(web.Close)
	a.url = web.URL
	return a
}

func roles(types ...string) (out []map[string]any) {
	for _, t := range types {
		out = append(out, map[string]any{"type": t, "label": words(t), "status": active})
	}
	return out
}

func factorOf(id, kind, provider string) map[string]any {
	return map[string]any{"id": id, "factorType": kind, "provider": provider, "status": active, "profile": map[string]any{"phoneNumber": "+15550100"}}
}

func (a *acme) Look() any {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, ok := a.users[a.watch]; ok {
		return []any{p.Status, p.Sessions, len(p.Factors)}
	}
	return slices.ContainsFunc(a.tokens, func(t map[string]any) bool { return t["id"] == a.watch })
}

func (a *acme) Disturb() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Keeps() {
		a.disturb()
	}
}

func (a *acme) Secrets() []string { return []string{apiToken, a.bearer, "PRIVATE KEY"} }

// refuse answers as Okta does; the summary repeats what must not be passed on.
func refuse(w http.ResponseWriter, status int) {
	codes := map[int]string{400: "E0000001", 401: "E0000011", 403: "E0000006", 404: "E0000007", 429: "E0000047", 500: "E0000009"}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests {
		w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(30*time.Second).Unix(), 10))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errorCode": codes[status], "errorSummary": "Not with " + apiToken, "errorId": "oae1", "errorCauses": []any{}})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (a *acme) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	if r.URL.Path == "/oauth2/v1/token" && a.grants != nil {
		a.grants(w, r)
		return
	}
	write := r.Method != http.MethodGet
	if a.Stops(w, write) {
		return
	}
	if auth := r.Header.Get("Authorization"); auth != "SSWS "+apiToken && (a.bearer == "" || auth != "Bearer "+a.bearer) {
		refuse(w, http.StatusUnauthorized)
		return
	}
	if a.forbid[r.URL.Path] {
		refuse(w, http.StatusForbidden)
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	switch {
	case parts[0] == "users" && len(parts) == 1:
		a.search(w, r)
	case parts[0] == "users":
		a.user(w, r, parts[1], strings.Join(parts[2:], "/"))
	case parts[0] == "api-tokens":
		a.token(w, r, parts[1:])
	case parts[0] == "logs":
		a.logs(w, r)
	case parts[0] == "groups":
		a.group(w, r, parts[1:])
	case r.URL.Path == "/api/v1/iam/assignees/users":
		value := []any{}
		for _, id := range []string{"00ualice", "00umallory", "00utocsin"} {
			if len(a.users[id].Roles) > 0 {
				value = append(value, map[string]any{"id": id, "orn": "orn:okta:directory:00o:users:" + id})
			}
		}
		answer(w, map[string]any{"value": value})
	default:
		refuse(w, http.StatusNotFound)
	}
}

func (a *acme) find(name string) *person {
	if name == "me" {
		return a.users["00utocsin"]
	}
	for _, p := range a.users {
		if short, _, _ := strings.Cut(p.Login, "@"); p.ID == name || p.Login == name || short == name {
			return p
		}
	}
	return nil
}

func told(p *person) map[string]any {
	return map[string]any{"id": p.ID, "status": p.Status, "profile": map[string]any{"login": p.Login, "email": p.Email, "manager": "alice"},
		"credentials": map[string]any{"provider": map[string]any{"type": p.Provider}}}
}

func (a *acme) search(w http.ResponseWriter, r *http.Request) {
	out := []any{}
	for _, id := range slices.Sorted(func(yield func(string) bool) {
		for id := range a.users {
			if !yield(id) {
				return
			}
		}
	}) {
		p, q := a.users[id], r.URL.Query()
		byMail := q.Get("search") == `profile.email eq "`+p.Email+`"`
		byStart := q.Get("q") != "" && strings.HasPrefix(p.Login, q.Get("q")[:min(3, len(q.Get("q")))])
		if byMail && p.Email != "" || byStart {
			out = append(out, told(p))
		}
	}
	answer(w, out)
}

func (a *acme) user(w http.ResponseWriter, r *http.Request, name, below string) {
	p := a.find(name)
	if p == nil {
		refuse(w, http.StatusNotFound)
		return
	}
	switch r.Method + " " + below {
	case "GET ":
		answer(w, told(p))
	case "GET roles":
		answer(w, p.Roles)
	case "GET appLinks":
		answer(w, p.Apps)
	case "GET factors":
		answer(w, p.Factors)
	case "GET groups":
		out := []any{map[string]any{"id": "00geveryone", "profile": map[string]any{"name": "Everyone"}}}
		for _, g := range a.groups {
			if slices.Contains(g.Members, p.ID) {
				out = append(out, toldGroup(g))
			}
		}
		answer(w, out)
	case "POST lifecycle/suspend":
		a.becomes(w, p, []string{active}, suspended)
	case "POST lifecycle/unsuspend":
		a.becomes(w, p, []string{suspended}, active)
	case "POST lifecycle/activate":
		a.becomes(w, p, []string{gone, "STAGED"}, "PROVISIONED")
	case "POST lifecycle/expire_password":
		a.becomes(w, p, append([]string{expired}, expirable...), expired)
	case "POST lifecycle/reset_factors":
		if len(p.Factors) > 0 && a.Keeps() {
			p.Factors = nil
		}
		answer(w, map[string]any{})
	case "DELETE sessions":
		if p.Sessions > 0 && a.Keeps() {
			p.Sessions = 0
		}
		if !a.Lies() { // Okta notes it down whether there was a session or not
			a.log = append(a.log, map[string]any{"eventType": "user.session.clear", "published": time.Now().UTC().Format(time.RFC3339Nano), "target": p.ID, "outcome": map[string]any{"result": "SUCCESS"}})
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotFound)
	}
}

// becomes moves a user from one status to another, or refuses as Okta does.
func (a *acme) becomes(w http.ResponseWriter, p *person, from []string, to string) {
	if !slices.Contains(from, p.Status) {
		refuse(w, http.StatusBadRequest)
		return
	}
	if p.Status != to && a.Keeps() {
		p.Status = to
	}
	answer(w, map[string]any{})
}

// token pages by two.
func (a *acme) token(w http.ResponseWriter, r *http.Request, parts []string) {
	if len(parts) == 0 {
		from, _ := strconv.Atoi(r.URL.Query().Get("after"))
		to := min(from+2, len(a.tokens))
		if to < len(a.tokens) {
			w.Header().Add("Link", `<https://elsewhere.example/api/v1/api-tokens?limit=2>; rel="self"`)
			w.Header().Add("Link", fmt.Sprintf(`<https://elsewhere.example/api/v1/api-tokens?after=%d>; rel="next"`, to))
		}
		answer(w, a.tokens[from:to])
		return
	}
	at := slices.IndexFunc(a.tokens, func(t map[string]any) bool { return t["id"] == parts[0] })
	switch {
	case at < 0:
		refuse(w, http.StatusNotFound)
	case r.Method == http.MethodDelete:
		if a.Keeps() {
			a.tokens = slices.Delete(a.tokens, at, at+1)
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, a.tokens[at])
	}
}

func (a *acme) logs(w http.ResponseWriter, r *http.Request) {
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
	if r.URL.Query().Has("since") && err != nil {
		refuse(w, http.StatusBadRequest)
		return
	}
	out := []any{}
	for _, e := range a.log {
		at, _ := time.Parse(time.RFC3339Nano, e["published"].(string))
		want := fmt.Sprintf(`eventType eq "user.session.clear" and target.id eq "%s"`, e["target"])
		if r.URL.Query().Get("filter") == want && !at.Before(since) {
			out = append(out, e)
		}
	}
	answer(w, out)
}

func toldGroup(g *team) map[string]any {
	return map[string]any{"id": g.ID, "profile": map[string]any{"name": g.Name}}
}

func (a *acme) group(w http.ResponseWriter, r *http.Request, parts []string) {
	if len(parts) == 0 {
		out := []any{}
		for _, g := range a.groups {
			if strings.HasPrefix(g.Name, r.URL.Query().Get("q")) {
				out = append(out, toldGroup(g))
			}
		}
		answer(w, out)
		return
	}
	g, ok := a.groups[parts[0]]
	if !ok || len(parts) < 2 {
		refuse(w, http.StatusNotFound)
		return
	}
	ids := g.Members
	if parts[1] == "owners" {
		ids = g.Owners
	}
	out := []any{}
	for _, id := range ids {
		out = append(out, told(a.users[id]))
	}
	answer(w, out)
}
