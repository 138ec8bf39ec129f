package store

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
)

// ErrRekeyed says that the master key was changed since this database was opened here.
var ErrRekeyed = errors.New("the master key was changed meanwhile: start again with the new one")

// wrapping is a column that the master key encrypts, with what each row is bound to.
type wrapping struct {
	what  string
	read  string // rows after $2 and $3, at most $4: two parts of the row's name, and the column
	write string // $4 for the row of $2 and $3
	bound func(a, b string) string
}

// wrappings are all of them but the proof by which the key is known again. One that is
// missing here cannot be read after the key was changed: the conformance suite looks for one.
var wrappings = []wrapping{
	{"text", `SELECT ref, '', wrapped FROM sealed_keys WHERE workspace = $1 AND ref > $2 AND $3 = '' ORDER BY ref LIMIT $4`,
		`UPDATE sealed_keys SET wrapped = $4 WHERE workspace = $1 AND ref = $2 AND $3 = ''`,
		func(ref, _ string) string { return ref }},
	wrappedByID("token", "tokens", "token "),
	{"cache", `SELECT space, key, value FROM cache WHERE workspace = $1 AND (space > $2 OR space = $2 AND key > $3) ORDER BY space, key LIMIT $4`,
		`UPDATE cache SET value = $4 WHERE workspace = $1 AND space = $2 AND key = $3`,
		func(space, key string) string { return "cache " + space + " " + key }},
	wrappedByID("enrolment token", "sensor_tokens", "sensor token "),
	wrappedByID("sensor", "sensors", "sensor "),
	wrappedByID("archive", "sensor_archives", "sensor archive "),
	wrappedByID("request", "requests", "request "),
	wrappedByID("replica", "replicas", "replica "),
}

// wrappedByID is the column kept of a table whose rows have an id.
func wrappedByID(what, table, bound string) wrapping {
	return wrapping{what, `SELECT id, '', kept FROM ` + table + ` WHERE workspace = $1 AND id > $2 AND $3 = '' ORDER BY id LIMIT $4`,
		`UPDATE ` + table + ` SET kept = $4 WHERE workspace = $1 AND id = $2 AND $3 = ''`,
		func(id, _ string) string { return bound + id }}
}

// Rekey puts everything that the master key wraps under another key, in one
// transaction: all of it or nothing. It returns how many texts, tokens, hosts and
// remembered answers there were. Whoever has the database open under the old key can write no text
// into it any more (ErrRekeyed). This DB is one of them: Close it. Copies that were
// made before stay readable to whoever has the old key.
func (db *DB) Rekey(ctx context.Context, key []byte) (n int, err error) {
	next, err := newMaster(key)
	if err != nil {
		return 0, fmt.Errorf("change the master key: %w", err)
	}
	err = db.write.do(ctx, func(ctx context.Context, q querier) error {
		n = 0
		if db.dialect.lockWrapped != "" {
			if _, err := q.ExecContext(ctx, db.dialect.lockWrapped); err != nil {
				return err
			}
		}
		if err := db.sameKey(ctx, q); err != nil {
			return err
		}
		for _, w := range wrappings {
			some, err := db.rewrap(ctx, q, w, next)
			if err != nil {
				return fmt.Errorf("%s: %w", w.what, err)
			}
			n += some
		}
		if _, err := q.ExecContext(ctx, setFact, db.workspace, "master", next.Seal(nil, nil, []byte(keyProof), db.bound("master"))); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, countRekeyed, db.workspace)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("change the master key: %w", err)
	}
	_ = db.write.scrub(ctx) // what was wrapped before; a busy reader puts it off
	return n, nil
}

func (db *DB) rewrap(ctx context.Context, q querier, w wrapping, next cipher.AEAD) (n int, err error) {
	const page = 500
	for last := (wrappedRow{}); ; {
		some, err := pageOfWrapped(ctx, q, w.read, db.workspace, last.a, last.b, page)
		if err != nil {
			return n, err
		}
		for _, r := range some {
			bound := db.bound(w.bound(r.a, r.b))
			plain, err := db.master.Open(nil, nil, r.wrapped, bound)
			if err != nil {
				return n, fmt.Errorf("%.8s…: %w", r.a, err)
			}
			if _, err := q.ExecContext(ctx, w.write, db.workspace, r.a, r.b, next.Seal(nil, nil, plain, bound)); err != nil {
				return n, err
			}
		}
		n += len(some)
		if len(some) < page {
			return n, nil
		}
		last = some[len(some)-1]
	}
}

type wrappedRow struct {
	a, b    string
	wrapped []byte
}

func pageOfWrapped(ctx context.Context, q querier, query string, args ...any) ([]wrappedRow, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []wrappedRow
	for rows.Next() {
		var r wrappedRow
		if err := rows.Scan(&r.a, &r.b, &r.wrapped); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// writeWrapped is write.do for what holds something that the master key wraps.
func (db *DB) writeWrapped(ctx context.Context, f func(context.Context, querier) error) error {
	return db.write.do(ctx, func(ctx context.Context, q querier) error {
		if err := f(ctx, q); err != nil {
			return err
		}
		return db.sameKey(ctx, q)
	})
}

// sameKey is asked in a transaction after something was wrapped in it: a key that was
// changed meanwhile would leave it unreadable for good. After, because whoever changes
// the key either waits for this transaction or lets its writing wait.
func (db *DB) sameKey(ctx context.Context, q querier) error {
	var n int64
	if err := q.QueryRowContext(ctx, readRekeyed, db.workspace).Scan(&n); err != nil {
		return fmt.Errorf("look whether the master key is still the same: %w", err)
	}
	if n != db.rekeyed {
		return ErrRekeyed
	}
	return nil
}
