package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Captures keeps what is said and done in rooms. A line that is there already is
// passed over, by whatever name it is told.
type Captures interface {
	Capture(ctx context.Context, lines []incident.Captured) (added int, err error)
	// Sight compares what Slack shows, without since when, with what is kept.
	Sight(ctx context.Context, s incident.Sighting) (added int, err error)
	// CapturedHead tells how many lines there are and up to which Slack time history was
	// compared, "" for never.
	CapturedHead(ctx context.Context, id incident.ID) (seq int64, hash, filled string, err error)
	Filled(ctx context.Context, id incident.ID, ts string) error
	// IsCaptured tells whether something is known by a name.
	IsCaptured(ctx context.Context, channel, name string) (bool, error)
	CapturedInTime(ctx context.Context, id incident.ID, after incident.Captured, limit int) ([]incident.Captured, error)
}

// What arrives within batchWait is written in one transaction, so that a busy room
// costs one write where it would cost fifty, and commands do not queue behind it.
const (
	batchWait = 50 * time.Millisecond
	batchMax  = 200 // lines; a full batch does not wait
)

// batch collects lines until they are written together.
type batch struct {
	to Captures

	// mu guards everything that follows.
	mu  sync.Mutex
	now *written // being collected; nil: none
	// rooms whose history was compared since the program began
	compared map[string]bool
}

// written is one batch; err is there when done is closed.
type written struct {
	lines []incident.Captured
	timer *time.Timer
	done  chan struct{}
	err   error
}

// add returns when the lines are on disk, or the error why they are not. Lines of a
// caller who gave up waiting may still be written.
func (b *batch) add(ctx context.Context, lines []incident.Captured) error {
	b.mu.Lock()
	w := b.now
	if w == nil {
		w = &written{done: make(chan struct{})}
		w.timer = time.AfterFunc(batchWait, func() { b.write(w) })
		b.now = w
	}
	w.lines = append(w.lines, lines...)
	full := len(w.lines) >= batchMax
	b.mu.Unlock()
	if full && w.timer.Stop() {
		go b.write(w) //nolint:gosec // a batch is everybody's: no single request may end it
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *batch) write(w *written) {
	b.mu.Lock()
	if b.now == w {
		b.now = nil
	}
	lines := w.lines
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	_, w.err = b.to.Capture(ctx, lines)
	close(w.done)
}

// first reports, once, that a room was not compared with its history yet.
func (b *batch) first(channel string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.compared[channel] {
		return false
	}
	if b.compared == nil {
		b.compared = map[string]bool{}
	}
	b.compared[channel] = true
	return true
}

func (b *batch) again(channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.compared, channel)
}

// captured writes down what an event tells, if it happened in a room of ours, and
// returns when that is on disk: only then may the event be acknowledged.
func (s *Slack) captured(ctx context.Context, in eventIn) error {
	if s.batch == nil || len(in.Event.raw) == 0 {
		return nil
	}
	var e roomEvent
	if err := lenient(json.Unmarshal(in.Event.raw, &e)); err != nil {
		return errUnreadable
	}
	e.id, e.at = in.EventID, time.Unix(in.EventTime, 0).UTC()
	channel := e.where()
	if channel == "" {
		return nil
	}
	stream, ok, err := s.c.Room.Reader.ByClaim(ctx, "slack:"+channel)
	if err != nil || !ok {
		return err
	}
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	lines := e.lines()
	if len(lines) == 0 {
		return nil
	}
	for i := range lines {
		lines[i] = s.placed(lines[i], stream, channel, me)
	}
	if err := s.batch.add(ctx, lines); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	if heard := lines[len(lines)-1]; s.c.CaptureLag != nil && !heard.BackFilled {
		s.c.CaptureLag(max(0, s.c.Room.Now().Sub(heard.Occurred)))
	}
	if e.Type == "message" && len(e.Files) > 0 {
		s.keepFiles(ctx, stream, channel, &e.chatMessage, false)
	}
	if s.batch.first(channel) {
		// What was said before the room was known to be one, or before a start.
		s.work(ctx, func(ctx context.Context) {
			if _, err := s.fill(ctx, stream, channel, false); err != nil {
				s.batch.again(channel)
				s.log.WarnContext(ctx, "history not compared", "err", err)
			}
		})
	}
	return nil
}

// placed says where a line belongs, who is behind it, and whether it is our own.
func (s *Slack) placed(c incident.Captured, stream incident.ID, channel string, me self) incident.Captured {
	c.Stream, c.Channel = stream, channel
	c.Own = c.Author != "" && (c.Author == me.User || c.Author == me.Bot)
	if s.c.Known != nil && c.Author != "" && !c.Own {
		c.By, _ = s.c.Known(c.Author)
	}
	return c
}
