package cloudflare

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-ir/tocsin/actions/actiontest"
	honest "github.com/tocsin-ir/tocsin/internal/sandbox/cloudflare"
)

const (
	apiKey   = "cf-token-nobody-may-see"
	newValue = "the-value-after-the-roll-that-nobody-may-see"
	account  = honest.Account
	shop     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	blog     = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// edge is the sandbox's Cloudflare with an account of these tests in it, and in front of it
// what breaks or is forbidden.
type edge struct {
	actiontest.Gate
	hub *honest.Server
	url string

	mu      sync.Mutex
	watch   func() any
	disturb func()
	forbid  string
	breaks  int // a write fails from this number of writes on; 0: never
	writes  int
}

func newEdge(t testing.TB) *edge {
	w := honest.World{
		Zones: []honest.Zone{{ID: shop, Name: "shop.example", Status: "active"}, {ID: blog, Name: "blog.example", Status: "active"}},
		Rulesets: map[string]*honest.Ruleset{shop: {ID: "ruleset-of-shop", Rules: []honest.Rule{
			{ID: "rule1", Ref: "rule1", Expression: "cf.client.bot", Action: "skip", Enabled: true}}}},
		Levels:   map[string]string{shop: "high", blog: "essentially_off"},
		Policies: []honest.Policy{{ID: "policy1", Name: "Let the office pass", Action: "allow", Enabled: true, Filters: []string{"dns"}, Traffic: `any(dns.domains[*] == "office.example")`}},
		Self:     strings.Repeat("2", 32),
	}
	for i, name := range []string{"ci-deploy", "tocsin", "backup", "backup"} {
		w.Tokens = append(w.Tokens, map[string]any{"id": strings.Repeat(strconv.Itoa(i+1), 32), "name": name, "status": "active", "issued_on": "2026-01-01T00:00:00Z",
			"modified_on": "2026-01-01T00:00:00Z", "last_used_on": "2026-11-01T00:00:00Z", "policies": []any{map[string]any{"effect": "allow", "resources": map[string]any{"z": "*"}}}})
	}
	for i := range 120 { // so that lists have pages
		w.Zones = append(w.Zones, honest.Zone{ID: fmt.Sprintf("%032x", i+1), Name: fmt.Sprintf("site-%d.example", i), Status: "active"})
	}
	e := &edge{hub: honest.New(honest.Config{Token: apiKey, NewValue: newValue, World: w})}
	e.Refuse = func(w http.ResponseWriter, status int) {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "9")
		}
		refuse(w, status, 10000)
	}
	web := httptest.NewServer(e)
	t.Cleanup(web.Close)
	e.url = web.URL
	return e
}

func (e *edge) conf() Config {
	return Config{Base: e.url, Token: apiKey, Account: account, Zones: []string{"shop.example", blog}, BreakGlass: []string{"bank.example", "AS64511", strings.Repeat("9", 32)}}
}

// now is the account, for a look or a change while nothing is asked of it.
func (e *edge) now() (w *honest.World) {
	e.hub.With(func(it *honest.World) { w = it })
	return w
}

func (e *edge) Changes() int { return e.Gate.Changes() + e.hub.Writes() }
func (e *edge) Look() any    { return e.watch() }
func (e *edge) Disturb() {
	if e.Keeps() {
		e.disturb()
	}
}

func (e *edge) Lie() {
	e.Gate.Lie()
	e.hub.Lie(true)
}

func (e *edge) Secrets() []string { return []string{apiKey, newValue, "vendor said"} }

func refuse(w http.ResponseWriter, status, code int) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"success": false, "errors": []any{map[string]any{"code": code, "message": "not with " + apiKey}}, "messages": []any{}, "result": nil})
}

func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	write := r.Method != http.MethodGet
	switch {
	case e.Stops(w, write):
		return
	case e.forbid != "" && strings.Contains(r.URL.Path, e.forbid):
		refuse(w, http.StatusForbidden, 9109)
		return
	case write:
		if e.writes++; e.breaks > 0 && e.writes >= e.breaks {
			refuse(w, http.StatusBadGateway, 10013)
			return
		}
	}
	e.hub.ServeHTTP(w, r)
}
