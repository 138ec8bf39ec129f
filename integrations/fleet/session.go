package fleet

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const (
	window      = 8                // batches of a lane that may be under way
	helloWithin = 15 * time.Second // of the connection
	deadAfter   = 50 * time.Second // without a word
	elderWithin = 3 * time.Second  // that the conversation that is open has to answer, when a second one comes
	mostSaid    = 512              // runes of what a host says and people read
	noteEvery   = time.Minute      // into the book
)

// session is one conversation.
type session struct {
	fleet *Fleet
	agent Agent
	from  string
	hello *wire.Hello
	out   chan *wire.Down
	gifts *gifts
	stop  context.CancelCauseFunc
	done  <-chan struct{}
	talk  uint64    // its number, at the replica that holds it
	since time.Time // by that replica's clock

	// Of a mirror: another replica holds it.
	peer *peer
	in   chan *wire.Said
	asks bool // this replica asks the rooms about the batch at hand; of the one who hears

	mu     sync.Mutex // guards what follows
	heard  time.Time
	taken  [2]uint64 // the last batch of each lane
	spool  string    // that these numbers belong to
	orders map[[sha256.Size]byte]chan *wire.Done
	asked  map[uint64]*asked
	lastID uint64
	rtt    time.Duration // the shortest of late
	noted  time.Time
}

// why is the reason for which a session ends.
type why string

func (w why) Error() string { return string(w) }

func (s *session) end(reason string) { s.stop(why(reason)) }

// Converse is the conversation with one host, for as long as both want it.
func (l *line) Converse(ctx context.Context, stream *connect.BidiStream[wire.Up, wire.Down]) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	hello, err := greeted(ctx, stream)
	if err != nil {
		return err
	}
	if no := l.check(hello); no != nil {
		return no
	}
	s := &session{fleet: l.Fleet, agent: l.agent, from: l.from, hello: hello, out: make(chan *wire.Down, 64), gifts: newGifts(hello), stop: stop, done: ctx.Done(),
		heard: time.Now(), spool: hello.GetSpool(), orders: map[[sha256.Size]byte]chan *wire.Done{}, asked: map[uint64]*asked{}, lastID: firstID(), since: l.c.Now()}
	if no := l.join(s); no != nil {
		return no
	}
	defer l.leave(s)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if err := s.deliver(ctx, stream.Send); err != nil {
			stop(fmt.Errorf("send: %w", err))
		}
	}()
	heard := make(chan error, 1)
	go func() { heard <- s.listen(ctx, stream) }()
	select {
	case err = <-heard:
	case <-ctx.Done():
		err = refused(connect.CodeAborted, context.Cause(ctx).Error())
	}
	stop(nil)
	<-sent
	return err
}

// greeted waits for the first word.
func greeted(ctx context.Context, stream *connect.BidiStream[wire.Up, wire.Down]) (*wire.Hello, error) {
	got := make(chan *wire.Up, 1)
	go func() {
		defer close(got)
		if up, err := stream.Receive(); err == nil {
			got <- up
		}
	}()
	late := time.NewTimer(helloWithin)
	defer late.Stop()
	select {
	case up := <-got:
		if h := up.GetHello(); h != nil {
			return h, nil
		}
	case <-late.C:
	case <-ctx.Done():
	}
	return nil, refused(connect.CodeInvalidArgument, "a conversation begins with hello")
}

// check holds what a host says of itself against what its certificate and the book say.
func (l *line) check(h *wire.Hello) *connect.Error {
	switch {
	case h.GetHost() != l.agent.Host:
		l.report(l.agent, fmt.Sprintf("It says it is %q, and its certificate says %s: refused.", tame(h.GetHost()), l.agent.Host))
		return refused(connect.CodePermissionDenied, "the certificate is another host's")
	case subtle.ConstantTimeCompare([]byte(h.GetMachine()), []byte(l.agent.Machine)) != 1:
		l.report(l.agent, "Its certificate was used on another machine, from "+l.from+": refused. If the machine was made anew, enrol it again; if not, its key was stolen.")
		return refused(connect.CodePermissionDenied, "the certificate is another machine's; enrol this one")
	}
	return nil
}

// join makes it the conversation of its host. There is one at a time: when there is one already, it is
// asked whether it lives, and if it does the newcomer is refused, for a stolen certificate must not
// push its owner out.
func (l *line) join(s *session) *connect.Error {
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return refused(connect.CodeUnavailable, "the server is stopping")
		}
		elder := l.sessions[s.agent.Host]
		if elder == nil {
			l.lastTalk++
			s.talk = l.lastTalk
			l.sessions[s.agent.Host], l.talks[s.talk] = s, s
			l.describe(s)
			came := l.came(s)
			l.mu.Unlock()
			l.tellAll(came)
			s.begin()
			return nil
		}
		l.mu.Unlock()
		if elder.agent.ID == s.agent.ID && elder.alive() {
			l.report(s.agent, "A second agent came with its certificate, from "+s.from+", while the first was answering: refused.")
			return refused(connect.CodeAlreadyExists, "this host is connected already")
		}
		if elder.peer != nil {
			elder.drop("the host came back, to another replica")
		}
		elder.end("the host came back")
		l.leave(elder)
	}
}

