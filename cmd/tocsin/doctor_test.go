package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/templates"
)

// The whole command in a world of its own: exit code, table, JSON. The golden files
// are what a person sees; TOCSIN_GENERATE=1 writes them.
func TestDoctor(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "tocsin.db")
	d, err := app.StartDemo(t.Context(), app.DemoOptions{Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	folder := t.TempDir()
	if err := os.CopyFS(folder, templates.DemoPlan()); err != nil {
		t.Fatal(err)
	}
	w := d.World
	args := []string{"doctor", "--database", database, "--workspace", "demo", "--plan", folder,
		"--slack-bot-token", w.BotToken, "--slack-app-token", w.AppToken, "--slack-url", w.SlackURL,
		"--pagerduty-token", w.PagerDutyToken, "--pagerduty-from", w.From, "--pagerduty-webhook-secrets", w.WebhookSecret,
		"--pagerduty-url", w.PagerDutyURL, "--pagerduty-events-url", w.EventsURL,
		"--github-token", w.GitHubToken, "--github-url", w.GitHubURL, "--github-webhook-secret", w.WebhookSecret}
	for name, key := range w.RoutingKeys {
		args = append(args, "--pagerduty-keys", name+"="+key)
	}
	var out, errs bytes.Buffer
	if code := run(args, &out, &errs); code != 0 {
		t.Errorf("exit code %d of a healthy world: %s%s", code, out.String(), errs.String())
	}
	golden(t, "doctor-healthy.txt", out.String())

	w.Slack.RevokeTokens(true)
	settings := filepath.Join(folder, "settings.yaml")
	text, err := os.ReadFile(settings)
	if err == nil {
		text = bytes.ReplaceAll(text, []byte("acme/security-incidents"), []byte("acme/website"))
		err = os.WriteFile(settings, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := run(append(args, "--pagerduty-from", "nobody@example.com"), &out, &errs); code != 1 {
		t.Errorf("exit code %d of a broken world", code)
	}
	golden(t, "doctor-broken.txt", out.String())

	out.Reset()
	if code := run(append(args, "--json"), &out, &errs); code != 1 {
		t.Errorf("exit code %d with --json", code)
	}
	var got struct {
		OK       bool          `json:"ok"`
		Findings []app.Finding `json:"findings"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.OK || len(got.Findings) < 15 {
		t.Errorf("%v %+v", err, got)
	}
}

// What differs from one machine, or one migration, to the next.
var (
	megabytes = regexp.MustCompile(`\d+ MB`)
	tables    = regexp.MustCompile(`of version \d+`)
)

func golden(t *testing.T, name, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > doctorWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	got = tables.ReplaceAllString(megabytes.ReplaceAllString(got, "9999 MB"), "of version 1")
	path := filepath.Join("testdata", "golden", name)
	if os.Getenv("TOCSIN_GENERATE") == "1" {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what is printed (%v); got\n%s", path, err, got)
	}
}
