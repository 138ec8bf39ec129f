package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

const space = "acme"

var t0 = time.Date(2026, 3, 29, 0, 59, 0, 123_000_000, time.UTC)

// paper is a record in memory that does as it is told; whoever writes to its fields
// is an attacker with the database in hand.
type paper struct {
	keys  []audit.Key
	lines map[string][]audit.Line
	heads map[string][]audit.Head
	texts map[string]audit.Text
}

func newPaper() *paper {
	return &paper{lines: map[string][]audit.Line{}, heads: map[string][]audit.Head{}, texts: map[string]audit.Text{}}
}

func (p *paper) View(_ context.Context, f func(audit.View) error) error { return f(p) }

func (p *paper) AddHeads(_ context.Context, _ string, heads []audit.Head) error {
	for _, h := range heads {
		p.heads[h.Stream] = append(p.heads[h.Stream], h)
	}
	return nil
}

func (p *paper) AddKey(_ context.Context, sign func(audit.Key, int64) (audit.Key, error)) error {
	var before audit.Key
	var latest int64
	if n := len(p.keys); n > 0 {
		before = p.keys[n-1]
	}
	for _, hs := range p.heads {
		for _, h := range hs {
			latest = max(latest, h.At)
		}
	}
	k, err := sign(before, latest)
	if err == nil {
		p.keys = append(p.keys, k)
	}
	return err
}

func (p *paper) Keys(context.Context) ([]audit.Key, error) { return p.keys, nil }

