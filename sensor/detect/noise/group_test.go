package noise

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func grouper(t interface{ Fatal(...any) }, w Windows) *Grouper {
	g, err := NewGrouper(w)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// An intruder comes in on one host and goes on to two others: one group tells it all.
func TestAnIntrusionIsOneSignal(t *testing.T) {
	g := grouper(t, Windows{})
	at := noon
	add := func(s Signal) Change { at = at.Add(time.Minute); return g.Add(s, at) }
	first := add(signal("1", "sigma/webshell", "web-3", High))
	if !first.New || first.Group != "1" {
		t.Errorf("%+v", first)
	}
	if c := add(signal("2", "sigma/webshell", "web-3", High)); c.New || c.Rose || c.Group != "1" {
		t.Errorf("%+v", c)
	}
	if c := add(signal("2", "sigma/webshell", "web-3", High)); !c.Again {
		t.Errorf("sent twice, counted twice: %+v", c)
	}
	if c := add(signal("3", "sigma/ssh", "db-1", Low, "user/deploy")); !c.New {
		t.Errorf("%+v", c)
	}
	s := signal("4", "intel/cert", "web-3", Critical, "ip/203.0.113.9", "user/deploy")
	s.Techniques = []string{"T1021.004"}
	if c := add(s); !c.Rose || !slices.Equal(c.Merged, []string{"3"}) || c.Group != "1" {
		t.Errorf("%+v", c)
	}
	drill := signal("5", "sigma/webshell", "web-3", Critical)
	drill.Drill = true
	if c := add(drill); !c.New {
		t.Errorf("a drill touched what is real: %+v", c)
	}
	got, _ := g.Group("1")
	if want := "4 signals of 3 rules on 2 hosts, critical; first: nginx on web-3 started sh"; got.String() != want {
		t.Errorf("%s", got)
	}
	if got.Count != 4 || got.Rules[0] != (RuleCount{"sigma/webshell", 2}) || len(got.Samples) != 4 || got.Drill {
		t.Errorf("%+v", got)
	}
	if len(got.Rises) != 3 || got.Rises[0].ID != "1" || got.Rises[1].ID != "3" || got.Rises[2].ID != "4" { // the second of its rule raised nothing
		t.Errorf("what raised it: %+v", got.Rises)
	}
	if closed := g.Closed(at.Add(time.Minute)); len(closed) != 0 {
		t.Errorf("closed too soon: %+v", closed)
	}
	if closed := g.Closed(at.Add(time.Hour)); len(closed) != 2 || closed[0].ID != "1" || g.Open() != 0 {
		t.Errorf("%+v", closed)
	}
	if c := g.Add(signal("6", "sigma/webshell", "web-3", High), at.Add(time.Hour)); !c.New {
		t.Errorf("an hour later it is another: %+v", c)
	}
	if _, ok := g.Group("1"); ok {
		t.Error("a closed group is open")
	}
}

func TestAGroupThatNeverRestsEndsAllTheSame(t *testing.T) {
	g := grouper(t, Windows{Gap: time.Minute, Longest: 10 * time.Minute})
	n := 0
	for i := range 60 {
		if g.Add(signal(fmt.Sprint(i), "r", "a", Low), noon.Add(time.Duration(i)*30*time.Second)).New {
			n++
		}
	}
	if closed := g.Closed(noon.Add(time.Hour)); n != 3 || len(closed) != 3 {
		t.Errorf("%d opened, %d closed", n, len(closed))
	}
}

func TestAFloodOfGroupsIsCounted(t *testing.T) {
	g := grouper(t, Windows{MaxOpen: 10})
	for i := range 100 {
		g.Add(signal(fmt.Sprint(i), "r", fmt.Sprint("h", i), Low), noon.Add(time.Duration(i)*time.Second))
	}
	if closed := g.Closed(noon.Add(2 * time.Minute)); g.Open() != 10 || g.PushedOut() != 90 || len(closed) != 90 {
		t.Errorf("%d open, %d pushed out, %d told", g.Open(), g.PushedOut(), len(closed))
	}
	long := signal(strings.Repeat("x", 10_000), strings.Repeat("r", 10_000), "a", Low, make([]string, 1000)...)
	c := g.Add(long, noon.Add(3*time.Minute))
	if got, _ := g.Group(c.Group); len(got.Rules[0].Rule) > maxText || len(got.Samples[0].Entities) > maxEntities {
		t.Error("a text without end is kept")
	}
	if _, err := NewGrouper(Windows{Gap: time.Hour, Longest: time.Minute}); err == nil {
		t.Error("a gap longer than the window was taken")
	}
}

var drawSignal = rapid.Custom(func(t *rapid.T) Signal {
	s := signal("", rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "rule"), rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "host"), Level(rapid.IntRange(1, 5).Draw(t, "level")),
		rapid.SliceOfN(rapid.SampledFrom([]string{"ip/1", "ip/2", "user/x", "hash/h"}), 0, 2).Draw(t, "entities")...)
	s.Drill = rapid.IntRange(0, 5).Draw(t, "drill") == 0
	s.Techniques = rapid.SliceOfN(rapid.SampledFrom([]string{"T1059.004", "T1021"}), 0, 2).Draw(t, "techniques")
	return s
})

