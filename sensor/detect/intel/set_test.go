package intel

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// small worlds, so that indicators and questions meet often.
var (
	drawAddr = rapid.Custom(func(t *rapid.T) netip.Addr {
		if rapid.Bool().Draw(t, "v4") {
			return netip.AddrFrom4([4]byte{203, byte(rapid.IntRange(0, 1).Draw(t, "b")), byte(rapid.IntRange(0, 3).Draw(t, "c")), byte(rapid.IntRange(0, 15).Draw(t, "d"))})
		}
		var b [16]byte
		b[0], b[1] = 0x20, 1
		b[rapid.IntRange(2, 15).Draw(t, "at")] = byte(rapid.IntRange(0, 3).Draw(t, "x"))
		return netip.AddrFrom16(b)
	})
	drawName = rapid.Custom(func(t *rapid.T) string {
		labels := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "evil", "x-1", "_tcp"}), 1, 4).Draw(t, "labels")
		return strings.Join(append(labels, rapid.SampledFrom([]string{"com", "co.uk", "net"}).Draw(t, "tld")), ".")
	})
	drawIndicator = rapid.Custom(func(t *rapid.T) Indicator {
		in := Indicator{
			Confidence: uint8(rapid.IntRange(0, 100).Draw(t, "confidence")),
			Source:     rapid.SampledFrom([]string{"feed a", "feed b", "analyst"}).Draw(t, "source"),
			TLP:        TLP(rapid.IntRange(0, 5).Draw(t, "tlp")),
			Why:        rapid.SampledFrom([]string{"", "C2", "miner"}).Draw(t, "why"),
			Ref: rapid.SampledFrom([]string{"", "7", "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
				"indicator--8E2E2D2B-17D4-4CBF-938F-98EE46B3CD3F"}).Draw(t, "ref"),
		}
		switch rapid.IntRange(0, 2).Draw(t, "life") {
		case 1:
			in.Expires = noon.Add(time.Hour)
		case 2:
			in.Expires = noon.Add(-time.Hour)
		}
		switch in.Type = Type(rapid.IntRange(1, 7).Draw(t, "type")); in.Type {
		case IP:
			in.Value = drawAddr.Draw(t, "addr").String()
		case CIDR:
			a := drawAddr.Draw(t, "addr")
			in.Value = netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits")).String()
		case Domain:
			in.Value, in.Exact = drawName.Draw(t, "name"), rapid.Bool().Draw(t, "exact")
		case URL:
			in.Value = "http://" + drawName.Draw(t, "name") + rapid.SampledFrom([]string{"", "/", "/x.sh", "/%61?q=1"}).Draw(t, "path")
		default:
			in.Value = strings.Repeat(rapid.SampledFrom([]string{"0a", "ff", "BC"}).Draw(t, "hex"), hashLen(in.Type))
		}
		return in
	})
	drawSet = rapid.Custom(func(t *rapid.T) *Set {
		return build(t, rapid.SliceOfN(drawIndicator, 0, 40).Draw(t, "indicators"))
	})
)

func build(t interface{ Fatal(...any) }, list []Indicator) *Set {
	var b Builder
	for _, in := range list {
		if err := b.Add(in); err != nil {
			t.Fatal(in, err)
		}
	}
	return b.Set()
}

// naive answers a question by looking at every indicator, as a reader of the promise
// would.
func naive(s *Set, fits func(Indicator) bool) []Indicator {
	var found []Indicator
	for in := range s.All() {
		if (in.Expires.IsZero() || in.Expires.After(noon)) && fits(in) {
			found = append(found, in)
		}
	}
	return found
}

func alike(t *rapid.T, what string, got []Found, want []Indicator) {
	var spelt []Indicator
	for _, f := range got {
		spelt = append(spelt, f.Indicator())
	}
	order := func(a, b Indicator) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	slices.SortFunc(spelt, order)
	slices.SortFunc(want, order)
	if d := cmp.Diff(want, spelt); d != "" {
		t.Fatalf("%s: the scan and the lookup differ:\n%s", what, d)
	}
}

func TestLookupAgreesWithAScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSet.Draw(t, "set")
		a := drawAddr.Draw(t, "asked address")
		alike(t, a.String(), s.Addr(nil, a, noon), naive(s, func(in Indicator) bool {
			if in.Type != IP && in.Type != CIDR {
				return false
			}
			p, _ := prefixOf(in.Value)
			return p.Contains(a)
		}))
		name := drawName.Draw(t, "asked name")
		alike(t, name, s.Domain(nil, strings.ToUpper(name)+".", noon), naive(s, func(in Indicator) bool {
			return in.Type == Domain && (in.Value == name || !in.Exact && strings.HasSuffix(name, "."+in.Value))
		}))
		for in := range s.All() {
			switch in.Type {
			case URL:
				alike(t, in.Value, s.URL(nil, in.Value, noon), naive(s, func(o Indicator) bool { return o.Type == URL && o.Value == in.Value }))
			case MD5, SHA1, SHA256:
				alike(t, in.Value, s.Hash(nil, strings.ToUpper(in.Value), noon), naive(s, func(o Indicator) bool { return o.Type == in.Type && o.Value == in.Value }))
			}
		}
	})
}

func TestASetComesBackFromItsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(drawIndicator, 0, 40).Draw(t, "indicators")
		s := build(t, list)
		b := s.Encode(nil)
		back, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if back.Digest() != s.Digest() || !bytes.Equal(back.Encode(nil), b) {
			t.Fatal("another Set came back")
		}
		slices.Reverse(list)
		if build(t, list).Digest() != s.Digest() {
			t.Fatal("the order in which a feed lists its indicators changes the version")
		}
		if len(b) > 0 { // one bit wrong anywhere
			i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if _, err := Decode(b); err == nil {
				t.Fatalf("a flipped bit in byte %d was believed", i)
			}
		}
	})
}

func TestADeltaLeadsWhereItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, other := drawSet.Draw(t, "a"), drawSet.Draw(t, "b"), drawSet.Draw(t, "other")
		if rapid.Bool().Draw(t, "alike") { // most changes are small
			var grown Builder
			for in := range a.All() {
				if rapid.IntRange(0, 4).Draw(t, "keep") > 0 {
					_ = grown.Add(in)
				}
			}
			_ = grown.Add(drawIndicator.Draw(t, "new"))
			b = grown.Set()
		}
		d, err := DecodeDelta(Diff(a, b).Encode(nil))
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Apply(a)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest() != b.Digest() || !bytes.Equal(got.Encode(nil), b.Encode(nil)) {
			t.Fatal("applied to a, it did not lead to b")
		}
		if _, err := d.Apply(other); other.Digest() != a.Digest() && err != ErrOtherBase { //nolint:errorlint // the very error is promised
			t.Fatalf("it was applied to something else: %v", err)
		}
	})
}

// An agent takes new indicators a hundred times while events stream through it: the one
// that stays is found in every event.
func TestSwappingMissesNoEvent(t *testing.T) {
	stays := Indicator{Type: IP, Value: "203.0.113.9", Source: "feed", Confidence: 50}
	var versions []*Set
	for n := range 4 {
		list := []Indicator{stays}
		for i := range 500 {
			list = append(list, Indicator{Type: Domain, Value: fmt.Sprintf("n%d-%d.example", n, i), Source: "feed"})
		}
		versions = append(versions, build(t, list))
	}
	var live Live
	live.Swap(versions[0])
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			a, found := netip.MustParseAddr("203.0.113.9"), make([]Found, 0, 4)
			for {
				if found = live.Set().Addr(found[:0], a, noon); len(found) != 1 {
					t.Error("an event was missed")
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 100 {
		from, to := versions[i%4], versions[(i+1)%4]
		if err := live.Apply(Diff(from, to)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	if err := live.Apply(Diff(versions[1], versions[2])); err != ErrOtherBase { //nolint:errorlint // the very error is promised
		t.Errorf("a change from other indicators was taken: %v", err)
	}
}

func TestNothingIsAllocatedToLookUp(t *testing.T) {
	s := build(t, []Indicator{
		{Type: IP, Value: "203.0.113.9", Source: "f"}, {Type: CIDR, Value: "203.0.113.0/24", Source: "f"}, {Type: CIDR, Value: "2001:db8::/48", Source: "f"},
		{Type: Domain, Value: "evil.example", Source: "f"}, {Type: URL, Value: "http://evil.example/x.sh", Source: "f"},
		{Type: SHA256, Value: strings.Repeat("ab", 32), Source: "f"},
	})
	into := make([]Found, 0, 16)
	v4, v6, hash := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8::7"), strings.Repeat("AB", 32)
	n := testing.AllocsPerRun(100, func() {
		into = s.Addr(into[:0], v4, noon)
		into = s.Addr(into, v6, noon)
		into = s.Domain(into, "www.EVIL.example.", noon)
		into = s.URL(into, "HTTP://evil.example:80/%78.sh#top", noon)
		into = s.Hash(into, hash, noon)
	})
	if n != 0 || len(into) != 6 {
		t.Errorf("%v allocations for %d found; want 0 for 6", n, len(into))
	}
}

func TestWhatOneSourceSaysTwiceIsKeptOnce(t *testing.T) {
	s := build(t, []Indicator{
		{Type: Domain, Value: "evil.example", Source: "a", Confidence: 20, Why: "old"},
		{Type: Domain, Value: "EVIL.example.", Source: "a", Confidence: 80, Why: "new"},
		{Type: Domain, Value: "evil.example", Source: "b", Confidence: 10},
		{Type: Domain, Value: "evil.example", Source: "a", Exact: true},
	})
	if s.Len() != 3 {
		t.Fatalf("%d are kept", s.Len())
	}
	if found := s.Domain(nil, "evil.example", noon); found[0].Indicator().Why != "new" {
		t.Error("the less confident statement was kept")
	}
}

func TestABuilderHasAnEnd(t *testing.T) {
	b := Builder{Max: 2}
	for i := range 3 {
		err := b.Add(Indicator{Type: IP, Value: fmt.Sprintf("203.0.113.%d", i), Source: "f"})
		if (err == ErrFull) != (i == 2) { //nolint:errorlint // the very error is promised
			t.Errorf("indicator %d: %v", i, err)
		}
	}
}

func TestAnEmptySetAnswers(t *testing.T) {
	var live Live
	var none *Set
	for _, s := range []*Set{live.Set(), none, {}} {
		if s.Len() != 0 || s.Addr(nil, netip.MustParseAddr("2001:db8::1"), noon) != nil || s.Domain(nil, "a.b", noon) != nil || s.URL(nil, "http://a.b/", noon) != nil ||
			s.Hash(nil, strings.Repeat("a", 32), noon) != nil {
			t.Error("an empty Set found something")
		}
		back, err := Decode(s.Encode(nil))
		if err != nil || back.Digest() != s.Digest() {
			t.Errorf("an empty Set does not come back: %v", err)
		}
	}
}
