package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// stage is the loop on a real database, with vendors played by the test.
type stage struct {
	t      *testing.T
	db     *store.DB
	engine *engine.Engine
	clock  *clock.Fast

	mu        sync.Mutex
	performed []string // effect ids, in the order they were begun
	play      map[string]func(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error)
}

var alice = incident.Person{ID: "alice", Slack: "U0ALICE01"}

func newStage(t *testing.T) *stage {
	t.Helper()
	p, err := plan.Load(templates.DemoPlan())
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, clock: clock.NewFast(time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC), 1)}
	s.db, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), "test", store.Options{Key: make([]byte, 32), Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	s.engine = engine.New(s.db, func() incident.Rules { return p }, s.clock, slog.New(slog.DiscardHandler))
	s.play = map[string]func(context.Context, incident.Task, func(incident.Command) error) (incident.Command, error){
		"open_room": func(context.Context, incident.Task, func(incident.Command) error) (incident.Command, error) {
			return incident.RoomIsOpen{Channel: "C1", Name: "inc-0001"}, nil
		},
		"page": func(_ context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
			return incident.PageTaken{Page: t.Effect.(incident.Page).Page, People: []incident.Person{{ID: "bob", Slack: "U0BOB0001"}}}, nil
		},
	}
	return s
}

// Perform plays every vendor: what the test did not script succeeds and says nothing.
func (s *stage) Perform(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error) {
	s.mu.Lock()
	s.performed = append(s.performed, string(t.ID))
	f := s.play[incident.KindOf(t.Effect)]
	s.mu.Unlock()
	if f == nil {
		return nil, nil
	}
	return f(ctx, t, tell)
}

