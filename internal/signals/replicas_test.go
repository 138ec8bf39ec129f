package signals_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/templates"
)

// hosts is a fleet with one host, which takes what is published as hosts do: the newer version.
type hosts struct {
	mu      sync.Mutex // guards what follows
	version map[string]uint64
	body    map[string][]byte
	seen    chan fleet.Seen
	asked   int
}

func (h *hosts) Hosts() []fleet.Host {
	return []fleet.Host{{Name: "web-3", Connected: true}}
}

func (h *hosts) Host(name string) (fleet.Host, bool) {
	return fleet.Host{Name: name, Connected: true}, name == "web-3"
}

func (h *hosts) Ask(ctx context.Context, _ string, _ *wire.Question, _ func(fleet.Part, fleet.Sum)) (fleet.Sum, error) {
	h.mu.Lock()
	h.asked++
	h.mu.Unlock()
	<-ctx.Done()
	return fleet.Sum{Asked: 1}, nil
}

func (h *hosts) Signals(context.Context, func(*event.Event) bool) <-chan fleet.Seen { return h.seen }
func (h *hosts) Group(string) (noise.Group, bool)                                   { return noise.Group{}, false }
func (h *hosts) Changed(context.Context)                                            {}
func (h *hosts) Resettle()                                                          {}

func (h *hosts) Publish(kind string, version uint64, body []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.version[kind] >= version {
		return fleet.ErrNewer
	}
	h.version[kind], h.body[kind] = version, body
	return nil
}

// watches are the indicators that the host has.
func (h *hosts) watches(t *testing.T) int {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	set, err := intel.Decode(h.body["intel"])
	if err != nil {
		t.Fatal(err)
	}
	return set.Len()
}

// two are two replicas that share a database and, through each other, the hosts.
func two(t *testing.T) (a, b *rig, h *hosts) {
	t.Helper()
	p, err := plan.Load(templates.DemoPlan())
	if err != nil {
		t.Fatal(err)
	}
	a = begin(t)
	b = &rig{t: t, db: a.db, engine: a.engine}
	h = &hosts{version: map[string]uint64{}, body: map[string][]byte{}, seen: make(chan fleet.Seen)}
	for name, r := range map[string]*rig{"a": a, "b": b} {
		r.openAs(p, name)
		if err := r.Attend(h); err != nil && !errors.Is(err, fleet.ErrNewer) { // they start in the same millisecond
			t.Fatal(err)
		}
	}
	return a, b, h
}

// People add indicators at either replica at once: hosts get all of them.
func TestWhatIsWatchedForIsAddedToByBoth(t *testing.T) {
	a, b, h := two(t)
	var all sync.WaitGroup
	const each = 5
	for i := range 2 * each {
		r := []*rig{a, b}[i%2]
		all.Go(func() {
			if _, err := r.AddIndicator(t.Context(), bot.NewIndicator{Value: fmt.Sprintf("203.0.113.%d", i+1), By: "alice", At: time.Now(), Expires: time.Now().Add(time.Hour)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := h.watches(t); n != 2*each {
		t.Errorf("%d of %d are watched for", n, 2*each)
	}
	if ok, err := a.ExpireIndicator(t.Context(), "203.0.113.2"); !ok || err != nil { // that b was told
		t.Error(ok, err)
	}
	if ok, err := b.ExpireIndicator(t.Context(), "203.0.113.2"); ok || err != nil {
		t.Error("it was ended already:", ok, err)
	}
	if n := h.watches(t); n != 2*each-1 {
		t.Errorf("%d are watched for", n)
	}
}

// Marks of people at either replica count, and a signal is counted by the one that has the host.
func TestMarksOfBothReplicasCount(t *testing.T) {
	a, b, _ := two(t)
	var figure string
	for i := range 10 {
		var err error
		if figure, err = []*rig{a, b}[i%2].Mark(t.Context(), bot.SignalMark{Group: string(rune('a' + i)), Rule: "sigma/reverse_shell_dev_tcp", False: true, By: "alice", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(figure, "of 10 judged, 0 real (0 %)") {
		t.Error(figure)
	}
}

// Many people mark at once, at the same replica: each counts once.
func TestMarksAtTheSameMomentCount(t *testing.T) {
	a, _, _ := two(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := a.Mark(t.Context(), bot.SignalMark{Group: string(rune('a' + i)), Rule: "sigma/reverse_shell_dev_tcp", By: "alice", At: time.Now()}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	figure, err := a.Mark(t.Context(), bot.SignalMark{Group: "z", Rule: "sigma/reverse_shell_dev_tcp", By: "alice", At: time.Now()})
	if err != nil || !strings.Contains(figure, "of 21 judged") {
		t.Error(figure, err)
	}
}

// A group that the first replica called by another signal is the same: it is told of, and opens no second room.
func TestAGroupByAnotherNameDeclaresOnce(t *testing.T) {
	a, b, _ := two(t)
	first := a.declare(group("g1", "web-3", noise.High, 1))
	other := group("g2", "web-3", noise.High, 2)
	other.Group.Samples = append(other.Group.Samples, noise.Signal{ID: "g1", Rule: "sigma/reverse_shell_dev_tcp", Host: "web-3"})
	if second := b.declare(other); second != first {
		t.Errorf("%s and %s", first, second)
	}
}

// Rows of a look are in one memory: the other replica leaves it to it for as long as it goes on.
func TestALookIsShownByOneReplica(t *testing.T) {
	a, b, h := two(t)
	l := incident.Looking{What: incident.LookLive, Kind: "host", Subject: incident.Seal("web-3"), To: time.Now().Add(time.Hour)}
	if _, err := a.Follow(t.Context(), "INC-0001/3/1", l, false); err != nil {
		t.Fatal(err)
	}
	for _, stop := range []bool{false, true} {
		if _, err := b.Follow(t.Context(), "INC-0001/3/1", l, stop); err == nil || !strings.Contains(err.Error(), "another replica") {
			t.Error(err)
		}
	}
	if _, err := a.Follow(t.Context(), "INC-0001/3/1", l, false); err != nil {
		t.Error(err)
	}
	if _, err := b.Follow(t.Context(), "INC-0001/4/1", l, false); err != nil { // another look
		t.Error(err)
	}
	got, err := a.Follow(t.Context(), "INC-0001/3/1", l, true)
	if err != nil || !got.Over {
		t.Errorf("%+v %v", got, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asked != 2 {
		t.Errorf("hosts were asked %d times for two looks", h.asked)
	}
}

func (h *hosts) Published(kind string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.version[kind]
}
