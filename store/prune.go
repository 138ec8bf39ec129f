package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// keepSettled is how long what is over and done with stays: longer than any vendor
// delivers again (PagerDuty's webhooks, 48 hours) and than a week-end.
const keepSettled = 7 * 24 * time.Hour

// Rows looked at, and rows deleted, in one go: a commit never waits for more.
const (
	prunePage  = 1000
	pruneBatch = 256
)

// Pruned is how many rows Prune removed.
type Pruned struct {
	Answers int64 // to commands
	Effects int64 // that were done
	Numbers int64 // given to declarations
}

// Prune drops what nobody can ask for again: answers, effects that are done, and
// numbers given to declarations, each older than seven days before now. Effects that
// are open, queued or dead stay, however old, and so do the answers to what an effect
// still owed has asked on its way: performed again after a long outage, it would ask
// a second time. The record is never touched. It works in small transactions, so that
// commits go between them; an error leaves what was dropped so far dropped.
func (db *DB) Prune(ctx context.Context, now time.Time) (p Pruned, err error) {
	before := now.Add(-keepSettled)
	if p.Effects, err = db.pruneEffects(ctx, before); err != nil {
		return p, fmt.Errorf("prune effects: %w", err)
	}
	if p.Answers, err = db.pruneAnswers(ctx, before); err != nil {
		return p, fmt.Errorf("prune answers: %w", err)
	}
	if p.Numbers, err = db.pruneNumbers(ctx, before); err != nil {
		return p, fmt.Errorf("prune numbers: %w", err)
	}
	return p, nil
}

// pruneEffects walks the table by its key, a page at a time: an index over what is
// done would cost every effect a write, for a question asked once an hour.
func (db *DB) pruneEffects(ctx context.Context, before time.Time) (dropped int64, err error) {
	for after := ""; ; {
		rows, err := db.read.QueryContext(ctx, pageOfEffects, db.workspace, after, prunePage) //nolint:sqlclosecheck // eachRow closes it
		if err != nil {
			return dropped, err
		}
		var old []string
		seen := 0
		err = eachRow(rows, func() error {
			var state string
			var settled int64
			err := rows.Scan(&after, &state, &settled)
			if seen++; state == "done" && settled < stamp(before) {
				old = append(old, after)
			}
			return err
		})
		if err == nil {
			err = db.drop(ctx, dropEffects, stamp(before), old, &dropped)
		}
		if err != nil || seen < prunePage {
			return dropped, err
		}
	}
}

func (db *DB) pruneAnswers(ctx context.Context, before time.Time) (dropped int64, err error) {
	last := struct {
		at      int64
		command string
	}{at: -1 << 62}
	for {
		rows, err := db.read.QueryContext(ctx, oldAnswers, db.workspace, stamp(before), last.at, last.command, prunePage)
		if err != nil {
			return dropped, err
		}
		var page []string
		err = eachRow(rows, func() error {
			err := rows.Scan(&last.command, &last.at)
			page = append(page, last.command)
			return err
		})
		var old []string
		for _, command := range page {
			if err != nil {
				break
			}
			var owed bool
			if owed, err = db.askedByOwed(ctx, command); !owed {
				old = append(old, command)
			}
		}
		if err == nil {
			err = db.drop(ctx, dropAnswers, stamp(before), old, &dropped)
		}
		if err != nil || len(page) < prunePage {
			return dropped, err
		}
	}
}

// askedByOwed reports whether a command was asked by an effect that is still owed:
// such a command is named after it (engine.Runner).
func (db *DB) askedByOwed(ctx context.Context, command string) (bool, error) {
	effect, _, ok := strings.Cut(command, "#")
	if !ok {
		return false, nil
	}
	var one int
	err := db.read.QueryRowContext(ctx, isOwed, db.workspace, effect).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// pruneNumbers drops the numbers of incidents whose first line is old. A number that
// led to nothing has no time of its own; it is older than any number after it.
func (db *DB) pruneNumbers(ctx context.Context, before time.Time) (dropped int64, err error) {
	type number struct {
		command string
		n       int64
		first   int64 // when the first line was recorded; 0: never
	}
	for after := int64(0); ; {
		rows, err := db.read.QueryContext(ctx, pageOfNumbers, db.workspace, after, prunePage)
		if err != nil {
			return dropped, err
		}
		var page []number
		err = eachRow(rows, func() error {
			var r number
			err := rows.Scan(&r.command, &r.n)
			page = append(page, r)
			return err
		})
		newestOld := int64(0)
		for i := range page {
			if err != nil {
				break
			}
			r := &page[i]
			after = r.n
			err = db.read.QueryRowContext(ctx, firstLineAt, db.workspace, string(incident.NumberID(r.n))).Scan(&r.first)
			if r.first != 0 && r.first < stamp(before) {
				newestOld = r.n
			}
		}
		var old []string
		for _, r := range page {
			if r.n <= newestOld && r.first < stamp(before) {
				old = append(old, r.command)
			}
		}
		if err == nil {
			err = db.drop(ctx, dropNumbers, newestOld, old, &dropped)
		}
		if err != nil || len(page) < prunePage {
			return dropped, err
		}
	}
}

// drop deletes rows by their keys, some in each transaction. The statement compares
// with the bound again: what was read may have moved.
func (db *DB) drop(ctx context.Context, query string, bound int64, keys []string, dropped *int64) error {
	for len(keys) > 0 {
		some := keys[:min(pruneBatch, len(keys))]
		keys = keys[len(some):]
		// One size of list, so that there is one statement: the last is repeated.
		var list strings.Builder
		args := []any{db.workspace, bound}
		for i := range pruneBatch {
			if i > 0 {
				list.WriteByte(',')
			}
			list.WriteString("$" + strconv.Itoa(i+3))
			args = append(args, some[min(i, len(some)-1)])
		}
		var n int64
		err := db.write.do(ctx, func(ctx context.Context, q querier) (err error) {
			n, err = affected(q.ExecContext(ctx, query+"("+list.String()+")", args...))
			return err
		})
		if err != nil {
			return err
		}
		*dropped += n
	}
	return nil
}

func eachRow(rows *sql.Rows, f func() error) error {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := f(); err != nil {
			return err
		}
	}
	return rows.Err()
}

const (
	pageOfEffects = `SELECT id, state, settled FROM effects WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3`
	pageOfNumbers = `SELECT command, n FROM reservations WHERE workspace = $1 AND n > $2 ORDER BY n LIMIT $3`
	oldAnswers    = `
SELECT command, at FROM asked WHERE workspace = $1 AND at < $2 AND at >= $3 AND (at > $3 OR command > $4)
ORDER BY at, command LIMIT $5`
	isOwed      = `SELECT 1 FROM effects WHERE workspace = $1 AND id = $2 AND state IN ('open', 'queued')`
	firstLineAt = `SELECT COALESCE(MAX(at), 0) FROM events WHERE workspace = $1 AND stream = $2 AND seq = 1`

	// Each followed by a list in parentheses.
	dropEffects = `DELETE FROM effects WHERE workspace = $1 AND settled < $2 AND state = 'done' AND id IN `
	dropAnswers = `DELETE FROM asked WHERE workspace = $1 AND at < $2 AND command IN `
	dropNumbers = `DELETE FROM reservations WHERE workspace = $1 AND n <= $2 AND command IN `
)
