package pagerduty

import "time"

// Hasten shortens the waits of a Pager for tests that walk many failures.
func Hasten(p *Pager) {
	p.wait = waits{try: time.Second, onCall: 500 * time.Millisecond, find: 5 * time.Millisecond, pause: time.Millisecond}
}
