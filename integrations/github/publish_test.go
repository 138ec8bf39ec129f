package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	hub "github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

const (
	token = "ghp-of-tocsin-nobody-may-see"
	repo  = "acme/incidents"
)

// desk is a GitHub with a private repository, and a Publisher that writes there.
type desk struct {
	t     *testing.T
	clock *clock.Fast
	hub   *hub.Server
	url   string
	conf  github.Config
	pub   *github.Publisher
	body  string // what the post-mortem says
	tasks bool   // rendered as a task list last
}

func newDesk(t *testing.T, r hub.Repo, change ...func(*github.Config)) *desk {
	t.Helper()
	d := &desk{t: t, clock: clock.NewFast(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), 1), body: "What happened.\n"}
	d.hub = hub.New(hub.Config{Clock: d.clock, Tokens: map[string]string{token: "tocsin"}})
	web := httptest.NewServer(d.hub)
	t.Cleanup(web.Close)
	t.Cleanup(d.hub.Close)
	d.hub.SetBaseURL(web.URL)
	d.url = web.URL
	if r.Name == "" {
		r.Name, r.Private = repo, true
	}
	if r.Push == nil {
		r.Push = []string{"tocsin", "alice-gh"}
	}
	d.ok(d.hub.AddRepo(r))
	d.conf = github.Config{
		Token: token, BaseURL: web.URL, Clock: d.clock, WebhookSecret: []github.Secret{"old", "new"},
		Repo:   func(incident.State) (string, string, error) { return "acme", "incidents", nil },
		Render: d.render,
		Mask: func(s string) (string, []string) {
			if !strings.Contains(s, "hunter2") {
				return s, nil
			}
			return strings.ReplaceAll(s, "hunter2", "[masked: password]"), []string{"password"}
		},
	}
	for _, f := range change {
		f(&d.conf)
	}
	var err error
	d.pub, err = github.New(d.conf)
	d.ok(err)
	return d
}

func (d *desk) render(_ context.Context, t incident.Task, f github.Facts) (github.Document, error) {
	d.tasks = f.TaskList
	body := d.body
	if f.TaskList {
		for _, i := range t.State.Items {
			if i.Number > 0 {
				body += fmt.Sprintf("- [ ] #%d\n", i.Number)
			}
		}
	}
	return github.Document{Title: "Post-mortem of " + string(t.Incident) + ": " + t.State.Name(), Body: body, Labels: []string{"post-mortem"}, Assignees: []string{"alice-gh"}}, nil
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) task(e incident.Effect) incident.Task {
	return incident.Task{
		Owed: incident.Owed{ID: "INC-0042/30/1", Rank: incident.RankSay, Effect: e}, Incident: "INC-0042", Attempt: 1,
		State: incident.State{Stream: "INC-0042", Workspace: "T1", Exists: true, Title: incident.Seal("okta session theft"), Codename: "quiet heron", Declared: d.clock.Now(),
			People: map[incident.PersonID]incident.Part{"alice": {Person: incident.Person{ID: "alice", GitHub: "alice-gh", Name: incident.Seal("Alice")}}},
			Items: []incident.ActionItem{
				{N: 1, Text: incident.Seal("expire sessions after an hour, @acme/all"), Kind: "prevent", Owner: "alice", Due: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)},
				{N: 2, Text: incident.Seal("alert on two countries"), Kind: "detect"}}},
	}
}

func (d *desk) perform(t incident.Task) (incident.Command, error) {
	return d.pub.Perform(context.Background(), t, func(incident.Command) error { return nil })
}

// publish publishes and puts the answer into the state, as the engine would.
func (d *desk) publish(t *incident.Task) incident.Published {
	d.t.Helper()
	t.Effect = incident.Publish{}
	got, err := d.perform(*t)
	d.ok(err)
	p := got.(incident.Published)
	t.State.Report.Repo, t.State.Report.Number = p.Repo, p.Number
	return p
}

