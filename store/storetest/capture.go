package storetest

import (
	"bytes"
	"fmt"
	"strings"
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
		Occurred: t0.Add(time.Duration(n) * time.Second), Text: incident.Seal(text), Name: fmt.Sprintf("said:%d", n),
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
	edit.Kind, edit.Name, edit.Was, edit.Occurred = incident.SaidEdited, "edited:1:2", incident.Seal("is web-3 ours?"), t0.Add(2*time.Second)
	gone := spoken(1, "")
	gone.Kind, gone.Name, gone.Was, gone.Occurred = incident.SaidDeleted, "deleted:1", incident.Seal("is web-4 ours?"), t0.Add(3*time.Second)
	file := spoken(1, "")
	file.Kind, file.Name, file.File = incident.FileShared, "file:1:F1", incident.Seal(`{"id":"F1","name":"memory.dmp"}`)
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

// told is a deed of U1, n seconds after the beginning, as its event or message tells it.
func told(n int, kind incident.CaptureKind, subject string, way incident.Telling) incident.Captured {
	c := spoken(n, "")
	c.Kind, c.Subject, c.Told, c.Text = kind, subject, way, incident.Sealed{}
	c.Name = fmt.Sprintf("%s/%s:%s:%d.%06d", way, kind, subject, c.Occurred.Unix(), c.Occurred.Nanosecond()/1000)
	return c
}

const eyes = "reaction:1700000001.000100:U1:eyes"

// reactions is what Slack shows of the reactions to a message n seconds after the
// beginning.
func (b *bench) reactions(t testing.TB, n int, there bool) incident.Sighting {
	t.Helper()
	after, _, _, err := b.db.CapturedHead(t.Context(), "INC-0001")
	if err != nil {
		t.Fatal(err)
	}
	s := incident.Sighting{
		Stream: "INC-0001", Channel: room, After: after, At: t0.Add(time.Duration(n) * time.Second), Whole: []string{"reaction:1700000001.000100"},
	}
	if there {
		s.There = []incident.Captured{{Kind: incident.ReactionAdded, TS: "1700000001.000100", Author: "U1", Subject: eyes}}
	}
	return s
}

func (b *bench) sight(t testing.TB, s incident.Sighting) int {
	t.Helper()
	n, err := b.db.Sight(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What comes and goes is told in several ways, and once more by what is so.
func capturedComings(t *testing.T, b *bench) {
	const member, byEvent, byMessage = "member:U1", incident.ToldByEvent, incident.ToldByMessage
	for i, step := range []struct {
		line incident.Captured
		new  int
	}{
		{told(1, incident.MemberJoined, member, byMessage), 1},
		{told(2, incident.MemberJoined, member, byEvent), 0}, // the same, told the other way
		{told(2, incident.MemberJoined, member, byEvent), 0},
		{told(9, incident.MemberLeft, member, byMessage), 1},
		{told(1, incident.MemberJoined, member, byMessage), 0},
		{told(20, incident.MemberJoined, member, byMessage), 1},
		{told(60, incident.MemberJoined, member, byEvent), 1}, // the leaving between was missed
	} {
		if n := b.capture(t, step.line); n != step.new {
			t.Errorf("step %d: %d lines written, want %d", i, n, step.new)
		}
	}
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil {
		t.Error(err)
	}
}

// A reaction is seen, and the event that tells it comes before, meanwhile or after.
func capturedSightings(t *testing.T, b *bench) {
	const added, removed, byEvent = incident.ReactionAdded, incident.ReactionRemoved, incident.ToldByEvent
	want := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d lines written, want %d", what, got, want)
		}
	}
	want("heard", b.capture(t, told(60, added, eyes, byEvent)), 1)
	want("seen after it was heard", b.sight(t, b.reactions(t, 120, true)), 0)
	stale := b.reactions(t, 180, true)
	want("taken back while Slack answers", b.capture(t, told(181, removed, eyes, byEvent)), 1)
	want("an answer that is older than the record", b.sight(t, stale), 0)
	stale = b.reactions(t, 240, false)
	want("added while Slack answers", b.capture(t, told(241, added, eyes, byEvent)), 1)
	want("an answer that is older than the record", b.sight(t, stale), 0)
	want("seen to be gone", b.sight(t, b.reactions(t, 360, false)), 1)
	want("seen once more", b.sight(t, b.reactions(t, 420, false)), 0)
	want("the late event of it", b.capture(t, told(300, removed, eyes, byEvent)), 0)
	want("the same again", b.capture(t, told(300, removed, eyes, byEvent)), 0)
	want("seen to be there", b.sight(t, b.reactions(t, 540, true)), 1)
	want("taken back after that", b.capture(t, told(600, removed, eyes, byEvent)), 1)
	want("added after that", b.capture(t, told(660, added, eyes, byEvent)), 1)
	want("the late event of the first of them", b.capture(t, told(480, added, eyes, byEvent)), 0)
	lines, err := b.db.CapturedInTime(t.Context(), "INC-0001", incident.Captured{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range lines {
		if (l.Kind == added) != (i%2 == 0) || l.Subject != eyes || l.Author != "U1" {
			t.Errorf("line %d in time is %s of %q by %q", i, l.Kind, l.Subject, l.Author)
		}
	}
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil {
		t.Error(err)
	}
}

// What was put on the timeline and redacted there is gone from what was captured too,
// every version of it, and neither history nor a later event brings it back.
func capturedErased(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "the title")
	edit := spoken(1, "password hunter3")
	edit.Kind, edit.Name, edit.Was, edit.Occurred = incident.SaidEdited, "edited:1:5", incident.Seal("password hunter2"), t0.Add(5*time.Second)
	b.capture(t, spoken(1, "password hunter2"), edit, spoken(2, "thanks"))
	s = b.commit(t, change(s, incident.Kept{Ref: incident.MessageRef{Channel: room, TS: spoken(1, "").TS}, Author: "alice", Text: incident.Seal("password hunter2")}))
	refs, err := b.db.Texts(t.Context(), "INC-0001", s.Seq)
	if err != nil || len(refs) != 4 {
		t.Fatalf("%d texts would be erased, %v", len(refs), err)
	}
	c := change(s, incident.Redacted{Seq: s.Seq, Refs: refs, Why: "pasted by mistake"})
	c.Erase = refs
	b.commit(t, c)
	v, err := b.db.VerifyCaptured(t.Context(), "INC-0001")
	if err != nil || v.Erased != 3 || v.Lines != 3 || v.Texts != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	if n := b.capture(t, spoken(1, "password hunter2")); n != 0 {
		t.Error("history brought back what was redacted")
	}
	later, gone := edit, spoken(1, "")
	later.Name, later.Was, later.Text, later.Occurred = "edited:1:9", incident.Seal("password hunter3"), incident.Seal("it was in here"), t0.Add(9*time.Second)
	late := edit
	late.Name, late.BackFilled, late.Text, late.Was, late.Occurred = "edited:1:3", true, incident.Seal("password hunter4"), incident.Sealed{}, t0.Add(3*time.Second)
	gone.Kind, gone.Name, gone.Was = incident.SaidDeleted, "deleted:1", incident.Seal("hunter2 again")
	b.capture(t, late, later, gone)
	got, err := b.db.Captured(t.Context(), "INC-0001", 0, 0)
	if err != nil || len(got) != 6 || got[0].Text.String() != "[erased]" {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, c := range got {
		if text := c.Text.Text + c.Was.Text; strings.Contains(text, "hunter") {
			t.Errorf("still there: %s %q", c.Kind, text)
		}
	}
	if got[4].Text.Text != "it was in here" {
		t.Errorf("what it reads now is kept: %+v", got[4])
	}
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil {
		t.Error(err)
	}
	b.exec(t, `DELETE FROM sealed_keys WHERE workspace = $1 AND ref = $2`, b.workspace, got[2].Text.Ref)
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err == nil {
		t.Error("a text that vanished without a word was not missed")
	}
}

func capturedTampering(t *testing.T, b *bench) {
	for i, harm := range []string{
		`UPDATE captured SET actor = 'bob' WHERE workspace = $1 AND seq = 2`,
		`UPDATE captured SET what = 'reply' WHERE workspace = $1 AND seq = 2`,
		`UPDATE captured SET moment = moment + 1 WHERE workspace = $1 AND seq = 2`,
		`UPDATE captured SET channel = 'C0ELSE' WHERE workspace = $1 AND seq = 2`,
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
	edit.Kind, edit.Name, edit.BackFilled, edit.Occurred = incident.SaidEdited, "edited:1:60", true, t0.Add(time.Minute)
	b.capture(t, spoken(1, "first"), edit)
	got, err := b.db.Captured(t.Context(), "INC-0001", 1, 0)
	if err != nil || len(got) != 1 || got[0].Was.Text != "first" || got[0].Text.Text != "second" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil {
		t.Error(err)
	}
}
