// Package feeds reads by the clock what others publish of attackers, and holds what was read.
//
//	plan ─▶ feeds ─▶ https, or a file ─▶ intel's readers ─▶ guard ─▶ kept, encrypted ─▶ the set for hosts
//
// One replica asks; all have what it read. A feed that cannot be read, or says nothing, changes
// nothing of what holds: its indicators end by their own time.
package feeds

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
)

// Bounds of one feed. What is beyond them is refused whole.
const (
	MostIndicators = 100_000
	mostBytes      = 64 << 20
	mostPages      = 2_000
	mostObjects    = 500_000
	mostEvents     = 2_000 // of MISP, fetched at once
	patience       = 2 * time.Minute

	atOnce    = 4
	firstWait = time.Minute    // after a trouble; each further one doubles it, up to the feed's own pace
	mostWait  = 24 * time.Hour // the longest Retry-After that is believed
	wholeRead = 24 * time.Hour // a server's additions say nothing of what it took away
)

// Cache keeps what was read, encrypted.
type Cache interface {
	CachePut(ctx context.Context, space, key string, value []byte, at time.Time) error
	CacheGet(ctx context.Context, space, key string) (value []byte, at time.Time, ok bool, err error)
}

// Config is what Subscriptions are made of. Feeds, Guard, Cache and Room are needed.
type Config struct {
	Feeds  func() []plan.Feed
	Guard  func() *intel.Guard
	Cache  Cache
	Room   int                   // bytes that a set for hosts may have
	Folder func() (fs.FS, error) // of the plan, for feeds that are files there
	Token  func(name string) (text string, ok bool)
	Lead   func(ctx context.Context) bool // may this replica ask now? For Patience from then on, at least. nil: it is alone
	Trust  *x509.CertPool                 // nil: whom the machine trusts
	Now    func() time.Time
	Log    *slog.Logger
	// Patience is how long one feed may take, in real time; 0: two minutes.
	Patience time.Duration
}

// Subscriptions are the feeds of the plan. Their methods may be called at the same time.
type Subscriptions struct {
	c Config

	round sync.Mutex // held while feeds are read
	keep  sync.Mutex // held while what was read is written down

	mu    sync.Mutex // guards what follows
	kept  map[string]State
	sets  map[string]*intel.Set
	left  map[string]bool // no room for them on hosts
	fresh bool            // what is kept was read once
}

// State is how one feed stands.
type State struct {
	Place string `json:"place"` // where it was read from, as a digest
	Terms string `json:"terms"` // and how the plan wanted it read

	Tag      string           `json:"tag,omitempty"`      // ETag
	Modified string           `json:"modified,omitempty"` // Last-Modified, as the server wrote it
	Mark     string           `json:"mark,omitempty"`     // of TAXII
	Events   map[string]int64 `json:"events,omitempty"`   // of MISP: when each was changed, in seconds

	Read    time.Time `json:"read,omitzero"` // when it was last heard, also that nothing had changed
	Whole   time.Time `json:"whole,omitzero"`
	Next    time.Time `json:"next"`
	Failed  int       `json:"failed,omitempty"` // times in a row
	Trouble string    `json:"trouble,omitempty"`

	Size    int       `json:"size"`
	Bytes   int       `json:"bytes"`
	Sum     string    `json:"sum,omitempty"`
	TLP     intel.TLP `json:"tlp,omitempty"` // the strictest of its indicators
	Refused int       `json:"refused,omitempty"`
	First   []string  `json:"first,omitempty"` // the first reasons
}

// New makes Subscriptions that have what was kept, and asks nobody.
func New(ctx context.Context, c Config) (*Subscriptions, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Patience <= 0 {
		c.Patience = patience
	}
	s := &Subscriptions{c: c, kept: map[string]State{}, sets: map[string]*intel.Set{}, left: map[string]bool{}}
	return s, s.recall(ctx)
}

// Round reads the feeds that are due, or what another replica read. The error is one of the database.
func (s *Subscriptions) Round(ctx context.Context) error {
	s.round.Lock()
	defer s.round.Unlock()
	all := s.c.Feeds()
	if len(all) == 0 && s.empty() {
		return nil
	}
	if err := s.recall(ctx); err != nil {
		return err
	}
	if !s.leads(ctx) {
		return nil
	}
	if err := s.forget(ctx, all); err != nil {
		return err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	errs := make(chan error, len(all))
	for _, f := range all {
		if !s.due(f) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if s.leads(ctx) {
				errs <- s.pull(ctx, f)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Subscriptions) leads(ctx context.Context) bool {
	return ctx.Err() == nil && (s.c.Lead == nil || s.c.Lead(ctx))
}

func (s *Subscriptions) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh && len(s.kept) == 0
}

func (s *Subscriptions) due(f plan.Feed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.kept[f.Name]
	return !ok || st.Place != placeOf(f) || st.Terms != termsOf(f) || !s.c.Now().Before(st.Next)
}

// pull reads one feed, and keeps what came of it.
func (s *Subscriptions) pull(ctx context.Context, f plan.Feed) error {
	s.mu.Lock()
	st, held := s.kept[f.Name], s.sets[f.Name]
	s.mu.Unlock()
	before := st.Trouble
	if st.Place != placeOf(f) { // it is another feed under that name
		st, held = State{}, nil
	}
	if st.Terms != termsOf(f) {
		st.Tag, st.Modified, st.Mark, st.Events, st.Whole = "", "", "", nil, time.Time{}
	}
	st.Place, st.Terms = placeOf(f), termsOf(f)

	reading, cancel := context.WithTimeout(ctx, s.c.Patience)
	defer cancel()
	now := s.c.Now()
	next, set, err := s.read(reading, f, st, held)
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // the server stops: that says nothing of the feed
	case err != nil:
		st = troubled(st, f, now, err)
		if st.Trouble != before {
			s.c.Log.Warn("a feed of indicators cannot be read; what it said before holds", "feed", f.Name, "trouble", st.Trouble, "next", st.Next)
		}
		return s.put(ctx, f.Name, st, held)
	}
	next.Read, next.Next, next.Failed, next.Trouble = now, now.Add(f.Every), 0, ""
	if before != "" {
		s.c.Log.Info("a feed of indicators can be read again", "feed", f.Name)
	}
	return s.put(ctx, f.Name, next, set)
}

// troubled is how a feed stands that could not be read.
func troubled(st State, f plan.Feed, now time.Time, err error) State {
	st.Failed++
	st.Trouble = cut(err.Error(), 300)
	wait := f.Every
	if !incident.IsGivenUp(err) && st.Failed < 16 {
		wait = min(wait, firstWait<<(st.Failed-1))
	}
	if asked, ok := incident.LaterBy(err); ok {
		wait = min(max(wait, asked), mostWait)
	}
	st.Next = now.Add(wait)
	return st
}

// placeOf is from where a feed is read. Another place is another feed, whatever it is called.
func placeOf(f plan.Feed) string { return digest(f.Kind, f.URL, f.File, f.Collection) }

// termsOf is all else that the plan says of it.
func termsOf(f plan.Feed) string {
	return digest(f.Every, f.Life, f.Confidence, f.TLP, f.Below, f.Internal, f.Token, f.User, f.Header)
}

func digest(parts ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:12])
}

func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}
