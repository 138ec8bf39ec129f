package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/migrations"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

func TestAuditSQLite(t *testing.T) {
	t.Parallel()
	auditKept(t, filepath.Join(t.TempDir(), "tocsin.db"))
}

func TestAuditPostgres(t *testing.T) { auditKept(t, storetest.Postgres(t)) }

func openAt(t *testing.T, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), url, "w", store.Options{Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func written(t *testing.T, db *store.DB, id incident.ID, n int64) {
	t.Helper()
	s, err := db.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c := note(s, s.Seq+i+1, time.Unix(1774746000, 0))
		c.Asked.ID = incident.CommandID(string(id) + "/" + string(c.Asked.ID))
		c.Effects = nil
		if s, err = db.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func auditKept(t *testing.T, url string) {
	db, ctx := openAt(t, url), t.Context()
	written(t, db, "INC-0001", 3)
	written(t, db, "INC-0002", 1)
	head := store.AuditHead{Stream: "INC-0001", Seq: 3, Hash: "h3", At: 9, Key: "k1", Signature: "s"}
	if err := db.AddAuditHeads(ctx, "k1", []store.AuditHead{head}); !errors.Is(err, store.ErrAuditKey) {
		t.Fatalf("a head by a key that nobody knows: %v", err)
	}
	for _, id := range []string{"k1", "k2"} {
		err := db.AddAuditKey(ctx, func(before store.AuditKey, latest int64) (store.AuditKey, error) {
			if want := map[string]string{"k1": "", "k2": "k1"}[id]; before.ID != want || (latest != 0) != (id == "k2") {
				t.Errorf("before %s is %q, the latest head of %d", id, before.ID, latest)
			}
			return store.AuditKey{ID: id, Public: "p", At: 10, Prev: before.ID, ByPrev: "x", BySelf: "y"}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if id == "k1" {
			ghost := head
			ghost.Stream = "INC-0009" // whatever was signed stays known
			if err := db.AddAuditHeads(ctx, "k1", []store.AuditHead{head, head, ghost}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.AddAuditHeads(ctx, "k1", []store.AuditHead{head}); !errors.Is(err, store.ErrAuditKey) {
		t.Errorf("a head by a key that was replaced: %v", err)
	}
	if err := db.AddAuditKey(ctx, func(store.AuditKey, int64) (store.AuditKey, error) { return store.AuditKey{}, errors.New("no") }); err == nil {
		t.Error("a key that was refused was added")
	}
	written(t, db, "INC-0001", 2)
	err := db.Audit(ctx, func(s *store.AuditSnapshot) error {
		written(t, db, "INC-0003", 1) // after the moment that is looked at, on SQLite and PostgreSQL
		keys, err1 := s.Keys(ctx)
		streams, err2 := s.Streams(ctx)
		heads, err3 := s.Heads(ctx, "INC-0001")
		lines, err4 := s.Lines(ctx, "INC-0001", 1, 3)
		open, err5 := s.Unsigned(ctx, "", 10)
		one, err6 := s.Unsigned(ctx, "INC-0002", 10)
		if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
			return err
		}
		if len(keys) != 2 || keys[1].N != 2 || keys[1].Prev != "k1" {
			t.Errorf("keys %+v", keys)
		}
		if !strings.HasPrefix(strings.Join(streams, " "), "INC-0001 INC-0002") || streams[len(streams)-1] != "INC-0009" {
			t.Errorf("streams %v", streams)
		}
		if len(heads) != 1 || heads[0] != head {
			t.Errorf("heads %+v", heads)
		}
		if len(lines) != 3 || lines[0].Seq != 2 || lines[1].Prev != lines[0].Hash || lines[0].Actor != "alice" {
			t.Errorf("lines %+v", lines)
		}
		if len(open) < 2 || len(one) != 1 || one[0].Signed.Seq != 0 || one[0].Seq != 1 {
			t.Errorf("unsigned %+v, of one %+v", open, one)
		}
		ref := lines[0].Data[strings.Index(lines[0].Data, `"ref":"`)+7:][:64]
		texts, err := s.Texts(ctx, []string{ref, ref, "nothing"})
		if err != nil || len(texts) != 1 || len(texts[ref].Salt) != 32 || !strings.Contains(string(texts[ref].Text), "web-3") {
			t.Errorf("texts %+v, %v", texts, err)
		}
		for _, no := range []string{ref, "%", ""} {
			if _, ok, err := s.Erasure(ctx, no); ok || err != nil {
				t.Errorf("%q was erased? %v", no, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A database of the first schema, with a record in it, is brought up to date; the
// record is as it was, and heads can be signed.
func TestMigrateFromTheFirstSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tocsin.db")
	db := openAt(t, path)
	written(t, db, "INC-0001", 60)
	before, err := db.Verify(t.Context(), "INC-0001")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	down, err := goose.NewProvider(goose.DialectSQLite3, raw, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := down.DownTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.ExecContext(t.Context(), `SELECT 1 FROM audit_heads`); err == nil {
		t.Fatal("the schema is not the first one")
	}
	db = openAt(t, path)
	after, err := db.Verify(t.Context(), "INC-0001")
	if err != nil || after != before {
		t.Errorf("after %+v, before %+v, %v", after, before, err)
	}
	if err := db.AddAuditKey(t.Context(), func(store.AuditKey, int64) (store.AuditKey, error) { return store.AuditKey{ID: "k"}, nil }); err != nil {
		t.Error(err)
	}
}
