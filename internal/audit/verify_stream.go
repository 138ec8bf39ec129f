package audit

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// following is a stream whose chain is being followed.
type following struct {
	Stream
	spoken, have map[string]bool // texts
}

// event checks that a line is the next of its stream and is what its hash says.
func (v *verifying) event(b []byte) {
	e, ok := as[eventLine](v, b)
	if !ok {
		// Said already. Where what is left of it is believed, the next line is judged
		// by itself.
		if v.s != nil && e.Stream == v.s.ID && e.Seq == v.s.Lines+1 && isHex(e.Hash, sha256.Size) {
			v.s.Lines, v.s.Hash = e.Seq, e.Hash
		}
		return
	}
	v.enter(e.Stream)
	s := v.s
	if e.Seq != s.Lines+1 || e.Prev != s.Hash {
		v.wrong("line %d of %s does not follow line %d, which is the one before it here", e.Seq, e.Stream, s.Lines)
	} else if sum, sane := e.Sum(v.Workspace); !sane || sum != e.Hash {
		v.wrong("line %d of %s was changed: its hash is another one", e.Seq, e.Stream)
	}
	// From here on what the line says of itself is believed, so that one wrong line is
	// one problem and not as many as there are lines after it.
	s.Lines, s.Hash = e.Seq, e.Hash
	if at := (place{s.ID, e.Seq}); v.wanted[at] {
		v.hashes[at] = e.Hash
	}
	for _, ref := range Refs(e.Data) {
		if !s.spoken[ref] {
			s.spoken[ref] = true
			v.missing = append(v.missing, missing{v.at, s.ID, e.Seq, ref})
		}
	}
	v.redaction(e.Line, false)
	v.each(e.Line)
}

// cited takes the line of another stream that explains why a text is missing. Its
// hash is right or wrong by itself; the chain it stands in is not here.
func (v *verifying) cited(b []byte) {
	e, ok := as[eventLine](v, b)
	if !ok {
		return
	}
	if sum, sane := e.Sum(v.Workspace); !sane || sum != e.Hash {
		v.wrong("line %d of %s, cited here, was changed", e.Seq, e.Stream)
		return
	}
	v.redaction(e.Line, true)
}

// signed checks a head against the line before it and its signature.
func (v *verifying) signed(b []byte) {
	h, ok := as[headLine](v, b)
	if !ok {
		return
	}
	v.trust()
	if v.done[h.Stream] || slices.Contains(v.header.streams(), h.Stream) {
		v.enter(h.Stream)
	} else {
		v.wrong("this head is of %s, which is not in the export", h.Stream)
		return
	}
	s := v.s
	t, known := v.terms[h.Key]
	switch {
	case !known:
		v.wrong("this head is signed by a key that is not in the export, or that nobody vouches for")
		return
	case !verified(t.Public, h.Signature, h.statement(v.Workspace)):
		v.wrong("the signature of this head is forged, or the head was changed")
		return
	case h.At < t.At || h.At > t.until:
		v.wrong("this head is signed by key %s at a time when another signed", h.Key)
		return
	case h.Seq > s.Lines:
		v.wrong("%s is cut: this head was signed over line %d, and the last one here is line %d", h.Stream, h.Seq, s.Lines)
		return
	case h.Seq < s.Lines:
		v.wrong("this head of line %d does not stand behind that line", h.Seq)
		return
	case h.Hash != s.Hash:
		v.wrong("line %d of %s is not the one that was signed: the record was rewritten", h.Seq, h.Stream)
	}
	s.Signed, s.SignedAt = h.Seq, moment(h.At)
	s.Heads++
}

// enter makes a stream the one that is followed.
func (v *verifying) enter(id string) {
	if v.s != nil && v.s.ID == id {
		return
	}
	switch order := v.header.streams(); {
	case v.done[id]:
		v.wrong("%s goes on here after another stream began", id)
	case !slices.Contains(order, id):
		v.wrong("this line is foreign: %s is not among the streams of the export", id)
	case order[min(len(v.done), len(order)-1)] != id:
		v.wrong("%s is not the next stream of the export", id)
	}
	v.leave()
	v.done[id] = true
	v.s = &following{Stream: Stream{ID: id, Hash: NoHash}, spoken: map[string]bool{}, have: map[string]bool{}}
}

func (v *verifying) leave() {
	if v.s == nil {
		return
	}
	v.missing = slices.DeleteFunc(v.missing, func(m missing) bool { return m.stream == v.s.ID && v.s.have[m.ref] })
	v.Streams = append(v.Streams, v.s.Stream)
	v.s = nil
}

// missing is a text by where it was spoken of.
type missing struct {
	line   int
	stream string
	seq    int64
	ref    string
}

type erasure struct {
	Erased
	line int
}

func (v *verifying) redaction(l Line, cited bool) {
	refs, why := erases(l)
	for _, ref := range refs {
		if _, before := v.erased[ref]; !before {
			v.erased[ref] = erasure{Erased{Ref: ref, By: l.Actor, At: moment(l.At), Why: why,
				Said: fmt.Sprintf("%s/%d", l.Stream, l.Seq), Cited: cited}, v.at}
		}
	}
}

// explain pairs texts that are missing with the lines that say why.
func (v *verifying) explain() {
	for _, p := range v.present {
		if e, ok := v.erased[p.ref]; ok {
			v.problem(p.line, "this text was redacted by %s at %s (line %d) and is still here", e.By, e.At.Format(time.RFC3339), e.line)
		}
	}
	for _, m := range v.missing {
		if e, ok := v.erased[m.ref]; ok {
			e.Stream, e.Seq = m.stream, m.seq
			v.Erased = append(v.Erased, e.Erased)
		} else if v.header.Texts {
			v.problem(m.line, "a text that line %d of %s speaks of is not here, and nothing says that it was redacted", m.seq, m.stream)
		}
	}
}
