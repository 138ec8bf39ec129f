package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/integrations/fleet/fleettest"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// fleetOn is a server on loopback.
func fleetOn(t testing.TB) (*fleet.Fleet, string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	f, err := fleet.New(t.Context(), fleet.Config{Workspace: "acme", Book: fleettest.NewBook(), Directives: key, Authority: key, Names: []string{"127.0.0.1"},
		Shelf: fleettest.Shelf(t.TempDir()), Settings: func(string) fleet.Settings { return fleet.Settings{Profile: "quiet"} },
		Changes: map[string]func(from, to []byte) ([]byte, error){"intel": intel.Change}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = f.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	return f, l.Addr().String()
}

func comesTrue(t testing.TB, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("never: ", what)
}

// The real program on the real kernel, enrolled with a token, gets indicators, sees what touches them,
// and answers out of its memory. It obeys nobody here: the gate would hang on this machine's own root.
func TestAHostAndItsServer(t *testing.T) {
	need(t, os.Geteuid() == 0, "watching takes root")
	if _, err := os.Stat("/etc/machine-id"); err != nil {
		need(t, false, "this machine has no id")
	}
	f, at := fleetOn(t)
	state := t.TempDir()
	token, _, err := f.MakeToken(t.Context(), "", "alice", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(state, "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := said(t, "enroll", "--server", at, "--token", file, "--host", "web-3", "--state", state); !strings.Contains(got, "web-3 is enrolled") {
		t.Error(got)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"enroll", "--server", at, "--token", file, "--host", "web-3", "--state", state}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "good for nothing") {
		t.Errorf("a token that was used: %d %s", code, errs.String())
	}
	cmd := process(t.Context(), "run", "--server", "--state", state, "--watch-only", "--limits", filepath.Join(state, "none"))
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	comesTrue(t, "it is connected and watches as it was told", func() bool { h, _ := f.Host("web-3"); return h.Connected && h.Profile == "quiet" })

	var b intel.Builder
	if err := b.Add(intel.Indicator{Type: intel.IP, Value: "127.66.6.6", Confidence: 90, Source: "feed"}); err != nil {
		t.Fatal(err)
	}
	if err := f.Publish("intel", 1, b.Set().Encode(nil)); err != nil {
		t.Fatal(err)
	}
	comesTrue(t, "the indicators are installed", func() bool {
		h, _ := f.Host("web-3")
		return len(h.Sets) == 1 && h.Sets[0].Version == 1 && h.Sets[0].Trouble == ""
	})
	signals := f.Signals(t.Context(), nil)
	comesTrue(t, "a signal", func() bool {
		c := exec.CommandContext(t.Context(), "bash", "-c", "exec 3<>/dev/tcp/127.66.6.6/9")
		_ = c.Run()
		select {
		case s := <-signals:
			return s.Event.Rule == "intel/feed" && s.Event.Kind == event.Connect && s.Event.Net.Remote.Addr().String() == "127.66.6.6"
		case <-time.After(200 * time.Millisecond):
			return false
		}
	})
	var found []wire.Found
	sum, err := f.Ask(t.Context(), "web-3", &wire.Question{What: wire.AskHunt, Kind: wire.HuntIP, Subject: "127.66.6.6"}, func(p fleet.Part, _ fleet.Sum) {
		for _, row := range p.Rows {
			var one wire.Found
			if json.Unmarshal(row, &one) == nil {
				found = append(found, one)
			}
		}
	})
	if err != nil || sum.Answered != 1 || len(found) == 0 || !strings.Contains(found[0].What, "bash") {
		t.Errorf("%+v %v %+v", sum, err, found)
	}
}
