package fault

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestARuleStrikesAsOftenAsItSays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	s := New(func() time.Time { return now })
	s.Add(Rule{Vendor: "slack", Method: "chat.*", Kind: RateLimit, Times: 2})
	down := s.Add(Rule{Vendor: "github", Kind: Down, Until: now.Add(time.Minute)})
	for n, want := range []bool{true, true, false} {
		if _, got := s.Match("slack", "chat.postMessage"); got != want {
			t.Errorf("call %d: struck %v", n+1, got)
		}
	}
	if _, struck := s.Match("slack", "pins.add"); struck {
		t.Error("another method was struck")
	}
	if _, struck := s.Match("github", "POST /repos/a/b/issues"); !struck {
		t.Error("github is not down")
	}
	now = now.Add(time.Minute)
	if len(s.List()) != 0 {
		t.Errorf("still in force: %+v", s.List())
	}
	s.Remove(down)
	s.Add(Rule{Kind: Latency, Share: 0.5})
	hits := 0
	for range 1000 {
		if _, struck := s.Match("pagerduty", "POST /incidents"); struck {
			hits++
		}
	}
	if hits < 350 || hits > 650 {
		t.Errorf("half of the calls were %d of 1000", hits)
	}
	s.Clear()
	if _, struck := s.Match("slack", "x"); struck {
		t.Error("struck after Clear")
	}
}

func TestWrapCarriesTheFaultOut(t *testing.T) {
	t.Parallel()
	s := New(nil)
	var worked atomic.Int32
	srv := httptest.NewServer(s.Wrap("pagerduty", func(r *http.Request) string { return r.Method + " " + r.URL.Path },
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { worked.Add(1); w.WriteHeader(http.StatusAccepted) })))
	defer srv.Close()
	for _, c := range []struct {
		rule   Rule
		status int // 0: no answer
		works  int
	}{
		{Rule{Kind: RateLimit, RetryAfter: 1500 * time.Millisecond}, 429, 0},
		{Rule{Kind: ServerError, Status: 502}, 502, 0},
		{Rule{Kind: Down}, 503, 0},
		{Rule{Kind: Drop}, 0, 0},
		{Rule{Kind: Ambiguous}, 0, 1},
		{Rule{Kind: Latency, Delay: time.Millisecond}, 202, 1},
	} {
		s.Clear()
		c.rule.Vendor, c.rule.Method = "pagerduty", "POST /*/enqueue"
		s.Add(c.rule)
		worked.Store(0)
		resp, err := http.Post(srv.URL+"/v2/enqueue", "application/json", nil)
		status := 0
		if err == nil {
			status = resp.StatusCode
			if status == 429 && resp.Header.Get("Retry-After") != "2" {
				t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
			}
			_ = resp.Body.Close()
		}
		if status != c.status || int(worked.Load()) != c.works {
			t.Errorf("%s: status %d, worked %d times", c.rule.Kind, status, worked.Load())
		}
	}
}

func TestRulesTravelAsJSON(t *testing.T) {
	t.Parallel()
	in := Rule{Vendor: "slack", Method: "*", Kind: Latency, Delay: 2 * time.Second, RetryAfter: time.Minute, Times: 3, Share: 0.25}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Rule
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Fatalf("%s became %+v, %v", b, out, err)
	}
	for _, bad := range []string{`{"kind":"meltdown"}`, `{"kind":"latency","delay":"-2s"}`, `{"kind":"latency","delay":"soon"}`} {
		if json.Unmarshal([]byte(bad), &out) == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
