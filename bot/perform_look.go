package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// A look is one effect for as long as it goes on: each time it is performed, the message
// is brought up to date and the effect put off for a moment. So it survives a restart, and
// costs one edit every few seconds however much happens. Slack allows about 50 edits a
// minute for all rooms together.
const (
	liveEvery = 4 * time.Second
	huntEvery = 2 * time.Second
)

var errLookGoesOn = errors.New("the look goes on")

// drawn remembers what was shown last of each look, so that nothing is edited in vain.
type drawn struct {
	mu   sync.Mutex
	last map[incident.EffectID]string
}

// fresh reports whether something else was shown before.
func (d *drawn) fresh(id incident.EffectID, card templates.Card) bool {
	now := fmt.Sprint(card)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last[id] == now {
		return false
	}
	if d.last == nil || len(d.last) > 1000 {
		d.last = map[incident.EffectID]string{}
	}
	d.last[id] = now
	return true
}

func (d *drawn) forget(id incident.EffectID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.last, id)
}

// refreshLook shows how look n stands.
func (s *Slack) refreshLook(ctx context.Context, t incident.Task, n int, tell func(incident.Command) error) (incident.Command, error) {
	look, ok := t.State.Look(n)
	if !ok {
		s.unsent.drop(t.ID)
		return nil, nil
	}
	sensors := s.c.Room.Sensors
	if sensors == nil {
		return incident.LookIsOver{N: n, Text: "No sensors are set up on this server any more"}, nil
	}
	mark := string(t.ID)
	if got, file, waits := s.unsent.take(t.ID); waits {
		return s.lookOver(ctx, t, n, got, file, true)
	}
	stop := look.Stopped || !s.c.Room.Now().Before(look.Looking.To)
	got, err := sensors.Follow(ctx, mark, look.Looking, stop)
	if no, refused := asRefusal(err); refused {
		return incident.LookIsOver{N: n, Text: no.Why}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	if got.Title == "" {
		got.Title = templates.LookTitle(look.Looking)
	}
	var file *upload
	if got.Over && look.Looking.What == incident.LookHunt {
		if file = lookFile(t.State, look.Looking, got, mark, s.c.Room.Now()); file != nil {
			got.Notes = append([]string{"The whole answer is in the thread, as a file."}, got.Notes...)
		}
	}
	view := incident.ViewLook(n)
	thread := t.State.Messages[view].TS
	if card := templates.LookCard(got); s.drawn.fresh(t.ID, card) {
		up, err := s.keepUp(ctx, t, view, t.State.Room.Channel, card)
		if err != nil {
			s.drawn.forget(t.ID)
			return nil, err
		}
		if up != nil {
			if is, ok := up.(incident.MessageIsUp); ok {
				thread = is.TS
			}
			if err := tell(up); err != nil {
				return nil, fmt.Errorf("note where the look is: %w", err)
			}
		}
	}
	if got.Over {
		s.drawn.forget(t.ID)
		if file != nil {
			file.Thread = thread
		}
		return s.lookOver(ctx, t, n, got, file, false)
	}
	every := liveEvery
	if look.Looking.What == incident.LookHunt {
		every = huntEvery
	}
	return nil, incident.Later(errLookGoesOn, every)
}
