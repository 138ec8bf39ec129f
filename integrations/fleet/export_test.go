package fleet

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// ID is the replica's.
func (f *Fleet) ID() string { return f.id }

// Give gives the newest set of a kind to the hosts here once more.
func (f *Fleet) Give(kind string) {
	f.mu.Lock()
	u := f.sets[kind]
	f.mu.Unlock()
	f.give(u)
}

// LookSoon has the register be looked at now.
func (f *Fleet) LookSoon() { f.lookSoon() }

// Reaches is to how many replicas there is a stream.
func (f *Fleet) Reaches() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.peers {
		if p.stop != nil {
			n++
		}
	}
	return n
}

// Shares is how many replicas have a stream to this one.
func (f *Fleet) Shares() int { return len(f.sharing()) }

// Errands is how many questions other replicas have under way at the hosts of this one.
func (f *Fleet) Errands() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.sharers {
		n += len(s.questions)
	}
	return n
}

// Fellow is the certificate with which it comes to other replicas.
func (f *Fleet) Fellow(t testing.TB) *tls.Certificate {
	t.Helper()
	c, err := f.authority.fellow()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Hear takes bytes as if an enrolled host had sent them, first as its hello and then as anything else.
func (f *Fleet) Hear(ctx context.Context, a Agent, b []byte) {
	l := &line{f, a, "192.0.2.1:1"}
	var up wire.Up
	if proto.Unmarshal(b, &up) != nil {
		return
	}
	s := &session{fleet: f, agent: a, hello: &wire.Hello{}, gifts: newGifts(nil), out: make(chan *wire.Down, 64), stop: func(error) {}, done: ctx.Done(),
		orders: map[[sha256.Size]byte]chan *wire.Done{}, asked: map[uint64]*asked{1: {rows: func(*wire.Answer) {}, over: make(chan *wire.Answer, 1), most: 10}}}
	if h := up.GetHello(); h != nil {
		_ = l.check(h)
		h.Host, h.Machine = a.Host, a.Machine
		s.hello = h
		if l.join(s) == nil {
			l.leave(s)
		}
	}
	s.hear(ctx, &up)
}
