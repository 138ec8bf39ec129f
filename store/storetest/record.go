package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
)

func recordKept(t *testing.T, b *bench) {
	s := b.load(t, "INC-0001")
	if s.Exists || s.Version != 0 || s.Stream != "INC-0001" || s.Workspace != b.workspace {
		t.Fatalf("a stream that is not there loads as %+v", s)
	}
	s = b.declared(t, "INC-0001", "okta session theft")
	s = b.commit(t, change(s, incident.Noted{Text: incident.Seal("saw it in the logs")}, incident.SeveritySet{From: incident.P2, To: incident.P1}))
	if s.Version != 2 || s.Seq != 4 || s.Severity != incident.P1 || s.Title.Text != "okta session theft" {
		t.Fatalf("after two commits: %+v", s)
	}
	if diff := cmp.Diff(s, b.load(t, "INC-0001")); diff != "" {
		t.Fatalf("commit and load differ:\n%s", diff)
	}
	e, err := b.db.Event(t.Context(), "INC-0001", 3)
	if err != nil {
		t.Fatal(err)
	}
	if e.Event.(incident.Noted).Text.Text != "saw it in the logs" || !e.At.Equal(t0.Add(time.Second)) || !e.Occurred.Equal(e.At.Add(-time.Minute)) {
		t.Fatalf("event 3 reads %+v", e)
	}
	if _, err := b.db.Event(t.Context(), "INC-0001", 5); !errors.Is(err, engine.ErrUnknown) {
		t.Fatalf("event 5: %v", err)
	}
	v, err := b.db.Verify(t.Context(), "INC-0001")
	if err != nil || v.Lines != 4 || v.Texts != 3 || v.Erased != 0 {
		t.Fatalf("verify: %+v, %v", v, err)
	}
	if n := b.number(t, `SELECT count(*) FROM events a JOIN events b ON a.workspace = b.workspace AND a.stream = b.stream AND b.seq = a.seq + 1
		WHERE a.workspace = $1 AND b.prev = a.hash`, b.workspace); n != 3 {
		t.Fatalf("%d of 3 lines follow the one before", n)
	}
}

