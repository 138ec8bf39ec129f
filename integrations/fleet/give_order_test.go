package fleet

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// A million indicators are on their way to a host, and somebody isolates it: the order is the next that is sent.
func TestAnOrderDoesNotWaitForASet(t *testing.T) {
	body := bytes.Repeat([]byte("indicator"), wire.MostPart)
	s := &session{fleet: &Fleet{}, hello: &wire.Hello{Parts: true}, gifts: newGifts(nil), out: make(chan *wire.Down, 64)}
	s.want(&wire.Update{Kind: "intel", Version: 1, Body: body})
	<-s.gifts.more
	all := errors.New("all of it was sent")
	var got []byte
	parts, ordered := 0, 0
	err := s.deliver(context.Background(), func(down *wire.Down) error {
		if o := down.GetOrder(); o != nil {
			ordered = parts
		}
		b := down.GetPart().GetPart()
		if parts, got = parts+min(len(b), 1), append(got, b...); len(b) > wire.MostPart {
			t.Errorf("%d bytes at once", len(b))
		}
		if len(b) > 0 && parts == 2 {
			s.out <- &wire.Down{What: &wire.Down_Order{Order: &wire.Order{}}}
		}
		if len(got) == len(body) {
			return all
		}
		return nil
	})
	if !errors.Is(err, all) || ordered != 2 || parts != 9 || !bytes.Equal(got, body) {
		t.Errorf("%v: %d parts, the order came after %d", err, parts, ordered)
	}
}

// What was published before is kept as far as there is room, and of each kind the one before the newest always.
func TestOlderSetsAreKeptWithinBounds(t *testing.T) {
	f := &Fleet{sets: map[string]*wire.Update{}, deltas: map[delta]func() []byte{}}
	big := make([]byte, 30<<20)
	for v := range uint64(4 * olderSets) {
		f.keep(&wire.Update{Kind: "sigma", Version: v, Body: []byte("rules")})
		f.deltas[delta{kind: "intel"}] = nil
		f.keep(&wire.Update{Kind: "intel", Version: v, Body: big})
		if len(f.deltas) > 0 {
			t.Fatal("what changed since is what changed until another set")
		}
	}
	held := map[string][]uint64{}
	for _, u := range f.older {
		held[u.GetKind()] = append(held[u.GetKind()], u.GetVersion())
	}
	if got := held["intel"]; len(got) != 2 || got[0] != 30 || got[1] != 31 {
		t.Error("intel:", got)
	}
	if got := held["sigma"]; len(got) != olderSets || got[olderSets-1] != 31 {
		t.Error("sigma:", got)
	}
}
