package link

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

const (
	firstWait   = 2 * time.Second // the most before the first attempt to come back; then twice, and so on
	longestWait = time.Minute
	silence     = 50 * time.Second // of the server, after which the connection is taken for dead
	healthEvery = 30 * time.Second
	syncEvery   = time.Second
)

// Run converses with the server until the context ends, and comes back whenever the conversation
// broke. Waits are spread at random, so that a server that comes back is not met by everybody at once.
func (l *Link) Run(ctx context.Context) error {
	go l.keepSafe(ctx)
	for wait := firstWait; ; {
		began := time.Now()
		err := l.renewed(ctx)
		if err == nil {
			err = l.converse(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.note("link", err)
		if time.Since(began) > time.Minute {
			wait = firstWait
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(mathrand.N(wait)):
		}
		wait = min(2*wait, longestWait)
	}
}

// keepSafe brings the spool to the disk once a second.
func (l *Link) keepSafe(ctx context.Context) {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for last := int64(-1); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if st := l.c.Spool.Standing(); st.Waiting.Sum() > 0 && st.Bytes != last {
			l.note("spool on disk", l.c.Spool.Sync())
			last = st.Bytes
		}
	}
}

// renewed gets a new certificate when a third of the present one's time is over: two more thirds
// are there for when the server is away.
func (l *Link) renewed(ctx context.Context) error {
	from, until, err := l.identity().term()
	if err != nil {
		return err
	}
	if l.serversNow().Before(from.Add(until.Sub(from) / 3)) {
		return nil
	}
	return l.Renew(ctx)
}

// Renew gets a new certificate, for a new key.
func (l *Link) Renew(ctx context.Context) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	csr, err := request(key)
	if err != nil {
		return err
	}
	c, done, err := l.client()
	if err != nil {
		return err
	}
	defer done()
	to, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	got, err := l.speak(c).Renew(to, connect.NewRequest(&wire.RenewRequest{Csr: csr}))
	if err != nil {
		return fmt.Errorf("renew the certificate: %w", said(err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.id
	next.Key, next.Certificate = key, got.Msg.GetCertificate()
	if err := next.saveCertificate(l.c.Dir); err != nil {
		return err
	}
	l.id = next
	return nil
}

// talk is one conversation.
type talk struct {
	*Link
	stream *connect.BidiStreamForClient[wire.Up, wire.Down]
	out    chan *wire.Up     // what is said beside events
	orders chan *wire.Order  // in the order in which they came
	slow   chan struct{}     // orders that take long, at once
	news   chan *wire.Update // in the order in which they came: an older one must not end up in force
	coming *wire.Update      // in parts; of the one who reads

	mu       sync.Mutex // guards what follows
	heard    time.Time
	window   int
	upTo     [2][]uint64 // numbers of batches that are under way
	answered map[uint64]context.CancelFunc
	room     chan struct{} // there may be room in the window
	changed  chan struct{} // how the host is, and the server should know
}

func (l *Link) converse(ctx context.Context) error {
	c, done, err := l.client()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t := &talk{Link: l, stream: l.speak(c).Converse(ctx), out: make(chan *wire.Up, 64), orders: make(chan *wire.Order, 64), slow: make(chan struct{}, 2), news: make(chan *wire.Update, 16),
		heard: time.Now(), window: 1, answered: map[uint64]context.CancelFunc{}, room: make(chan struct{}, 1), changed: make(chan struct{}, 1)}
	if err := t.stream.Send(&wire.Up{What: &wire.Up_Hello{Hello: l.hello()}}); err != nil {
		_, err = t.stream.Receive() // it says why
		return said(err)
	}
	l.c.Spool.Rewind()
	var all sync.WaitGroup
	for name, part := range map[string]func(context.Context) error{"read": t.read, "write": t.write, "obey": t.obey, "look after": t.watch, "install": t.installs} {
		all.Go(func() {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	<-ctx.Done()
	_ = t.stream.CloseRequest()
	_ = t.stream.CloseResponse()
	all.Wait()
	return context.Cause(ctx)
}

func (l *Link) hello() *wire.Hello {
	id := l.identity()
	sum := sha256.Sum256(l.pinned())
	h := &wire.Hello{Host: id.Host, Machine: id.Machine, Version: l.c.Version, Kernel: l.c.Kernel, Boot: l.c.Boot, Pinned: hex.EncodeToString(sum[:]),
		ClockMs: l.c.Now().UnixMilli(), Spool: l.c.Spool.ID(), Parts: true}
	if l.c.Hands != nil {
		h.Directive, h.LongestMs = l.c.Hands.Ledger().Seq, l.c.Limits.LongestTTL.Milliseconds()
		for _, k := range l.c.Limits.Kinds {
			h.Kinds = append(h.Kinds, string(k))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h.Profile = l.profile
	for _, s := range l.sets {
		h.Sets = append(h.Sets, s)
	}
	return h
}

// say puts something into the line to the server; it waits when the line is long.
func (t *talk) say(ctx context.Context, up *wire.Up) error {
	select {
	case t.out <- up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the only one that sends. What people wait for goes first, then the priority lane, then
// the rest, as far as the server's window goes.
func (t *talk) write(ctx context.Context) error {
	for {
		select {
		case up := <-t.out:
			if err := t.stream.Send(up); err != nil {
				return err
			}
			continue
		default:
		}
		if up, ok := t.batch(); ok {
			if err := t.stream.Send(up); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case up := <-t.out:
			if err := t.stream.Send(up); err != nil {
				return err
			}
		case <-t.c.Spool.More():
		case <-t.room:
		}
	}
}

func (t *talk) batch() (*wire.Up, bool) {
	for _, lane := range []spool.Lane{spool.Priority, spool.Bulk} {
		t.mu.Lock()
		full := len(t.upTo[lane]) >= t.window
		t.mu.Unlock()
		if full {
			continue
		}
		r, ok := t.c.Spool.Next(lane)
		if !ok {
			continue
		}
		b := &wire.Batch{}
		if err := proto.Unmarshal(r.Payload, b); err != nil { // the sum was right: an older agent wrote it
			t.c.Log.Warn("a batch in the spool is of another form", "err", err)
			b.Reset()
		}
		b.Priority, b.Number, b.LostBefore = lane == spool.Priority, r.Number, r.LostBefore
		t.mu.Lock()
		t.upTo[lane] = append(t.upTo[lane], r.Number)
		t.mu.Unlock()
		return &wire.Up{What: &wire.Up_Batch{Batch: b}}, true
	}
	return nil, false
}

func (t *talk) taken(m *wire.Taken) {
	lane := spool.Bulk
	if m.GetPriority() {
		lane = spool.Priority
	}
	t.c.Spool.Taken(lane, m.GetNumber())
	t.mu.Lock()
	for len(t.upTo[lane]) > 0 && t.upTo[lane][0] <= m.GetNumber() {
		t.upTo[lane] = t.upTo[lane][1:]
	}
	t.mu.Unlock()
	select {
	case t.room <- struct{}{}:
	default:
	}
}

func (t *talk) read(ctx context.Context) error {
	for {
		down, err := t.stream.Receive()
		if err != nil {
			return said(err)
		}
		t.mu.Lock()
		t.heard = time.Now()
		t.mu.Unlock()
		if err := t.hear(ctx, down); err != nil {
			return err
		}
	}
}

// hear takes one message. It waits for nobody but the line to the server.
func (t *talk) hear(ctx context.Context, down *wire.Down) error {
	switch m := down.GetWhat().(type) {
	case *wire.Down_Welcome:
		t.mu.Lock()
		t.window = min(max(int(m.Welcome.GetWindow()), 1), 64)
		t.mu.Unlock()
		t.note("link", nil)
		t.Link.mu.Lock()
		t.ahead = time.UnixMilli(m.Welcome.GetClockMs()).Sub(t.c.Now())
		t.Link.mu.Unlock()
		t.resettle(m.Welcome.GetSettings())
	case *wire.Down_Settings:
		t.resettle(m.Settings)
	case *wire.Down_Taken:
		t.taken(m.Taken)
	case *wire.Down_Ping:
		came := t.c.Now().UnixMicro()
		return t.say(ctx, &wire.Up{What: &wire.Up_Pong{Pong: &wire.Pong{SentUs: m.Ping.GetSentUs(), CameUs: came, WentUs: t.c.Now().UnixMicro()}}})
	case *wire.Down_Order:
		select {
		case t.orders <- m.Order:
		default:
			return t.say(ctx, done(m.Order, &wire.Done{LaterMs: 2000}))
		}
	case *wire.Down_Question:
		t.question(ctx, m.Question)
	case *wire.Down_Enough:
		t.enough(m.Enough.GetId())
	case *wire.Down_Update:
		return t.take(m.Update)
	case *wire.Down_Part:
		return t.part(m.Part.GetPart())
	}
	return nil // what this agent does not know it passes over
}

// resettle does as the server wants, and tells it what came of it.
func (t *talk) resettle(s *wire.Settings) {
	t.settings(s)
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

var errSilent = errors.New("the server is silent")

// watch tells how the host is, passes on what happens by itself, renews the certificate, and ends a
// conversation in which nobody answers.
func (t *talk) watch(ctx context.Context) error {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		health, err := json.Marshal(t.Health())
		if err == nil {
			err = t.say(ctx, &wire.Up{What: &wire.Up_Health{Health: health}})
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case n := <-t.notices:
			if b, err := json.Marshal(n); err == nil {
				_ = t.say(ctx, &wire.Up{What: &wire.Up_Notice{Notice: b}})
			}
			continue
		case <-t.changed:
		case <-tick.C:
		}
		t.mu.Lock()
		quiet := time.Since(t.heard)
		t.mu.Unlock()
		if quiet > silence {
			return errSilent
		}
		if err := t.renewed(ctx); err != nil {
			t.note("certificate", err)
		}
	}
}
