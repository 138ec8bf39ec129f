package bot

import (
	"context"
	"sync"
)

// underway counts what is being answered. Unlike a WaitGroup it may grow while
// somebody waits for it: Slack does not know that we are closing.
type underway struct {
	mu   sync.Mutex
	n    int
	none []chan struct{} // closed when n is back at zero
}

func (u *underway) run(f func()) {
	u.mu.Lock()
	u.n++
	u.mu.Unlock()
	go func() {
		defer u.end()
		f()
	}()
}

func (u *underway) any() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.n > 0
}

func (u *underway) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.n--; u.n > 0 {
		return
	}
	for _, c := range u.none {
		close(c)
	}
	u.none = nil
}

// wait returns when nothing is under way, or when ctx ends.
func (u *underway) wait(ctx context.Context) {
	u.mu.Lock()
	if u.n == 0 {
		u.mu.Unlock()
		return
	}
	done := make(chan struct{})
	u.none = append(u.none, done)
	u.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
