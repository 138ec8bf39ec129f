package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/detect/baseline"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// sifting is a sink that sends nothing, and counts what would be sent for being new.
type sifting struct {
	mu    sync.Mutex // guards what follows
	sieve *baseline.Sieve
	seen  int
	new   int
	bytes int // of JSON
}

func (s *sifting) Take(_ context.Context, _ agent.Lane, batch []event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		s.seen++
		if s.sieve.Pass(&batch[i], time.Now()) {
			batch[i].New = true
			b, _ := json.Marshal(&batch[i])
			s.new, s.bytes = s.new+1, s.bytes+len(b)
		}
	}
	return nil
}

// forget has it begin anew.
func (s *sifting) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sieve = baseline.NewSieve(baseline.SieveRules{})
}

// count is what came since it was asked last, after what is under way has come.
func (s *sifting) count() (seen, fresh, size int) {
	time.Sleep(300 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, fresh, size = s.seen, s.new, s.bytes
	s.seen, s.new, s.bytes = 0, 0, 0
	return seen, fresh, size
}

// mostNew is how many events a build may send that was built just before, in places of its own: what others do on the
// machine meanwhile is among them.
const mostNew = 200

// watch has this machine watched until the test ends.
func watch(t *testing.T, o agent.Options) {
	t.Helper()
	need(t, os.Geteuid() == 0, "watching takes root")
	a, err := agent.Open(o)
	need(t, err == nil, "the kernel cannot be watched")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = a.Close()
	})
}

// A Go project is built twice with nothing in its cache: of hundreds of events a few are new the first time, and hardly any the
// second. With TOCSIN_NEW_IDLE=5m it is also counted what comes while nothing is built.
func TestOfABuildLittleIsNew(t *testing.T) {
	s := &sifting{sieve: baseline.NewSieve(baseline.SieveRules{})}
	watch(t, agent.Options{Host: "here", Sink: s})
	tell := func(what string, took time.Duration) int {
		seen, fresh, size := s.count()
		per := func(n int) float64 { return float64(n) / took.Minutes() }
		t.Logf("%s: %s, %d events (%.0f a minute), %d of them new (%.1f a minute), %d bytes of JSON", what, took.Round(time.Second/10), seen, per(seen), fresh, per(fresh), size)
		return fresh
	}
	wait, err := time.ParseDuration(os.Getenv("TOCSIN_NEW_IDLE"))
	if err != nil {
		wait = 2 * time.Second
	}
	for _, what := range []string{"nothing built", "nothing built, afterwards"} {
		time.Sleep(wait)
		tell(what, wait)
	}
	s.forget()
	for i, what := range []string{"the first build, after nothing", "the second build"} {
		place := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "go", "build", "-p", "2", "./sensor/detect/...")
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(place, "cache"), "GOTMPDIR="+place, "GOPROXY=off", "GOFLAGS=-buildvcs=false")
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if fresh := tell(what, time.Since(began)); fresh == 0 && i == 0 || fresh > mostNew && i == 1 {
			t.Errorf("%d events are new of %s", fresh, what)
		}
	}
	if sum := s.sieve.Sifted(); sum.Held > 0 || sum.Early > 0 {
		t.Logf("held back or forgotten early: %+v", sum)
	}
}
