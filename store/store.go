// Package store is Tocsin's memory: the record of every incident, what the world
// still owes, and which commands were answered, in one SQL database. It implements
// engine.Store and the reads that bot and the command line ask for.
//
// Start with commit.go: everything that becomes true does so there, in one
// transaction. The SQL is in sql_*.go, one text for both engines (placeholders $n,
// ON CONFLICT, RETURNING; what PostgreSQL needs beyond that is in engine_*.go). It is
// written by hand as constants: a generator would read one dialect and make the same
// text twice.
//
// SQLite is the default: one writer connection, on which commits that wait share a
// transaction with a savepoint each (writer.go), and readers of their own. PostgreSQL
// serves several replicas; the row of the incident is the lock.
package store

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
)

// DB is the memory of one workspace. It is safe for concurrent use.
type DB struct {
	workspace string
	now       func() time.Time
	master    cipher.AEAD
	recent    *recent
	rekeyed   int64 // how often the master key had been changed when it was opened

	pool    *sql.DB // read by read
	read    querier
	write   writer
	dialect dialect

	later sync.WaitGroup // what is still being written when nobody waits for it

	scratch string // directory to remove at Close, of a database in memory
}

var _ engine.Store = (*DB)(nil)

// Options are what Open needs besides the address.
type Options struct {
	// Key wraps the keys of sealed texts: 32 bytes, kept outside the database. Losing
	// it loses every text; the record stays provable.
	Key []byte
	// Now is the present; nil takes the machine's. It stamps only what carries no
	// time of its own (when an effect was settled outside a commit).
	Now func() time.Time
	// Readers is how many connections read at once; 0 takes 4 (SQLite) or 8 (PostgreSQL).
	Readers int
}

// Open opens the database at url, brings its tables up to date and binds it to a
// workspace. url is a file path, "sqlite:<path>", ":memory:" (a file that Close
// removes) or "postgres://…". It refuses a database whose texts were sealed under
// another key.
func Open(ctx context.Context, url, workspace string, o Options) (*DB, error) {
	if workspace == "" {
		return nil, errors.New("open database: no workspace given")
	}
	master, err := newMaster(o.Key)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Now().UTC() }
	}
	db := &DB{workspace: workspace, now: o.Now, master: master, recent: newRecent()}
	switch {
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		err = db.openPostgres(ctx, url, o)
	case strings.Contains(url, "://"):
		err = fmt.Errorf("%q is neither a file nor postgres://…", scheme(url))
	case url == ":memory:":
		if db.scratch, err = os.MkdirTemp("", "tocsin-*"); err == nil {
			err = db.openSQLite(ctx, filepath.Join(db.scratch, "tocsin.db"), o)
		}
	default:
		err = db.openSQLite(ctx, strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "file:"), o)
	}
	if err == nil {
		err = db.checkKey(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), db.Close())
	}
	return db, nil
}

// errClash is a transaction that gave way to another; it is an ErrStale.
var errClash = fmt.Errorf("%w: another transaction went first", engine.ErrStale)

// scheme is what may be said of an address that could hold a password.
func scheme(url string) string { return url[:strings.Index(url, "://")+3] + "…" }

// Close waits for commits under way and closes the connections.
func (db *DB) Close() error {
	var errs []error
	db.later.Wait()
	if db.write != nil {
		errs = append(errs, db.write.close())
	}
	if db.pool != nil {
		errs = append(errs, db.pool.Close())
	}
	if db.scratch != "" {
		errs = append(errs, os.RemoveAll(db.scratch))
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.pool.PingContext(ctx); err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	return nil
}

// stamp is a time as it is stored: unix milliseconds, 0 for none.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// unstamp is a stored time.
func unstamp(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
