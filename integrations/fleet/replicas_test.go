package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// at waits until a server knows the host as connected, with it or through another.
func at(t testing.TB, s *server, name string, through bool) fleet.Host {
	t.Helper()
	var is fleet.Host
	eventually(t, name+" is reached", func() bool {
		is, _ = s.Host(name)
		return is.Connected && (is.Replica != "") == through && is.RTT > 0
	})
	return is
}

func TestAHostIsAskedThroughAnotherReplica(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{proc: t.TempDir()})
	join(t, a, "web-4", setup{proc: t.TempDir()})
	is := at(t, a, "web-3", true)
	at(t, b, "web-4", true)
	if is.Replica != b.door.at || is.Version != "1.0" || len(is.Kinds) == 0 || !is.Pinned {
		t.Errorf("%+v", is)
	}
	eventually(t, "its health is known", func() bool { is, _ := a.Host("web-3"); return is.Health.Profile == "normal" })
	h.sees(t, 1, seen(h, 1))
	for _, s := range []*server{a, b} {
		var rows []string
		sum, err := s.Ask(t.Context(), "", &wire.Question{What: wire.AskHunt, Kind: wire.HuntProcess, Subject: "nc"}, func(p fleet.Part, _ fleet.Sum) {
			for _, r := range p.Rows {
				rows = append(rows, p.Host+" "+string(r))
			}
		})
		if err != nil || sum.Answered != 2 || len(rows) != 1 || !strings.HasPrefix(rows[0], "web-3") {
			t.Errorf("%+v %v %q", sum, err, rows)
		}
	}
	var all sync.WaitGroup // each takes the answers to its own, however many there are
	for i := range 40 {
		s := []*server{a, b}[i%2]
		all.Go(func() {
			sum, err := s.Ask(t.Context(), "web-*", &wire.Question{What: wire.AskTimeline, ToMs: time.Now().Add(time.Hour).UnixMilli(), Most: 10}, func(p fleet.Part, _ fleet.Sum) {
				if p.Trouble != "" && !strings.Contains(p.Trouble, "too many questions") {
					t.Error(p.Trouble)
				}
			})
			if err != nil || len(sum.Silent)+len(sum.Away) > 0 {
				t.Errorf("%+v %v", sum, err)
			}
		})
	}
	all.Wait()
}

func TestAHostIsContainedThroughAnotherReplica(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{proc: t.TempDir()})
	at(t, a, "web-3", true)
	r := do(t, a, "fleet.isolate-host", "web-3")
	if len(h.held()) != 1 {
		t.Fatalf("%q", h.held())
	}
	for _, s := range []*server{a, b} {
		p, err := action(t, s, "fleet.isolate-host").Verify(t.Context(), r)
		if err != nil || p.Standing != actions.InEffect || !strings.Contains(strings.Join(p.Seen, " "), "It tried 1 times") {
			t.Errorf("%+v %v", p, err)
		}
	}
	u, _ := action(t, b, "fleet.isolate-host").(actions.Undoer) // the other one ends it
	if _, err := u.Undo(t.Context(), r); err != nil || len(h.held()) != 0 {
		t.Errorf("%q %v", h.held(), err)
	}
	h.gate.mu.Lock()
	left := h.gate.wanted.Host
	h.gate.mu.Unlock()
	if left != 0 {
		t.Error("its gate holds it still")
	}
}

