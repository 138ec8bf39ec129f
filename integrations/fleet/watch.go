package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Watch shows events of some hosts as they happen, until a moment, at most an hour away; see is called
// from one goroutine. The sum says who did not take part. What a host cannot send fast enough it counts
// and says (Part.LeftOut).
func (f *Fleet) Watch(ctx context.Context, hosts string, kinds []event.Kind, container string, until time.Time, see func(Seen), tell func(Part, Sum)) (Sum, error) {
	q := &wire.Question{What: wire.AskTail, Container: container}
	for _, k := range kinds {
		q.Kinds = append(q.Kinds, k.String())
	}
	left := until.Sub(f.c.Now())
	if left <= 0 || left > time.Hour {
		return Sum{}, fmt.Errorf("events are watched for up to an hour")
	}
	// Hosts end by their own clocks, which may be wrong: they are given a little more, and here it ends.
	q.ToMs = until.Add(time.Minute).UnixMilli()
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	return f.Ask(ctx, hosts, q, func(p Part, sum Sum) {
		for _, row := range p.Rows {
			var e event.Event
			if json.Unmarshal(row, &e) == nil && e.Host == p.Host {
				see(Seen{Host: p.Host, Event: e})
			}
		}
		tell(p, sum)
	})
}

// Signals passes on events that hosts send by themselves, those that rules matched above all, to
// whoever shows them. Who does not keep up misses some; nothing waits for them.
func (f *Fleet) Signals(ctx context.Context, wanted func(*event.Event) bool) <-chan Seen {
	to := make(chan Seen, 256)
	f.mu.Lock()
	f.watching[to] = wanted
	f.mu.Unlock()
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watching, to)
		close(to)
	})
	return to
}

func (f *Fleet) pass(s Seen) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for to, wanted := range f.watching {
		if wanted != nil && !wanted(&s.Event) {
			continue
		}
		select {
		case to <- s:
		default:
		}
	}
}
