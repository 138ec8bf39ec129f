package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

func TestTheWorldIsUpAndKnowsItsPeople(t *testing.T) {
	t.Parallel()
	c := clock.NewFast(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), 1)
	w, err := sandbox.Start(t.Context(), sandbox.Options{Clock: c, HTTPMode: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for name, key := range w.RoutingKeys {
		if len(key) != 32 {
			t.Errorf("routing key of %s has %d characters", name, len(key))
		}
	}
	for path, token := range map[string]string{
		w.SlackURL + "auth.test":                     "Bearer " + w.BotToken,
		w.PagerDutyURL + "/oncalls":                  "Token token=" + w.PagerDutyToken,
		w.GitHubURL + "repos/" + sandbox.RepoPrivate: "Bearer " + w.GitHubToken,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", path, resp.Status)
		}
	}
	id, err := w.PagerDuty.Trigger("PALICE1", sandbox.ServicePrimary, "disk full")
	if err != nil {
		t.Fatal(err)
	}
	if in, _ := w.PagerDuty.Incident(id); len(in.Assigned) != 1 || in.Assigned[0].ID != "PBOB001" {
		t.Errorf("service security pages %v, want bob", in.Assigned)
	}
	if v := w.Slack.View("gus", slack.ViewOptions{}); len(v.Channels) != 1 {
		t.Errorf("the guest sees %d channels, want #general only", len(v.Channels))
	}
}

func TestAManifestIsAddressedToTheApp(t *testing.T) {
	t.Parallel()
	c := clock.NewFast(time.Now(), 1)
	w, err := sandbox.Start(t.Context(), sandbox.Options{Clock: c, HTTPMode: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Connect("http://127.0.0.1:9/"); err != nil {
		t.Fatal(err)
	}
	manifest := `{"display_information":{"name":"Tocsin"},"features":{"bot_user":{"display_name":"tocsin"},
		"slash_commands":[{"command":"/incident","description":"x"}]},
		"oauth_config":{"scopes":{"bot":["commands"]}},"settings":{"socket_mode_enabled":true}}`
	if err := w.Install([]byte(manifest)); err != nil {
		t.Fatal(err)
	}
	app := w.Slack.App()
	if app.SocketMode || app.Commands[0].URL != "http://127.0.0.1:9/slack/command" ||
		app.EventsURL != "http://127.0.0.1:9/slack/events" || app.InteractivityURL != "http://127.0.0.1:9/slack/interactive" {
		t.Errorf("installed as %+v", app)
	}
	if err := w.Install([]byte(`{`)); err == nil {
		t.Error("a broken manifest was installed")
	}
}
