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
	out, err := db.list(ctx, append(args, drill, limit))
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return out, nil
}

func (db *DB) list(ctx context.Context, args []any) ([]incident.State, error) {
	var erased int64
	if err := db.read.QueryRowContext(ctx, readErased, db.workspace).Scan(&erased); err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, listStreams, args...)
	if err != nil {
		return nil, err
	}
	listed, err := scanListed(rows)
	if err != nil {
		return nil, err
	}
	out := make([]incident.State, len(listed))
	var read []incident.State // those that are not in memory: their texts are read at once
	var at, long []int
	for i, l := range listed {
		var ok bool
		if out[i], ok = db.recent.state(l.id, l.version, erased); ok {
			continue
		}
		s, folded, err := db.present(ctx, db.read, l.id, true)
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", l.id, err)
		}
		if folded >= foldedMuch {
			long = append(long, len(read))
		}
		read, at = append(read, s), append(at, i)
	}
	if err := db.fill(ctx, db.read, &read); err != nil {
		return nil, err
	}
	for _, i := range long { // their texts are in: from now on nobody changes them
		db.snapshotSoon(read[i])
	}
	for i, s := range read {
		s.Erased = erased
		db.recent.keep(s)
		out[at[i]] = s
	}
	return out, nil
}

// listed is a stream and its version.
type listed struct {
	id      incident.ID
	version int64
}

func scanListed(rows *sql.Rows) ([]listed, error) {
	defer func() { _ = rows.Close() }()
	var out []listed
	for rows.Next() {
		var l listed
		if err := rows.Scan(&l.id, &l.version); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// Each calls f for every incident of the given statuses (none: any), in the order of
// their ids, texts filled. It reads a page at a time, so that there may be any number;
// one that changes its status meanwhile may be given or not. An error of f ends it.
func (db *DB) Each(ctx context.Context, statuses []incident.Status, f func(incident.State) error) error {
	args := []any{db.workspace, ""}
	all := []incident.Status{incident.Open, incident.Resolved, incident.Closed, incident.Merged}
	if len(statuses) == 0 {
		statuses = all
	}
	for i := range all {
		args = append(args, string(statuses[min(i, len(statuses)-1)]))
	}
	for {
		rows, err := db.read.QueryContext(ctx, pageOfStreams, append(args, eachPage)...)
		if err != nil {
			return fmt.Errorf("go through the incidents: %w", err)
		}
		ids, err := scanAll[incident.ID](rows)
		if err != nil {
			return fmt.Errorf("go through the incidents: %w", err)
		}
		for _, id := range ids {
			s, _, err := db.load(ctx, db.read, id)
			if err != nil {
				return fmt.Errorf("go through the incidents: %w", err)
			}
			if err := f(s); err != nil {
				return err
			}
			args[1] = string(id)
		}
		if len(ids) < eachPage {
			return nil
		}
	}
}

// eachPage is how many incidents Each looks up at once.
const eachPage = 200

// Count is how many incidents there are of a status and severity.
type Count struct {
	Status   incident.Status
	Severity incident.Severity
	N        int64
}

// Counts counts incidents by status and severity, without loading any.
func (db *DB) Counts(ctx context.Context) ([]Count, error) {
	rows, err := db.read.QueryContext(ctx, countStreams, db.workspace)
	if err != nil {
		return nil, fmt.Errorf("count incidents: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Count
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Status, &c.Severity, &c.N); err != nil {
			return nil, fmt.Errorf("count incidents: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
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

// Outline is Timeline without a text: every Sealed has its Ref alone, and Reveal fills
// those that are wanted. Of a long record most of the reading is decrypting.
func (db *DB) Outline(ctx context.Context, id incident.ID, after int64, limit int) ([]incident.Recorded, error) {
	var out []incident.Recorded
	err := db.eachLine(ctx, db.read, readLines, []any{db.workspace, string(id), after, int64(1) << 62, bounded(limit)}, func(l line) error {
		r, err := l.recorded()
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the timeline of %s: %w", id, err)
	}
	return out, nil
}

// Reveal fills the texts of those entries of an outline that are wanted.
func (db *DB) Reveal(ctx context.Context, outline []incident.Recorded, wanted func(incident.Recorded) bool) error {
	var some []incident.Recorded
	var at []int
	for i, r := range outline {
		if wanted(r) {
			some, at = append(some, r), append(at, i)
		}
	}
	if err := db.fill(ctx, db.read, &some); err != nil {
		return fmt.Errorf("read the texts of a timeline: %w", err)
	}
	for i, r := range some {
		outline[at[i]] = r
	}
	return nil
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
// corrections included; of a message that was kept, those of what was captured of it.
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
			if kept, ok := r.Event.(incident.EvidenceKept); ok {
				copies, err := db.PreservedKeys(ctx, id, kept.N, kept.Index)
				if err != nil {
					return nil, err
				}
				refs = append(refs, copies...)
			}
			if kept, ok := r.Event.(incident.Kept); ok {
				captured, err := db.textsOfMessage(ctx, kept.Ref)
				if err != nil {
					return nil, err
				}
				refs = append(refs, captured...)
			}
		}
		if len(some) < page {
			return refs, nil
		}
		after = some[len(some)-1].Seq
	}
}
