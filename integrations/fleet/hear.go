package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Bytes of what a host says of itself.
const (
	mostHealth = 64 << 10
	mostNotice = 8 << 10
)

// listen takes what the host says. Whatever it is, it ends no other conversation.
func (s *session) listen(ctx context.Context, stream *connect.BidiStream[wire.Up, wire.Down]) error {
	for {
		up, err := stream.Receive()
		if err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil //nolint:nilerr // it is over, and somebody else says why
			}
			return err
		}
		s.hear(ctx, up)
	}
}

// hear takes one message. What this server does not know it passes over.
func (s *session) hear(ctx context.Context, up *wire.Up) {
	now := s.fleet.c.Now()
	s.mu.Lock()
	s.heard = time.Now()
	s.mu.Unlock()
	if s.peer == nil && s.fleet.relay(s, up) {
		return
	}
	switch m := up.GetWhat().(type) {
	case *wire.Up_Batch:
		s.batch(m.Batch)
	case *wire.Up_Done:
		s.finished(m.Done)
	case *wire.Up_Answer:
		s.answered(m.Answer)
	case *wire.Up_Pong:
		s.pong(m.Pong, now)
	case *wire.Up_Health:
		s.health(ctx, m.Health, now)
	case *wire.Up_Notice:
		s.notice(m.Notice)
	case *wire.Up_Installed:
		s.installed(m.Installed)
		s.gave(m.Installed)
	}
}

// batch takes events. One that came before is acknowledged again and not counted twice.
func (s *session) batch(b *wire.Batch) {
	lane := 1
	if b.GetPriority() {
		lane = 0
	}
	f := s.fleet
	s.mu.Lock()
	again := b.GetNumber() <= s.taken[lane]
	s.taken[lane] = max(s.taken[lane], b.GetNumber())
	s.mu.Unlock()
	var got Received
	switch {
	case s.peer != nil: // the replica that has the host passes nothing on twice
		got = f.windows.take(s, b, s.asks)
	case again:
		got.Again = 1
	default:
		got = f.windows.take(s, b, f.spread(s, b))
	}
	f.update(s.agent, func(h *Host) {
		h.Seen = f.c.Now()
		h.Received.Batches += got.Batches
		h.Received.Events += got.Events
		h.Received.Again += got.Again
		h.Received.Unreadable += got.Unreadable
		h.Received.Refused += got.Refused
		h.Received.LostBefore += got.LostBefore
	})
	if s.peer != nil {
		return
	}
	s.send(&wire.Down{What: &wire.Down_Taken{Taken: &wire.Taken{Priority: b.GetPriority(), Number: b.GetNumber()}}})
}

// pong measures how far the host's clock is ahead, as NTP does (RFC 5905, section 8): the exchange that
// took the shortest time says most.
func (s *session) pong(p *wire.Pong, now time.Time) {
	back := now.UnixMicro()
	rtt := time.Duration((back-p.GetSentUs())-(p.GetWentUs()-p.GetCameUs())) * time.Microsecond
	offset := time.Duration((p.GetCameUs()-p.GetSentUs())+(p.GetWentUs()-back)) / 2 * time.Microsecond
	s.fleet.update(s.agent, func(h *Host) {
		h.Seen = now
		s.mu.Lock()
		defer s.mu.Unlock()
		moved := offset - h.Offset
		if moved < 0 {
			moved = -moved
		}
		if rtt < 0 || rtt > time.Minute {
			return
		}
		if s.rtt == 0 || rtt <= 2*s.rtt || moved > time.Second { // a clock that was set is believed at once
			h.Offset, h.RTT = offset, rtt
		}
		if s.rtt == 0 || rtt < s.rtt {
			s.rtt = max(rtt, time.Microsecond)
		}
	})
}

func (s *session) health(ctx context.Context, b []byte, now time.Time) {
	var got wire.Health
	if len(b) > mostHealth || json.Unmarshal(b, &got) != nil {
		s.fleet.report(s.agent, "It tells of its health in a way that cannot be read.")
		return
	}
	got.Profile = tame(got.Profile)
	for i := range got.Trouble {
		got.Trouble[i] = tame(got.Trouble[i])
	}
	got.Trouble = got.Trouble[:min(len(got.Trouble), mostTrouble)]
	var about []byte
	s.fleet.update(s.agent, func(h *Host) {
		h.Seen, h.Health, h.Profile = now, got, got.Profile
		about, _ = json.Marshal(Host{Version: h.Version, Kernel: h.Kernel, Profile: h.Profile, Health: h.Health, Offset: h.Offset})
	})
	s.mu.Lock()
	due := now.Sub(s.noted) >= noteEvery
	if due {
		s.noted = now
	}
	s.mu.Unlock()
	if !due || about == nil || s.peer != nil {
		return
	}
	if err := s.fleet.c.Book.Saw(ctx, s.agent.ID, now, about); err != nil && ctx.Err() == nil {
		s.fleet.c.Log.Warn("note what is known of a host", "host", s.agent.Host, "err", err)
	}
}

func (s *session) notice(b []byte) {
	var n wire.Notice
	if len(b) > mostNotice || json.Unmarshal(b, &n) != nil {
		return
	}
	n.Hold, n.What, n.Say = tame(n.Hold), tame(n.What), tame(n.Say)
	s.fleet.c.Log.Warn("a host says", "host", s.agent.Host, "hold", n.Hold, "say", n.Say)
	s.fleet.update(s.agent, func(h *Host) {
		h.Notices = append(h.Notices, n)
		h.Notices = h.Notices[max(0, len(h.Notices)-mostNotices):]
	})
}

func (s *session) installed(i *wire.Installed) {
	got := Set{tame(i.GetKind()), i.GetVersion(), tame(i.GetTrouble())}
	s.fleet.update(s.agent, func(h *Host) {
		if got.Version == s.fleet.sets[got.Kind].GetVersion() {
			got.Trouble = "" // it has the newest, and refused it when it came once more
		}
		for n := range h.Sets {
			if h.Sets[n].Kind == got.Kind {
				h.Sets[n] = got
				return
			}
		}
		if len(h.Sets) < 8 {
			h.Sets = append(h.Sets, got)
		}
	})
}

// tame makes what a host says fit to be shown: one line, bounded, without anything that acts on a
// terminal.
func tame(s string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > mostSaid || unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}
