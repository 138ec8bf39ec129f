package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tocsin-ir/tocsin/incident"
)

// capturedLine is a captured line exactly as it is stored.
//
// Its hash is made as that of an event line (see line): SHA-256 over the hash of the
// line before and sixteen fields, each with its length before it, in this order:
// "captured", workspace, stream, seq, channel, ts, thread, kind, author, app, own,
// subject, uniq, occurred, at, backfilled, data. A boolean is "1" or "0". The first
// field keeps a captured line from passing for an event and the other way round.
type capturedLine struct {
	stream              string
	seq                 int64
	channel, ts, thread string
	kind, author, app   string
	own                 bool
	subject, uniq       string
	occurred, at        int64
	backfilled          bool
	data                string
	prev, hash          string
}

// capturedTexts is what data holds: digests only, never the texts.
type capturedTexts struct {
	Text   incident.Sealed `json:"text,omitzero"`
	Was    incident.Sealed `json:"was,omitzero"`
	File   incident.Sealed `json:"file,omitzero"`
	Erased []string        `json:"erased,omitempty"`
}

// capturedLineOf encodes a line whose texts are sealed.
func capturedLineOf(c incident.Captured, prev, workspace string) (capturedLine, error) {
	data, err := json.Marshal(capturedTexts{c.Text, c.Was, c.File, c.Erased})
	if err != nil {
		return capturedLine{}, err
	}
	l := capturedLine{
		stream: string(c.Stream), seq: c.Seq, channel: c.Channel, ts: c.TS, thread: c.Thread, kind: string(c.Kind),
		author: c.Author, app: c.App, own: c.Own, subject: c.Subject, uniq: c.Key, occurred: stamp(c.Occurred),
		at: stamp(c.At), backfilled: c.BackFilled, data: string(data), prev: prev,
	}
	l.hash, err = l.sum(workspace)
	return l, err
}

func (l capturedLine) sum(workspace string) (string, error) {
	prev, err := hex.DecodeString(l.prev)
	if err != nil || len(prev) != sha256.Size {
		return "", fmt.Errorf("captured line %d of %s: the hash before it is malformed", l.seq, l.stream)
	}
	bit := map[bool]string{true: "1", false: "0"}
	buf := prev
	for _, f := range [...]string{
		"captured", workspace, l.stream, strconv.FormatInt(l.seq, 10), l.channel, l.ts, l.thread, l.kind, l.author, l.app, bit[l.own],
		l.subject, l.uniq, strconv.FormatInt(l.occurred, 10), strconv.FormatInt(l.at, 10), bit[l.backfilled], l.data,
	} {
		buf = strconv.AppendInt(buf, int64(len(f)), 10)
		buf = append(buf, ':')
		buf = append(buf, f...)
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:]), nil
}

// captured decodes a line; its texts are not filled.
func (l capturedLine) captured() (incident.Captured, error) {
	t, err := decodeTexts(l.data)
	if err != nil {
		return incident.Captured{}, fmt.Errorf("captured line %d of %s: %w", l.seq, l.stream, err)
	}
	return incident.Captured{
		Stream: incident.ID(l.stream), Seq: l.seq, Channel: l.channel, TS: l.ts, Thread: l.thread, Kind: incident.CaptureKind(l.kind),
		Author: l.author, App: l.app, Own: l.own, Subject: l.subject, Key: l.uniq, Occurred: unstamp(l.occurred), At: unstamp(l.at),
		BackFilled: l.backfilled, Text: t.Text, Was: t.Was, File: t.File, Erased: t.Erased, Hash: l.hash,
	}, nil
}

func (db *DB) eachCaptured(ctx context.Context, query string, args []any, f func(capturedLine) error) error {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l capturedLine
		if err := rows.Scan(&l.stream, &l.seq, &l.channel, &l.ts, &l.thread, &l.kind, &l.author, &l.app, &l.own, &l.subject,
			&l.uniq, &l.occurred, &l.at, &l.backfilled, &l.data, &l.prev, &l.hash); err != nil {
			return err
		}
		if err := f(l); err != nil {
			return err
		}
	}
	return rows.Err()
}

// VerifyCaptured reads everything captured of a stream and recomputes every hash and
// every text's digest. The error names the first line that is not as it was written.
// A text that is missing must be one that a later line says was erased.
func (db *DB) VerifyCaptured(ctx context.Context, id incident.ID) (Verified, error) {
	v := Verified{Head: noHash}
	last, head, _, err := db.CapturedHead(ctx, id)
	if err != nil {
		return v, err
	}
	var refs []string
	erased := map[string]bool{}
	err = db.eachCaptured(ctx, readCaptured, []any{db.workspace, string(id), int64(0), last + 1}, func(l capturedLine) error {
		if v.Lines >= last {
			return nil // written after the head was read
		}
		v.Lines++
		if l.seq != v.Lines || l.prev != v.Head {
			return fmt.Errorf("captured line %d of %s does not follow the line before", l.seq, id)
		}
		sum, err := l.sum(db.workspace)
		if err != nil {
			return err
		}
		if sum != l.hash {
			return fmt.Errorf("captured line %d of %s was changed", l.seq, id)
		}
		v.Head = sum
		t, err := decodeTexts(l.data)
		if err != nil {
			return fmt.Errorf("captured line %d of %s: %w", l.seq, id, err)
		}
		for _, s := range [...]incident.Sealed{t.Text, t.Was, t.File} {
			if s.Ref != "" {
				refs = append(refs, s.Ref)
			}
		}
		for _, ref := range t.Erased {
			erased[ref] = true
		}
		return nil
	})
	if err != nil {
		return v, err
	}
	if v.Lines != last || v.Head != head {
		return v, fmt.Errorf("what was captured of %s ends at line %d, its head speaks of line %d", id, v.Lines, last)
	}
	texts, err := db.texts(ctx, db.read, refs)
	if err != nil {
		return v, err
	}
	v.Texts = len(texts)
	for _, ref := range uniq(refs) {
		if _, there := texts[ref]; there {
			continue
		}
		if !erased[ref] {
			return v, fmt.Errorf("a text captured of %s is missing (%.8s…), and no line says that it was erased", id, ref)
		}
		v.Erased++
	}
	return v, nil
}
