package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// maxRead bounds every list; a limit of 0 or above it means it.
const maxRead = 1000

// Filter says which incidents to list. Its zero value means all.
type Filter struct {
	Statuses []incident.Status // none: any
	Drill    *bool             // nil: drills and real ones
	Limit    int               // 0 takes 50; at most 1000
}

// List returns incidents, the newest first, texts filled. It does not ask who is
// reading: whoever shows them must (State.MaySee).
func (db *DB) List(ctx context.Context, f Filter) ([]incident.State, error) {
	all := []incident.Status{incident.Open, incident.Resolved, incident.Closed, incident.Merged}
	if len(f.Statuses) == 0 {
		f.Statuses = all
	}
	args := []any{db.workspace}
	for i := range all {
		args = append(args, string(f.Statuses[min(i, len(f.Statuses)-1)]))
	}
	drill := -1
	if f.Drill != nil {
		drill = 0
		if *f.Drill {
			drill = 1
		}
	}
	limit := 50
	if f.Limit > 0 {
		limit = min(f.Limit, maxRead)
	}
	rows, err := db.read.QueryContext(ctx, listStreams, append(args, drill, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	ids, err := scanAll[incident.ID](rows)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	out := make([]incident.State, 0, len(ids))
	for _, id := range ids {
		s, err := db.present(ctx, db.read, id, true)
		if err != nil {
			return nil, fmt.Errorf("list incidents: load %s: %w", id, err)
		}
		out = append(out, s)
	}
	if err := db.fill(ctx, db.read, &out); err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return out, nil
}

// ByClaim returns the stream that holds a unique key: "slack:<channel id>" or
// "pd:<PagerDuty incident id>".
func (db *DB) ByClaim(ctx context.Context, key string) (incident.ID, bool, error) {
	var id string
	err := db.read.QueryRowContext(ctx, readClaim, db.workspace, key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look up %s: %w", key, err)
	}
	return incident.ID(id), true, nil
}

// Timeline returns up to limit events after number after, in order, texts filled.
func (db *DB) Timeline(ctx context.Context, id incident.ID, after int64, limit int) ([]incident.Recorded, error) {
	got, err := db.recorded(ctx, readLines, db.workspace, string(id), after, int64(1)<<62, bounded(limit))
	if err != nil {
		return nil, fmt.Errorf("read the timeline of %s: %w", id, err)
	}
	return got, nil
}

// ByRoot returns what a command led to, in whatever stream, texts filled.
func (db *DB) ByRoot(ctx context.Context, root incident.CommandID) ([]incident.Recorded, error) {
	got, err := db.recorded(ctx, readByRoot, db.workspace, string(root), maxRead)
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", root, err)
	}
	return got, nil
}

// OpenEffects returns what the world still owes an incident, in the order it was
// owed, those being performed included. State and Event are not filled.
func (db *DB) OpenEffects(ctx context.Context, id incident.ID) ([]incident.Task, error) {
	return db.tasks(ctx, openEffects, db.workspace, string(id))
}

// OpenByRoot is the same for what follows from one command, clocks included.
func (db *DB) OpenByRoot(ctx context.Context, root incident.CommandID) ([]incident.Task, error) {
	return db.tasks(ctx, openByRoot, db.workspace, string(root))
}

func (db *DB) tasks(ctx context.Context, query string, args ...any) ([]incident.Task, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read open effects: %w", err)
	}
	got, err := scanTasks(rows, nil)
	if err == nil {
		err = db.fillTasks(ctx, got)
	}
	if err != nil {
		return nil, fmt.Errorf("read open effects: %w", err)
	}
	return got, nil
}

// DeadLetter is an effect that was given up.
type DeadLetter struct {
	Task  incident.Task
	Error string // the last one, redacted
	At    time.Time
}

// Dead returns up to limit effects that were given up, the latest first.
func (db *DB) Dead(ctx context.Context, limit int) ([]DeadLetter, error) {
	rows, err := db.read.QueryContext(ctx, deadEffects, db.workspace, bounded(limit))
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	var out []DeadLetter
	var settled []int64
	got, err := scanTasks(rows, func(*incident.Task) []any {
		out, settled = append(out, DeadLetter{}), append(settled, 0)
		return []any{&out[len(out)-1].Error, &settled[len(settled)-1]}
	})
	if err == nil {
		err = db.fillTasks(ctx, got)
	}
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	for i, t := range got {
		out[i].Task, out[i].At = t, unstamp(settled[i])
	}
	return out, nil
}

func bounded(limit int) int {
	if limit <= 0 {
		return maxRead
	}
	return min(limit, maxRead)
}

// Texts gives the Refs of every text of an entry of the record, those of its later
// corrections included.
func (db *DB) Texts(ctx context.Context, id incident.ID, seq int64) ([]string, error) {
	const page = 1000
	var refs []string
	for after := seq - 1; ; {
		some, err := db.Timeline(ctx, id, after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range some {
			edit, corrects := r.Event.(incident.EntryEdited)
			if r.Seq != seq && (!corrects || edit.Seq != seq) {
				continue
			}
			incident.EachSealed(&r.Event, func(s *incident.Sealed) {
				if s.Ref != "" && s.Text != "" {
					refs = append(refs, s.Ref)
				}
			})
		}
		if len(some) < page {
			return refs, nil
		}
		after = some[len(some)-1].Seq
	}
}
