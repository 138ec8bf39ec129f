package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
)

// readiness answers whether this replica can take on work: whether what people and
// vendors tell it can be written down. A vendor that is down, or Redis, changes
// nothing about that: commands are taken, and what is owed waits.
type readiness struct {
	check func(context.Context) error
	log   *slog.Logger

	// mu guards everything that follows.
	mu    sync.Mutex
	at    time.Time
	found error
}

// The check writes to the database, so that whoever may ask, however often, makes it do
// so once in a while only.
const (
	readyEvery = time.Second
	readyMost  = 2500 * time.Millisecond
)

func (r *readiness) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	err := r.look(q.Context())
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, engine.ErrBusy):
		http.Error(w, "the database is held by another process: nothing can be written down", http.StatusServiceUnavailable)
	default:
		http.Error(w, "the database does not take what is written; the log says why", http.StatusServiceUnavailable)
	}
}

func (r *readiness) look(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < readyEvery {
		return r.found
	}
	// Whoever asks may go away; the next one wants the answer all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyMost)
	defer cancel()
	was := r.found
	r.found = r.check(ctx)
	r.at = time.Now()
	switch {
	case r.found != nil && was == nil:
		r.log.Error("not ready", "error", r.found)
	case r.found == nil && was != nil:
		r.log.Info("ready again")
	}
	return r.found
}
