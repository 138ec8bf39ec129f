package app

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/sensor/link"
)

// A host enrols at the server as it is wired, on a real database; the server is started again and knows it,
// and has the key that the host pinned. The key is in no table.
func TestAHostEnrolsAndIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	c := config.Config{Workspace: "main", Database: filepath.Join(dir, "tocsin.db"), Listen: "127.0.0.1:0",
		Slack: config.Slack{BotToken: config.NewSecret("xoxb-1"), AppToken: config.NewSecret("xapp-1"), URL: "http://127.0.0.1:1/"}, Fleet: config.Fleet{Listen: at, Names: []string{"127.0.0.1"}},
		PagerDuty: config.PagerDuty{URL: "http://127.0.0.1:1", EventsURL: "http://127.0.0.1:1"}, GitHub: config.GitHub{URL: "http://127.0.0.1:1/"}}
	start := func() (*App, func()) {
		t.Helper()
		a, err := New(t.Context(), c, Parts{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- a.serveFleet(ctx) }()
		return a, func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			a.Close()
		}
	}
	a, stop := start()
	if _, ok := a.catalogue.Find("fleet.isolate-host"); !ok {
		t.Error("hosts cannot be contained")
	}
	token, _, err := a.MakeSensorToken(t.Context(), "", "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var id *link.Identity
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(50 * time.Millisecond) { // it begins to listen
		id, err = link.Enrol(t.Context(), link.Enrolment{Server: at, Token: token, Host: "web-3", Dir: filepath.Join(dir, "host"), Machine: strings.Repeat("ab", 32)})
		if err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	shelf := fleetShelf{a.db, a.kept}
	kept, err := shelf.Put(t.Context(), "hold-1", strings.NewReader("an archive"), 100)
	if err != nil {
		t.Fatal(err)
	}
	stop()

	a, stop = start()
	defer stop()
	if all, err := a.SensorHosts(t.Context()); err != nil || len(all) != 1 || all[0].Host != "web-3" || all[0].Agent != id.Agent {
		t.Errorf("%+v %v", all, err)
	}
	shelf = fleetShelf{a.db, a.kept}
	if got, ok, err := shelf.Find(t.Context(), "hold-1"); got != kept || !ok || err != nil {
		t.Errorf("%+v %v %v", got, ok, err)
	}
	in, err := shelf.Open(t.Context(), "hold-1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if _ = in.Close(); string(text) != "an archive" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	again, err := fleetKey(c, c.Fleet.Key, "TOCSIN_FLEET_KEY", ".fleet-key")
	if err != nil || !id.Pinned.Equal(again.Public()) {
		t.Error("the server signs with another key than the host has pinned:", err)
	}
	database, err := os.ReadFile(c.Database)
	if err != nil || strings.Contains(string(database), string(again.Seed())) {
		t.Error("the key is in the database:", err)
	}
	if ok, err := a.RevokeSensor(t.Context(), "web-3"); !ok || err != nil {
		t.Error(ok, err)
	}
}
