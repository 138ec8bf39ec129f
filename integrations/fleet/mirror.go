package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// A mirror is the conversation of a host with another replica, as a session of this one: questions and
// orders go through it as through any other. The replica that has the host welcomes it, acknowledges
// its batches, gives it sets and writes it into the book; a mirror does none of that.

// hear takes what the replica tells of its hosts.
func (p *peer) hear(ctx context.Context, n *wire.News) {
	f := p.fleet
	switch m := n.GetWhat().(type) {
	case *wire.News_Came:
		if err := p.came(ctx, m.Came); err != nil {
			f.c.Log.Warn("take a host that another replica has", "host", tame(m.Came.GetHost()), "replica", p.id, "err", err)
		}
	case *wire.News_Left:
		f.mu.Lock()
		s := p.mirrors[m.Left.GetTalk()]
		f.mu.Unlock()
		if s != nil {
			s.end("the host left the replica that had it")
		}
	case *wire.News_Said:
		f.mu.Lock()
		s := p.mirrors[m.Said.GetTalk()]
		f.mu.Unlock()
		if s == nil {
			return
		}
		select {
		case s.in <- m.Said:
		case <-s.done:
		case <-ctx.Done():
		}
	case *wire.News_Known:
		p.knows(m.Known.GetId())
	case *wire.News_Reported:
		f.trouble(Agent{ID: m.Reported.GetAgent(), Host: m.Reported.GetHost()}, tame(m.Reported.GetWhat()))
	}
}

// came makes a mirror. The book has the last word on whose the host is.
func (p *peer) came(ctx context.Context, m *wire.Came) error {
	f := p.fleet
	a, ok, err := f.c.Book.Agent(ctx, m.GetAgent())
	if err != nil {
		return err
	}
	if !ok || a.Host != m.GetHost() || !a.Revoked.IsZero() {
		return errors.New("it is not in the book")
	}
	hello := m.GetHello()
	if hello == nil {
		hello = &wire.Hello{}
	}
	of, stop := context.WithCancelCause(ctx)
	s := &session{fleet: f, agent: a, from: tame(m.GetFrom()), hello: hello, out: make(chan *wire.Down, 64), gifts: newGifts(hello), stop: stop, done: of.Done(), heard: time.Now(),
		orders: map[[sha256.Size]byte]chan *wire.Done{}, asked: map[uint64]*asked{}, lastID: firstID(),
		peer: p, talk: m.GetTalk(), in: make(chan *wire.Said, 64), since: time.UnixMilli(m.GetSinceMs())}
	f.mu.Lock()
	if p.mirrors[s.talk] != nil || f.closed {
		f.mu.Unlock()
		stop(nil)
		return nil
	}
	p.mirrors[s.talk] = s
	was := f.sessions[a.Host]
	if was == nil || was.peer != nil {
		f.reflect(s, m.GetAbout())
	}
	f.mu.Unlock()
	context.AfterFunc(of, func() { f.leave(s) })
	go s.carry(of)
	go s.attend(of)
	s.ping()
	if was != nil && was.peer == nil {
		go f.settle(was, s)
	}
	return nil
}

// reflect makes a mirror the conversation of its host. f.mu is held.
func (f *Fleet) reflect(s *session, about []byte) {
	f.sessions[s.agent.Host] = s
	h := f.describe(s)
	h.Replica = s.peer.address
	var told Host
	if json.Unmarshal(about, &told) == nil {
		h.Health, h.Profile, h.Sets, h.Received, h.Notices, h.Trouble, h.Offset = told.Health, told.Profile, told.Sets, told.Received, told.Notices, told.Trouble, told.Offset
	}
}

// carry brings what is said to the host to the replica that has it.
func (s *session) carry(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case down := <-s.out:
			s.peer.wish(&wire.Errand{What: &wire.Errand_Tell{Tell: &wire.Tell{Talk: s.talk, Down: down}}})
		}
	}
}

// attend takes what the host said. Each has its own, so that one answer that nobody reads fast does not
// hold up the others.
func (s *session) attend(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case said := <-s.in:
			s.asks = said.GetAsk()
			s.hear(ctx, said.GetUp())
		}
	}
}

// settle decides between a conversation that is held here and one that another replica has, when the
// replicas could not hear each other: of two that live the elder stays, as it does on one server.
func (f *Fleet) settle(here, there *session) {
	if !here.alive() {
		here.end("the host is at another replica")
		return // leave puts the mirror in its place
	}
	if here.agent.ID != there.agent.ID {
		return // the book knows which, and the other replica looks into it too
	}
	f.report(here.agent, "Two agents came with its certificate, from "+here.from+" and, at another replica, from "+there.from+", while the replicas did not hear each other.")
	if here.since.Before(there.since) || here.since.Equal(there.since) && compare(f.id, there.peer.id) < 0 {
		there.drop("another agent was there before, at another replica")
	}
}

// drop has the replica that has the host end its conversation; of one that is held here it does nothing.
func (s *session) drop(reason string) {
	if s.peer == nil {
		return
	}
	s.peer.wish(&wire.Errand{What: &wire.Errand_Drop{Drop: &wire.Drop{Talk: s.talk, Why: reason}}})
}

// other is a mirror of a host that another replica still has. f.mu is held.
func (f *Fleet) other(a Agent) *session {
	for _, p := range f.peers {
		for _, s := range p.mirrors {
			if s.agent.ID == a.ID {
				return s
			}
		}
	}
	return nil
}
