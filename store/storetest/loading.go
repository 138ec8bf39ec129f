package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

// What is in memory is given out only while it is the present: not after another
// replica wrote to the stream, nor after a text in it was destroyed, through whichever
// stream that happened.
func rememberedWhilePresent(t *testing.T, b *bench) {
	other := b.replica(t)
	s := b.declared(t, "INC-0001", "the title")
	s = b.commit(t, change(s, incident.Noted{Text: incident.Seal("password hunter2")}))
	line, err := b.db.Event(t.Context(), "INC-0001", s.Seq)
	if err != nil {
		t.Fatal(err)
	}
	pasted := line.Event.(incident.Noted).Text
	// Another incident holds the same text, as one does that took it over.
	second := b.commit(t, change(b.load(t, "INC-0002"), incident.Declared{ID: "INC-0002", Title: incident.Seal("second"), Severity: incident.P3},
		incident.TaskAdded{N: 1, Text: pasted, Phase: incident.Detection}))
	read := func() (task, note, listed string) {
		t.Helper()
		got, err := other.Load(t.Context(), "INC-0002")
		if err != nil {
			t.Fatal(err)
		}
		line, err := other.Event(t.Context(), "INC-0001", s.Seq)
		if err != nil {
			t.Fatal(err)
		}
		all, err := other.List(t.Context(), store.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if one.Stream == "INC-0002" {
				listed = one.Tasks[0].Text.String()
			}
		}
		return got.Tasks[0].Text.String(), line.Event.(incident.Noted).Text.String(), listed
	}
	for range 2 { // the second time from memory
		if task, note, listed := read(); task != "password hunter2" || note != task || listed != task {
			t.Fatalf("%q, %q, %q", task, note, listed)
		}
	}
	c := change(b.load(t, "INC-0001"), incident.Redacted{Seq: s.Seq, Refs: []string{pasted.Ref}, Why: "password pasted"})
	c.Erase = []string{pasted.Ref}
	b.commit(t, c)
	if task, note, listed := read(); task != "[erased]" || note != task || listed != task {
		t.Errorf("after the erasure the other replica has %q, %q, %q", task, note, listed)
	}
	// What was read before the erasure is not written down in memory after it.
	if _, err := other.Commit(t.Context(), change(second, incident.SeveritySet{From: incident.P3, To: incident.P2})); err != nil {
		t.Fatal(err)
	}
	if task, _, _ := read(); task != "[erased]" {
		t.Errorf("a State from before the erasure brought %q back", task)
	}
	if got := b.load(t, "INC-0002"); got.Severity != incident.P2 || got.Tasks[0].Text.Text != "" {
		t.Errorf("the first replica reads %+v", got)
	}
}

// What is handed out of memory is one State for all who ask: going on from it changes
// it for nobody.
func sharedUnchanged(t *testing.T, b *bench) {
	b.declared(t, "INC-0001", "the title")
	s := b.load(t, "INC-0001")
	before := fmt.Sprintf("%+v", s)
	b.commit(t, change(s, incident.Joined{Person: "alice"}, incident.TaskAdded{N: 1, Text: incident.Seal("a task")},
		incident.ClockSet{Clock: incident.ClockAck, Due: t0}, incident.RoleTaken{Role: incident.Commander, Person: "alice"},
		incident.Scoped{N: 1, Kind: incident.ScopeHost, Name: incident.Seal("web-3"), State: incident.Suspected}))
	if after := fmt.Sprintf("%+v", s); after != before {
		t.Errorf("the State that was handed out has become\n%s\nfrom\n%s", after, before)
	}
	if diff := cmp.Diff(b.load(t, "INC-0001"), func() incident.State {
		got, err := b.replica(t).Load(t.Context(), "INC-0001")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}()); diff != "" {
		t.Errorf("remembered and read differ:\n%s", diff)
	}
}

