package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/templates"
)

// What Tocsin asks of PagerDuty and GitHub, and what the sandbox answers, is what the
// vendors' own descriptions say.
func TestTheSandboxKeepsToTheVendorsDescriptions(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the vendors' descriptions, which takes seconds")
	}
	t.Parallel()
	rest, events, hub := described(t)
	clk := clock.NewFast(time.Now(), 1)
	w, err := sandbox.Start(t.Context(), sandbox.Options{Clock: clk, HTTPMode: true, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	pager := lay(t, &wire{to: w.PagerDutyURL, law: openContract(t, rest, pagerDutyPaths...), answers: true})
	enqueue := lay(t, &wire{to: w.EventsURL + "/v2", strip: "/v2", law: openContract(t, events, "/enqueue"), answers: true})
	issues := lay(t, &wire{to: w.GitHubURL, strip: "/api/v3", law: openContract(t, hub, gitHubPaths...), answers: true})
	secret := config.NewSecret
	c := config.Config{Workspace: "demo", Database: filepath.Join(t.TempDir(), "tocsin.db"),
		Slack: config.Slack{URL: w.SlackURL, BotToken: secret(w.BotToken), SigningSecret: secret(w.SigningSecret)},
		PagerDuty: config.PagerDuty{Token: secret(w.PagerDutyToken), From: w.From, Service: sandbox.ServicePrimary, Keys: map[string]config.Secret{},
			WebhookSecrets: []config.Secret{secret(w.WebhookSecret)}, URL: pager.URL, EventsURL: enqueue.URL},
		GitHub: config.GitHub{Token: secret(w.GitHubToken), URL: issues.URL},
	}
	for name, key := range w.RoutingKeys {
		c.PagerDuty.Keys[name] = secret(key)
	}
	a, address := serving(t, c, Parts{Clock: clk, Plan: templates.DemoPlan()})
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", Prefix: "/incident", URL: address})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Install(manifest); err != nil {
		t.Fatal(err)
	}
	if err := w.Connect(address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || testing.Verbose() {
			retell(t, w, pager, enqueue, issues)
		}
	})

	alice := func(room, line string) {
		t.Helper()
		if err := w.Slack.Slash(t.Context(), "U0ALICE01", room, line); err != nil {
			t.Fatal(line, err)
		}
	}
	alice("#general", "/incident declare p1 token on a paste site asset:web-3")
	room := ""
	eventually(t, "a room", func() bool {
		for _, c := range w.Slack.View("U0ALICE01", slack.ViewOptions{}).Channels {
			if strings.HasPrefix(c.Name, "inc-0001") && len(c.Pins) > 0 && c.Member {
				room = c.ID
			}
		}
		return room != ""
	})
	eventually(t, "PagerDuty has an incident", func() bool { return len(w.PagerDuty.Incidents()) > 0 })
	for _, line := range []string{
		"/incident role commander me", "/incident page policy", "/incident page @carol", "/incident ack",
		"/incident sev p2 less than we thought", "/incident sev p1 more than we thought", "/incident contacts @bob",
		"/incident note the key was rotated", "/incident item add rotate every key owner:@alice", "/incident resolve rotated the key",
		"/postmortem edit summary " + strings.Repeat("a key was on a paste site. ", 40), "/postmortem publish",
	} {
		alice(room, line)
	}
	eventually(t, "post-mortem and item are issues", func() bool { return len(w.GitHub.Issues(sandbox.RepoPrivate)) >= 2 })
	eventually(t, "every page is resolved", func() bool {
		for _, in := range w.PagerDuty.Incidents() {
			if in.Status != "resolved" {
				return false
			}
		}
		return true
	})
	alice(room, "/incident item done 1")
	eventually(t, "the item's issue is closed", func() bool {
		for _, i := range w.GitHub.Issues(sandbox.RepoPrivate) {
			if i.State == "closed" {
				return true
			}
		}
		return false
	})
	_ = a.pager.Check(t.Context())
	_ = a.github.Check(t.Context(), sandbox.RepoPrivate)
	pager.clean(t, "PagerDuty REST")
	enqueue.clean(t, "PagerDuty events")
	issues.clean(t, "GitHub")
}

func retell(t *testing.T, w *sandbox.World, wires ...*wire) {
	for _, c := range w.Slack.View("U0ALICE01", slack.ViewOptions{}).Channels {
		for _, m := range w.Slack.View("U0ALICE01", slack.ViewOptions{Channel: c.ID}).Messages {
			t.Log(c.Name, cutText(m.Text, 200))
		}
	}
	for _, x := range wires {
		for _, e := range x.all() {
			t.Log(e.Status, e.Method, e.Path, e.Query, cutText(string(e.Body), 200))
		}
	}
}

// The parts of the vendors' APIs that Tocsin uses.
var (
	gitHubPaths    = []string{"/repos/{owner}/{repo}", "/user"}
	pagerDutyPaths = []string{"/incidents", "/users", "/oncalls", "/priorities"}
)

// described finds the vendors' own descriptions: PagerDuty's two and GitHub's.
// PagerDuty's are in no package, so whoever has them says where.
func described(t *testing.T) (rest, events, hub string) {
	t.Helper()
	rest, events = os.Getenv("TOCSIN_PAGERDUTY_REST_SPEC"), os.Getenv("TOCSIN_PAGERDUTY_EVENTS_SPEC")
	if rest == "" || events == "" {
		t.Skip("TOCSIN_PAGERDUTY_REST_SPEC and TOCSIN_PAGERDUTY_EVENTS_SPEC do not name PagerDuty's OpenAPI descriptions")
	}
	hub = filepath.Join(os.Getenv("TOCSIN_FOREIGN"), "node_modules/@octokit/openapi/generated/api.github.com.json")
	if _, err := os.Stat(hub); os.Getenv("TOCSIN_FOREIGN") == "" || err != nil {
		lacking(t, "TOCSIN_FOREIGN does not name a folder that .ci/foreign/install has filled")
	}
	return rest, events, hub
}

// lacking skips, or fails where everything must run.
func lacking(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
