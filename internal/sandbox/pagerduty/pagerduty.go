// Package pagerduty is a PagerDuty account that runs in this process and refuses
// what the real one refuses. It speaks the Events API v2 (POST /v2/enqueue), the
// part of the REST API v2 that a responder's tool calls, and webhooks v3; it keeps
// its own escalation timers on the Clock it is given, so an unanswered page climbs
// its policy while nobody is looking.
//
// It has two doors. Programs come in over HTTP (Server is an http.Handler). People
// come in through the verbs in people.go: Acknowledge, Resolve, Reassign, Reply.
// Both change the same incidents and both cause the same webhooks.
//
// Methods lists every endpoint with the rules it enforces.
package pagerduty

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/requestlog"
	"github.com/tocsin-ir/tocsin/internal/sandbox/watch"
)

// Clock is the time the account lives by.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine after d; stop reports whether it came in time.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Config is what an account is made of. Only Clock and APIToken are required.
type Config struct {
	Clock Clock
	// APIToken is the account-level REST key, as in "Authorization: Token token=…".
	APIToken string
	// UserTokens maps user-level REST keys to the e-mail of their owner. Only these
	// may ask GET /users/me, and they may leave out From.
	UserTokens map[string]string
	// RoutingKeys are Events v2 integration keys, 32 characters each, handed in order
	// to services added without one.
	RoutingKeys []string
	// BaseURL begins every "self" link. https://api.pagerduty.com when empty.
	BaseURL string
	// WebURL begins every "html_url" link. https://sandbox.pagerduty.com when empty.
	WebURL string
	// Client delivers webhooks; its Timeout is replaced by five seconds.
	Client *http.Client
}

// Server is one account. Make it with New and end it with Close.
type Server struct {
	clock    Clock
	faults   *fault.Set
	mux      *http.ServeMux
	served   []string // patterns of the REST endpoints
	root     http.Handler
	client   *http.Client
	ctx      context.Context // ends with Close; deliveries under way end with it
	cancel   context.CancelFunc
	watch    watch.Set
	requests requestlog.Log

	// mu guards everything that follows.
	mu         sync.Mutex
	conf       Config
	keys       []string // routing keys not yet handed out
	seq        uint64
	users      []*User
	schedules  []*Schedule
	policies   []*EscalationPolicy
	services   []*Service
	priorities []*Priority
	incidents  []*incident
	entries    []*logEntry
	hooks      []*subscription
	windows    map[string]*window
	lacking    map[string]bool // abilities the account does not pay for
	closed     bool
}

// New opens an account with nobody in it.
func New(c Config) *Server {
	if c.BaseURL == "" {
		c.BaseURL = "https://api.pagerduty.com"
	}
	if c.WebURL == "" {
		c.WebURL = "https://sandbox.pagerduty.com"
	}
	client := &http.Client{Timeout: hookTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.Client != nil {
		client.Transport = c.Client.Transport
	}
	s := &Server{
		clock: c.Clock, conf: c, client: client, keys: append([]string(nil), c.RoutingKeys...),
		faults: fault.New(c.Clock.Now), windows: map[string]*window{}, lacking: map[string]bool{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mux = s.routes()
	s.root = s.faults.Wrap("pagerduty", s.method, http.HandlerFunc(s.serve))
	return s
}

// SetBaseURL changes what "self" links begin with, once the listener is known.
func (s *Server) SetBaseURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conf.BaseURL = strings.TrimRight(url, "/")
}

// SetAbility says whether the account pays for an ability. Without
// "coordinated_responding" responder requests are answered with 402.
func (s *Server) SetAbility(name string, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lacking[name] = !has
}

// Faults is where trouble is ordered. Methods are named as in Methods: "POST /incidents".
func (s *Server) Faults() *fault.Set { return s.faults }

// Close stops every timer and delivery. Requests are refused from then on.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.cancel()
	for _, in := range s.incidents {
		in.stopTimers()
	}
	for _, h := range s.hooks {
		h.stop()
	}
	s.client.CloseIdleConnections()
}

// ServeHTTP answers as api.pagerduty.com and events.pagerduty.com do.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Serve(w, r, s.clock.Now(), s.root, faultWords)
}

// faultWords is how PagerDuty says that it failed, or that it is asked too much.
func faultWords(status int) any {
	code, message := codeInternal, "Internal Server Error"
	if status == http.StatusTooManyRequests {
		code, message = codeRateLimited, "Rate Limit Exceeded"
	}
	return obj{"error": obj{"code": code, "message": message}}
}

// Requests are the last thousand calls, oldest first.
func (s *Server) Requests() []requestlog.Request { return s.requests.Requests() }

// method names a request as the fault package and Methods do: verb and pattern.
func (s *Server) method(r *http.Request) string {
	_, pattern := s.mux.Handler(r)
	if pattern == "" {
		return r.Method + " " + r.URL.Path
	}
	return pattern
}

// id makes an object id: a letter and six or thirteen characters, as PagerDuty's are.
func (s *Server) id(prefix string, n int) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	s.seq++
	// Multiplying by an odd number spreads the counter without repeating it.
	v := s.seq * 0x9E3779B97F4A7C15
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[v%36]
		v /= 36
		if i == 11 {
			v = s.seq
		}
	}
	return prefix + string(out)
}

// Subscribe tells that something changed; several changes may arrive as one.
// Call stop when done; the channel is not closed.
func (s *Server) Subscribe() (changes <-chan struct{}, stop func()) { return s.watch.Subscribe() }

func (s *Server) changed() { s.watch.Tell() }
