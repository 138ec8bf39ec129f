package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tocsin-ir/tocsin/migrations"
)

// dialect is what the engines do not share.
type dialect struct {
	forUpdate  string // appended to a SELECT: the row is ours until the transaction ends
	skipLocked string // the same, passing over rows of others

	lockWrapped string // keeps others from writing what the master key wraps; "": nobody else writes
}

// The pragmas of every connection. A commit is on disk when it is answered
// (synchronous FULL), and what was erased is overwritten (secure_delete).
var pragmas = []string{
	"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(FULL)",
	"foreign_keys(1)", "secure_delete(1)", "temp_store(MEMORY)",
}

func (db *DB) openSQLite(ctx context.Context, path string, o Options) error {
	if path == "" {
		return errors.New("no file given")
	}
	if err := touch(path); err != nil {
		return err
	}
	write, err := sql.Open("sqlite", dsn(path, "_txlock=immediate"))
	if err != nil {
		return err
	}
	write.SetMaxOpenConns(1)
	if err := migrateFile(ctx, write); err != nil {
		return errors.Join(err, write.Close())
	}
	if db.write, err = newFIFO(ctx, write); err != nil {
		return errors.Join(err, write.Close())
	}
	pool, err := sql.Open("sqlite", dsn(path, "_pragma=query_only(1)"))
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(orElse(o.Readers, 4))
	pool.SetMaxIdleConns(orElse(o.Readers, 4))
	db.pool, db.read = pool, &prepared[*sql.DB]{on: pool}
	return nil
}

// isBusy reports that another process is writing to the file.
func isBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY // the low byte; the rest says of what kind
}

// migrateFile tries again when another process made the tables between our look and
// our writing: SQLite has no lock that spans both.
func migrateFile(ctx context.Context, db *sql.DB) error {
	err := migrate(ctx, goose.DialectSQLite3, db)
	for try := 1; err != nil && try < 5 && ctx.Err() == nil; try++ {
		time.Sleep(time.Duration(try) * 20 * time.Millisecond)
		err = migrate(ctx, goose.DialectSQLite3, db)
	}
	return err
}

// touch makes the file before SQLite does, readable by its owner only; the log
// beside it inherits that.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(path, more string) string {
	q := []string{more}
	for _, p := range pragmas {
		q = append(q, "_pragma="+p)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: strings.Join(q, "&")}).String()
}

func migrate(ctx context.Context, d goose.Dialect, db *sql.DB, more ...goose.ProviderOption) error {
	sub, err := fs.Sub(migrations.FS, ".")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d, db, sub, more...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	return nil
}

func orElse(n, other int) int {
	if n > 0 {
		return n
	}
	return other
}
