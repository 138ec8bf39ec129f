package page

import (
	"fmt"
	"net/http"
	"time"
)

const (
	settleTime = 40 * time.Millisecond // a burst of changes is told once
	pulseTime  = 15 * time.Second      // keeps the stream alive and finds dead tabs
)

// stream says which part of the sandbox changed, as Server-Sent Events named
// "changed" with the part's name as data. What changed is fetched by the page.
func (s *site) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	// A server's write time-out is meant for answers that end.
	_ = out.SetWriteDeadline(time.Time{})
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil || out.Flush() != nil {
		return
	}
	chat, stopChat := s.Slack.Subscribe()
	defer stopChat()
	var pages, issues <-chan struct{}
	if s.PagerDuty != nil {
		c, stop := s.PagerDuty.Subscribe()
		defer stop()
		pages = c
	}
	if s.GitHub != nil {
		c, stop := s.GitHub.Subscribe()
		defer stop()
		issues = c
	}
	pulse := time.NewTicker(pulseTime)
	defer pulse.Stop()
	for {
		line := ": pulse\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-chat:
			line = changed("slack")
		case <-pages:
			line = changed("pagerduty")
		case <-issues:
			line = changed("github")
		case <-pulse.C:
			line += changed("clock") + changed("faults")
		}
		if _, err := fmt.Fprint(w, line); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-time.After(settleTime):
		case <-r.Context().Done():
			return
		}
	}
}

func changed(part string) string { return "event: changed\ndata: " + part + "\n\n" }
