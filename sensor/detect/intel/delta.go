package intel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrOtherBase says that a Delta does not start from the Set it was applied to: whoever
// holds it asks for the whole Set.
var ErrOtherBase = errors.New("the change starts from other indicators")

// Delta is what turns one Set into another: the numbers of the records that go and the
// records that come. It names both versions, so that it cannot be applied to anything
// else, nor come to anything else.
type Delta struct {
	From, To Digest
	removed  []uint32 // numbers in From's order, rising
	added    *Set
}

// Removed and Added are how many records go and come; one whose confidence changes does
// both.
func (d Delta) Removed() int { return len(d.removed) }

// Added is described at Removed.
func (d Delta) Added() int { return d.added.Len() }

// Diff is the Delta from a to b.
func Diff(a, b *Set) Delta {
	a, b = orEmpty(a), orEmpty(b)
	d := Delta{From: a.Digest(), To: b.Digest()}
	var add assembly
	names := add.from(&b.texts)
	merge(a, b, func(x, y *cursor) {
		switch {
		case x != nil && y != nil && same(x, y):
			return
		case x != nil:
			d.removed = append(d.removed, uint32(x.n))
		}
		if y != nil {
			add.add(y.record, names)
		}
	})
	d.added = add.set()
	return d
}

// Change is what Encode writes of the Delta between two Sets that are written down themselves.
func Change(from, to []byte) ([]byte, error) {
	a, err := Decode(from)
	if err != nil {
		return nil, err
	}
	b, err := Decode(to)
	if err != nil {
		return nil, err
	}
	return Diff(a, b).Encode(nil), nil
}

// Apply makes the Set that the Delta leads to. The error is ErrOtherBase when base is not
// the Set it starts from, ErrDamaged when what comes of it is not what it names.
func (d Delta) Apply(base *Set) (*Set, error) {
	b, err := d.Body(base)
	if err != nil {
		return nil, err
	}
	return Decode(b)
}

// Body is what Apply's Set is encoded as, for Decode; the errors are those of Apply. It is put
// together in its place: beside base, a host has no room for two more.
func (d Delta) Body(base *Set) ([]byte, error) {
	base = orEmpty(base)
	if base.Digest() != d.From {
		return nil, ErrOtherBase
	}
	kept := base.Len() - len(d.removed)
	if len(d.removed) > 0 && int(d.removed[len(d.removed)-1]) >= base.Len() || kept+d.added.Len() > MaxIndicators {
		return nil, fmt.Errorf("apply a change of indicators: %w", ErrDamaged)
	}
	var measured assembly
	size := d.merged(base, func(r record, names *renumber) int {
		measured.arena = measured.arena[:0]
		measured.add(r, names)
		return len(measured.arena)
	}, &measured)
	out := Set{size: measured.size, texts: measured.texts.texts}
	b := out.head(nil, size)
	head := len(b)
	written := assembly{arena: b, texts: measured.texts}
	d.merged(base, func(r record, names *renumber) int { written.add(r, names); return 0 }, &written)
	b = written.arena
	out.arena = b[head:]
	if out.sum = out.digest(); out.sum != d.To {
		return nil, fmt.Errorf("apply a change of indicators: %w", ErrDamaged)
	}
	return append(b, out.sum[:]...), nil
}

// merged goes through the records of the Set that comes of it, in their order, and adds up what add
// returns.
func (d Delta) merged(base *Set, add func(record, *renumber) int, to *assembly) (sum int) {
	oldNames, newNames := to.from(&base.texts), to.from(&d.added.texts)
	gone := d.removed
	merge(base, d.added, func(x, y *cursor) {
		if x != nil && len(gone) > 0 && gone[0] == uint32(x.n) {
			gone, x = gone[1:], nil
		}
		if x != nil {
			sum += add(x.record, oldNames)
		}
		if y != nil {
			sum += add(y.record, newNames)
		}
	})
	return sum
}

func orEmpty(s *Set) *Set {
	if s == nil {
		return &Set{}
	}
	return s
}

// merge walks two Sets in their common order. It calls with both records where key,
// scope and source are the same, otherwise with one of them and nil.
func merge(a, b *Set, each func(x, y *cursor)) {
	x, y := a.first(), b.first()
	for x.more || y.more {
		c := 0
		switch {
		case !x.more:
			c = 1
		case !y.more:
			c = -1
		default:
			if c = compareKeys(x.record, y.record); c == 0 {
				c = strings.Compare(a.texts.at(x.source), b.texts.at(y.source))
			}
		}
		switch {
		case c < 0:
			each(x, nil)
		case c > 0:
			each(nil, y)
		default:
			each(x, y)
		}
		if c <= 0 {
			x.next()
		}
		if c >= 0 {
			y.next()
		}
	}
}

// same reports whether two records that agree in key, scope and source agree in the rest.
func same(x, y *cursor) bool {
	return x.tlp == y.tlp && x.confidence == y.confidence && x.expires == y.expires &&
		bytes.Equal(x.ref, y.ref) && x.set.texts.at(x.why) == y.set.texts.at(y.why)
}

// Encode appends the Delta as it is sent.
func (d Delta) Encode(dst []byte) []byte {
	dst = append(dst, deltaMagic...)
	dst = append(append(dst, d.From[:]...), d.To[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(d.removed)))
	next := uint32(0)
	for _, n := range d.removed {
		dst = binary.AppendUvarint(dst, uint64(n-next))
		next = n + 1
	}
	return d.added.Encode(dst)
}

// DecodeDelta reads what Encode wrote; like Decode it keeps b, believes nothing, and
// returns ErrDamaged.
func DecodeDelta(b []byte) (Delta, error) {
	damaged := func(step string) (Delta, error) {
		return Delta{}, fmt.Errorf("read %s of a change of indicators: %w", step, ErrDamaged)
	}
	var d Delta
	b, ok := bytes.CutPrefix(b, []byte(deltaMagic))
	if !ok || len(b) < 2*len(d.From) {
		return damaged("the beginning")
	}
	d.From, d.To, b = Digest(b), Digest(b[len(d.From):]), b[2*len(d.From):]
	n, b, ok := uvarint(b, MaxIndicators)
	if !ok || uint64(len(b)) < n {
		return damaged("what goes")
	}
	d.removed = make([]uint32, 0, n)
	next := uint64(0)
	for range n {
		var gap uint64
		if gap, b, ok = uvarint(b, MaxIndicators); !ok || next+gap >= MaxIndicators {
			return damaged("what goes")
		}
		d.removed = append(d.removed, uint32(next+gap))
		next += gap + 1
	}
	added, err := Decode(b)
	if err != nil {
		return Delta{}, err
	}
	d.added = added
	return d, nil
}
