package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

func lists(t *testing.T, b *bench) {
	drill, real := true, false
	for n := 1; n <= 6; n++ {
		id := incident.NumberID(int64(n))
		c := change(b.load(t, id), incident.Declared{ID: id, Title: incident.Seal(fmt.Sprint("t", n)), Severity: incident.P3, Drill: n%2 == 0})
		c.Events[0].At = t0.Add(time.Duration(n) * time.Minute)
		s := b.commit(t, c)
		if n > 4 {
			b.commit(t, change(s, incident.WasResolved{}))
		}
	}
	for name, c := range map[string]struct {
		f    store.Filter
		want string
	}{
		"all":          {store.Filter{}, "t6 t5 t4 t3 t2 t1 "},
		"two":          {store.Filter{Limit: 2}, "t6 t5 "},
		"open":         {store.Filter{Statuses: []incident.Status{incident.Open}}, "t4 t3 t2 t1 "},
		"open, drills": {store.Filter{Statuses: []incident.Status{incident.Open}, Drill: &drill}, "t4 t2 "},
		"real":         {store.Filter{Statuses: []incident.Status{incident.Resolved, incident.Open}, Drill: &real}, "t5 t3 t1 "},
		"merged":       {store.Filter{Statuses: []incident.Status{incident.Merged}}, ""},
	} {
		got, err := b.db.List(t.Context(), c.f)
		if err != nil {
			t.Fatal(err)
		}
		var titles string
		for _, s := range got {
			titles += s.Title.Text + " "
			if diff := cmp.Diff(b.load(t, s.Stream), s); diff != "" {
				t.Errorf("%s: listed and loaded differ:\n%s", name, diff)
			}
		}
		if titles != c.want {
			t.Errorf("%s: %q, want %q", name, titles, c.want)
		}
	}

	s := b.load(t, "INC-0001")
	first := owes(change(s, incident.Noted{Text: incident.Seal("a")}), "room", incident.RankSay, t0, incident.DressRoom{})
	s = b.commit(t, first)
	second := owes(change(s, incident.Noted{Text: incident.Seal("b")}, incident.Noted{}), "room", incident.RankSay, t0, incident.OpenRoom{})
	second.Events[0].Root, second.Events[1].Root = first.Asked.ID, first.Asked.ID
	b.commit(t, second)
	line, err := b.db.Timeline(t.Context(), "INC-0001", 1, 2)
	if err != nil || len(line) != 2 || line[0].Seq != 2 || line[1].Event.(incident.Noted).Text.Text != "b" {
		t.Errorf("timeline %+v, %v", line, err)
	}
	root, err := b.db.ByRoot(t.Context(), first.Asked.ID)
	if err != nil || len(root) != 3 || root[0].Event.(incident.Noted).Text.Text != "a" {
		t.Errorf("by root %+v, %v", root, err)
	}
	task := b.claim(t, t0, 1)[0]
	open, err := b.db.OpenByRoot(t.Context(), first.Asked.ID)
	if err != nil || len(open) != 2 || open[0].ID != task.ID {
		t.Errorf("open by root %+v, %v", open, err)
	}
	if err := b.db.Settle(t.Context(), task, done); err != nil {
		t.Fatal(err)
	}
	if open, err = b.db.OpenEffects(t.Context(), "INC-0001"); err != nil || len(open) != 1 || open[0].Effect != (incident.OpenRoom{}) {
		t.Errorf("open effects %+v, %v", open, err)
	}
}

func holdsUnlisted(t *testing.T, b *bench) {
	id := incident.HoldID("host", "web-3")
	s := b.commit(t, change(b.load(t, id), incident.HoldPlaced{Held: incident.Held{HoldKey: incident.HoldKey{Incident: "INC-0001", Deed: 1}, Action: "isolate", Since: t0}, First: true}))
	if diff := cmp.Diff(s, b.load(t, id)); diff != "" || !s.Exists || len(s.Hold) != 1 {
		t.Errorf("the register loads as %+v\n%s", s, diff)
	}
	if got, err := b.db.List(t.Context(), store.Filter{}); len(got) != 0 || err != nil {
		t.Errorf("listed: %v, %v", got, err)
	}
}

