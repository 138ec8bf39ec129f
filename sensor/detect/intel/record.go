package intel

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"time"
)

// A record is one indicator as it lies in a Set:
//
//	kind (1 byte), key length (uvarint), key,
//	flags (1: exact, bits 1-3: TLP), confidence (1), expiry (uvarint, Unix seconds, 0 never),
//	source, why (uvarint, numbers of texts), ref (tag, then 16 bytes or length and text)
//
// Records are sorted by kind, key, scope and source, and no two agree in all four.
type record struct {
	kind       byte
	key        []byte
	exact      bool
	tlp        TLP
	confidence uint8
	expires    int64
	source     uint32
	why        uint32
	ref        []byte // packed
}

// The kinds of keys. An address is a network of one.
const (
	kindNet4 = 1 + iota // 4 bytes and the number of bits
	kindNet6            // 16 bytes and the number of bits
	kindDomain
	kindURL
	kindMD5
	kindSHA1
	kindSHA256
	kinds
)

// What a packed ref begins with.
const (
	refText      = 0 // length and text
	refUUID      = 1 // a UUID, as MISP has them
	refIndicator = 2 // "indicator--" and a UUID, as STIX has them
)

var errRecord = errors.New("a record of indicators is damaged")

// appendKey appends the key of a clean indicator.
func appendKey(dst []byte, in Indicator) (kind byte, key []byte, err error) {
	switch in.Type {
	case IP, CIDR:
		p, err := prefixOf(in.Value)
		if err != nil {
			return 0, dst, err
		}
		if a := p.Addr(); a.Is4() {
			b := a.As4()
			return kindNet4, append(append(dst, b[:]...), byte(p.Bits())), nil
		}
		b := p.Addr().As16()
		return kindNet6, append(append(dst, b[:]...), byte(p.Bits())), nil
	case Domain:
		return kindDomain, append(dst, in.Value...), nil
	case URL:
		return kindURL, append(dst, in.Value...), nil
	}
	key, err = hex.AppendDecode(dst, []byte(in.Value))
	return byte(in.Type-MD5) + kindMD5, key, err
}

// value is a key as people read it.
func value(kind byte, key []byte) (Type, string) {
	switch kind {
	case kindNet4, kindNet6:
		a, _ := netip.AddrFromSlice(key[:len(key)-1])
		if bits := int(key[len(key)-1]); bits < a.BitLen() {
			return CIDR, netip.PrefixFrom(a, bits).String()
		}
		return IP, a.String()
	case kindDomain:
		return Domain, string(key)
	case kindURL:
		return URL, string(key)
	}
	return Type(kind-kindMD5) + MD5, hex.EncodeToString(key)
}

func appendRecord(dst []byte, r record) []byte {
	dst = append(dst, r.kind)
	dst = binary.AppendUvarint(dst, uint64(len(r.key)))
	dst = append(dst, r.key...)
	flags := byte(r.tlp) << 1
	if r.exact {
		flags |= 1
	}
	dst = append(dst, flags, r.confidence)
	dst = binary.AppendUvarint(dst, uint64(r.expires))
	dst = binary.AppendUvarint(dst, uint64(r.source))
	dst = binary.AppendUvarint(dst, uint64(r.why))
	return append(dst, r.ref...)
}

// readRecord reads the record at the beginning of b and returns what comes after it.
// Every length is checked: b may come from outside.
func readRecord(b []byte) (r record, rest []byte, err error) {
	if len(b) < 2 {
		return r, nil, errRecord
	}
	r.kind = b[0]
	n, b, ok := uvarint(b[1:], maxURL)
	if !ok || uint64(len(b)) < n+2 {
		return r, nil, errRecord
	}
	r.key, b = b[:n:n], b[n:]
	r.exact, r.tlp, r.confidence = b[0]&1 == 1, TLP(b[0]>>1), b[1]
	at, b, ok1 := uvarint(b[2:], 1<<40)
	source, b, ok2 := uvarint(b, maxTexts)
	why, b, ok3 := uvarint(b, maxTexts)
	if !ok1 || !ok2 || !ok3 || len(b) < 1 {
		return r, nil, errRecord
	}
	r.expires, r.source, r.why = int64(at), uint32(source), uint32(why)
	size := 17
	if b[0] == refText {
		n, after, ok := uvarint(b[1:], maxRef)
		if !ok {
			return r, nil, errRecord
		}
		size = len(b) - len(after) + int(n)
	}
	if b[0] > refIndicator || len(b) < size {
		return r, nil, errRecord
	}
	r.ref = b[:size:size]
	return r, b[size:], nil
}