func loadEqualsFold(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "long night")
	s = b.commit(t, change(s, incident.RoleTaken{Role: incident.Commander, Person: "alice"}, incident.Joined{Person: "alice"},
		incident.ClockSet{Clock: incident.ClockAck, Due: t0.Add(90*1e9 + 7)}, incident.LadderStarted{Ladder: incident.Ladder{}},
		incident.RungFired{Page: "p", Round: 1}, incident.Paged{Page: "p", People: []incident.PersonID{"bob"}, Vendor: incident.VendorRef{Vendor: "pagerduty", Incident: "P1"}},
		incident.Acknowledged{Person: "alice", Page: "p"}, incident.PostMortemEdited{Section: "summary", Text: incident.Seal("what happened")}))
	for n := 1; n <= 120; n++ {
		s = b.commit(t, change(s, incident.Scoped{N: n, Kind: incident.ScopeHost, Name: incident.Seal(fmt.Sprintf("web-%d", n)), State: incident.Suspected}))
	}
	seq := b.number(t, `SELECT seq FROM snapshots WHERE workspace = $1 AND stream = 'INC-0001'`, b.workspace)
	if seq < s.Seq-50 || seq == 0 {
		t.Fatalf("the snapshot is of line %d of %d", seq, s.Seq)
	}
	quick := b.load(t, "INC-0001")
	b.exec(t, `DELETE FROM snapshots WHERE workspace = $1`, b.workspace)
	slow := b.load(t, "INC-0001")
	if diff := cmp.Diff(slow, quick); diff != "" {
		t.Fatalf("from the snapshot and from the first line:\n%s", diff)
	}
	if diff := cmp.Diff(slow, s); diff != "" {
		t.Fatalf("from the first line and as committed:\n%s", diff)
	}
	if n, err := b.db.SnapshotIdle(t.Context(), t0.Add(1e15), 10); n != 1 || err != nil {
		t.Fatalf("snapshots of idle streams: %d, %v", n, err)
	}
	if seq := b.number(t, `SELECT seq FROM snapshots WHERE workspace = $1`, b.workspace); seq != s.Seq {
		t.Fatalf("the idle snapshot is of line %d of %d", seq, s.Seq)
	}
	if n, err := b.db.SnapshotIdle(t.Context(), t0.Add(1e15), 10); n != 0 || err != nil {
		t.Fatalf("a second time: %d, %v", n, err)
	}
	if diff := cmp.Diff(slow, b.load(t, "INC-0001")); diff != "" {
		t.Fatalf("from the idle snapshot:\n%s", diff)
	}
}

func strangeSnapshot(t *testing.T, b *bench) {
	want := b.declared(t, "INC-0001", "x")
	if err := b.db.Snapshot(t.Context(), "INC-0001"); err != nil {
		t.Fatal(err)
	}
	b.exec(t, `UPDATE incidents SET severity = 4, status = 'closed' WHERE workspace = $1`, b.workspace)
	if err := b.db.Rebuild(t.Context(), "INC-0001"); err != nil {
		t.Fatal(err)
	}
	if n := b.number(t, `SELECT count(*) FROM incidents WHERE workspace = $1 AND severity = 2 AND status = 'open' AND version = 1`, b.workspace); n != 1 {
		t.Error("the projection was not rebuilt from the events")
	}
	b.exec(t, `UPDATE snapshots SET shape = 'older', body = '{"slug":"nonsense"}' WHERE workspace = $1`, b.workspace)
	if diff := cmp.Diff(want, b.load(t, "INC-0001")); diff != "" {
		t.Fatalf("a snapshot of another shape was believed:\n%s", diff)
	}
	// After an upgrade a long record is folded once, not at every load.
	var many []incident.Event
	for range 250 {
		many = append(many, incident.Noted{Text: incident.Seal("seen again")})
	}
	want = b.commit(t, change(want, many...))
	b.exec(t, `UPDATE snapshots SET shape = 'older' WHERE workspace = $1`, b.workspace)
	upgraded := b.replica(t)
	if got, err := upgraded.Load(t.Context(), "INC-0001"); err != nil || got.Seq != want.Seq {
		t.Fatal(got.Seq, err)
	}
	for tries := 0; b.number(t, `SELECT count(*) FROM snapshots WHERE workspace = $1 AND shape = 'older'`, b.workspace) > 0; tries++ {
		if tries > 3000 {
			t.Fatal("no snapshot was written for the next load")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if diff := cmp.Diff(want, b.load(t, "INC-0001")); diff != "" {
		t.Errorf("the new snapshot reads otherwise:\n%s", diff)
	}
}
