package intel

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
)

// ErrFull says that a Builder or a Set can hold no more.
var ErrFull = errors.New("no room for more indicators")

// Builder gathers indicators for a Set. The zero value is ready; it is not safe for
// concurrent use.
type Builder struct {
	arena []byte
	offs  []uint32
	texts interned
	// Max is the most it takes; 0 is MaxIndicators.
	Max int
}

// Add takes an indicator in any form that Clean accepts. It returns Clean's error, or
// ErrFull.
func (b *Builder) Add(in Indicator) error {
	in, err := in.Clean()
	if err != nil {
		return err
	}
	return b.add(in)
}

// add takes an indicator that is clean.
func (b *Builder) add(in Indicator) (err error) {
	limit := b.Max
	if limit <= 0 || limit > MaxIndicators {
		limit = MaxIndicators
	}
	if len(b.offs) >= limit || len(b.arena) > maxArena-2*maxURL || len(b.texts.ends) > maxTexts-2 {
		return ErrFull
	}
	var buf [maxURL]byte
	r := record{exact: in.Exact, tlp: in.TLP, confidence: in.Confidence, source: b.texts.number(in.Source), why: b.texts.number(in.Why)}
	if r.kind, r.key, err = appendKey(buf[:0], in); err != nil {
		return err
	}
	if !in.Expires.IsZero() {
		r.expires = in.Expires.Unix()
	}
	var ref [maxRef + 3]byte
	r.ref = appendRef(ref[:0], in.Ref)
	b.offs = append(b.offs, uint32(len(b.arena)))
	b.arena = appendRecord(b.arena, r)
	return nil
}

// Len is how many were taken, before those that say the same are merged.
func (b *Builder) Len() int { return len(b.offs) }

// Set sorts what was gathered. Of what one source says twice about a value the more
// confident statement is kept. The Builder is empty afterwards.
func (b *Builder) Set() *Set {
	order := b.order()
	a := assembly{arena: make([]byte, 0, len(b.arena))}
	names := a.from(&b.texts.texts)
	var last record
	for i, p := range order {
		r := b.at(p.off)
		if i > 0 && compareKeys(last, r) == 0 && last.source == r.source {
			continue
		}
		a.add(r, names)
		last = r
	}
	*b = Builder{Max: b.Max}
	return a.set()
}

// place is where a record lies, with what it is sorted by first: its kind and the first
// fifteen bytes of its key. Most comparisons need nothing else.
type place struct {
	head, more uint64
	off        uint32
}

func (b *Builder) order() []place {
	order := make([]place, 0, len(b.offs))
	for _, off := range b.offs {
		r := b.at(off)
		var head [16]byte
		head[0] = r.kind
		copy(head[1:], r.key)
		order = append(order, place{binary.BigEndian.Uint64(head[:8]), binary.BigEndian.Uint64(head[8:]), off})
	}
	t := &b.texts.texts
	slices.SortFunc(order, func(x, y place) int {
		if x.head != y.head {
			return cmp.Compare(x.head, y.head)
		}
		if x.more != y.more {
			return cmp.Compare(x.more, y.more)
		}
		rx, ry := b.at(x.off), b.at(y.off)
		if c := compareKeys(rx, ry); c != 0 {
			return c
		}
		if rx.source != ry.source {
			return strings.Compare(t.at(rx.source), t.at(ry.source))
		}
		switch {
		case outranks(rx, ry, t, t):
			return -1
		case outranks(ry, rx, t, t):
			return 1
		}
		return 0
	})
	return order
}

func (b *Builder) at(off uint32) record {
	r, _ := checked(b.arena[off:])
	return r
}

// assembly puts a Set together from records that come in order. Texts are numbered as
// they first appear, so that the same indicators always make the same bytes.
type assembly struct {
	arena []byte
	size  int
	texts interned
}

// renumber maps the texts of one origin to those of the assembly.
type renumber struct {
	origin *texts
	to     []uint32 // number plus one; 0 is not met yet
}

func (a *assembly) from(t *texts) *renumber {
	return &renumber{origin: t, to: make([]uint32, len(t.ends))}
}

