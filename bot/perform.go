package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Kinds are the stored kinds of effects that Perform carries out.
func Kinds() []string {
	var out []string
	for _, e := range []incident.Effect{
		incident.OpenRoom{}, incident.DressRoom{}, incident.Invite{}, incident.Remove{},
		incident.Say{}, incident.Restate{}, incident.Refresh{}, incident.ArchiveRoom{}, incident.ShowChart{},
	} {
		out = append(out, incident.KindOf(e))
	}
	return out
}

// roomWait is how soon to look again for a room that is not open yet.
const roomWait = 2 * time.Second

// errNoRoom says that an effect has to wait for the room.
var errNoRoom = errors.New("the room is not open yet")

// Perform carries out one effect in Slack. The answers are incident.RoomIsOpen,
// incident.MessageIsUp and, when the room turns out to be gone, incident.RoomIsGone.
func (s *Slack) Perform(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error) {
	if e, ok := t.Effect.(incident.OpenRoom); ok {
		return s.openRoom(ctx, t, e)
	}
	answer, err := s.perform(ctx, t, tell)
	if is(err, "not_in_channel") && aboutRoom(t) && s.join(ctx, t.State.Room.Channel, t.Rank) == nil {
		answer, err = s.perform(ctx, t, tell) // somebody had taken us out of the room
	}
	if is(err, "channel_not_found", "is_archived", "channel_is_archived") && aboutRoom(t) {
		return incident.RoomIsGone{Why: gone(err)}, nil
	}
	return answer, err
}

func (s *Slack) perform(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error) {
	if aboutRoom(t) {
		switch {
		case t.State.Room.Lost != "":
			return nil, nil // the record says so already
		case t.State.Room.Channel == "":
			return nil, incident.Later(errNoRoom, roomWait)
		}
	}
	switch e := t.Effect.(type) {
	case incident.DressRoom:
		return nil, s.dressRoom(ctx, t)
	case incident.Invite:
		return nil, s.invite(ctx, t, e)
	case incident.Remove:
		return nil, s.remove(ctx, t, e)
	case incident.Say:
		return s.say(ctx, t, e)
	case incident.Restate:
		return nil, s.restate(ctx, t, e)
	case incident.Refresh:
		if n, ok := e.View.LookOf(); ok {
			return s.refreshLook(ctx, t, n, tell)
		}
		return s.refresh(ctx, t, e)
	case incident.ArchiveRoom:
		return nil, s.archiveRoom(ctx, t)
	case incident.ShowChart:
		return nil, s.showChart(ctx, t)
	}
	return nil, incident.GiveUp(fmt.Errorf("perform %T: not Slack's", t.Effect))
}

func (s *Slack) join(ctx context.Context, channel string, rank incident.Rank) error {
	return s.call(ctx, "conversations.join", channel, rank, func() error {
		_, _, _, err := s.api.JoinConversationContext(ctx, channel)
		return err
	})
}

// aboutRoom reports whether the effect cannot be performed without the room.
func aboutRoom(t incident.Task) bool {
	switch e := t.Effect.(type) {
	case incident.DressRoom, incident.Invite, incident.Remove, incident.ArchiveRoom, incident.ShowChart:
		return true
	case incident.Say:
		return e.To == incident.PlaceRoom
	case incident.Refresh:
		_, look := e.View.LookOf()
		return look || e.View == incident.ViewSummary
	}
	return false
}

func gone(err error) string {
	if is(err, "channel_not_found") {
		return "The channel was deleted, or the app was taken out of it."
	}
	return "The channel was archived."
}

// slackOf is a person's Slack user id, "" when none is known.
func slackOf(s incident.State, id incident.PersonID) string {
	if p := s.Person(id); p.Slack != "" {
		return p.Slack
	}
	if slackUser.MatchString(string(id)) {
		return string(id)
	}
	return ""
}

// slackUser is the shape of Slack's user ids; people of no plan are known by theirs.
var slackUser = regexp.MustCompile(`^[UW][A-Z0-9]{5,}$`)
