// Package link is the agent's end of the line to its server: it makes the host known (Enrol), keeps
// one conversation open for as long as the agent runs (Run), sends what is wanted out of a spool,
// answers questions, and hands orders to the hands.
//
//	agent ─▶ Take ─▶ memory, and what is wanted ─▶ spool ─▶ conversation ─▶ server
//	server ─▶ order ─▶ Hands · question ─▶ memory · set ─▶ Install
//
// Nobody is trusted for being at the other end. Orders and sets count only if they are signed with
// the key that was pinned at enrolment; what a server may do without a signature is to ask.
package link

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

// Hands obey. contain.Hands are some.
type Hands interface {
	Take(ctx context.Context, envelope []byte) (contain.Receipt, error)
	Verify(hold string) (gate.Proof, error)
	Holds() []contain.Hold
	Ledger() directive.Ledger
}

// Config is what a link is given. Dir, Identity, Spool and Memory are needed.
type Config struct {
	Dir      string // of the identity
	Identity *Identity
	Spool    *spool.Spool
	Memory   *memory.Memory
	Hands    Hands            // nil: this host only watches
	Limits   directive.Limits // what the host allows, to be told; Hands enforce it

	// Install puts a set into force, by its kind. An error leaves the one before in force.
	Install map[string]func(body []byte) error
	// Change is the set that comes of one in force and what changed; it puts nothing into force. A kind without is
	// always sent whole.
	Change map[string]func(change []byte) (body []byte, err error)
	// SetProfile changes how much is watched: quiet, normal or recovery.
	SetProfile func(name string) error
	Profile    string // at the beginning
	// Counts are the accounts of whoever sees the events; nil are none.
	Counts func() (agent.Health, error)
	// Saw hears of DNS answers, for blocked domains; nil: nobody does.
	Saw func(e *event.Event)

	Version string
	Kernel  string
	Boot    string
	Now     func() time.Time
	Log     *slog.Logger
}

// Link is one host's. Its methods may be called at the same time.
type Link struct {
	c       Config
	dialer  net.Dialer
	kept    [32]atomic.Uint64 // events that nobody asked for
	broken  [32]atomic.Uint64 // events that could not be written
	notices chan contain.Notice
	fresh   fresh

	mu      sync.Mutex // guards what follows
	id      Identity
	profile string
	forward uint64 // kinds that are sent whether a rule wants them or not
	tails   map[*tail]bool
	sets    map[string]*wire.Installed
	trouble map[string]string // what is wrong, by what it is about
	ahead   time.Duration     // of the server's clock, as far as it said
}

// New makes a link that speaks to nobody yet.
func New(c Config) (*Link, error) {
	if c.Identity == nil || c.Spool == nil || c.Memory == nil {
		return nil, errors.New("make a link: identity, spool or memory is missing")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l := &Link{c: c, id: *c.Identity, profile: c.Profile, notices: make(chan contain.Notice, 64), tails: map[*tail]bool{},
		sets: map[string]*wire.Installed{}, trouble: map[string]string{}, dialer: net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}}
	return l, l.loadSets()
}

// Host is what this host is called, as it was enrolled.
func (l *Link) Host() string { return l.identity().Host }

func (l *Link) identity() *Identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := l.id
	return &id
}

// serversNow is the time at the server: certificates begin and end by its clock, and a host's own may
// be wrong, or have been set wrong.
func (l *Link) serversNow() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.c.Now().Add(l.ahead)
}

// pinned is the key that orders are signed with now: the hands', if there are any, for the key
// may have been replaced since enrolment.
func (l *Link) pinned() ed25519.PublicKey {
	if l.c.Hands != nil {
		return l.c.Hands.Ledger().Key
	}
	return l.identity().Pinned
}

// Tell passes on what happens by itself. It never blocks: what cannot be told at once is in the log.
func (l *Link) Tell(n contain.Notice) {
	l.c.Log.Warn(n.Say, "hold", n.Hold)
	select {
	case l.notices <- n:
	default:
	}
}

