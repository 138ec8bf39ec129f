package app

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// A whole incident through the doors a person uses; the stories in cmd/tocsin tell
// the rest.
func TestAWholeIncident(t *testing.T) {
	for _, mode := range []struct {
		name string
		http bool
	}{{"socket", false}, {"http", true}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			log := slog.New(slog.DiscardHandler)
			if testing.Verbose() {
				log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
			}
			d, err := StartDemo(t.Context(), DemoOptions{HTTPMode: mode.http, Log: log})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
			w := d.World.Slack
			if err := w.Slash(t.Context(), "U0ALICE01", "#general", "/incident declare p1 token on a paste site asset:web-3"); err != nil {
				t.Fatal(err)
			}
			room := ""
			eventually(t, "a room with the summary", func() bool {
				for _, c := range w.View("U0ALICE01", slack.ViewOptions{}).Channels {
					if strings.HasPrefix(c.Name, "inc-0001") && len(c.Pins) > 0 {
						room = c.ID
					}
				}
				return room != ""
			})
			eventually(t, "bob is paged", func() bool {
				b, _ := json.Marshal(d.World.PagerDuty.Incidents())
				return strings.Contains(string(b), "PBOB001")
			})
			if err := d.World.PagerDuty.Acknowledge("PBOB001", d.World.PagerDuty.Incidents()[0].ID); err != nil {
				t.Fatal(err)
			}
			has := func(text string) func() bool {
				return func() bool {
					b, _ := json.Marshal(w.View("U0ALICE01", slack.ViewOptions{Channel: room}).Messages)
					return strings.Contains(string(b), text)
				}
			}
			eventually(t, "the room hears of it", has("acknowledged"))
			for _, line := range []string{"/incident role commander me", "/incident resolve rotated the key", "/postmortem edit summary a key was on a paste site", "/postmortem publish"} {
				if err := w.Slash(t.Context(), "U0ALICE01", room, line); err != nil {
					t.Fatal(line, err)
				}
			}
			eventually(t, "the post-mortem is an issue", func() bool { return len(d.World.GitHub.Issues("acme/security-incidents")) == 1 })
			eventually(t, "the room has its link", has("security-incidents/issues/1"))
			if testing.Verbose() {
				b, _ := json.MarshalIndent(w.View("U0ALICE01", slack.ViewOptions{Channel: room}).Messages, "", " ")
				t.Log(string(b))
				t.Log(d.World.GitHub.Issues("acme/security-incidents")[0].Body)
			}
		})
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	began := time.Now()
	for range 1500 {
		if f() {
			t.Log(what, "after", time.Since(began).Round(time.Millisecond))
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never came true: %s", what)
}
