// Package signals stands between the sensors and the war room. To the fleet it is the rooms
// that groups of signals ask for something; to people it is what they can ask of hosts.
//
//	fleet ─▶ groups that crossed a threshold ─▶ Desk ─▶ commands to incidents
//	people ─▶ bot ─▶ Desk ─▶ questions to hosts ─▶ rows, as lines
//
// Streams of events pass through and are forgotten. What is kept are the marks of people,
// by rule, and what people said to watch for.
package signals

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/baseline"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Hosts is what is asked of the fleet.
type Hosts interface {
	Hosts() []fleet.Host
	Host(name string) (fleet.Host, bool)
	Ask(ctx context.Context, hosts string, q *wire.Question, tell func(fleet.Part, fleet.Sum)) (fleet.Sum, error)
	Signals(ctx context.Context, wanted func(*event.Event) bool) <-chan fleet.Seen
	Group(id string) (noise.Group, bool)
	Publish(kind string, version uint64, body []byte) error
	// Published is the newest version that was published by any replica; 0 for none.
	Published(kind string) uint64
	Resettle()
	Changed(ctx context.Context)
}

// Asker is where commands go.
type Asker interface {
	Handle(ctx context.Context, id incident.ID, a incident.Asked) (incident.Answer, error)
}

// Record is what is asked of the record.
type Record interface {
	Load(ctx context.Context, id incident.ID) (incident.State, error)
	Event(ctx context.Context, id incident.ID, seq int64) (incident.Recorded, error)
	ByClaim(ctx context.Context, key string) (incident.ID, bool, error)
	// Each goes through the incidents of those statuses.
	Each(ctx context.Context, statuses []incident.Status, f func(incident.State) error) error
	CachePut(ctx context.Context, space, key string, value []byte, at time.Time) error
	CacheGet(ctx context.Context, space, key string) (value []byte, at time.Time, ok bool, err error)
	// CacheChange makes a new value of the one before while nobody else does; the time counts up.
	CacheChange(ctx context.Context, space, key string, at time.Time, change func(was []byte) ([]byte, error)) (time.Time, error)
}

// Config is what a desk is given. Asker, Record and Plan are needed.
type Config struct {
	Asker  Asker
	Record Record
	Plan   func() plan.Signals
	Groups func(host string) []string // that a host is compared in, the most telling first; nil: with all hosts
	Rules  []sigma.File               // that hosts judge by
	Guard  func() *intel.Guard        // nil: one that knows its own lists only
	Feeds  Feeds                      // nil: what people say is all there is
	// Replica names this server among several, until it stops; "": there are no others.
	Replica string
	Now     func() time.Time
	Log     *slog.Logger
}

// Desk is where both sides meet. Its methods may be called at the same time.
type Desk struct {
	c     Config
	hosts Hosts
	rules *sigma.Set

	publishing sync.Mutex // held while hosts are given indicators; guards what follows
	given      *intel.Set
	givenFor   string // what the feeds said then, as a digest
	givenAt    time.Time
	givenPast  *intel.Guard

	freezing sync.Mutex // held while what is frozen is read, changed and kept

	keeping sync.Mutex // held while what was counted is added to what is kept

	mu       sync.Mutex // guards what follows
	ledger   *noise.Ledger
	counted  time.Time             // that the ledger was kept
	unkept   []func(*noise.Ledger) // what it counts since then, of the hosts of this replica
	usual    usual
	odd      map[string]*oddHost // by host
	suspects suspects
	again    map[string]int64 // when a host's behaviour was forgotten, Unix milliseconds; "" is every host
	settled  struct {         // what hosts were told last
		on    bool
		again int64
	}
	watched  []intel.Indicator
	since    time.Time // that watched was kept; the version of the set
	version  uint64
	recent   lately
	live     *intel.Set // what hosts are watched for
	looks    map[string]*follow
	mine     map[string]time.Time // looks that this replica shows, and when it last said so
	told     map[string]told      // groups that have an incident
	excepted struct {
		all   incident.State // the register, as it was read last
		quiet *noise.Exceptions
	}
}

