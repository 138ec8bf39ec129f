package signals_test

import (
	"context"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/internal/signals"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

type anyHosts = signals.Hosts

// published is hosts of which only what they are given matters.
type published struct {
	anyHosts
	sets []*intel.Set
}

func (p *published) Hosts() []fleet.Host { return nil }

func (p *published) Published(string) uint64 { return 0 }

func (p *published) Changed(context.Context) {}

func (p *published) Publish(kind string, _ uint64, body []byte) error {
	if kind != "intel" {
		return nil
	}
	set, err := intel.Decode(body)
	p.sets = append(p.sets, set)
	return err
}

func (p *published) last() string {
	var out []string
	for in := range p.sets[len(p.sets)-1].All() {
		out = append(out, in.Value)
	}
	return strings.Join(out, " ")
}

func TestHostsAreGivenWhatFeedsAndPeopleSayWhenItChanges(t *testing.T) {
	r := begin(t)
	now := time.Now()
	named := []plan.Feed{{Name: "ours", Kind: "list", File: "ours.txt", Every: time.Hour, Life: 30 * 24 * time.Hour, Confidence: 50, TLP: "amber"}}
	folder := fstest.MapFS{"ours.txt": &fstest.MapFile{Data: []byte("203.0.113.9\n")}}
	guard, err := intel.NewGuard(intel.Guarded{})
	if err != nil {
		t.Fatal(err)
	}
	guards := func() *intel.Guard { return guard }
	f, err := feeds.New(t.Context(), feeds.Config{Feeds: func() []plan.Feed { return named }, Guard: guards, Cache: r.db, Room: 1 << 20,
		Folder: func() (fs.FS, error) { return folder, nil }, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	d, err := signals.New(t.Context(), signals.Config{Asker: r.engine, Record: r.db, Plan: func() plan.Signals { return plan.Signals{} }, Guard: guards, Feeds: f, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	hosts := &published{}
	if err := d.Attend(hosts); err != nil {
		t.Fatal(err)
	}
	round := func(times int, want string) {
		t.Helper()
		if err := f.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Refresh(); err != nil {
			t.Fatal(err)
		}
		if len(hosts.sets) != times || hosts.last() != want {
			t.Errorf("given %d times, last %q", len(hosts.sets), hosts.last())
		}
	}
	round(2, "203.0.113.9")
	round(2, "203.0.113.9")
	now = now.Add(time.Hour) // read again, and the same again
	round(2, "203.0.113.9")
	if _, err := d.AddIndicator(t.Context(), bot.NewIndicator{Value: "203.0.113.10", By: "alice", At: now, Expires: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	round(3, "203.0.113.9 203.0.113.10")

	// A match says which feed, what for, and who may be told.
	if rule, ok := d.Rule("intel/ours"); !ok || rule.Title != "A known bad indicator (ours, TLP:AMBER)" {
		t.Errorf("%+v", rule)
	}
	e := event.Event{Kind: event.Connect, At: now, Host: "web-3", Rule: "intel/ours", Net: &event.NetOf{Proto: "tcp", Remote: netip.MustParseAddrPort("203.0.113.9:443")}}
	d.Take(fleet.Seen{Event: e, Host: "web-3"})
	if l, err := d.Recent(context.Background()); err != nil || !strings.Contains(l.Rows[0].Text, "(ip 203.0.113.9, TLP:AMBER)") {
		t.Errorf("%+v %v", l, err)
	}

	// What becomes guarded leaves, though nobody reads anything.
	if guard, err = intel.NewGuard(intel.Guarded{Own: []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32")}}); err != nil {
		t.Fatal(err)
	}
	round(4, "203.0.113.10")
	now = now.Add(90 * time.Minute) // alice's is over
	named = nil
	round(5, "")
	l, err := d.Indicators(t.Context())
	if err != nil || l.Result != "no indicator" {
		t.Errorf("%+v %v", l, err)
	}
}
