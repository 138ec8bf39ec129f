package slack

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Submit fills a modal in and submits it. state is by block id and action id; what
// it leaves out keeps what was entered before, or its initial value. It returns
// *FieldErrors when the client or the app objects; the modal then stays open.
func (s *Server) Submit(ctx context.Context, user, viewID string, state map[string]map[string]Input) error {
	var payload obj
	var v *view
	var err error
	s.locked(func() { v, payload, err = s.fill(user, viewID, state) })
	if err != nil {
		return err
	}
	app := s.App()
	ack, err := s.ask(ctx, "interactive", or(app.InteractivityURL, app.RequestURL), payload)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.trouble(user, "We had some trouble connecting. Try again?")
	}
	s.locked(func() { err = s.settle(v, ack) })
	return err
}

func (s *Server) top(user, viewID string) (*User, *view, error) {
	u, err := s.actor(user)
	if err != nil {
		return nil, nil, err
	}
	v := s.views[viewID]
	stack := s.stacks[u.ID]
	if v == nil || len(stack) == 0 || stack[len(stack)-1] != v.id {
		return nil, nil, &Error{"view_not_found", "That modal is not on top."}
	}
	return u, v, nil
}

// fill checks the input as Slack's client does and builds the payload.
func (s *Server) fill(user, viewID string, state map[string]map[string]Input) (*view, obj, error) {
	u, v, err := s.top(user, viewID)
	if err != nil {
		return nil, nil, err
	}
	if v.def["submit"] == nil {
		return nil, nil, &Error{"no_submit", "This modal has no submit button."}
	}
	wrong := map[string]string{}
	known := map[string]map[string]bool{}
	for _, p := range elementsOf(v.def["blocks"]) {
		if known[p.blockID] == nil {
			known[p.blockID] = map[string]bool{}
		}
		known[p.blockID][p.action()] = true
		if in, given := state[p.blockID][p.action()]; given {
			entered, complaint := s.enter(p, in)
			if complaint != "" {
				wrong[p.blockID] = complaint
				continue
			}
			if v.picked[p.blockID] == nil {
				v.picked[p.blockID] = map[string]obj{}
			}
			v.picked[p.blockID][p.action()] = entered
		}
		current := v.picked[p.blockID][p.action()]
		if current == nil {
			current = obj{field[p.kind()]: p.first(field[p.kind()])}
		}
		if optional, _ := p.block["optional"].(bool); p.block["type"] == "input" && !optional && empty(current, p.kind()) {
			wrong[p.blockID] = "Please complete this required field."
		}
	}
	for block, actions := range state {
		for action := range actions {
			if !known[block][action] {
				return nil, nil, &Error{"no_such_element", "There is no field " + block + "/" + action + " here."}
			}
		}
	}
	v.errors = nil
	s.changed()
	if len(wrong) > 0 {
		v.errors = wrong
		return nil, nil, &FieldErrors{wrong}
	}
	o := s.interaction("view_submission", u)
	o["trigger_id"] = s.pull(u.ID, v.id)
	o["view"] = s.viewObject(v)
	o["response_urls"] = s.responseURLs(v)
	return v, o, nil
}

// responseURLs are made for channel pickers that ask for one.
func (s *Server) responseURLs(v *view) []obj {
	out := []obj{}
	for _, p := range elementsOf(v.def["blocks"]) {
		if on, _ := p.element["response_url_enabled"].(bool); !on || p.block["type"] != "input" {
			continue
		}
		where, _ := v.picked[p.blockID][p.action()][field[p.kind()]].(string)
		if s.channels[where] != nil {
			out = append(out, obj{
				"block_id": p.blockID, "action_id": p.action(), "channel_id": where,
				"response_url": s.respondTo(v.user, where, ""),
			})
		}
	}
	return out
}

// settle does what the acknowledgement of a submission says.
func (s *Server) settle(v *view, ack json.RawMessage) error {
	var a struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   any               `json:"view"`
	}
	trouble := &Error{"invalid_response", "We had some trouble connecting. Try again?"}
	if len(ack) > 0 && json.Unmarshal(ack, &a) != nil {
		return trouble
	}
	defer s.changed()
	switch a.Action {
	case "":
		s.shut(v)
	case "clear":
		for _, id := range s.stacks[v.user] {
			delete(s.views, id)
		}
		delete(s.stacks, v.user)
	case "errors":
		blocks := map[string]bool{}
		for _, p := range elementsOf(v.def["blocks"]) {
			blocks[p.blockID] = p.block["type"] == "input"
		}
		for id := range a.Errors {
			if !blocks[id] { // Slack shows errors only at input blocks
				return trouble
			}
		}
		if len(a.Errors) == 0 {
			return trouble
		}
		v.errors = a.Errors
		return &FieldErrors{a.Errors}
	case "update", "push":
		def, err := judgeView(a.View, true, onModal)
		if err != nil {
			s.log.Warn("view in response_action refused", "error", err)
			return trouble
		}
		if a.Action == "push" {
			if len(s.stacks[v.user]) >= maxStack {
				return trouble
			}
			s.stackView(v.user, def)
			return nil
		}
		s.replaceView(v, def)
	default:
		return trouble
	}
	return nil
}

func (s *Server) shut(v *view) {
	s.stacks[v.user] = slices.DeleteFunc(slices.Clone(s.stacks[v.user]), func(id string) bool { return id == v.id })
	delete(s.views, v.id)
	s.changed()
}

// CloseModal closes the modal on top, or the whole stack where it says
// clear_on_close. The app hears of it only with notify_on_close.
func (s *Server) CloseModal(ctx context.Context, user, viewID string) error {
	var payload obj
	var err error
	s.locked(func() {
		u, v, denied := s.top(user, viewID)
		if err = denied; err != nil {
			return
		}
		if notify, _ := v.def["notify_on_close"].(bool); notify {
			payload = s.interaction("view_closed", u)
			payload["view"], payload["is_cleared"] = s.viewObject(v), v.def["clear_on_close"] == true
		}
		if v.def["clear_on_close"] == true {
			for _, id := range s.stacks[u.ID] {
				delete(s.views, id)
			}
			s.stacks[u.ID] = nil
		}
		s.shut(v)
	})
	if err != nil || payload == nil {
		return err
	}
	app := s.App()
	if _, err := s.ask(ctx, "interactive", or(app.InteractivityURL, app.RequestURL), payload); err != nil {
		return ctx.Err() // nobody is told that the app did not hear of the closing
	}
	return nil
}

func userValues(kind string, all []string) []string {
	if strings.Contains(kind, "users") {
		return all
	}
	return nil
}

func channelValues(kind string, all []string) []string {
	if strings.Contains(kind, "channels") || strings.Contains(kind, "conversations") {
		return all
	}
	return nil
}

func dateTime(kind, v string) int64 {
	n, err := strconv.ParseInt(v, 10, 64)
	if kind != "datetimepicker" || err != nil {
		return 0
	}
	return n
}
