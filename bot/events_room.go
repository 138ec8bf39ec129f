package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

// heard tells the rules that a responder is at work in the room, while they are
// watching whoever acknowledged and might have fallen asleep again.
func (s *Slack) heard(ctx context.Context, e eventBody, id incident.CommandID) error {
	if e.BotID != "" || e.User == "" {
		return nil
	}
	stream, ok, err := s.c.Room.Reader.ByClaim(ctx, "slack:"+string(e.Channel))
	if err != nil || !ok {
		return err
	}
	st, err := s.c.Room.Reader.Load(ctx, stream)
	if err != nil || !st.Clocks[incident.ClockQuiet].Running() {
		return err
	}
	p, err := s.person(ctx, e.User)
	if err != nil {
		if _, refused := asRefusal(err); refused {
			return nil //nolint:nilerr // somebody unknown spoke: that wakes nobody
		}
		return err
	}
	if !st.People[p.ID].Joined {
		return nil
	}
	return s.asked(ctx, stream, id, p, incident.Heard{})
}

// entered tells the rules who is in the room now: the excluded are shown out again,
// and a confidential room is told of strangers.
func (s *Slack) entered(ctx context.Context, e eventBody, id incident.CommandID) error {
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	stream, ok, err := s.c.Room.Reader.ByClaim(ctx, "slack:"+string(e.Channel))
	if err != nil || !ok || e.User == me.User || e.User == "" {
		return err
	}
	p, err := s.person(ctx, e.User)
	if err != nil {
		if _, refused := asRefusal(err); !refused {
			return err
		}
		p = incident.Person{ID: incident.PersonID(e.User), Slack: e.User} // a stranger to the plan is one to the room
	}
	return s.asked(ctx, stream, id, incident.Vendor("slack"), incident.Entered{Person: p})
}

// asked hands a command to the engine where nobody waits for an answer.
func (s *Slack) asked(ctx context.Context, stream incident.ID, id incident.CommandID, by incident.Person, c incident.Command) error {
	_, err := s.c.Room.Asker.Handle(ctx, stream, incident.Asked{ID: id, Root: id, By: by, Via: incident.ViaSlack, At: s.c.Room.Now().UTC(), What: c})
	if _, refused := asRefusal(err); refused {
		return nil //nolint:nilerr // the rules said no; nobody asked to be told
	}
	return err
}
