package intel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	setMagic   = "TOCSIND1"
	deltaMagic = "TOCDELT1"
)

// ErrDamaged says that bytes are no Set or Delta, or not the one that was written.
var ErrDamaged = errors.New("the indicators are damaged")

// Encode appends the Set as it is sent to agents and kept on disk. The same indicators
// make the same bytes.
func (s *Set) Encode(dst []byte) []byte {
	if s == nil {
		s = &Set{}
	}
	dst = append(s.head(dst, len(s.arena)), s.arena...)
	sum := s.Digest()
	return append(dst, sum[:]...)
}

// head is what comes before records of that many bytes. There is room for them, and for the digest.
func (s *Set) head(dst []byte, arena int) []byte {
	dst = append(slices.Grow(dst, len(setMagic)+4*binary.MaxVarintLen64+2*len(s.texts.ends)+len(s.texts.blob)+arena+len(Digest{})), setMagic...)
	for _, n := range []int{s.size, len(s.texts.ends), len(s.texts.blob), arena} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	from := uint32(0)
	for _, end := range s.texts.ends {
		dst = binary.AppendUvarint(dst, uint64(end-from))
		from = end
	}
	return append(dst, s.texts.blob...)
}

// Decode reads what Encode wrote. It keeps b, which must not change afterwards: a
// million indicators are not copied. Whoever sent b is not believed: every record is
// checked to be one that Encode could have written, and the error is ErrDamaged, with
// the step, when one is not. The digest says that nothing was lost on the way; who wrote
// it is for the signature around it to say.
func Decode(b []byte) (*Set, error) {
	s, rest, err := decode(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("read what follows the indicators: %w", ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func decode(b []byte) (*Set, []byte, error) {
	damaged := func(step string) (*Set, []byte, error) {
		return nil, nil, fmt.Errorf("read %s of the indicators: %w", step, ErrDamaged)
	}
	b, ok := bytes.CutPrefix(b, []byte(setMagic))
	if !ok {
		return damaged("the beginning")
	}
	var n [4]uint64
	for i, limit := range []uint64{MaxIndicators, maxTexts, math.MaxUint32, maxArena} {
		if n[i], b, ok = uvarint(b, limit); !ok {
			return damaged("the sizes")
		}
	}
	records, names, blob, arena := n[0], n[1], n[2], n[3]
	// Each text is a byte of length at least, each record ten: what is claimed beyond
	// what is there is refused before anything is allocated for it.
	if uint64(len(b)) < names+blob+arena+uint64(len(Digest{})) || records > arena/10 || names > 2*records {
		return damaged("the sizes")
	}
	s := &Set{}
	s.texts.ends = make([]uint32, 0, names)
	end := uint64(0)
	for range names {
		var size uint64
		if size, b, ok = uvarint(b, maxWhy); !ok {
			return damaged("the texts")
		}
		end += size
		s.texts.ends = append(s.texts.ends, uint32(end))
	}
	if end != blob || uint64(len(b)) < blob+arena+uint64(len(Digest{})) {
		return damaged("the texts")
	}
	s.texts.blob, b = b[:blob:blob], b[blob:]
	s.arena, b = b[:arena:arena], b[arena:]
	s.size = int(records)
	if !s.sound() {
		return damaged("the records")
	}
	s.finish()
	if Digest(b) != s.sum {
		return damaged("the digest")
	}
	return s, b[len(Digest{}):], nil
}

// sound checks every record and text, and their order.
func (s *Set) sound() bool {
	if !s.textsSound() {
		return false
	}
	var last record
	met := uint32(0) // texts are numbered as they appear
	n := 0
	for rest := s.arena; len(rest) > 0; n++ {
		r, after, err := readRecord(rest)
		if err != nil || !r.sound() {
			return false
		}
		for _, text := range [2]uint32{r.source, r.why} {
			if text > met || text >= uint32(len(s.texts.ends)) {
				return false
			}
			if text == met {
				met++
			}
		}
		if n > 0 {
			c := compareKeys(last, r)
			if c > 0 || c == 0 && s.texts.at(last.source) >= s.texts.at(r.source) {
				return false
			}
		}
		last, rest = r, after
	}
	return n == s.size && met == uint32(len(s.texts.ends))
}

// textsSound reports whether the texts are fit to be shown and each is there once.
func (s *Set) textsSound() bool {
	seen := make(map[string]bool, len(s.texts.ends))
	for n := range s.texts.ends {
		text := s.texts.at(uint32(n))
		if seen[text] || tidy(text, maxWhy) != text {
			return false
		}
		seen[text] = true
	}
	return true
}
