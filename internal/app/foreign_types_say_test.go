package app

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strings"
)

// typePrelude gives the official types the names that specimens use. KnownBlock and
// SlackEvent are closed by "type": AnyBlock, which views and messages are declared with,
// would take anything.
const typePrelude = `import type { WebClient } from '@slack/web-api';
import type { HomeView, KnownBlock, MessageAttachment, ModalView, SlackEvent } from '@slack/types';
import type * as bolt from '@slack/bolt';

type Named<T> = { [K in keyof T as string extends K ? never : K]: T[K] };
// A form carries text; Slack takes 1 and 0 for true and false.
type Field<V> = V extends boolean ? 'true' | 'false' | '1' | '0' : V extends number ? ` + "`${number}`" + ` : V;
type Read<T> = T extends string ? ` + "`${T}`" + ` : T extends object ? { [K in keyof T]: Read<T[K]> } : T;

declare const web: WebClient;
export type Web = typeof web;
export type Request<F extends (options: any) => any> = NonNullable<Parameters<F>[0]>;
export type Form<T> = T extends unknown ? { [K in keyof T]: Field<T[K]> } : never;
export type Answer<F extends (options: any) => any> = Read<Awaited<ReturnType<F>>>;
export type Block<T extends string> = Extract<KnownBlock, { type: T }>;
export type Event<T extends string> = Extract<SlackEvent, { type: T }>;
export type Message<S> = Extract<SlackEvent, { type: 'message'; subtype: S }>;
export type Envelope = Omit<Named<bolt.EnvelopedEvent>, 'event'>;
export type Slash = Named<bolt.SlashCommand>;
export type Reply = bolt.RespondArguments;
export type { HomeView, MessageAttachment, ModalView, bolt };
`

// typeNames are what typePrelude exports.
var typeNames = []string{"Answer", "Block", "Envelope", "Event", "Form", "HomeView", "MessageAttachment", "Message", "ModalView",
	"Reply", "Request", "Slash", "Web", "bolt"}

// jsonFields carry JSON as text where the request is a form.
var jsonFields = map[string]bool{"blocks": true, "attachments": true, "metadata": true, "view": true, "files": true}

// specimens are what the exchanges of a story carry.
func specimens(from string, web, door []exchange) []specimen {
	c := &collector{from: from}
	for _, e := range web {
		switch method, isAPI := strings.CutPrefix(e.Path, "/api/"); {
		case isAPI:
			c.call(method, e)
		case strings.HasPrefix(e.Path, "/response/"):
			c.json("answer to a response_url", "Reply", e.Body)
		}
	}
	for _, e := range door {
		if !strings.HasPrefix(e.Header.Get("User-Agent"), "Slackbot") {
			continue // of an attacker in the story
		}
		switch e.Path {
		case "/slack/command":
			c.add("slash command", "Slash", form(e.Body))
			c.json("answer to a slash command", "Reply", e.Answer)
		case "/slack/events":
			c.event(e.Body)
		case "/slack/interactive":
			c.interaction(e)
		}
	}
	return c.all
}

// collector takes payloads apart: blocks, views and attachments are judged by
// themselves, as what they are declared to be inside of others is open.
type collector struct {
	from string
	all  []specimen
}

func (c *collector) add(what, kind string, v any) {
	c.all = append(c.all, specimen{What: what, Type: kind, Said: v, From: c.from})
}

func (c *collector) json(what, kind string, text []byte) {
	var v map[string]any
	if json.Unmarshal(text, &v) == nil && len(v) > 0 {
		c.add(what, kind, c.apart(v))
	}
}

// call is a request of the Web API and its answer.
func (c *collector) call(method string, e exchange) {
	function := `Web["` + strings.ReplaceAll(method, ".", `"]["`) + `"]`
	args, kind := map[string]any{}, "Request<"+function+">"
	if media, _, _ := mime.ParseMediaType(e.Header.Get("Content-Type")); media == "application/json" {
		if len(e.Body) > 0 && json.Unmarshal(e.Body, &args) != nil {
			args = map[string]any{"body": string(e.Body)}
		}
	} else {
		args, kind = form(e.Body), "Form<"+kind+">"
		for k, v := range form([]byte(e.Query)) {
			args[k] = v
		}
		for k := range jsonFields {
			var v any
			if s, is := args[k].(string); is && json.Unmarshal([]byte(s), &v) == nil {
				args[k] = v
			}
		}
	}
	c.add("request "+method, kind, c.apart(args))
	var answer map[string]any
	if json.Unmarshal(e.Answer, &answer) == nil {
		c.add(answered(answer)+method, "Answer<"+function+">", c.apart(answer))
	}
}

func answered(answer map[string]any) string {
	if answer["ok"] == true {
		return "answer "
	}
	return "refusal "
}

