package baseline

import (
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

func TestOfAThousandRunsOnePasses(t *testing.T) {
	s := NewSieve(SieveRules{})
	run := func(exe string) *event.Event { return started("web-3", "/usr/bin/make", exe) }
	for i := range 1000 {
		if s.Pass(run("/usr/bin/cc"), monday.Add(time.Duration(i)*time.Second)) != (i == 0) {
			t.Fatal("run", i)
		}
	}
	other := run("/usr/bin/cc")
	other.Container.Image = "builder:v2"
	user := run("/usr/bin/cc")
	user.Process.User = "root"
	listen := &event.Event{Kind: event.Listen, Process: event.Process{Exe: "/usr/bin/nc"}, Net: &event.NetOf{Proto: "tcp", Local: netip.MustParseAddrPort("0.0.0.0:4444")}}
	at := monday.Add(time.Hour)
	for name, e := range map[string]*event.Event{"another program": run("/usr/bin/ld"), "an image": other, "another user": user, "another parent": started("web-3", "/usr/bin/ninja", "/usr/bin/cc"),
		"a destination": connected("web-3", "/usr/bin/curl", "203.0.113.9:443", ""), "a listener": listen} {
		if !s.Pass(e, at) || s.Pass(e, at) {
			t.Error(name)
		}
	}
	failed := run("/usr/bin/nmap")
	failed.Exec.Result = -2
	for name, e := range map[string]*event.Event{"one that did not start": failed, "an end": {Kind: event.Exit}, "the same network": connected("web-3", "/usr/bin/curl", "203.0.113.77:443", "")} {
		if s.Pass(e, at) {
			t.Error(name)
		}
	}
	s.Saw(run("/usr/bin/as"), at)
	if s.Pass(run("/usr/bin/as"), at) {
		t.Error("what a rule wanted passes once more")
	}
	if !s.Pass(run("/usr/bin/cc"), monday.Add(12*time.Hour)) {
		t.Error("half a day later it does not pass")
	}
	if !s.Pass(run("/usr/bin/cc"), monday) {
		t.Error("a clock that was set back keeps everything back")
	}
}

// A flood of one kind does not hold back the others, is counted, and what was held back is new still.
func TestAFloodIsHeldBack(t *testing.T) {
	s := NewSieve(SieveRules{Burst: 10, PerMinute: 2, MaxThings: 100})
	n := 0
	for i := range 1000 {
		if s.Pass(started("web-3", "/bin/sh", fmt.Sprintf("/tmp/x%03d", i)), monday) {
			n++
		}
	}
	last := started("web-3", "/bin/sh", "/tmp/x999")
	if got := s.Sifted(); n != 10 || got.Passed != 10 || got.Held != 990 || got.Things > 100 {
		t.Errorf("%d passed, %+v", n, got)
	}
	if !s.Pass(connected("web-3", "/tmp/x999", "203.0.113.9:443", ""), monday) {
		t.Error("where it connects to is held back with it")
	}
	if s.Pass(last, monday) || !s.Pass(last, monday.Add(time.Minute)) || s.Pass(last, monday.Add(2*time.Minute)) {
		t.Error("what was held back does not pass later, once")
	}
}

// Whatever comes: what did not pass, though nothing was held back, had passed within the window; and no more is
// remembered than there is room for.
func TestAFirstSightIsNeverLeftOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := SieveRules{Every: time.Hour, MaxThings: rapid.IntRange(1, 20).Draw(t, "room"), Burst: rapid.IntRange(1, 30).Draw(t, "burst"), PerMinute: rapid.IntRange(1, 5).Draw(t, "rate")}
		s := NewSieve(rules)
		told := map[Thing]time.Time{} // when it passed last
		at := monday
		for range rapid.IntRange(1, 300).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(-1, 400).Draw(t, "seconds")) * time.Second)
			e := started("a", rapid.SampledFrom([]string{"", "/bin/sh", "/sbin/init"}).Draw(t, "parent"), "/bin/"+rapid.StringMatching("[a-e]{1,2}").Draw(t, "exe"))
			held := s.Sifted().Held
			switch passed := s.Pass(e, at); {
			case passed:
				for _, x := range thingsOf(e) {
					told[x] = at
				}
			case s.Sifted().Held == held:
				for _, x := range thingsOf(e) {
					if last, ok := told[x]; !ok || at.Sub(last) >= rules.Every {
						t.Fatalf("%+v is left out at %s; it passed %s", x, at, last)
					}
				}
			}
			if n := s.Sifted().Things; n > rules.MaxThings || len(s.line) > 2*rules.MaxThings+2 {
				t.Fatalf("%d things, %d places", n, len(s.line))
			}
		}
	})
}

func FuzzSieve(f *testing.F) {
	f.Add("/usr/bin/cc", "/usr/bin/make", "www", "img:v1", "evil.example.", []byte{203, 0, 113, 9}, uint16(443))
	f.Add("\xff\x00", "", "", "a@b:c/d", "..", []byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, exe, parent, user, image, name string, addr []byte, port uint16) {
		if !varies(exe) && replaced(exe) != exe {
			t.Fatalf("%q has something that differs at every run", exe)
		}
		s := NewSieve(SieveRules{})
		a, _ := netip.AddrFromSlice(addr)
		for _, e := range []*event.Event{
			{Kind: event.Exec, Process: event.Process{Exe: exe, User: user}, Parent: event.Process{Exe: parent}, Exec: &event.ExecOf{}},
			{Kind: event.Connect, Process: event.Process{Exe: exe}, Net: &event.NetOf{Proto: user, Name: name, Remote: netip.AddrPortFrom(a, port)}},
			{Kind: event.Bind, Process: event.Process{Comm: exe}, Net: &event.NetOf{Proto: "udp", Local: netip.AddrPortFrom(a, port)}},
		} {
			e.Container.Image = image
			s.Pass(e, monday)
			if s.Pass(e, monday) {
				t.Fatal("it passes twice")
			}
			for _, x := range thingsOf(e) {
				if len(x.Subject) > maxText || len(x.Value) > maxText {
					t.Fatalf("%d and %d bytes", len(x.Subject), len(x.Value))
				}
			}
		}
	})
}

// BenchmarkSieve is what an event costs that does not pass, and one that does.
func BenchmarkSieve(b *testing.B) {
	s := NewSieve(SieveRules{Burst: 1 << 30})
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		e := started("web-3", "/usr/local/go/bin/go", "/usr/local/go/pkg/tool/linux_amd64/compile")
		for b.Loop() {
			s.Pass(e, monday)
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.Pass(started("web-3", "/sbin/init", "/tmp/"+string(rune('g'+i%19))+string(rune('g'+i/19%19))+string(rune('g'+i/361%19))+string(rune('g'+i/6859%19))+string(rune('g'+i/130321%19))), monday)
		}
	})
}

// What a sieve remembers is less than a megabyte and a half, whatever comes.
func TestASieveStaysSmall(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := NewSieve(SieveRules{Burst: 1 << 30})
	for i := range 200_000 {
		s.Pass(started("web-3", "/bin/sh", "/tmp/x-"+strconv.FormatInt(int64(i), 36)), monday)
	}
	after := heap()
	if got := s.Sifted(); got.Things != 16_384 || got.Passed < 100_000 {
		t.Errorf("%+v", got)
	}
	t.Logf("%d kB", (int64(after)-int64(before))>>10)
	if after > before+3<<19 {
		t.Errorf("%d bytes", after-before)
	}
}
