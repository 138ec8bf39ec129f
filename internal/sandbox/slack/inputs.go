package slack

import (
	"slices"
)

// What a person has entered or picked in an element, in the shape of
// view.state.values and of actions.

// field is the name of an element's value in its state, by kind of element.
var field = map[string]string{
	"plain_text_input": "value", "email_text_input": "value", "url_text_input": "value", "number_input": "value",
	"static_select": "selected_option", "radio_buttons": "selected_option", "external_select": "selected_option",
	"multi_static_select": "selected_options", "multi_external_select": "selected_options", "checkboxes": "selected_options",
	"users_select": "selected_user", "multi_users_select": "selected_users",
	"conversations_select": "selected_conversation", "multi_conversations_select": "selected_conversations",
	"channels_select": "selected_channel", "multi_channels_select": "selected_channels",
	"datepicker": "selected_date", "timepicker": "selected_time", "datetimepicker": "selected_date_time",
	"rich_text_input": "rich_text_value", "file_input": "files",
}

// initial is the name of an element's first value in its definition.
var initial = map[string]string{
	"value": "initial_value", "selected_option": "initial_option", "selected_options": "initial_options",
	"selected_user": "initial_user", "selected_users": "initial_users",
	"selected_conversation": "initial_conversation", "selected_conversations": "initial_conversations",
	"selected_channel": "initial_channel", "selected_channels": "initial_channels",
	"selected_date": "initial_date", "selected_time": "initial_time", "selected_date_time": "initial_date_time",
	"rich_text_value": "initial_value",
}

// placed is an element and the block it stands in.
type placed struct {
	block   obj
	blockID string
	element obj
}

// elementsOf lists the interactive elements of blocks in order.
func elementsOf(blocks any) []placed {
	list, _ := blocks.([]any)
	var out []placed
	for _, v := range list {
		b, _ := v.(obj)
		id, _ := b["block_id"].(string)
		add := func(e any) {
			if o, isObject := e.(obj); isObject && o["action_id"] != nil {
				out = append(out, placed{b, id, o})
			}
		}
		add(b["accessory"])
		add(b["element"])
		if b["type"] == "actions" {
			es, _ := b["elements"].([]any)
			for _, e := range es {
				add(e)
			}
		}
	}
	return out
}

func (p placed) kind() string   { k, _ := p.element["type"].(string); return k }
func (p placed) action() string { a, _ := p.element["action_id"].(string); return a }

// stateValues is the state of all elements that hold a value.
func (s *Server) stateValues(blocks any, picked values) obj {
	out := obj{}
	for _, p := range elementsOf(blocks) {
		name, holds := field[p.kind()]
		if !holds {
			continue
		}
		block, _ := out[p.blockID].(obj)
		if block == nil {
			block = obj{}
			out[p.blockID] = block
		}
		if state := picked[p.blockID][p.action()]; state != nil {
			block[p.action()] = state
			continue
		}
		block[p.action()] = obj{"type": p.kind(), name: p.first(name)}
	}
	return out
}

// first is the value an untouched element has.
func (p placed) first(name string) any {
	if v := p.element[initial[name]]; v != nil {
		return v
	}
	if name == "files" || len(name) > 2 && name[len(name)-1] == 's' && name != "value" {
		return []any{}
	}
	return nil
}

// enter turns an Input into the element's state. complaint is what the client would
// say, and empty when all is well.
func (s *Server) enter(p placed, in Input) (state obj, complaint string) {
	name := field[p.kind()]
	state = obj{"type": p.kind()}
	switch name {
	case "value":
		state[name] = nilIfEmpty(in.Value)
		return state, p.checkText(in.Value)
	case "selected_option":
		o := p.find(or(in.Option, in.Value))
		state[name] = nil
		if o != nil {
			state[name] = o
		} else if or(in.Option, in.Value) != "" {
			return nil, "That is none of the options."
		}
	case "selected_options":
		picked := []any{}
		for _, val := range in.Options {
			o := p.find(val)
			if o == nil {
				return nil, "That is none of the options."
			}
			picked = append(picked, o)
		}
		state[name] = picked
		return state, p.checkCount(len(picked))
	case "selected_user", "selected_conversation", "selected_channel":
		return s.enterPlace(state, name, or(or(in.User, in.Channel), in.Value))
	case "selected_users", "selected_conversations", "selected_channels":
		return s.enterPlaces(p, state, name, slices.Concat(in.Users, in.Channels))
	case "selected_date":
		v := or(in.Date, in.Value)
		state[name] = nilIfEmpty(v)
		if v != "" && !dateShape.MatchString(v) {
			return nil, "Please enter a valid date."
		}
	case "selected_time":
		v := or(in.Time, in.Value)
		state[name] = nilIfEmpty(v)
		if v != "" && !timeShape.MatchString(v) {
			return nil, "Please enter a valid time."
		}
	case "selected_date_time":
		state[name] = nil
		if in.DateTime != 0 {
			state[name] = in.DateTime
		}
	case "rich_text_value":
		state[name] = nil
		if in.Value != "" {
			state[name] = richText("0", escape(in.Value))[0]
		}
	case "files":
		state[name] = []any{}
	}
	return state, ""
}

func (s *Server) enterPlace(state obj, name, who string) (obj, string) {
	state[name] = nil
	if who == "" {
		return state, ""
	}
	id := s.resolve(name, who)
	if id == "" {
		return nil, "No match found."
	}
	state[name] = id
	return state, ""
}

func (s *Server) enterPlaces(p placed, state obj, name string, all []string) (obj, string) {
	ids := []string{}
	for _, who := range all {
		id := s.resolve(name, who)
		if id == "" {
			return nil, "No match found."
		}
		ids = append(ids, id)
	}
	state[name] = ids
	return state, p.checkCount(len(ids))
}

// resolve finds the id of a person or a channel by id or name.
func (s *Server) resolve(name, who string) string {
	if name == "selected_user" || name == "selected_users" {
		if u := s.person(who); u != nil {
			return u.ID
		}
		return ""
	}
	if c := s.place(who); c != nil {
		return c.id
	}
	return ""
}

// find looks an option up by its value.
func (p placed) find(value string) obj {
	look := func(list any) obj {
		l, _ := list.([]any)
		for _, v := range l {
			if o, _ := v.(obj); o["value"] == value {
				return o
			}
		}
		return nil
	}
	if o := look(p.element["options"]); o != nil {
		return o
	}
	groups, _ := p.element["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(obj)
		if o := look(group["options"]); o != nil {
			return o
		}
	}
	return nil
}

func nilIfEmpty(v string) any {
	if v == "" {
		return nil
	}
	return v
}

// empty says whether a state holds nothing.
func empty(state obj, kind string) bool {
	switch v := state[field[kind]].(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case []string:
		return len(v) == 0
	}
	return false
}