func (d *desk) file(t *incident.Task, n int) incident.ItemFiled {
	d.t.Helper()
	t.Effect = incident.FileItem{N: n}
	got, err := d.perform(*t)
	d.ok(err)
	f := got.(incident.ItemFiled)
	t.State.Items[n-1].Number = f.Number
	return f
}

func (d *desk) issue(n int) hub.Issue {
	d.t.Helper()
	for _, i := range d.hub.Issues(repo) {
		if i.Number == n {
			return i
		}
	}
	d.t.Fatalf("no issue %d", n)
	return hub.Issue{}
}

func (d *desk) count(n int) {
	d.t.Helper()
	if all := d.hub.Issues(repo); len(all) != n {
		d.t.Fatalf("%d issues, want %d", len(all), n)
	}
}

func TestAPostMortemIsPublishedOnceAndThenKeptUpToDate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{})
	task := d.task(nil)
	p := d.publish(&task)
	if p.Repo != repo || p.Number == 0 || p.URL == "" || p.Trouble != "" {
		t.Fatalf("%+v", p)
	}
	d.body = "What happened, and why. The password was hunter2.\n"
	if p := d.publish(&task); p.Trouble != "Masked before publishing: password." {
		t.Fatalf("%+v", p)
	}
	task.State.Report = incident.Report{} // the answer was lost
	d.publish(&task)
	d.count(1)
	i := d.issue(p.Number)
	if !strings.HasPrefix(i.Body, "<!-- tocsin:T1/INC-0042/postmortem -->") || !strings.Contains(i.Body, "[masked: password]") || strings.Contains(i.Body, "hunter2") {
		t.Fatal(i.Body)
	}
	if len(i.Labels) != 3 || !slices.Equal(i.Assignees, []string{"alice-gh"}) {
		t.Fatalf("%+v", i)
	}
}

func TestAnAnswerThatIsLostMakesNoSecondIssue(t *testing.T) {
	t.Parallel()
	for _, push := range [][]string{{"tocsin"}, {"somebody"}} { // without push the label is dropped
		d := newDesk(t, hub.Repo{Name: repo, Private: true, Push: push, Read: []string{"tocsin", "alice-gh"}})
		d.hub.Faults().Add(fault.Rule{Vendor: "github", Method: "POST /repos/{owner}/{repo}/issues", Kind: fault.Ambiguous, Times: 1})
		task := d.task(incident.Publish{})
		if _, err := d.perform(task); err == nil || incident.IsGivenUp(err) {
			t.Fatal(err)
		}
		task.Attempt = 2
		d.publish(&task)
		d.count(1)
	}
}

func TestWhatGitHubDropsIsSaid(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{Name: repo, Private: true, Push: []string{"alice-gh"}, Read: []string{"tocsin"}})
	task := d.task(nil)
	p := d.publish(&task)
	if !strings.Contains(p.Trouble, "dropped the labels tocsin, INC-0042, post-mortem") || !strings.Contains(p.Trouble, "did not assign alice-gh") {
		t.Fatalf("%q", p.Trouble)
	}
	d = newDesk(t, hub.Repo{Name: repo, Private: true, Push: []string{"tocsin"}}) // alice-gh has no access: GitHub refuses the whole request
	task = d.task(nil)
	if p := d.publish(&task); !strings.Contains(p.Trouble, "did not assign alice-gh") || strings.Contains(p.Trouble, "labels") {
		t.Fatalf("%q", p.Trouble)
	}
	d.count(1)
}

