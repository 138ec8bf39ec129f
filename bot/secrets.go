package bot

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/tocsin-ir/tocsin/incident"
)

// secretsIn searches what somebody typed: every text of a command, whatever its field
// is called, so that a command added later is searched too.
func (r *Room) secretsIn(c incident.Command) []incident.FoundSecret {
	if r.Secrets == nil {
		return nil
	}
	count := map[string]int{}
	for _, text := range wordsIn(reflect.ValueOf(c), nil) {
		for _, f := range r.Secrets.Find(text) {
			count[f.Kind] += f.Count
		}
	}
	var found []incident.FoundSecret
	for kind, n := range count {
		found = append(found, incident.FoundSecret{Kind: kind, Count: n})
	}
	return found
}

// wordsIn collects plain strings; named ones are ids, and people and references to
// messages are no words of the asker's.
func wordsIn(v reflect.Value, into []string) []string {
	switch v.Type() {
	case reflect.TypeFor[incident.Person](), reflect.TypeFor[incident.MessageRef]():
		return into
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return wordsIn(v.Elem(), into)
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() && v.Len() > 0 {
			return append(into, v.String())
		}
	case reflect.Slice:
		for i := range v.Len() {
			into = wordsIn(v.Index(i), into)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				into = wordsIn(v.Field(i), into)
			}
		}
	}
	return into
}

// wrote is a message as it reads now, whether it is new or edited.
type wrote struct {
	User  string `json:"user"`
	BotID string `json:"bot_id"`
	Text  string `json:"text"`
	TS    string `json:"ts"`
}

// posted is the message that an event tells of; ok is false for any other event.
// https://docs.slack.dev/reference/events/message/message_changed
func (e eventBody) posted() (m wrote, ok bool) {
	if e.Type != "message" {
		return m, false
	}
	switch e.Subtype {
	case "", "file_share", "thread_broadcast", "bot_message", "me_message":
		return wrote{e.User, e.BotID, e.Text, e.TS}, true
	case "message_changed":
		var in struct {
			Message wrote `json:"message"`
		}
		if json.Unmarshal(e.raw, &in) != nil {
			return m, false
		}
		return in.Message, true
	}
	return m, false
}

// warnOfSecrets has a message of a room searched, and tells the rules what looks like
// a secret in it. Files are not opened.
func (s *Slack) warnOfSecrets(ctx context.Context, e eventBody, id incident.CommandID) error {
	m, ok := e.posted()
	if !ok || m.Text == "" || s.c.Room.Secrets == nil {
		return nil
	}
	stream, ours, err := s.c.Room.Reader.ByClaim(ctx, "slack:"+string(e.Channel))
	if err != nil || !ours {
		return err
	}
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	if m.User == me.User || m.BotID != "" && m.BotID == me.Bot {
		return nil // what we repeat was warned of where it came in
	}
	found := s.c.Room.Secrets.Find(unmark(m.Text, map[string]string{}))
	if len(found) == 0 {
		return nil
	}
	var author incident.Person
	if m.User != "" && m.BotID == "" {
		if author, err = s.person(ctx, m.User); err != nil {
			if _, refused := asRefusal(err); !refused {
				return err
			}
			author = incident.Person{ID: incident.PersonID(m.User), Slack: m.User}
		}
	}
	return s.asked(ctx, stream, id+"#secret", incident.Vendor("slack"), incident.SecretFound{
		Ref:    incident.MessageRef{Channel: string(e.Channel), TS: m.TS, Permalink: permalink(me, string(e.Channel), m.TS)},
		Author: author, Found: found,
	})
}
