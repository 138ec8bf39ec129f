//go:build !solo

package coord

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	// patience is how long Redis may take before we go on without it.
	patience = 200 * time.Millisecond
	// probeEvery is how often we look whether it is back.
	probeEvery = 250 * time.Millisecond

	keyPrefix = "tocsin:"
	wakeTopic = keyPrefix + "wake"
)

var errAway = errors.New("redis is away")

// shared is a Coordinator between replicas. It keeps a local one beside it, for the
// time without Redis and for those who listen in this process.
type shared struct {
	client redis.UniversalClient
	own    *local
	me     string // owner of leases taken here
	stop   context.CancelFunc
	ended  sync.WaitGroup

	down atomic.Bool

	// mu guards fences.
	mu     sync.Mutex
	fences map[string]hold
}

// Redis coordinates replicas through client, which Close leaves open. It does not
// need Redis to be there yet.
func Redis(client redis.UniversalClient, c Clock) Coordinator {
	silence.Do(func() { redis.SetLogger(nobody{}) })
	ctx, stop := context.WithCancel(context.Background())
	s := &shared{client: client, own: newLocal(c), me: rand.Text(), stop: stop, fences: map[string]hold{}}
	s.ended.Go(func() { s.relay(ctx) })
	s.ended.Go(func() { s.probe(ctx) })
	return s
}

// The client logs every failed connection by itself, several times a second while Redis
// is away. What matters of that is in the errors it returns.
var silence sync.Once

type nobody struct{}

// Printf says nothing.
func (nobody) Printf(context.Context, string, ...any) {}

// Close stops listening. The client is the caller's. A goroutine that is in the middle
// of reaching a silent Redis ends with the client's own time limit; Close does not
// wait for that.
func (s *shared) Close() error {
	s.stop()
	ended := make(chan struct{})
	go func() { s.ended.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
	}
	return nil
}

// try runs one conversation with Redis, unless it is away.
func (s *shared) try(ctx context.Context, f func(ctx context.Context) error) error {
	if s.down.Load() {
		return errAway
	}
	err := within(ctx, f)
	if err != nil && !errors.Is(err, context.Canceled) {
		s.down.Store(true)
		err = errAway
	}
	return err
}

// within waits for f no longer than patience, whatever the client's own limits are:
// those may be longer than a responder's.
func within(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // the answer came at the same moment
		return err
	default:
		return ctx.Err()
	}
}

// probe looks for Redis while it is away.
func (s *shared) probe(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !s.down.Load() {
			continue
		}
		if within(ctx, func(ctx context.Context) error { return s.client.Ping(ctx).Err() }) != nil {
			continue
		}
		s.down.Store(false)
		// Whatever was published meanwhile was missed: let everybody look once.
		for _, topic := range s.own.topics() {
			s.own.Publish(ctx, topic)
		}
	}
}

// relay hands on what other replicas publish. The subscription is renewed by the
// client whenever it breaks.
func (s *shared) relay(ctx context.Context) {
	sub := s.client.Subscribe(ctx, wakeTopic)
	defer func() { _ = sub.Close() }()
	messages := sub.Channel(redis.WithChannelHealthCheckInterval(time.Second))
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			if !ok {
				return
			}
			s.own.Publish(ctx, m.Payload)
		}
	}
}

// Publish wakes this process at once and the others through Redis, without waiting.
func (s *shared) Publish(ctx context.Context, topic string) {
	s.own.Publish(ctx, topic)
	if s.down.Load() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		_ = s.try(ctx, func(ctx context.Context) error { return s.client.Publish(ctx, wakeTopic, topic).Err() })
	}()
}

func (s *shared) Listen(ctx context.Context, topic string) <-chan struct{} {
	return s.own.Listen(ctx, topic)
}

func (s *shared) Take(ctx context.Context, key string, r Rate, rank incident.Rank) (time.Duration, error) {
	b, err := r.bucket(rank)
	if err != nil {
		return 0, err
	}
	var ms int64
	err = s.try(ctx, func(ctx context.Context) error {
		got, err := takeToken.Run(ctx, s.client, []string{keyPrefix + "budget:" + key}, s.now(), float(b.perMS), float(b.size), float(b.need)).Int64()
		ms = got
		return err
	})
	if err == nil {
		return time.Duration(ms) * time.Millisecond, nil
	}
	if ctx.Err() != nil {
		return 0, fmt.Errorf("take from budget %s: %w", key, ctx.Err())
	}
	return s.own.Take(ctx, key, r, rank)
}

// Penalise counts here too, in case Redis goes away meanwhile.
func (s *shared) Penalise(ctx context.Context, key string, wait time.Duration) error {
	_ = s.own.Penalise(ctx, key, wait) // never fails
	now := s.now()
	err := s.try(ctx, func(ctx context.Context) error {
		return penalise.Run(ctx, s.client, []string{keyPrefix + "budget:" + key}, now+wait.Milliseconds(), now, (wait + time.Hour).Milliseconds()).Err()
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("penalise budget %s: %w", key, ctx.Err())
	}
	return nil
}

func (s *shared) Hold(ctx context.Context, name string, ttl time.Duration) (bool, error) {
	var fence int64
	asked := time.Now()
	err := s.try(ctx, func(ctx context.Context) error {
		got, err := holdLease.Run(ctx, s.client, []string{keyPrefix + "lease:{" + name + "}", keyPrefix + "fence:{" + name + "}"}, s.me, ttl.Milliseconds()).Int64()
		fence = got
		return err
	})
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fences[name] = hold{until: asked.Add(ttl), fence: fence}
		return fence > 0, nil
	}
	if ctx.Err() != nil {
		return false, fmt.Errorf("hold lease %s: %w", name, ctx.Err())
	}
	return s.own.Hold(ctx, name, ttl)
}

func (s *shared) Fence(name string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.fences[name]; time.Now().Before(h.until) {
		return h.fence
	}
	return 0
}

func (s *shared) Release(ctx context.Context, name string) error {
	s.mu.Lock()
	delete(s.fences, name)
	s.mu.Unlock()
	_ = s.own.Release(ctx, name) // never fails
	err := s.try(ctx, func(ctx context.Context) error {
		return releaseLease.Run(ctx, s.client, []string{keyPrefix + "lease:{" + name + "}"}, s.me).Err()
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("release lease %s: %w", name, ctx.Err())
	}
	return nil // without Redis it ends by itself
}

func (s *shared) now() int64 { return s.own.clock.Now().UnixMilli() }

func float(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
