package fleet

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/wireconnect"
)

// Replica is a server that passes its hosts on to others.
type Replica struct {
	ID      string
	Address string // at which others reach its port for sensors
	Seen    time.Time
}

const (
	beatEvery   = 5 * time.Second  // into the register, and on a stream
	goneReplica = 20 * time.Second // without a beat, after which a replica is not called any more
	peerWait    = 2 * time.Second  // the longest between two calls
	mostNews    = wire.MostMessage + 64<<10
	mostErrand  = wire.MostUpdate + 64<<10
)

// peer is another replica, whose hosts are reached through it: the far end is a sharer there.
type peer struct {
	fleet   *Fleet
	id      string
	address string
	out     chan *wire.Errand

	// Guarded by Fleet.mu.
	stop    context.CancelCauseFunc  // of the stream; nil: there is none
	mirrors map[uint64]*session      // by the number of the conversation there
	known   map[uint64]chan struct{} // who waits until it has read what was changed
}

// meet finds the other replicas, is found by them, and holds a stream to each until the context ends.
// Whoever is there is in the book, so that losing Redis costs nothing here.
func (f *Fleet) meet(ctx context.Context) {
	if f.c.Peer == "" {
		return
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		if err := f.beat(ctx); err != nil && ctx.Err() == nil {
			f.c.Log.Warn("look which replicas there are", "err", err)
		}
		select {
		case <-ctx.Done():
			leaving, done := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer done()
			if err := f.c.Book.Leave(leaving, f.id); err != nil {
				f.c.Log.Warn("say that this replica stops", "err", err)
			}
			return
		case <-beat.C:
		case <-f.soon:
		}
	}
}

// lookSoon has the register be looked at now.
func (f *Fleet) lookSoon() {
	select {
	case f.soon <- struct{}{}:
	default:
	}
}

func (f *Fleet) beat(ctx context.Context) error {
	if err := f.c.Book.Beat(ctx, Replica{ID: f.id, Address: f.c.Peer, Seen: f.c.Now()}); err != nil {
		return err
	}
	all, err := f.c.Book.Replicas(ctx, f.c.Now().Add(-goneReplica))
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range all {
		if p := f.peers[r.ID]; r.ID == f.id || p != nil && p.address == r.Address {
			continue
		} else if p != nil {
			p.address = r.Address
			continue
		}
		p := &peer{fleet: f, id: r.ID, address: r.Address, out: make(chan *wire.Errand, newsWaiting), mirrors: map[uint64]*session{}, known: map[uint64]chan struct{}{}}
		f.peers[r.ID] = p
		go p.run(ctx)
	}
	if err != nil {
		return err // some may be missing: nobody is forgotten for it
	}
	for id, p := range f.peers {
		// A stream that is open says more than the register.
		if p.stop == nil && !slices.ContainsFunc(all, func(r Replica) bool { return r.ID == id }) {
			delete(f.peers, id)
		}
	}
	return nil
}

// run calls the replica again and again, until it is not there any more.
func (p *peer) run(ctx context.Context) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, peerWait) {
		p.fleet.mu.Lock()
		there := p.fleet.peers[p.id] == p
		p.fleet.mu.Unlock()
		if !there || ctx.Err() != nil {
			return
		}
		began := time.Now()
		if err := p.converse(ctx); ctx.Err() == nil {
			p.fleet.c.Log.Warn("the stream to a replica is closed", "replica", p.id, "address", p.address, "err", err)
		}
		if time.Since(began) > 10*peerWait {
			wait = 50 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// converse holds the stream until it breaks. Then nobody is reached through it: who waits is told.
func (p *peer) converse(ctx context.Context) error {
	f := p.fleet
	f.mu.Lock()
	address := p.address
	f.mu.Unlock()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: f.authority.toReplica(p.id), TLSHandshakeTimeout: 5 * time.Second,
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second, WriteByteTimeout: 10 * time.Second}}
	defer tr.CloseIdleConnections()
	client := wireconnect.NewPeersClient(&http.Client{Transport: tr}, "https://"+address, connect.WithReadMaxBytes(mostNews), connect.WithSendMaxBytes(mostErrand))
	stream := client.Share(ctx)
	// HTTP/2 does not look at the context while it waits for more of a request.
	context.AfterFunc(ctx, func() { _, _ = stream.CloseRequest(), stream.CloseResponse() })
	late := time.AfterFunc(2*peerWait, func() { stop(why("it does not answer")) })
	defer late.Stop()
	if err := stream.Send(nil); err != nil { // the headers
		return err
	}
	if _, err := stream.Receive(); err != nil {
		return err
	}
	if !late.Stop() {
		return context.Cause(ctx)
	}
	p.opened(stop)
	defer p.closed()
	f.c.Log.Info("the hosts of another replica are reached", "replica", p.id, "address", address)
	go func() { stop(p.write(ctx, stream)) }()
	for {
		n, err := stream.Receive()
		if err != nil {
			return err
		}
		p.hear(ctx, n)
	}
}

// write says something every few seconds, so that a machine that went away is missed.
func (p *peer) write(ctx context.Context, stream *connect.BidiStreamForClient[wire.Errand, wire.News]) error {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		e := &wire.Errand{}
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
		case e = <-p.out:
		}
		if err := stream.Send(e); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
}

// opened begins with the newest sets: one of both replicas may have had others.
func (p *peer) opened(stop context.CancelCauseFunc) {
	f := p.fleet
	f.mu.Lock()
	p.stop = stop
	for empty := false; !empty; { // what was meant for the stream before
		select {
		case <-p.out:
		default:
			empty = true
		}
	}
	for _, u := range f.sets {
		p.out <- &wire.Errand{What: &wire.Errand_Update{Update: u}}
	}
	f.mu.Unlock()
}

// closed ends every conversation that went through it.
func (p *peer) closed() {
	f := p.fleet
	f.mu.Lock()
	p.stop = nil
	clear(p.known)
	var over []*session
	for _, s := range p.mirrors {
		over = append(over, s)
	}
	f.mu.Unlock()
	for _, s := range over {
		s.end("the connection to the replica that has the host broke")
	}
	f.lookSoon()
}

// wish puts something into the line to the replica. One that reads nothing for so long that the line is
// full is given up: it is called again.
func (p *peer) wish(e *wire.Errand) {
	select {
	case p.out <- e:
	default:
		go p.hangUp("the replica does not read what it is sent") // f.mu may be held
	}
}

func (p *peer) hangUp(reason string) {
	p.fleet.mu.Lock()
	defer p.fleet.mu.Unlock()
	if p.stop != nil {
		p.stop(why(reason))
	}
}

// wishAll wants the same of every replica that is reached. f.mu is not held.
func (f *Fleet) wishAll(e *wire.Errand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.peers {
		if p.stop != nil {
			p.wish(e)
		}
	}
}

// unheard are the addresses of replicas that should be there and cannot be reached. f.mu is held.
func (f *Fleet) unheard() string {
	there := map[string]bool{} // one that was killed and began again is at its old address under a new id
	for _, p := range f.peers {
		there[p.address] = there[p.address] || p.stop != nil
	}
	maps.DeleteFunc(there, func(_ string, heard bool) bool { return heard })
	all := slices.Sorted(maps.Keys(there))
	return strings.Join(all, ", ")
}
