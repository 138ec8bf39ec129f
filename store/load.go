package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
)

// Load returns a stream as it is now, texts filled. One that does not exist yet gives
// a State with Exists false and no error. It reads the snapshot and the events after it,
// unless the State is in memory and still the present.
func (db *DB) Load(ctx context.Context, id incident.ID) (incident.State, error) {
	version, erased, err := db.versionOf(ctx, id)
	if err != nil {
		return incident.State{}, fmt.Errorf("load %s: %w", id, err)
	}
	if s, ok := db.recent.state(id, version, erased); ok {
		return s, nil
	}
	s, folded, err := db.load(ctx, db.read, id)
	if err == nil && folded >= foldedMuch {
		db.snapshotSoon(s)
	}
	s.Erased = erased // or more: then it is read again
	if err == nil && s.Version > 0 {
		db.recent.keep(s)
	}
	return s, err
}

func (db *DB) load(ctx context.Context, q querier, id incident.ID) (s incident.State, folded int64, err error) {
	s, folded, err = db.present(ctx, q, id, true)
	if err == nil {
		err = db.fill(ctx, q, &s)
	}
	if err != nil {
		return incident.State{}, 0, fmt.Errorf("load %s: %w", id, err)
	}
	return s, folded, nil
}

// foldedMuch is how many events a load folds before a snapshot is written for the next:
// those of another program's shape are passed over, as after an upgrade.
const foldedMuch = 4 * snapshotEvery

// snapshotSoon writes a snapshot while whoever loaded the State goes on. It may fail:
// then the next load does the same.
func (db *DB) snapshotSoon(s incident.State) {
	db.later.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = db.write.do(ctx, func(ctx context.Context, q querier) error { return db.putSnapshot(ctx, q, s) })
	})
}

// present folds a stream up to now, without its texts, and says how many events were
// folded. The row and its snapshot come
// from one statement and events never change, so no transaction is needed.
func (db *DB) present(ctx context.Context, q querier, id incident.ID, snapshot bool) (s incident.State, folded int64, err error) {
	fresh := incident.State{Stream: id, Workspace: db.workspace}
	var version, seq, snapSeq int64
	var shape, body string
	err = q.QueryRowContext(ctx, readStream, db.workspace, string(id)).Scan(&version, &seq, &snapSeq, &shape, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return fresh, 0, nil
	}
	if err != nil {
		return fresh, 0, err
	}
	s = fresh
	if snapshot && shape == stateShape {
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			return fresh, 0, fmt.Errorf("read the snapshot: %w", err)
		}
	}
	from := s.Seq
	err = db.eachLine(ctx, q, readLines, []any{db.workspace, string(id), s.Seq, seq, seq + 1}, func(l line) error {
		if l.seq != s.Seq+1 {
			return fmt.Errorf("line %d is missing", s.Seq+1)
		}
		r, err := l.recorded()
		if err == nil {
			s, err = apply(s, r)
		}
		return err
	})
	if err == nil && s.Seq != seq {
		err = fmt.Errorf("the record ends at line %d of %d", s.Seq, seq)
	}
	s.Version, s.Workspace = version, db.workspace
	return s, s.Seq - from, err
}

