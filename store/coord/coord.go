// Package coord is what several replicas share for speed: waking each other when
// there is work, one budget per vendor method, and who leads the scheduled sweeps.
//
// Nothing here is truth. Local does it within one process; Redis does it between
// replicas and goes on as Local, within a quarter of a second, when Redis is away, and
// comes back by itself. What then suffers is speed: a wake-up is replaced by the
// runner's own look at the queue, a budget holds per replica (the vendor's 429 is the
// last word), and every replica may believe that it leads, so whatever a leader asks
// must be a command with a deterministic id, such as the schedule's name and minute.
package coord

import (
	"context"
	"errors"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Clock is the time that budgets and leases are counted in.
type Clock interface{ Now() time.Time }

// Wake tells those who wait for work that there is some.
type Wake interface {
	// Publish wakes everybody who listens to topic, in every replica. It never blocks
	// for long and its loss is harmless.
	Publish(ctx context.Context, topic string)
	// Listen gives a channel that receives when topic was published to; several at once
	// are one. It is closed when ctx ends.
	Listen(ctx context.Context, topic string) <-chan struct{}
}

// Rate is what a vendor allows for one method: N in Per, with up to Burst at once.
type Rate struct {
	Per   time.Duration
	N     int
	Burst int // 0 takes N
}

// Budget is a token bucket for each key, a vendor's method with its account.
type Budget interface {
	// Take takes one token. A wait of 0 means it is taken; any other means that it is
	// not, and how long it is before asking again can succeed. A page never waits for
	// chatter: the last quarter of a burst (of a burst of one, the next token) is kept
	// for RankPage.
	Take(ctx context.Context, key string, r Rate, rank incident.Rank) (wait time.Duration, err error)
	// Penalise says that the vendor answered 429 with this Retry-After: nobody gets a
	// token of key before that.
	Penalise(ctx context.Context, key string, wait time.Duration) error
}

// Lease says who leads.
type Lease interface {
	// Hold takes the lease of a name, or renews it, for ttl. ok is false while another
	// holds it.
	Hold(ctx context.Context, name string, ttl time.Duration) (ok bool, err error)
	// Fence is a number that grew each time the lease changed hands, as of the last Hold
	// here that was ok; 0 when this one does not hold it. It tells a former leader's
	// late work from the present one's as long as Redis remembers.
	Fence(name string) int64
	// Release gives the lease back early.
	Release(ctx context.Context, name string) error
}

// Coordinator is all three.
type Coordinator interface {
	Wake
	Budget
	Lease
	Close() error
}

var errRate = errors.New("a rate needs a positive number and period")

// bucket is the rate as numbers: tokens come at perMS per millisecond up to size.
type bucket struct {
	perMS float64
	size  float64
	need  float64 // tokens that must be there for this rank to take one
}

func (r Rate) bucket(rank incident.Rank) (bucket, error) {
	ms := float64(r.Per) / float64(time.Millisecond)
	if r.N <= 0 || ms <= 0 || r.Burst < 0 {
		return bucket{}, errRate
	}
	size := r.Burst
	if size == 0 {
		size = r.N
	}
	b := bucket{perMS: float64(r.N) / ms, size: float64(size), need: 1}
	switch {
	case rank != incident.RankPage && size > 1:
		b.need += float64(max(1, size/4))
	case rank == incident.RankPage && size == 1:
		b.need = 0 // borrows the next one
	}
	return b, nil
}
