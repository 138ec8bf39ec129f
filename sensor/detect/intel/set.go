package intel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"iter"
	"math/bits"
	"net/netip"
	"time"
)

// The most a Set holds.
const (
	MaxIndicators = 4 << 20
	maxTexts      = 1 << 21 // distinct sources and reasons
	maxArena      = 1 << 30 // bytes of records
)

// Digest is the version of a Set: SHA-256 over everything in it. Two Sets with the same
// indicators have the same Digest, however they came about.
type Digest [sha256.Size]byte

// String is the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Set is many indicators, sorted, in a few allocations without pointers, so that the
// garbage collector has nothing to walk. It never changes; any number of goroutines may
// ask it. The zero value and nil are empty Sets.
type Set struct {
	arena []byte // the records, one after another
	size  int    // how many
	texts texts  // sources and reasons, each once
	sum   Digest

	// The table is open addressing with linear probing. A slot is the upper half of the
	// key's hash and where the first record with that key begins, plus one; records with
	// the same key follow each other. The hash is keyed anew for each Set: a feed cannot
	// choose names that collide.
	table []uint64
	seeds [kinds]maphash.Seed
	count [kinds]int
	// filter says no for almost every key that is not there, out of the processor's
	// cache: two bytes for each key, one word for each question (a blocked Bloom filter;
	// Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
	filter []uint64

	// Which lengths of networks there are, by the first 16 bits of an IPv4 address and
	// by a hash of the first 32 bits of an IPv6 address: an address is looked up once
	// for each length that can matter to it.
	nets4 []uint32 // bit n-1 for length n; length 0 is in whole4
	nets6 [][2]uint64
	// whole says that a network of length 0 is in the Set.
	whole4, whole6 bool
	// labels is the most labels that a domain of the Set has.
	labels int
}

// Len is the number of indicators, expired ones included.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return s.size
}

// Digest is the version.
func (s *Set) Digest() Digest {
	if s == nil || s.size == 0 {
		return emptyDigest
	}
	return s.sum
}

// All goes through the indicators in the order of the Set, expired ones included.
func (s *Set) All() iter.Seq[Indicator] {
	return func(yield func(Indicator) bool) {
		for c := s.first(); c.more; c.next() {
			if !yield(c.indicator(&s.texts)) {
				return
			}
		}
	}
}

// cursor stands on one record after another.
type cursor struct {
	record
	more bool
	at   uint32 // where it begins
	n    int    // its number
	rest []byte
	set  *Set
}

func (s *Set) first() *cursor {
	c := &cursor{set: s, n: -1}
	if s != nil {
		c.rest = s.arena
	}
	c.next()
	return c
}

func (c *cursor) next() {
	if c.more = len(c.rest) > 0; !c.more {
		return
	}
	c.n++
	c.at = uint32(len(c.set.arena) - len(c.rest))
	c.record, c.rest = checked(c.rest)
}

// checked reads a record of a Set. All were checked when the Set was made.
func checked(b []byte) (record, []byte) {
	r, rest, err := readRecord(b)
	if err != nil {
		panic(err) // memory was overwritten: nothing that this process says can be believed
	}
	return r, rest
}

// Found is an indicator that was found. It is small and does not allocate; Indicator
// spells it out.
type Found struct {
	set *Set
	at  uint32
}

// Indicator is what was found.
func (f Found) Indicator() Indicator {
	r, _ := checked(f.set.arena[f.at:])
	return r.indicator(&f.set.texts)
}

// Addr appends every indicator that covers the address and has not expired: the address
// itself first, then wider networks. IPv4 within IPv6 (mapped, or NAT64's 64:ff9b::/96,
// RFC 6052) is looked up as IPv4.
func (s *Set) Addr(into []Found, a netip.Addr, at time.Time) []Found {
	return s.addr(into, a, at.Unix())
}

func (s *Set) addr(into []Found, a netip.Addr, at int64) []Found {
	if s == nil || !a.IsValid() {
		return into
	}
	if a = a.Unmap(); a.Is4() {
		return s.addr4(into, a.As4(), at)
	}
	b := a.As16()
	if [12]byte(b[:12]) == nat64 {
		into = s.addr4(into, [4]byte(b[12:]), at)
	}
	if s.count[kindNet6] == 0 {
		return into
	}
	lengths := s.nets6[bucket6(b)]
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var key [17]byte
	for half := 1; half >= 0; half-- {
		for set := lengths[half]; set != 0; {
			n := half*64 + bits.Len64(set) // the longest first
			set &^= 1 << (bits.Len64(set) - 1)
			h, l := hi, uint64(0)
			if n <= 64 {
				h = hi & (^uint64(0) << (64 - n))
			} else {
				l = lo & (^uint64(0) << (128 - n))
			}
			binary.BigEndian.PutUint64(key[:8], h)
			binary.BigEndian.PutUint64(key[8:16], l)
			key[16] = byte(n)
			into = s.find(into, kindNet6, key[:], at, true)
		}
	}
	if s.whole6 {
		into = s.find(into, kindNet6, make([]byte, 17), at, true)
	}
	return into
}

var nat64 = [12]byte{0x00, 0x64, 0xff, 0x9b}

func (s *Set) addr4(into []Found, b [4]byte, at int64) []Found {
	if s.count[kindNet4] == 0 {
		return into
	}
	a := binary.BigEndian.Uint32(b[:])
	var key [5]byte
	for set := s.nets4[a>>16]; set != 0; {
		n := bits.Len32(set)
		set &^= 1 << (n - 1)
		binary.BigEndian.PutUint32(key[:4], a&(^uint32(0)<<(32-n)))
		key[4] = byte(n)
		into = s.find(into, kindNet4, key[:], at, true)
	}
	if s.whole4 {
		into = s.find(into, kindNet4, make([]byte, 5), at, true)
	}
	return into
}

