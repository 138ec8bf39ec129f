package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
)

// row is what a commit needs to know of a stream.
type row struct {
	version, seq int64
	hash         string
	owed         int64
	updated      int64
}

// lock reads a stream's row, which is ours until the transaction ends. One that is
// not there yet is a zero row.
func (db *DB) lock(ctx context.Context, q querier, id incident.ID) (row, error) {
	var r row
	err := q.QueryRowContext(ctx, lockStream+db.dialect.forUpdate, db.workspace, string(id)).Scan(&r.version, &r.seq, &r.hash, &r.owed, &r.updated)
	if errors.Is(err, sql.ErrNoRows) {
		return row{hash: noHash}, nil
	}
	if err != nil {
		return r, fmt.Errorf("lock %s: %w", id, err)
	}
	return r, nil
}

// putStream moves the stream on, and its projection with it.
func (db *DB) putStream(ctx context.Context, q querier, own, next row, s incident.State, at time.Time) error {
	status := string(s.Status)
	if s.Stream.IsRegister() {
		status = ""
	}
	args := []any{
		db.workspace, string(s.Stream), next.version, next.seq, next.hash, next.owed,
		status, int64(s.Severity), s.Type, s.Private, s.Drill, s.Room.Channel, stamp(s.Declared), stamp(at),
	}
	query := insertStream
	if own.version > 0 {
		query, args = updateStream, append(args, own.version)
	}
	n, err := affected(q.ExecContext(ctx, query, args...))
	if err != nil {
		return fmt.Errorf("move %s on: %w", s.Stream, err)
	}
	if n == 0 {
		return engine.ErrStale
	}
	return nil
}

func (db *DB) putSealed(ctx context.Context, q querier, b boxed, id incident.ID, seq int64) error {
	if _, err := q.ExecContext(ctx, insertSealed, db.workspace, b.ref, string(id), seq, b.body); err != nil {
		return fmt.Errorf("seal a text of event %d: %w", seq, err)
	}
	if _, err := q.ExecContext(ctx, insertKey, db.workspace, b.ref, b.wrapped); err != nil {
		return fmt.Errorf("seal a text of event %d: %w", seq, err)
	}
	return nil
}

// erase destroys text, salt and key. The line keeps the digest.
func (db *DB) erase(ctx context.Context, q querier, ref string) error {
	for _, query := range [...]string{eraseKey, eraseSealed} {
		if _, err := q.ExecContext(ctx, query, db.workspace, ref); err != nil {
			return fmt.Errorf("erase text %.8s…: %w", ref, err)
		}
	}
	return nil
}

// remember keeps the answer to a command. A command that was answered before gives
// *engine.Repeat.
func (db *DB) remember(ctx context.Context, q querier, a incident.Asked, answer []byte) error {
	n, err := affected(q.ExecContext(ctx, insertAsked, db.workspace, string(a.ID), string(answer), stamp(a.At)))
	if err != nil {
		return fmt.Errorf("keep the answer: %w", err)
	}
	if n == 1 {
		return nil
	}
	before, ok, err := db.asked(ctx, q, a.ID)
	if err != nil {
		return err
	}
	if !ok {
		return engine.ErrStale // it was purged this instant
	}
	return &engine.Repeat{Answer: before}
}

// Asked returns the answer given to a command before, if there is one.
func (db *DB) Asked(ctx context.Context, id incident.CommandID) (incident.Answer, bool, error) {
	return db.asked(ctx, db.read, id)
}

func (db *DB) asked(ctx context.Context, q querier, id incident.CommandID) (incident.Answer, bool, error) {
	var kept string
	var a incident.Answer
	err := q.QueryRowContext(ctx, readAsked, db.workspace, string(id)).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(kept), &a)
	}
	if err != nil {
		return a, false, fmt.Errorf("read the answer to %s: %w", id, err)
	}
	return a, true, nil
}

// Reserve gives the next incident number to a command, and the same one to the same
// command again. A number that is reserved and not used leaves a gap.
func (db *DB) Reserve(ctx context.Context, id incident.CommandID) (incident.ID, error) {
	if id == "" {
		return "", errors.New("reserve a number: the command has no id")
	}
	var n int64
	err := db.write.soon(ctx, func(ctx context.Context, q querier) error {
		var last int64
		if err := q.QueryRowContext(ctx, lockCounter, db.workspace, "incident").Scan(&last); err != nil {
			return err
		}
		err := q.QueryRowContext(ctx, readReservation, db.workspace, string(id)).Scan(&n)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		n = last + 1
		if _, err := q.ExecContext(ctx, setCounter, db.workspace, "incident", n); err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, insertReservation, db.workspace, string(id), n)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reserve a number: %w", err)
	}
	return incident.NumberID(n), nil
}
