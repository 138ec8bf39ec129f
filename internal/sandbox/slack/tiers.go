package slack

import (
	"math"
	"time"
)

// Slack's tiers, in calls per minute, method and workspace. Slack promises "at least"
// these; the sandbox gives exactly them, with a burst of a minute's worth.
// https://docs.slack.dev/apis/web-api/rate-limits
func perMinute(tier int) float64 {
	switch tier {
	case 1:
		return 1
	case 2:
		return 20
	case 3:
		return 50
	default:
		return 100
	}
}

// chat.postMessage has its own rule: about one a second per channel with short
// bursts, and several hundred a minute in the workspace. Slack names no burst;
// ours are these.
const (
	postBurst      = 5
	postsPerMinute = 300
)

// bucket is a token bucket that follows the workspace's clock.
type bucket struct {
	tokens float64
	at     time.Time
}

// throttle takes a token for the call, or says in how many seconds there is one.
func (s *Server) throttle(m Method, args obj) (wait int) {
	if !s.limits {
		return 0
	}
	if m.Name != "chat.postMessage" {
		n := perMinute(m.Tier)
		return s.take(m.Name, n, n/60)
	}
	if wait = s.take(m.Name, postsPerMinute, postsPerMinute/60); wait > 0 {
		return wait
	}
	where, _ := args["channel"].(string)
	return s.take(m.Name+" "+where, postBurst, 1)
}

// take draws from the bucket of that name, which holds at most burst tokens and
// gains rate a second.
func (s *Server) take(name string, burst, rate float64) (wait int) {
	now := s.clock.Now()
	b := s.buckets[name]
	if b == nil {
		clip(s.buckets, func(b *bucket) time.Time { return b.at })
		b = &bucket{tokens: burst, at: now}
		s.buckets[name] = b
	}
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*rate)
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return max(1, int(math.Ceil((1-b.tokens)/rate)))
}