// Take remembers a batch and spools what is wanted of it: what a rule matched, what the server asked
// to have, what is new, and what somebody watches live. It is an agent.Sink and never refuses: what finds no room
// is counted by the spool.
func (l *Link) Take(_ context.Context, lane agent.Lane, batch []event.Event) error {
	l.c.Memory.Remember(batch)
	l.mu.Lock()
	forward, tails := l.forward, make([]*tail, 0, len(l.tails))
	for t := range l.tails {
		tails = append(tails, t)
	}
	l.mu.Unlock()
	to := spool.Bulk
	if lane == agent.Priority {
		to = spool.Priority
	}
	out, news, now := parcel{link: l, lane: to}, parcel{link: l, lane: spool.Bulk}, l.c.Now()
	for i := range batch {
		e := &batch[i]
		if l.c.Saw != nil && e.DNS != nil && e.DNS.Answer {
			l.c.Saw(e)
		}
		for _, t := range tails {
			t.see(e)
		}
		wanted := e.Rule != "" || forward&(1<<e.Kind) != 0
		switch isNew := l.fresh.pick(e, wanted, now); {
		case wanted:
			out.add(e)
		case isNew:
			news.add(e) // it gives way to signals, whatever its kind
		default:
			l.kept[e.Kind%32].Add(1)
		}
	}
	out.send()
	news.send()
	return nil
}

// parcel gathers events until they make a batch.
type parcel struct {
	link  *Link
	lane  spool.Lane
	batch wire.Batch
	of    spool.Counts
	size  int
}

func (p *parcel) add(e *event.Event) {
	b, err := json.Marshal(e)
	if err != nil || len(b) > wire.MostRow {
		p.link.broken[e.Kind%32].Add(1)
		p.link.c.Log.Warn("an event cannot be sent", "kind", e.Kind, "bytes", len(b), "err", err)
		return
	}
	if p.size+len(b) > wire.MostBatch || len(p.batch.GetEvents()) == wire.MostEvents {
		p.send()
	}
	p.batch.Events = append(p.batch.Events, b)
	p.of[e.Kind%32]++
	p.size += len(b)
}

func (p *parcel) send() {
	if len(p.batch.GetEvents()) == 0 {
		return
	}
	b, err := proto.Marshal(&p.batch)
	if err == nil {
		err = p.link.c.Spool.Append(p.lane, p.of, b)
	}
	p.link.note("spool", err)
	p.batch.Events, p.of, p.size = nil, spool.Counts{}, 0
}

// note keeps what is wrong, to be told with the accounts; nil that it is right again.
func (l *Link) note(about string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch was := l.trouble[about]; {
	case err == nil:
		delete(l.trouble, about)
	case was != err.Error():
		l.trouble[about] = err.Error()
		l.c.Log.Warn(about, "err", err)
	}
}

// Health is how this host is and what became of every event.
func (l *Link) Health() wire.Health {
	st := l.c.Spool.Standing()
	h := wire.Health{Kinds: map[string]wire.Kind{}, Spooled: st.Bytes, Oldest: st.Oldest}
	if l.c.Counts != nil {
		seen, err := l.c.Counts()
		l.note("accounts", err)
		h.Since, h.Malformed, h.Processes = seen.Since, seen.Malformed, seen.Processes
		for name, k := range seen.Kinds {
			h.Kinds[name] = wire.Kind{Seen: k.Seen, Filtered: k.Filtered + k.Unwatched + k.Dropped, Lost: k.Lost + k.Overflowed + k.Refused}
		}
	}
	for _, kind := range event.Kinds() {
		k := h.Kinds[kind.String()]
		k.Before, k.Kept, k.Sent, k.Waiting = st.Before[kind], l.kept[kind].Load(), st.Sent[kind], st.Waiting[kind]
		k.SpoolLost = st.Lost[kind] + l.broken[kind].Load()
		if k != (wire.Kind{}) {
			h.Kinds[kind.String()] = k
		}
	}
	if st.Unreadable > 0 {
		h.Trouble = append(h.Trouble, fmt.Sprintf("%d records of the spool were found damaged", st.Unreadable))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h.Profile, h.Sifted = l.profile, l.fresh.sifted()
	for about, what := range l.trouble {
		h.Trouble = append(h.Trouble, about+": "+what)
	}
	slices.Sort(h.Trouble)
	return h
}

// settings takes what the server wants watched and sent. A profile is no order: it takes nothing
// from anybody, and the host's memory goes on whatever it is.
func (l *Link) settings(s *wire.Settings) {
	var forward uint64
	for _, name := range s.GetForward() {
		if k, ok := event.KindNamed(name); ok {
			forward |= 1 << k
		}
	}
	l.fresh.settle(s)
	l.mu.Lock()
	l.forward = forward
	same := s.GetProfile() == "" || s.GetProfile() == l.profile
	l.mu.Unlock()
	if same || l.c.SetProfile == nil {
		return
	}
	err := l.c.SetProfile(s.GetProfile())
	l.note("profile", err)
	if err == nil {
		l.mu.Lock()
		l.profile = s.GetProfile()
		l.mu.Unlock()
	}
}
