package fleet_test

import (
	"context"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

var one, two = big.NewInt(1), big.NewInt(2)

func subject(name string) pkix.Name { return pkix.Name{CommonName: name} }

func events(all ...event.Event) []event.Event { return all }

// seen is a program that was started on a host.
func seen(h *host, n uint64) event.Event {
	return event.Event{Kind: event.Exec, At: time.Now().UTC(), Host: h.name, Seq: n, Process: event.Process{Key: event.Key{PID: uint32(100 + n), Start: n}, Exe: "/usr/bin/nc"}, Exec: &event.ExecOf{}}
}

func (h *host) sees(t testing.TB, lane int, all ...event.Event) {
	t.Helper()
	if err := h.link.Take(t.Context(), agent.Lane(lane), all); err != nil {
		t.Fatal(err)
	}
}

// rooms are incidents in memory.
type rooms struct {
	mu    sync.Mutex // guards what follows
	open  []noise.Open
	said  []string
	fails int
	keys  map[string]map[string]int // of what was declared, by what it says: the real rooms do the same key once
}

func (r *rooms) Open(context.Context) ([]noise.Open, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.open), nil
}

func (r *rooms) say(what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails > 0 {
		r.fails--
		return errors.New("the database is away")
	}
	r.said = append(r.said, what)
	return nil
}

func (r *rooms) Note(_ context.Context, id string, s fleet.Said) error {
	return r.say(fmt.Sprint("note ", id, " ", s.Group.Level))
}

func (r *rooms) Link(_ context.Context, id string, s fleet.Said) error {
	return r.say(fmt.Sprint("link ", id, " ", s.Group.Level))
}

func (r *rooms) Declare(_ context.Context, severity string, s fleet.Said) (string, error) {
	what := fmt.Sprint("declare ", severity, " ", s.Group.Hosts)
	err := r.say(what)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		r.keys = map[string]map[string]int{}
	}
	if r.keys[what] == nil {
		r.keys[what] = map[string]int{}
	}
	r.keys[what][s.Key]++
	return "INC-0007", err
}

func (r *rooms) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "; ")
}

func TestSignalsBecomeOneIncident(t *testing.T) {
	r := &rooms{fails: 1}
	s := serve(t, func(c *fleet.Config) {
		c.Rooms = r
		c.Thresholds = agreed(noise.Thresholds{ByLevel: map[noise.Level]noise.Ask{noise.High: noise.Declare, noise.Medium: noise.Entry, noise.Critical: noise.Declare},
			Severity: map[noise.Level]string{noise.High: "p2"}})
		c.Rule = func(name string) (fleet.Rule, bool) {
			level, ok := map[string]noise.Level{"shell": noise.High, "rootkit": noise.Critical}[name]
			return fleet.Rule{Level: level, Title: name}, ok
		}
	})
	h := join(t, s, "web-3", setup{})
	for i := range uint64(20) {
		e := seen(h, i)
		e.Rule = "shell"
		h.sees(t, 0, e)
	}
	eventually(t, "an incident, although asking failed the first time", func() bool { return r.all() == "declare p2 [web-3]" })
	worse := seen(h, 99)
	worse.Rule, worse.Also = "shell", []string{"rootkit"} // each of its rules counts
	h.sees(t, 0, worse)
	eventually(t, "it got worse", func() bool { return r.all() == "declare p2 [web-3]; note INC-0007 critical" })

	db := join(t, s, "db-1", setup{})
	r.mu.Lock()
	r.open = []noise.Open{{ID: "INC-0003", Entities: []string{"host/db-1"}}}
	r.mu.Unlock()
	e := seen(db, 1)
	e.Rule = "shell"
	db.sees(t, 0, e)
	eventually(t, "the open incident is told", func() bool { return strings.HasSuffix(r.all(), "link INC-0003 high") })
}

// The server is away, and comes back: what a rule wanted is there, once; the account is whole.
func TestTheServerIsAway(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{})
	h.sees(t, 1, seen(h, 1)) // nobody wants it
	s.stop()
	for i := range uint64(300) {
		e := seen(h, i+2)
		e.Rule = "shell"
		h.sees(t, 0, e)
	}
	if w := h.link.Health().Kinds["exec"]; w.Waiting == 0 || w.Kept != 1 {
		t.Fatalf("%+v", w)
	}
	back := &server{book: s.book, clock: s.clock}
	var err error
	if back.Fleet, err = fleet.New(t.Context(), fleet.Config{Workspace: "acme", Book: s.book, Directives: orderKey, Authority: authorityKey, Names: []string{"127.0.0.1"}, Log: quiet()}); err != nil {
		t.Fatal(err)
	}
	if is, ok := back.Host("web-3"); !ok || is.Connected {
		t.Error("a new server knows its hosts from the book")
	}
	back.listen(t, s.at)
	eventually(t, "all came", func() bool { return h.link.Health().Kinds["exec"].Waiting == 0 })
	is, _ := back.Host("web-3")
	if is.Received.Events < 290 || is.Received.Again != 0 || is.Received.Unreadable != 0 {
		t.Errorf("%+v", is.Received)
	}
	if k := h.link.Health().Kinds["exec"]; k.Sent+k.Kept != 301 || k.SpoolLost != 0 {
		t.Errorf("%+v", k)
	}
}

