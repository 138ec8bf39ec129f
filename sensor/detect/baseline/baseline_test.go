package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

var monday = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func started(host, parent, exe string) *event.Event {
	return &event.Event{Kind: event.Exec, Host: host, Parent: event.Process{Exe: parent}, Process: event.Process{Exe: exe, User: "www"}, Exec: &event.ExecOf{}}
}

func connected(host, exe, to, name string) *event.Event {
	return &event.Event{Kind: event.Connect, Host: host, Process: event.Process{Exe: exe}, Net: &event.NetOf{Proto: "tcp", Remote: netip.MustParseAddrPort(to), Name: name}}
}

func book(t interface{ Fatal(...any) }, r Rules) *Book {
	b, err := New(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forty is a group of web servers that did the same for two weeks.
func forty(t *testing.T) *Book {
	b := book(t, Rules{})
	for d := range 14 {
		for h := range 40 {
			w := Where{Host: fmt.Sprintf("web-%d", h), Groups: []string{"web", "all"}}
			if news := b.Observe(started(w.Host, "/usr/sbin/nginx", "/usr/sbin/nginx"), w, monday.Add(time.Duration(d)*day)); len(news) > 0 {
				t.Fatalf("reported while learning: %+v", news)
			}
		}
	}
	return b
}

func TestAWebServersFirstShell(t *testing.T) {
	b := forty(t)
	at := monday.Add(14*day + time.Hour)
	web3 := Where{Host: "web-3", Groups: []string{"web", "all"}}
	if news := b.Observe(started("web-3", "/usr/sbin/nginx", "/usr/sbin/nginx"), web3, at); len(news) != 0 {
		t.Errorf("what is usual was reported: %+v", news)
	}
	news := b.Observe(started("web-3", "/usr/sbin/nginx", "/bin/sh"), web3, at)
	if len(news) != 2 {
		t.Fatalf("%+v", news)
	}
	child := news[1]
	if want := "nginx never started sh on web-3 in 14 days; none of 39 other hosts in group web does"; child.Why != want {
		t.Errorf("\n got %s\nwant %s", child.Why, want)
	}
	if child.Score != 96 || child.Know != 0 || child.Peers != 39 {
		t.Errorf("%+v", child)
	}
	// An hour later it is no news; a day later it is, a third day makes it usual.
	for _, c := range []struct {
		later time.Duration
		want  int
		says  string
	}{{time.Hour, 0, ""}, {day, 2, ", but for 2 days of late;"}, {2 * day, 2, ", but for 3 days of late;"}, {3 * day, 0, ""}} {
		news := b.Observe(started("web-3", "/usr/sbin/nginx", "/bin/sh"), web3, at.Add(c.later))
		if len(news) != c.want || c.want > 0 && !strings.Contains(news[1].Why, c.says) {
			t.Errorf("after %s: %+v", c.later, news)
		}
	}
	// A neighbour does the same: one of its peers knows it now, which tells less.
	web4 := Where{Host: "web-4", Groups: []string{"web", "all"}}
	news = b.Observe(started("web-4", "/usr/sbin/nginx", "/bin/sh"), web4, at.Add(3*day))
	if len(news) != 2 || news[1].Know != 1 || news[1].Score >= child.Score {
		t.Errorf("%+v", news)
	}
}

func TestEveryFacetHasItsSentence(t *testing.T) {
	b := book(t, Rules{Learn: day})
	w := Where{Host: "db-1"}
	b.Observe(started("db-1", "/sbin/init", "/usr/bin/postgres"), w, monday)
	at := monday.Add(3 * day)
	listen := &event.Event{Kind: event.Listen, Host: "db-1", Process: event.Process{Exe: "/tmp/x\x1b[2J"}, Net: &event.NetOf{Proto: "tcp", Local: netip.MustParseAddrPort("0.0.0.0:4444")}}
	root := started("db-1", "/sbin/init", "/usr/bin/postgres")
	root.Process.User, root.Process.EUID = "", 0
	for _, c := range []struct {
		e    *event.Event
		want string
	}{
		{connected("db-1", "/usr/bin/curl", "203.0.113.9:443", ""), "curl never connected to 203.0.113.0/24 tcp port 443 on db-1 in 3 days; no other hosts have learned enough to compare"},
		{connected("db-1", "/usr/bin/curl", "203.0.113.9:443", "a.b.Example.co.uk."), "curl never connected to example.co.uk tcp port 443 on db-1 in 3 days; no other hosts have learned enough to compare"},
		{connected("db-1", "/usr/bin/curl", "[2001:db8:1:2::3]:50001", ""), "curl never connected to 2001:db8:1::/48 tcp high port on db-1 in 3 days; no other hosts have learned enough to compare"},
		{listen, `"/tmp/x\x1b[2J" never listened on tcp port 4444 on db-1 in 3 days; no other hosts have learned enough to compare`},
		{root, "user uid 0 never ran anything on db-1 in 3 days; no other hosts have learned enough to compare"},
	} {
		news := b.Observe(c.e, w, at)
		if len(news) != 1 || news[0].Why != c.want {
			t.Errorf("\n got %+v\nwant %s", news, c.want)
		}
	}
	failed := started("db-1", "/sbin/init", "/usr/bin/nmap")
	failed.Exec.Result = -2
	for name, e := range map[string]*event.Event{"a program that did not start": failed, "itself": connected("db-1", "/usr/bin/psql", "127.0.0.1:5432", ""), "nothing": {Kind: event.Connect}} {
		if news := b.Observe(e, w, at); len(news) != 0 {
			t.Errorf("%s: %+v", name, news)
		}
	}
}

func TestWhatDiffersAtEveryRunIsTheSameProgram(t *testing.T) {
	for exe, want := range map[string]string{
		"/tmp/go-build2837468234/b001/exe/main": "/tmp/go-build#/b001/exe/main",
		"/tmp/go-build19/b001/exe/main":         "/tmp/go-build19/b001/exe/main",
		"/run/user/1000/3f2a9c1d44/x":           "/run/user/#/#/x",
		"/usr/bin/python3.11":                   "/usr/bin/python3.11",
		"/opt/facade/decade":                    "/opt/facade/decade",
	} {
		if got := steady(exe); got != want {
			t.Errorf("%s became %s", exe, got)
		}
	}
	a, b := cut(strings.Repeat("a", 300)+"1"), cut(strings.Repeat("a", 300)+"2")
	if a == b || len(a) > maxText || cut(a) != a {
		t.Errorf("%q %q", a, b)
	}
}

func TestContainersAreKnownByTheirImage(t *testing.T) {
	b := book(t, Rules{Learn: day})
	e := started("node-1", "/usr/sbin/nginx", "/usr/sbin/nginx")
	e.Container.Image = "registry.example:5000/shop/web:v1@sha256:abc"
	w := WhereOf(e, []string{"nodes"})
	if w.Image != "registry.example:5000/shop/web" {
		t.Fatal(w.Image)
	}
	b.Observe(e, w, monday)
	other := w
	other.Host = "node-2" // it moved
	if news := b.Observe(e, other, monday.Add(2*day)); len(news) != 0 {
		t.Errorf("%+v", news)
	}
	news := b.Observe(started("node-2", "/usr/sbin/nginx", "/bin/sh"), other, monday.Add(2*day))
	if len(news) != 2 || !strings.HasPrefix(news[1].Why, "nginx never started sh in image registry.example:5000/shop/web in 2 days; no other images") {
		t.Errorf("%+v", news)
	}
}

// Runtimes write the same image in many ways.
func TestAnImageHasOneName(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	for image, want := range map[string]string{
		"nginx":                                  "nginx",
		"nginx:1.27":                             "nginx",
		"nginx@" + digest:                        "nginx",
		"nginx:1.27@" + digest:                   "nginx",
		"docker.io/library/nginx:1.27":           "nginx",
		"index.docker.io/library/nginx":          "nginx",
		"docker.io/shop/web:v1":                  "shop/web",
		"shop/web":                               "shop/web",
		"registry.example:5000/shop/web":         "registry.example:5000/shop/web",
		"registry.example:5000/shop/web:v1":      "registry.example:5000/shop/web",
		"registry.example/docker.io/library/web": "registry.example/docker.io/library/web",
		"library/nginx":                          "library/nginx",
		digest:                                   digest,
		"@" + digest:                             digest,
		strings.Repeat("ab", 32):                 strings.Repeat("ab", 32),
		"sha256":                                 "sha256",
		"":                                       "",
	} {
		if got := ImageName(image); got != want {
			t.Errorf("%q is %q, want %q", image, got, want)
		}
	}
}

func TestWhatIsNotSeenFades(t *testing.T) {
	b := book(t, Rules{})
	w := Where{Host: "a"}
	b.Observe(started("a", "", "/usr/bin/rare"), w, monday)
	if news := b.Observe(started("a", "", "/usr/bin/rare"), w, monday.Add(40*day)); len(news) != 0 {
		t.Errorf("forgotten too soon: %+v", news)
	}
	if n := b.Sweep(monday.Add(60 * day)); n != 0 {
		t.Errorf("%d swept too soon", n)
	}
	if news := b.Observe(started("a", "", "/usr/bin/rare"), w, monday.Add(400*day)); len(news) == 0 {
		t.Error("after a year it was still usual")
	}
	if n := b.Sweep(monday.Add(1000 * day)); n == 0 || b.Size().Scopes != 0 || b.Size().Things != 0 {
		t.Errorf("%d swept, %+v left", n, b.Size())
	}
}

// A clock that goes backwards teaches nothing wrong.
func TestAClockThatJumpsBack(t *testing.T) {
	b := forty(t)
	w := Where{Host: "web-3", Groups: []string{"web", "all"}}
	e := started("web-3", "/usr/sbin/nginx", "/usr/sbin/nginx")
	for _, at := range []time.Time{monday.Add(20 * day), monday.Add(-1000 * day), {}, time.Unix(0, 0), monday.Add(20 * day)} {
		if news := b.Observe(e, w, at); len(news) != 0 {
			t.Errorf("at %s: %+v", at, news)
		}
	}
}

func TestFrozenWhileAnIncidentLasts(t *testing.T) {
	b := forty(t)
	s, w := Scope{Host, "web-3"}, Where{Host: "web-3", Groups: []string{"web", "all"}}
	at := monday.Add(15 * day)
	if err := b.Freeze(s, at); err != nil {
		t.Fatal(err)
	}
	shell := started("web-3", "/usr/sbin/nginx", "/bin/sh")
	for d := range 10 { // an intruder has all the time in the world
		if news := b.Observe(shell, w, at.Add(time.Duration(d)*day)); len(news) != 2 {
			t.Fatalf("day %d: %+v", d, news)
		}
	}
	if news := b.Observe(started("web-3", "/usr/sbin/nginx", "/usr/sbin/nginx"), w, at.Add(300*day)); len(news) != 0 {
		t.Errorf("what was usual faded: %+v", news)
	}
	if err := b.Thaw(s, at.Add(300*day)); err != nil {
		t.Fatal(err)
	}
	if news := b.Observe(shell, w, at.Add(301*day)); len(news) != 2 || news[1].Times != 1 {
		t.Errorf("the intruder's shell became usual: %+v", news)
	}
	if news := b.Observe(started("web-3", "/usr/sbin/nginx", "/usr/sbin/nginx"), w, at.Add(301*day)); len(news) != 0 {
		t.Errorf("what was usual is not: %+v", news)
	}
}

func TestPeopleCorrectIt(t *testing.T) {
	b := forty(t)
	s, w, at := Scope{Host, "web-3"}, Where{Host: "web-3", Groups: []string{"web"}}, monday.Add(20*day)
	shell := Thing{Child, "/usr/sbin/nginx", "/bin/sh"}
	by := Allowed{By: "alice", Why: "health check", At: at}
	for _, c := range []struct {
		err  error
		want error
	}{
		{b.Allow(s, shell, Allowed{By: "alice", At: at}), ErrNoName},
		{b.Allow(Scope{Host, "nobody"}, shell, by), ErrNoScope},
		{b.Allow(s, Thing{}, by), ErrNoThing},
		{b.Allow(s, shell, by), nil},
		{b.Allow(s, Thing{Program, "", "/bin/sh"}, by), nil},
		{b.Forget(s, Thing{Program, "", "/bin/missing"}), ErrNoThing},
		{b.Forget(Scope{Host, "nobody"}, shell), ErrNoScope},
		{b.Freeze(Scope{Host, "nobody"}, at), ErrNoScope},
		{b.Thaw(Scope{Host, "nobody"}, at), ErrNoScope},
		{b.ForgetAll(Scope{Host, "nobody"}), ErrNoScope},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%v, want %v", c.err, c.want)
		}
	}
	if news := b.Observe(started("web-3", "/usr/sbin/nginx", "/bin/sh"), w, at.Add(1000*day)); len(news) != 1 || news[0].Thing.Facet != User {
		t.Errorf("what was allowed faded: %+v", news)
	}
	if err := b.Forget(s, shell); err != nil {
		t.Error(err)
	}
	if news := b.Observe(started("web-3", "/usr/sbin/nginx", "/bin/sh"), w, at.Add(1000*day)); len(news) != 1 || news[0].Thing != shell {
		t.Errorf("what was forgotten is still usual: %+v", news)
	}
	if raw, err := b.Export(s); err != nil || !bytes.Contains(raw, []byte(`"by": "alice"`)) {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err := b.Export(Scope{Image, "x"}); !errors.Is(err, ErrNoScope) {
		t.Error(err)
	}
	if err := b.ForgetAll(s); err != nil || len(b.members["web"]) != 39 {
		t.Errorf("%v, %d left in the group", err, len(b.members["web"]))
	}
}

// A flood of new programs pushes out the flood, not what was learned, and is counted.
func TestAFloodDoesNotWashAwayWhatIsUsual(t *testing.T) {
	b := book(t, Rules{Learn: day, MaxEntries: 64, MaxScopes: 3})
	w := Where{Host: "a"}
	usual := started("a", "/sbin/init", "/usr/sbin/sshd")
	b.Observe(usual, w, monday)
	for i := range 10_000 {
		b.Observe(started("a", "/sbin/init", "/tmp/"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))), w, monday.Add(2*day))
	}
	if news := b.Observe(usual, w, monday.Add(2*day)); len(news) != 0 {
		t.Errorf("%+v", news)
	}
	if s := b.Size(); s.Things > 64 || s.Evicted < 10_000 {
		t.Errorf("%+v", s)
	}
	for i := range 5 {
		b.Observe(usual, Where{Host: fmt.Sprint("h", i)}, monday)
	}
	if s := b.Size(); s.Scopes != 3 || s.Refused != 3 {
		t.Errorf("%+v", s)
	}
	full := book(t, Rules{Learn: day, MaxEntries: 1})
	full.Observe(connected("a", "/bin/x", "203.0.113.1:1", ""), w, monday)
	if err := full.Allow(Scope{Host, "a"}, Thing{Program, "", "/bin/a"}, Allowed{"bob", "mine", monday}); err != nil {
		t.Error(err)
	}
	if err := full.Allow(Scope{Host, "a"}, Thing{Program, "", "/bin/b"}, Allowed{"bob", "mine", monday}); !errors.Is(err, ErrFull) {
		t.Errorf("what was allowed was pushed out: %v", err)
	}
}

// A flood is reported to the last: an intruder cannot hide in it.
func TestAFloodIsReportedToTheLast(t *testing.T) {
	b := forty(t)
	w, at := Where{Host: "web-3", Groups: []string{"web", "all"}}, monday.Add(14*day)
	reported := 0
	for i := range 500 {
		news := b.Observe(connected("web-3", "/usr/sbin/nginx", fmt.Sprintf("45.%d.%d.1:443", i/250, i%250), ""), w, at)
		reported += len(news)
		if want := i >= maxCompared; strings.HasSuffix(news[0].Why, "too much new today to compare it") != want {
			t.Fatalf("%d: %s", i, news[0].Why)
		}
	}
	if reported != 500 {
		t.Errorf("%d of 500 reported", reported)
	}
}

func TestRulesThatMakeNoSense(t *testing.T) {
	for _, r := range []Rules{{Learn: -1}, {Learn: 400 * day}, {HalfLife: time.Hour}, {MaxScopes: -1}, {MaxEntries: -1}, {MaxTotal: -1}, {Ripe: 400}} {
		if _, err := New(r); err == nil {
			t.Errorf("%+v", r)
		}
	}
}
