package page

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Bounds of what a visitor may do to the clock.
const (
	fastest  = 3600.0
	farthest = 30 * 24 * time.Hour
)

// panelRoutes are the doors beside the chat: PagerDuty, GitHub, clock and faults.
func (s *site) panelRoutes(mux *http.ServeMux) {
	if s.PagerDuty != nil {
		mux.HandleFunc("GET /api/pagerduty", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"incidents": s.PagerDuty.Incidents()})
		})
		verb(mux, "pagerduty", s.answerPage)
	}
	if s.GitHub != nil {
		mux.HandleFunc("GET /api/github", s.issues)
		verb(mux, "github", s.closeIssue)
	}
	if s.Clock != nil {
		mux.HandleFunc("GET /api/clock", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.time()) })
		verb(mux, "clock", s.setClock)
	}
	s.faultRoutes(mux)
}

type paged struct {
	User string `json:"user"` // slack id of the persona who answers
	ID   string `json:"id"`
	Do   string `json:"do"`
}

func (s *site) answerPage(_ context.Context, in paged) (any, error) {
	who, ok := s.persona(in.User)
	if !ok || who.PagerDuty == "" {
		return nil, errors.New("this person has no PagerDuty account")
	}
	switch in.Do {
	case "acknowledge":
		return nil, s.PagerDuty.Acknowledge(who.PagerDuty, in.ID)
	case "resolve":
		return nil, s.PagerDuty.Resolve(who.PagerDuty, in.ID)
	case "escalate":
		return nil, s.PagerDuty.Escalate(who.PagerDuty, in.ID)
	}
	return nil, errors.New("a page can be acknowledged, resolved or escalated")
}

type closed struct {
	User   string `json:"user"` // slack id of the persona who closes
	Repo   string `json:"repo"`
	Number int    `json:"number"`
}

func (s *site) closeIssue(_ context.Context, in closed) (any, error) {
	who, ok := s.persona(in.User)
	if !ok || who.GitHub == "" {
		return nil, errors.New("this person has no GitHub account")
	}
	return nil, s.GitHub.CloseIssue(who.GitHub, in.Repo, in.Number)
}

func (s *site) persona(slackID string) (Persona, bool) {
	i := slices.IndexFunc(s.Personas, func(p Persona) bool { return p.Slack == slackID })
	if i < 0 {
		return Persona{}, false
	}
	return s.Personas[i], true
}

type shownRepo struct {
	github.RepoView
	Issues []shownIssue `json:"issues"` // instead of their number
}

type shownIssue struct {
	github.Issue
	HTML     string         `json:"body_html"`
	Comments []shownComment `json:"comments"` // instead of the plain ones
}

type shownComment struct {
	github.Comment
	HTML string `json:"body_html"`
}

// issues answers with every repository and its issues, bodies rendered.
func (s *site) issues(w http.ResponseWriter, _ *http.Request) {
	repos := []shownRepo{}
	for _, r := range s.GitHub.Repos() {
		shown := shownRepo{RepoView: r, Issues: []shownIssue{}}
		for _, i := range s.GitHub.Issues(r.Name) {
			comments := []shownComment{}
			for _, c := range i.Comments {
				comments = append(comments, shownComment{c, markdown(c.Body)})
			}
			shown.Issues = append(shown.Issues, shownIssue{i, markdown(i.Body), comments})
		}
		repos = append(repos, shown)
	}
	answer(w, map[string]any{"repos": repos})
}

type clockState struct {
	Now    time.Time `json:"now"`
	Factor float64   `json:"factor"`
}

func (s *site) time() clockState { return clockState{Now: s.Clock.Now(), Factor: s.Clock.Factor()} }

type clockChange struct {
	Factor  float64 `json:"factor"`
	Advance float64 `json:"advance_seconds"`
}

func (s *site) setClock(_ context.Context, in clockChange) (any, error) {
	ahead := time.Duration(in.Advance * float64(time.Second))
	switch {
	case in.Factor < 0 || in.Factor > fastest:
		return nil, &slack.Error{Code: "factor", Text: "The clock runs between 1 and 3600 times as fast."}
	case in.Advance < 0 || in.Advance > farthest.Seconds():
		return nil, &slack.Error{Code: "advance", Text: "The clock moves forward only, at most 30 days at once."}
	}
	if in.Factor > 0 {
		s.Clock.SetFactor(in.Factor)
	}
	if ahead > 0 {
		s.Clock.Advance(ahead)
	}
	return s.time(), nil
}
