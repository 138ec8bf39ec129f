package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// sharer is another replica that reaches the hosts of this one: the near end of its stream.
// It hears what hosts say, and is answered what it asked; what another asked is not its business.
type sharer struct {
	fleet *Fleet
	id    string
	out   chan *wire.News
	stop  context.CancelCauseFunc
	done  <-chan struct{}

	// What it waits for. Guarded by Fleet.mu, as the list of sharers is.
	questions map[errand]bool
	orders    map[[sha256.Size]byte]bool
	pings     map[errand]bool
}

// errand is a question by its id, or a ping by its time, in one conversation.
type errand struct{ talk, id uint64 }

const (
	newsWaiting = 1024            // messages to a replica that may lie before others wait for it
	newsWithin  = 5 * time.Second // after which it is given up
	mostErrands = 4096            // questions, and pings, that a replica has under way
	// fellowSilent is after how long without a word a replica is taken for dead: till then it may be
	// the one to ask the rooms.
	fellowSilent = 3 * beatEvery
)

// porch is the door for replicas.
type porch struct {
	*Fleet
	id string // of whoever came
}

// fellow is the replica that a request comes from: its certificate is of the kind that no host gets,
// and it is in the register, into which only who has the database's key can write.
func (f *Fleet) fellow(r *http.Request) (id string, no *connect.Error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", refused(connect.CodeUnauthenticated, "this door is for replicas")
	}
	leaf := r.TLS.VerifiedChains[0][0]
	id, ok := f.authority.replica(leaf)
	if !ok || f.c.Peer == "" {
		host := "nobody's"
		if _, name, is := f.authority.named(leaf); is {
			host = name
		}
		f.c.Log.Warn("a certificate that is no replica's was used on the door for replicas", "host", host, "from", r.RemoteAddr)
		return "", refused(connect.CodePermissionDenied, "this door is for replicas")
	}
	all, err := f.c.Book.Replicas(r.Context(), f.c.Now().Add(-goneReplica))
	if err != nil {
		f.c.Log.Warn("look which replicas there are", "err", err)
	}
	if !slices.ContainsFunc(all, func(r Replica) bool { return r.ID == id }) {
		return "", refused(connect.CodePermissionDenied, "this replica is not in the register")
	}
	return id, nil
}

// Share is the stream to one replica, for as long as both want it.
func (p *porch) Share(ctx context.Context, stream *connect.BidiStream[wire.Errand, wire.News]) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &sharer{fleet: p.Fleet, id: p.id, out: make(chan *wire.News, newsWaiting), stop: stop, done: ctx.Done(),
		questions: map[errand]bool{}, orders: map[[sha256.Size]byte]bool{}, pings: map[errand]bool{}}
	here, ok := p.admit(s)
	if !ok {
		return refused(connect.CodeUnavailable, "the server is stopping")
	}
	defer p.dismiss(s)
	p.lookSoon() // it is there, so it can be reached
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		stop(s.write(ctx, stream, here))
	}()
	heard := make(chan error, 1)
	silent := time.AfterFunc(fellowSilent, func() { stop(why("the replica is silent")) })
	defer silent.Stop()
	go func() {
		for {
			e, err := stream.Receive()
			if err != nil {
				heard <- err
				return
			}
			silent.Reset(fellowSilent)
			s.errand(ctx, e)
		}
	}()
	var err error
	select {
	case err = <-heard:
	case <-ctx.Done():
		err = refused(connect.CodeAborted, context.Cause(ctx).Error())
	}
	stop(nil)
	<-sent
	return err
}

// write tells first of the hosts that are here already.
func (s *sharer) write(ctx context.Context, stream *connect.BidiStream[wire.Errand, wire.News], here []*wire.News) error {
	if err := stream.Send(&wire.News{}); err != nil { // the stream is open, also where there is no host
		return err
	}
	for _, n := range here {
		if err := stream.Send(n); err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-s.out:
			if err := stream.Send(n); err != nil {
				return err
			}
		}
	}
}

// admit takes a sharer in; here are the conversations that it has not been told of.
func (f *Fleet) admit(s *sharer) (here []*wire.News, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, false
	}
	f.sharers[s] = true
	for _, talk := range f.talks {
		here = append(here, f.came(talk))
	}
	return here, true
}

// dismiss lets a sharer go. What it asked hosts for nobody wants any more; what it was to ask the
// rooms for, whoever is left asks.
func (f *Fleet) dismiss(s *sharer) {
	f.mu.Lock()
	delete(f.sharers, s)
	for q := range s.questions {
		if talk := f.talks[q.talk]; talk != nil {
			talk.send(&wire.Down{What: &wire.Down_Enough{Enough: &wire.Enough{Id: q.id}}})
		}
	}
	f.mu.Unlock()
	f.windows.again()
	f.odd.again()
}

// tell waits for a replica that is slow, as a host waits for a server that is; one that takes nothing
// for long is given up, and comes back.
func (s *sharer) tell(n *wire.News) {
	select {
	case s.out <- n:
		return
	default:
	}
	late := time.NewTimer(newsWithin)
	defer late.Stop()
	select {
	case s.out <- n:
	case <-s.done:
	case <-late.C:
		s.stop(why("the replica does not read what it is sent"))
	}
}

// tellAll must not be called with f.mu held.
func (f *Fleet) tellAll(n *wire.News) {
	for _, s := range f.sharing() {
		s.tell(n)
	}
}

// sharing are the sharers, in the order of their ids.
func (f *Fleet) sharing() []*sharer {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*sharer, 0, len(f.sharers))
	for s := range f.sharers {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *sharer) int { return compare(a.id, b.id) })
	return all
}

