package app

import (
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/store/coord"
)

// line has those who wait for the same budget ask again one after the other. Told the
// same time, five hundred rooms that want their summary shown would all ask again at
// that moment, and one of them would get what they ask for.
type line struct {
	// mu guards last.
	mu   sync.Mutex
	last map[string]time.Time // by budget: when the last of the line asks again
}

// lineMost is how much later than the first at most anybody asks again: places in the
// line are not kept, and whoever comes new may be faster.
const lineMost = 10 * time.Second

// after is how long to wait for a budget that says how soon one token may be had.
func (l *line) after(key string, r coord.Rate, wait time.Duration, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || len(l.last) > 1000 { // those of the past are worth nothing
		l.last = map[string]time.Time{}
	}
	first := now.Add(wait)
	mine := l.last[key].Add(r.Per / time.Duration(max(1, r.N)))
	if mine.Before(first) {
		mine = first
	}
	if most := first.Add(lineMost); mine.After(most) {
		mine = most
	}
	l.last[key] = mine
	return mine.Sub(now)
}
