// Package watch tells whoever subscribed that something changed at a vendor.
package watch

import "sync"

// Set are those who want to know. The zero value has none. It calls nobody and waits for
// nobody, so that a server may hold its own lock meanwhile.
type Set struct {
	// mu guards everything that follows.
	mu    sync.Mutex
	chans map[chan struct{}]struct{}
}

// Subscribe returns a channel that gets a token when something changed; several changes
// may arrive as one. Call stop when done; the channel is not closed.
func (s *Set) Subscribe() (changes <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chans == nil {
		s.chans = map[chan struct{}]struct{}{}
	}
	s.chans[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.chans, c)
	}
}

// Tell tells everybody that something changed.
func (s *Set) Tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.chans {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
