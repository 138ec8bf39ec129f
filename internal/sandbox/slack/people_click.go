package slack

import (
	"context"
)

// Click presses, picks or types in one element of a message, a modal or the home
// tab, and returns when the app acknowledged. It returns *ErrConfirm when the
// element asks for confirmation that k does not bring.
func (s *Server) Click(ctx context.Context, user string, k Click) error {
	var payload obj
	var to string
	var err error
	s.locked(func() { payload, err = s.press(user, k) })
	if err != nil || payload == nil {
		return err
	}
	app := s.App()
	to = or(app.InteractivityURL, app.RequestURL)
	if _, err := s.ask(ctx, "interactive", to, payload); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.trouble(user, "This app responded with an error or did not respond in time.")
	}
	return nil
}

// press changes the state and builds the payload; nil when nothing is sent.
func (s *Server) press(user string, k Click) (obj, error) {
	u, err := s.actor(user)
	if err != nil {
		return nil, err
	}
	if k.ViewID != "" {
		return s.pressInView(u, k)
	}
	c := s.place(k.Channel)
	if c == nil || !c.sees(u) {
		return nil, &Error{"channel_not_found", "You do not see that channel."}
	}
	m := c.byTS[k.MessageTS]
	if m == nil || m.only != "" && m.only != u.ID {
		return nil, &Error{"message_not_found", "That message is gone."}
	}
	if c.archived {
		return nil, &Error{"is_archived", "#" + c.name + " is archived."}
	}
	p, err := findElement(m.blocks, k)
	if err != nil {
		return nil, err
	}
	if m.picked == nil {
		m.picked = map[string]values{}
	}
	if m.picked[u.ID] == nil {
		m.picked[u.ID] = values{}
	}
	action, err := s.act(p, k, m.picked[u.ID])
	if err != nil || action == nil {
		return nil, err
	}
	o := s.interaction("block_actions", u)
	o["trigger_id"] = s.pull(u.ID, "")
	container := obj{"type": "message", "message_ts": m.ts, "channel_id": c.id, "is_ephemeral": m.only != ""}
	if m.thread != "" {
		container["thread_ts"] = m.thread
	}
	o["container"] = container
	o["channel"] = obj{"id": c.id, "name": c.commandName()}
	if m.only == "" { // Slack does not repeat an ephemeral message
		o["message"] = s.messageObject(c, m, true)
	}
	o["state"] = obj{"values": s.stateValues(m.blocks, m.picked[u.ID])}
	o["response_url"] = s.respondTo(u.ID, c.id, m.ts)
	o["actions"] = []obj{action}
	return o, nil
}

func (s *Server) pressInView(u *User, k Click) (obj, error) {
	v := s.views[k.ViewID]
	if v == nil || v.user != u.ID {
		return nil, &Error{"view_not_found", "That view is closed."}
	}
	p, err := findElement(v.def["blocks"], k)
	if err != nil {
		return nil, err
	}
	action, err := s.act(p, k, v.picked)
	s.changed()
	if err != nil || action == nil {
		return nil, err
	}
	o := s.interaction("block_actions", u)
	from := v.id
	if v.def["type"] == "home" {
		from = ""
	}
	o["trigger_id"] = s.pull(u.ID, from)
	o["container"] = obj{"type": "view", "view_id": v.id}
	o["view"] = s.viewObject(v)
	o["actions"] = []obj{action}
	return o, nil
}

func findElement(blocks any, k Click) (placed, error) {
	for _, p := range elementsOf(blocks) {
		if (k.BlockID == "" || k.BlockID == p.blockID) && (k.ActionID == "" && k.BlockID != "" || k.ActionID == p.action()) {
			return p, nil
		}
	}
	return placed{}, &Error{"no_such_element", "There is no such button or field here."}
}

// act enters the click into picked and returns the action to send, or nil where
// the element only keeps its value until the modal is submitted.
func (s *Server) act(p placed, k Click, picked values) (obj, error) {
	if c, asks := p.element["confirm"].(obj); asks && !k.Confirmed {
		return nil, &ErrConfirm{
			Title: plainText(c["title"]), Text: plainText(c["text"]),
			Confirm: plainText(c["confirm"]), Deny: plainText(c["deny"]),
		}
	}
	action := obj{
		"type": p.kind(), "action_id": p.action(), "block_id": p.blockID, "action_ts": s.eventTS(),
	}
	switch p.kind() {
	case "button", "workflow_button":
		for _, key := range []string{"text", "value", "style", "url", "confirm"} {
			if v, present := p.element[key]; present {
				action[key] = v
			}
		}
		return action, nil
	case "overflow":
		o := p.find(k.Value)
		if o == nil {
			return nil, &Error{"no_such_option", "That is none of the options."}
		}
		action["selected_option"] = o
		return action, nil
	}
	state, complaint := s.enter(p, Input{
		Value: k.Value, Options: k.Values, Users: userValues(p.kind(), k.Values), Channels: channelValues(p.kind(), k.Values),
		DateTime: dateTime(p.kind(), k.Value),
	})
	if complaint != "" {
		return nil, &Error{"invalid_value", complaint}
	}
	if picked[p.blockID] == nil {
		picked[p.blockID] = map[string]obj{}
	}
	picked[p.blockID][p.action()] = state
	if dispatch, _ := p.block["dispatch_action"].(bool); p.block["type"] == "input" && !dispatch {
		return nil, nil
	}
	for key, v := range state {
		action[key] = v
	}
	if ph := p.element["placeholder"]; ph != nil {
		action["placeholder"] = ph
	}
	return action, nil
}

// interaction is what every interactive payload carries.
func (s *Server) interaction(kind string, u *User) obj {
	return obj{
		"type": kind, "token": "sandbox", "api_app_id": s.app.AppID, "enterprise": nil, "is_enterprise_install": false,
		"team": obj{"id": s.team.ID, "domain": s.team.Domain},
		"user": obj{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": or(u.TeamID, s.team.ID)},
	}
}

// trouble is what the client says when the app stayed silent: it is told to the
// person and returned.
func (s *Server) trouble(user, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.person(user); u != nil {
		s.notice(u.ID, text)
	}
	return &Error{"operation_timeout", text}
}
