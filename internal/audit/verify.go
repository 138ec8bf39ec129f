package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// maxLine bounds a line of an export, in bytes; Tocsin writes none near it.
const maxLine = 32 << 20

// Verify reads an export and says everything that is wrong with it. public is the
// key that the reader was given by another way than the export: 64 hex digits. anchor
// are heads that were kept elsewhere, nil for none. The error is one of reading;
// whatever the bytes say is in the report.
//
// It is found, and told with its line: a byte that was changed, a line that was
// dropped, added or moved, an end that was cut, a head or key that is not signed as it
// should be, a text that is not the one the record speaks of, a text that is missing
// and no redaction says why, a redacted text that is still there.
func Verify(r io.Reader, public string, anchor []Head) (Report, error) {
	found, _, err := VerifyEach(r, public, anchor, func(Line) {})
	return found, err
}

// VerifyEach is Verify that hands on every line of a stream as it is read, for whoever
// looks for more in them. What it hands on is proved only if the report says so in the
// end; the Voucher knows the keys that were believed.
func VerifyEach(r io.Reader, public string, anchor []Head, each func(Line)) (Report, Voucher, error) {
	v := &verifying{each: each, public: strings.ToLower(strings.TrimSpace(public)), anchor: anchor, sum: sha256.New(),
		erased: map[string]erasure{}, terms: map[string]term{}, done: map[string]bool{},
		wanted: map[place]bool{}, hashes: map[place]string{}}
	for _, h := range anchor {
		v.wanted[place{h.Stream, h.Seq}] = true
	}
	v.Streams, v.Erased, v.Problems = []Stream{}, []Erased{}, []Problem{}
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		b, err := readLine(lines)
		if errors.Is(err, errTooLong) {
			v.problem(v.at+1, "this line is longer than Tocsin writes any")
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return v.Report, Voucher{}, fmt.Errorf("read the export: %w", err)
		}
		if len(b) > 0 {
			v.line(b)
		}
		if err != nil {
			break
		}
	}
	v.finish()
	return v.Report, Voucher{v.terms}, nil //nolint:nilerr // what is wrong with the file is in the report
}

var errTooLong = errors.New("line too long")

// readLine returns a line with its end; at the end of the file what is left, and io.EOF.
func readLine(r *bufio.Reader) ([]byte, error) {
	var whole []byte
	for {
		part, err := r.ReadSlice('\n')
		whole = append(whole, part...)
		if len(whole) > maxLine {
			return nil, errTooLong
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return whole, err
		}
	}
}

// verifying is a reading under way.
type verifying struct {
	Report
	each   func(Line)
	public string
	anchor []Head
	at     int // number of the line in hand

	header   *headerLine
	keys     []Key
	terms    map[string]term // by key id; none while nobody vouches for them
	keysRead bool
	s        *following
	done     map[string]bool  // streams that were read
	wanted   map[place]bool   // lines that the anchor speaks of
	hashes   map[place]string // those that are here
	missing  []missing
	present  []missing // texts that are here
	erased   map[string]erasure
	sum      hash.Hash
	ended    bool
}

// place is a line of a stream.
type place struct {
	stream string
	seq    int64
}

func (v *verifying) wrong(format string, args ...any) { v.problem(v.at, format, args...) }

func (v *verifying) line(b []byte) {
	v.at++
	if v.ended {
		v.wrong("this line comes after the end of the export")
		return
	}
	if b[len(b)-1] != '\n' {
		v.wrong("the export is cut in the middle of this line")
		return
	}
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &kind); err != nil {
		v.wrong("this line is not JSON")
		_, _ = v.sum.Write(b)
		return
	}
	if kind.Type == "end" {
		v.end(b)
		return
	}
	_, _ = v.sum.Write(b) // never fails
	if v.header == nil && kind.Type != "tocsin-audit" {
		if v.at == 1 {
			v.wrong("this is not the first line of an export of Tocsin")
		}
		v.header = &headerLine{}
	}
	switch kind.Type {
	case "tocsin-audit":
		v.head(b)
	case "key":
		v.key(b)
	case "event":
		v.event(b)
	case "text":
		v.text(b)
	case "head":
		v.signed(b)
	case "cited":
		v.cited(b)
	default:
		v.wrong("this line is foreign: an export has no lines of type %q", kind.Type)
	}
}

