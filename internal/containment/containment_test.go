package containment_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/containment"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// scene is the loop on a real database, with doors as the only vendor.
type scene struct {
	t      testing.TB
	db     *store.DB
	engine *engine.Engine
	clock  *clock.Fast
	crew   *containment.Crew
	doors  *doors
	n      int
	keepOK bool
	deeds  engine.Performer
}

var alice, bob = incident.Person{ID: "alice", Slack: "U0ALICE01"}, incident.Person{ID: "bob", Slack: "U0BOB0001"}

const grants = `groups: {security: [alice, bob, carol]}
grants:
  - {name: badges, actions: [doors.close, doors.keep], who: [anyone], max_targets: 1000, ttl: 4h, max_ttl: 1d, approvals: [{count: 1, from: [security]}]}
  - {name: lapse, actions: [doors.lapse], who: [anyone], max_targets: 1000, ttl: 4h, max_ttl: 1d, on_expiry: release}
  - {name: quick, actions: [doors.quick], who: [anyone], max_targets: 1000, ttl: 4h}
`

func newScene(t testing.TB, names ...string) *scene {
	t.Helper()
	p, err := plan.Load(overlay{templates.DemoPlan(), map[string]string{"grants.yaml": grants}})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, clock: clock.NewFast(time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC), 1), doors: newDoors(names...), keepOK: true}
	s.db, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), "test", store.Options{Key: make([]byte, 32), Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	s.engine = engine.New(s.db, func() incident.Rules { return p }, s.clock, slog.New(slog.DiscardHandler))
	keep := keepingBadge{closeBadge{doors: s.doors, name: "doors.keep", destroys: "the badge's log", keep: func() error {
		if s.keepOK {
			return nil
		}
		return incident.GiveUp(errors.New("the log cannot be read"))
	}}}
	all, err := actions.NewCatalogue([]actions.Action{closeBadge{doors: s.doors, name: "doors.close"}, closeBadge{doors: s.doors, name: "doors.quick"},
		timedBadge{closeBadge{doors: s.doors, name: "doors.lapse"}}, keep})
	if err != nil {
		t.Fatal(err)
	}
	s.crew = &containment.Crew{Catalogue: all, Record: s.db, Evidence: s, Rules: func() incident.Rules { return p }, Now: s.clock.Now, Log: slog.New(slog.DiscardHandler)}
	s.deeds = s.crew
	return s
}

// Keep counts what is kept.
func (s *scene) Keep(_ context.Context, _ incident.ID, r io.Reader, _ int64) (incident.KeptItem, error) {
	b, err := io.ReadAll(r)
	return incident.KeptItem{Size: int64(len(b)), SHA256: "aa", ID: "bb", Key: incident.Seal("key")}, err
}

// Perform plays every vendor but doors.
func (s *scene) Perform(context.Context, incident.Task, func(incident.Command) error) (incident.Command, error) {
	return nil, nil
}

