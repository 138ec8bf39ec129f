package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// Capture writes down what was said and done in rooms, all of it or none, and returns
// how many lines were new. Whether a line is new is decided in the transaction that
// writes it, with the head of its chain locked: its Name is not there yet, and it is
// no second telling of a line that is (see toldAlready). An edit that does not tell
// the text before gets it from the record. Seq, At and Hash are given here.
func (db *DB) Capture(ctx context.Context, lines []incident.Captured) (int, error) {
	// In the order of streams, so that two replicas do not wait for each other.
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b incident.Captured) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	var added int
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		added = 0
		for rest := lines; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].Stream == rest[0].Stream {
				n++
			}
			some, err := db.appending(ctx, q, rest[0].Stream, func(a *appending) error {
				for _, c := range rest[:n] {
					if err := a.capture(c); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			added, rest = added+some, rest[n:]
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("capture: %w", err)
	}
	return added, nil
}

// appending is the end of one chain, locked until the transaction ends.
type appending struct {
	db     *DB
	ctx    context.Context
	q      querier
	stream incident.ID
	seq    int64
	head   string
	added  int
}

// appending locks the end of a stream's chain, lets f append to it and moves its head.
func (db *DB) appending(ctx context.Context, q querier, stream incident.ID, f func(*appending) error) (added int, err error) {
	a := &appending{db: db, ctx: ctx, q: q, stream: stream}
	if err := q.QueryRowContext(ctx, lockCapturedHead, db.workspace, roomStream(stream), noHash).Scan(&a.seq, &a.head); err != nil {
		return 0, fmt.Errorf("lock the head of %s: %w", stream, err)
	}
	if err := f(a); err != nil || a.added == 0 {
		return 0, err
	}
	if _, err := q.ExecContext(ctx, setCapturedHead, db.workspace, roomStream(stream), a.seq, a.head, stamp(db.now())); err != nil {
		return 0, fmt.Errorf("move the head of %s: %w", stream, err)
	}
	return a.added, nil
}

// capture appends a line, unless it is there.
func (a *appending) capture(c incident.Captured) error {
	if c.Name == "" {
		return fmt.Errorf("a %s without a name", c.Kind)
	}
	if c.Told != "" {
		seq, told, err := a.toldAlready(c)
		if err != nil {
			return err
		}
		if told {
			_, err := a.named(c, seq)
			return err
		}
	}
	fresh, err := a.named(c, a.seq+1)
	if err != nil || !fresh {
		return err
	}
	return a.append(c)
}

// named takes the name of a line; false when it is taken.
func (a *appending) named(c incident.Captured, seq int64) (bool, error) {
	n, err := affected(a.q.ExecContext(a.ctx, insertCapturedName, a.db.workspace, c.Channel, c.Name, roomStream(a.stream), seq))
	if err != nil {
		return false, fmt.Errorf("name line %d of %s: %w", seq, a.stream, err)
	}
	return n == 1, nil
}

// append writes the next line, whose name is taken.
func (a *appending) append(c incident.Captured) error {
	c.Stream, c.Seq, c.At = a.stream, a.seq+1, a.db.now()
	if c.Occurred.IsZero() {
		c.Occurred = c.At
	}
	if err := a.settleTexts(&c); err != nil {
		return err
	}
	texts := map[string]boxed{}
	if err := a.db.seal(&c, texts); err != nil {
		return err
	}
	l, err := capturedLineOf(c, a.head, a.db.workspace)
	if err != nil {
		return err
	}
	if _, err := a.q.ExecContext(a.ctx, insertCaptured, a.db.workspace, l.stream, l.seq, l.kind, l.v, l.at, l.occurred, l.actor, l.via, l.root,
		l.data, l.prev, l.hash, l.channel, l.ts, l.what, l.scope, l.subject, l.moment, l.seen); err != nil {
		return fmt.Errorf("write line %d of %s: %w", c.Seq, c.Stream, err)
	}
	for _, b := range texts {
		if err := a.db.putSealed(a.ctx, a.q, b, incident.ID(l.stream), c.Seq); err != nil {
			return err
		}
	}
	if len(texts) > 0 {
		if err := a.db.sameKey(a.ctx, a.q); err != nil {
			return err
		}
	}
	a.seq, a.head, a.added = c.Seq, l.hash, a.added+1
	return nil
}

// settleTexts puts the text before into an edit that does not tell it, and keeps out
// what was redacted: Slack tells the old text once more when a message is changed.
func (a *appending) settleTexts(c *incident.Captured) error {
	switch {
	case c.Kind == incident.SaidEdited && c.Was.IsZero():
		was, ok, err := a.textNow(c.Channel, c.TS, c.Occurred.UnixMicro())
		if err != nil {
			return err
		}
		if ok && was != c.Text.Text {
			c.Was = incident.Seal(was)
		}
	case c.Was.IsZero() && !c.BackFilled && c.Kind != incident.FileKept:
		return nil
	}
	redacted, err := a.redacted(c.Channel, c.TS)
	if err != nil || !redacted {
		return err
	}
	c.Was = incident.Sealed{}
	if c.BackFilled || c.Kind == incident.FileKept {
		c.Text, c.File = incident.Sealed{}, incident.Sealed{}
	}
	return nil
}

// textNow is what the record last had of a message's text up to a moment; ok is false
// when it has none, or it was redacted.
func (a *appending) textNow(channel, ts string, until int64) (text string, ok bool, err error) {
	_, ref, err := a.lastVersion(channel, ts, until)
	if err != nil || ref == "" {
		return "", false, err
	}
	texts, err := a.db.texts(a.ctx, a.q, []string{ref})
	if err != nil {
		return "", false, err
	}
	text, ok = texts[ref]
	return text, ok, nil
}

// lastVersion is the line with a message's text at a moment, and the text's Ref.
func (a *appending) lastVersion(channel, ts string, until int64) (seq int64, ref string, err error) {
	rows, err := a.q.QueryContext(a.ctx, capturedVersions, a.db.workspace, channel, ts)
	if err != nil {
		return 0, "", fmt.Errorf("look for the text before: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int64
		var data string
		if err := rows.Scan(&n, &data); err != nil {
			return 0, "", err
		}
		d, err := decodeCaptured(data)
		if err != nil {
			return 0, "", err
		}
		if d.Moment <= until {
			seq, ref = n, d.Text.Ref
		}
	}
	return seq, ref, rows.Err()
}

// redacted says whether a text of a message was there and is gone.
func (a *appending) redacted(channel, ts string) (bool, error) {
	refs, err := a.db.refsOf(a.ctx, a.q, channel, ts)
	if err != nil || len(refs) == 0 {
		return false, err
	}
	texts, err := a.db.texts(a.ctx, a.q, refs)
	return len(texts) < len(refs), err
}

// refsOf are the Refs of all that was captured of a message, each once: its versions,
// what they were before, its files.
func (db *DB) refsOf(ctx context.Context, q querier, channel, ts string) ([]string, error) {
	rows, err := q.QueryContext(ctx, capturedOfMessage, db.workspace, channel, ts)
	if err != nil {
		return nil, fmt.Errorf("look for what was captured of a message: %w", err)
	}
	all, err := scanAll[string](rows)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, data := range all {
		d, err := decodeCaptured(data)
		if err != nil {
			return nil, err
		}
		refs = append(refs, d.refs()...)
	}
	return uniq(refs), nil
}

// textsOfMessage are the Refs of the texts that are still there of a message.
func (db *DB) textsOfMessage(ctx context.Context, m incident.MessageRef) ([]string, error) {
	refs, err := db.refsOf(ctx, db.read, m.Channel, m.TS)
	if err != nil {
		return nil, err
	}
	texts, err := db.texts(ctx, db.read, slices.Clone(refs))
	return slices.DeleteFunc(refs, func(ref string) bool { _, there := texts[ref]; return !there }), err
}

// CapturedHead returns the number and the hash of the last captured line of a stream;
// 0 and 64 zeroes when nothing was captured. filled is the Slack time up to which
// history was compared with the record, "" for never.
func (db *DB) CapturedHead(ctx context.Context, id incident.ID) (seq int64, hash, filled string, err error) {
	err = db.read.QueryRowContext(ctx, readCapturedHead, db.workspace, roomStream(id)).Scan(&seq, &hash, &filled)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, noHash, "", nil
	}
	if err != nil {
		return 0, "", "", fmt.Errorf("read the head of what was captured of %s: %w", id, err)
	}
	return seq, hash, filled, nil
}

// IsCaptured tells whether something in a channel is in the record by this name.
func (db *DB) IsCaptured(ctx context.Context, channel, name string) (bool, error) {
	var seq int64
	err := db.read.QueryRowContext(ctx, capturedName, db.workspace, channel, name).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether something is captured: %w", err)
	}
	return true, nil
}