// as reads a line as T and insists that it is written as Tocsin writes it.
func as[T any](v *verifying, b []byte) (T, bool) {
	var t T
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		v.wrong("this line is not of the form that its type has")
		return t, false
	}
	again, err := encode(t)
	if err != nil || !bytes.Equal(again, b) {
		v.wrong("this line is not written as Tocsin writes it, so it was changed")
		return t, false
	}
	return t, true
}

func (v *verifying) head(b []byte) {
	h, ok := as[headerLine](v, b)
	switch {
	case v.header != nil:
		v.wrong("an export has one such line, the first")
		return
	case ok && h.V != version:
		v.wrong("the export is of version %d, and this program knows version %d", h.V, version)
	}
	v.header, v.Workspace, v.Exported = &h, h.Workspace, moment(h.At)
}

// text checks that a text is the one its digest was made of.
func (v *verifying) text(b []byte) {
	t, ok := as[textLine](v, b)
	if !ok {
		return
	}
	if v.s == nil || !v.s.spoken[t.Ref] {
		v.wrong("no line before this one speaks of this text")
		return
	}
	if v.s.have[t.Ref] {
		v.wrong("this text was here before")
		return
	}
	v.s.have[t.Ref] = true
	text := []byte(t.Text)
	sane := isHex(t.Salt, sha256.Size) && isHex(t.Hex, len(t.Hex)/2) && (t.Text == "" || t.Hex == "")
	salt, _ := hex.DecodeString(t.Salt) // just looked at, as is the other
	if t.Hex != "" {
		text, _ = hex.DecodeString(t.Hex)
	}
	sum := sha256.Sum256(append(salt, text...))
	if !sane || hex.EncodeToString(sum[:]) != t.Ref {
		v.wrong("this text is not the one that line %d of %s speaks of", v.s.Lines, v.s.ID)
		return
	}
	v.Texts++
	v.present = append(v.present, missing{v.at, v.s.ID, v.s.Lines, t.Ref})
}

// end checks the signature over every byte before it.
func (v *verifying) end(b []byte) {
	v.ended = true
	v.trust()
	e, ok := as[endLine](v, b)
	if !ok {
		return
	}
	sum := hex.EncodeToString(v.sum.Sum(nil))
	switch t, known := v.terms[e.Key]; {
	case !known:
		v.wrong("the export is signed by a key that is not in it, or that nobody vouches for")
	case !verified(t.Public, e.Signature, e.statement(v.Workspace)):
		v.wrong("the signature of the export is forged, or this line was changed")
	case e.At < t.At || e.At > t.until:
		v.wrong("the export is signed by key %s at a time when another signed", e.Key)
	case e.Lines != int64(v.at-1):
		v.wrong("the export was signed with %s before this one, and here are %d", count(e.Lines, "line"), v.at-1)
	case e.SHA256 != sum:
		v.wrong("the export is not the one that was signed: a line before this one was changed")
	}
}

// finish says what is wanting.
func (v *verifying) finish() {
	v.trust() // an export may end before anything asked for it
	v.leave()
	if v.at == 0 {
		v.problem(0, "the export is empty")
		return
	}
	if !v.ended {
		v.problem(v.at, "the export is cut: its last line is not here")
	}
	for _, id := range v.header.streams() {
		if !v.done[id] {
			v.problem(0, "the export speaks of %s, and no line of it is here", id)
		}
	}
	v.explain()
	v.anchored()
}

func (h *headerLine) streams() []string {
	if h == nil {
		return nil
	}
	return h.Streams
}
