package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// sameMoment is how far apart Slack's two ways of telling that somebody came or went
// may be: a message in the room (a line without a key), and an event (with one).
const sameMoment = 5 * time.Second

// Capture writes down what was said and done in rooms, all of it or none, and returns
// how many lines were new. What is there already is passed over: a line is the same
// when channel, ts, kind and key are; a reaction or pin that history shows when the
// record says so last; a coming or going when it was told in the other way. An edit
// that does not tell the text before gets it from the record. Seq, At and Hash are
// given here.
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
			some, err := db.captureIn(ctx, q, rest[:n])
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

// captureIn appends to the chain of one stream.
func (db *DB) captureIn(ctx context.Context, q querier, lines []incident.Captured) (added int, err error) {
	stream := lines[0].Stream
	var seq int64
	var head string
	if err := q.QueryRowContext(ctx, lockCapturedHead, db.workspace, string(stream), noHash).Scan(&seq, &head); err != nil {
		return 0, fmt.Errorf("lock the head of %s: %w", stream, err)
	}
	for _, c := range lines {
		known, err := db.isCaptured(ctx, q, c)
		if err != nil {
			return 0, err
		}
		if known {
			continue
		}
		if head, err = db.appendCaptured(ctx, q, c, seq+1, head); err != nil {
			return 0, err
		}
		seq++
		added++
	}
	if added == 0 {
		return 0, nil
	}
	if _, err := q.ExecContext(ctx, setCapturedHead, db.workspace, string(stream), seq, head); err != nil {
		return 0, fmt.Errorf("move the head of %s: %w", stream, err)
	}
	return added, nil
}

func (db *DB) appendCaptured(ctx context.Context, q querier, c incident.Captured, seq int64, prev string) (hash string, err error) {
	c.Seq, c.At = seq, db.now()
	if c.Occurred.IsZero() {
		c.Occurred = c.At
	}
	if c.Kind == incident.SaidEdited && c.Was.IsZero() {
		if err := db.textBefore(ctx, q, &c); err != nil {
			return "", err
		}
	}
	texts := map[string]boxed{}
	if err := db.seal(&c, texts); err != nil {
		return "", err
	}
	l, err := capturedLineOf(c, prev, db.workspace)
	if err != nil {
		return "", err
	}
	n, err := affected(q.ExecContext(ctx, insertCaptured, db.workspace, l.stream, l.seq, l.channel, l.ts, l.thread, l.kind,
		l.author, l.app, l.own, l.subject, l.uniq, l.occurred, l.at, l.backfilled, l.data, l.prev, l.hash))
	if err != nil {
		return "", fmt.Errorf("write line %d of %s: %w", seq, c.Stream, err)
	}
	if n == 0 {
		// Another stream wrote the same this instant; the caller tries again and sees it.
		return "", errClash
	}
	for _, b := range texts {
		if err := db.putSealed(ctx, q, b, "captured:"+c.Stream, seq); err != nil {
			return "", err
		}
	}
	return l.hash, nil
}

// textBefore puts what the record last had of a message into an edit of it.
func (db *DB) textBefore(ctx context.Context, q querier, c *incident.Captured) error {
	var data string
	err := q.QueryRowContext(ctx, lastText, db.workspace, c.Channel, c.TS, stamp(c.Occurred)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the text before: %w", err)
	}
	t, err := decodeTexts(data)
	if err != nil || t.Text.Ref == "" {
		return err
	}
	texts, err := db.texts(ctx, q, []string{t.Text.Ref})
	if err != nil {
		return err
	}
	if was := texts[t.Text.Ref]; was != c.Text.Text {
		c.Was = incident.Seal(was)
	}
	return nil
}

