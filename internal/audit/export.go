package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The kinds of line of an export. Each has one way to be written: compact JSON, the
// members in the order of these types, nothing escaped that need not be.
type (
	headerLine struct {
		Type      string   `json:"type"` // "tocsin-audit"
		V         int      `json:"v"`
		Workspace string   `json:"workspace"`
		All       bool     `json:"all"`     // every stream of the workspace
		Streams   []string `json:"streams"` // in the order they follow
		Texts     bool     `json:"texts"`   // sealed texts are here, unless erased
		At        int64    `json:"at"`
	}
	keyLine struct {
		Type string `json:"type"` // "key"
		Key
	}
	eventLine struct {
		Type string `json:"type"` // "event", or "cited": of another stream, to explain a missing text
		Line
	}
	textLine struct {
		Type string `json:"type"` // "text"
		Ref  string `json:"ref"`
		Salt string `json:"salt"`           // hex
		Text string `json:"text,omitempty"` // one of these two
		Hex  string `json:"hex,omitempty"`  // of a text that is not UTF-8
	}
	headLine struct {
		Type string `json:"type"` // "head"
		Head
	}
	endLine struct {
		Type      string `json:"type"`   // "end"
		Lines     int64  `json:"lines"`  // before this one
		SHA256    string `json:"sha256"` // of every byte before this line
		At        int64  `json:"at"`
		Key       string `json:"key"`
		Signature string `json:"sig"`
	}
)

const version = 1

func (e endLine) statement(workspace string) []byte {
	return fields("tocsin audit export 1", workspace, e.Lines, e.SHA256, e.At, e.Key)
}

// encode is the one way a line is written, line end included.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// What says what to export.
type What struct {
	Workspace   string
	Stream      string // with those below it ("INC-0042/room"); "" exports all
	WithoutText bool   // the record can be verified all the same; the texts cannot
}

// Export writes the record, signed. It writes what is there, be it whole or not:
// saying so is Verify's task. It errs when a stream that was named does not exist,
// when w does, and for a line that JSON cannot carry (not UTF-8).
func Export(ctx context.Context, v View, s Signer, what What, now time.Time, w io.Writer) error {
	streams, err := v.Streams(ctx)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if what.Stream != "" {
		streams = slices.DeleteFunc(streams, func(id string) bool { return id != what.Stream && !strings.HasPrefix(id, what.Stream+"/") })
		if !slices.Contains(streams, what.Stream) {
			return fmt.Errorf("export: there is no %s", what.Stream)
		}
	}
	e := &exporting{ctx: ctx, v: v, what: what, w: w, sum: sha256.New()}
	e.put(headerLine{"tocsin-audit", version, what.Workspace, what.Stream == "", append([]string{}, streams...), !what.WithoutText, now.UnixMilli()})
	keys, err := v.Keys(ctx)
	e.fail(err)
	for _, k := range keys {
		e.put(keyLine{"key", k})
	}
	for _, id := range streams {
		e.stream(id)
	}
	if len(keys) == 0 || keys[len(keys)-1].ID != s.ID() {
		e.fail(fmt.Errorf("key %s is not the newest", s.ID()))
	}
	if e.err == nil {
		end := endLine{Type: "end", Lines: e.lines, SHA256: hex.EncodeToString(e.sum.Sum(nil)), At: max(now.UnixMilli(), keys[len(keys)-1].At), Key: s.ID()}
		end.Signature = s.sign(end.statement(what.Workspace))
		e.put(end)
	}
	if e.err != nil {
		return fmt.Errorf("export: %w", e.err)
	}
	return nil
}

// exporting is an export under way; after the first error it does nothing more.
type exporting struct {
	ctx   context.Context
	v     View
	what  What
	w     io.Writer
	sum   hash.Hash
	lines int64
	err   error
}

func (e *exporting) fail(err error) { e.err = errors.Join(e.err, err) }

func (e *exporting) put(line any) {
	if e.err != nil {
		return
	}
	b, err := encode(line)
	if err != nil {
		e.fail(err)
		return
	}
	_, _ = e.sum.Write(b) // never fails
	_, err = e.w.Write(b)
	e.fail(err)
	e.lines++
}

func (e *exporting) stream(id string) {
	heads, err := e.v.Heads(e.ctx, id)
	e.fail(err)
	known := map[string]bool{}
	for after := int64(0); e.err == nil; {
		lines, err := e.v.Lines(e.ctx, id, after, linesPer)
		e.fail(err)
		if len(lines) == 0 {
			break
		}
		texts := e.texts(lines)
		for _, l := range lines {
			e.event(l, texts, known)
			for len(heads) > 0 && heads[0].Seq <= l.Seq {
				e.put(headLine{"head", heads[0]})
				heads = heads[1:]
			}
			after = l.Seq
		}
	}
	for _, h := range heads { // of lines that are no longer there
		e.put(headLine{"head", h})
	}
}

// event writes a line and, the first time it speaks of it, each of its texts.
func (e *exporting) event(l Line, texts map[string]Text, known map[string]bool) {
	for _, s := range []string{l.Stream, l.Kind, l.Actor, l.Via, l.Root, l.Data} {
		if !utf8.ValidString(s) {
			e.fail(fmt.Errorf("line %d of %s is not UTF-8", l.Seq, l.Stream))
		}
	}
	e.put(eventLine{"event", l})
	for _, ref := range Refs(l.Data) {
		if known[ref] || e.what.WithoutText {
			continue
		}
		known[ref] = true
		t, there := texts[ref]
		if !there {
			e.cite(l.Stream, ref)
			continue
		}
		line := textLine{Type: "text", Ref: ref, Salt: hex.EncodeToString(t.Salt)}
		if utf8.Valid(t.Text) {
			line.Text = string(t.Text)
		} else {
			line.Hex = hex.EncodeToString(t.Text)
		}
		e.put(line)
	}
}

// cite writes the line of another stream that says why a text is missing here.
func (e *exporting) cite(stream, ref string) {
	if e.err != nil {
		return
	}
	l, ok, err := e.v.Erasure(e.ctx, ref)
	e.fail(err)
	if ok && l.Stream != stream {
		e.put(eventLine{"cited", l})
	}
}

func (e *exporting) texts(lines []Line) map[string]Text {
	if e.what.WithoutText || e.err != nil {
		return nil
	}
	var refs []string
	for _, l := range lines {
		refs = append(refs, Refs(l.Data)...)
	}
	texts, err := e.v.Texts(e.ctx, refs)
	e.fail(err)
	return texts
}