// The host brings the archive to the replica that it converses with, or to any other.
func TestAnArchiveComesToAnyReplica(t *testing.T) {
	a, b := replicas(t)
	file := filepath.Join(t.TempDir(), "auth.log")
	if err := os.WriteFile(file, []byte("mallory was here"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := join(t, b, "web-3", setup{proc: t.TempDir()})
	at(t, a, "web-3", true)
	for i, s := range []*server{a, b} { // of its own, and through the other
		c := action(t, s, "fleet.collect")
		p, err := c.Plan(t.Context(), actions.Input{Target: "web-3", Key: fmt.Sprintf("INC-0042.C1/3/%d", i), Params: map[string]string{"files": file, "megabytes": "1"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Do(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if proof, err := c.Verify(t.Context(), r); err != nil || proof.Standing != actions.InEffect {
			t.Errorf("%+v %v", proof, err)
		}
	}
	// One that nobody awaits is refused by both.
	for _, s := range []*server{a, b} {
		d := caller(t, s, h.id).Deliver(t.Context())
		_ = d.Send(&wire.DeliverRequest{Directive: "hold-of-nobody", Part: []byte("x")})
		if _, err := d.CloseAndReceive(); err == nil {
			t.Error("it was taken")
		}
	}
}

func TestAHostIsWatchedThroughAnotherReplica(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{})
	at(t, a, "web-3", true)
	ctx, cancel := context.WithCancel(t.Context())
	got, over := make(chan fleet.Seen, 100), make(chan struct{})
	go func() {
		defer close(over)
		_, _ = a.Watch(ctx, "web-3", []event.Kind{event.Exec}, "", time.Now().Add(time.Minute), func(e fleet.Seen) { got <- e }, func(fleet.Part, fleet.Sum) {})
	}()
	eventually(t, "an event is shown", func() bool {
		h.sees(t, 1, seen(h, 1))
		select {
		case e := <-got:
			return e.Host == "web-3" && e.Event.Kind == event.Exec
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	cancel()
	next(t, over)
	eventually(t, "nobody watches any more", func() bool { return b.Errands() == 0 })
}

func TestASetReachesHostsOfAllReplicas(t *testing.T) {
	a, b := replicas(t)
	var mu sync.Mutex
	var got []string
	join(t, b, "web-3", setup{change: func(c *link.Config) {
		c.Install = map[string]func([]byte) error{"intel": func(set []byte) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, string(set))
			return nil
		}}
	}})
	at(t, a, "web-3", true)
	if err := a.Publish("intel", 5, []byte("from a")); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*server{a, b} {
		eventually(t, "it is installed", func() bool {
			is, _ := s.Host("web-3")
			return len(is.Sets) == 1 && is.Sets[0].Version == 5 && len(is.Behind) == 0
		})
	}
	if err := b.Publish("intel", 5, []byte("as old")); err == nil {
		t.Error("one as old was published")
	}
	if err := b.Publish("intel", 6, []byte("from b")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "so is the next", func() bool { is, _ := a.Host("web-3"); return len(is.Behind) == 0 && is.Sets[0].Version == 6 })
	b.Give("intel") // it comes twice, as it may when a host connects while a set is published
	if err := b.Publish("sigma", 1, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has answered all", func() bool { is, _ := a.Host("web-3"); return len(is.Sets) == 2 })
	if is, _ := a.Host("web-3"); fmt.Sprint(is.Behind) != "[sigma]" { // of which this agent knows nothing
		t.Errorf("%+v", is.Sets)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(got) != "[from a from b]" {
		t.Error(got)
	}
}

// agreed is what the plan says and goes on saying.
func agreed(t noise.Thresholds) func() noise.Thresholds {
	return func() noise.Thresholds { return t }
}

func loud(r *rooms) func(*fleet.Config) {
	return func(c *fleet.Config) {
		c.Rooms = r
		c.Thresholds = agreed(noise.Thresholds{ByLevel: map[noise.Level]noise.Ask{noise.High: noise.Declare}, Severity: map[noise.Level]string{noise.High: "p2"}})
		c.Rule = func(name string) (fleet.Rule, bool) { return fleet.Rule{Level: noise.High, Title: name}, true }
	}
}

// All replicas see what hosts send, and one of them asks for an incident; when it is gone, another does.
func TestOneReplicaAsksTheRooms(t *testing.T) {
	r := &rooms{}
	a, b := replicas(t, loud(r))
	shell := func(h *host, n uint64) {
		t.Helper()
		e := seen(h, n)
		e.Rule = "shell"
		h.sees(t, 0, e)
	}
	h := join(t, b, "web-3", setup{})
	at(t, a, "web-3", true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watched := a.Signals(ctx, nil)
	shell(h, 1)
	eventually(t, "an incident", func() bool { return r.all() == "declare p2 [web-3]" })
	if s := next(t, watched); s.Host != "web-3" || s.Event.Rule != "shell" {
		t.Errorf("%+v", s)
	}
	time.Sleep(200 * time.Millisecond)
	if got := r.all(); got != "declare p2 [web-3]" {
		t.Errorf("it was asked for twice: %s", got)
	}
	if is, _ := a.Host("web-3"); is.Received.Events != 1 {
		t.Errorf("%+v", is.Received)
	}
	// The one that asks cannot reach the rooms, and goes: what it was to ask is asked by the other.
	r.mu.Lock()
	r.fails = 1
	r.mu.Unlock()
	db := join(t, b, "db-1", setup{})
	at(t, a, "db-1", true)
	shell(db, 1)
	eventually(t, "asking failed", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.fails == 0 })
	a.stop()
	eventually(t, "the other asks", func() bool { return strings.Contains(r.all(), "declare p2 [db-1]") })
	shell(db, 2)
	web4 := join(t, b, "web-4", setup{})
	shell(web4, 1)
	eventually(t, "and from then on", func() bool { return strings.Contains(r.all(), "declare p2 [web-4]") })
	if n := strings.Count(r.all(), "[db-1]"); n != 1 {
		t.Errorf("%d times: %s", n, r.all())
	}
}

// A host that goes from one replica to the other is reached all the time that it is anywhere.
func TestAHostMoves(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{proc: t.TempDir()})
	at(t, a, "web-3", true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = a.Ask(ctx, "web-3", &wire.Question{What: wire.AskTail, ToMs: time.Now().Add(time.Minute).UnixMilli()}, func(fleet.Part, fleet.Sum) {})
	}()
	eventually(t, "it is asked", func() bool { return b.Errands() == 1 })
	h.moves(t, a)
	eventually(t, "nobody waits for the conversation that is over", func() bool { return b.Errands() == 0 })
	at(t, a, "web-3", false)
	at(t, b, "web-3", true)
	do(t, b, "fleet.isolate-host", "web-3")
	if len(h.held()) != 1 {
		t.Errorf("%q", h.held())
	}
	h.moves(t, b)
	at(t, b, "web-3", false)
	at(t, a, "web-3", true)
}

// Its old conversation hangs at the other replica: a cable was pulled there.
func TestAHostMovesAwayFromASilentConversation(t *testing.T) {
	a, b := replicas(t)
	id := b.enrol(t, "web-3", t.TempDir())
	if _, err := greet(t, caller(t, b, id), hello("web-3")); err != nil { // and never a word again
		t.Fatal(err)
	}
	eventually(t, "a knows", func() bool { is, _ := a.Host("web-3"); return is.Connected })
	if _, err := greet(t, caller(t, a, id), hello("web-3")); err != nil {
		t.Fatal("the silent one keeps the place:", err)
	}
	eventually(t, "b knows that it moved", func() bool { is, _ := b.Host("web-3"); return is.Connected && is.Replica == a.door.at })
	if is, _ := a.Host("web-3"); !is.Connected || is.Replica != "" {
		t.Errorf("%+v", is)
	}
}

// The replica that has the host is killed: whoever waits at another is told at once, and nothing counts
// as proven.
func TestTheReplicaWithTheHostIsKilled(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{proc: t.TempDir()})
	at(t, a, "web-3", true)
	r := do(t, a, "fleet.isolate-host", "web-3")
	asked := make(chan string, 1)
	go func() {
		_, err := a.Ask(t.Context(), "web-3", &wire.Question{What: wire.AskTail, ToMs: time.Now().Add(time.Minute).UnixMilli()}, func(p fleet.Part, _ fleet.Sum) {
			if p.Last {
				asked <- p.Trouble
			}
		})
		if err != nil {
			t.Error(err)
		}
	}()
	eventually(t, "it is asked", func() bool { return b.Errands() > 0 })
	h.stop() // it does not come back during the test
	b.killed()
	began := time.Now()
	if why := next(t, asked); !strings.Contains(why, "broke") || time.Since(began) > 2*time.Second {
		t.Errorf("%q after %v", why, time.Since(began))
	}
	p, err := action(t, a, "fleet.isolate-host").Verify(t.Context(), r)
	if err != nil || p.Standing != actions.Unproven || p.Again == 0 {
		t.Errorf("%+v %v", p, err)
	}
}

// The replicas cannot hear each other: each says of the other's hosts that it does not know, and why.
func TestASplitBetweenReplicas(t *testing.T) {
	a, b := replicas(t)
	join(t, b, "web-3", setup{proc: t.TempDir()})
	at(t, a, "web-3", true)
	r := do(t, a, "fleet.isolate-host", "web-3")
	a.door.set(true)
	b.door.set(true)
	eventually(t, "a does not reach it", func() bool { is, _ := a.Host("web-3"); return !is.Connected })
	is, _ := a.Host("web-3")
	if !strings.Contains(strings.Join(is.Trouble, " "), "It may be at another replica, "+b.door.at) {
		t.Errorf("%q", is.Trouble)
	}
	p, err := action(t, a, "fleet.isolate-host").Verify(t.Context(), r)
	if err != nil || p.Standing != actions.Unproven || !strings.Contains(p.Seen[0], "may be at another replica") {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := action(t, b, "fleet.isolate-host").Verify(t.Context(), r); err != nil || p.Standing != actions.InEffect {
		t.Errorf("b has it: %+v %v", p, err)
	}
	a.door.set(false)
	b.door.set(false)
	at(t, a, "web-3", true)
	if p, err := action(t, a, "fleet.isolate-host").Verify(t.Context(), r); err != nil || p.Standing != actions.InEffect {
		t.Errorf("%+v %v", p, err)
	}
}

// During a split signals reach the rooms from either side.
func TestSignalsDuringASplit(t *testing.T) {
	r := &rooms{}
	a, b := replicas(t, loud(r))
	h := join(t, b, "web-3", setup{})
	at(t, a, "web-3", true)
	a.door.set(true)
	b.door.set(true)
	eventually(t, "split", func() bool { return a.Reaches()+b.Reaches()+a.Shares()+b.Shares() == 0 })
	e := seen(h, 1)
	e.Rule = "shell"
	h.sees(t, 0, e)
	eventually(t, "an incident", func() bool { return r.all() == "declare p2 [web-3]" })
}

// A set that was published, and a host that was revoked, at one replica count at the other.
func TestRevokedAtAnotherReplica(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{})
	at(t, a, "web-3", true)
	if ok, err := a.Revoke(t.Context(), "web-3"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	eventually(t, "its conversation ends at once", func() bool { is, _ := b.Host("web-3"); return !is.Connected })
	if err := h.link.Reach(t.Context()); err == nil {
		t.Error("it still gets in")
	}
}

// What a replica may want of another's host is an order, a question, or a ping: nothing that changes how
// the replica itself converses with it.
func TestRowsAreTheHostsOwn(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{proc: t.TempDir()})
	at(t, a, "web-3", true)
	h.sees(t, 1, seen(h, 1), seen(h, 2))
	var kinds []string
	if _, err := a.Ask(t.Context(), "web-3", &wire.Question{What: wire.AskTimeline, ToMs: time.Now().Add(time.Hour).UnixMilli(), Most: 10}, func(p fleet.Part, _ fleet.Sum) {
		for _, row := range p.Rows {
			var e event.Event
			if err := json.Unmarshal(row, &e); err != nil || e.Host != "web-3" {
				t.Error(err, e.Host)
			}
			kinds = append(kinds, e.Kind.String())
		}
	}); err != nil || !slices.Equal(kinds, []string{"exec", "exec"}) {
		t.Error(kinds, err)
	}
}