// describe writes down how a host is that begins a conversation. f.mu is held.
func (f *Fleet) describe(s *session) *Host {
	h := f.hosts[s.agent.Host]
	if h == nil || h.Agent != s.agent.ID {
		h = fresh(s.agent)
		f.hosts[s.agent.Host] = h
	}
	h.Connected, h.Address, h.Since, h.Seen, h.Replica = true, s.from, s.since, f.c.Now(), ""
	h.Version, h.Kernel, h.Profile = tame(s.hello.GetVersion()), tame(s.hello.GetKernel()), tame(s.hello.GetProfile())
	h.Kinds, h.Longest, h.Pinned = s.hello.GetKinds()[:min(len(s.hello.GetKinds()), 32)], time.Duration(s.hello.GetLongestMs())*time.Millisecond, s.hello.GetPinned() == f.pinned
	h.Sets = nil
	for _, set := range s.hello.GetSets()[:min(len(s.hello.GetSets()), 8)] {
		h.Sets = append(h.Sets, Set{tame(set.GetKind()), set.GetVersion(), tame(set.GetTrouble())})
	}
	return h
}

// begin says the first words.
func (s *session) begin() {
	f := s.fleet
	s.send(&wire.Down{What: &wire.Down_Welcome{Welcome: &wire.Welcome{Window: window, ClockMs: f.c.Now().UnixMilli(), Settings: f.settings(s.agent.Host)}}})
	s.ping()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.sets {
		if !s.has(u) {
			s.want(u)
		}
	}
	if h := f.hosts[s.agent.Host]; h != nil && !h.Pinned && len(h.Kinds) > 0 {
		h.Trouble = append(h.Trouble, "It has pinned another key than this server signs with: it obeys nobody here. Enrol it again.")
	}
}

func (s *session) has(u *wire.Update) bool {
	for _, set := range s.hello.GetSets() {
		if set.GetKind() == u.GetKind() {
			return set.GetVersion() >= u.GetVersion()
		}
	}
	return false
}

func (f *Fleet) settings(host string) *wire.Settings {
	if f.c.Settings == nil {
		return &wire.Settings{}
	}
	want := f.c.Settings(host)
	s := &wire.Settings{Profile: want.Profile, NewMs: want.New.Milliseconds(), NewAgain: want.Again}
	for _, k := range want.Forward {
		s.Forward = append(s.Forward, k.String())
	}
	return s
}

// Resettle tells connected hosts what is to be watched and sent from now on.
func (f *Fleet) Resettle() {
	for _, s := range f.connected() {
		if s.peer == nil { // the replica that has it sees to it
			s.send(&wire.Down{What: &wire.Down_Settings{Settings: f.settings(s.agent.Host)}})
		}
	}
}

// send puts something into the line to the host. A host that reads nothing for so long that the line
// is full is given up: it will come back.
func (s *session) send(down *wire.Down) {
	select {
	case s.out <- down:
	default:
		s.end("the host does not read what it is sent")
	}
}

func (s *session) ping() {
	s.mu.Lock()
	quiet := time.Since(s.heard)
	s.mu.Unlock()
	if quiet > deadAfter && s.peer == nil { // the replica that has it judges that
		s.end("the host is silent")
		return
	}
	s.send(&wire.Down{What: &wire.Down_Ping{Ping: &wire.Ping{SentUs: s.fleet.c.Now().UnixMicro()}}})
}

// alive asks the host for a word.
func (s *session) alive() bool {
	asked := time.Now()
	s.send(&wire.Down{What: &wire.Down_Ping{Ping: &wire.Ping{SentUs: s.fleet.c.Now().UnixMicro()}}})
	for time.Since(asked) < elderWithin {
		select {
		case <-s.done:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		s.mu.Lock()
		heard := s.heard
		s.mu.Unlock()
		if heard.After(asked) {
			return true
		}
	}
	return false
}

// leave takes the conversation away, and tells everybody who waits for something from it.
func (f *Fleet) leave(s *session) {
	f.mu.Lock()
	held := s.peer == nil && f.talks[s.talk] == s
	if held {
		delete(f.talks, s.talk)
		f.over(s.talk)
	} else if s.peer != nil && s.peer.mirrors[s.talk] == s {
		delete(s.peer.mirrors, s.talk)
	}
	if f.sessions[s.agent.Host] == s {
		delete(f.sessions, s.agent.Host)
		if h := f.hosts[s.agent.Host]; h != nil && h.Agent == s.agent.ID {
			h.Connected, h.Replica = false, ""
		}
		if other := f.other(s.agent); other != nil {
			f.reflect(other, nil)
		}
	}
	f.mu.Unlock()
	if held {
		f.tellAll(&wire.News{What: &wire.News_Left{Left: &wire.Left{Talk: s.talk}}})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.asked {
		a.end(&wire.Answer{Last: true, Trouble: "the connection to the host broke"})
		delete(s.asked, id)
	}
}

func (f *Fleet) connected() []*session {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*session, 0, len(f.sessions))
	for _, s := range f.sessions {
		all = append(all, s)
	}
	return all
}

func (f *Fleet) hangUp() {
	f.mu.Lock()
	f.closed = true
	for s := range f.sharers {
		s.stop(why("the server is stopping"))
	}
	f.mu.Unlock()
	for _, s := range f.connected() {
		s.end("the server is stopping")
	}
}

// Seen is an event that somebody watches.
type Seen struct {
	Host  string
	Event event.Event
	// Excepted are the exceptions that keep quiet what each of Event.Rules found; "" where none does.
	Excepted []string
	// Why is what is not usual about it, one sentence; "" where rules found it, or nobody did.
	Why    string
	Mirror bool // it was sent to another replica, which has the host
}
