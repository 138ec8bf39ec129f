// Package okta is an honest Okta organisation in one process: users with their statuses,
// sessions and factors, administrator roles, groups, and a System Log. It refuses what
// Okta refuses, with Okta's own error codes: a suspended user cannot be suspended again,
// only a suspended one can be unsuspended, and without the token nothing is told.
//
// Somebody else can work on a user behind the app's back (Set), and the organisation can
// be made to lie: it then says yes and keeps nothing.
package okta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/watch"
)

// The statuses of a user
// (https://developer.okta.com/docs/concepts/user-accounts/#user-statuses).
const (
	Active      = "ACTIVE"
	Suspended   = "SUSPENDED"
	Expired     = "PASSWORD_EXPIRED"
	Deactivated = "DEPROVISIONED"
)

// User is somebody of the organisation.
type User struct {
	ID       string
	Login    string
	Status   string // "" is ACTIVE
	Manager  string
	Sessions int
	Factors  []string // their types: "push", "sms"
	Admin    bool     // a super administrator
	Apps     []string
	Groups   []string
}

// Config describes an organisation.
type Config struct {
	Token string // the API token that is taken
	Now   func() time.Time
}

// Server is the organisation. It is an http.Handler, safe for concurrent use.
type Server struct {
	conf   Config
	faults *fault.Set
	wrap   http.Handler
	watch  watch.Set

	// mu guards everything that follows.
	mu     sync.Mutex
	users  []*User
	log    []entry
	writes int
	lies   bool
}

type entry struct {
	kind, target string
	at           time.Time
}

// New makes an empty organisation.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{conf: c, faults: fault.New(c.Now)}
	s.wrap = s.faults.Wrap("okta", Method, http.HandlerFunc(s.serve))
	return s
}

// Faults are what goes wrong here.
func (s *Server) Faults() *fault.Set { return s.faults }

// Add adds a user; one without an id gets one.
func (s *Server) Add(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.ID == "" {
		u.ID = fmt.Sprintf("00u%08d", len(s.users)+1)
	}
	if u.Status == "" {
		u.Status = Active
	}
	s.users = append(s.users, &u)
}

// Look returns a user by id or login.
func (s *Server) Look(name string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.find(name); u != nil {
		return *u, true
	}
	return User{}, false
}

// Users lists everybody, in the order they were added.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]User, len(s.users))
	for i, u := range s.users {
		out[i] = *u
	}
	return out
}

// Set is an administrator changing a user's status in Okta's own console. It reports
// whether there is such a user.
func (s *Server) Set(name, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.find(name)
	if u == nil {
		return false
	}
	u.Status = status
	s.changed()
	return true
}

// Lie makes the organisation say yes from now on and keep nothing; or ends that.
func (s *Server) Lie(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lies = on
}

// Writes is how often something really changed.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Subscribe tells of changes until stop.
func (s *Server) Subscribe() (changes <-chan struct{}, stop func()) { return s.watch.Subscribe() }

func (s *Server) changed() { s.watch.Tell() }

