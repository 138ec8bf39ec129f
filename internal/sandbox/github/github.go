// Package github is a GitHub that runs in this process and refuses what the real one
// refuses: REST v3 for issues, comments, labels, milestones, sub-issues, search,
// files, branches, pull requests, memberships of organisations and deploy keys, with personal tokens or an App's installation
// tokens, primary and secondary limits, and signed webhooks. It answers under / and,
// as GitHub Enterprise does, under /api/v3/.
//
// It has two doors. Programs come in over HTTP (Server is an http.Handler). People
// come in through the verbs in people.go: Close, Comment, Assign. Both change the
// same issues and both cause the same webhooks.
//
// Methods lists every endpoint with the rules it enforces.
package github

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/requestlog"
	"github.com/tocsin-ir/tocsin/internal/sandbox/watch"
)

// Clock is the time the server lives by.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine after d; stop reports whether it came in time.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Config is what a server is made of. Only Clock is required.
type Config struct {
	Clock Clock
	// Tokens maps personal access tokens to the login they belong to. Logins are added
	// as users when they are not yet known.
	Tokens map[string]string
	// App is the GitHub App that may sign in, if any.
	App *App
	// BaseURL begins every API link, with /api/v3 where the caller used it.
	// https://api.github.com when empty.
	BaseURL string
	// WebURL begins every html_url. https://github.com when empty.
	WebURL string
	// SearchDelay is how long search does not see a change. 30 seconds when zero.
	SearchDelay time.Duration
	// Client delivers webhooks; its Timeout is replaced by ten seconds.
	Client *http.Client
}

// Server is one GitHub. Make it with New and end it with Close.
type Server struct {
	clock    Clock
	conf     Config
	faults   *fault.Set
	root     http.Handler
	client   *http.Client
	ctx      context.Context // ends with Close; deliveries under way end with it
	cancel   context.CancelFunc
	active   atomic.Int64 // requests being answered
	watch    watch.Set
	requests requestlog.Log

	// mu guards everything that follows.
	mu       sync.Mutex
	base     string
	lastID   int64
	users    []*user
	repos    []*repo
	hooks    []*hook
	installs map[string]*installToken
	windows  map[string]*window
	closed   bool
	orgs     []*org
	lies     bool
	writes   int // to memberships and deploy keys
}

// New opens a GitHub with no repositories.
func New(c Config) *Server {
	if c.BaseURL == "" {
		c.BaseURL = "https://api.github.com"
	}
	if c.WebURL == "" {
		c.WebURL = "https://github.com"
	}
	if c.SearchDelay == 0 {
		c.SearchDelay = 30 * time.Second
	}
	client := &http.Client{Timeout: hookTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.Client != nil {
		client.Transport = c.Client.Transport
	}
	s := &Server{clock: c.Clock, conf: c, base: strings.TrimRight(c.BaseURL, "/"), client: client, lastID: 2_100_000_000,
		faults: fault.New(c.Clock.Now), installs: map[string]*installToken{}, windows: map[string]*window{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, login := range c.Tokens {
		s.addUser(login)
	}
	s.root = s.faults.Wrap("github", method, http.HandlerFunc(s.serve))
	return s
}

// SetBaseURL changes what links begin with, once the listener is known.
func (s *Server) SetBaseURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = strings.TrimRight(url, "/")
}

// Faults is where trouble is ordered. Methods are named as in Methods:
// "POST /repos/{owner}/{repo}/issues".
func (s *Server) Faults() *fault.Set { return s.faults }

// Lie makes GitHub say yes from now on to changes of memberships and deploy keys, and keep
// none; or ends that.
func (s *Server) Lie(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lies = on
}

// Writes is how often a membership or a deploy key really changed by a request.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// keeps reports whether a change is kept, and counts it. The caller holds mu.
func (s *Server) keeps() bool {
	if s.lies {
		return false
	}
	s.writes++
	s.changed()
	return true
}

// Close refuses every request from now on and sends no more webhooks.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.cancel()
	s.client.CloseIdleConnections()
}

// ServeHTTP answers as api.github.com does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.active.Add(1)
	defer s.active.Add(-1)
	s.requests.Serve(w, r, s.clock.Now(), s.root, faultWords)
}

// faultWords is how GitHub says that it failed, or that it is asked too much.
func faultWords(status int) any {
	if status == http.StatusTooManyRequests {
		return obj{"message": secondaryMessage, "documentation_url": secondaryDocs}
	}
	return obj{"message": "Server Error"}
}

// Requests are the last thousand calls, oldest first.
func (s *Server) Requests() []requestlog.Request { return s.requests.Requests() }

// id makes an object id: larger than any issue number, so that the two are not mixed up.
func (s *Server) id() int64 {
	s.lastID += 7
	return s.lastID
}

// Subscribe tells that something changed; several changes may arrive as one.
// Call stop when done; the channel is not closed.
func (s *Server) Subscribe() (changes <-chan struct{}, stop func()) { return s.watch.Subscribe() }

func (s *Server) changed() { s.watch.Tell() }