// run starts a runner that stops with the test.
func (s *stage) run(owner string) (stop func()) {
	all := map[string]engine.Performer{}
	for _, k := range []string{"open_room", "dress_room", "invite", "remove", "say", "refresh", "page", "tell_pager", "publish", "file_item", "archive_room", "call_off_drills"} {
		all[k] = s
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	r := &engine.Runner{Engine: s.engine, Performers: all, Owner: owner, Workers: 4, Urgent: 2, Poll: 20 * time.Millisecond}
	go func() { defer close(done); _ = r.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(stop)
	return stop
}

func (s *stage) ask(id incident.ID, cmd incident.CommandID, by incident.Person, c incident.Command) (incident.Answer, error) {
	return s.engine.Handle(s.t.Context(), id, incident.Asked{ID: cmd, By: by, Via: incident.ViaSlack, At: s.clock.Now(), What: c})
}

func (s *stage) declare() incident.ID {
	s.t.Helper()
	a, err := s.ask("", "declare", alice, incident.Declare{Title: "token on a paste site", Severity: incident.P1})
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Stream
}

// until waits for what must become true.
func (s *stage) until(what string, f func(incident.State, []incident.Recorded) bool) {
	s.t.Helper()
	var state incident.State
	var events []incident.Recorded
	for range 1000 {
		var err error
		if state, err = s.db.Load(s.t.Context(), "INC-0001"); err != nil {
			s.t.Fatal(err)
		}
		if events, err = s.db.Timeline(s.t.Context(), "INC-0001", 0, 1000); err != nil {
			s.t.Fatal(err)
		}
		if f(state, events) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, e := range events {
		s.t.Logf("%3d %T %+v", e.Seq, e.Event, e.Event)
	}
	s.t.Fatalf("never came true: %s", what)
}

func TestDeclareOpensTheRoomAndPages(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run("one")
	s.declare()
	s.until("room open and bob paged", func(st incident.State, _ []incident.Recorded) bool {
		return st.Room.Channel == "C1" && len(st.Paging.Pages) == 1 && st.Paging.Pages[firstPage(st)].Taken
	})
	if id, ok, err := s.db.ByClaim(t.Context(), "slack:C1"); err != nil || !ok || id != "INC-0001" {
		t.Fatalf("the channel belongs to %q, %v, %v", id, ok, err)
	}
	s.clock.Advance(6 * time.Minute)
	s.until("the second rung fired by its clock", func(st incident.State, _ []incident.Recorded) bool { return st.Paging.Rung == 1 })
}

func firstPage(s incident.State) incident.PageID {
	for id := range s.Paging.Pages {
		return id
	}
	return ""
}

func TestARepeatedCommandIsAnsweredFromTheRecord(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.declare()
	again, err := s.ask("", "declare", alice, incident.Declare{Title: "token on a paste site", Severity: incident.P1})
	if err != nil || again.Stream != id {
		t.Fatalf("%+v %v", again, err)
	}
	for range 3 {
		if _, err := s.ask(id, "note-1", alice, incident.AddNote{Text: "once"}); err != nil {
			t.Fatal(err)
		}
	}
	events, _ := s.db.Timeline(t.Context(), id, 0, 1000)
	n := 0
	for _, e := range events {
		if _, ok := e.Event.(incident.Noted); ok {
			n++
		}
	}
	if n != 1 {
		t.Fatalf("the note is there %d times", n)
	}
	if _, err := s.ask(id, "bad", alice, incident.SetSeverity{Severity: incident.P1}); err == nil {
		t.Fatal("P1 already")
	}
	var no *incident.Refusal
	if _, err := s.ask(id, "bad", alice, incident.AddNote{Text: "another thing under the same id"}); !errors.As(err, &no) {
		t.Fatalf("a refused command id is answered the same again: %v", err)
	}
}

func TestOneRefusedDeclarationTakesNoNumber(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if _, err := s.ask("", "d0", alice, incident.Declare{Title: " "}); err == nil {
		t.Fatal("an empty title")
	}
	if id := s.declare(); id != "INC-0001" {
		t.Fatal(id)
	}
}

func TestManyAtOnceInOneRoom(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run("one")
	s.run("two")
	id := s.declare()
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if _, err := s.ask(id, incident.CommandID(fmt.Sprint("n", i)), alice, incident.AddNote{Text: fmt.Sprint("note ", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.until("all sixty are there, in unbroken numbers", func(_ incident.State, events []incident.Recorded) bool {
		n := 0
		for i, e := range events {
			if e.Seq != int64(i+1) {
				t.Fatalf("number %d at place %d", e.Seq, i+1)
			}
			if _, ok := e.Event.(incident.Noted); ok {
				n++
			}
		}
		return n == 60
	})
}

func TestWhatNobodyWantsAnyMoreIsDroppedAndSaid(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hold := make(chan struct{})
	first := true
	s.play["page"] = func(context.Context, incident.Task, func(incident.Command) error) (incident.Command, error) {
		if first {
			first = false
			close(hold)
			return nil, errors.New("503")
		}
		return nil, errors.New("still 503, and should not have been tried")
	}
	s.run("one")
	id := s.declare()
	<-hold
	if _, err := s.ask(id, "ack", alice, incident.Acknowledge{TakeDuty: true}); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Minute)
	s.until("the page was dropped", func(_ incident.State, events []incident.Recorded) bool {
		for _, e := range events {
			if d, ok := e.Event.(incident.EffectDropped); ok && d.Kind == "page" {
				return true
			}
		}
		return false
	})
}

func TestADeadLetterIsSaidAndThePageStepsOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.play["page"] = func(_ context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error) {
		if t.Effect.(incident.Page).Rung.Name == "primary on-call" {
			if err := tell(incident.PageTroubled{Page: t.Effect.(incident.Page).Page, Why: "401"}); err != nil {
				return nil, err
			}
			return nil, incident.GiveUp(errors.New("the integration key is not valid"))
		}
		return incident.PageTaken{Page: t.Effect.(incident.Page).Page}, nil
	}
	s.run("one")
	s.declare()
	s.until("trouble told, dead letter recorded, next rung at once", func(st incident.State, events []incident.Recorded) bool {
		var told, died bool
		for _, e := range events {
			switch ev := e.Event.(type) {
			case incident.PageTrouble:
				told = true
			case incident.EffectDied:
				died = ev.Kind == "page"
			}
		}
		return told && died && st.Paging.Rung >= 1
	})
	dead, err := s.db.Dead(t.Context(), 10)
	if err != nil || len(dead) != 1 {
		t.Fatalf("dead letters: %+v, %v", dead, err)
	}
}

func TestACrashBetweenDoingAndRecordingLooksForItsMarker(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	rooms := map[incident.EffectID]int{}
	over := make(chan struct{})
	crashed := make(chan struct{})
	var once sync.Once
	s.play["open_room"] = func(ctx context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
		s.mu.Lock()
		if t.Attempt > 1 && rooms[t.ID] > 0 {
			s.mu.Unlock()
			return incident.RoomIsOpen{Channel: "C1", Name: "inc-0001"}, nil
		}
		rooms[t.ID]++
		s.mu.Unlock()
		once.Do(func() { close(crashed) })
		select { // the answer is lost: this worker never comes back
		case <-ctx.Done():
		case <-over:
		}
		return nil, errors.New("lost")
	}
	s.run("one")
	t.Cleanup(func() { close(over) })
	s.declare()
	<-crashed
	s.clock.Advance(engine.Lease + time.Second) // the lease runs out; another worker takes over
	s.until("the room is open", func(st incident.State, _ []incident.Recorded) bool { return st.Room.Channel == "C1" })
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, n := range rooms {
		if n != 1 {
			t.Fatalf("%s made %d rooms", id, n)
		}
	}
}

func TestRedactedTextIsGoneAndTheChainIsWhole(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.declare()
	note, err := s.ask(id, "note", alice, incident.AddNote{Text: "the password is hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ask(id, "edit", alice, incident.EditEntry{Seq: note.Last, Text: "the password was hunter2", Why: "tense"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ask(id, "take", alice, incident.AssignRole{Role: incident.Commander, To: alice}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ask(id, "redact", alice, incident.Redact{Seq: note.Last, Why: "password pasted"}); err != nil {
		t.Fatal(err)
	}
	events, err := s.db.Timeline(t.Context(), id, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		incident.EachSealed(&e.Event, func(x *incident.Sealed) {
			if strings.Contains(x.Text, "hunter2") {
				t.Errorf("%T still says it", e.Event)
			}
		})
	}
	if _, err := s.db.Verify(t.Context(), id); err != nil {
		t.Error("the chain:", err)
	}
	var no *incident.Refusal
	if _, err := s.ask(id, "again", alice, incident.Redact{Seq: note.Last, Why: "password pasted"}); !errors.As(err, &no) || no.Code != "nothing-to-erase" {
		t.Errorf("erased twice: %v", err)
	}
}
