package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// AuditLine is a line of the record exactly as it is stored; its hash is made as the
// type line says. Times are unix milliseconds.
type AuditLine struct {
	Stream       string
	Seq          int64
	Kind         string
	V            int
	At, Occurred int64
	Actor        string
	Via          string
	Root         string
	Data         string
	Prev, Hash   string
}

// AuditText is a sealed text opened: Ref is the hex SHA-256 of Salt and Text.
type AuditText struct {
	Ref        string
	Salt, Text []byte
}

// AuditSnapshot reads the record as it was at one moment, so that a text erased
// meanwhile is there, or gone together with the line that says why.
type AuditSnapshot struct {
	db *DB
	tx *sql.Tx
}

// Audit calls f with the record as it is now.
func (db *DB) Audit(ctx context.Context, f func(*AuditSnapshot) error) error {
	tx, err := db.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return fmt.Errorf("look at the record: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	return f(&AuditSnapshot{db, tx})
}

// Streams are the ids of all streams that have a line or a signed head, in order.
func (s *AuditSnapshot) Streams(ctx context.Context) ([]string, error) {
	rows, err := s.tx.QueryContext(ctx, auditStreams, s.db.workspace)
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return scanAll[string](rows)
}

// Lines are up to n lines of a stream after number after, in order, undecoded.
func (s *AuditSnapshot) Lines(ctx context.Context, stream string, after int64, n int) ([]AuditLine, error) {
	query := readLines
	if strings.HasSuffix(stream, roomSuffix) {
		query = capturedLines
	}
	return s.lines(ctx, query, s.db.workspace, stream, after, int64(1)<<62, n)
}

// Erasure finds the line, in whatever stream, that says a text was erased; ok is
// false when there is none. ref is 64 hex digits.
func (s *AuditSnapshot) Erasure(ctx context.Context, ref string) (l AuditLine, ok bool, err error) {
	if b, err := hex.DecodeString(ref); err != nil || len(b) != sha256.Size {
		return l, false, nil //nolint:nilerr // what is no digest was never erased
	}
	got, err := s.lines(ctx, readErasures, s.db.workspace, `%"`+ref+`"%`)
	if err != nil || len(got) == 0 {
		return l, false, err
	}
	return got[0], true, nil
}

func (s *AuditSnapshot) lines(ctx context.Context, query string, args ...any) ([]AuditLine, error) {
	var out []AuditLine
	err := s.db.eachLine(ctx, s.tx, query, args, func(l line) error {
		out = append(out, AuditLine{l.stream, l.seq, l.kind, l.v, l.at, l.occurred, l.actor, l.via, l.root, l.data, l.prev, l.hash})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return out, nil
}

// Texts opens what is sealed under refs. What was erased, and what cannot be opened
// any more, is missing from the answer.
func (s *AuditSnapshot) Texts(ctx context.Context, refs []string) (map[string]AuditText, error) {
	out := make(map[string]AuditText, len(refs))
	refs = uniq(append([]string(nil), refs...))
	for len(refs) > 0 {
		part := refs[:min(len(refs), 400)]
		refs = refs[len(part):]
		if err := s.someTexts(ctx, part, out); err != nil {
			return nil, fmt.Errorf("read sealed texts: %w", err)
		}
	}
	return out, nil
}

func (s *AuditSnapshot) someTexts(ctx context.Context, refs []string, into map[string]AuditText) error {
	args := []any{s.db.workspace}
	var list []string
	for i, ref := range refs {
		args, list = append(args, ref), append(list, "$"+strconv.Itoa(i+2))
	}
	rows, err := s.tx.QueryContext(ctx, readSealed+"("+strings.Join(list, ",")+")", args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var ref string
		var body, wrapped []byte
		if err := rows.Scan(&ref, &body, &wrapped); err != nil {
			return err
		}
		if plain, err := s.db.open(ref, body, wrapped); err == nil {
			into[ref] = AuditText{ref, plain[:saltSize], plain[saltSize:]}
		}
	}
	return rows.Err()
}

// open gives salt and text as they are, whatever digest they have: whether they are
// what the record speaks of is for whoever verifies to say.
func (db *DB) open(ref string, body, wrapped []byte) ([]byte, error) {
	key, err := db.master.Open(nil, nil, wrapped, db.bound(ref))
	if err != nil {
		return nil, err
	}
	own, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := own.Open(nil, nil, body, db.bound(ref))
	if err == nil && len(plain) < saltSize {
		err = errors.New("too short for its salt")
	}
	return plain, err
}
