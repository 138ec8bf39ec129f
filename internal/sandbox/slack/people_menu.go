package slack

import (
	"context"
	"slices"
)

// Shortcut picks an entry of the lightning menu (on nil) or of a message's menu.
func (s *Server) Shortcut(ctx context.Context, user, callbackID string, on *MessageRef) error {
	var payload obj
	var err error
	s.locked(func() { payload, err = s.pick(user, callbackID, on) })
	if err != nil {
		return err
	}
	app := s.App()
	if _, err := s.ask(ctx, "interactive", or(app.InteractivityURL, app.RequestURL), payload); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.trouble(user, "This app did not respond in time.")
	}
	return nil
}

func (s *Server) pick(user, callbackID string, on *MessageRef) (obj, error) {
	u, err := s.actor(user)
	if err != nil {
		return nil, err
	}
	kind := map[bool]string{true: "global", false: "message"}[on == nil]
	if !slices.ContainsFunc(s.app.Shortcuts, func(sc Shortcut) bool { return sc.CallbackID == callbackID && sc.Type == kind }) {
		return nil, &Error{"shortcut_not_found", "There is no such shortcut."}
	}
	if on == nil {
		o := s.interaction("shortcut", u)
		o["callback_id"], o["trigger_id"], o["action_ts"] = callbackID, s.pull(u.ID, ""), s.eventTS()
		o["user"] = obj{"id": u.ID, "username": u.Name, "team_id": or(u.TeamID, s.team.ID)}
		delete(o, "api_app_id")
		return o, nil
	}
	c := s.place(on.Channel)
	if c == nil || !c.sees(u) {
		return nil, &Error{"channel_not_found", "You do not see that channel."}
	}
	m := c.message(on.TS) // no menu on ephemerals
	if m == nil {
		return nil, &Error{"message_not_found", "That message is gone."}
	}
	o := s.interaction("message_action", u)
	o["callback_id"], o["trigger_id"], o["action_ts"] = callbackID, s.pull(u.ID, ""), s.eventTS()
	o["channel"] = obj{"id": c.id, "name": c.commandName()}
	o["message_ts"], o["message"] = m.ts, s.messageObject(c, m, false)
	o["response_url"] = s.respondTo(u.ID, c.id, m.ts)
	delete(o, "api_app_id")
	return o, nil
}

// OpenHome opens the app's home tab; the app hears app_home_opened.
func (s *Server) OpenHome(ctx context.Context, user string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.locked(func() {
		u, denied := s.actor(user)
		if err = denied; err != nil {
			return
		}
		if !s.app.HomeTab {
			err = &Error{"not_enabled", "This app has no home tab."}
			return
		}
		c, _ := s.direct(s.botUser, u.ID)
		event := obj{"type": "app_home_opened", "user": u.ID, "channel": c.id, "tab": "home"}
		if v := s.homes[u.ID]; v != nil {
			event["view"] = s.viewObject(v)
		}
		s.emit("app_home_opened", "", event)
	})
	return err
}
