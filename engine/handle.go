package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// A command that meets a moving incident is decided again this often before the
// asker is told to try once more. Within a process commands queue, so only other
// replicas can cause it.
const retries = 20

// Engine is the loop around one store.
type Engine struct {
	store Store
	rules func() incident.Rules
	clock Clock
	log   *slog.Logger
	// Woken is called after a commit that owes something, to tell other replicas. May be nil.
	Woken func()
	// Observer is told what happens; nil: nobody.
	Observer Observer

	// mu guards everything that follows.
	mu    sync.Mutex
	queue map[incident.ID]*turn
	news  chan struct{} // closed and made anew whenever there may be work
}

// turn is the queue of commands of one incident.
type turn struct {
	waiting int
	token   chan struct{}
}

// New makes an engine. rules gives the plan of the moment.
func New(store Store, rules func() incident.Rules, clock Clock, log *slog.Logger) *Engine {
	return &Engine{store: store, rules: rules, clock: clock, log: log, news: make(chan struct{}), queue: map[incident.ID]*turn{}}
}

// Handle decides one command and commits what it led to. id is empty for a
// declaration. The answer of a command id that was handled before is given again
// and nothing happens twice. Errors: a *incident.Refusal may be shown to the asker;
// anything else is a fault, and the asker may try again with the same command id.
func (e *Engine) Handle(ctx context.Context, id incident.ID, a incident.Asked) (incident.Answer, error) {
	return e.handle(ctx, id, a, nil)
}

func (e *Engine) handle(ctx context.Context, id incident.ID, a incident.Asked, settles *incident.Settles) (incident.Answer, error) {
	began := time.Now()
	answer, err := e.inTurn(ctx, id, a, settles)
	e.handled(a, began, err)
	e.log.Debug("command", "command", a.ID, "incident", answer.Stream, "kind", fmt.Sprintf("%T", a.What), "via", a.Via, "first", answer.First, "last", answer.Last, "error", err)
	return answer, err
}

func (e *Engine) inTurn(ctx context.Context, id incident.ID, a incident.Asked, settles *incident.Settles) (incident.Answer, error) {
	if a.At.IsZero() {
		a.At = e.clock.Now()
	}
	if a.Root == "" {
		a.Root = a.ID
	}
	if settles == nil { // what settles an effect is asked once; Commit would know it again
		if had, ok, err := e.store.Asked(ctx, a.ID); err != nil {
			return incident.Answer{}, fmt.Errorf("look up command: %w", err)
		} else if ok {
			return had, refusalOf(had)
		}
	}
	if _, declares := a.What.(incident.Declare); declares {
		var err error
		if id, err = e.reserve(ctx, a); err != nil {
			return incident.Answer{}, err
		}
	}
	if id == "" {
		return incident.Answer{}, incident.Refuse("which", "It is not clear which incident is meant.", "Say it in its room, or name it: `INC-0042 …`.")
	}
	done, err := e.turn(ctx, id)
	if err != nil {
		return incident.Answer{}, err
	}
	defer done()
	for try := 0; ; try++ {
		answer, err := e.once(ctx, id, a, settles)
		if errors.Is(err, ErrStale) && try < retries {
			continue
		}
		return answer, err
	}
}

// reserve takes an incident number for a declaration that the rules allow.
func (e *Engine) reserve(ctx context.Context, a incident.Asked) (incident.ID, error) {
	if _, err := incident.Decide(incident.State{Stream: incident.NumberID(0)}, a, e.rules()); err != nil {
		return "", err
	}
	id, err := e.store.Reserve(ctx, a.ID)
	if err != nil {
		return "", fmt.Errorf("reserve a number: %w", err)
	}
	return id, nil
}

