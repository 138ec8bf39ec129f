// Package github writes the post-mortem of an incident as an issue, its action items
// as sub-issues, and hears when somebody closes or assigns one.
//
// GitHub has no idempotency key: every issue carries a hidden marker, and before one
// is made the repository is looked through for it, so that there are never two issues
// for one incident. Nothing is written before the repository's visibility has been
// looked at and title and body have gone through the mask. What GitHub drops without
// a word, labels and assignees, is read back and said.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/incident"
)

// The names under which calls are charged to the Budget. GitHub's secondary limits:
// 80 content-creating requests a minute and 500 an hour, 900 points a minute where a
// write costs 5 and a read 1 (GitHub, rate limits for the REST API).
const (
	CostRead  = "github/read"
	CostWrite = "github/write"
)

// Clock is the time of the room.
type Clock interface{ Now() time.Time }

// App is how a GitHub App signs in.
type App struct {
	ID           int64
	Installation int64
	Key          Secret // PEM
}

// Document is an issue as it ought to be.
type Document struct {
	Title     string
	Body      string // Markdown, of any length
	Labels    []string
	Assignees []string // logins
	Marker    string   // hidden in the body; "" takes one made of workspace and incident
	Private   bool     // confidential: refused for a public or internal repository
}

// Facts are what rendering has to know of the place.
type Facts struct {
	Repo string // owner/name
	// TaskList says that the server has no sub-issues: the body is to list the action
	// items that have a number as "- [ ] #12" and "- [x] #12".
	TaskList bool
}

// Config is what a Publisher is made of. Token or App, Clock, Repo, Render and Mask
// are required.
type Config struct {
	Token     Secret
	App       *App
	BaseURL   string // https://api.github.com when empty; a GitHub Enterprise address otherwise
	UploadURL string // BaseURL when empty
	// AllowPublic lets incidents that are not confidential into public repositories.
	AllowPublic   bool
	WebhookSecret []Secret // all are good: two while one is being changed
	HTTP          *http.Client
	Clock         Clock
	// Budget is asked before every call; nil allows all. Its error is returned as it is.
	Budget func(ctx context.Context, method string, rank incident.Rank) error
	// Repo says where an incident's post-mortem goes. Its error is final and is shown.
	Repo func(s incident.State) (owner, name string, err error)
	// Render writes the post-mortem. What goes wrong is tried again unless it is marked
	// by incident.GiveUp.
	Render func(ctx context.Context, t incident.Task, f Facts) (Document, error)
	// RenderItem writes an action item; nil takes a plain text of this package.
	RenderItem func(ctx context.Context, t incident.Task, item incident.ActionItem) (Document, error)
	// Mask replaces secrets and names the kinds it found, never the secrets.
	Mask func(text string) (masked string, found []string)
}

// patience is how long one effect may take with all its calls.
const patience = 45 * time.Second

// Publisher performs Publish and FileItem. It is safe for concurrent use.
type Publisher struct {
	conf Config
	http *http.Client

	// mu guards everything that follows.
	mu    sync.Mutex
	plain map[string]time.Time // repositories without sub-issues, and when that was seen
}

// New makes a Publisher.
func New(c Config) (*Publisher, error) {
	switch {
	case c.Clock == nil || c.Repo == nil || c.Render == nil:
		return nil, errors.New("github: clock, repository and rendering are required")
	case c.Mask == nil:
		return nil, errors.New("github: nothing is published without a mask")
	case c.Token == "" && c.App == nil:
		return nil, errors.New("github: neither a token nor an app is configured")
	}
	var err error
	if c.BaseURL, err = baseURL(c.BaseURL, ""); err != nil {
		return nil, fmt.Errorf("github: base URL %w", err)
	}
	if c.UploadURL, err = baseURL(c.UploadURL, c.BaseURL); err != nil {
		return nil, fmt.Errorf("github: upload URL %w", err)
	}
	if c.Budget == nil {
		c.Budget = func(context.Context, string, incident.Rank) error { return nil }
	}
	if c.RenderItem == nil {
		c.RenderItem = plainItem
	}
	client := http.Client{Timeout: 15 * time.Second}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	inner := client.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	if c.App != nil {
		tr, err := ghinstallation.New(inner, c.App.ID, c.App.Installation, []byte(c.App.Key))
		if err != nil {
			return nil, errors.New("github: the app's private key cannot be read; it must be PEM")
		}
		if c.BaseURL != "" {
			tr.BaseURL = apiURL(c.BaseURL)
		}
		tr.Client = &http.Client{Transport: inner, Timeout: 15 * time.Second}
		client.Transport = bounded{tr}
	} else {
		client.Transport = bounded{signed{inner, c.Token}}
	}
	client.CheckRedirect = sameHost
	return &Publisher{conf: c, http: &client, plain: map[string]time.Time{}}, nil
}

// Perform carries out a Publish or a FileItem. Any other effect is given up.
func (p *Publisher) Perform(ctx context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch e := t.Effect.(type) {
	case incident.Publish:
		got, err := p.publish(ctx, t)
		if err != nil {
			return nil, err
		}
		return got, nil
	case incident.FileItem:
		got, err := p.fileItem(ctx, t, e.N)
		if err != nil {
			return nil, err
		}
		return got, nil
	}
	return nil, incident.GiveUp(fmt.Errorf("github does not perform %T", t.Effect))
}

// client is new for every effect: the SDK's own remembers limits by the machine's
// clock and would refuse calls by itself long after the room's clock has moved on.
func (p *Publisher) client() (*gh.Client, error) {
	c := gh.NewClient(p.http)
	if p.conf.BaseURL == "" {
		return c, nil
	}
	return c.WithEnterpriseURLs(p.conf.BaseURL, p.conf.UploadURL)
}

// apiURL is where the API of a GitHub Enterprise is, by the SDK's own rule.
func apiURL(base string) string {
	c, err := gh.NewClient(nil).WithEnterpriseURLs(base, base)
	if err != nil {
		return base
	}
	return strings.TrimRight(c.BaseURL.String(), "/")
}