func (s *scene) run() {
	all := map[string]engine.Performer{}
	for _, k := range []string{"open_room", "dress_room", "invite", "remove", "say", "refresh", "page", "tell_pager", "restate", "call_off_drills"} {
		all[k] = s
	}
	for _, k := range []string{"plan_action", "enforce", "release", "prolong"} {
		all[k] = s.deeds
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	r := &engine.Runner{Engine: s.engine, Performers: all, Owner: "one", Workers: 4, Urgent: 4, Poll: 20 * time.Millisecond}
	go func() { defer close(done); _ = r.Run(ctx) }()
	s.t.Cleanup(func() { cancel(); <-done })
}

func (s *scene) ask(by incident.Person, c incident.Command) error {
	s.n++
	id := incident.ID("INC-0001")
	if _, ok := c.(incident.Declare); ok {
		id = ""
	}
	_, err := s.engine.Handle(s.t.Context(), id, incident.Asked{ID: incident.CommandID(fmt.Sprint("c", s.n)), By: by, Via: incident.ViaSlack, At: s.clock.Now(), What: c})
	return err
}

func (s *scene) must(by incident.Person, c incident.Command) {
	s.t.Helper()
	if err := s.ask(by, c); err != nil {
		s.t.Fatalf("%T: %v", c, err)
	}
}

func (s *scene) deed() incident.Deed {
	st, err := s.db.Load(s.t.Context(), "INC-0001")
	if err != nil {
		s.t.Fatal(err)
	}
	d, _ := st.Deed(len(st.Deeds))
	return d
}

func (s *scene) until(status incident.DeedStatus) incident.Deed {
	s.t.Helper()
	for range 3000 {
		if d := s.deed(); d.Status == status {
			return d
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, r := range s.record() {
		s.t.Logf("%3d %T %+v", r.Seq, r.Event, r.Event)
	}
	s.t.Fatalf("never came to be %q: %+v", status, s.deed())
	return incident.Deed{}
}

func (s *scene) record() []incident.Recorded {
	events, err := s.db.Timeline(s.t.Context(), "INC-0001", 0, 100_000)
	if err != nil {
		s.t.Fatal(err)
	}
	return events
}

func (s *scene) request(action string, targets ...string) {
	s.t.Helper()
	s.must(alice, incident.RequestAction{Action: action, Kind: "identity", Targets: targets, Lasts: true, Reversible: true, Reason: "because"})
}

func (s *scene) begin() *scene {
	s.run()
	s.must(alice, incident.Declare{Title: "badge theft", Severity: incident.P1})
	return s
}

func TestFromRequestToProofToRelease(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.request("doors.close", "mallory")
	d := s.until(incident.DeedWaiting)
	if s.doors.writes != 0 {
		t.Fatal("something was changed before anybody approved")
	}
	s.must(bob, incident.ApproveAction{N: 1, Digest: d.Digest})
	s.until(incident.DeedInEffect)
	if !s.doors.closed["mallory"] || s.doors.writes != 1 {
		t.Fatalf("%+v", s.doors)
	}
	s.must(alice, incident.UndoAction{N: 1})
	s.until(incident.DeedReleased)
	if s.doors.closed["mallory"] {
		t.Fatal("still closed")
	}
	var seen string
	for _, r := range s.record() {
		if e, ok := r.Event.(incident.TargetMarked); ok {
			seen += string(e.Mark) + ":" + e.Seen.Text + " "
		}
	}
	if seen != "in effect:the badge was tried released:the badge was tried " {
		t.Fatalf("the record tells %q", seen)
	}
}

func TestAVendorThatLiesIsFoundOut(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.doors.lies = true
	s.request("doors.quick", "mallory")
	if d := s.until(incident.DeedPartial); d.Targets[0].Mark != incident.MarkNoEffect {
		t.Fatalf("%+v", d)
	}
}

func TestWhatCannotBeSeenIsNotClaimed(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.doors.hidden = true
	s.request("doors.quick", "mallory")
	if d := s.until(incident.DeedInEffect); d.Targets[0].Mark != incident.MarkUnproven {
		t.Fatalf("%+v", d)
	}
}

func TestAVendorInTroubleIsSaidAndWaitedFor(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.request("doors.close", "mallory")
	d := s.until(incident.DeedWaiting)
	s.doors.mu.Lock()
	s.doors.down = 2
	s.doors.mu.Unlock()
	s.must(bob, incident.ApproveAction{N: 1, Digest: d.Digest})
	s.until(incident.DeedInEffect)
	if !slices.ContainsFunc(s.record(), func(r incident.Recorded) bool { _, ok := r.Event.(incident.ActionTroubled); return ok }) {
		t.Error("nobody was told that it did not get through at first")
	}
}

func TestAMissingRightIsNamedAndTakenUpLater(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.doors.forbid = true
	s.request("doors.quick", "mallory")
	s.until(incident.DeedFailed)
	why := ""
	for _, r := range s.record() {
		if e, ok := r.Event.(incident.TargetMarked); ok {
			why = e.Why.Text
		}
	}
	if !strings.Contains(why, "doors.manage") {
		t.Errorf("what is missing is not said: %q", why)
	}
	s.doors.mu.Lock()
	s.doors.forbid = false
	s.doors.mu.Unlock()
	s.must(alice, incident.RetryAction{N: 1})
	s.until(incident.DeedInEffect)
}

// forgetful carries out the first deed and dies before anybody hears of it.
type forgetful struct {
	*containment.Crew
	died bool
}

func (f *forgetful) Perform(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error) {
	c, err := f.Crew.Perform(ctx, t, tell)
	if _, ok := t.Effect.(incident.Enforce); ok && !f.died {
		f.died = true
		return nil, errors.New("the process died")
	}
	return c, err
}

// The deed was done and the process died before that was written down: it is found as
// done, not done twice, and can still be undone.
func TestACrashBetweenDeedAndRecord(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory")
	s.deeds = &forgetful{Crew: s.crew}
	s.begin()
	s.request("doors.quick", "mallory")
	s.until(incident.DeedInEffect)
	if s.doors.writes != 1 {
		t.Fatalf("closed %d times", s.doors.writes)
	}
	s.must(alice, incident.UndoAction{N: 1})
	s.until(incident.DeedReleased)
	if s.doors.closed["mallory"] {
		t.Fatal("still closed")
	}
}

func TestEvidenceFirstOrAWaiverByName(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory", "eve").begin()
	s.request("doors.keep", "mallory")
	s.must(bob, incident.ApproveAction{N: 1, Digest: s.until(incident.DeedWaiting).Digest})
	s.until(incident.DeedInEffect)
	kept := 0
	for _, r := range s.record() {
		if e, ok := r.Event.(incident.EvidenceKept); ok && len(e.Items) == 1 && e.Items[0].Name.Text == "log.txt" && e.Items[0].Key.Text == "key" {
			kept++
		}
	}
	if kept != 1 {
		t.Fatalf("kept %d times", kept)
	}
	s.keepOK = false
	s.request("doors.keep", "eve")
	s.must(bob, incident.ApproveAction{N: 2, Digest: s.until(incident.DeedWaiting).Digest})
	s.until(incident.DeedEvidence)
	if s.doors.closed["eve"] {
		t.Fatal("done without evidence")
	}
	s.must(alice, incident.AssignRole{Role: incident.Commander, To: alice})
	s.must(alice, incident.WaiveEvidence{N: 2, Why: "it spreads"})
	s.until(incident.DeedInEffect)
}

func TestManyTargetsAndOneThatIsNotThere(t *testing.T) {
	t.Parallel()
	names := make([]string, 40)
	for i := range names {
		names[i] = fmt.Sprintf("user-%02d", i)
	}
	s := newScene(t, names[:39]...).begin()
	s.request("doors.quick", names...)
	d := s.until(incident.DeedPartial)
	if n := d.Count(func(m incident.Mark) bool { return m == incident.MarkInEffect }); n != 39 || d.Targets[39].Mark != incident.MarkSkipped {
		t.Fatalf("%d in effect, the last is %q", n, d.Targets[39].Mark)
	}
	s.must(alice, incident.UndoAction{N: 1})
	s.until(incident.DeedReleased)
	for _, n := range names[:39] {
		if s.doors.closed[n] {
			t.Fatalf("%s is still closed", n)
		}
	}
}

func TestUndoAsksWhenSomebodyElseChangedIt(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.request("doors.quick", "mallory")
	s.until(incident.DeedInEffect)
	s.doors.mu.Lock()
	s.doors.by["mallory"] = "the landlord"
	s.doors.mu.Unlock()
	s.must(alice, incident.UndoAction{N: 1})
	for range 2000 {
		if d := s.deed(); d.Targets[0].Mark == incident.MarkDisputed {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !s.doors.closed["mallory"] || s.deed().Targets[0].Mark != incident.MarkDisputed {
		t.Fatalf("overwritten: %+v", s.deed().Targets)
	}
	s.must(alice, incident.UndoAction{N: 1, Force: true})
	s.until(incident.DeedReleased)
}

// BenchmarkThousandTargets: one command at a thousand targets, from the request to the last
// proof, on SQLite, with a vendor that answers at once. What it costs is the record: each
// target has a register of its own.
func BenchmarkThousandTargets(b *testing.B) {
	for b.Loop() {
		names := make([]string, incident.MaxTargets)
		for i := range names {
			names[i] = fmt.Sprintf("user-%04d", i)
		}
		s := newScene(b, names...).begin()
		began := time.Now()
		s.must(alice, incident.RequestAction{Action: "doors.quick", Kind: "identity", Targets: names, Lasts: true, Reversible: true})
		for s.deed().Status != incident.DeedInEffect {
			time.Sleep(50 * time.Millisecond)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-to-the-last-proof")
		b.ReportMetric(float64(s.doors.writes), "deeds")
	}
}