func TestNothingGoesWhereItDoesNotBelong(t *testing.T) {
	t.Parallel()
	private := func(t *incident.Task) { t.State.Private = true }
	for name, row := range map[string]struct {
		repo   hub.Repo
		config func(*github.Config)
		state  func(*incident.Task)
		says   string
	}{
		"public":                  {hub.Repo{Name: repo}, nil, nil, "public"},
		"confidential and public": {hub.Repo{Name: repo}, func(c *github.Config) { c.AllowPublic = true }, private, "confidential"},
		"confidential, internal":  {hub.Repo{Name: repo, Internal: true}, nil, private, "internal"},
		"archived":                {hub.Repo{Name: repo, Private: true, Archived: true}, nil, nil, "archived"},
		"no issues":               {hub.Repo{Name: repo, Private: true, NoIssues: true}, nil, nil, "switched off"},
		"not visible":             {hub.Repo{Name: repo, Private: true, Push: []string{"alice-gh"}}, nil, nil, "does not exist"},
		"a wrong token":           {hub.Repo{}, func(c *github.Config) { c.Token = "wrong" }, nil, "tocsin doctor"},
		"a path for a name": {hub.Repo{}, func(c *github.Config) {
			c.Repo = func(incident.State) (string, string, error) { return "acme", "../x", nil }
		}, nil, "owner/name"},
		"no repository in mind": {hub.Repo{}, func(c *github.Config) {
			c.Repo = func(incident.State) (string, string, error) { return "", "", errors.New("none in the plan") }
		}, nil, "none in the plan"},
		"the document says secret": {hub.Repo{Name: repo, Internal: true}, func(c *github.Config) {
			c.Render = func(context.Context, incident.Task, github.Facts) (github.Document, error) {
				return github.Document{Title: "x", Private: true}, nil
			}
		}, nil, "confidential"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, row.repo, func(c *github.Config) {
				if row.config != nil {
					row.config(c)
				}
			})
			for _, e := range []incident.Effect{incident.Publish{}, incident.FileItem{N: 1}} {
				task := d.task(e)
				if row.state != nil {
					row.state(&task)
				}
				if strings.Contains(name, "document") && e == (incident.FileItem{N: 1}) {
					continue
				}
				_, err := d.perform(task)
				if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), row.says) {
					t.Errorf("%T: %v, want given up with %q", e, err, row.says)
				}
				if strings.Contains(fmt.Sprint(err), "wrong\"") || strings.Contains(fmt.Sprint(err), token) {
					t.Errorf("the token shows: %v", err)
				}
			}
			d.count(0)
		})
	}
}

func TestAConfidentialIncidentAppearsByCodename(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{})
	d.body = "It began with okta session theft at nine.\n"
	task := d.task(nil)
	task.State.Private = true
	i := d.issue(d.publish(&task).Number)
	if strings.Contains(i.Title+i.Body, "okta") || !strings.Contains(i.Body, "quiet heron") {
		t.Fatalf("%s\n%s", i.Title, i.Body)
	}
}

func TestALongPostMortemContinuesInTheSameComments(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{})
	d.body = "# Start\n```mermaid\n" + strings.Repeat("09:00 : 漏洩 something happened\n", 6000) + "```\nThe end\n"
	task := d.task(nil)
	n := d.publish(&task).Number
	i := d.issue(n)
	if len(i.Comments) < 2 || !strings.Contains(i.Body, "[part 2](") {
		t.Fatalf("%d comments", len(i.Comments))
	}
	var all strings.Builder
	for _, text := range append([]string{i.Body}, bodies(i)...) {
		if strings.Count(text, "```")%2 != 0 {
			t.Fatal("a chart is cut open")
		}
		all.WriteString(text)
	}
	if got := strings.Count(all.String(), "something happened"); got != 6000 {
		t.Fatalf("%d lines of 6000", got)
	}
	before := len(d.hub.Requests())
	d.publish(&task)
	for _, r := range d.hub.Requests()[before:] {
		if r.Method != "GET" {
			t.Errorf("nothing changed, and yet %s %s", r.Method, r.Path)
		}
	}
	d.body = "Short now.\n"
	d.publish(&task)
	after := d.issue(n)
	if len(after.Comments) != len(i.Comments) || strings.Contains(after.Body, "Continued") {
		t.Fatalf("%d comments\n%s", len(after.Comments), after.Body)
	}
	for _, c := range after.Comments {
		if !strings.Contains(c.Body, "empty now") {
			t.Fatal(c.Body[:100])
		}
	}
}