// found is a signal as it is listed.
type found struct {
	at   time.Time
	rule string
	host string
	id   string
	line string
	by   string // the exception that keeps it quiet
}

// told is a group with its incident, and how many signals it had when that was told.
type told struct {
	stream incident.ID
	count  int
}

const (
	keptRecent = 500
	keptOdd    = 200 // of them what is only not usual
	keptTold   = 2000
)

// lately is what was found, the newest last.
type lately []found

// with adds one. What is not usual pushes out its like, and nothing that a rule found.
func (l lately) with(f found) lately {
	odd := func(f found) bool { return strings.HasPrefix(f.rule, oddKind+"/") }
	if odd(f) {
		n := 0
		for _, x := range l {
			if odd(x) {
				n++
			}
		}
		if n >= keptOdd {
			i := slices.IndexFunc(l, odd)
			l = slices.Delete(l, i, i+1)
		}
	}
	l = append(l, f)
	return l[max(0, len(l)-keptRecent):]
}

// New makes a desk that speaks to no host yet; see Attend. It reads what was kept.
func New(ctx context.Context, c Config) (*Desk, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Groups == nil {
		c.Groups = func(string) []string { return nil }
	}
	d := &Desk{c: c, looks: map[string]*follow{}, mine: map[string]time.Time{}, told: map[string]told{}, odd: map[string]*oddHost{}, suspects: suspects{}, again: map[string]int64{}}
	d.settled.on = c.Plan().Baseline.On
	set, problems := sigma.Compile(c.Rules, sigma.Options{})
	for _, p := range problems {
		c.Log.Warn("a rule is not used", "problem", p.String())
	}
	d.rules = set
	var err error
	if c.Guard == nil {
		g, err := intel.NewGuard(intel.Guarded{})
		if err != nil {
			return nil, err
		}
		d.c.Guard = func() *intel.Guard { return g }
	}
	if d.usual, err = newUsual(baseline.Rules{Learn: c.Plan().Baseline.Learn}); err != nil {
		return nil, err
	}
	return d, errors.Join(d.recall(ctx), d.readSuspects(ctx))
}

// Attend has the desk ask these hosts, and gives them what they judge by.
func (d *Desk) Attend(h Hosts) error {
	d.hosts = h
	body, err := encodeRules(d.c.Rules)
	if err != nil {
		return err
	}
	if err := h.Publish("sigma", d.next(), body); err != nil {
		return err
	}
	return d.publishIntel()
}

// next is a version above every one before, also those of an earlier start.
func (d *Desk) next() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.version = max(d.version+1, uint64(d.c.Now().UnixMilli()))
	return d.version
}

// Run listens to what hosts send by themselves, until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	// A version above the one of every start before, for what ended meanwhile.
	if err := d.rewatch(ctx, func(all []intel.Indicator) ([]intel.Indicator, error) { return all, nil }); err != nil && ctx.Err() == nil {
		d.c.Log.Warn("give hosts what is watched for", "error", err)
	}
	seen := d.hosts.Signals(ctx, func(*event.Event) bool { return true })
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	kept := d.c.Now() // what is usual
	for {
		select {
		case s, ok := <-seen:
			if !ok {
				last := context.WithoutCancel(ctx)
				return errors.Join(d.keepUsual(last), d.keep(last))
			}
			d.take(s)
		case <-tick.C:
			d.count(ctx)
			d.sweepLooks()
			if err := d.readSuspects(ctx); err != nil && ctx.Err() == nil {
				d.c.Log.Warn("read whom incidents are about", "error", err)
			}
			d.resettle()
			if err := d.thawEnded(ctx); err != nil && ctx.Err() == nil {
				d.c.Log.Warn("thaw what is usual", "error", err)
			}
			if now := d.c.Now(); now.Sub(kept) >= usualEvery {
				kept = now
				d.mu.Lock()
				d.usual.Sweep(now)
				d.mu.Unlock()
				if err := d.keepUsual(ctx); err != nil && ctx.Err() == nil {
					d.c.Log.Warn("keep what is usual", "error", err)
				}
			}
			if err := d.keep(ctx); err != nil && ctx.Err() == nil {
				d.c.Log.Warn("keep the marks of rules", "error", err)
			}
			if err := d.Changed(ctx); err != nil && ctx.Err() == nil {
				d.c.Log.Warn("read what other replicas kept", "error", err)
			}
		}
	}
}