// came tells of a conversation. f.mu is held.
func (f *Fleet) came(s *session) *wire.News {
	about, _ := json.Marshal(f.hosts[s.agent.Host])
	return &wire.News{What: &wire.News_Came{Came: &wire.Came{Talk: s.talk, Host: s.agent.Host, Agent: s.agent.ID, Hello: s.hello, From: s.from,
		SinceMs: s.since.UnixMilli(), About: about}}}
}

// errand does what the replica wants. A conversation that is over needs no answer: it was told so.
func (s *sharer) errand(ctx context.Context, e *wire.Errand) {
	f := s.fleet
	switch m := e.GetWhat().(type) {
	case *wire.Errand_Tell:
		f.mu.Lock()
		defer f.mu.Unlock()
		if talk := f.talks[m.Tell.GetTalk()]; talk != nil && s.expects(talk, m.Tell.GetDown()) {
			talk.send(m.Tell.GetDown())
		}
	case *wire.Errand_Drop:
		f.mu.Lock()
		defer f.mu.Unlock()
		if talk := f.talks[m.Drop.GetTalk()]; talk != nil {
			talk.end(tame(m.Drop.GetWhy()))
		}
	case *wire.Errand_Update:
		f.adopt(m.Update)
	case *wire.Errand_Changed:
		go func() {
			if f.c.Changed == nil || f.c.Changed(ctx) == nil {
				s.tell(&wire.News{What: &wire.News_Known{Known: &wire.Known{Id: m.Changed.GetId()}}})
			}
		}()
	case *wire.Errand_Await:
		if d, err := directive.Read(f.key(), m.Await.GetEnvelope()); err == nil && d.Kind == directive.Collect && d.Workspace == f.c.Workspace {
			f.await(d.ID, d.Host)
		}
	}
}

// expects notes whom the answer goes to, and says whether it is anything that one replica may tell
// another's host. f.mu is held.
func (s *sharer) expects(talk *session, down *wire.Down) bool {
	switch m := down.GetWhat().(type) {
	case *wire.Down_Question:
		if len(s.questions) >= mostErrands {
			return false
		}
		s.questions[errand{talk.talk, m.Question.GetId()}] = true
	case *wire.Down_Enough:
		q := errand{talk.talk, m.Enough.GetId()}
		was := s.questions[q]
		delete(s.questions, q)
		return was
	case *wire.Down_Ping:
		if len(s.pings) >= mostErrands {
			clear(s.pings) // of hosts that never answered
		}
		s.pings[errand{talk.talk, uint64(m.Ping.GetSentUs())}] = true
	case *wire.Down_Order:
		if len(s.orders) >= mostErrands {
			clear(s.orders) // of hosts that never answered
		}
		s.orders[sha256.Sum256(m.Order.GetEnvelope())] = true
	default:
		return false
	}
	return true
}

// over forgets what replicas wait for from a conversation that ended. f.mu is held.
func (f *Fleet) over(talk uint64) {
	of := func(e errand, _ bool) bool { return e.talk == talk }
	for s := range f.sharers {
		maps.DeleteFunc(s.questions, of)
		maps.DeleteFunc(s.pings, of)
	}
}

// relay passes on what a host said to the replicas, and reports whether it was for one of them alone.
func (f *Fleet) relay(s *session, up *wire.Up) (theirs bool) {
	said := func(ask bool) *wire.News {
		return &wire.News{What: &wire.News_Said{Said: &wire.Said{Talk: s.talk, Up: up, Ask: ask}}}
	}
	switch m := up.GetWhat().(type) {
	case *wire.Up_Answer:
		q := errand{s.talk, m.Answer.GetId()}
		return f.whom(said(false), func(s *sharer) bool {
			is := s.questions[q]
			if m.Answer.GetLast() {
				delete(s.questions, q)
			}
			return is
		})
	case *wire.Up_Pong:
		p := errand{s.talk, uint64(m.Pong.GetSentUs())}
		return f.whom(said(false), func(s *sharer) bool {
			is := s.pings[p]
			delete(s.pings, p)
			return is
		})
	case *wire.Up_Done:
		var sum [sha256.Size]byte
		copy(sum[:], m.Done.GetEnvelope())
		return f.whom(said(false), func(s *sharer) bool {
			is := s.orders[sum]
			delete(s.orders, sum)
			return is
		})
	case *wire.Up_Health:
		if len(m.Health) <= mostHealth {
			f.tellAll(said(false))
		}
	case *wire.Up_Notice:
		if len(m.Notice) <= mostNotice {
			f.tellAll(said(false))
		}
	case *wire.Up_Installed:
		f.tellAll(said(false))
	}
	return false
}

// whom tells the one replica that waits for it.
func (f *Fleet) whom(n *wire.News, waits func(*sharer) bool) bool {
	f.mu.Lock()
	var to *sharer
	for s := range f.sharers {
		if waits(s) {
			to = s
		}
	}
	f.mu.Unlock()
	if to != nil {
		to.tell(n)
	}
	return to != nil
}

// spread passes a batch on to every replica, and names the one that asks the rooms for something about
// it: the first by its id of all that see it. So there is one, it is the same for all hosts where
// all replicas reach each other, and there is one still where they do not. It reports whether it
// is this one.
func (f *Fleet) spread(s *session, b *wire.Batch) (ask bool) {
	all := f.sharing()
	ask = len(all) == 0 || compare(f.id, all[0].id) < 0
	for i, to := range all {
		to.tell(&wire.News{What: &wire.News_Said{Said: &wire.Said{Talk: s.talk, Up: &wire.Up{What: &wire.Up_Batch{Batch: b}}, Ask: !ask && i == 0}}})
	}
	return ask
}