func (p *paper) Streams(context.Context) ([]string, error) {
	var ids []string
	for id := range p.lines {
		ids = append(ids, id)
	}
	for id := range p.heads {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (p *paper) Lines(_ context.Context, stream string, after int64, n int) ([]audit.Line, error) {
	var out []audit.Line
	for _, l := range p.lines[stream] {
		if l.Seq > after && len(out) < n {
			out = append(out, l)
		}
	}
	return out, nil
}

func (p *paper) Heads(_ context.Context, stream string) ([]audit.Head, error) {
	return slices.Clone(p.heads[stream]), nil
}

func (p *paper) Texts(_ context.Context, refs []string) (map[string]audit.Text, error) {
	out := map[string]audit.Text{}
	for _, r := range refs {
		if t, ok := p.texts[r]; ok {
			out[r] = t
		}
	}
	return out, nil
}

func (p *paper) Erasure(_ context.Context, ref string) (audit.Line, bool, error) {
	for _, lines := range p.lines {
		for _, l := range lines {
			if l.Kind == "redacted" && strings.Contains(l.Data, ref) {
				return l, true, nil
			}
		}
	}
	return audit.Line{}, false, nil
}

func (p *paper) Unsigned(_ context.Context, stream string, _ int) ([]audit.Unsigned, error) {
	var out []audit.Unsigned
	ids, _ := p.Streams(context.Background())
	for _, id := range ids {
		lines := p.lines[id]
		if len(lines) == 0 || stream != "" && id != stream {
			continue
		}
		u := audit.Unsigned{Stream: id, Seq: lines[len(lines)-1].Seq, Hash: lines[len(lines)-1].Hash}
		if hs := p.heads[id]; len(hs) > 0 {
			u.Signed = hs[len(hs)-1]
		}
		if u.Seq > u.Signed.Seq {
			out = append(out, u)
		}
	}
	return out, nil
}

// write adds a line as the store would. Salts come from the text, so that exports of
// tests are always the same.
func (p *paper) write(stream, actor, kind, data string, texts ...string) {
	for _, t := range texts {
		salt := sha256.Sum256([]byte("salt of " + stream + t))
		sum := sha256.Sum256(append(salt[:], t...))
		ref := hex.EncodeToString(sum[:])
		p.texts[ref] = audit.Text{Ref: ref, Salt: salt[:], Text: []byte(t)}
		data = strings.Replace(data, "?", `{"ref":"`+ref+`"}`, 1)
	}
	lines := p.lines[stream]
	l := audit.Line{Stream: stream, Seq: int64(len(lines)) + 1, Kind: kind, V: 1, Actor: actor, Via: "slack", Root: fmt.Sprintf("cmd-%d", len(lines)),
		At: t0.UnixMilli() + 1000*int64(len(lines)), Occurred: t0.UnixMilli() - 60000, Data: data, Prev: audit.NoHash}
	if len(lines) > 0 {
		l.Prev = lines[len(lines)-1].Hash
	}
	l.Hash, _ = l.Sum(space)
	p.lines[stream] = append(lines, l)
}

// rewrite is what somebody with the database can do: change a line and make all
// hashes fit again.
func (p *paper) rewrite(stream string, seq int, f func(*audit.Line)) {
	prev := audit.NoHash
	for i := range p.lines[stream] {
		l := &p.lines[stream][i]
		if i == seq-1 {
			f(l)
		}
		l.Prev = prev
		l.Hash, _ = l.Sum(space)
		prev = l.Hash
	}
}

func (p *paper) erase(stream, text, why string) {
	for ref, t := range p.texts {
		if string(t.Text) == text {
			p.write(stream, "bob", "redacted", `{"seq":3,"refs":["`+ref+`"],"why":"`+why+`"}`)
			delete(p.texts, ref)
			return
		}
	}
}

func signer(t testing.TB, n byte) audit.Signer {
	t.Helper()
	s, err := audit.NewSigner(bytes.Repeat([]byte{n}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (p *paper) sign(t testing.TB, s audit.Signer, at time.Time) {
	t.Helper()
	if err := audit.Begin(t.Context(), p, space, s, at); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Sign(t.Context(), p, space, s, "", at); err != nil {
		t.Fatal(err)
	}
}

func (p *paper) export(t testing.TB, s audit.Signer, what audit.What) []byte {
	t.Helper()
	var b bytes.Buffer
	what.Workspace = space
	if err := audit.Export(t.Context(), p, s, what, t0.Add(time.Hour), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// theNight is a small incident with everything in it: two streams, texts with all
// that JSON escapes, one that is no UTF-8, a redaction, a head by each of two keys.
func theNight(t testing.TB) (*paper, audit.Signer) {
	t.Helper()
	p, first, second := newPaper(), signer(t, 1), signer(t, 2)
	p.write("INC-0001", "alice", "declared", `{"id":"INC-0001","title":?,"severity":2}`, "okta <session> theft & \"more\"")
	p.write("INC-0001", "alice", "met", `{"person":{"id":"alice","name":?,"email":?}}`, "Alice\u2028Liddell \u00e9 \\ \x7f\b\f\x01", "alice@example.com")
	p.write("INC-0001", "alice", "noted", `{"text":?}`, "password is hunter2")
	p.sign(t, first, t0.Add(10*time.Second))
	p.write("INC-0001", "bob", "kept", `{"ref":{"channel":"C1","ts":"1.2"},"text":?,"files":[{"name":?}]}`, "raw \xff\xfe bytes", "dump.bin")
	p.write("INC-0001", "", "clock_set", `{"clock":"ack","due":"2026-03-29T01:00:00.000000123Z"}`)
	p.erase("INC-0001", "password is hunter2", "password pasted")
	p.write("hold:host:web-1", "alice", "hold_placed", `{"target":"web-1","why":?}`, "beacon")
	if err := audit.Rotate(t.Context(), p, space, first, second, t0.Add(20*time.Second)); err != nil {
		t.Fatal(err)
	}
	p.sign(t, second, t0.Add(30*time.Second))
	return p, second
}

func verify(t testing.TB, export []byte, s audit.Signer, anchor ...audit.Head) audit.Report {
	t.Helper()
	r, err := audit.Verify(bytes.NewReader(export), s.Public(), anchor)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func problems(r audit.Report) string {
	var b strings.Builder
	for _, p := range r.Problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}