// Changed reads what other replicas changed.
func (d *Desk) Changed(ctx context.Context) error {
	d.freezing.Lock()
	usual := errors.Join(d.readFrozen(ctx), d.readEdited(ctx))
	d.freezing.Unlock()
	return errors.Join(usual, d.readExceptions(ctx), d.refresh(ctx))
}

// take lists an event once for each rule that wanted it, or that says it is not usual.
func (d *Desk) take(s fleet.Seen) {
	e, now := &s.Event, d.c.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, name := range e.Rules() {
		by := ""
		if n < len(s.Excepted) {
			by = s.Excepted[n]
		}
		rule, _ := d.Rule(name)
		f := found{at: now, rule: name, host: s.Host, id: fleet.SignalID(e, n), line: rule.Title + ": " + line(e) + d.because(e, name), by: by}
		if s.Why != "" {
			f.id, f.line = f.id+"/"+name, rule.Title+": "+s.Why
		}
		d.recent = d.recent.with(f)
		raised := func(l *noise.Ledger) {
			l.Raised(noise.Signal{ID: f.id, Rule: name, Host: s.Host}, by != "")
		}
		raised(d.ledger)
		if !s.Mirror && len(d.unkept) < mostUnkept { // the replica that has the host keeps it
			d.unkept = append(d.unkept, raised)
		}
	}
}

// count tells incidents of groups that grow without crossing anything: twice as many is
// worth a line there.
func (d *Desk) count(ctx context.Context) {
	d.mu.Lock()
	now := make(map[string]told, len(d.told))
	for id, t := range d.told {
		now[id] = t
	}
	d.mu.Unlock()
	for id, t := range now {
		g, ok := d.hosts.Group(id)
		if !ok {
			d.mu.Lock()
			delete(d.told, id)
			d.mu.Unlock()
			continue
		}
		if g.Count < 2*t.count {
			continue
		}
		if _, err := d.tell(ctx, t.stream, fleet.Said{Group: g, Key: "count"}); err != nil && ctx.Err() == nil {
			d.c.Log.Warn("count signals", "group", id, "incident", t.stream, "error", err)
		}
	}
}

// Rule is what is known of a rule by the name that hosts use for it.
func (d *Desk) Rule(name string) (fleet.Rule, bool) {
	kind, rest, _ := cut(name)
	switch kind {
	case "sigma":
		r, ok := d.rules.Find(rest)
		if !ok {
			return fleet.Rule{Title: rest, Level: noise.Low}, false
		}
		level, err := levelOf(r.Level.String())
		if err != nil {
			level = noise.Low
		}
		return fleet.Rule{Level: level, Techniques: r.Techniques(), Title: r.Title}, true
	case oddKind:
		if o, ok := oddityNamed(rest); ok {
			return fleet.Rule{Title: o.title, Level: noise.Low}, true
		}
	case "intel":
		return fleet.Rule{Level: noise.High, Title: "A known bad indicator (" + rest + d.marked(rest) + ")"}, true
	}
	return fleet.Rule{Title: name, Level: noise.Low}, false
}

func levelOf(name string) (l noise.Level, err error) { return l, l.UnmarshalText([]byte(name)) }

var errNoHosts = errors.New("no fleet is attended")