// eachLine calls f for every line of a query over lineColumns.
func (db *DB) eachLine(ctx context.Context, q querier, query string, args []any, f func(line) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l line
		if err := rows.Scan(&l.stream, &l.seq, &l.kind, &l.v, &l.at, &l.occurred, &l.actor, &l.via, &l.root, &l.data, &l.prev, &l.hash); err != nil {
			return err
		}
		if err := f(l); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Event reads one line of the record, texts filled. engine.ErrUnknown when there is
// no such line.
func (db *DB) Event(ctx context.Context, id incident.ID, seq int64) (incident.Recorded, error) {
	var erased int64
	if err := db.read.QueryRowContext(ctx, readErased, db.workspace).Scan(&erased); err != nil {
		return incident.Recorded{}, fmt.Errorf("read event %s/%d: %w", id, seq, err)
	}
	if l, ok := db.recent.line(id, seq, erased); ok {
		return l, nil
	}
	got, err := db.recorded(ctx, readLines, db.workspace, string(id), seq-1, seq, int64(1))
	if err == nil && len(got) == 0 {
		err = engine.ErrUnknown
	}
	if err != nil {
		return incident.Recorded{}, fmt.Errorf("read event %s/%d: %w", id, seq, err)
	}
	db.recent.keepLine(got[0], erased)
	return got[0], nil
}

func (db *DB) recorded(ctx context.Context, query string, args ...any) ([]incident.Recorded, error) {
	var out []incident.Recorded
	err := db.eachLine(ctx, db.read, query, args, func(l line) error {
		r, err := l.recorded()
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, db.fill(ctx, db.read, &out)
}

// snapshotIfDue writes a snapshot when the last one is old enough, or when none of
// this program's shape was there. before is the last event before this commit.
func (db *DB) snapshotIfDue(ctx context.Context, q querier, before int64, s incident.State) error {
	if before/snapshotEvery == s.Seq/snapshotEvery {
		return nil
	}
	return db.putSnapshot(ctx, q, s)
}

func (db *DB) putSnapshot(ctx context.Context, q querier, s incident.State) error {
	body, err := json.Marshal(s) // texts stay out of it: a Sealed is written by its Ref
	if err != nil {
		return fmt.Errorf("write snapshot of %s: %w", s.Stream, err)
	}
	if _, err := q.ExecContext(ctx, putSnapshot, db.workspace, string(s.Stream), s.Seq, stateShape, string(body)); err != nil {
		return fmt.Errorf("write snapshot of %s: %w", s.Stream, err)
	}
	return nil
}

// Snapshot writes a snapshot of a stream as it is now.
func (db *DB) Snapshot(ctx context.Context, id incident.ID) error {
	return db.refold(ctx, id, true, func(ctx context.Context, q querier, _ row, s incident.State) error {
		return db.putSnapshot(ctx, q, s)
	})
}

// Rebuild folds a stream from its first event and writes snapshot and projection
// anew: whatever an older program derived wrongly is gone after it.
func (db *DB) Rebuild(ctx context.Context, id incident.ID) error {
	defer db.recent.forget()
	return db.refold(ctx, id, false, func(ctx context.Context, q querier, own row, s incident.State) error {
		if err := db.putStream(ctx, q, own, own, s, unstamp(own.updated)); err != nil {
			return err
		}
		return db.putSnapshot(ctx, q, s)
	})
}

func (db *DB) refold(ctx context.Context, id incident.ID, snapshot bool, f func(context.Context, querier, row, incident.State) error) error {
	return db.write.do(ctx, func(ctx context.Context, q querier) error {
		own, err := db.lock(ctx, q, id)
		if err != nil {
			return err
		}
		s, _, err := db.present(ctx, q, id, snapshot)
		if err != nil {
			return fmt.Errorf("fold %s: %w", id, err)
		}
		if s.Seq == 0 {
			return nil
		}
		return f(ctx, q, own, s)
	})
}

// SnapshotIdle writes snapshots of up to n streams that nobody touched since a time
// and that have events after their last one. It returns how many it wrote.
func (db *DB) SnapshotIdle(ctx context.Context, since time.Time, n int) (int, error) {
	rows, err := db.read.QueryContext(ctx, idleStreams, db.workspace, stamp(since), n)
	if err != nil {
		return 0, fmt.Errorf("find idle streams: %w", err)
	}
	ids, err := scanAll[string](rows)
	if err != nil {
		return 0, fmt.Errorf("find idle streams: %w", err)
	}
	for i, id := range ids {
		if err := db.Snapshot(ctx, incident.ID(id)); err != nil {
			return i, err
		}
	}
	return len(ids), nil
}

func scanAll[T any](rows *sql.Rows) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		var t T
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// foldVersion is raised when Apply comes to read old events differently, so that
// snapshots of the former reading are passed over.
const foldVersion = 2

// stateShape names the shape of incident.State as this program knows it. A snapshot
// of any other shape would silently lack a field.
var stateShape = func() string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d ", foldVersion)
	describe(h, reflect.TypeFor[incident.State](), map[reflect.Type]bool{})
	return hex.EncodeToString(h.Sum(nil)[:8])
}()

func describe(w io.Writer, t reflect.Type, seen map[reflect.Type]bool) {
	_, _ = fmt.Fprintf(w, "%s ", t)
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				continue
			}
			_, _ = fmt.Fprintf(w, "%s %s ", f.Name, f.Tag)
			describe(w, f.Type, seen)
		}
	case reflect.Map:
		describe(w, t.Key(), seen)
		describe(w, t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		describe(w, t.Elem(), seen)
	}
}
