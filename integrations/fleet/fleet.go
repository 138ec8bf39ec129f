// Package fleet is the server's side of the sensors: it makes hosts known (Enrol), holds one
// conversation with each, gathers their signals into windows, asks them questions all at once, and
// orders them about with signed directives. Its actions are the containment on hosts.
//
// What it promises:
//
//   - A host is who its certificate says and nobody else: the certificate names agent and host, both
//     are in the book, and whoever comes with it from another machine is refused and reported.
//   - An order is signed with a key that is in no database, counts up, expires within minutes, and
//     names incident and approval. A host obeys it only as far as its own limits go.
//   - A success is what the host showed, never what was sent. A host that does not answer has
//     proved nothing, and a hunt says how many have not answered.
//   - What a host says is data: it is bounded, it is never believed about another host, and it
//     decides nothing but what becomes of that host's own.
package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Config is what a fleet is given. Workspace, Book and the two keys are needed.
type Config struct {
	Workspace string
	Book      Book
	// Directives signs orders and sets; hosts pin it. Authority signs certificates. Both are the
	// server's secrets and the same for every replica.
	Directives, Authority ed25519.PrivateKey

	// Peer is the address at which other replicas reach the port for sensors of this one; "": there
	// are no others. Replicas find each other in the book, and pass their hosts on to each other.
	Peer string

	Names []string      // of the server's certificate: DNS names and addresses that hosts use
	Life  time.Duration // of a host's certificate; 0 is a week
	Shelf Shelf         // nil: evidence cannot be kept

	Rooms    Rooms                          // nil: signals are gathered and reach nobody
	Rule     func(name string) (Rule, bool) // what a rule that a host names means
	Excepted func(noise.Signal) string      // the exception that keeps a signal quiet, "" for none; nil is none
	Changed  func(context.Context) error    // reads what another replica says was changed; nil: there is nothing
	// Changes find out what turns one set of a kind into another, for hosts that have the one. A kind without is
	// sent whole.
	Changes    map[string]func(from, to []byte) ([]byte, error)
	Thresholds func() noise.Thresholds // what signals ask the rooms for, as it is agreed now; nil: nothing
	Windows    noise.Windows
	Settings   func(host string) Settings // what is watched and sent; nil is nothing but signals
	// Usual learns from an event what is usual, and says what is not; nil: nobody learns. Odd is what that
	// asks for.
	Usual func(e *event.Event) []Unusual
	Odd   func() noise.Thresholds

	Now func() time.Time
	Log *slog.Logger
}

// Settings are how much of a host is watched, and what it sends although no rule wants it.
type Settings struct {
	Profile string // quiet, normal, recovery; "" is as the host is
	Forward []event.Kind
	// New has events of behaviour sent that was not sent for so long; 0 is none. When Again changes the host
	// sends once more what it sent before.
	New   time.Duration
	Again int64
}

// Rule is what is known of a rule or an indicator.
type Rule struct {
	Level      noise.Level
	Techniques []string // T1059.004
	Title      string
}

// Rooms are the incidents, as far as signals ask for anything there. Calls may take their time; they
// are made one after the other, those about what is not usual beside the others.
type Rooms interface {
	// Open lists the open incidents with what is affected in each.
	Open(ctx context.Context) ([]noise.Open, error)
	// Note adds a signal to an incident that has the group already.
	Note(ctx context.Context, incident string, s Said) error
	// Link tells an open incident of signals on something that is affected in it.
	Link(ctx context.Context, incident string, s Said) error
	// Declare opens an incident and says which.
	Declare(ctx context.Context, severity string, s Said) (incident string, err error)
}

// Said is what signals have to say to people.
type Said struct {
	Group noise.Group
	Why   string   // one sentence
	Also  []string // other open incidents that share something with it
	Key   string   // the same for the same crossing, however often it is said
}

// Shelf keeps archives that hosts deliver, until the incident has them.
type Shelf interface {
	Put(ctx context.Context, id string, r io.Reader, most int64) (Kept, error)
	Find(ctx context.Context, id string) (k Kept, ok bool, err error)
	Open(ctx context.Context, id string) (io.ReadCloser, error)
}

// Kept is an archive on the shelf.
type Kept struct {
	SHA256 string // hex
	Size   int64  // bytes
}

// Fleet is all hosts of a workspace. Its methods may be called at the same time.
type Fleet struct {
	c         Config
	authority *authority
	pinned    string // what the directive key hashes to, in hex
	windows   *windows
	odd       *windows      // of what is not usual
	slots     chan struct{} // enrolments at once
	id        string        // of this replica, until it stops
	soon      chan struct{} // the register is to be looked at

	mu       sync.Mutex          // guards what follows
	sessions map[string]*session // by host; of one that another replica has, the mirror
	talks    map[uint64]*session // that are held here, by number
	lastTalk uint64
	peers    map[string]*peer        // other replicas, by id
	sharers  map[*sharer]bool        // other replicas that reach the hosts of this one
	hosts    map[string]*Host        // by host; everybody in the book
	sets     map[string]*wire.Update // by kind
	older    []*wire.Update          // them, and what was published before, in the order of publishing
	deltas   map[delta]func() []byte // from older ones to the newest
	watching map[chan Seen]func(*event.Event) bool
	awaited  map[string]awaited // archives, by directive
	closed   bool
}

// New makes a fleet of the hosts in the book. It speaks to nobody until it is served.
func New(ctx context.Context, c Config) (*Fleet, error) {
	if c.Workspace == "" || c.Book == nil || len(c.Directives) != ed25519.PrivateKeySize || len(c.Authority) != ed25519.PrivateKeySize {
		return nil, errors.New("the fleet needs a workspace, a book and two keys")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Life == 0 {
		c.Life = 7 * 24 * time.Hour
	}
	if c.Rule == nil {
		c.Rule = func(string) (Rule, bool) { return Rule{}, false }
	}
	f := &Fleet{c: c, slots: make(chan struct{}, 8), id: strings.ToLower(rand.Text()[:16]), soon: make(chan struct{}, 1), sessions: map[string]*session{},
		talks: map[uint64]*session{}, peers: map[string]*peer{}, sharers: map[*sharer]bool{}, hosts: map[string]*Host{}, sets: map[string]*wire.Update{}, deltas: map[delta]func() []byte{},
		watching: map[chan Seen]func(*event.Event) bool{}, awaited: map[string]awaited{}}
	pub, _ := c.Directives.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(pub)
	f.pinned = hex.EncodeToString(sum[:])
	var err error
	if f.authority, err = newAuthority(c, f.id); err != nil {
		return nil, err
	}
	if f.windows, err = newWindows(f, c.Thresholds); err != nil {
		return nil, err
	}
	if f.odd, err = newWindows(f, c.Odd); err != nil {
		return nil, err
	}
	return f, f.learn(ctx)
}

// key is what hosts pin.
func (f *Fleet) key() ed25519.PublicKey {
	pub, _ := f.c.Directives.Public().(ed25519.PublicKey)
	return pub
}
