package baseline

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// deed is something that happens to a Book.
type deed struct {
	what     int
	host     string
	exe, par string
	groups   []string
	at       time.Time
}

var drawDeed = rapid.Custom(func(t *rapid.T) deed {
	return deed{
		what:   rapid.IntRange(0, 9).Draw(t, "what"),
		host:   rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "host"),
		exe:    rapid.SampledFrom([]string{"/bin/sh", "/bin/ls", "/bin/cat", "/tmp/x", "/usr/bin/id"}).Draw(t, "exe"),
		par:    rapid.SampledFrom([]string{"", "/bin/sh", "/usr/sbin/nginx"}).Draw(t, "parent"),
		groups: rapid.SampledFrom([][]string{nil, {"web"}, {"web", "all"}, {"all"}}).Draw(t, "groups"),
		at:     monday.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "day")) * day),
	}
})

func (d deed) do(b *Book) []Novelty {
	s := Scope{Host, d.host}
	switch d.what {
	case 0:
		_ = b.Allow(s, Thing{Program, "", d.exe}, Allowed{"alice", "mine", d.at})
	case 1:
		_ = b.Forget(s, Thing{Program, "", d.exe})
	case 2:
		_ = b.Freeze(s, d.at)
	case 3:
		_ = b.Thaw(s, d.at)
	case 4:
		b.Sweep(d.at)
	case 5:
		return b.Observe(connected(d.host, d.exe, "203.0.113.9:443", ""), Where{Host: d.host, Groups: d.groups}, d.at)
	case 6:
		return b.Observe(started(d.host, d.par, d.exe), Where{Host: d.host, Image: "shop/web", Groups: d.groups}, d.at)
	default:
		return b.Observe(started(d.host, d.par, d.exe), Where{Host: d.host, Groups: d.groups}, d.at)
	}
	return nil
}

// Whatever happens, a Book read back is the same Book: the same bytes, and the same
// answers to whatever happens next. Its bounds hold, and its counts are true.
func TestABookComesBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := book(t, Rules{Learn: 5 * day, MaxEntries: rapid.IntRange(1, 12).Draw(t, "entries"), MaxScopes: rapid.IntRange(1, 6).Draw(t, "scopes"), MaxTotal: 30})
		for _, d := range rapid.SliceOfN(drawDeed, 0, 60).Draw(t, "before") {
			d.do(b)
		}
		raw, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(raw)
		if err != nil {
			t.Fatalf("%v\n%s", err, raw)
		}
		for i, d := range append([]deed{{what: 9, host: "a", exe: "/bin/sh", at: monday}}, rapid.SliceOfN(drawDeed, 0, 30).Draw(t, "after")...) {
			one, other := fmt.Sprint(d.do(b)), fmt.Sprint(d.do(back))
			if one != other {
				t.Fatalf("step %d: %s\n%s", i, one, other)
			}
		}
		x, _ := b.Encode()
		y, _ := back.Encode()
		if !bytes.Equal(x, y) {
			t.Fatalf("%s\n%s", x, y)
		}
		sum := 0
		for _, p := range b.profiles {
			sum += len(p.entries)
			if len(p.entries) > b.rules.MaxEntries {
				t.Fatal("a profile is over its bound")
			}
		}
		if sum != b.total || sum > 30 || len(b.profiles) > b.rules.MaxScopes {
			t.Fatalf("%d things, counted as %d", sum, b.total)
		}
	})
}

func FuzzDecode(f *testing.F) {
	b := book(f, Rules{Learn: day})
	for i := range 4 {
		deed{what: 9, host: "a", exe: "/bin/sh", par: "/sbin/init", groups: []string{"web"}, at: monday.Add(time.Duration(i) * day)}.do(b)
		deed{what: i, host: "a", exe: "/bin/sh", at: monday.Add(time.Duration(i) * day)}.do(b)
	}
	raw, _ := b.Encode()
	f.Add(raw)
	f.Add([]byte(`{"version":1,"rules":{},"profiles":[{"scope":"image/x","began":"2026-01-01T00:00:00Z","last_day":1,"things":[{"facet":"user","value":"a","first_day":1,"last_day":1,"days":1,"count":1,"weight":1}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := Decode(raw)
		if err != nil {
			return
		}
		once, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, _ := again.Encode(); !bytes.Equal(once, twice) {
			t.Fatalf("%s\n%s", once, twice)
		}
		deed{what: 9, host: "a", exe: "/bin/sh", par: "/sbin/init", groups: []string{"web"}, at: monday.Add(30 * day)}.do(b)
		b.Sweep(monday.Add(60 * day))
	})
}

// BenchmarkObserve is the cost of an event that is usual, and of one that is not, in a
// group of a thousand hosts.
func BenchmarkObserve(b *testing.B) {
	bk := book(b, Rules{})
	for h := range 1000 {
		for x := range 20 {
			w := Where{Host: fmt.Sprint("web-", h), Groups: []string{"web"}}
			bk.Observe(started(w.Host, "/sbin/init", "/usr/bin/prog-"+string(rune('a'+x))), w, monday)
		}
	}
	w, at := Where{Host: "web-3", Groups: []string{"web"}}, monday.Add(15*day)
	b.Run("usual", func(b *testing.B) {
		e := started("web-3", "/sbin/init", "/usr/bin/prog-a")
		for b.Loop() {
			bk.Observe(e, w, at)
		}
	})
	b.Run("new", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			bk.Observe(started("web-3", "/sbin/init", "/tmp/"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676%26))+string(rune('a'+i/17576%26))), w, at)
		}
	})
}