// Whatever comes: every signal is counted in exactly one group, two that share an entity
// within the window are in the same, and drills and real ones never are.
func TestNoSignalIsLostOrCountedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := grouper(t, Windows{Gap: 5 * time.Minute, Longest: 20 * time.Minute, MaxOpen: rapid.IntRange(1, 6).Draw(t, "open")})
		at, added := noon, 0
		var closed []Group
		var last Signal
		var lastGroup Change
		for i := range rapid.IntRange(1, 80).Draw(t, "n") {
			s := drawSignal.Draw(t, "signal")
			s.ID = fmt.Sprint(i)
			step := time.Duration(rapid.IntRange(0, 240).Draw(t, "step")) * time.Second
			at = at.Add(step)
			c := g.Add(s, at)
			if c.Again {
				t.Fatal("a new signal was taken for an old one")
			}
			added++
			got, ok := g.Group(c.Group)
			if !ok || got.Drill != s.Drill || got.Level < s.Level || !slices.Contains(got.Hosts, s.Host) && s.Host != "" {
				t.Fatalf("%+v is not in %+v", s, got)
			}
			shares := slices.ContainsFunc(s.entities(), func(e string) bool { return slices.Contains(last.entities(), e) })
			if i > 0 && shares && step < 5*time.Minute && at.Sub(got.First) < 20*time.Minute && c.New && at.Sub(noon) < 20*time.Minute {
				t.Fatalf("%+v and %+v share an entity; %+v, %+v", last, s, lastGroup, c)
			}
			last, lastGroup = s, c
			if rapid.IntRange(0, 9).Draw(t, "collect") == 0 {
				closed = append(closed, g.Closed(at)...)
			}
		}
		closed = append(closed, g.Closed(at.Add(time.Hour))...)
		sum := 0
		ids := map[string]bool{}
		for _, c := range closed {
			sum += c.Count
			byRule := 0
			for _, r := range c.Rules {
				byRule += r.Count
			}
			if byRule != c.Count || ids[c.ID] {
				t.Fatalf("%+v", c)
			}
			ids[c.ID] = true
		}
		if sum != added || g.Open() != 0 || len(g.by) != 0 {
			t.Fatalf("%d added, %d told, %d open, %d entities left", added, sum, g.Open(), len(g.by))
		}
	})
}

// BenchmarkAdd is a storm on one host.
func BenchmarkAdd(b *testing.B) {
	g := grouper(b, Windows{})
	for i := 0; b.Loop(); i++ {
		g.Add(signal(fmt.Sprint(i), "r", "web-3", Low, "ip/203.0.113.9"), noon.Add(time.Duration(i)*time.Millisecond))
	}
}
