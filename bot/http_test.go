package bot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

func signature(secret, body string, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", stamp)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return h
}

func TestOnlySlackIsBelieved(t *testing.T) {
	t.Parallel()
	body := "command=%2Fincident&text=status"
	bare := http.Header{}
	forged := signature("another secret", body, noon)
	cut := signature("s3cret", body, noon)
	cut.Set("X-Slack-Signature", cut.Get("X-Slack-Signature")[:20])
	moved := signature("s3cret", body, noon)
	moved.Set("X-Slack-Request-Timestamp", strconv.FormatInt(noon.Unix()+1, 10))
	for name, c := range map[string]struct {
		h      http.Header
		secret Secret
		body   string
		ok     bool
	}{
		"genuine":           {signature("s3cret", body, noon), "s3cret", body, true},
		"four minutes old":  {signature("s3cret", body, noon.Add(-4*time.Minute)), "s3cret", body, true},
		"six minutes old":   {signature("s3cret", body, noon.Add(-6*time.Minute)), "s3cret", body, false},
		"from the future":   {signature("s3cret", body, noon.Add(6*time.Minute)), "s3cret", body, false},
		"forged":            {forged, "s3cret", body, false},
		"cut":               {cut, "s3cret", body, false},
		"time stamp moved":  {moved, "s3cret", body, false},
		"another body":      {signature("s3cret", body, noon), "s3cret", body + "x", false},
		"no signature":      {bare, "s3cret", body, false},
		"no secret is kept": {signature("", body, noon), "", body, false},
	} {
		if err := verify(c.h, []byte(c.body), c.secret, noon); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	c := Config{BotToken: "xoxb-very-secret"}
	j, err := json.Marshal(map[string]any{"t": c.BotToken})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(c.BotToken), fmt.Sprintf("%+v %#v %s %q", c.BotToken, c.BotToken, c.BotToken, c.BotToken), string(j), c.BotToken.LogValue().String()} {
		if len(s) == 0 || containsSecret(s) {
			t.Errorf("printed %q", s)
		}
	}
}

func containsSecret(s string) bool {
	for i := 0; i+6 <= len(s); i++ {
		if s[i:i+6] == "xoxb-v" {
			return true
		}
	}
	return false
}

func FuzzInteraction(f *testing.F) {
	f.Add(`{"type":"block_actions","actions":[{"action_id":"do-1","value":"{\"w\":\"ack\"}"}],"message":{"blocks":[{"type":"new_thing"}]}}`)
	f.Add(`{"type":"view_submission","view":{"state":{"values":{"a":{"v":{"selected_option":null}}}}}}`)
	f.Add(`{"event":{"channel":{"id":"C1"}}}`)
	f.Fuzz(func(_ *testing.T, body string) {
		var in interaction
		if json.Unmarshal([]byte(body), &in) == nil {
			without(in.Message.Blocks, "act-1", "x")
			for _, c := range in.Actions {
				var p pressed
				_ = json.Unmarshal([]byte(c.Value), &p)
			}
		}
		var e eventIn
		_ = json.Unmarshal([]byte(body), &e)
		addressed(e.Event.Text, "U1")
	})
}
