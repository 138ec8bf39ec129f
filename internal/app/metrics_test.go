package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

// What is counted is there after an incident, a refusal and a vendor's trouble, and no
// name, title or channel is among it. The log names incidents and effects by id.
func TestMetrics(t *testing.T) {
	t.Parallel()
	var log lines
	d, err := StartDemo(t.Context(), DemoOptions{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	d.World.Slack.Faults().Add(fault.Rule{Method: "conversations.create", Kind: fault.ServerError, Status: 503, Times: 1})
	w := d.World.Slack
	for _, line := range []string{"/incident declare p1 zebra crossing on fire", "/incident INC-0001 sev p9", "/incident INC-0001 resolve by hand"} {
		if err := w.Slash(t.Context(), "U0ALICE01", "#general", line); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is quiet", func() bool { return d.idle(t.Context()) })
	}
	text := scrape(t, d.URL)
	for _, want := range []string{
		`tocsin_command_seconds_count{end="accepted",kind="Declare"} 1`,
		`tocsin_command_seconds_count{end="refused",kind="Resolve"} 1`,
		`tocsin_effect_attempts_total{end="done",kind="open_room"} 1`,
		`tocsin_effect_done_seconds_count{kind="page"}`,
		`tocsin_effects_open{kind="wake",stands="later"}`,
		`tocsin_effect_longest_due_seconds{kind="wake"} 0`,
		`tocsin_vendor_calls_total{method="conversations.create",status="200",vendor="slack"} 1`,
		`tocsin_vendor_calls_total{method="conversations.create",status="503",vendor="slack"} 1`,
		`tocsin_effect_attempts_total{end="retried",kind="open_room"} 1`,
		`tocsin_slack_sockets 1`, `tocsin_database_up 1`,
		`tocsin_incidents{severity="P1",status="open"} 1`,
		`go_goroutines`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not counted: %s", want)
		}
	}
	for _, no := range []string{"zebra", "alice", "bob", "INC-", "inc-0001", "U0ALICE01", "PBOB001", "example.com", d.World.BotToken} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(no)) {
			t.Errorf("%q is among what is counted", no)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	logged := log.String()
	if !regexp.MustCompile(`effect will be tried again" incident=INC-0001 effect=INC-0001/\d+/\d+ kind=\w+`).MatchString(logged) {
		t.Error("the log does not say which effect of which incident is tried again")
	}
	if strings.Contains(logged, "zebra") {
		t.Error("the title is in the log")
	}
}

// A stop in the middle of a page finishes the page: the vendor has it once, and the
// record knows, without a lease having to run out.
func TestStopFinishesWhatItHolds(t *testing.T) {
	t.Parallel()
	d, err := StartDemo(t.Context(), DemoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	d.World.PagerDuty.Faults().Add(fault.Rule{Kind: fault.Latency, Delay: 400 * time.Millisecond})
	if err := d.World.Slack.Slash(t.Context(), "U0ALICE01", "#general", "/incident declare p1 web shell"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the page is under way", func() bool {
		s, err := d.newest(t.Context())
		return err == nil && s.Exists && d.busyWith(t.Context(), "page")
	})
	if err := d.Halt(); err != nil {
		t.Fatal(err)
	}
	if err := d.Begin(); err != nil {
		t.Fatal(err)
	}
	s, err := d.newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, p := range s.Paging.Pages {
		if p.Taken {
			taken++
		}
	}
	if n := len(d.World.PagerDuty.Incidents()); n != taken {
		t.Errorf("PagerDuty has %d, the record knows of %d", n, taken)
	}
	eventually(t, "the page is out", func() bool { return len(d.World.PagerDuty.Incidents()) >= 1 && !d.busyWith(t.Context(), "page") })
	if n := len(d.World.PagerDuty.Incidents()); n != 1 {
		t.Errorf("paged %d times", n)
	}
}

// busyWith reports whether an effect of a kind is due.
func (d *Demo) busyWith(ctx context.Context, kind string) bool {
	list, err := d.App().db.Owing(ctx, d.Clock.Now())
	for _, o := range list {
		if o.Kind == kind && o.Due > 0 {
			return true
		}
	}
	return err != nil
}

// idle reports whether everything due is done, retries and leases included.
func (d *Demo) idle(ctx context.Context) bool {
	list, err := d.App().db.Owing(ctx, d.Clock.Now())
	for _, o := range list {
		if o.Due+o.Queued > 0 {
			return false
		}
	}
	return err == nil
}

func scrape(t *testing.T, base string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	return string(text)
}

// lines is a log kept in memory.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
