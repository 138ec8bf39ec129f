package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
)

// owe puts an effect into its lane: open when the lane has no head, else queued. The
// stream's row is locked, so that nobody else looks at the lane meanwhile.
func (db *DB) owe(ctx context.Context, q querier, id incident.ID, ord int64, o owed) error {
	if o.Merge != "" {
		merged, err := db.merge(ctx, q, o)
		if merged || err != nil {
			return err
		}
	}
	_, err := q.ExecContext(ctx, insertEffect, db.workspace, string(o.ID), string(id), o.Lane, ord, o.Seq, int64(o.Rank),
		o.kind, o.body, stamp(o.Due), stamp(o.Due), stamp(o.NotAfter), o.Merge, db.workspace, o.Lane)
	if err != nil {
		return fmt.Errorf("owe %s %s: %w", o.kind, o.ID, err)
	}
	return nil
}

// merge lets a waiting effect stand for o as well. One that somebody has claimed may
// have read the State already; it does not count.
func (db *DB) merge(ctx context.Context, q querier, o owed) (bool, error) {
	var id string
	err := q.QueryRowContext(ctx, findMergeHead+db.dialect.forUpdate, db.workspace, o.Lane, o.Merge).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = q.QueryRowContext(ctx, findMergeQueue+db.dialect.forUpdate, db.workspace, o.Lane, o.Merge).Scan(&id)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		_, err = q.ExecContext(ctx, widenMerge, db.workspace, id, stamp(o.Due), stamp(o.NotAfter))
	}
	if err != nil {
		return false, fmt.Errorf("merge %s %s: %w", o.kind, o.ID, err)
	}
	return true, nil
}

// Claim leases up to n effects that are due at now and of rank at most worst, the
// highest rank and the longest due first. The owner of a task is the given one with a
// mark of this claim, so that a worker cannot settle today what it lost yesterday.
func (db *DB) Claim(ctx context.Context, owner string, now time.Time, worst incident.Rank, n int, lease time.Duration) ([]incident.Task, error) {
	if n <= 0 {
		return nil, nil
	}
	due, err := db.ranksDue(ctx, now, worst)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	mark := make([]byte, 6)
	_, _ = rand.Read(mark)
	owner += "#" + hex.EncodeToString(mark)
	var tasks []incident.Task
	err = db.write.do(ctx, func(ctx context.Context, q querier) error {
		tasks = nil
		for _, rank := range due {
			if len(tasks) >= n {
				break
			}
			rows, err := q.QueryContext(ctx, claimEffects+db.dialect.skipLocked+claimReturning,
				db.workspace, owner, stamp(now.Add(lease)), stamp(now), int64(rank), n-len(tasks))
			if err != nil {
				return err
			}
			got, err := scanTasks(rows, nil)
			if err != nil {
				return err
			}
			slices.SortStableFunc(got, func(a, b incident.Task) int { return a.Due.Compare(b.Due) })
			tasks = append(tasks, got...)
		}
		return nil
	})
	if err == nil {
		err = db.fillTasks(ctx, tasks)
	}
	if err != nil {
		return nil, fmt.Errorf("claim effects: %w", err)
	}
	return tasks, nil
}

// ranksDue looks, without writing, where there is anything to claim.
func (db *DB) ranksDue(ctx context.Context, now time.Time, worst incident.Rank) ([]incident.Rank, error) {
	var first [incident.RankRefresh + 1]int64
	if err := db.read.QueryRowContext(ctx, firstDue, db.workspace).Scan(&first[0], &first[1], &first[2], &first[3]); err != nil {
		return nil, fmt.Errorf("look for due effects: %w", err)
	}
	var due []incident.Rank
	for rank, at := range first {
		if at > 0 && at <= stamp(now) && incident.Rank(rank) <= worst {
			due = append(due, incident.Rank(rank))
		}
	}
	return due, nil
}

// Settle ends or postpones a claimed task outside a Commit. engine.ErrLost when the
// lease was lost.
func (db *DB) Settle(ctx context.Context, t incident.Task, o incident.Outcome) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		if o.Done {
			if _, err := db.lock(ctx, q, t.Incident); err != nil {
				return err
			}
		}
		return db.settle(ctx, q, t, o, db.now())
	})
	if err != nil {
		return fmt.Errorf("settle %s: %w", t.ID, err)
	}
	return nil
}

// settle is fenced by the owner and attempt of the claim; when the effect is done
// with, the next of its lane becomes the head. The stream's row is locked then.
func (db *DB) settle(ctx context.Context, q querier, t incident.Task, o incident.Outcome, at time.Time) error {
	state, due, settled, free := "open", stamp(o.Retry), int64(0), 0
	switch {
	case o.Done && o.Dead:
		state, settled = "dead", stamp(at)
	case o.Done:
		state, settled = "done", stamp(at)
	case o.Free:
		free = 1
	}
	if o.Done {
		due = stamp(t.Due)
	}
	n, err := affected(q.ExecContext(ctx, settleEffect, db.workspace, string(t.ID), t.Owner, state, due, o.Error, settled, free, t.Attempt))
	if err != nil {
		return err
	}
	if n == 0 {
		return engine.ErrLost
	}
	if !o.Done {
		return nil
	}
	_, err = q.ExecContext(ctx, promoteNext, db.workspace, t.Lane)
	return err
}

// NextDue is when the earliest open effect falls due, or the earliest lease ends;
// zero when nothing is owed.
func (db *DB) NextDue(ctx context.Context) (time.Time, error) {
	var ms int64
	if err := db.read.QueryRowContext(ctx, nextDue, db.workspace).Scan(&ms); err != nil {
		return time.Time{}, fmt.Errorf("look for the next effect: %w", err)
	}
	return unstamp(ms), nil
}

// scanTasks reads rows of taskColumns; more gives places for columns after them.
func scanTasks(rows *sql.Rows, more func(*incident.Task) []any) ([]incident.Task, error) {
	defer func() { _ = rows.Close() }()
	var out []incident.Task
	for rows.Next() {
		var t incident.Task
		var kind, body string
		var due, notAfter int64
		to := []any{&t.ID, &t.Incident, &t.Lane, &t.Seq, &t.Rank, &kind, &body, &due, &notAfter, &t.Merge, &t.Attempt, &t.Owner}
		if more != nil {
			to = append(to, more(&t)...)
		}
		err := rows.Scan(to...)
		if err != nil {
			return nil, err
		}
		t.Due, t.NotAfter = unstamp(due), unstamp(notAfter)
		if t.Effect, err = incident.DecodeEffect(kind, []byte(body)); err != nil {
			return nil, fmt.Errorf("effect %s: %w", t.ID, err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func (db *DB) fillTasks(ctx context.Context, tasks []incident.Task) error {
	for i := range tasks {
		if err := db.fill(ctx, db.read, &tasks[i].Effect); err != nil {
			return err
		}
	}
	return nil
}
