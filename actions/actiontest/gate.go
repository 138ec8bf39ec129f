package actiontest

import (
	"net/http"
	"sync"
)

// Gate is the front of an honest server: it answers as Fail was told, keeps nothing
// once Lie was called, and counts what really changed. A World is made by embedding it
// and asking Stops before anything else. The zero value lets everything through.
type Gate struct {
	// Refuse writes the vendor's answer with this status; nil writes the status alone.
	Refuse func(w http.ResponseWriter, status int)

	// mu guards everything that follows.
	mu           sync.Mutex
	changes      int
	lying        bool
	status, left int
	writes       bool
}

// Changes counts what became different.
func (g *Gate) Changes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changes
}

// Lie accepts writes from now on and keeps nothing.
func (g *Gate) Lie() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lying = true
}

// Fail answers the next n requests with the status, n < 0: all; writes: only those that
// would change something.
func (g *Gate) Fail(status, n int, writes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status, g.left, g.writes = status, n, writes
}

// Stops answers the request when it is to fail. write says that it would change something.
func (g *Gate) Stops(w http.ResponseWriter, write bool) bool {
	g.mu.Lock()
	stop := g.left != 0 && g.status != 0 && (write || !g.writes)
	status := g.status
	if stop && g.left > 0 {
		g.left--
	}
	g.mu.Unlock()
	if !stop {
		return false
	}
	if g.Refuse == nil {
		w.WriteHeader(status)
		return true
	}
	g.Refuse(w, status)
	return true
}

// Lies reports whether Lie was called, for what a vendor notes down without changing anything.
func (g *Gate) Lies() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lying
}

// Keeps reports whether a change is to be kept, and counts it when it is.
func (g *Gate) Keeps() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.lying {
		g.changes++
	}
	return !g.lying
}
