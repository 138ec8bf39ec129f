package app

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

func words(text string) given { return given{"type": "plain_text", "text": text} }

func option(value string) given { return given{"text": words(value), "value": value} }

// everyElement is one of each kind that people can use, with what they enter.
func (r *rest) everyElement(general string) (elements []any, clicks map[string]slack.Click) {
	clicks = map[string]slack.Click{}
	options := []any{option("one"), option("two")}
	element := func(kind string, more given, c slack.Click) {
		e := given{"type": kind, "action_id": kind}
		for k, v := range more {
			e[k] = v
		}
		elements = append(elements, e)
		clicks[e["action_id"].(string)] = c
	}
	alice := r.user("alice")
	element("button", given{"text": words("Press"), "value": "v", "style": "danger"}, slack.Click{})
	sure := given{"title": words("Sure?"), "text": words("Really?"), "confirm": words("Yes"), "deny": words("No"), "style": "danger"}
	element("button", given{"action_id": "asks", "text": words("Press"), "confirm": sure}, slack.Click{Confirmed: true})
	element("overflow", given{"options": options}, slack.Click{Value: "one"})
	element("static_select", given{"options": options, "placeholder": words("pick")}, slack.Click{Value: "two"})
	element("multi_static_select", given{"options": options}, slack.Click{Values: []string{"one", "two"}})
	element("users_select", nil, slack.Click{Value: alice})
	element("multi_users_select", nil, slack.Click{Values: []string{alice}})
	element("conversations_select", nil, slack.Click{Value: general})
	element("multi_conversations_select", nil, slack.Click{Values: []string{general}})
	element("channels_select", nil, slack.Click{Value: general})
	element("multi_channels_select", nil, slack.Click{Values: []string{general}})
	element("datepicker", nil, slack.Click{Value: "2026-03-01"})
	element("timepicker", nil, slack.Click{Value: "15:04"})
	element("radio_buttons", given{"options": options}, slack.Click{Value: "one"})
	element("checkboxes", given{"options": options}, slack.Click{Values: []string{"one"}})
	return elements, clicks
}

// elements are used in a message.
func (r *rest) elements(general string) {
	r.t.Helper()
	elements, clicks := r.everyElement(general)
	var blocks []any
	for i, e := range elements {
		blocks = append(blocks, given{"type": "section", "block_id": fmt.Sprint("b", i), "text": words("Use it"), "accessory": e})
	}
	posted := r.call("chat.postMessage", given{"channel": general, "text": "use them", "blocks": blocks})
	for action, c := range clicks {
		c.Channel, c.MessageTS, c.ActionID = general, posted["ts"].(string), action
		r.must(r.Click(r.t.Context(), "alice", c))
	}
	r.must(r.Shortcut(r.t.Context(), "alice", "keep", &slack.MessageRef{Channel: general, TS: posted["ts"].(string)}))
}

// views are opened, pushed, changed, sent, closed and published.
func (r *rest) views() {
	r.t.Helper()
	ctx := r.t.Context()
	general := r.View("alice", slack.ViewOptions{}).Channels[0].ID
	elements, clicks := r.everyElement(general)
	var inputs []any
	for _, e := range elements[3:] { // no buttons and menus
		inputs = append(inputs, given{"type": "input", "label": words("Enter"), "element": e, "optional": true, "dispatch_action": true})
	}
	for _, kind := range []string{"plain_text_input", "email_text_input", "url_text_input", "datetimepicker"} {
		inputs = append(inputs, given{"type": "input", "label": words("Enter"), "element": given{"type": kind, "action_id": kind}, "optional": true})
	}
	inputs = append(inputs, given{"type": "input", "label": words("Enter"), "optional": true,
		"element": given{"type": "number_input", "action_id": "number_input", "is_decimal_allowed": false}})
	modal := given{"type": "modal", "callback_id": "m", "title": words("A form"), "submit": words("Send"), "notify_on_close": true, "blocks": inputs}
	r.must(r.Slash(ctx, "alice", general, "/ask"))
	opened := r.call("views.open", given{"trigger_id": r.trigger(), "view": modal})["view"].(given)
	id := opened["id"].(string)
	for action, c := range clicks {
		if action == "button" || action == "asks" || action == "overflow" {
			continue
		}
		c.ViewID, c.ActionID = id, action
		r.must(r.Click(ctx, "alice", c))
	}
	pushed := r.call("views.push", given{"trigger_id": r.trigger(), "view": modal})["view"].(given)
	r.must(r.CloseModal(ctx, "alice", pushed["id"].(string)))
	r.call("views.update", given{"view_id": id, "hash": opened["hash"], "view": modal})
	r.must(r.Submit(ctx, "alice", id, nil))
	r.must(r.Shortcut(ctx, "alice", "new", nil))
	home := given{"type": "home", "blocks": []any{given{"type": "actions", "elements": elements[:1]}, given{"type": "divider"}}}
	published := r.call("views.publish", given{"user_id": r.user("alice"), "view": home})["view"].(given)
	r.must(r.OpenHome(ctx, "alice"))
	r.must(r.Click(ctx, "alice", slack.Click{ViewID: published["id"].(string), ActionID: "button"}))
}

// trigger is the newest trigger id that the app was given.
func (r *rest) trigger() (id string) {
	for _, e := range r.door.all() {
		values, err := url.ParseQuery(string(e.Body))
		if err != nil {
			continue
		}
		var payload struct {
			Trigger string `json:"trigger_id"`
		}
		_ = json.Unmarshal([]byte(values.Get("payload")), &payload) // of a command there is none
		if got := values.Get("trigger_id") + payload.Trigger; got != "" {
			id = got
		}
	}
	return id
}
