// Package intel knows what others have seen attackers use: addresses, networks, names,
// URLs and the hashes of files. It reads the feeds (STIX 2.1, MISP, CSV, plain lists),
// refuses what a poisoned feed would have us believe, keeps a million indicators in
// about 60 bytes each, and finds them in events without allocating.
//
// The way through it: a Reader takes a feed apart, a Guard refuses what must never be an
// indicator, a Builder makes a Set of what is left, a Live hands the Set to whoever
// matches, and Diff makes the Delta that brings an agent's Set up to date.
//
// It is pure: no clock, no network, no files. Time comes as an argument.
package intel

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Type is what an indicator is about.
type Type uint8

// The types. Their numbers are part of what agents are sent and never change.
const (
	IP     Type = 1
	CIDR   Type = 2
	Domain Type = 3
	URL    Type = 4
	MD5    Type = 5
	SHA1   Type = 6
	SHA256 Type = 7
)

var typeNames = [...]string{"", "ip", "cidr", "domain", "url", "md5", "sha1", "sha256"}

// String is the type in one word, as people type it.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

// MarshalText writes the type by name.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a name; an unknown one is an error.
func (t *Type) UnmarshalText(b []byte) error {
	for i, n := range typeNames {
		if i > 0 && n == string(b) {
			*t = Type(i)
			return nil
		}
	}
	return errors.New("an indicator is one of ip, cidr, domain, url, md5, sha1, sha256")
}

// TLP says who may be told of an indicator (FIRST, Traffic Light Protocol 2.0).
type TLP uint8

// The labels, from open to closed. Unmarked is what nobody marked.
const (
	Unmarked    TLP = 0
	Clear       TLP = 1
	Green       TLP = 2
	Amber       TLP = 3
	AmberStrict TLP = 4
	Red         TLP = 5
)

var tlpNames = [...]string{"", "clear", "green", "amber", "amber+strict", "red"}

// String is the label without "TLP:", in lower case; "" when unmarked.
func (t TLP) String() string {
	if int(t) < len(tlpNames) {
		return tlpNames[t]
	}
	return ""
}

// MarshalText writes the label by name.
func (t TLP) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a label, with or without "TLP:". An unknown one is an error.
func (t *TLP) UnmarshalText(b []byte) error {
	got, ok := tlpNamed(string(b))
	if !ok {
		return errors.New("a TLP label is one of clear, green, amber, amber+strict, red")
	}
	*t = got
	return nil
}

func tlpNamed(s string) (TLP, bool) {
	s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "tlp:")
	if s == "white" { // what Clear was called before TLP 2.0
		return Clear, true
	}
	for i, n := range tlpNames {
		if n == s {
			return TLP(i), true
		}
	}
	return Unmarked, false
}

// The longest texts, in bytes. Longer ones are cut, with an ellipsis.
const (
	maxSource = 128
	maxWhy    = 256
	maxRef    = 128
	maxURL    = 2048
	maxName   = 253 // RFC 1035, 2.3.4, without the final dot
)

// Indicator is one thing to look out for, and why.
type Indicator struct {
	Type  Type   `json:"type"`
	Value string `json:"value"`
	// Exact is set on a Domain of which only the name itself is meant, not what is below.
	Exact      bool      `json:"exact,omitempty"`
	Confidence uint8     `json:"confidence"`       // 0 to 100
	Expires    time.Time `json:"expires,omitzero"` // it is no indicator from then on; zero: never
	Source     string    `json:"source"`           // which feed or person says so
	TLP        TLP       `json:"tlp,omitempty"`
	Why        string    `json:"why,omitempty"` // what it is known for
	Ref        string    `json:"ref,omitempty"` // its name at the source, as a STIX or MISP id
}

// Clean returns the indicator in the one form in which it is kept: names in lower case
// and ASCII, addresses without zone or host bits, URLs normalised (RFC 3986, 6.2.2),
// hashes in lower case, a CIDR of one address as an IP. Defanged forms are taken
// ("evil[.]com", "hxxp://"). The error is one sentence that says what is wrong.
func (in Indicator) Clean() (Indicator, error) {
	if in.Source == "" {
		return in, errors.New("nobody is named as its source")
	}
	if in.Confidence > 100 {
		return in, fmt.Errorf("a confidence of %d is not between 0 and 100", in.Confidence)
	}
	if int(in.TLP) >= len(tlpNames) {
		return in, errors.New("its TLP label is not known")
	}
	in.Source, in.Why, in.Ref = tidy(in.Source, maxSource), tidy(in.Why, maxWhy), tidy(in.Ref, maxRef)
	if in.Expires.Before(time.Unix(1, 0)) && !in.Expires.IsZero() || in.Expires.Year() > 9999 {
		return in, errors.New("its expiry is not a time anybody can mean")
	}
	if !in.Expires.IsZero() {
		in.Expires = in.Expires.UTC().Truncate(time.Second)
	}
	return in.cleanValue()
}

func (in Indicator) cleanValue() (Indicator, error) {
	v := Refang(in.Value)
	switch in.Type {
	case IP, CIDR:
		p, err := prefixOf(v)
		if err != nil {
			return in, err
		}
		in.Type, in.Value = CIDR, p.String()
		if p.IsSingleIP() {
			in.Type, in.Value = IP, p.Addr().String()
		}
	case Domain:
		if rest, ok := strings.CutPrefix(v, "*."); ok {
			v, in.Exact = rest, false
		} else if rest, ok := strings.CutPrefix(v, "."); ok {
			v, in.Exact = rest, false
		}
		name, err := domainOf(v)
		if err != nil {
			return in, err
		}
		in.Value = name
	case URL:
		b, _, ok := appendURL(nil, v, true)
		if !ok {
			return in, errors.New("not a URL with scheme and host")
		}
		in.Value = string(b)
	case MD5, SHA1, SHA256:
		if len(v) != hex.EncodedLen(hashLen(in.Type)) || !isHex(v) {
			return in, fmt.Errorf("not a %s hash: that has %d hexadecimal digits", in.Type, hex.EncodedLen(hashLen(in.Type)))
		}
		in.Value = strings.ToLower(v)
	default:
		return in, errors.New("of no type that can be matched")
	}
	if in.Type != Domain {
		in.Exact = false
	}
	return in, nil
}

// prefixOf reads an address or a network. IPv4 within IPv6 is IPv4.
func prefixOf(v string) (netip.Prefix, error) {
	v = strings.TrimSuffix(strings.TrimPrefix(v, "["), "]")
	if !strings.Contains(v, "/") {
		a, err := netip.ParseAddr(v)
		if err != nil {
			return netip.Prefix{}, errors.New("not an address")
		}
		a = a.WithZone("").Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(v)
	if err != nil {
		return netip.Prefix{}, errors.New("not a network")
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, errors.New("a network over all of IPv4 within IPv6")
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

func hashLen(t Type) int {
	switch t {
	case MD5:
		return 16
	case SHA1:
		return 20
	}
	return 32
}

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// tidy makes a text of a feed fit for one line: no control characters, no more than n
// bytes, whole runes.
func tidy(s string, n int) string {
	clean := len(s) <= n
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= ' ' && s[i] < 0x7f
	}
	if clean {
		return s
	}
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), unseen), " ")
	if len(s) <= n {
		return s
	}
	s = s[:n-len("…")]
	return strings.ToValidUTF8(s, "") + "…"
}

// unseen are runes that break a line, or turn its direction so that it reads as
// something else.
func unseen(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x2069 || r == 0xfeff
}
