package containment_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// doors is a small vendor with rules: badges that open a door, or do not. A badge that is
// closed cannot be closed again, and nothing happens to one that is not there.
type doors struct {
	mu     sync.Mutex
	closed map[string]bool
	by     map[string]string // who closed it
	writes int
	lies   bool
	down   int         // requests that fail from now on
	forbid bool        // every write is forbidden
	hidden bool        // whether a closed door is closed cannot be seen
	ends   []time.Time // what its own timer was told, in order
}

func newDoors(names ...string) *doors {
	d := &doors{closed: map[string]bool{}, by: map[string]string{}}
	for _, n := range names {
		d.closed[n] = false
	}
	return d
}

func (d *doors) see(name string) (closed bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down > 0 {
		d.down--
		return false, errors.New("doors answered 503")
	}
	closed, ok := d.closed[name]
	if !ok {
		return false, &actions.NoTarget{Kind: actions.KindIdentity, Name: name}
	}
	return closed, nil
}

func (d *doors) set(name string, closed bool, by string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.forbid:
		return &actions.MissingRight{Right: "doors.manage", To: "close the badge"}
	case d.closed[name] == closed:
		return errors.New("doors answered 409")
	case d.lies:
		return nil
	}
	d.closed[name], d.by[name] = closed, by
	d.writes++
	return nil
}

// closeBadge is an action on doors. With destroys it keeps the badge's log first.
type closeBadge struct {
	doors    *doors
	name     string
	destroys string
	keep     func() error
}

func (a closeBadge) Spec() actions.Spec {
	return actions.Spec{Name: a.name, Title: "Close a badge", Does: "The badge opens no door any more.", Kind: actions.KindIdentity, Reversible: true,
		Destroys: a.destroys, Blast: actions.BlastTarget, Rights: []string{"doors.manage"}, TTL: 4 * time.Hour, Proof: "Whether the badge opens a door.", Example: a.name + " mallory"}
}

type door struct {
	Closed bool   `json:"closed"`
	By     string `json:"by,omitempty"`
}

func (a closeBadge) state(name string) (actions.State, bool, error) {
	closed, err := a.doors.see(name)
	if err != nil {
		return nil, false, err
	}
	a.doors.mu.Lock()
	defer a.doors.mu.Unlock()
	return actions.StateOf(door{closed, a.doors.by[name]}), closed, nil
}

func (a closeBadge) Plan(_ context.Context, in actions.Input) (actions.Plan, error) {
	found, closed, err := a.state(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	want := actions.StateOf(door{true, in.Key})
	if closed {
		want = found
	}
	return actions.Plan{Action: a.name, Target: actions.Target{Kind: actions.KindIdentity, ID: in.Target, Name: in.Target}, Params: in.Params, Key: in.Key, Note: in.Note,
		Steps: []string{"The badge of " + in.Target + " is closed."}, Already: closed, Found: found, Want: want}, nil
}

func (a closeBadge) Do(_ context.Context, p actions.Plan) (actions.Receipt, error) {
	now, _, err := a.state(p.Target.ID)
	r := p.Receipt()
	switch {
	case err != nil:
		return r, err
	case p.Already:
		return r, nil
	case string(now) == string(p.Want):
		r.Done = []string{"closed"}
		return r, nil
	case string(now) != string(p.Found):
		return actions.Receipt{}, fmt.Errorf("close: %w", actions.ErrStale)
	}
	if err := a.doors.set(p.Target.ID, true, p.Key); err != nil {
		return actions.Receipt{}, err
	}
	r.Done = []string{"closed"}
	return r, nil
}

func (a closeBadge) Undo(_ context.Context, r actions.Receipt) (actions.Receipt, error) {
	now, closed, err := a.state(r.Target.ID)
	switch {
	case err != nil:
		return actions.Receipt{}, err
	case !r.Force && closed && string(now) != string(r.Left):
		return actions.Receipt{}, &actions.Changed{What: r.Target.Name + " was closed by somebody else since"}
	case closed:
		if err := a.doors.set(r.Target.ID, false, ""); err != nil {
			return actions.Receipt{}, err
		}
	}
	r.Undone, r.Done = true, []string{"opened"}
	return r, nil
}

func (a closeBadge) Verify(_ context.Context, r actions.Receipt) (actions.Proof, error) {
	_, closed, err := a.state(r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	if a.doors.hidden {
		return actions.Stored("the door cannot be seen"), nil
	}
	if closed != r.Undone {
		return actions.Proven("the badge was tried"), nil
	}
	return actions.Refuted("the badge was tried"), nil
}

// keepingBadge can keep the log of a badge first.
type keepingBadge struct{ closeBadge }

func (a keepingBadge) Preserve(context.Context, actions.Input) (actions.Evidence, error) {
	if err := a.keep(); err != nil {
		return actions.Evidence{}, err
	}
	return actions.Evidence{Items: []actions.Item{{Name: "log.txt", From: "doors", Type: "text/plain", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("03:04 door 7")), nil
	}}}}, nil
}
