package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

type finder struct{}

func (finder) Find(text string) []incident.FoundSecret {
	if n := strings.Count(text, "hunter2"); n > 0 {
		return []incident.FoundSecret{{Kind: "password", Count: n}}
	}
	return nil
}

func TestEveryTextOfACommandIsSearched(t *testing.T) {
	r := &Room{Secrets: finder{}}
	bob := incident.Person{ID: "hunter2", Name: incident.Seal("hunter2")}
	due := time.Unix(0, 0)
	for _, c := range []incident.Command{
		incident.AddNote{Text: "it is hunter2"}, incident.Declare{Title: "hunter2", Exclude: []incident.Person{bob}},
		incident.Declare{Title: "x", Assets: []string{"web-3", "hunter2"}}, incident.Declare{Title: "x", FromText: "hunter2"},
		incident.SetSeverity{Severity: incident.P1, Reason: "hunter2"}, incident.MarkScope{Name: "hunter2"}, incident.MarkScope{Note: "hunter2"},
		incident.AddTask{Text: "hunter2", Owner: &bob, Due: due}, incident.Resolve{Text: "hunter2"}, incident.Close{Waive: "hunter2"},
		incident.EditPostMortem{Section: "impact", Text: "hunter2"}, incident.AddItem{Text: "hunter2", Owner: &bob}, incident.EditEntry{Text: "hunter2"},
		incident.Distrust{Kind: "slack", Why: "hunter2"}, incident.KeepMessage{Text: "hunter2", Author: bob},
	} {
		if got := r.secretsIn(c); len(got) != 1 || got[0].Count != 1 {
			t.Errorf("%+v: %v", c, got)
		}
	}
	// Neither people nor ids are words.
	for _, c := range []incident.Command{
		incident.Exclude{Person: bob}, incident.MergeInto{Into: "hunter2"}, incident.AcceptRole{Role: "hunter2"}, incident.ChangeTask{N: 1, Owner: &bob, Due: &due},
		incident.KeepMessage{Ref: incident.MessageRef{Channel: "hunter2", TS: "hunter2", Permalink: "hunter2"}, Text: "x"}, incident.Heard{},
	} {
		if got := r.secretsIn(c); len(got) != 0 {
			t.Errorf("%T: %v", c, got)
		}
	}
	if got := (&Room{}).secretsIn(incident.AddNote{Text: "hunter2"}); got != nil {
		t.Error("nobody searches, and something was found")
	}
}

func TestWhichMessagesAreSearched(t *testing.T) {
	for raw, want := range map[string]string{
		`{"type":"message","user":"U1","text":"a","ts":"1.1"}`:                                                                           "a",
		`{"type":"message","subtype":"file_share","user":"U1","text":"b","ts":"1.1"}`:                                                    "b",
		`{"type":"message","subtype":"bot_message","bot_id":"B1","text":"c","ts":"1.1"}`:                                                 "c",
		`{"type":"message","subtype":"message_changed","message":{"user":"U1","text":"d","ts":"1.1"},"previous_message":{"text":"old"}}`: "d",
		`{"type":"message","subtype":"message_changed","message":"?"}`:                                                                   "",
		`{"type":"message","subtype":"message_deleted","previous_message":{"text":"old"}}`:                                               "",
		`{"type":"message","subtype":"channel_join","user":"U1","text":"joined"}`:                                                        "",
		`{"type":"app_mention","user":"U1","text":"e"}`:                                                                                  "",
	} {
		var e eventBody
		if err := e.UnmarshalJSON([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		if m, ok := e.posted(); ok != (want != "") || m.Text != want {
			t.Errorf("%s: %q %v", raw, m.Text, ok)
		}
	}
}
