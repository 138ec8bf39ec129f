package pagerduty

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/requestlog"
)

const (
	maxBody        = 1 << 20 // bytes of one REST request
	restPerMin     = 960     // requests per REST key; 429 with code 2020 above
	defaultPage    = 25
	maxPage        = 100
	maxOffsetLimit = 10000 // offset + limit may not pass this
)

// Codes of the REST API's error bodies.
const (
	codeInternal     = 2000
	codeInvalid      = 2001
	codeArguments    = 2002
	codeNoRequester  = 1008
	codeUnauthorised = 2006
	codeForbidden    = 2010
	codeAbility      = 2012
	codeRateLimited  = 2020
	codeNotFound     = 2100
)

type obj map[string]any

// refusal is an answer other than 2xx.
type refusal struct {
	status, code int
	message      string
	errors       []string
}

func (r *refusal) Error() string { return r.message + ": " + strings.Join(r.errors, ", ") }

func invalid(errs ...string) *refusal {
	return &refusal{http.StatusBadRequest, codeInvalid, "Invalid Input Provided", errs}
}

func arguments(errs ...string) *refusal {
	return &refusal{http.StatusBadRequest, codeArguments, "Arguments Caused Error", errs}
}

func notFound() *refusal {
	return &refusal{http.StatusNotFound, codeNotFound, "Not Found", nil}
}

func answer(w http.ResponseWriter, status int, body any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone away
}

func (r *refusal) write(w http.ResponseWriter) {
	e := obj{"message": r.message, "code": r.code}
	if len(r.errors) > 0 {
		e["errors"] = r.errors
	}
	answer(w, r.status, obj{"error": e})
}

// call is one authenticated REST request.
type call struct {
	*http.Request
	me   *User // owner of a user-level token; nil for an account-level one
	from *User // who acts, from the From header or the token
}

func (c *call) by() actor {
	if c.from == nil {
		return actor{channel: "api"}
	}
	return actor{userID: c.from.ID, channel: "api"}
}

// serve sends a request to its endpoint, or refuses it the way the vendor does.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	requestlog.Reached(w)
	w.Header().Set("X-Request-Id", fmt.Sprintf("req-%d", s.clock.Now().UnixNano()))
	_, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, p := s.mux.Handler(other); p != "" {
			(&refusal{http.StatusMethodNotAllowed, codeNotFound, "Method Not Allowed", nil}).write(w)
			return
		}
	}
	notFound().write(w)
}

// rest wraps an endpoint with what all of them share: token, version, rate limit, lock.
func (s *Server) rest(do func(*call) (int, any, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			(&refusal{http.StatusRequestEntityTooLarge, codeInvalid, "Request Entity Too Large", nil}).write(w)
			return
		}
		if err != nil {
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))

		s.mu.Lock()
		defer s.mu.Unlock()
		c, token, no := s.admit(r)
		if no == nil {
			no = s.limit(w, token)
		}
		if no != nil {
			no.write(w)
			return
		}
		status, out, no := do(c)
		if no != nil {
			no.write(w)
			return
		}
		answer(w, status, out)
	}
}

// admit checks the token and the API version.
func (s *Server) admit(r *http.Request) (*call, string, *refusal) {
	unauthorised := &refusal{http.StatusUnauthorized, codeUnauthorised, "Authentication failed", nil}
	auth := r.Header.Get("Authorization")
	token, ok := strings.CutPrefix(auth, "Token token=")
	if !ok {
		token, ok = strings.CutPrefix(auth, "Bearer ")
	}
	token = strings.Trim(token, `"`)
	if !ok || token == "" || s.closed {
		return nil, "", unauthorised
	}
	c := &call{Request: r}
	switch email, personal := s.conf.UserTokens[token]; {
	case token == s.conf.APIToken:
	case personal && s.userByEmail(email) != nil:
		c.me = s.userByEmail(email)
		c.from = c.me
	default:
		return nil, "", unauthorised
	}
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "application/vnd.pagerduty+json") && !strings.Contains(strings.ReplaceAll(accept, " ", ""), "version=2") {
		return nil, "", &refusal{http.StatusNotAcceptable, codeInvalid, "Unsupported API version", []string{"Accept must name version=2"}}
	}
	if from := r.Header.Get("From"); from != "" && s.userByEmail(from) != nil {
		c.from = s.userByEmail(from)
	}
	return c, token, nil
}

// needFrom refuses a call whose From is not a user of this account.
func (s *Server) needFrom(c *call) *refusal {
	header := c.Header.Get("From")
	if header == "" && c.me != nil {
		return nil
	}
	if header == "" {
		return invalid("From header is required and must be a valid user's email address")
	}
	if s.userByEmail(header) == nil {
		return &refusal{http.StatusBadRequest, codeNoRequester, "Requester User Not Found", nil}
	}
	return nil
}