// Method names a request as fault rules do: "POST /users/{id}/lifecycle/suspend".
func Method(r *http.Request) string {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/")
	if len(parts) > 2 {
		parts[2] = "{id}"
	}
	return r.Method + " " + strings.Join(parts, "/")
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.wrap.ServeHTTP(w, r) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "SSWS "+s.conf.Token {
		refuse(w, http.StatusUnauthorized, "E0000011", "Invalid token provided")
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	switch {
	case r.Method == http.MethodGet && len(parts) == 1 && parts[0] == "users":
		s.search(w, r)
	case parts[0] == "users" && len(parts) > 1:
		s.user(w, r, parts[1], strings.Join(parts[2:], "/"))
	case r.Method == http.MethodGet && parts[0] == "logs":
		s.logs(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/api/v1/iam/assignees/users":
		value := []any{}
		for _, u := range s.users {
			if u.Admin {
				value = append(value, map[string]any{"id": u.ID})
			}
		}
		answer(w, map[string]any{"value": value})
	case r.Method == http.MethodGet && (parts[0] == "groups" || parts[0] == "api-tokens"):
		answer(w, []any{})
	default:
		refuse(w, http.StatusNotFound, "E0000022", "The endpoint does not support the provided HTTP method")
	}
}

// find is a user by id, login, or the part of a login before the @.
func (s *Server) find(name string) *User {
	for _, u := range s.users {
		short, _, _ := strings.Cut(u.Login, "@")
		if u.ID == name || strings.EqualFold(u.Login, name) || strings.EqualFold(short, name) {
			return u
		}
	}
	return nil
}

func told(u *User) map[string]any {
	return map[string]any{"id": u.ID, "status": u.Status, "profile": map[string]any{"login": u.Login, "email": u.Login, "manager": u.Manager},
		"credentials": map[string]any{"provider": map[string]any{"type": "OKTA", "name": "OKTA"}}}
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	out := []any{}
	for _, u := range s.users {
		byMail := q.Get("search") == fmt.Sprintf("profile.email eq %q", u.Login)
		byStart := q.Get("q") != "" && strings.HasPrefix(strings.ToLower(u.Login), strings.ToLower(q.Get("q")))
		if byMail || byStart {
			out = append(out, told(u))
		}
	}
	answer(w, out)
}

func (s *Server) user(w http.ResponseWriter, r *http.Request, name, below string) {
	if name == "me" {
		name = s.users[0].ID // the token is of the first
	}
	u := s.find(name)
	if u == nil {
		refuse(w, http.StatusNotFound, "E0000007", "Not found: Resource not found: "+name+" (User)")
		return
	}
	switch r.Method + " " + below {
	case "GET ":
		answer(w, told(u))
	case "GET roles":
		answer(w, rolesOf(u))
	case "GET appLinks":
		answer(w, labelled(u.Apps, "label"))
	case "GET groups":
		out := []any{}
		for i, g := range u.Groups {
			out = append(out, map[string]any{"id": fmt.Sprintf("00g%d", i), "profile": map[string]any{"name": g}})
		}
		answer(w, out)
	case "GET factors":
		out := []any{}
		for i, f := range u.Factors {
			out = append(out, map[string]any{"id": fmt.Sprintf("f%d", i), "factorType": f, "provider": "OKTA", "status": Active})
		}
		answer(w, out)
	case "POST lifecycle/suspend":
		s.become(w, u, Suspended, Active)
	case "POST lifecycle/unsuspend":
		s.become(w, u, Active, Suspended)
	case "POST lifecycle/activate":
		s.become(w, u, Active, Deactivated)
	case "POST lifecycle/expire_password":
		s.become(w, u, Expired, Active)
	case "POST lifecycle/reset_factors":
		s.write(len(u.Factors) > 0, func() { u.Factors = nil })
		answer(w, map[string]any{})
	case "DELETE sessions":
		s.write(u.Sessions > 0, func() {
			u.Sessions = 0
			s.log = append(s.log, entry{"user.session.clear", u.ID, s.conf.Now()})
		})
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotFound, "E0000022", "The endpoint does not support the provided HTTP method")
	}
}

// become moves a user to a status from another, as Okta allows.
func (s *Server) become(w http.ResponseWriter, u *User, to string, from ...string) {
	if !slices.Contains(from, u.Status) {
		refuse(w, http.StatusForbidden, "E0000016", "Activation failed because the user is not in the right status")
		return
	}
	s.write(true, func() {
		u.Status = to
		if to == Suspended {
			u.Sessions = 0
		}
	})
	answer(w, map[string]any{})
}

// write keeps a change, unless the organisation lies.
func (s *Server) write(is bool, change func()) {
	if !is || s.lies {
		return
	}
	change()
	s.writes++
	s.changed()
}

func rolesOf(u *User) []any {
	if !u.Admin {
		return []any{}
	}
	return []any{map[string]any{"type": "SUPER_ADMIN", "label": "Super Administrator", "status": Active}}
}

func labelled(names []string, key string) []any {
	out := []any{}
	for _, n := range names {
		out = append(out, map[string]any{key: n})
	}
	return out
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	since, _ := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
	out := []any{}
	for _, e := range s.log {
		if want := fmt.Sprintf("eventType eq %q and target.id eq %q", e.kind, e.target); r.URL.Query().Get("filter") == want && !e.at.Before(since) {
			out = append(out, map[string]any{"eventType": e.kind, "published": e.at.UTC().Format(time.RFC3339Nano), "outcome": map[string]any{"result": "SUCCESS"}})
		}
	}
	answer(w, out)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func refuse(w http.ResponseWriter, status int, code, summary string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oaeSandbox", "errorCauses": []any{}})
}