// Filled notes that history was compared with the record up to ts. It never goes back.
func (db *DB) Filled(ctx context.Context, id incident.ID, ts string) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		_, err := db.appending(ctx, q, id, func(*appending) error {
			_, err := q.ExecContext(ctx, setCapturedFill, db.workspace, roomStream(id), ts)
			return err
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("note how far %s is filled: %w", id, err)
	}
	return nil
}

// Captured returns up to limit lines after number after, as they were written down,
// texts filled.
func (db *DB) Captured(ctx context.Context, id incident.ID, after int64, limit int) ([]incident.Captured, error) {
	return db.captured(ctx, id, readCaptured, db.workspace, roomStream(id), after, bounded(limit))
}

// CapturedInTime returns up to limit lines in the order of Slack's time, those after
// the line given (its Occurred and Seq; the zero line for the beginning).
func (db *DB) CapturedInTime(ctx context.Context, id incident.ID, after incident.Captured, limit int) ([]incident.Captured, error) {
	var moment int64
	if !after.Occurred.IsZero() {
		moment = after.Occurred.UnixMicro()
	}
	return db.captured(ctx, id, readCapturedInTime, db.workspace, roomStream(id), moment, after.Seq, bounded(limit))
}

func (db *DB) captured(ctx context.Context, id incident.ID, query string, args ...any) ([]incident.Captured, error) {
	var out []incident.Captured
	err := db.eachCaptured(ctx, query, args, func(l capturedLine) error {
		c, err := l.captured()
		out = append(out, c)
		return err
	})
	if err == nil {
		err = db.fill(ctx, db.read, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("read what was captured of %s: %w", id, err)
	}
	return out, nil
}
