//go:build !solo

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/tocsin-ir/tocsin/engine"
)

func (db *DB) openPostgres(ctx context.Context, url string, o Options) error {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		// The address may hold a password; the parser's error repeats parts of it.
		return errors.New("read the PostgreSQL address: it is not well formed")
	}
	db.pool, db.read = pool, pool
	pool.SetMaxOpenConns(2 * orElse(o.Readers, 8))
	pool.SetMaxIdleConns(2 * orElse(o.Readers, 8))
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	// Two replicas that start together must not both make the tables.
	if err := migrate(ctx, goose.DialectPostgres, pool, goose.WithSessionLocker(locker)); err != nil {
		return err
	}
	db.dialect = dialect{forUpdate: " FOR UPDATE", skipLocked: " FOR UPDATE SKIP LOCKED",
		lockWrapped: "LOCK TABLE sealed_keys, tokens, cache, sensor_tokens, sensors, sensor_archives, requests, replicas IN EXCLUSIVE MODE"}
	db.write = pgWriter{pool}
	return nil
}

// pgWriter gives each piece of writing a transaction of its own.
type pgWriter struct{ pool *sql.DB }

// do tries again when PostgreSQL chose this transaction to give way; after some
// tries it is ErrStale, and the engine decides again.
func (w pgWriter) do(ctx context.Context, f func(context.Context, querier) error) error {
	err := w.once(ctx, f)
	for try := 1; try < 4 && errors.Is(err, errClash) && ctx.Err() == nil; try++ {
		err = w.once(ctx, f)
	}
	return err
}

// soon waits for a lock that somebody else has no longer than soonMost.
func (w pgWriter) soon(ctx context.Context, f func(context.Context, querier) error) error {
	err := w.do(ctx, func(ctx context.Context, q querier) error {
		if _, err := q.ExecContext(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", soonMost.Milliseconds())); err != nil {
			return err
		}
		return f(ctx, q)
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55P03" { // lock_not_available
		return fmt.Errorf("%w: %w", engine.ErrBusy, err)
	}
	return err
}

func (w pgWriter) once(ctx context.Context, f func(context.Context, querier) error) error {
	tx, err := w.pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := guard(func() error { return f(ctx, tx) }); err != nil {
		return staleIfClash(err)
	}
	if err := tx.Commit(); err != nil {
		return staleIfClash(fmt.Errorf("commit: %w", err))
	}
	return nil
}

// scrub does nothing: rows that were deleted stay in the file until PostgreSQL's own
// vacuum writes over them. What they held is a wrapped key, useless without the master.
func (pgWriter) scrub(context.Context) error { return nil }

// close leaves the pool to the reads.
func (pgWriter) close() error { return nil }

// staleIfClash makes PostgreSQL's "serialization failure" and "deadlock detected"
// what they are to the engine: somebody else was faster, decide again.
func staleIfClash(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01") {
		return errClash
	}
	return err
}
