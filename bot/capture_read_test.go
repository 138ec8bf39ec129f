package bot

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

func linesOf(t *testing.T, text string) []incident.Captured {
	t.Helper()
	e := roomEvent{id: "Ev1", at: time.Unix(1700000009, 0).UTC()}
	if err := lenient(json.Unmarshal([]byte(text), &e)); err != nil {
		t.Fatal(err)
	}
	if e.where() == "" {
		return nil
	}
	return e.lines()
}

// Each event as Slack's documentation shows it, and what is written down of it.
func TestWhatEventsTell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ event, want string }{
		"a bot that speaks in attachments": {
			`{"type":"message","subtype":"bot_message","channel":"C1","ts":"1700000000.000100","bot_id":"B9","text":"","attachments":[{"text":"disk full"}]}`,
			`message 1700000000.000100 B9 "[{\"text\":\"disk full\"}]" was "" key "said:1700000000.000100"`,
		},
		"a file": {
			`{"type":"message","subtype":"file_share","channel":"C1","ts":"1700000000.000100","user":"U1","text":"see","files":[{"id":"F1","name":"a.pcap","mimetype":"application/pcap","size":12}]}`,
			`message 1700000000.000100 U1 "see" was "" key "said:1700000000.000100" | file 1700000000.000100 U1 {"id":"F1","name":"a.pcap","mimetype":"application/pcap","size":12} key "file:1700000000.000100:F1"`,
		},
		"an edit": {
			`{"type":"message","subtype":"message_changed","channel":"C1","ts":"1700000002.000000","event_ts":"1700000002.000000","message":{"user":"U1","text":"b","ts":"1700000000.000100","edited":{"user":"U1","ts":"1700000002.000000"}},"previous_message":{"user":"U1","text":"a","ts":"1700000000.000100"}}`,
			`late message 1700000000.000100 U1 "a" was "" key "said:1700000000.000100" | edited 1700000000.000100 U1 "b" was "a" key "edited:1700000000.000100:1700000002.000000"`,
		},
		"an edit of an edit": {
			`{"type":"message","subtype":"message_changed","channel":"C1","event_ts":"1700000003.000000","message":{"user":"U1","text":"c","ts":"1700000000.000100","thread_ts":"1700000000.000001","edited":{"user":"U1","ts":"1700000003.000000"}},"previous_message":{"user":"U1","text":"b","ts":"1700000000.000100","thread_ts":"1700000000.000001","edited":{"user":"U1","ts":"1700000002.000000"}}}`,
			`late edited 1700000000.000100 U1 "b" was "" key "edited:1700000000.000100:1700000002.000000" | edited 1700000000.000100 U1 "c" was "b" key "edited:1700000000.000100:1700000003.000000"`,
		},
		"an app changes its own message and nothing marks it": {
			`{"type":"message","subtype":"message_changed","channel":"C1","event_ts":"1700000002.000000","message":{"bot_id":"B9","text":"b","ts":"1700000000.000100"},"previous_message":{"bot_id":"B9","text":"a","ts":"1700000000.000100"}}`,
			`late message 1700000000.000100 B9 "a" was "" key "said:1700000000.000100" | edited 1700000000.000100 B9 "b" was "a" key "event/edited:text:1700000000.000100:1700000002.000000"`,
		},
		"the preview of a link is no edit": {
			`{"type":"message","subtype":"message_changed","channel":"C1","message":{"user":"U1","text":"http://x","ts":"1700000000.000100","attachments":[{"title":"X"}]},"previous_message":{"user":"U1","text":"http://x","ts":"1700000000.000100"}}`,
			``,
		},
		"the head of a thread is deleted": {
			`{"type":"message","subtype":"message_changed","channel":"C1","event_ts":"1700000002.000000","message":{"subtype":"tombstone","user":"USLACKBOT","text":"This message was deleted.","ts":"1700000000.000100"},"previous_message":{"user":"U1","text":"a","ts":"1700000000.000100"}}`,
			`late message 1700000000.000100 U1 "a" was "" key "said:1700000000.000100" | deleted 1700000000.000100 U1 "" was "a" key "deleted:1700000000.000100"`,
		},
		"a deletion that does not tell the text": {
			`{"type":"message","subtype":"message_deleted","channel":"C1","event_ts":"1700000002.000000","deleted_ts":"1700000000.000100"}`,
			`deleted 1700000000.000100  "" was "" key "deleted:1700000000.000100"`,
		},
		"a topic": {
			`{"type":"message","subtype":"group_topic","channel":"C1","ts":"1700000000.000100","user":"U1","topic":"now P1","text":"set the topic"}`,
			`topic 1700000000.000100 U1 "now P1" was "" key "topic:1700000000.000100"`,
		},
		"a field of another type than we know": {
			`{"type":"message","channel":"C1","ts":"1700000000.000100","user":"U1","text":"still here","topic":{"value":1}}`,
			`message 1700000000.000100 U1 "still here" was "" key "said:1700000000.000100"`,
		},
		"a reaction to a file": {`{"type":"reaction_added","user":"U1","reaction":"eyes","item":{"type":"file","file":"F1"},"event_ts":"1.0"}`, ``},
		"a pinned file":        {`{"type":"pin_added","user":"U1","channel_id":"C1","item":{"type":"file"},"event_ts":"1.0"}`, ``},
		"a message without a time": {
			`{"type":"message","channel":"C1","user":"U1","text":"?"}`, ``,
		},
		"a joining without a time": {
			`{"type":"member_joined_channel","channel":"C1","user":"U1"}`,
			`joined  U1 "" was "" key "event/joined:member:U1:Ev1"`,
		},
	} {
		var got []string
		for _, l := range linesOf(t, c.event) {
			said, _ := json.Marshal(l.Text.Text)
			was, _ := json.Marshal(l.Was.Text)
			text := string(said) + " was " + string(was)
			if l.Kind == incident.FileShared {
				text = l.File.Text
			}
			late := map[bool]string{true: "late "}[l.BackFilled]
			got = append(got, strings.Join([]string{late + string(l.Kind), l.TS, l.Author, text, `key "` + l.Name + `"`}, " "))
			if l.Occurred.Year() != 2023 {
				t.Errorf("%s: occurred %v", name, l.Occurred)
			}
		}
		if text := strings.Join(got, " | "); text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, text, c.want)
		}
	}
}

func TestTimeOf(t *testing.T) {
	t.Parallel()
	if at := timeOf("1700000000.000100"); at.UnixMicro() != 1700000000000100 {
		t.Error(at)
	}
	for _, bad := range []string{"", "x", "1.2.3", "."} {
		if at := timeOf(bad); at.Nanosecond() != 0 {
			t.Errorf("%q: %v", bad, at)
		}
	}
}
