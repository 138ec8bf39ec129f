package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// outage is Tocsin in a world of its own, from which something is taken away. What a
// person types is answered within the three seconds that Slack gives, or the sandbox's
// Slack says operation_timeout and the test fails.
type outage struct {
	t    *testing.T
	demo *app.Demo
	room string
}

func newOutage(t *testing.T, o app.DemoOptions, limits bool) *outage {
	t.Helper()
	var log strings.Builder
	o.NoRateLimits = !limits
	o.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: &log}, nil))
	d, err := app.StartDemo(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return &outage{t: t, demo: d}
}

// declares opens a room in which alice commands.
func (o *outage) declares(line string) {
	o.t.Helper()
	o.types("#general", line)
	o.until("the room is open", func() bool {
		for _, c := range o.view("").Channels {
			if strings.HasPrefix(c.Name, "inc-") && c.Member && len(c.Pins) > 0 {
				o.room = c.ID
			}
		}
		return o.room != ""
	})
	o.types(o.room, "/incident role take commander")
	o.until("alice commands", func() bool { return o.said("Commander: ") == 1 })
}

// types returns what alice reads right when Slack has her answer: the last thing only
// she sees.
func (o *outage) types(where, line string) string {
	o.t.Helper()
	if err := o.demo.World.Slack.Slash(o.t.Context(), aliceInSlack, where, line); err != nil {
		o.t.Fatalf("%s: %v", line, err)
	}
	if !strings.HasPrefix(where, "#") {
		return o.whispered()
	}
	return ""
}

func (o *outage) whispered() string {
	last := ""
	for _, m := range o.view(o.room).Messages {
		if m.Ephemeral {
			last = m.Text
		}
	}
	return last
}

// refused types a line that cannot be carried out now, and wants that said.
func (o *outage) refused(line string) {
	o.t.Helper()
	if got := o.types(o.room, line); !strings.Contains(got, "nothing was changed. Say it again") {
		o.t.Errorf("%s: alice reads %q", line, got)
	}
}

// said counts the messages in the room that everybody reads, but for the summary, which
// repeats what was said.
func (o *outage) said(text string) (n int) {
	v := o.view(o.room)
	var pins []string
	for _, c := range v.Channels {
		if c.ID == o.room {
			pins = c.Pins
		}
	}
	for _, m := range v.Messages {
		if !m.Ephemeral && !slices.Contains(pins, m.TS) && strings.Contains(m.Text+string(m.Blocks), text) {
			n++
		}
	}
	return n
}

func (o *outage) view(channel string) slack.View {
	return o.demo.World.Slack.View(aliceInSlack, slack.ViewOptions{Channel: channel, Limit: 5000})
}

func (o *outage) until(what string, holds func() bool) {
	o.t.Helper()
	for began := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			o.t.Fatalf("not so after a minute: %s", what)
		}
	}
}

// ready is what /readyz says; "" is yes.
func (o *outage) ready() string {
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.demo.URL+"/readyz", nil)
	if err != nil {
		o.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body) // an answer cut short is not the one that is wanted
	if resp.StatusCode == http.StatusNoContent {
		return ""
	}
	return fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(text)))
}

// notReady waits until it says so in these words; it looks only once a second.
func (o *outage) notReady(why string) {
	o.t.Helper()
	o.until("/readyz says: "+why, func() bool { return strings.HasPrefix(o.ready(), "503 ") && strings.Contains(o.ready(), why) })
}

func (o *outage) readyAgain() {
	o.t.Helper()
	o.until("/readyz says yes", func() bool { return o.ready() == "" })
}

// leasesEnd is when what was done and could not be written down is looked for again.
func (o *outage) leasesEnd() {
	o.t.Helper()
	o.readyAgain()
	o.demo.Clock.Advance(engine.Lease + time.Second)
}

// recovered says again what was refused and looks whether everything is there once.
func (o *outage) recovered(refused, text string) {
	o.t.Helper()
	o.readyAgain()
	if n := o.said(text); n != 0 {
		o.t.Errorf("what was refused is in the room %d times", n)
	}
	o.types(o.room, refused)
	o.until("what was refused is in the room", func() bool { return o.said(text) == 1 })
	o.until("bob's answer is in the room", func() bool { return o.said("acknowledged") == 1 })
	timeline, err := o.demo.Timeline(o.t.Context())
	if err != nil || strings.Count(timeline, text) != 1 {
		o.t.Errorf("%v\n%s", err, timeline)
	}
}

// bobAnswers takes the page at PagerDuty, whose webhook is delivered until it is taken.
func (o *outage) bobAnswers() {
	o.t.Helper()
	const bobInPager = "PBOB001"
	o.until("bob is paged", func() bool { return len(o.demo.World.PagerDuty.Incidents()) > 0 })
	for _, in := range o.demo.World.PagerDuty.Incidents() {
		if err := o.demo.World.PagerDuty.Acknowledge(bobInPager, in.ID); err != nil {
			o.t.Fatal(err)
		}
	}
}

// holderEnv turns the test binary into a process that keeps a SQLite file to itself
// until its input ends; it holds the path.
const holderEnv = "TOCSIN_OUTAGE_HOLDER"

func beHolder(path string, in io.Reader) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 10000"); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	_, _ = fmt.Println("held")
	_, err = io.Copy(io.Discard, in)
	return err // the lock goes with the process
}

// hold lets another process hold the file until release.
func hold(t *testing.T, path string) (release func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), holderEnv+"="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil || said != "held\n" {
		t.Fatal(said, err)
	}
	return func() { _ = in.Close(); _ = cmd.Wait() }
}
