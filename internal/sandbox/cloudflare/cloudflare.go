// Package cloudflare is an honest Cloudflare in one process: zones with their custom rules
// and security levels, Gateway policies, and API tokens. It speaks API v4: lists come in
// pages, a ruleset is there only once it was made, a zone takes five custom rules as on the
// free plan, and tokens show no value.
//
// Somebody else can work in the account behind the app's back (With), and Cloudflare can be
// made to lie: it then says yes and keeps nothing.
package cloudflare

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/watch"
)

// Account is the id of the only account there is.
const Account = "0123456789abcdef0123456789abcdef"

const maxRequest = 1 << 20 // bytes

// World is all that Cloudflare keeps.
type World struct {
	Zones    []Zone
	Rulesets map[string]*Ruleset // custom rules, by zone; a zone without has none
	Levels   map[string]string   // security levels, by zone
	Policies []Policy            // of Gateway
	Tokens   []map[string]any    // in the form of the API
	Self     string              // the id of the token that the app signs in with
	Made     int                 // for new ids
}

// Zone is a domain at Cloudflare.
type Zone struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"` // "active" once its name servers are Cloudflare's
	Paused bool   `json:"paused"` // then traffic passes Cloudflare by
}

// Ruleset is a list of rules, the first of which decides first.
type Ruleset struct {
	ID    string `json:"id"`
	Rules []Rule `json:"rules"`
}

// Rule is what happens to requests that an expression picks.
type Rule struct {
	ID          string `json:"id,omitempty"`
	Ref         string `json:"ref"`
	Expression  string `json:"expression"`
	Action      string `json:"action"`
	Enabled     bool   `json:"enabled"`
	Description string `json:"description"`
}

// Policy is a rule of Gateway for what the company's own devices ask for.
type Policy struct {
	ID          string   `json:"id,omitempty"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Action      string   `json:"action"`
	Enabled     bool     `json:"enabled"`
	Filters     []string `json:"filters"`
	Traffic     string   `json:"traffic"`
}

// Config describes a Cloudflare.
type Config struct {
	Token    string // the API token that is taken
	NewValue string // of a token that is rolled
	World    World
	Now      func() time.Time // the time by which faults end; nil: the machine's
}

// Server is an http.Handler, safe for concurrent use.
type Server struct {
	conf   Config
	faults *fault.Set
	wrap   http.Handler
	watch  watch.Set

	// mu guards everything that follows.
	mu     sync.Mutex
	world  World
	writes int
	lies   bool
}

// New makes a Cloudflare.
func New(c Config) *Server {
	s := &Server{conf: c, world: c.World, faults: fault.New(c.Now)}
	if s.world.Rulesets == nil {
		s.world.Rulesets = map[string]*Ruleset{}
	}
	s.wrap = s.faults.Wrap("cloudflare", Method, http.HandlerFunc(s.serve))
	return s
}

// Faults are what goes wrong here.
func (s *Server) Faults() *fault.Set { return s.faults }

// Look shows the account as it is. f keeps nothing of it.
func (s *Server) Look(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.world)
}

// With is somebody else who works in the account.
func (s *Server) With(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.world)
	s.changed()
}

// Lie makes Cloudflare say yes from now on and keep nothing; or ends that.
func (s *Server) Lie(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lies = on
}

// Writes is how often something really changed by a request.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Subscribe tells of changes until stop.
func (s *Server) Subscribe() (changes <-chan struct{}, stop func()) { return s.watch.Subscribe() }

func (s *Server) changed() { s.watch.Tell() }

// keeps reports whether a change is kept, and counts it. The caller holds mu.
func (s *Server) keeps() bool {
	if s.lies {
		return false
	}
	s.writes++
	s.changed()
	return true
}

// Method names a request as fault rules do: "POST /zones/{id}/rulesets".
func Method(r *http.Request) string {
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) > 2 {
		parts[2] = "{id}"
	}
	return r.Method + " " + strings.Join(parts, "/")
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.wrap.ServeHTTP(w, r) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+s.conf.Token {
		refuse(w, http.StatusUnauthorized, 10000)
		return
	}
	var in json.RawMessage
	_ = json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(&in) // what is no JSON is refused where it is needed
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "zones":
		s.zone(w, r, parts[1:], in)
	case len(parts) >= 4 && parts[0] == "accounts" && parts[1] == Account && parts[2] == "gateway":
		s.gateway(w, r, parts[4:], in)
	case len(parts) >= 3 && parts[0] == "accounts" && parts[1] == Account && parts[2] == "tokens":
		s.token(w, r, parts[3:])
	case len(parts) >= 2 && parts[0] == "user" && parts[1] == "tokens":
		s.token(w, r, parts[2:])
	default:
		refuse(w, http.StatusNotFound, 7003)
	}
}

// refuse answers with one of Cloudflare's codes. Its message is what nobody may repeat.
func refuse(w http.ResponseWriter, status, code int) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"success": false, "errors": []any{map[string]any{"code": code, "message": "vendor said what nobody may repeat"}}, "messages": []any{}, "result": nil})
}

func answer(w http.ResponseWriter, result any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "errors": []any{}, "messages": []any{}, "result": result})
}

// paged answers one page of a list.
func paged[T any](w http.ResponseWriter, r *http.Request, all []T) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	per, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	page, per = max(page, 1), min(max(per, 5), 50)
	from := min((page-1)*per, len(all))
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "result": all[from:min(from+per, len(all))],
		"result_info": map[string]int{"page": page, "per_page": per, "total_count": len(all), "total_pages": (len(all) + per - 1) / per}})
}