func cacheAndPlans(t *testing.T, b *bench) {
	ctx := t.Context()
	if _, _, ok, err := b.db.CacheGet(ctx, "oncall", "primary"); ok || err != nil {
		t.Errorf("an empty cache: %v, %v", ok, err)
	}
	for i, v := range []string{"alice", "bob", ""} {
		at := t0.Add(time.Duration(i) * time.Hour)
		if err := b.db.CachePut(ctx, "oncall", "primary", []byte(v), at); err != nil {
			t.Fatal(err)
		}
		got, when, ok, err := b.db.CacheGet(ctx, "oncall", "primary")
		if err != nil || !ok || string(got) != v || !when.Equal(at) {
			t.Errorf("cache: %q at %v, %v, %v", got, when, ok, err)
		}
	}
	if _, _, ok, _ := b.db.CacheGet(ctx, "contacts", "primary"); ok {
		t.Error("another space sees it")
	}
	files := bytes.Repeat([]byte{0, 1, 255}, 1000)
	for range 2 {
		if err := b.db.SavePlan(ctx, "d1", files); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok, err := b.db.Plan(ctx, "d1"); !ok || err != nil || !bytes.Equal(got, files) {
		t.Errorf("plan: %d bytes, %v, %v", len(got), ok, err)
	}
	if _, ok, err := b.db.Plan(ctx, "d2"); ok || err != nil {
		t.Errorf("a plan never accepted: %v, %v", ok, err)
	}
}

func workspacesApart(t *testing.T, b *bench) {
	c := owes(change(b.load(t, "INC-0001"), incident.Declared{ID: "INC-0001", Title: incident.Seal("ours")}), "room", incident.RankSay, t0, incident.OpenRoom{})
	c.Claims = []string{"slack:C1"}
	b.commit(t, c)
	theirs := &bench{url: b.url, raw: b.raw, workspace: b.workspace + "-other"}
	theirs.db = theirs.replica(t)
	if s := theirs.load(t, "INC-0001"); s.Exists {
		t.Error("the other workspace has our incident")
	}
	if got := theirs.claim(t, t0, 10); len(got) != 0 {
		t.Error("the other workspace does our work")
	}
	if _, ok, _ := theirs.db.ByClaim(t.Context(), "slack:C1"); ok {
		t.Error("the other workspace sees our claim")
	}
	if s := theirs.commit(t, c); s.Title.Text != "ours" {
		t.Error("the same command id and keys are free there")
	}
	if got := b.claim(t, t0, 10); len(got) != 1 {
		t.Errorf("claimed %d", len(got))
	}
}

// outlines reads a record without its texts, and then some of them.
func outlines(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "a title")
	s = b.commit(t, change(s, incident.Noted{Text: incident.Seal("wanted")}, incident.Noted{Text: incident.Seal("left alone")}))
	got, err := b.db.Outline(t.Context(), "INC-0001", 0, 0)
	if err != nil || int64(len(got)) != s.Seq {
		t.Fatal(len(got), err)
	}
	for _, r := range got {
		incident.EachSealed(&r.Event, func(x *incident.Sealed) {
			if x.Text != "" {
				t.Errorf("entry %d has %+v", r.Seq, x)
			}
		})
	}
	if err := b.db.Reveal(t.Context(), got, func(r incident.Recorded) bool { return r.Seq == s.Seq-1 }); err != nil {
		t.Fatal(err)
	}
	whole, err := b.db.Timeline(t.Context(), "INC-0001", s.Seq-2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole[0], got[s.Seq-2]); diff != "" {
		t.Errorf("revealed and read differ:\n%s", diff)
	}
	if text := got[s.Seq-1].Event.(incident.Noted).Text; text.Text != "" || text.Ref == "" {
		t.Errorf("what nobody wanted is there: %+v", text)
	}
}
