package contain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

// The test of an isolation. Within the first minute, and never later, an isolation that took
// the control channel with it is rolled back: later an intruder could get free by cutting the
// wire. The agent asks for some time before it gives up, and gives up in time.
const (
	testFor   = time.Minute
	giveUpAt  = 45 * time.Second
	reachMost = 5 * time.Second
)

// Run does what time demands, once a second, until the context ends.
func (h *Hands) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		h.Tick(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Tick is one round of Run: isolations are tested, holds end or their end is told, addresses
// of domains are looked up.
func (h *Hands) Tick(ctx context.Context) {
	for _, id := range h.untested() {
		h.test(ctx, id)
	}
	h.expire()
	h.ask(ctx)
}

func (h *Hands) untested() (ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range h.state.ids() {
		hold := h.state.Holds[id]
		if hold.Directive.Kind == directive.Isolate && hold.Tested == "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (h *Hands) test(ctx context.Context, id string) {
	var err error
	if h.age(id) < testFor && h.c.Reach != nil {
		to, cancel := context.WithTimeout(ctx, reachMost)
		err = h.c.Reach(to)
		cancel()
		if ctx.Err() != nil {
			return // the agent is being stopped: that proves nothing
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	hold := h.state.Holds[id]
	if hold == nil {
		return
	}
	age := h.c.Boot() - hold.Began
	switch {
	case h.c.Reach == nil:
		h.tested(id, Stays, "The isolation was not tested: this agent has no way to try its control channel.")
	case age >= testFor:
		h.tested(id, Stays, "The control channel was not reached within the first minute of the isolation. The host stays cut off; a release code at its console lets it go.")
	case err == nil:
		h.tested(id, Reached, "The control channel answers through the isolation.")
	case age >= giveUpAt:
		if _, failed := h.release(id); failed != nil {
			h.tell(id, Troubled, fmt.Sprintf("The isolation took the control channel with it and could not be rolled back: %v", failed))
			return
		}
		h.tell(id, RolledBack, fmt.Sprintf("The isolation took the control channel with it (%v) and was rolled back within its first minute. The host is NOT isolated.", err))
	}
}

func (h *Hands) age(id string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	hold := h.state.Holds[id]
	if hold == nil {
		return testFor
	}
	return h.c.Boot() - hold.Began
}

func (h *Hands) tested(id, how, say string) {
	hold := h.state.Holds[id]
	hold.Tested = how
	if err := h.save(hold); err != nil {
		h.tell(id, Troubled, err.Error())
	}
	h.tell(id, how, say)
}

func (h *Hands) tell(id, what, say string) {
	h.c.Tell(Notice{Hold: id, What: what, Say: say, At: h.c.Now().UTC()})
}

func (h *Hands) expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	var changed []*Hold
	for _, id := range h.state.ids() {
		hold := h.state.Holds[id]
		fewer := h.forget(hold)
		asked := h.c.Boot() >= hold.Until && h.over(id, hold)
		if h.state.Holds[id] != nil && (fewer || asked) { // what was let go must not be written again
			changed = append(changed, hold)
		}
	}
	if len(changed) == 0 {
		return
	}
	if err := errors.Join(h.apply(), h.save(changed...)); err != nil {
		h.c.Log.Error("what time demands is not done", "error", err)
	}
}

// over does what is due at the end of a hold's time, and says whether the hold is still there
// and changed.
func (h *Hands) over(id string, hold *Hold) (changed bool) {
	if hold.lets() {
		_, err := h.release(id)
		if err == nil {
			h.tell(id, Ended, fmt.Sprintf("%s ended by itself at the end of its time, as was agreed.", hold.Directive.Kind))
			return false
		}
		if !hold.Asked {
			h.tell(id, Troubled, fmt.Sprintf("%s should have ended and did not: %v", hold.Directive.Kind, err))
		}
	} else if !hold.Asked {
		h.tell(id, Over, fmt.Sprintf("The time of %s is over. It stays until somebody releases or extends it.", hold.Directive.Kind))
	}
	changed = !hold.Asked
	hold.Asked = true
	return changed
}