// uvarint reads a number of at most limit in its shortest form.
func uvarint(b []byte, limit uint64) (uint64, []byte, bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > limit || n > 1 && b[n-1] == 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

// sound reports whether a record from outside is as appendRecord would have written it.
func (r record) sound() bool {
	if r.tlp > Red || r.confidence > 100 || r.exact && r.kind != kindDomain {
		return false
	}
	switch r.kind {
	case kindNet4, kindNet6:
		size := 4
		if r.kind == kindNet6 {
			size = 16
		}
		if len(r.key) != size+1 {
			return false
		}
		a, ok := netip.AddrFromSlice(r.key[:size])
		p := netip.PrefixFrom(a, int(r.key[size]))
		return ok && p.IsValid() && !a.Is4In6() && p.Masked() == p
	case kindDomain:
		return isName(r.key)
	case kindURL:
		clean, _, ok := appendURL(make([]byte, 0, 256), string(r.key), true)
		return ok && bytes.Equal(clean, r.key)
	case kindMD5, kindSHA1, kindSHA256:
		return len(r.key) == hashLen(Type(r.kind-kindMD5)+MD5)
	}
	return false
}

// compareKeys orders records of the same or of different Sets up to the source.
func compareKeys(a, b record) int {
	if c := cmp.Compare(a.kind, b.kind); c != 0 {
		return c
	}
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	switch {
	case a.exact == b.exact:
		return 0
	case a.exact:
		return 1
	}
	return -1
}

// outranks decides which of two statements of one source on one value is kept: the
// more confident, then the longer lived, then the more closely held, then by text, so
// that the order in which a feed lists them does not matter.
func outranks(a, b record, ta, tb *texts) bool {
	life := func(r record) int64 {
		if r.expires == 0 {
			return 1 << 62
		}
		return r.expires
	}
	return cmp.Or(
		cmp.Compare(a.confidence, b.confidence),
		cmp.Compare(life(a), life(b)),
		cmp.Compare(a.tlp, b.tlp),
		strings.Compare(tb.at(b.why), ta.at(a.why)),
		bytes.Compare(b.ref, a.ref)) > 0
}

// live reports whether the record still counts at a moment in Unix seconds.
func (r record) live(at int64) bool { return r.expires == 0 || r.expires > at }

func (r record) indicator(t *texts) Indicator {
	in := Indicator{Exact: r.exact, Confidence: r.confidence, TLP: r.tlp, Source: t.at(r.source), Why: t.at(r.why), Ref: unpackRef(r.ref)}
	in.Type, in.Value = value(r.kind, r.key)
	if r.expires != 0 {
		in.Expires = time.Unix(r.expires, 0).UTC()
	}
	return in
}

const indicatorPrefix = "indicator--"

func appendRef(dst []byte, ref string) []byte {
	tag, id := byte(refUUID), ref
	if rest, ok := strings.CutPrefix(ref, indicatorPrefix); ok {
		tag, id = refIndicator, rest
	}
	if u, ok := uuid(id); ok {
		return append(append(dst, tag), u[:]...)
	}
	dst = binary.AppendUvarint(append(dst, refText), uint64(len(ref)))
	return append(dst, ref...)
}

func unpackRef(b []byte) string {
	if b[0] == refText {
		_, text, _ := uvarint(b[1:], maxRef)
		return string(text)
	}
	var out [36]byte
	for i, j := 1, 0; i <= 16; i++ {
		if j == 8 || j == 13 || j == 18 || j == 23 {
			out[j] = '-'
			j++
		}
		j += hex.Encode(out[j:], b[i:i+1])
	}
	if b[0] == refIndicator {
		return indicatorPrefix + string(out[:])
	}
	return string(out[:])
}

// uuid reads a UUID in its usual form, lower case: only that comes back the same.
func uuid(s string) (u [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' || strings.ToLower(s) != s {
		return u, false
	}
	_, err := hex.Decode(u[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:]))
	return u, err == nil
}