func TestAHuntCountsThoseWhoDoNotAnswer(t *testing.T) {
	s := serve(t)
	var all []*host
	for i := range 4 {
		all = append(all, join(t, s, fmt.Sprintf("web-%d", i), setup{proc: t.TempDir()}))
	}
	for _, h := range all[:2] {
		h.sees(t, 1, seen(h, 1))
	}
	all[3].stop()
	eventually(t, "one left", func() bool { is, _ := s.Host("web-3"); return !is.Connected })
	dumb := s.enrol(t, "web-9", t.TempDir()) // says hello and then nothing
	if _, err := greet(t, caller(t, s, dumb), hello("web-9")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var firstRow time.Duration
	began := time.Now()
	var found []wire.Found
	sum, err := s.Ask(ctx, "web-*", &wire.Question{What: wire.AskHunt, Kind: wire.HuntProcess, Subject: "nc"}, func(p fleet.Part, _ fleet.Sum) {
		for _, row := range p.Rows {
			var f wire.Found
			if err := json.Unmarshal(row, &f); err != nil {
				t.Error(err)
			}
			found = append(found, f)
			if firstRow == 0 {
				firstRow = time.Since(began)
			}
		}
	})
	if err != nil || sum.Answered != 3 || fmt.Sprint(sum.Silent, sum.Away) != "[web-9] [web-3]" || len(found) != 2 || found[0].Event == nil {
		t.Errorf("%+v %v, %d rows", sum, err, len(found))
	}
	if firstRow > 900*time.Millisecond {
		t.Error("the first row waited for the one who does not answer")
	}
	if got := sum.String(); got != "3 of 5 hosts answered, 1 have not answered, 1 are not connected." {
		t.Error(got)
	}
	sum, _ = s.Ask(t.Context(), "web-0", &wire.Question{What: "of tomorrow"}, func(p fleet.Part, _ fleet.Sum) {
		if !strings.Contains(p.Trouble, "does not know that question") {
			t.Error(p.Trouble)
		}
	})
	if len(sum.Trouble) != 1 {
		t.Errorf("%+v", sum)
	}
	if _, err := s.Ask(t.Context(), "nobody", &wire.Question{What: wire.AskConns}, nil); err == nil {
		t.Error("nobody is a host")
	}
}

func TestWatchingLive(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{})
	got := make(chan fleet.Seen, 10)
	done := make(chan fleet.Sum, 1)
	go func() {
		sum, err := s.Watch(t.Context(), "web-3", []event.Kind{event.Exec}, "", time.Now().Add(2*time.Second), func(e fleet.Seen) { got <- e }, func(fleet.Part, fleet.Sum) {})
		if err != nil {
			t.Error(err)
		}
		done <- sum
	}()
	var first fleet.Seen
	eventually(t, "an event is shown", func() bool {
		h.sees(t, 1, seen(h, 1), event.Event{Kind: event.DNS, Host: "web-3", DNS: &event.DNSOf{Name: "x.example"}})
		select {
		case first = <-got:
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	if first.Host != "web-3" || first.Event.Kind != event.Exec {
		t.Errorf("%+v", first)
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

// A flood is more than is sent. How much more is said while it goes on; and what was asked for by a word
// in it is sent whatever else happens.
func TestAFloodIsWatched(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{})
	type came struct {
		rows int
		left uint64
	}
	watch := func(text string) func() came {
		var mu sync.Mutex
		var sum came
		go func() {
			_, err := s.Ask(t.Context(), "web-3", &wire.Question{What: wire.AskTail, Subject: text, ToMs: time.Now().Add(time.Minute).UnixMilli()}, func(p fleet.Part, _ fleet.Sum) {
				mu.Lock()
				defer mu.Unlock()
				if p.Last && t.Context().Err() == nil {
					t.Errorf("it ends: %s", p.Trouble)
				}
				sum.rows, sum.left = sum.rows+len(p.Rows), sum.left+p.LeftOut
			})
			if err != nil {
				t.Error(err)
			}
		}()
		return func() came { mu.Lock(); defer mu.Unlock(); return sum }
	}
	all, needle := watch(""), watch("a-needle")
	eventually(t, "both watch", func() bool {
		h.sees(t, 1, ran(h, 1, "/bin/a-needle"))
		return all().rows > 0 && needle().rows > 0
	})
	was := needle()
	many := make([]event.Event, 0, 1001)
	for i := range uint64(1000) {
		many = append(many, ran(h, 10+i, "/bin/hay"))
	}
	h.sees(t, 1, append(many, ran(h, 2000, "/bin/a-needle"))...)
	eventually(t, "the needle is shown", func() bool { return needle().rows > was.rows })
	eventually(t, "what was left out is said", func() bool { got := all(); return got.left > 500 && got.left+uint64(got.rows) >= 1001 })
	if got := needle(); got.left != 0 {
		t.Errorf("of one event %d were left out", got.left)
	}
}

func TestSetsAreGivenAndKept(t *testing.T) {
	s := serve(t)
	var mu sync.Mutex
	var got []string
	with := setup{change: func(c *link.Config) {
		c.Install = map[string]func([]byte) error{"intel": func(b []byte) error {
			mu.Lock()
			defer mu.Unlock()
			if string(b) == "bad" {
				return errors.New("it cannot be read")
			}
			got = append(got, string(b))
			return nil
		}}
	}}
	h := join(t, s, "web-3", with)
	has := func(version uint64, trouble bool) func() bool {
		return func() bool {
			is, _ := s.Host("web-3")
			return len(is.Sets) == 1 && is.Sets[0].Version == version && (is.Sets[0].Trouble != "") == trouble && (len(is.Behind) == 1) == trouble
		}
	}
	if err := s.Publish("intel", 5, []byte("first")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is installed", has(5, false))
	if err := s.Publish("intel", 4, []byte("older")); err == nil {
		t.Error("an older one was published")
	}
	if err := s.Publish("intel", 6, []byte("bad")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the one before stays in force", has(5, true))
	h.stop()
	again, err := link.New(h.conf) // the agent starts again, without its server
	if err != nil || again == nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(got) != "[first first]" {
		t.Error(got)
	}
}

// Two sets come right after each other, and the first takes long to be read: the second is in force.
func TestSetsAreInstalledInTheirOrder(t *testing.T) {
	s := serve(t)
	got := make(chan string, 10)
	join(t, s, "web-3", setup{change: func(c *link.Config) {
		c.Install = map[string]func([]byte) error{"intel": func(b []byte) error {
			if string(b) == "first" {
				time.Sleep(100 * time.Millisecond)
			}
			got <- string(b)
			return nil
		}}
	}})
	for i, body := range []string{"first", "second"} {
		if err := s.Publish("intel", uint64(i+1), []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := next(t, got), next(t, got); a != "first" || b != "second" {
		t.Error(a, b)
	}
	eventually(t, "it has the second", func() bool { is, _ := s.Host("web-3"); return len(is.Behind) == 0 })
}

func TestCertificatesAreRenewed(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{})
	before, err := link.Load(filepath.Join(h.dir, "link"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.link.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := link.Load(filepath.Join(h.dir, "link"))
	if err != nil || string(after.Certificate) == string(before.Certificate) || after.Key.Equal(before.Key) || after.Agent != before.Agent {
		t.Errorf("%v", err)
	}
	if err := h.link.Reach(t.Context()); err != nil {
		t.Error("with the new one:", err)
	}
}

// A host that goes away in the middle has proved nothing.
func TestNoAnswerIsNoProof(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{proc: t.TempDir()})
	r := do(t, s, "fleet.isolate-host", "web-3")
	h.stop()
	eventually(t, "it left", func() bool { is, _ := s.Host("web-3"); return !is.Connected })
	p, err := action(t, s, "fleet.isolate-host").Verify(t.Context(), r)
	if err != nil || p.Standing != actions.Unproven || p.Again == 0 || !strings.Contains(p.Seen[0], "not connected") {
		t.Errorf("%+v %v", p, err)
	}
}

// One of three hosts does not obey: the others are blocked, and who is not is said.
func TestABlockInPart(t *testing.T) {
	s := serve(t)
	for _, name := range []string{"web-1", "web-2"} {
		join(t, s, name, setup{proc: t.TempDir()})
	}
	join(t, s, "web-3", setup{proc: t.TempDir(), wrap: func(h link.Hands) link.Hands { return &watched{h, &world{status: 500, left: 1}} }})
	a, _ := action(t, s, "fleet.block-domain").(interface {
		actions.Action
		actions.Undoer
	})
	p, err := a.Plan(t.Context(), actions.Input{Target: "evil.example", Params: map[string]string{"hosts": "web-*"}, Key: "INC-0042.C1/3/1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Do(t.Context(), p)
	var part *actions.Partial
	if !errors.As(err, &part) || fmt.Sprint(part.NotDone) != "[web-3]" || len(part.Receipt.Done) != 2 {
		t.Fatalf("%v", err)
	}
	r := part.Receipt
	proof, err := a.Verify(t.Context(), r)
	if err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("%+v %v", proof, err)
	}
}

// remote is where a host that was made up connects to: one in ten hosts, once, to what is hunted.
func remote(n, host int) netip.AddrPort {
	if n == 500 && host%10 == 0 {
		return netip.MustParseAddrPort("198.51.100.7:443")
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), 443)
}
