package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// ErrNotAFile says that a database is not the embedded one.
var ErrNotAFile = errors.New("this is not an embedded database; use the tools of PostgreSQL, pg_dump and pg_restore")

// Copied says what a copy holds.
type Copied struct {
	Bytes     int64
	Schema    int64 // version of the tables
	Incidents int64
	Events    int64
	Owed      int64 // effects not done with
}

// Backup copies the embedded database at address into a new file, as it is at one
// moment, while others read and write it. The copy is readable by its owner only and
// is there whole or not at all; a file that is there already is an error
// (fs.ErrExist). The key file is not part of it: whoever finds only the copy can read
// no text. What is erased later is still in it.
func Backup(ctx context.Context, address, to string) (Copied, error) {
	from, ok := Path(address)
	if !ok {
		return Copied{}, ErrNotAFile
	}
	if _, err := os.Stat(from); err != nil {
		return Copied{}, err // SQLite would make one
	}
	var c Copied
	err := whole(to, func(part string) error {
		db, err := sql.Open("sqlite", lookAt(from))
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		// Into a file that is there and empty, so that it has our permissions.
		if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
			return fmt.Errorf("copy the database: %w", err)
		}
		c, err = count(ctx, part)
		return err
	})
	return c, err
}

// Restore makes the database at address from a copy. It refuses (fs.ErrExist) when
// there is a database, or what one leaves behind. Work that was still owed when the
// copy was made is marked as tried, so that it looks for what it did since before it
// does it again: a restored Tocsin pages nobody twice for the same thing.
func Restore(ctx context.Context, copied, address string) (Copied, error) {
	to, ok := Path(address)
	if !ok {
		return Copied{}, ErrNotAFile
	}
	for _, rest := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(to + rest); err == nil {
			return Copied{}, fmt.Errorf("%s%s: %w; a log would be played into another database", to, rest, fs.ErrExist)
		}
	}
	var c Copied
	err := whole(to, func(part string) error {
		if err := pour(copied, part); err != nil {
			return fmt.Errorf("read the copy: %w", err)
		}
		var err error
		if c, err = count(ctx, part); err != nil {
			return err
		}
		if c.Schema > newest() {
			return fmt.Errorf("the copy's tables are of version %d, this program knows %d; use the newer program", c.Schema, newest())
		}
		return second(ctx, part)
	})
	return c, err
}

// second marks what is owed as tried once more: a performer's second attempt looks
// for its own marker first.
func second(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", lookAt(path))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `UPDATE effects SET attempt = attempt + 1, owner = '' WHERE state IN ('open', 'queued')`)
	if err == nil {
		// No log may be left beside a name that is about to change.
		_, err = db.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("mark what is owed: %w", err)
	}
	return nil
}

// count looks through a copy: it is whole, and one of ours.
func count(ctx context.Context, path string) (c Copied, err error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=ro"}).String())
	if err != nil {
		return c, err
	}
	defer func() { _ = db.Close() }()
	var sound string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&sound); err != nil {
		return c, fmt.Errorf("look through the copy: %w", err)
	}
	if sound != "ok" {
		return c, errors.New("look through the copy: it is damaged")
	}
	for _, one := range []struct {
		query string
		to    *int64
	}{
		{readSchema, &c.Schema},
		{`SELECT COUNT(*) FROM incidents WHERE status <> ''`, &c.Incidents},
		{`SELECT COUNT(*) FROM events`, &c.Events},
		{`SELECT COUNT(*) FROM effects WHERE state IN ('open', 'queued')`, &c.Owed},
	} {
		if err := db.QueryRowContext(ctx, one.query).Scan(one.to); err != nil {
			return c, fmt.Errorf("look through the copy, is it one of Tocsin's: %w", err)
		}
	}
	info, err := os.Stat(path)
	if err == nil {
		c.Bytes = info.Size()
	}
	return c, err
}

// whole makes a file that is there complete and on disk, or not at all, and never
// writes over one. fill is given an empty file beside it.
func whole(name string, fill func(part string) error) (err error) {
	if _, err := os.Lstat(name); err == nil {
		return &fs.PathError{Op: "make", Path: name, Err: fs.ErrExist}
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".part-*") // 0600
	if err != nil {
		return err
	}
	part := f.Name()
	defer func() { _ = os.Remove(part) }()
	if err := errors.Join(f.Close(), fill(part), onDisk(part)); err != nil {
		return err
	}
	// A link, unlike a renaming, fails when somebody was faster.
	if err := os.Link(part, name); err != nil {
		return err
	}
	return onDisk(filepath.Dir(name))
}

// onDisk has a file or a folder on disk when it returns.
func onDisk(name string) error {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func pour(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // the same
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