func (a *assembly) add(r record, names *renumber) {
	r.source, r.why = a.text(r.source, names), a.text(r.why, names)
	a.size++
	a.arena = appendRecord(a.arena, r)
}

func (a *assembly) text(n uint32, names *renumber) uint32 {
	if names.to[n] == 0 {
		names.to[n] = a.texts.number(names.origin.at(n)) + 1
	}
	return names.to[n] - 1
}

func (a *assembly) set() *Set {
	s := &Set{arena: slices.Clip(a.arena), size: a.size, texts: a.texts.texts}
	s.finish()
	return s
}

// finish computes what follows from the records: digest, table, lengths of networks.
func (s *Set) finish() {
	s.sum = s.digest()
	for k := range s.seeds {
		s.seeds[k] = maphash.MakeSeed()
	}
	var last record
	distinct := 0
	for c := s.first(); c.more; c.next() {
		s.count[c.kind]++
		if !sameKey(last, c.record) {
			distinct++
		}
		last = c.record
	}
	s.table = make([]uint64, distinct+distinct/2+1)
	s.filter = make([]uint64, distinct/4+1)
	if s.count[kindNet4] > 0 {
		s.nets4 = make([]uint32, 1<<16)
	}
	if s.count[kindNet6] > 0 {
		s.nets6 = make([][2]uint64, buckets6)
	}
	last = record{}
	for c := s.first(); c.more; c.next() {
		if !sameKey(last, c.record) {
			s.enter(c.at, c.record)
		}
		last = c.record
	}
}

func sameKey(a, b record) bool { return a.kind == b.kind && bytes.Equal(a.key, b.key) }

func (s *Set) enter(at uint32, r record) {
	switch r.kind {
	case kindNet4:
		s.note4(binary.BigEndian.Uint32(r.key), int(r.key[4]))
	case kindNet6:
		s.note6([16]byte(r.key), int(r.key[16]))
	case kindDomain:
		labels := 1
		for _, c := range r.key {
			if c == '.' {
				labels++
			}
		}
		s.labels = max(s.labels, labels)
	}
	h := maphash.Bytes(s.seeds[r.kind], r.key)
	slot := s.slot(h)
	for s.table[slot] != 0 {
		if slot++; slot == uint32(len(s.table)) {
			slot = 0
		}
	}
	s.table[slot] = h>>32<<32 | uint64(at+1)
	word, bits := s.filterBits(h)
	s.filter[word] |= bits
}

func (s *Set) note4(a uint32, length int) {
	if length == 0 {
		s.whole4 = true
		return
	}
	first := a >> 16
	last := first
	if length < 16 {
		last |= 1<<(16-length) - 1
	}
	for i := first; i <= last; i++ {
		s.nets4[i] |= 1 << (length - 1)
	}
}

func (s *Set) note6(b [16]byte, length int) {
	bit := func(i uint32) { s.nets6[i][(length-1)/64] |= 1 << ((length - 1) % 64) }
	switch {
	case length == 0:
		s.whole6 = true
	case length >= 32:
		bit(bucket6(b))
	default: // it spans buckets: all are told
		for i := range uint32(buckets6) {
			bit(i)
		}
	}
}

var emptyDigest = (&Set{}).digest()

// digest is over the number of records, the texts and the records, each with its length.
func (s *Set) digest() Digest {
	h := sha256.New()
	h.Write([]byte("tocsin indicators 1\n"))
	var buf []byte
	for _, n := range []int{s.size, len(s.texts.ends), len(s.texts.blob), len(s.arena)} {
		buf = binary.BigEndian.AppendUint64(buf, uint64(n))
	}
	h.Write(buf)
	for chunk := range slices.Chunk(s.texts.ends, 1024) {
		buf = buf[:0]
		for _, e := range chunk {
			buf = binary.BigEndian.AppendUint32(buf, e)
		}
		h.Write(buf)
	}
	h.Write(s.texts.blob)
	h.Write(s.arena)
	return Digest(h.Sum(nil))
}
