package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

const room = "C0ROOM001"

// spoken is a message in the room, n seconds after the beginning.
func spoken(n int, text string) incident.Captured {
	return incident.Captured{
		Stream: "INC-0001", Channel: room, TS: fmt.Sprintf("17000%05d.000100", n), Kind: incident.SaidMessage, Author: "U1",
		Occurred: t0.Add(time.Duration(n) * time.Second), Text: incident.Seal(text),
	}
}

func (b *bench) capture(t testing.TB, lines ...incident.Captured) int {
	t.Helper()
	n, err := b.db.Capture(t.Context(), lines)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func capturedOnce(t *testing.T, b *bench) {
	b.declared(t, "INC-0001", "the title")
	first := spoken(1, "is web-3 ours?")
	edit := spoken(1, "is web-4 ours?")
	edit.Kind, edit.Key, edit.Was, edit.Occurred = incident.SaidEdited, "1700000002.000100", incident.Seal("is web-3 ours?"), t0.Add(2*time.Second)
	gone := spoken(1, "")
	gone.Kind, gone.Was, gone.Occurred = incident.SaidDeleted, incident.Seal("is web-4 ours?"), t0.Add(3*time.Second)
	file := spoken(1, "")
	file.Kind, file.Key, file.File = incident.FileShared, "F1", incident.Seal(`{"id":"F1","name":"memory.dmp"}`)
	all := []incident.Captured{gone, edit, file, first} // as bad a connection may deliver them
	if n := b.capture(t, all...); n != 4 {
		t.Fatalf("%d of 4 lines were written", n)
	}
	again := first
	again.BackFilled = true
	if n := b.capture(t, append(all, again, first)...); n != 0 {
		t.Fatalf("%d lines are in the record twice", n)
	}
	got, err := b.db.CapturedInTime(t.Context(), "INC-0001", incident.Captured{}, 0)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	if got[3].Kind != incident.SaidDeleted || got[3].Was.Text != "is web-4 ours?" {
		t.Errorf("a deletion comes last and keeps the text: %+v", got[3])
	}
	if got[2].Kind != incident.SaidEdited || got[2].Was.Text != "is web-3 ours?" || got[2].Text.Text != "is web-4 ours?" {
		t.Errorf("an edit keeps both texts: %+v", got[2])
	}
	rest, err := b.db.CapturedInTime(t.Context(), "INC-0001", got[1], 1)
	if err != nil || len(rest) != 1 || rest[0].Seq != got[2].Seq {
		t.Errorf("paging in time: %+v, %v", rest, err)
	}
	written, err := b.db.Captured(t.Context(), "INC-0001", 2, 1)
	if err != nil || len(written) != 1 || written[0].Seq != 3 || written[0].File.Text != `{"id":"F1","name":"memory.dmp"}` {
		t.Errorf("as written: %+v, %v", written, err)
	}
	all2 := b.everything(t)
	for _, w := range []string{"web-3", "web-4", "memory.dmp"} {
		if bytes.Contains(all2, []byte(w)) {
			t.Errorf("%q can be read in the database", w)
		}
	}
	v, err := b.db.VerifyCaptured(t.Context(), "INC-0001")
	if err != nil || v.Lines != 4 || v.Texts != 5 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, head, _, err := b.db.CapturedHead(t.Context(), "INC-0001"); err != nil || head != v.Head {
		t.Errorf("the head is %s, %v", head, err)
	}
}

// What comes and goes is told in several ways, and once more by history.
func capturedComings(t *testing.T, b *bench) {
	member := func(n int, kind incident.CaptureKind, key string, filled bool) incident.Captured {
		c := spoken(n, "")
		c.Kind, c.Key, c.Subject, c.BackFilled = kind, key, "member:U1", filled
		c.Text = incident.Sealed{}
		return c
	}
	reaction := func(n int, kind incident.CaptureKind, key string, filled bool) incident.Captured {
		c := member(n, kind, key, filled)
		c.TS, c.Subject = "1700000001.000100", "reaction:1700000001.000100:U1:eyes"
		return c
	}
	for i, step := range []struct {
		line incident.Captured
		new  int
	}{
		{member(1, incident.MemberJoined, "", false), 1},
		{member(2, incident.MemberJoined, "event", false), 0}, // the same, told the other way
		{member(9, incident.MemberLeft, "", false), 1},
		{member(1, incident.MemberJoined, "", true), 0},
		{member(20, incident.MemberJoined, "", false), 1},
		{member(60, incident.MemberJoined, "late", false), 1}, // the leaving between was missed
		{reaction(5, incident.ReactionAdded, "a", false), 1},
		{reaction(30, incident.ReactionAdded, "fill", true), 0},
		{reaction(31, incident.ReactionRemoved, "b", false), 1},
		{reaction(32, incident.ReactionAdded, "c", false), 1}, // at once again: a deed of its own
		{reaction(40, incident.ReactionAdded, "fill", true), 0},
	} {
		if n := b.capture(t, step.line); n != step.new {
			t.Errorf("step %d: %d lines written, want %d", i, n, step.new)
		}
	}
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil {
		t.Error(err)
	}
}

func capturedErased(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "the title")
	b.capture(t, spoken(1, "password hunter2"), spoken(2, "thanks"))
	got, err := b.db.Captured(t.Context(), "INC-0001", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	ref := got[0].Text.Ref
	if err := b.db.EraseCaptured(t.Context(), "INC-0001", []string{s.Title.Ref}, "alice", "not this way"); err == nil {
		t.Error("a text of the events was erased behind their back")
	}
	if err := b.db.EraseCaptured(t.Context(), "INC-0001", []string{ref}, "alice", "pasted by mistake"); err != nil {
		t.Fatal(err)
	}
	if err := b.db.EraseCaptured(t.Context(), "INC-0001", []string{ref}, "alice", "again"); err == nil {
		t.Error("what is gone was erased once more")
	}
	v, err := b.db.VerifyCaptured(t.Context(), "INC-0001")
	if err != nil || v.Erased != 1 || v.Lines != 3 {
		t.Errorf("%+v, %v", v, err)
	}
	got, err = b.db.Captured(t.Context(), "INC-0001", 0, 0)
	if err != nil || got[0].Text.String() != "[erased]" || got[2].Kind != incident.CaptureErased || got[2].Text.Text != "pasted by mistake" || got[2].Author != "alice" {
		t.Errorf("%+v, %v", got, err)
	}
	if n := b.number(t, `SELECT (SELECT count(*) FROM sealed WHERE workspace = $1 AND ref = $2) + (SELECT count(*) FROM sealed_keys WHERE workspace = $1 AND ref = $2)`, b.workspace, ref); n != 0 {
		t.Error("text or key are still there")
	}
	if n := b.capture(t, spoken(1, "password hunter2")); n != 0 {
		t.Error("history brought back what was erased")
	}
	b.exec(t, `DELETE FROM sealed_keys WHERE workspace = $1 AND ref = $2`, b.workspace, got[1].Text.Ref)
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err == nil {
		t.Error("a text that vanished without a word was not missed")
	}
}

func capturedTampering(t *testing.T, b *bench) {
	for i, harm := range []string{
		`UPDATE captured SET author = 'U2' WHERE workspace = $1 AND seq = 2`,
		`UPDATE captured SET backfilled = NOT backfilled WHERE workspace = $1 AND seq = 2`,
		`UPDATE captured SET data = '{}' WHERE workspace = $1 AND seq = 2`,
		`DELETE FROM captured WHERE workspace = $1 AND seq = 2`,
		`DELETE FROM captured WHERE workspace = $1 AND seq = 3`,
		`UPDATE captured SET seq = CASE seq WHEN 1 THEN -2 ELSE seq END WHERE workspace = $1`,
		`UPDATE captured_heads SET seq = 2 WHERE workspace = $1`,
	} {
		c := newBench(t, b.url)
		c.capture(t, spoken(1, "one"), spoken(2, "two"), spoken(3, "three"))
		if _, err := c.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil {
			t.Fatal(err)
		}
		c.exec(t, harm, c.workspace)
		if _, err := c.db.VerifyCaptured(t.Context(), "INC-0001"); err == nil {
			t.Errorf("%d: %s was not found", i, harm)
		}
	}
}

func capturedTogether(t *testing.T, b *bench) {
	other := b.replica(t)
	done := make(chan error, 2)
	for _, db := range []*store.DB{b.db, other} {
		go func() {
			for n := range 40 {
				if _, err := db.Capture(t.Context(), []incident.Captured{spoken(n, "x"), spoken(100+n, "y")}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if v, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil || v.Lines != 80 {
		t.Errorf("%+v, %v", v, err)
	}
	for _, ts := range []string{"1700000002.000000", "1700000001.000000"} {
		if err := b.db.Filled(t.Context(), "INC-0001", ts); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, filled, err := b.db.CapturedHead(t.Context(), "INC-0001"); err != nil || filled != "1700000002.000000" {
		t.Errorf("filled up to %q, %v", filled, err)
	}
}

// Captured lines are no part of the State: loading stays what it was (printed, not
// asserted: machines are noisy).
func capturedMany(t *testing.T, b *bench) {
	b.declared(t, "INC-0001", "the title")
	load := func() time.Duration {
		best := time.Hour
		for range 20 {
			began := time.Now()
			b.load(t, "INC-0001")
			best = min(best, time.Since(began))
		}
		return best
	}
	before := load()
	const n, at = 1000, 250
	began := time.Now()
	for from := 0; from < n; from += at {
		lines := make([]incident.Captured, at)
		for i := range lines {
			lines[i] = spoken(from+i, "message "+fmt.Sprint(from+i))
		}
		if added := b.capture(t, lines...); added != at {
			t.Fatalf("%d of %d were written", added, at)
		}
	}
	t.Logf("captured %d in %v; load %v before, %v after", n, time.Since(began), before, load())
	if v, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil || v.Lines != n || v.Texts != n {
		t.Errorf("%+v, %v", v, err)
	}
}

// An edit that history tells without the text before gets it from the record.
func capturedBefore(t *testing.T, b *bench) {
	edit := spoken(1, "second")
	edit.Kind, edit.Key, edit.BackFilled, edit.Occurred = incident.SaidEdited, "1", true, t0.Add(time.Minute)
	b.capture(t, spoken(1, "first"), edit)
	got, err := b.db.Captured(t.Context(), "INC-0001", 1, 0)
	if err != nil || len(got) != 1 || got[0].Was.Text != "first" || got[0].Text.Text != "second" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil {
		t.Error(err)
	}
}
