package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/migrations"
)

// Condition is what Look found of a database.
type Condition struct {
	File     string // of a SQLite database; "" for PostgreSQL
	There    bool   // false: the file will be made at the first start
	Empty    bool   // no tables yet
	Schema   int64  // version of the tables
	Newest   int64  // version this program makes and understands
	Writable bool
}

// Current reports whether the tables are those of this program.
func (c Condition) Current() bool { return c.There && !c.Empty && c.Schema == c.Newest }

// Path is the file of a SQLite database; ok is false for any other address.
func Path(url string) (path string, ok bool) {
	if strings.Contains(url, "://") || url == ":memory:" {
		return "", false
	}
	return strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "file:"), true
}

// Look examines a database as it is. Unlike Open it makes no file, changes no table
// and needs no key. The condition tells as much as was found before an error.
func Look(ctx context.Context, address, workspace string) (Condition, error) {
	c := Condition{Newest: newest()}
	path, isFile := Path(address)
	driver, at := "pgx", address
	if isFile {
		c.File = path
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		if !info.Mode().IsRegular() {
			return c, fmt.Errorf("%s is not a file", path)
		}
		driver, at = "sqlite", lookAt(path)
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		return c, errors.New("the address is not well formed") // the parser's error may repeat a password
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return c, fmt.Errorf("reach the database: %w", err)
	}
	c.There = true
	return c, c.look(ctx, db, workspace)
}

// lookAt opens a file as it is: none is made, no pragma writes.
func lookAt(path string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=rw&_pragma=busy_timeout(4000)&_txlock=immediate"}).String()
}

const readSchema = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`

func (c *Condition) look(ctx context.Context, db *sql.DB, workspace string) error {
	if err := db.QueryRowContext(ctx, readSchema).Scan(&c.Schema); err != nil {
		if text := err.Error(); strings.Contains(text, "no such table") || strings.Contains(text, "does not exist") {
			c.Empty = true
			return nil
		}
		return fmt.Errorf("read the version of the tables: %w", err)
	}
	if c.Schema == 0 {
		c.Empty = true
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("try to write: %w", err)
	}
	// What is written is taken back at once; only whether it could be is of interest.
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `INSERT INTO counters (workspace, name, n) VALUES ($1, 'doctor', 0)`, workspace); err != nil {
		return fmt.Errorf("try to write: %w", err)
	}
	c.Writable = true
	return nil
}

// Ready reports whether the database can be read from and written to right now, by
// doing so: engine.ErrBusy while somebody else holds it. It leaves nothing behind.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.Ping(ctx); err != nil {
		return err
	}
	return db.write.soon(ctx, func(ctx context.Context, q querier) error {
		if _, err := q.ExecContext(ctx, insertProbe, db.workspace); err != nil {
			return fmt.Errorf("write to the database: %w", err)
		}
		_, err := q.ExecContext(ctx, deleteProbe, db.workspace)
		return err
	})
}

const (
	insertProbe = `INSERT INTO counters (workspace, name, n) VALUES ($1, 'ready', 0) ON CONFLICT DO NOTHING`
	deleteProbe = `DELETE FROM counters WHERE workspace = $1 AND name = 'ready'`
)

// newest is the number of the last migration.
func newest() int64 {
	names, _ := fs.Glob(migrations.FS, "*.sql") // the pattern is well formed
	var last int64
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			last = max(last, n)
		}
	}
	return last
}
