package storetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

// everything is all that the database holds of the workspace, and for SQLite the
// bytes of its files too.
func (b *bench) everything(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, table := range []string{"incidents", "snapshots", "events", "sealed", "sealed_keys", "effects", "asked", "claims", "cache", "captured", "captured_heads"} {
		rows, err := b.raw.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE workspace = $1", b.workspace) //nolint:gosec // a fixed list
		if err != nil {
			t.Fatal(err)
		}
		cols, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			cells, to := make([]any, len(cols)), make([]any, len(cols))
			for i := range cells {
				to[i] = &cells[i]
			}
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			for _, c := range cells {
				if raw, ok := c.([]byte); ok {
					c = string(raw)
				}
				fmt.Fprintf(&out, "%v|", c)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		_ = rows.Close() //nolint:sqlclosecheck // each table's rows before the next
	}
	for _, suffix := range []string{"", "-wal"} {
		if raw, err := os.ReadFile(b.url + suffix); err == nil {
			out.Write(raw)
		}
	}
	return out.Bytes()
}

func textsSealed(t *testing.T, b *bench) {
	words := []string{"zanzibarquagga", "xylophonemarzipan", "wombatkaleidoscope", "vortexpumpernickel"}
	s := b.declared(t, "INC-0001", words[0])
	s = b.commit(t, change(s, incident.Noted{Text: incident.Seal("saw " + words[1])},
		incident.ItemAdded{N: 1, Text: incident.Seal(words[2]), Kind: "prevent"}))
	if err := b.db.Snapshot(t.Context(), "INC-0001"); err != nil {
		t.Fatal(err)
	}
	if err := b.db.CachePut(t.Context(), "contacts", "U1", []byte(words[3]), t0); err != nil {
		t.Fatal(err)
	}
	all := b.everything(t)
	for _, w := range append(words, "Liddell") {
		if bytes.Contains(all, []byte(w)) {
			t.Errorf("%q can be read in the database", w)
		}
	}
	if !bytes.Contains(all, []byte("amber otter")) {
		t.Error("the search does not find what is there in the clear, so it proves nothing")
	}
	if diff := cmp.Diff(s, b.load(t, "INC-0001")); diff != "" {
		t.Errorf("the texts did not come back:\n%s", diff)
	}
	// The same text twice has two digests: who has the lines cannot compare.
	s = b.commit(t, change(s, incident.Noted{Text: incident.Seal("same")}, incident.Noted{Text: incident.Seal("same")}))
	line := func(seq int64) string { return b.refsOf(t, seq)[0] }
	if line(s.Seq) == line(s.Seq-1) {
		t.Error("equal texts have equal digests")
	}
}

func (b *bench) refsOf(t *testing.T, seq int64) []string {
	t.Helper()
	r, err := b.db.Event(t.Context(), "INC-0001", seq)
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	incident.EachSealed(&r, func(s *incident.Sealed) { refs = append(refs, s.Ref) })
	return refs
}

func textErased(t *testing.T, b *bench) {
	s := b.declared(t, "INC-0001", "the title")
	s = b.commit(t, change(s, incident.Noted{Text: incident.Seal("password hunter2")}, incident.Updated{Text: incident.Seal("secret too")}))
	refs := append(b.refsOf(t, 3), s.Update.Ref)
	var keys [][]byte
	for _, ref := range refs {
		var k []byte
		if err := b.raw.QueryRowContext(t.Context(), `SELECT wrapped FROM sealed_keys WHERE workspace = $1 AND ref = $2`, b.workspace, ref).Scan(&k); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	c := change(s, incident.Redacted{Seq: 3, Refs: refs, Why: "password pasted"})
	c.Erase = refs
	s = b.commit(t, c)
	if s.Update.Text != "" || s.Update.String() != "[erased]" || s.Title.Text != "the title" {
		t.Fatalf("the State after erasure: update %+v, title %+v", s.Update, s.Title)
	}
	if n := b.number(t, `SELECT (SELECT count(*) FROM sealed WHERE workspace = $1 AND ref IN ($2,$3)) + (SELECT count(*) FROM sealed_keys WHERE workspace = $1 AND ref IN ($2,$3))`,
		b.workspace, refs[0], refs[1]); n != 0 {
		t.Fatalf("%d rows of the erased texts are left", n)
	}
	all := b.everything(t)
	for _, k := range keys {
		// Others who read the same file put off the emptying of its log.
		if b.alone && bytes.Contains(all, k) {
			t.Error("a wrapped key is still in the file or in the log beside it")
		}
	}
	r, err := b.db.Event(t.Context(), "INC-0001", 3)
	if err != nil || r.Event.(incident.Noted).Text.String() != "[erased]" {
		t.Fatalf("the redacted line reads %+v, %v", r.Event, err)
	}
	v, err := b.db.Verify(t.Context(), "INC-0001")
	if err != nil || v.Lines != 5 || v.Erased != 2 {
		t.Fatalf("verify after erasure: %+v, %v", v, err)
	}
	if diff := cmp.Diff(s, b.load(t, "INC-0001")); diff != "" {
		t.Fatalf("commit and load differ:\n%s", diff)
	}
}

func tampering(t *testing.T, b *bench) {
	lines := func() {
		s := b.declared(t, "INC-0001", "x")
		b.commit(t, change(s, incident.SeveritySet{From: incident.P2, To: incident.P4}, incident.Noted{Text: incident.Seal("b")}, incident.PlanAdopted{Plan: "d2"}))
	}
	lines()
	for name, attack := range map[string]string{
		"data":  `UPDATE events SET data = '{"from":2,"to":3}' WHERE workspace = $1 AND seq = 3`,
		"actor": `UPDATE events SET actor = 'mallory' WHERE workspace = $1 AND seq = 3`,
		"time":  `UPDATE events SET occurred = occurred + 1 WHERE workspace = $1 AND seq = 3`,
		"tail":  `DELETE FROM events WHERE workspace = $1 AND seq = 5`,
		"hole":  `DELETE FROM events WHERE workspace = $1 AND seq = 4`,
	} {
		other := &bench{url: b.url, raw: b.raw, workspace: b.workspace + "-" + name}
		other.db = other.replica(t)
		*b = *other
		lines()
		if _, err := b.db.Verify(t.Context(), "INC-0001"); err != nil {
			t.Fatalf("before the attack: %v", err)
		}
		b.exec(t, attack, b.workspace)
		if _, err := b.db.Verify(t.Context(), "INC-0001"); err == nil {
			t.Errorf("%s was changed and nobody noticed", name)
		}
	}
	// A text put in another's place is refused rather than shown.
	other := &bench{url: b.url, raw: b.raw, workspace: b.workspace + "-swap"}
	other.db = other.replica(t)
	*b = *other
	lines()
	b.exec(t, `UPDATE sealed SET body = (SELECT body FROM sealed s WHERE s.workspace = $1 AND s.seq = 2) WHERE workspace = $1 AND seq = 4`, b.workspace)
	if r, err := b.db.Timeline(t.Context(), "INC-0001", 3, 1); err == nil && len(r) > 0 {
		t.Errorf("a text in another's place is shown: %+v", r[0].Event)
	}
}

func wrongKey(t *testing.T, b *bench) {
	for _, key := range [][]byte{nil, bytes.Repeat([]byte{7}, 31), bytes.Repeat([]byte{8}, 32)} {
		db, err := store.Open(context.Background(), b.url, b.workspace, store.Options{Key: key})
		if err == nil {
			_ = db.Close()
			t.Errorf("a key of %d bytes opened the database", len(key))
		}
	}
}
