package slack

import (
	"context"
	"fmt"
	"maps"
)

// Forgery is a request that Slack itself would never send: what an attacker sends who
// holds the signing secret or the app-level token, or who found a hole in a client.
// It travels as Slack's own requests do, signed or through the socket.
type Forgery struct {
	User    string // whose name it carries, deactivated or not
	Channel string // where it claims to be; "" for nowhere
	// Value is that of the button; CallbackID instead makes it a submission.
	Value       string
	CallbackID  string
	Metadata    string                       // of the form: its private_metadata
	State       map[string]map[string]string // of the form: block, action, plain text
	ResponseURL string                       // "" for one of Slack's own
}

// Forge sends a Forgery and returns what the app answered at once.
func (s *Server) Forge(ctx context.Context, f Forgery) (answer string, err error) {
	var payload obj
	s.locked(func() {
		u := s.person(f.User)
		if u == nil {
			err = &Error{"user_not_found", "There is no " + f.User + " here."}
			return
		}
		payload = s.forged(u, f)
	})
	if err != nil {
		return "", err
	}
	app := s.App()
	ack, err := s.ask(ctx, "interactive", or(app.InteractivityURL, app.RequestURL), payload)
	if err != nil {
		return "", fmt.Errorf("forge: %w", err)
	}
	return string(ack), nil
}

func (s *Server) forged(u *User, f Forgery) obj {
	kind := "block_actions"
	if f.CallbackID != "" {
		kind = "view_submission"
	}
	o := s.interaction(kind, u)
	o["trigger_id"] = s.pull(u.ID, "")
	if f.CallbackID != "" {
		values := obj{}
		for block, actions := range f.State {
			fields := obj{}
			for action, text := range actions {
				fields[action] = obj{"type": "plain_text_input", "value": text}
			}
			values[block] = fields
		}
		o["view"] = obj{
			"id": s.id("V"), "team_id": s.team.ID, "type": "modal", "callback_id": f.CallbackID, "private_metadata": f.Metadata,
			"hash": random(10), "state": obj{"values": values}, "blocks": []any{},
			"app_id": s.app.AppID, "bot_id": s.botID, "title": obj{"type": "plain_text", "text": "Forged"}, "submit": nil, "close": nil,
			"root_view_id": nil, "previous_view_id": nil, "clear_on_close": false, "notify_on_close": false,
		}
		return o
	}
	if c := s.place(f.Channel); c != nil {
		o["channel"] = obj{"id": c.id, "name": c.commandName()}
		o["container"] = obj{"type": "message", "message_ts": "1.000001", "channel_id": c.id, "is_ephemeral": false}
		o["response_url"] = s.respondTo(u.ID, c.id, "")
	}
	if f.ResponseURL != "" {
		o["response_url"] = f.ResponseURL
	}
	button := obj{"type": "button", "action_id": "do-1", "value": f.Value, "text": obj{"type": "plain_text", "text": "Approve"}}
	blocks := []any{obj{"type": "actions", "block_id": "act-1", "elements": []any{button}}}
	o["message"] = obj{"type": "message", "ts": "1.000001", "user": s.botUser, "text": "forged", "blocks": blocks}
	action := maps.Clone(button)
	action["block_id"], action["action_ts"] = "act-1", s.eventTS()
	o["actions"] = []any{action}
	return o
}

// JoinFromOutside brings in somebody of another workspace, who shares the channel from
// now on: Slack Connect. It returns who they are here.
func (s *Server) JoinFromOutside(channel string, u User) (User, error) {
	var out User
	var err error
	s.locked(func() {
		c := s.place(channel)
		if c == nil {
			err = &Error{"channel_not_found", "There is no channel " + channel + "."}
			return
		}
		if out = s.addUser(u); !c.has(out.ID) {
			c.extShared = true
			s.joinAs(c, out.ID, "")
		}
	})
	return out, err
}

// Rename gives a person another display name and full name, as anybody may.
func (s *Server) Rename(user, name string) {
	s.locked(func() {
		u := s.person(user)
		if u == nil {
			return
		}
		other := *u
		other.Display, other.RealName = name, name
		s.users[u.ID] = &other
		s.emitUser("user_change", &other)
		s.changed()
	})
}