func staleCommit(t *testing.T, b *bench) {
	was := b.declared(t, "INC-0001", "x")
	b.commit(t, change(was, incident.Retitled{Title: incident.Seal("y")}))
	for name, c := range map[string]incident.Change{
		"events":       change(was, incident.Retitled{Title: incident.Seal("z")}),
		"effects":      owes(change(was), "room", incident.RankSay, t0, incident.DressRoom{}),
		"a refusal":    change(was),
		"not there":    change(incident.State{Stream: "INC-0001"}, incident.Retitled{}),
		"from nowhere": change(incident.State{Stream: "INC-0009", Version: 3, Seq: 3}, incident.Retitled{}),
	} {
		if _, err := b.db.Commit(t.Context(), c); !errors.Is(err, engine.ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok, _ := b.db.Asked(t.Context(), c.Asked.ID); ok {
			t.Errorf("%s: the stale command counts as answered", name)
		}
	}
	if s := b.load(t, "INC-0001"); s.Version != 2 || s.Title.Text != "y" {
		t.Fatalf("the stale commits left %+v", s)
	}
}

func askedTwice(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "x")
	c := owes(change(s, incident.Noted{Text: incident.Seal("once")}), "room", incident.RankSay, t0, incident.DressRoom{})
	b.commit(t, c)
	for range 2 {
		_, err := b.db.Commit(t.Context(), c)
		var again *engine.Repeat
		if !errors.As(err, &again) {
			t.Fatalf("asked again: %v", err)
		}
		want := incident.Answer{Stream: "INC-0001", First: 3, Last: 3}
		if diff := cmp.Diff(want, again.Answer); diff != "" {
			t.Fatalf("answer:\n%s", diff)
		}
	}
	if n := b.number(t, `SELECT count(*) FROM events WHERE workspace = $1`, b.workspace); n != 3 {
		t.Fatalf("%d events", n)
	}
	if n := b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1`, b.workspace); n != 1 {
		t.Fatalf("%d effects", n)
	}
}

func refusalKept(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "x")
	no := incident.Refuse("reason-wanted", "A downgrade needs a reason.", "Say why.")
	for _, before := range []incident.State{s, b.load(t, "INC-0002")} {
		c := change(before)
		c.Refused = no
		after := b.commit(t, c)
		if after.Version != before.Version {
			t.Fatalf("a refusal moved %s to version %d", before.Stream, after.Version)
		}
		a, ok, err := b.db.Asked(t.Context(), c.Asked.ID)
		if err != nil || !ok || a.Refused == nil || *a.Refused != *no || a.Last != 0 {
			t.Fatalf("answer %+v, %v, %v", a, ok, err)
		}
	}
	if n := b.number(t, `SELECT count(*) FROM incidents WHERE workspace = $1`, b.workspace); n != 1 {
		t.Fatalf("a refusal made a stream: %d", n)
	}
}

func claimsHeld(t *testing.T, b *bench) {
	c := change(b.load(t, "INC-0001"), incident.RoomOpened{Channel: "C1", Name: "inc-0001"})
	c.Claims = []string{"slack:C1", "pd:P1"}
	s := b.commit(t, c)
	again := change(s, incident.Noted{})
	again.Claims = []string{"slack:C1"}
	b.commit(t, again)

	thief := change(b.load(t, "INC-0002"), incident.RoomOpened{Channel: "C1"})
	thief.Claims = []string{"slack:C2", "pd:P1"}
	_, err := b.db.Commit(t.Context(), thief)
	var taken *engine.ErrTaken
	if !errors.As(err, &taken) || taken.Key != "pd:P1" || taken.By != "INC-0001" {
		t.Fatalf("taking a key of another: %v", err)
	}
	if id, ok, err := b.db.ByClaim(t.Context(), "slack:C1"); id != "INC-0001" || !ok || err != nil {
		t.Fatalf("by claim: %s, %v, %v", id, ok, err)
	}
	if _, ok, err := b.db.ByClaim(t.Context(), "slack:C2"); ok || err != nil {
		t.Fatalf("the refused commit left a claim: %v", err)
	}
	if n := b.number(t, `SELECT count(*) FROM incidents WHERE workspace = $1 AND id = 'INC-0002'`, b.workspace); n != 0 {
		t.Fatal("the refused commit left a stream")
	}
}

func numbersReserved(t *testing.T, b *bench) {
	const workers, each = 8, 5
	got := make(chan [2]string, workers*each*2)
	other := b.replica(t)
	together(t, workers, func(w int) error {
		db := b.db
		if w%2 == 1 {
			db = other
		}
		for i := range each {
			// Every command is asked by two workers at once.
			cmd := fmt.Sprintf("cmd-%d-%d", w/2, i)
			id, err := db.Reserve(t.Context(), incident.CommandID(cmd))
			if err != nil {
				return err
			}
			got <- [2]string{cmd, string(id)}
		}
		return nil
	})
	close(got)
	byCmd, byID := map[string]string{}, map[string]string{}
	for g := range got {
		if had, ok := byCmd[g[0]]; ok && had != g[1] {
			t.Errorf("%s got %s and %s", g[0], had, g[1])
		}
		if had, ok := byID[g[1]]; ok && had != g[0] {
			t.Errorf("%s went to %s and %s", g[1], had, g[0])
		}
		byCmd[g[0]], byID[g[1]] = g[1], g[0]
	}
	if len(byID) != workers/2*each || byID["INC-0001"] == "" || byID["INC-0020"] == "" {
		t.Errorf("%d numbers for %d commands, or a gap", len(byID), workers/2*each)
	}
}

// unlisted is an event that this program cannot store.
type unlisted struct{ incident.Event }

func bugWritesNothing(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "x")
	wrongNumber := change(s, incident.Noted{})
	wrongNumber.Events[0].Seq++
	noID := change(s, incident.Noted{})
	noID.Asked.ID = ""
	twice := owes(change(s, incident.Noted{}), "room", incident.RankSay, t0, incident.DressRoom{})
	twice.Effects = append(twice.Effects, twice.Effects[0])
	noLane := owes(change(s, incident.Noted{}), "room", incident.RankSay, t0, incident.DressRoom{})
	noLane.Effects[0].Lane = ""
	for name, c := range map[string]incident.Change{
		"unlisted": change(s, unlisted{}), "nil event": change(s, nil), "number": wrongNumber, "no id": noID, "owed twice": twice, "no lane": noLane,
	} {
		if _, err := b.db.Commit(t.Context(), c); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	if diff := cmp.Diff(s, b.load(t, "INC-0001")); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
}
