package bot

import (
	"sync"
	"time"
)

// maxCaught bounds what is remembered of signatures; only requests of Slack's own get
// that far.
const maxCaught = 20_000

// caught remembers the signed requests that were answered, for as long as their
// signatures are good. Slack sends a command or a click once: whoever sends the same
// bytes again caught them on the way, and would otherwise read the answer. Each
// replica has a memory of its own.
type caught struct {
	mu   sync.Mutex
	seen map[string]time.Time // by signature: until when it is good
}

// again reports whether a request with this signature was taken before.
func (c *caught) again(signature string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.seen[signature]) {
		return true
	}
	if len(c.seen) >= maxCaught {
		for s, until := range c.seen {
			if now.After(until) {
				delete(c.seen, s)
			}
		}
	}
	if len(c.seen) >= maxCaught || c.seen == nil {
		c.seen = map[string]time.Time{} // rather take a replay, which changes nothing, than run full
	}
	c.seen[signature] = now.Add(2 * maxAge)
	return false
}

// forget lets a request come again that could not be taken.
func (c *caught) forget(signature string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, signature)
}
