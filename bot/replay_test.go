package bot

import (
	"fmt"
	"testing"
	"time"
)

func TestACaughtRequestIsKnownForAsLongAsItsSignatureIsGood(t *testing.T) {
	t.Parallel()
	var c caught
	if c.again("v0=a", noon) || !c.again("v0=a", noon.Add(time.Second)) || !c.again("v0=a", noon.Add(2*maxAge-time.Second)) {
		t.Error("a replay was taken for news, or news for a replay")
	}
	if c.again("v0=b", noon) {
		t.Error("another request was taken for a replay")
	}
	c.forget("v0=b")
	if c.again("v0=b", noon) {
		t.Error("a request that could not be taken may not come again")
	}
	for i := range 2*maxCaught + 10 {
		c.again(fmt.Sprint(i), noon)
	}
	if len(c.seen) > maxCaught {
		t.Errorf("%d signatures are kept", len(c.seen))
	}
}

func TestAnswersGoToSlackOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		api, to string
		ok      bool
	}{
		{"", "https://hooks.slack.com/commands/T1/1/x", true},
		{"https://slack.com/api/", "https://hooks.slack.com/actions/T1/1/x", true},
		{"https://slack.com/api/", "https://HOOKS.slack.com/actions/T1/1/x", true},
		{"https://slack-gov.com/api/", "https://hooks.slack-gov.com/actions/T1/1/x", true},
		{"http://127.0.0.1:7000/api/", "http://127.0.0.1:7000/response/x", true},
		{"https://slack.com/api/", "http://hooks.slack.com/x", false},
		{"https://slack.com/api/", "https://hooks.slack.com.evil.example/x", false},
		{"https://slack.com/api/", "https://hooks.slack.com@evil.example/x", false},
		{"https://slack.com/api/", "https://evil.example/hooks.slack.com", false},
		{"https://slack.com/api/", "https://user:pass@hooks.slack.com/x", false},
		{"https://slack.com/api/", "https://hooks.slack.com:8443/x", false},
		{"https://slack.com/api/", "https://169.254.169.254/latest/meta-data", false},
		{"https://slack.com/api/", "file:///etc/passwd", false},
		{"https://slack.com/api/", "//hooks.slack.com/x", false},
		{"https://slack.com/api/", "", false},
		{"http://127.0.0.1:7000/api/", "http://127.0.0.1:7001/response/x", false},
	} {
		s := &Slack{c: Config{API: c.api}}
		if got := s.answerable(c.to); got != c.ok {
			t.Errorf("with the Web API at %q, %q: %v", c.api, c.to, got)
		}
	}
}
