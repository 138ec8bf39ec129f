package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

var reconcileVerb = verb{
	Name:     "reconcile",
	Summary:  "Compares the whole room with what was captured of it, and writes down what is missing.",
	Examples: []string{"reconcile"},
	Who:      incident.MayRespond,
	Run:      runReconcile,
}

func runReconcile(ctx context.Context, a *asking, _ *words) (deed, error) {
	if !a.state.People[a.call.Person.ID].Joined {
		return deed{}, incident.Refuse("responders-only", "Only responders of the incident compare its room with the record.", "Join it first: "+a.room.prefix(false)+" join.")
	}
	if a.room.Compare == nil || a.state.Room.Channel == "" {
		return deed{}, incident.Refuse("nothing-captured", "There is no room whose messages are captured.", "")
	}
	found, err := a.room.Compare(ctx, a.state)
	if wait, later := incident.LaterBy(err); later {
		return deed{}, incident.Refuse("slack-busy", fmt.Sprintf("Slack lets no more history be read just now; %s captured so far.", added(found.Added)),
			fmt.Sprintf("Say it again in %s; what was found stays.", wait.Round(time.Second)))
	}
	if err != nil {
		return deed{}, err
	}
	return show(line(fmt.Sprintf("Slack has %s in this room. %s.", count(found.Messages, "message"), added(found.Added))))
}

func added(n int) string {
	switch n {
	case 0:
		return "Nothing was missing from the record"
	case 1:
		return "1 line was missing from the record and is back-filled"
	}
	return fmt.Sprintf("%d lines were missing from the record and are back-filled", n)
}

// compare compares a whole room, for whoever asked.
func (s *Slack) compare(ctx context.Context, st incident.State) (Compared, error) {
	return s.fill(ctx, st.Stream, st.Room.Channel, true)
}