func (e *Engine) once(ctx context.Context, id incident.ID, a incident.Asked, settles *incident.Settles) (incident.Answer, error) {
	s, err := e.store.Load(ctx, id)
	if err != nil {
		return incident.Answer{}, fmt.Errorf("load %s: %w", id, err)
	}
	s.Stream = id
	if c, ok := a.What.(incident.TakeMerged); ok && c.Source == nil {
		from, err := e.store.Load(ctx, c.From)
		if err != nil {
			return incident.Answer{}, fmt.Errorf("load %s: %w", c.From, err)
		}
		c.Source = &from
		a.What = c
	}
	if c, ok := a.What.(incident.Redact); ok {
		if c.Refs, err = e.store.Texts(ctx, id, c.Seq); err != nil {
			return incident.Answer{}, fmt.Errorf("read the texts of entry %d: %w", c.Seq, err)
		}
		if c.Held, err = e.held(ctx, s, c.Refs); err != nil {
			return incident.Answer{}, err
		}
		a.What = c
	}
	if a.What, err = e.words(ctx, a.What); err != nil {
		return incident.Answer{}, err
	}
	change, refused := incident.Decide(s, a, e.rules())
	var no *incident.Refusal
	if refused != nil && !errors.As(refused, &no) {
		return incident.Answer{}, fmt.Errorf("decide: %w", refused)
	}
	change.Settles = settles
	if no != nil && settles == nil && !s.Exists {
		return incident.Answer{}, no // nothing to keep the answer with
	}
	after, err := e.store.Commit(ctx, change)
	var repeat *Repeat
	var taken *ErrTaken
	switch {
	case errors.As(err, &repeat):
		return repeat.Answer, refusalOf(repeat.Answer)
	case errors.As(err, &taken):
		return incident.Answer{Stream: taken.By}, taken
	case err != nil:
		return incident.Answer{}, fmt.Errorf("commit %s: %w", id, err)
	}
	if len(change.Effects) > 0 || settles != nil {
		e.Wake()
		if e.Woken != nil {
			e.Woken()
		}
	}
	answer := incident.Answer{Stream: id, Refused: no}
	if n := len(change.Events); n > 0 {
		answer.First, answer.Last = change.Events[0].Seq, after.Seq
	}
	if no != nil {
		return answer, no
	}
	return answer, nil
}

// held finds another incident under legal hold that has a say in what is erased here:
// one that a text belongs to, or the one that this was merged into.
func (e *Engine) held(ctx context.Context, s incident.State, refs []string) (incident.ID, error) {
	others, err := e.store.Belong(ctx, refs)
	if err != nil {
		return "", fmt.Errorf("look whose texts they are: %w", err)
	}
	if s.Into != "" {
		others = append(others, s.Into)
	}
	for _, id := range others {
		if id == s.Stream || id.IsRegister() {
			continue
		}
		other, err := e.store.Load(ctx, id)
		if err != nil {
			return "", fmt.Errorf("load %s: %w", id, err)
		}
		if other.LegalHold.On {
			return id, nil
		}
	}
	return "", nil
}

// words fills in what a register of holds tells by the number of its line only: effects
// carry no text.
func (e *Engine) words(ctx context.Context, c incident.Command) (incident.Command, error) {
	from, line := incident.ToldFrom(c)
	if line == 0 {
		return c, nil
	}
	r, err := e.store.Event(ctx, from, line)
	if err != nil {
		return nil, fmt.Errorf("read line %d of %s: %w", line, from, err)
	}
	return incident.FillWords(c, r.Event), nil
}

func refusalOf(a incident.Answer) error {
	if a.Refused != nil {
		return a.Refused
	}
	return nil
}

// turn waits until it is this command's turn at the incident.
func (e *Engine) turn(ctx context.Context, id incident.ID) (done func(), err error) {
	e.mu.Lock()
	t := e.queue[id]
	if t == nil {
		t = &turn{token: make(chan struct{}, 1)}
		e.queue[id] = t
	}
	t.waiting++
	e.mu.Unlock()
	leave := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if t.waiting--; t.waiting == 0 {
			delete(e.queue, id)
		}
	}
	select {
	case t.token <- struct{}{}:
		return func() { <-t.token; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// Wake tells this process's runner that there may be work.
func (e *Engine) Wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.news)
	e.news = make(chan struct{})
}

// woken is closed at the next Wake. Take it before looking for work.
func (e *Engine) woken() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.news
}