// window counts calls within a minute of the clock.
type window struct {
	start time.Time
	used  int
}

// spend takes one call out of a per-minute budget.
func (s *Server) spend(key string, perMinute int) (*window, bool) {
	now := s.clock.Now()
	w := s.windows[key]
	if w == nil || now.Sub(w.start) >= time.Minute {
		w = &window{start: now}
		s.windows[key] = w
	}
	w.used++
	return w, w.used <= perMinute
}

func (s *Server) limit(w http.ResponseWriter, token string) *refusal {
	win, ok := s.spend("rest:"+token, restPerMin)
	reset := int(time.Minute.Seconds()-s.clock.Now().Sub(win.start).Seconds()) + 1
	h := w.Header()
	h.Set("ratelimit-limit", strconv.Itoa(restPerMin))
	h.Set("ratelimit-remaining", strconv.Itoa(max(0, restPerMin-win.used)))
	h.Set("ratelimit-reset", strconv.Itoa(reset))
	if !ok {
		return &refusal{http.StatusTooManyRequests, codeRateLimited, "Rate Limit Exceeded", nil}
	}
	return nil
}

// decode reads the request's JSON; the vendor answers 400 to what is not JSON.
func decode(c *call, into any) *refusal {
	if err := json.NewDecoder(c.Body).Decode(into); err != nil {
		return &refusal{http.StatusBadRequest, codeInvalid, "Invalid JSON", []string{"the request body is not valid JSON for this endpoint"}}
	}
	return nil
}

// page cuts a list by limit and offset and adds the paging fields.
func page[T any](c *call, name string, all []T, render func(T) obj) (int, any, *refusal) {
	q := c.URL.Query()
	limit, offset := defaultPage, 0
	var err error
	if v := q.Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 {
			return 0, nil, invalid("limit must be a positive number")
		}
	}
	limit = min(limit, maxPage)
	if v := q.Get("offset"); v != "" {
		if offset, err = strconv.Atoi(v); err != nil || offset < 0 {
			return 0, nil, invalid("offset must not be negative")
		}
	}
	if offset+limit > maxOffsetLimit {
		return 0, nil, invalid("Offset + limit must not exceed 10000")
	}
	out := []obj{}
	for i := offset; i < len(all) && i < offset+limit; i++ {
		out = append(out, render(all[i]))
	}
	body := obj{name: out, "limit": limit, "offset": offset, "more": offset+limit < len(all), "total": nil}
	if q.Get("total") == "true" {
		body["total"] = len(all)
	}
	return http.StatusOK, body, nil
}

// routes pairs every REST endpoint with its code. Methods says what each enforces.
func (s *Server) routes() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("POST /v2/enqueue", s.enqueue)
	for pattern, do := range map[string]func(*call) (int, any, *refusal){
		"GET /incidents":                          s.listIncidents,
		"POST /incidents":                         s.createIncident,
		"PUT /incidents":                          s.updateIncidents,
		"GET /incidents/{id}":                     s.getIncident,
		"PUT /incidents/{id}":                     s.updateIncident,
		"GET /incidents/{id}/alerts":              s.listAlerts,
		"GET /incidents/{id}/notes":               s.listNotes,
		"POST /incidents/{id}/notes":              s.createNote,
		"POST /incidents/{id}/status_updates":     s.createStatusUpdate,
		"POST /incidents/{id}/responder_requests": s.createResponderRequest,
		"GET /incidents/{id}/log_entries":         s.listIncidentLog,
		"GET /log_entries":                        s.listLog,
		"GET /log_entries/{id}":                   s.getLogEntry,
		"GET /priorities":                         s.listPriorities,
		"GET /escalation_policies":                s.listPolicies,
		"GET /escalation_policies/{id}":           s.getPolicy,
		"GET /oncalls":                            s.listOnCalls,
		"GET /users":                              s.listUsers,
		"GET /users/me":                           s.getMe,
		"GET /users/{id}":                         s.getUser,
		"GET /users/{id}/contact_methods":         s.listContacts,
		"GET /services":                           s.listServices,
		"GET /services/{id}":                      s.getService,
		"GET /schedules":                          s.listSchedules,
		"GET /schedules/{id}":                     s.getSchedule,
		"GET /abilities":                          s.listAbilities,
		"GET /webhook_subscriptions":              s.listHooks,
		"POST /webhook_subscriptions":             s.createHook,
		"GET /webhook_subscriptions/{id}":         s.getHook,
		"DELETE /webhook_subscriptions/{id}":      s.deleteHook,
		"POST /webhook_subscriptions/{id}/enable": s.enableHook,
		"POST /webhook_subscriptions/{id}/ping":   s.pingHook,
	} {
		m.HandleFunc(pattern, s.rest(do))
		s.served = append(s.served, pattern)
	}
	return m
}