// event is an envelope of the Events API with what is in it.
func (c *collector) event(text []byte) {
	var envelope map[string]any
	if json.Unmarshal(text, &envelope) != nil || envelope["type"] != "event_callback" {
		return
	}
	inner, _ := envelope["event"].(map[string]any)
	delete(envelope, "event")
	c.add("envelope", "Envelope", envelope)
	if view, is := inner["view"]; is {
		// It is declared as what apps send; what comes is what Slack made of it.
		c.add("view in app_home_opened", "bolt.ViewOutput", c.apart(view))
		delete(inner, "view")
	}
	what, kind := eventType(inner)
	c.apart(inner)
	if inner["type"] == "message" {
		plain(inner)
	}
	if user, is := inner["user"].(map[string]any); is && user["deleted"] == true {
		what += " of who was deactivated"
	}
	c.add("event "+what, kind, inner)
}

// plain says of a message without a subtype, and of one inside of it, that it has none:
// the types want it said. What is said of a private channel has the type of the same
// about a public one: the documents have these subtypes, the types have not.
// https://docs.slack.dev/reference/events/message#subtypes
func plain(v any) {
	m, is := v.(map[string]any)
	if !is {
		return
	}
	switch subtype, has := m["subtype"].(string); {
	case !has:
		m["subtype"] = raw("undefined")
	case strings.HasPrefix(subtype, "group_"):
		m["subtype"] = "channel_" + strings.TrimPrefix(subtype, "group_")
	}
	for _, name := range []string{"message", "previous_message", "root"} {
		plain(m[name])
	}
}

// eventType is the official type of an event.
func eventType(e map[string]any) (what, kind string) {
	name, _ := e["type"].(string)
	subtype, has := e["subtype"].(string)
	switch {
	case name != "message":
		return name, fmt.Sprintf("Event<%q>", name)
	case !has:
		return name, "Message<undefined>"
	}
	open, private := strings.CutPrefix(subtype, "group_")
	if private {
		return name + "/" + subtype, fmt.Sprintf("Message<%q>", "channel_"+open)
	}
	return name + "/" + subtype, fmt.Sprintf("Message<%q>", subtype)
}

// interaction is what a person did, and what Tocsin answered.
func (c *collector) interaction(e exchange) {
	var v map[string]any
	text, _ := form(e.Body)["payload"].(string)
	if json.Unmarshal([]byte(text), &v) != nil {
		return
	}
	name, _ := v["type"].(string)
	kind, reply := "never", ""
	switch name {
	case "block_actions":
		kind = "bolt.BlockAction"
	case "view_submission":
		kind, reply = "bolt.ViewSubmitAction", "bolt.ViewResponseAction"
	case "view_closed":
		kind = "bolt.ViewClosedAction"
	case "shortcut":
		kind = "bolt.GlobalShortcut"
	case "message_action":
		kind = "bolt.MessageShortcut"
	}
	what := "payload " + name
	if view, is := v["view"].(map[string]any); is && name == "block_actions" {
		what += fmt.Sprint(" in a ", view["type"])
	}
	c.add(what, kind, c.apart(v))
	if reply != "" {
		c.json("reply to "+name, reply, e.Answer)
	}
}

// apart takes out what is judged by itself and leaves an empty list in its place.
func (c *collector) apart(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = c.apart(v[i])
		}
	case map[string]any:
		for _, name := range []string{"blocks", "attachments"} {
			list, is := v[name].([]any)
			if !is {
				continue
			}
			for _, e := range list {
				c.part(name, e)
			}
			v[name] = []any{}
		}
		for k := range v {
			v[k] = c.apart(v[k])
		}
		if view, is := v["view"].(map[string]any); is && view["id"] == nil {
			c.view(view)
		}
	}
	return v
}

func (c *collector) part(name string, v any) {
	o, _ := v.(map[string]any)
	if o == nil {
		return
	}
	if name == "attachments" {
		c.add("attachment", "MessageAttachment", c.apart(clone(o)))
		return
	}
	kind, _ := o["type"].(string)
	c.add("block "+kind, fmt.Sprintf("Block<%q>", kind), o)
}

// view is one that Tocsin sends.
func (c *collector) view(v map[string]any) {
	kind, _ := v["type"].(string)
	name, known := map[string]string{"modal": "ModalView", "home": "HomeView"}[kind]
	if !known {
		name = "never"
	}
	c.add("view "+kind, name, v)
}

func clone(v map[string]any) map[string]any {
	var out map[string]any
	_ = json.Unmarshal([]byte(literal(v)), &out) // of what was read from JSON
	return out
}

func form(text []byte) map[string]any {
	out := map[string]any{}
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return out
	}
	for k, v := range values {
		out[k] = v[0]
	}
	return out
}
