// Package page is the sandbox's face: a small chat client on loopback where a
// newcomer types slash commands, clicks buttons, answers pages and reads the
// post-mortem, as any of several people.
//
// New returns one http.Handler: the JSON API under /api/, a stream that says what
// changed, and plain HTML, CSS and ES modules embedded in the binary. Nothing is
// fetched from outside and nothing is built. The page holds no secret of the app;
// it can do what the people of the sandbox can do, so the door (guard.go) lets only
// this machine's own browser tabs in.
package page

import (
	"embed"
	"io/fs"
	"net/http"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Parts is what the page shows. Only Slack is needed; a nil part hides its panel.
type Parts struct {
	Title       string // of the window and the bar; "Tocsin" if empty
	Slack       *slack.Server
	PagerDuty   PagerDuty
	GitHub      GitHub
	Clock       Clock
	Personas    []Persona    // the people a visitor can be, in order of the menu
	Completions []Completion // shown while a slash command is typed
	Hints       []Hint       // first things to try, at most a handful; nil: declare, acknowledge, resolve
	Faults      map[string]*fault.Set
}

// PagerDuty is the account behind the PagerDuty panel; *pagerduty.Server is one.
type PagerDuty interface {
	Incidents() []pagerduty.Incident // newest first
	// Acknowledge, Resolve and Escalate act as the user with this id.
	Acknowledge(user, incident string) error
	Resolve(user, incident string) error
	Escalate(user, incident string) error
	// Subscribe announces changes, merged, until stop is called.
	Subscribe() (changes <-chan struct{}, stop func())
}

// GitHub is the server behind the GitHub panel; *github.Server is one.
type GitHub interface {
	Repos() []github.RepoView
	Issues(repo string) []github.Issue // newest first
	// CloseIssue closes an issue as the person with this login.
	CloseIssue(login, repo string, number int) error
	Subscribe() (changes <-chan struct{}, stop func())
}

// Clock is the sandbox's time, which may run fast and be moved forward.
type Clock interface {
	Now() time.Time
	Factor() float64
	SetFactor(factor float64)
	Advance(d time.Duration)
}

// Persona is somebody a visitor can be, with their names at the three vendors.
type Persona struct {
	Slack     string `json:"slack"` // user id
	Name      string `json:"name"`
	Title     string `json:"title"`     // what they do, in a few words
	PagerDuty string `json:"pagerduty"` // user id; empty: nobody there
	GitHub    string `json:"github"`    // login; empty: nobody there
}

// Completion is one way to continue a slash command.
type Completion struct {
	Text  string `json:"text"`  // what Tab inserts, with its slash: "/incident declare"
	Usage string `json:"usage"` // "[p1..p4] <title>"
	Help  string `json:"help"`  // one sentence
}

// Hint is one thing to try first.
type Hint struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Type  string `json:"type,omitempty"` // put into the message box, not sent
	Pane  string `json:"pane,omitempty"` // or a panel to open: pagerduty, github, lab
}

var firstSteps = []Hint{
	{Title: "Declare", Text: "Press here, then Enter. A room opens and the people on call are paged.", Type: "/incident declare p1 Customer database credentials in a public gist"},
	{Title: "Acknowledge", Text: "Open PagerDuty and answer as the person whose phone rings.", Pane: "pagerduty"},
	{Title: "Resolve", Text: "In the incident's room: end it, then read the post-mortem on GitHub.", Type: "/incident resolve"},
}

//go:embed static
var embedded embed.FS

type site struct {
	Parts
	static http.Handler
}

// New returns the page. It is meant for a listener on loopback and refuses requests
// addressed to any other host.
func New(p Parts) http.Handler {
	if p.Title == "" {
		p.Title = "Tocsin"
	}
	if p.Hints == nil {
		p.Hints = firstSteps
	}
	files, err := fs.Sub(embedded, "static")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	s := &site{Parts: p, static: http.FileServerFS(files)}
	mux := http.NewServeMux()
	s.chatRoutes(mux)
	s.panelRoutes(mux)
	mux.HandleFunc("GET /api/setup", s.setup)
	mux.HandleFunc("GET /api/stream", s.stream)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, problem{Code: "unknown", Text: "The page has no such door."})
	})
	mux.Handle("/", s.static)
	return guard(mux)
}

// setup is what does not change while the sandbox runs.
func (s *site) setup(w http.ResponseWriter, _ *http.Request) {
	out := map[string]any{
		"title": s.Title, "personas": some(s.Personas), "completions": some(s.Completions), "hints": some(s.Hints),
		"presets": s.offered(), "repos": []string{},
		"has": map[string]bool{"pagerduty": s.PagerDuty != nil, "github": s.GitHub != nil, "clock": s.Clock != nil, "faults": len(s.Faults) > 0},
	}
	if s.GitHub != nil {
		names := []string{}
		for _, r := range s.GitHub.Repos() {
			names = append(names, r.Name)
		}
		out["repos"] = names
	}
	answer(w, out)
}

// some keeps JSON free of null lists.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
