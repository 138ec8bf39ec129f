package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

// AuditKey is a public key that signs heads, and its signatures over the statement
// that it follows the one before. At is unix milliseconds; the others are hex.
type AuditKey struct {
	N              int64 // 1 for the first
	ID, Public     string
	At             int64
	Prev           string // id of the key before, "" for the first
	ByPrev, BySelf string
}

// AuditHead says, signed by Key, that line Seq of a stream had this hash.
type AuditHead struct {
	Stream    string
	Seq       int64
	Hash      string
	At        int64 // unix milliseconds
	Key       string
	Signature string // hex
}

// AuditUnsigned is a stream with lines after its last signed head: its end as it is
// now, and that head (Seq 0 when there is none).
type AuditUnsigned struct {
	Stream string
	Seq    int64
	Hash   string
	Signed AuditHead
}

// ErrAuditKey says that another key is the newest now.
var ErrAuditKey = errors.New("another key signs heads now")

// AuditKeys are all keys, the first first.
func (db *DB) AuditKeys(ctx context.Context) ([]AuditKey, error) {
	return auditKeys(ctx, db.read, db.workspace)
}

// Keys are all keys, the first first.
func (s *AuditSnapshot) Keys(ctx context.Context) ([]AuditKey, error) {
	return auditKeys(ctx, s.tx, s.db.workspace)
}

func auditKeys(ctx context.Context, q querier, workspace string) ([]AuditKey, error) {
	rows, err := q.QueryContext(ctx, readAuditKeys, workspace)
	if err != nil {
		return nil, fmt.Errorf("read audit keys: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []AuditKey
	for rows.Next() {
		var k AuditKey
		if err := rows.Scan(&k.N, &k.ID, &k.Public, &k.At, &k.Prev, &k.ByPrev, &k.BySelf); err != nil {
			return nil, fmt.Errorf("read audit keys: %w", err)
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// Heads are all signed heads of a stream, in order.
func (s *AuditSnapshot) Heads(ctx context.Context, stream string) ([]AuditHead, error) {
	rows, err := s.tx.QueryContext(ctx, readAuditHeads, s.db.workspace, stream)
	if err != nil {
		return nil, fmt.Errorf("read signed heads: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []AuditHead
	for rows.Next() {
		var h AuditHead
		if err := rows.Scan(&h.Stream, &h.Seq, &h.Hash, &h.At, &h.Key, &h.Signature); err != nil {
			return nil, fmt.Errorf("read signed heads: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// AddAuditKey adds the next key. sign gets the key before (zero for the first) and
// the time of the latest head, and returns the new one, signed. Nothing is added when
// sign errs.
func (db *DB) AddAuditKey(ctx context.Context, sign func(before AuditKey, latest int64) (AuditKey, error)) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		if err := db.lockAudit(ctx, q); err != nil {
			return err
		}
		keys, err := auditKeys(ctx, q, db.workspace)
		if err != nil {
			return err
		}
		var before AuditKey
		if n := len(keys); n > 0 {
			before = keys[n-1]
		}
		var latest int64
		if err := q.QueryRowContext(ctx, latestAuditTime, db.workspace).Scan(&latest); err != nil {
			return err
		}
		k, err := sign(before, latest)
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, insertAuditKey, db.workspace, before.N+1, k.ID, k.Public, k.At, k.Prev, k.ByPrev, k.BySelf)
		return err
	})
	if err != nil {
		return fmt.Errorf("add audit key: %w", err)
	}
	return nil
}

// AddAuditHeads keeps heads signed by the newest key. ErrAuditKey when key is not
// the newest any more: nothing is kept. One that is there already stays.
func (db *DB) AddAuditHeads(ctx context.Context, key string, heads []AuditHead) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		if err := db.lockAudit(ctx, q); err != nil {
			return err
		}
		var n int64
		var newest string
		if err := q.QueryRowContext(ctx, newestAuditKey, db.workspace).Scan(&n, &newest); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if newest != key {
			return ErrAuditKey
		}
		for _, h := range heads {
			if _, err := q.ExecContext(ctx, insertAuditHead, db.workspace, h.Stream, h.Seq, h.Hash, h.At, h.Key, h.Signature); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep signed heads: %w", err)
	}
	return nil
}

// lockAudit lets one change keys or heads at a time, so that no head is signed by a
// key after the next one began.
func (db *DB) lockAudit(ctx context.Context, q querier) error {
	var n int64
	return q.QueryRowContext(ctx, lockCounter, db.workspace, "audit").Scan(&n)
}

// Unsigned returns up to limit streams (the one named with what was captured of it, or
// any when stream is "") with lines after their last signed head, the longest untouched first.
func (s *AuditSnapshot) Unsigned(ctx context.Context, stream string, limit int) ([]AuditUnsigned, error) {
	rows, err := s.tx.QueryContext(ctx, unsignedStreams, s.db.workspace, stream, roomStream(incident.ID(stream)), limit)
	if err != nil {
		return nil, fmt.Errorf("find unsigned heads: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []AuditUnsigned
	for rows.Next() {
		var u AuditUnsigned
		h := &u.Signed
		if err := rows.Scan(&u.Stream, &u.Seq, &u.Hash, &h.Seq, &h.Hash, &h.At, &h.Key, &h.Signature); err != nil {
			return nil, fmt.Errorf("find unsigned heads: %w", err)
		}
		h.Stream = u.Stream
		out = append(out, u)
	}
	return out, rows.Err()
}
