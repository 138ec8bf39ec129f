package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const (
	mostQuestions = 16 // at once
	mostAnswer    = 64 << 10
	answerLong    = 2 * time.Minute // a question that is answered no sooner is given up
	longestTail   = time.Hour
	tailRate      = 50 // events a second; more are counted
)

// question answers beside the conversation.
func (t *talk) question(ctx context.Context, q *wire.Question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.answered) >= mostQuestions {
		go func() {
			_ = t.say(ctx, &wire.Up{What: &wire.Up_Answer{Answer: &wire.Answer{Id: q.GetId(), Last: true, Trouble: "this host is answering too many questions already"}}})
		}()
		return
	}
	long := answerLong
	if q.GetWhat() == wire.AskTail {
		long = longestTail
	}
	ctx, cancel := context.WithTimeout(ctx, long)
	t.answered[q.GetId()] = cancel
	go func() {
		defer t.enough(q.GetId())
		a := &answer{talk: t, id: q.GetId()}
		more, err := a.find(ctx, q)
		last := a.take()
		last.Last = true
		last.LeftOut += more
		if err != nil && !errors.Is(err, context.Canceled) {
			last.Trouble = err.Error()
		}
		_ = t.say(context.WithoutCancel(ctx), &wire.Up{What: &wire.Up_Answer{Answer: last}})
	}()
}

// enough ends an answer that nobody wants any more.
func (t *talk) enough(id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if cancel := t.answered[id]; cancel != nil {
		cancel()
		delete(t.answered, id)
	}
}

// answer gathers rows into messages.
type answer struct {
	talk *talk
	id   uint64
	rows [][]byte
	size int
	sent time.Time
	left uint64 // rows that were not sent, since the last message: too large, or too many a second
}

func (a *answer) take() *wire.Answer {
	m := &wire.Answer{Id: a.id, Rows: a.rows, LeftOut: a.left}
	a.rows, a.size, a.left, a.sent = nil, 0, 0, time.Now()
	return m
}

func (a *answer) row(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write a row: %w", err)
	}
	if len(b) > wire.MostRow {
		a.left++
		return nil
	}
	a.rows, a.size = append(a.rows, b), a.size+len(b)
	if a.size < mostAnswer && time.Since(a.sent) < 200*time.Millisecond {
		return ctx.Err()
	}
	return a.talk.say(ctx, &wire.Up{What: &wire.Up_Answer{Answer: a.take()}})
}

func (a *answer) find(ctx context.Context, q *wire.Question) (more uint64, err error) {
	a.sent = time.Now()
	row := func(v any) error { return a.row(ctx, v) }
	switch q.GetWhat() {
	case wire.AskTail:
		return a.tail(ctx, q)
	case wire.AskHolds:
		if a.talk.c.Hands == nil {
			return 0, nil
		}
		for _, h := range holds(a.talk.c.Hands.Holds()) {
			if err := row(h); err != nil {
				return 0, err
			}
		}
		return 0, nil
	case wire.AskProof:
		return 0, a.proof(q.GetSubject(), row)
	}
	return a.talk.c.Memory.Ask(ctx, q, memory.Row(row))
}

// proof tries a hold. One that there is not is no trouble: it is an answer.
func (a *answer) proof(hold string, row func(any) error) error {
	if a.talk.c.Hands == nil {
		return errors.New("this host only watches")
	}
	got, err := a.talk.c.Hands.Verify(hold)
	if errors.Is(err, contain.ErrNotHeld) {
		return row(wire.Proof{Standing: "not in effect", Gaps: []string{err.Error()}})
	}
	if err != nil {
		return err
	}
	p := wire.Proof{Standing: string(got.Standing), Gaps: got.Gaps}
	for _, one := range got.Tried {
		p.Tried = append(p.Tried, wire.Tried{What: one.What, Refused: one.Refused})
	}
	return row(p)
}

// tail is somebody watching.
type tail struct {
	wanted func(*event.Event) bool
	events chan event.Event
	missed atomic.Uint64
}

// see is called for every event and must not wait.
func (t *tail) see(e *event.Event) {
	if !t.wanted(e) {
		return
	}
	select {
	case t.events <- *e:
	default:
		t.missed.Add(1)
	}
}

// tail sends events as they happen, so many a second, until the time is over; how many were left out
// it says as it goes on.
func (a *answer) tail(ctx context.Context, q *wire.Question) (uint64, error) {
	until := time.UnixMilli(q.GetToMs())
	if left := until.Sub(a.talk.c.Now()); left <= 0 || left > longestTail {
		return 0, fmt.Errorf("a host is watched for up to %v", longestTail)
	}
	only := &wire.Question{What: wire.AskTail, Subject: q.GetSubject(), Kinds: q.GetKinds(), Container: q.GetContainer()}
	t := &tail{wanted: memory.Wanted(only), events: make(chan event.Event, tailRate)}
	l := a.talk.Link
	l.mu.Lock()
	l.tails[t] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.tails, t)
		l.mu.Unlock()
	}()
	over := time.NewTimer(until.Sub(a.talk.c.Now()))
	defer over.Stop()
	pace := time.NewTicker(time.Second / tailRate)
	defer pace.Stop()
	for {
		a.left += t.missed.Swap(0)
		select {
		case <-ctx.Done():
			return t.missed.Load(), ctx.Err()
		case <-over.C:
			return t.missed.Load(), nil
		case e := <-t.events:
			if err := a.row(ctx, e); err != nil {
				return t.missed.Load(), err
			}
			<-pace.C
		case <-pace.C:
			if len(a.rows) > 0 { // a row does not wait for the next one
				if err := a.talk.say(ctx, &wire.Up{What: &wire.Up_Answer{Answer: a.take()}}); err != nil {
					return t.missed.Load(), err
				}
			}
		}
	}
}