func (db *DB) isCaptured(ctx context.Context, q querier, c incident.Captured) (bool, error) {
	known, err := found(q.QueryRowContext(ctx, isCaptured, db.workspace, c.Channel, c.TS, string(c.Kind), c.Key))
	if known || err != nil {
		return known, err
	}
	switch c.Kind {
	case incident.MemberJoined, incident.MemberLeft:
		way := 0
		if c.Key != "" {
			way = 1
		}
		return found(q.QueryRowContext(ctx, toldOtherwise, db.workspace, c.Channel, c.Subject, string(c.Kind),
			stamp(c.Occurred.Add(-sameMoment)), stamp(c.Occurred.Add(sameMoment)), way))
	case incident.ReactionAdded, incident.PinAdded:
		if !c.BackFilled {
			return false, nil
		}
		var kind string
		err := q.QueryRowContext(ctx, lastOfSubject, db.workspace, c.Channel, c.Subject).Scan(&kind)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for %s: %w", c.Subject, err)
		}
		return kind == string(c.Kind), nil
	}
	return false, nil
}

func found(row *sql.Row) (bool, error) {
	var seq int64
	err := row.Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether it is captured: %w", err)
	}
	return true, nil
}

// CapturedHead returns the number and the hash of the last captured line of a stream;
// 0 and 64 zeroes when nothing was captured. filled is the Slack time up to which
// history was compared with the record, "" for never.
func (db *DB) CapturedHead(ctx context.Context, id incident.ID) (seq int64, hash, filled string, err error) {
	err = db.read.QueryRowContext(ctx, readCapturedHead, db.workspace, string(id)).Scan(&seq, &hash, &filled)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, noHash, "", nil
	}
	if err != nil {
		return 0, "", "", fmt.Errorf("read the head of what was captured of %s: %w", id, err)
	}
	return seq, hash, filled, nil
}

// Filled notes that history was compared with the record up to ts. It never goes back.
func (db *DB) Filled(ctx context.Context, id incident.ID, ts string) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		var seq int64
		var head string
		if err := q.QueryRowContext(ctx, lockCapturedHead, db.workspace, string(id), noHash).Scan(&seq, &head); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, setCapturedFill, db.workspace, string(id), ts)
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
	return db.captured(ctx, id, readCaptured, db.workspace, string(id), after, bounded(limit))
}

// CapturedInTime returns up to limit lines in the order of Slack's time, those after
// the line given (its Occurred and Seq; the zero line for the beginning).
func (db *DB) CapturedInTime(ctx context.Context, id incident.ID, after incident.Captured, limit int) ([]incident.Captured, error) {
	return db.captured(ctx, id, readCapturedInTime, db.workspace, string(id), stamp(after.Occurred), after.Seq, bounded(limit))
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

// EraseCaptured destroys texts that were captured, with their salts and keys, and
// appends who did it, when and why to the chain, which stays whole. A ref that is not
// of this stream's lines is refused: the record of events has its own way.
func (db *DB) EraseCaptured(ctx context.Context, id incident.ID, refs []string, by incident.PersonID, why string) error {
	refs = uniq(slices.Clone(refs))
	if len(refs) == 0 {
		return errors.New("erase captured texts: none given")
	}
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		var seq int64
		var head string
		if err := q.QueryRowContext(ctx, lockCapturedHead, db.workspace, string(id), noHash).Scan(&seq, &head); err != nil {
			return err
		}
		for _, ref := range refs {
			n, err := affected(q.ExecContext(ctx, eraseCapturedText, db.workspace, ref, "captured:"+string(id)))
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("text %.8s… is not among what was captured of %s, or was erased before", ref, id)
			}
			if err := db.erase(ctx, q, ref); err != nil {
				return err
			}
		}
		hash, err := db.appendCaptured(ctx, q, incident.Captured{
			Stream: id, Kind: incident.CaptureErased, Author: string(by), TS: refs[0], Channel: string(id),
			Text: incident.Seal(why), Erased: refs,
		}, seq+1, head)
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, setCapturedHead, db.workspace, string(id), seq+1, hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("erase captured texts: %w", err)
	}
	_ = db.write.scrub(ctx) // a busy reader puts it off, no more
	return nil
}

// decodeTexts reads the data of a line.
func decodeTexts(data string) (capturedTexts, error) {
	var t capturedTexts
	err := json.Unmarshal([]byte(data), &t)
	return t, err
}
