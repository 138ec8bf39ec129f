// Package slack is an honest Slack: one workspace with one app installed, in one
// process. It speaks the Web API, Socket Mode, signed slash commands, interactivity
// and events with retries, and it refuses what Slack refuses, with Slack's error
// codes: scopes, names, membership, block limits, rate tiers, expired triggers.
// A simulator kinder than the real thing makes every test above it a lie.
//
// The app is reached and reaches in as it would with Slack: Server is an
// http.Handler whose Web API is under /api/. People are played by the verbs Post,
// Slash, Click, Submit and their kin; what they see is in View.
//
// Reading order: server.go and state.go hold the workspace; api.go, auth.go and
// tiers.go let a call in; methods_*.go answer it; blocks*.go judge Block Kit;
// deliver.go, socket.go and push.go carry things to the app; people_*.go are the
// people's side and view*.go what they see.
package slack

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/watch"
)

// Clock is the time of the workspace: message stamps, rate limits, response_url
// life, scheduled messages and event retries follow it. The three seconds an app
// has to acknowledge, and a trigger_id's life, are real seconds.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Config describes the workspace. The zero value works: everything unset is made up.
type Config struct {
	TeamID, TeamName string
	App              App
	Clock            Clock  // nil: the machine's
	BaseURL          string // scheme://host[:port] under which the Server is reached; see SetBaseURL
	Log              *slog.Logger

	NoRateLimits bool         // for tests that are not about them
	Client       *http.Client // used for HTTP delivery; nil: a plain one
}

// App is the installed app.
type App struct {
	AppID         string
	Name          string   // display name; "tocsin" when empty
	BotToken      string   // xoxb-…
	AppToken      string   // xapp-…, carries connections:write
	SigningSecret string   //
	Scopes        []string // the bot token's; a method outside them answers missing_scope
	SocketMode    bool     // false: signed HTTP delivery

	RequestURL       string // slash commands, and what follows where unset
	EventsURL        string
	InteractivityURL string

	Commands  []Command
	Shortcuts []Shortcut
	Events    []string // bot events subscribed to
	HomeTab   bool
}

// Server is the workspace. Close ends its sockets and timers.
type Server struct {
	log    *slog.Logger
	clock  Clock
	client *http.Client
	faults *fault.Set
	mux    http.Handler
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	watch  watch.Set

	// mu guards everything that follows. Nothing is called out to while it is held:
	// what has to happen outside is left in after, see locked.
	mu        sync.Mutex
	team      Team
	app       App
	base      string
	limits    bool
	after     []func()
	serial    int64
	lastEvent int64 // microseconds of the newest event_ts
	users     map[string]*User
	userOrder []string
	channels  map[string]*channel
	chanOrder []string
	botUser   string
	botID     string

	views     map[string]*view
	stacks    map[string][]string // user -> open modals, top last
	homes     map[string]*view
	triggers  map[string]*trigger
	responses map[string]*response
	notices   map[string][]string
	scheduled map[string]*scheduledMessage
	files     map[string]*file
	groups    []*UserGroup
	buckets   map[string]*bucket

	tickets  map[string]time.Time
	conns    []*conn
	turn     int
	asked    map[string]*question // by envelope id
	waiting  []*delivery
	loseAcks int
	repeat   int
	revoked  bool
	skew     time.Duration // of signatures
	queue    []*delivery
	pushing  bool
}

// Team is the workspace's name plate.
type Team struct{ ID, Name, Domain string }

// New returns a workspace with the app installed and nobody but Slackbot in it.
func New(c Config) *Server {
	s := &Server{
		log: c.Log, clock: c.Clock, client: c.Client, limits: !c.NoRateLimits,
		users: map[string]*User{}, channels: map[string]*channel{},
		views: map[string]*view{}, stacks: map[string][]string{}, homes: map[string]*view{},
		triggers: map[string]*trigger{}, responses: map[string]*response{}, notices: map[string][]string{},
		scheduled: map[string]*scheduledMessage{}, files: map[string]*file{}, buckets: map[string]*bucket{},
		tickets: map[string]time.Time{}, asked: map[string]*question{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = machine{}
	}
	if s.client == nil {
		s.client = &http.Client{Timeout: ackTime}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.faults = fault.New(s.clock.Now)
	s.base = strings.TrimSuffix(c.BaseURL, "/")
	s.team = Team{ID: or(c.TeamID, "T0SANDBOX"), Name: or(c.TeamName, "Sandbox")}
	s.team.Domain = strings.ToLower(strings.ReplaceAll(s.team.Name, " ", "-"))
	s.setApp(c.App)
	s.addUser(User{ID: "USLACKBOT", Name: "slackbot", RealName: "Slackbot"})
	s.botUser = s.addUser(User{Name: s.app.Name, RealName: s.app.Name, Bot: true}).ID
	s.botID = s.id("B")
	s.mux = s.routes()
	return s
}

func (s *Server) setApp(a App) {
	a.AppID = or(a.AppID, or(s.app.AppID, "A0SANDBOX"))
	a.Name = or(a.Name, "tocsin")
	a.BotToken = or(a.BotToken, or(s.app.BotToken, "xoxb-"+random(24)))
	a.AppToken = or(a.AppToken, or(s.app.AppToken, "xapp-1-"+random(24)))
	a.SigningSecret = or(a.SigningSecret, or(s.app.SigningSecret, random(32)))
	s.app = a
}

// Close ends sockets, timers and retries.
func (s *Server) Close() {
	s.cancel()
	s.DropSockets()
}

// SetBaseURL says where the Server is reached, once the listener is known.
func (s *Server) SetBaseURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = strings.TrimSuffix(u, "/")
}

// App returns the installed app, tokens and signing secret included.
func (s *Server) App() App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app
}

// Team returns the workspace's name plate.
func (s *Server) Team() Team { return s.team }

// BotUser returns the app's user id and bot id.
func (s *Server) BotUser() (user, bot string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.botUser, s.botID
}

// Faults are Slack's faults on demand; methods are named as in the Web API.
func (s *Server) Faults() *fault.Set { return s.faults }

// ServeHTTP is Slack as the app sees it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	api := http.HandlerFunc(s.serveAPI)
	mux.Handle("/api/", s.faults.Wrap("slack", methodName, api))
	mux.HandleFunc("/link", s.serveSocket)
	mux.HandleFunc("/upload/", s.serveUpload)
	mux.HandleFunc("/files/", s.serveFile)
	mux.HandleFunc("/signin", s.serveSignIn)
	mux.HandleFunc("/response/", s.serveResponse)
	return mux
}

func methodName(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/api/") }

// locked runs f with the workspace to itself, then, without it, what f left to do.
func (s *Server) locked(f func()) {
	s.mu.Lock()
	f()
	todo := s.after
	s.after = nil
	s.mu.Unlock()
	for _, do := range todo {
		do()
	}
}

func (s *Server) changed() { s.watch.Tell() }

// Subscribe returns a channel that gets a token when something changed; changes
// while nobody reads are merged. stop ends it.
func (s *Server) Subscribe() (changes <-chan struct{}, stop func()) { return s.watch.Subscribe() }

// machine is the machine's clock.
type machine struct{}

func (machine) Now() time.Time { return time.Now() }

func (machine) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

func (machine) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