// buckets6 is a power of two.
const buckets6 = 4096

// bucket6 spreads the first 32 bits of an address, which registries hand out in blocks,
// over the buckets. Two blocks in one bucket cost a needless look, nothing more.
func bucket6(b [16]byte) uint32 {
	return binary.BigEndian.Uint32(b[:4]) * 2654435761 >> 20 & (buckets6 - 1)
}

// Domain appends every indicator that takes in the name: the name itself, then the names
// it lies below. Case and a final dot do not matter.
func (s *Set) Domain(into []Found, name string, at time.Time) []Found {
	return s.domain(into, name, at.Unix())
}

func (s *Set) domain(into []Found, name string, at int64) []Found {
	if s == nil || s.count[kindDomain] == 0 {
		return into
	}
	var buf [maxName + 3]byte
	key, ok := appendLower(buf[:0], name)
	if !ok {
		return into
	}
	return s.below(into, key, at)
}

// below looks up a name in lower case and, dot by dot, the names above it, as far as the
// Set has names with that few labels: a name of a hundred labels costs no more.
func (s *Set) below(into []Found, key []byte, at int64) []Found {
	n := 1 + bytes.Count(key, dot)
	for whole := true; ; whole = false {
		if n <= s.labels {
			into = s.find(into, kindDomain, key, at, whole)
		}
		cut := bytes.IndexByte(key, '.')
		if cut < 0 {
			return into
		}
		key, n = key[cut+1:], n-1
	}
}

var dot = []byte{'.'}

// URL appends every indicator that is that URL, once both are in their clean form.
func (s *Set) URL(into []Found, url string, at time.Time) []Found {
	if s == nil || s.count[kindURL] == 0 {
		return into
	}
	if len(url) > shortURL {
		var buf [maxURL + 64]byte
		return s.url(into, buf[:0], url, at.Unix())
	}
	var buf [roomFor]byte
	return s.url(into, buf[:0], url, at.Unix())
}

func (s *Set) url(into []Found, buf []byte, url string, at int64) []Found {
	key, _, ok := appendURL(buf, url, true)
	if !ok {
		return into
	}
	return s.find(into, kindURL, key, at, true)
}

// Hash appends every indicator for the hash, in hexadecimal of either case. Its length
// says whether it is an MD5, SHA-1 or SHA-256.
func (s *Set) Hash(into []Found, hash string, at time.Time) []Found {
	return s.hash(into, hash, at.Unix())
}

func (s *Set) hash(into []Found, h string, at int64) []Found {
	kind := byte(kindMD5)
	switch len(h) {
	case 40:
		kind = kindSHA1
	case 64:
		kind = kindSHA256
	case 32:
	default:
		return into
	}
	if s == nil || s.count[kind] == 0 {
		return into
	}
	var key [32]byte
	wrong := byte(0)
	for i := 0; i+1 < len(h); i += 2 {
		hi, lo := hexValue[h[i]], hexValue[h[i+1]]
		wrong |= hi | lo
		key[i/2&31] = hi<<4 | lo&15
	}
	if wrong > 15 {
		return into
	}
	return s.find(into, kind, key[:len(h)/2], at, true)
}

// hexValue is a digit's value, or 255.
var hexValue = func() (v [256]byte) {
	for i := range v {
		v[i] = 255
		if c := byte(i); isHex(string(rune(c))) && c < 0x80 {
			v[i] = unhex(c)
		}
	}
	return v
}()

// find appends the records with that key that live. Without whole, those that mean the
// name alone are passed over.
func (s *Set) find(into []Found, kind byte, key []byte, at int64, whole bool) []Found {
	h := maphash.Bytes(s.seeds[kind], key)
	if word, bits := s.filterBits(h); s.filter[word]&bits != bits {
		return into
	}
	for slot := s.slot(h); ; {
		v := s.table[slot]
		if v == 0 {
			return into
		}
		if v>>32 == h>>32 && s.hasKey(uint32(v)-1, kind, key) {
			return s.run(into, uint32(v)-1, kind, key, at, whole)
		}
		if slot++; slot == uint32(len(s.table)) {
			slot = 0
		}
	}
}

func (s *Set) run(into []Found, off uint32, kind byte, key []byte, at int64, whole bool) []Found {
	for int(off) < len(s.arena) && s.hasKey(off, kind, key) {
		r, rest := checked(s.arena[off:])
		if r.live(at) && (whole || !r.exact) {
			into = append(into, Found{s, off})
		}
		off = uint32(len(s.arena) - len(rest))
	}
	return into
}

// slot maps the lower half of a hash evenly onto the table, whatever its length (Lemire,
// "A fast alternative to the modulo reduction", 2016). The upper half is the tag.
func (s *Set) slot(h uint64) uint32 {
	return uint32(uint64(uint32(h)) * uint64(len(s.table)) >> 32)
}

// filterBits are the word of the filter that answers for a hash, and four bits in it.
func (s *Set) filterBits(h uint64) (word int, bits uint64) {
	word = int(h >> 32 * uint64(len(s.filter)) >> 32)
	return word, 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63)
}

func (s *Set) hasKey(off uint32, kind byte, key []byte) bool {
	b := s.arena[off:]
	if b[0] != kind {
		return false
	}
	size, k := uint64(b[1]), b[2:]
	if size >= 0x80 {
		var w int
		size, w = binary.Uvarint(b[1:])
		k = b[1+w:]
	}
	return size == uint64(len(key)) && bytes.Equal(k[:size], key)
}
