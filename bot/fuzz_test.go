package bot

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack/socketmode"

	"github.com/tocsin-ir/tocsin/templates"
)

// Whatever a header says, only the secret opens the door.
func FuzzSignature(f *testing.F) {
	good := signature("s3cret", "text=status", noon)
	f.Add(good.Get("X-Slack-Request-Timestamp"), good.Get("X-Slack-Signature"), "text=status")
	f.Add("", "v0=", "")
	f.Add("-9223372036854775808", "v0=00", "x")
	f.Fuzz(func(t *testing.T, stamp, sum, body string) {
		h := http.Header{"X-Slack-Request-Timestamp": {stamp}, "X-Slack-Signature": {sum}}
		if verify(h, []byte(body), "another secret, which nobody told the fuzzer", noon) == nil {
			t.Errorf("%q signed %q", sum, body)
		}
	})
}

// A command as it comes over HTTP, down to words that can be read or refused.
func FuzzCommand(f *testing.F) {
	f.Add("command=%2Fincident&text=declare+p1+%3C%21channel%3E+type:phishing&response_url=https://hooks.slack.com/x")
	f.Add("text=%00%ff&response_url=%2f%2f@evil.example")
	f.Add("text=" + strings.Repeat("%3C@U1%7Cx%3E", 900))
	f.Fuzz(func(t *testing.T, body string) {
		v, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		s := &Slack{c: Config{API: "https://slack.com/api/"}}
		if to := v.Get("response_url"); s.answerable(to) {
			if u, err := url.Parse(to); err != nil || !strings.EqualFold(u.Host, "slack.com") && !strings.EqualFold(u.Host, "hooks.slack.com") {
				t.Errorf("an answer would go to %q", to)
			}
		}
		_, _ = read(v.Get("text"), true, noon, time.UTC)
	})
}

// A form comes back with metadata and fields of any shape.
func FuzzForm(f *testing.F) {
	f.Add(`{"f":"update","s":"INC-0001","m":{"channel":"C1"}}`, `{"text":{"v":{"value":"x"}}}`)
	f.Add(`[]`, `{"a":{"v":{"selected_options":[{"value":"x"},null]}}}`)
	f.Fuzz(func(_ *testing.T, metadata, fields string) {
		var m meta
		_ = json.Unmarshal([]byte(metadata), &m)
		var state map[string]map[string]value
		if json.Unmarshal([]byte(fields), &state) != nil {
			return
		}
		v := values{}
		for block, actions := range state {
			v[block] = actions["v"]
			_ = v.text(block) + v.chosen(block)
			_ = v.ticked(block, "x")
		}
		submissionID(interaction{View: modal{ID: m.Form}}, v)
	})
}

// An envelope that the library cannot read is read here, or left alone.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"type":"slash_commands","envelope_id":"e","payload":{"text":"ack"}}`))
	f.Add([]byte(`{"envelope_id":1}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		got, ok := envelope(socketmode.Event{Data: &socketmode.ErrorBadMessage{Message: message}})
		if ok && got.EnvelopeID == "" {
			t.Error("an envelope without an id was taken")
		}
		var in slashIn
		_ = json.Unmarshal(got.Payload, &in)
	})
}

// What people typed is read as they saw it, and never becomes live again.
func FuzzMarkup(f *testing.F) {
	f.Add("<!channel> <@U1|bob> <http://evil.example|good.example> &lt;!here&gt; <#C1|x> <mailto:a@b|c>")
	f.Add("<<@U1>> <!subteam^S1> <!date^1^{date}|x>")
	f.Fuzz(func(t *testing.T, text string) {
		read := unmark(text, map[string]string{})
		refang(read)
		if again := templates.Plain(read); strings.ContainsAny(again, "<>") {
			t.Errorf("live: %q", again)
		}
	})
}