func bodies(i hub.Issue) (out []string) {
	for _, c := range i.Comments {
		out = append(out, c.Body)
	}
	return out
}

func TestActionItemsHangUnderThePostMortem(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{})
	task := d.task(nil)
	d.file(&task, 1) // before there is a post-mortem
	post := d.publish(&task)
	d.file(&task, 2)
	d.file(&task, 2)
	d.count(3)
	one := d.issue(task.State.Items[0].Number)
	if one.Parent != post.Number || d.issue(task.State.Items[1].Number).Parent != post.Number {
		t.Fatalf("%+v", one)
	}
	if !slices.Equal(one.Assignees, []string{"alice-gh"}) || !strings.Contains(one.Body, "Due: 2026-04-01") || strings.Contains(one.Body, "@acme") {
		t.Fatalf("%+v", one)
	}
	done, open := true, false
	task.State.Items[0].Done = true
	task.Event.Event = incident.ItemChanged{N: 1, Done: &done}
	d.file(&task, 1)
	if i := d.issue(one.Number); i.State != "closed" || i.StateReason != "completed" {
		t.Fatalf("%+v", i)
	}
	task.State.Items[0].Done = false
	task.Event.Event = incident.ItemChanged{N: 1, Done: &open}
	d.file(&task, 1)
	if i := d.issue(one.Number); i.State != "open" {
		t.Fatalf("%+v", i)
	}
	if p := d.publish(&task); p.Trouble != "" {
		t.Fatalf("%q", p.Trouble)
	}
}

func TestWithoutSubIssuesThereIsATaskList(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{Name: repo, Private: true, NoSubIssues: true})
	task := d.task(nil)
	d.publish(&task)
	f := d.file(&task, 1)
	if body := d.issue(task.State.Report.Number).Body; !strings.Contains(body, fmt.Sprintf("- [ ] #%d", f.Number)) {
		t.Fatal(body)
	}
	if p := d.publish(&task); !strings.Contains(p.Trouble, "task list") || !d.tasks {
		t.Fatalf("%+v", p)
	}
	d.count(2)
}

func TestLimitsAreLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{})
	d.hub.Faults().Add(fault.Rule{Vendor: "github", Method: "GET /repos/{owner}/{repo}", Kind: fault.RateLimit, RetryAfter: 70 * time.Second, Times: 1})
	_, err := d.perform(d.task(incident.Publish{}))
	if after, ok := incident.LaterBy(err); !ok || after != 70*time.Second {
		t.Fatalf("%v %v", after, err)
	}
	d.hub.Faults().Add(fault.Rule{Vendor: "github", Method: "*", Kind: fault.Down})
	if _, err := d.perform(d.task(incident.Publish{})); err == nil || incident.IsGivenUp(err) {
		t.Fatal(err)
	}
}

func TestAnAppSignsIn(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewFast(time.Now(), 1)
	server := hub.New(hub.Config{Clock: c, App: &hub.App{ID: 7, Slug: "tocsin", PublicKey: &key.PublicKey, Now: time.Now,
		Installations: []hub.Installation{{ID: 70, Account: "acme"}}}})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	t.Cleanup(server.Close)
	d := newDesk(t, hub.Repo{})
	d.ok(server.AddRepo(hub.Repo{Name: repo, Private: true, Push: []string{"alice-gh"}}))
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA " + "PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	d.conf.Token, d.conf.App, d.conf.BaseURL, d.conf.Clock = "", &github.App{ID: 7, Installation: 70, Key: github.Secret(block)}, web.URL, c
	d.pub, err = github.New(d.conf)
	d.ok(err)
	d.hub = server
	task := d.task(nil)
	if p := d.publish(&task); p.Number == 0 {
		t.Fatalf("%+v", p)
	}
}
