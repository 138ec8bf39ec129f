package link

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/collect"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Busy is what hands answer that did not look at an order: it may be given again.
type Busy struct{ After time.Duration }

// Error says when.
func (b *Busy) Error() string { return fmt.Sprintf("not now; again after %v", b.After) }

func done(o *wire.Order, d *wire.Done) *wire.Up {
	sum := sha256.Sum256(o.GetEnvelope())
	d.Envelope = sum[:]
	return &wire.Up{What: &wire.Up_Done{Done: d}}
}

// obey hands orders to the hands, one after the other, for their numbers count up. Those that take
// long go beside; should the next one overtake such an order, its number is refused and the server
// asks anew.
func (t *talk) obey(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-t.orders:
			if !o.GetSlow() {
				if err := t.say(ctx, t.do(ctx, o)); err != nil {
					return err
				}
				continue
			}
			select {
			case t.slow <- struct{}{}:
				go func() {
					defer func() { <-t.slow }()
					_ = t.say(ctx, t.do(ctx, o))
				}()
			default:
				if err := t.say(ctx, done(o, &wire.Done{LaterMs: 5000})); err != nil {
					return err
				}
			}
		}
	}
}

// do obeys, or says why not. The hands verify before anything is read.
func (t *talk) do(ctx context.Context, o *wire.Order) *wire.Up {
	if t.c.Hands == nil {
		return done(o, &wire.Done{Refused: &wire.Refused{Code: directive.Limited, Why: "this host only watches", Hint: "start its agent with hands"}})
	}
	receipt, err := t.c.Hands.Take(ctx, o.GetEnvelope())
	var busy *Busy
	if errors.As(err, &busy) {
		return done(o, &wire.Done{LaterMs: max(busy.After.Milliseconds(), 1)})
	}
	var no *directive.Refusal
	if errors.As(err, &no) {
		t.c.Log.Warn("an order is not obeyed", "code", no.Code, "why", no.Why)
		return done(o, &wire.Done{Refused: &wire.Refused{Code: no.Code, Why: no.Why, Hint: no.Hint}})
	}
	if receipt.Kind == directive.Rotate && err == nil {
		t.repin()
	}
	if receipt.Evidence != nil { // the manifest is in the archive
		receipt.Evidence.Manifest = collect.Manifest{}
	}
	d := &wire.Done{}
	if b, bad := json.Marshal(receipt); bad == nil && receipt.ID != "" {
		d.Receipt = b
	}
	if err != nil {
		d.Trouble = err.Error()
	}
	return done(o, d)
}

// repin writes down the key that the hands have now.
func (l *Link) repin() {
	key := l.c.Hands.Ledger().Key
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.Equal(l.id.Pinned, key) {
		return
	}
	l.id.Pinned = key
	if err := l.id.save(l.c.Dir); err != nil {
		l.c.Log.Error("write down the new key", "err", err)
	}
}

// Keep opens a way to the server for the archive of a directive. Closing it means that all of it
// came, and returns an error when the server does not have all of it.
func (l *Link) Keep(ctx context.Context, id string) (io.WriteCloser, error) {
	c, hangUp, err := l.client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	d := &delivery{stream: l.speak(c).Deliver(ctx), sum: sha256.New(), hangUp: func() { cancel(); hangUp() }}
	if err := d.stream.Send(&wire.DeliverRequest{Directive: id}); err != nil {
		d.hangUp()
		return nil, fmt.Errorf("deliver the evidence: %w", err)
	}
	context.AfterFunc(ctx, d.hangUp)
	return d, nil
}

type delivery struct {
	stream *connect.ClientStreamForClient[wire.DeliverRequest, wire.DeliverResponse]
	sum    hash.Hash
	size   int64
	hangUp func()
}

func (d *delivery) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		part := b[:min(len(b), wire.MostPart)]
		if err := d.stream.Send(&wire.DeliverRequest{Part: part}); err != nil {
			if errors.Is(err, io.EOF) { // the server ended it, and says why
				_, err = d.stream.CloseAndReceive()
			}
			return n, fmt.Errorf("deliver the evidence: %w", err)
		}
		_, _ = d.sum.Write(part)
		n, b = n+len(part), b[len(part):]
		d.size += int64(len(part))
	}
	return n, nil
}

func (d *delivery) Close() error {
	defer d.hangUp()
	if err := d.stream.Send(&wire.DeliverRequest{Sha256: d.sum.Sum(nil)}); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("deliver the evidence: %w", err)
	}
	got, err := d.stream.CloseAndReceive()
	if err != nil {
		return fmt.Errorf("deliver the evidence: %w", said(err))
	}
	if got.Msg.GetSize() != d.size {
		return fmt.Errorf("deliver the evidence: %d bytes were sent and %d came", d.size, got.Msg.GetSize())
	}
	return nil
}

// holds are what the host holds, as a server reads it.
func holds(all []contain.Hold) []wire.Hold {
	out := make([]wire.Hold, 0, len(all))
	for _, h := range all {
		d := h.Directive
		out = append(out, wire.Hold{ID: d.ID, Kind: string(d.Kind), Incident: d.Incident, About: about(d), Since: h.Since, Ends: h.Ends,
			OnExpiry: string(d.OnExpiry), Pending: h.Pending})
	}
	return out
}

const mostAbout = 64

// about says what a directive is about, in a form that can be compared.
func about(d directive.Directive) (out []string) {
	switch {
	case d.Cut != nil:
		out = append(out, d.Cut.Path)
	case d.Block != nil:
		for _, p := range d.Block.Prefixes {
			out = append(out, p.String())
		}
		out = append(out, d.Block.Domains...)
	case d.Process != nil:
		out = append(out, fmt.Sprintf("%d/%d", d.Process.PID, d.Process.Start))
	case d.File != nil:
		out = append(out, d.File.Path)
	}
	return out[:min(len(out), mostAbout)]
}
