package fleet

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const (
	mostOlder = 64 << 20 // bytes of sets that were published before, kept to tell what changed since
	olderSets = 8        // of a kind
	mostWhole = 6 << 20  // bytes of a set for an agent that takes no parts
)

// gifts are the sets that one host is still to have. One of a kind is under way at a time: what the host
// makes of it decides what the next one starts from.
type gifts struct {
	mu     sync.Mutex // guards what follows
	wanted map[string]*wire.Update
	busy   map[string]bool
	has    map[string][]byte // SHA-256 of what is installed
	change map[string]bool   // what is under way is a change
	ready  []*wire.Update
	rest   []byte        // of the body that is being sent
	more   chan struct{} // something is ready
}

func newGifts(hello *wire.Hello) *gifts {
	g := &gifts{wanted: map[string]*wire.Update{}, busy: map[string]bool{}, has: map[string][]byte{}, change: map[string]bool{}, more: make(chan struct{}, 1)}
	for _, set := range hello.GetSets()[:min(len(hello.GetSets()), 8)] {
		g.has[set.GetKind()] = set.GetSha256()
	}
	return g
}

// want gives the host a set: soon, or when what came of the one before is known.
func (s *session) want(u *wire.Update) {
	g := s.gifts
	g.mu.Lock()
	g.wanted[u.GetKind()] = u
	g.mu.Unlock()
	s.prepare(u.GetKind(), false)
}

// prepare makes ready what the host is to have next of a kind. Finding out what changed takes a moment, so it
// happens beside everything else. anew sends what was refused as a change whole.
func (s *session) prepare(kind string, anew bool) {
	g := s.gifts
	g.mu.Lock()
	defer g.mu.Unlock()
	u := g.wanted[kind]
	if u == nil || g.busy[kind] {
		return
	}
	delete(g.wanted, kind)
	g.busy[kind] = true
	base := g.has[kind]
	if anew {
		base = nil
	}
	go func() {
		u, fits := s.fleet.shape(u, base, s.hello.GetParts())
		if !fits {
			g.mu.Lock()
			g.busy[kind] = false
			g.mu.Unlock()
			s.fleet.report(s.agent, "The newest set of "+kind+" is larger than its sensor takes at once: install the sensor of this server's version.")
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.change[kind] = len(u.GetBase()) > 0
		g.ready = append(g.ready, u)
		select {
		case g.more <- struct{}{}:
		default:
		}
	}()
}

// next is what is sent of sets when nothing else is to be said; nil is nothing.
func (g *gifts) next() *wire.Down {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.rest) > 0 {
		n := min(len(g.rest), wire.MostPart)
		part := g.rest[:n]
		g.rest = g.rest[n:]
		return &wire.Down{What: &wire.Down_Part{Part: &wire.Part{Part: part}}}
	}
	if len(g.ready) == 0 {
		return nil
	}
	u := g.ready[0]
	g.ready = g.ready[1:]
	if u.GetSize() > 0 {
		g.rest = u.GetBody()
		u = &wire.Update{Kind: u.GetKind(), Version: u.GetVersion(), Sha256: u.GetSha256(), Signature: u.GetSignature(), Base: u.GetBase(), Size: u.GetSize()}
	}
	return &wire.Down{What: &wire.Down_Update{Update: u}}
}

// gave hears what the host made of a set. A change that did not work out is followed by the whole set, once.
func (s *session) gave(i *wire.Installed) {
	g, kind := s.gifts, i.GetKind()
	g.mu.Lock()
	was, change := g.busy[kind], g.change[kind]
	if was {
		g.busy[kind], g.change[kind] = false, false
		g.has[kind] = i.GetSha256()
	}
	g.mu.Unlock()
	if !was {
		return
	}
	anew := change && i.GetTrouble() != ""
	if anew {
		s.fleet.mu.Lock()
		newest := s.fleet.sets[kind]
		s.fleet.mu.Unlock()
		g.mu.Lock()
		g.wanted[kind] = newest
		g.mu.Unlock()
	}
	s.prepare(kind, anew)
}

// deliver sends what is to be said to the host, and between that, sets: an order does not wait for a million
// indicators.
func (s *session) deliver(ctx context.Context, send func(*wire.Down) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case down := <-s.out:
			if err := send(down); err != nil {
				return err
			}
			continue
		default:
		}
		if down := s.gifts.next(); down != nil {
			if err := send(down); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case down := <-s.out:
			if err := send(down); err != nil {
				return err
			}
		case <-s.gifts.more:
		}
	}
}

// delta is a change between two sets of a kind, by what both hash to.
type delta struct{ kind, from, to string }

// shape is how a set is sent to a host that has another: as what changed, when that is known and smaller.
// fits is false when the agent is too old for one of this size.
func (f *Fleet) shape(u *wire.Update, base []byte, parts bool) (shaped *wire.Update, fits bool) {
	if !parts {
		return u, len(u.GetBody()) <= mostWhole
	}
	out := &wire.Update{Kind: u.GetKind(), Version: u.GetVersion(), Sha256: u.GetSha256(), Signature: u.GetSignature(), Body: u.GetBody()}
	if change := f.changed(u, base); len(change) > 0 && len(change) < len(u.GetBody()) {
		out.Body, out.Base = change, base
	}
	if len(out.GetBody()) > wire.MostPart {
		out.Size = uint64(len(out.GetBody()))
	}
	return out, true
}

// changed is what turns the set that hashes to base into u; nothing where that is not known. It is found out
// once for all hosts that have the same.
func (f *Fleet) changed(u *wire.Update, base []byte) []byte {
	find := f.c.Changes[u.GetKind()]
	if find == nil || len(base) == 0 {
		return nil
	}
	f.mu.Lock()
	at := slices.IndexFunc(f.older, func(o *wire.Update) bool { return o.GetKind() == u.GetKind() && bytes.Equal(o.GetSha256(), base) })
	if at < 0 {
		f.mu.Unlock()
		return nil
	}
	key, from := delta{u.GetKind(), string(base), string(u.GetSha256())}, f.older[at].GetBody()
	once := f.deltas[key]
	if once == nil {
		once = sync.OnceValue(func() []byte {
			change, err := find(from, u.GetBody())
			if err != nil {
				f.c.Log.Error("find out what changed between two sets", "kind", u.GetKind(), "err", err)
			}
			return change
		})
		f.deltas[key] = once
	}
	f.mu.Unlock()
	return once()
}

// keep makes a set the newest of its kind. The one before it is kept as long as there is room: most hosts have
// it. f.mu is held.
func (f *Fleet) keep(u *wire.Update) {
	f.sets[u.GetKind()] = u
	for key := range f.deltas {
		if key.kind == u.GetKind() {
			delete(f.deltas, key)
		}
	}
	f.older = append(f.older, u)
	held := map[string]int{}
	size := 0
	kept := f.older[:0:0]
	for _, o := range slices.Backward(f.older) { // the newest first: it is always kept, and so is the one before
		held[o.GetKind()]++
		if size += len(o.GetBody()); held[o.GetKind()] > 2 && (held[o.GetKind()] > olderSets || size > mostOlder) {
			size -= len(o.GetBody())
			continue
		}
		kept = append(kept, o)
	}
	slices.Reverse(kept)
	f.older = kept
}
