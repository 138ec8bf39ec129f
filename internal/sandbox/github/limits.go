package github

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of the REST API for one user or installation.
const (
	primaryPerHour   = 5000
	anonymousPerHour = 60
	searchPerMinute  = 30
	createPerMinute  = 80  // content-creating requests
	createPerHour    = 500 // content-creating requests
	pointsPerMinute  = 900 // a read costs 1, a write 5
	maxConcurrent    = 100

	secondaryMessage = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	secondaryDocs    = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	primaryDocs      = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
)

type window struct {
	start time.Time
	used  int
}

// spend takes n out of a budget that is renewed every so often.
func (s *Server) spend(key string, n, limit int, every time.Duration) (*window, bool) {
	now := s.clock.Now()
	w := s.windows[key]
	if w == nil || now.Sub(w.start) >= every {
		w = &window{start: now}
		s.windows[key] = w
	}
	if w.used+n > limit {
		return w, false
	}
	w.used += n
	return w, true
}

func (c *call) who() string {
	if c.install != nil {
		return "installation " + strconv.FormatInt(c.install.of.ID, 10)
	}
	if c.app {
		return "app"
	}
	return "user " + c.login
}

// limit spends from the budgets and writes the x-ratelimit headers.
func (s *Server) limit(c *call, e *endpoint) *refusal {
	resource, limit, every := "core", primaryPerHour, time.Hour
	if c.login == "" && c.install == nil && !c.app {
		limit = anonymousPerHour
	}
	if e != nil && strings.HasPrefix(e.name, "GET /search/") {
		resource, limit, every = "search", searchPerMinute, time.Minute
	}
	win, ok := s.spend(resource+" "+c.who(), 1, limit, every)
	h := c.header
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Used", strconv.Itoa(win.used))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(limit-win.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(win.start.Add(every).Unix(), 10))
	h.Set("X-RateLimit-Resource", resource)
	if !ok {
		return &refusal{status: http.StatusForbidden, message: "API rate limit exceeded for " + c.who() + ".", docs: primaryDocs}
	}
	return s.limitSecondary(c, e)
}

func (s *Server) limitSecondary(c *call, e *endpoint) *refusal {
	points := 1
	if c.Method != http.MethodGet {
		points = 5
	}
	if win, ok := s.spend("points "+c.who(), points, pointsPerMinute, time.Minute); !ok {
		return s.slower(c, win, time.Minute)
	}
	if e == nil || !e.creates {
		return nil
	}
	if win, ok := s.spend("minute "+c.who(), 1, createPerMinute, time.Minute); !ok {
		return s.slower(c, win, time.Minute)
	}
	if win, ok := s.spend("hour "+c.who(), 1, createPerHour, time.Hour); !ok {
		return s.slower(c, win, time.Hour)
	}
	return nil
}

func (s *Server) slower(c *call, win *window, every time.Duration) *refusal {
	left := win.start.Add(every).Sub(s.clock.Now())
	c.header.Set("Retry-After", strconv.Itoa(max(1, int(left.Seconds()+0.999))))
	return &refusal{status: http.StatusForbidden, message: secondaryMessage, docs: secondaryDocs}
}

func tooFast(w http.ResponseWriter, seconds int) *refusal {
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return &refusal{status: http.StatusForbidden, message: secondaryMessage, docs: secondaryDocs}
}
