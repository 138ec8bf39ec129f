package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// What Tocsin asks of PagerDuty and GitHub, and what the sandbox answers, is what the
// vendors' own descriptions say.
func TestTheSandboxKeepsToTheVendorsDescriptions(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the vendors' descriptions, which takes seconds")
	}
	t.Parallel()
	rest, events, hub := pagerDutyContracts(t)
	github := openContract(t, hub, githubPaths...)
	clk := clock.NewFast(time.Now(), 1)
	w, err := sandbox.Start(t.Context(), sandbox.Options{Clock: clk, HTTPMode: true, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	pager := lay(t, &wire{to: w.PagerDutyURL, law: rest, answers: true})
	enqueue := lay(t, &wire{to: w.EventsURL + "/v2", strip: "/v2", law: events, answers: true})
	issues := lay(t, &wire{to: w.GitHubURL, strip: "/api/v3", law: github, answers: true})
	t.Cleanup(func() {
		if !t.Failed() && !testing.Verbose() {
			return
		}
		for _, x := range []*wire{pager, enqueue, issues} {
			for _, e := range x.all() {
				t.Log(e.Status, e.Method, e.Path, e.Query, cutText(string(e.Body), 200))
			}
		}
	})
	d := &Demo{World: w, Clock: clk, ctx: t.Context(), address: "127.0.0.1:0",
		options: DemoOptions{HTTPMode: true, Database: filepath.Join(t.TempDir(), "tocsin.db"), Log: slog.New(slog.DiscardHandler)}}
	d.config = d.configure()
	d.config.PagerDuty.URL, d.config.PagerDuty.EventsURL, d.config.GitHub.URL = pager.URL, enqueue.URL, issues.URL
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Begin(); err != nil {
		t.Fatal(err)
	}
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", Prefix: "/incident", URL: d.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Install(manifest); err != nil {
		t.Fatal(err)
	}
	if err := w.Connect(d.URL); err != nil {
		t.Fatal(err)
	}
	type1 := func(room, line string) {
		t.Helper()
		if err := w.Slack.Slash(t.Context(), "U0ALICE01", room, line); err != nil {
			t.Fatal(line, err)
		}
	}
	sees := func(room, text string) {
		t.Helper()
		eventually(t, text, func() bool {
			for _, m := range w.Slack.View("U0ALICE01", slack.ViewOptions{Channel: room}).Messages {
				if strings.Contains(strings.ToLower(m.Text), strings.ToLower(text)) {
					return true
				}
			}
			return false
		})
	}
	_ = sees
	type1("#general", "/incident declare p1 token on a paste site asset:web-3")
	room := ""
	eventually(t, "a room", func() bool {
		for _, c := range w.Slack.View("U0ALICE01", slack.ViewOptions{}).Channels {
			if strings.HasPrefix(c.Name, "inc-0001") && len(c.Pins) > 0 {
				room = c.ID
			}
		}
		return room != ""
	})
	eventually(t, "PagerDuty has an incident", func() bool { return len(w.PagerDuty.Incidents()) > 0 })
	for _, line := range []string{
		"/incident role commander me", "/incident page policy", "/incident page @carol", "/incident ack", "/incident sev p2 less than we thought",
		"/incident sev p1 more than we thought", "/incident contacts bob", "/incident note the key was rotated",
		"/incident item add rotate every key owner:<@U0ALICE01>", "/incident resolve rotated the key",
		"/postmortem edit summary " + strings.Repeat("a key was on a paste site. ", 40), "/postmortem publish",
	} {
		type1(room, line)
	}
	eventually(t, "post-mortem and item are issues", func() bool { return len(w.GitHub.Issues(sandbox.RepoPrivate)) >= 2 })
	eventually(t, "the page is resolved", func() bool {
		for _, in := range w.PagerDuty.Incidents() {
			if in.Status != "resolved" {
				return false
			}
		}
		return true
	})
	_ = d.App().pager.Check(t.Context())
	_ = d.App().github.Check(t.Context(), sandbox.RepoPrivate)
	pager.clean(t, "PagerDuty REST")
	enqueue.clean(t, "PagerDuty events")
	issues.clean(t, "GitHub")
}

// githubPaths are the parts of GitHub's API that Tocsin uses.
var githubPaths = []string{"/repos/{owner}/{repo}", "/user"}

// pagerDutyContracts opens PagerDuty's descriptions and finds GitHub's.
func pagerDutyContracts(t *testing.T) (rest, events *contract, hub string) {
	t.Helper()
	specs := []string{os.Getenv("TOCSIN_PAGERDUTY_REST_SPEC"), os.Getenv("TOCSIN_PAGERDUTY_EVENTS_SPEC")}
	hub = filepath.Join(os.Getenv("TOCSIN_FOREIGN"), "node_modules/@octokit/openapi/generated/api.github.com.json")
	for _, f := range append(specs, hub) {
		if _, err := os.Stat(f); err != nil {
			lacking(t, "TOCSIN_PAGERDUTY_REST_SPEC, TOCSIN_PAGERDUTY_EVENTS_SPEC and TOCSIN_FOREIGN do not name the vendors' descriptions: "+err.Error())
		}
	}
	return openContract(t, specs[0], "/incidents", "/users", "/oncalls", "/priorities", "/services", "/schedules", "/escalation_policies", "/abilities"),
		openContract(t, specs[1], "/enqueue"), hub
}

// lacking skips, or fails where everything must run.
func lacking(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
