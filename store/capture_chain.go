package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// roomStream is the stream of what was captured of an incident. No incident and no
// register has a "/room" at the end of its name.
func roomStream(id incident.ID) string { return string(id) + roomSuffix }

const roomSuffix = "/room"

// The form of a captured line; see capturedData.
const (
	capturedKind    = "captured"
	capturedVersion = 1
)

// capturedLine is a captured line exactly as it is stored: a line of the record, and
// what it is looked up by.
type capturedLine struct {
	line
	channel, ts, what string
	scope, subject    string
	moment            int64
	seen              bool
}

// capturedData is what the data of a line holds: of texts their digests only. Stored
// bytes never change; a field that is added must be left out when it is empty.
type capturedData struct {
	What       incident.CaptureKind `json:"what"`
	Channel    string               `json:"channel"`
	TS         string               `json:"ts"`
	Thread     string               `json:"thread,omitempty"`
	Author     string               `json:"author,omitempty"`
	App        string               `json:"app,omitempty"`
	Own        bool                 `json:"own,omitempty"`
	Subject    string               `json:"subject,omitempty"`
	Told       incident.Telling     `json:"told,omitempty"`
	Moment     int64                `json:"moment"` // unix microseconds
	BackFilled bool                 `json:"backfilled,omitempty"`
	Text       incident.Sealed      `json:"text,omitzero"`
	Was        incident.Sealed      `json:"was,omitzero"`
	File       incident.Sealed      `json:"file,omitzero"`
}

func (d capturedData) refs() []string {
	var refs []string
	for _, s := range [...]incident.Sealed{d.Text, d.Was, d.File} {
		if s.Ref != "" {
			refs = append(refs, s.Ref)
		}
	}
	return refs
}

// capturedLineOf encodes a line whose texts are sealed.
func capturedLineOf(c incident.Captured, prev, workspace string) (capturedLine, error) {
	d := capturedData{
		c.Kind, c.Channel, c.TS, c.Thread, c.Author, c.App, c.Own, c.Subject, c.Told, c.Occurred.UnixMicro(), c.BackFilled, c.Text, c.Was, c.File,
	}
	data, err := json.Marshal(d)
	if err != nil {
		return capturedLine{}, err
	}
	l := lookedUpBy(d, line{
		stream: roomStream(c.Stream), seq: c.Seq, kind: capturedKind, v: capturedVersion, at: stamp(c.At), occurred: stamp(c.Occurred),
		actor: string(c.By), via: string(incident.ViaSlack), root: c.Name, data: string(data), prev: prev,
	})
	l.hash, err = l.sum(workspace)
	return l, err
}

func lookedUpBy(d capturedData, l line) capturedLine {
	return capturedLine{l, d.Channel, d.TS, string(d.What), scopeOf(d.Subject), d.Subject, d.Moment, d.Told == incident.ToldByState}
}

// scopeOf is what a subject is one of: of the pins, the members, the reactions to a
// message, the texts of a message. Topics are none.
func scopeOf(subject string) string {
	kind, rest, _ := strings.Cut(subject, ":")
	switch kind {
	case "pin", "member":
		return kind
	case "reaction":
		ts, _, _ := strings.Cut(rest, ":")
		return "reaction:" + ts
	case "text":
		return subject
	}
	return ""
}

// decodeCaptured reads the data of a line.
func decodeCaptured(data string) (capturedData, error) {
	var d capturedData
	err := json.Unmarshal([]byte(data), &d)
	return d, err
}

// captured decodes a line; its texts are not filled.
func (l capturedLine) captured() (incident.Captured, error) {
	d, err := decodeCaptured(l.data)
	if err == nil && (l.kind != capturedKind || l.v != capturedVersion) {
		err = errors.New("it is of a form that this program does not know")
	}
	if err != nil {
		return incident.Captured{}, fmt.Errorf("captured line %d of %s: %w", l.seq, l.stream, err)
	}
	return incident.Captured{
		Stream: incident.ID(strings.TrimSuffix(l.stream, roomSuffix)), Seq: l.seq, Channel: d.Channel, TS: d.TS, Thread: d.Thread, Kind: d.What,
		Author: d.Author, By: incident.PersonID(l.actor), App: d.App, Own: d.Own, Subject: d.Subject, Name: l.root, Told: d.Told,
		Occurred: time.UnixMicro(d.Moment).UTC(), At: unstamp(l.at), BackFilled: d.BackFilled, Text: d.Text, Was: d.Was, File: d.File, Hash: l.hash,
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
		if err := rows.Scan(&l.stream, &l.seq, &l.kind, &l.v, &l.at, &l.occurred, &l.actor, &l.via, &l.root, &l.data, &l.prev, &l.hash,
			&l.channel, &l.ts, &l.what, &l.scope, &l.subject, &l.moment, &l.seen); err != nil {
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
// A text that is missing must be one that a line of the record says was redacted.
func (db *DB) VerifyCaptured(ctx context.Context, id incident.ID) (Verified, error) {
	v := Verified{Head: noHash}
	last, head, _, err := db.CapturedHead(ctx, id)
	if err != nil {
		return v, err
	}
	var refs []string
	err = db.eachCaptured(ctx, readCaptured, []any{db.workspace, roomStream(id), int64(0), last + 1}, func(l capturedLine) error {
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
		d, err := decodeCaptured(l.data)
		if err != nil {
			return fmt.Errorf("captured line %d of %s: %w", l.seq, id, err)
		}
		if l != lookedUpBy(d, l.line) {
			return fmt.Errorf("captured line %d of %s is looked up by something else than it says", l.seq, id)
		}
		refs = append(refs, d.refs()...)
		return nil
	})
	if err != nil {
		return v, err
	}
	if v.Lines != last || v.Head != head {
		return v, fmt.Errorf("what was captured of %s ends at line %d, its head speaks of line %d", id, v.Lines, last)
	}
	return v, db.explained(ctx, id, uniq(refs), &v)
}

// explained counts the texts, and errs when one is missing and no line says why.
func (db *DB) explained(ctx context.Context, id incident.ID, refs []string, v *Verified) error {
	texts, err := db.texts(ctx, db.read, refs)
	if err != nil {
		return err
	}
	v.Texts = len(texts)
	for _, ref := range refs {
		if _, there := texts[ref]; there {
			continue
		}
		said := false
		err := db.eachLine(ctx, db.read, readErasures, []any{db.workspace, `%"` + ref + `"%`}, func(line) error { said = true; return nil })
		if err != nil {
			return err
		}
		if !said {
			return fmt.Errorf("a text captured of %s is missing (%.8s…), and no line says that it was redacted", id, ref)
		}
		v.Erased++
	}
	return nil
}
