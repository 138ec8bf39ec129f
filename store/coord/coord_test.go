package coord_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store/coord"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// hands is a clock moved by hand.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hands) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hands) pass(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

// bench is two replicas that share a clock; for Local they are one.
type bench struct {
	*hands
	a, b  coord.Coordinator
	lease func(time.Duration) // lets the time of leases pass
}

func newBench(t *testing.T, kind string) *bench {
	t.Helper()
	h := &hands{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if kind == "local" {
		l := coord.Local(h)
		return &bench{hands: h, a: l, b: l, lease: h.pass}
	}
	n := &bench{hands: h, lease: time.Sleep}
	url := ""
	if kind == "miniredis" {
		m := miniredis.RunT(t)
		url = "redis://" + m.Addr()
		n.lease = m.FastForward
	} else {
		url = storetest.Redis(t)
	}
	n.a, n.b = replica(t, url, h), replica(t, url, h)
	return n
}

func replica(t *testing.T, url string, c coord.Clock) coord.Coordinator {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	r := coord.Redis(client, c)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		_ = client.Close()
	})
	return r
}

func TestConformance(t *testing.T) {
	for _, kind := range []string{"local", "miniredis", "redis"} {
		for _, c := range []struct {
			name string
			f    func(*testing.T, *bench)
		}{
			{"budget", budgetShared},
			{"a page does not wait for chatter", pagesFirst},
			{"a 429 is everybody's", penaltyShared},
			{"a budget is never exceeded", budgetKept},
			{"nonsense rates are refused", ratesChecked},
			{"publishing wakes who listens", wakes},
			{"a lease has one holder", leaseHeld},
		} {
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.f(t, newBench(t, kind))
			})
		}
	}
}

var perSecond = coord.Rate{Per: time.Second, N: 4, Burst: 8}

// take takes one and says how long it would have to wait.
func take(t *testing.T, c coord.Coordinator, key string, r coord.Rate, rank incident.Rank) time.Duration {
	t.Helper()
	wait, err := c.Take(t.Context(), key, r, rank)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

func budgetShared(t *testing.T, n *bench) {
	for i := range 6 {
		c := n.a
		if i%2 == 1 {
			c = n.b
		}
		if w := take(t, c, "post", perSecond, incident.RankSay); w != 0 {
			t.Fatalf("take %d waits %s", i, w)
		}
	}
	if w := take(t, n.b, "post", perSecond, incident.RankSay); w != 250*time.Millisecond {
		t.Fatalf("beyond the budget: waits %s, want a quarter of a second", w)
	}
	if w := take(t, n.b, "open", perSecond, incident.RankSay); w != 0 {
		t.Fatalf("another method waits %s", w)
	}
	n.pass(250 * time.Millisecond)
	if w := take(t, n.a, "post", perSecond, incident.RankSay); w != 0 {
		t.Fatalf("after the wait it named: waits %s more", w)
	}
	n.pass(time.Hour)
	for i := range 6 {
		if w := take(t, n.a, "post", perSecond, incident.RankSay); w != 0 {
			t.Fatalf("full again, take %d waits %s", i, w)
		}
	}
	if w := take(t, n.a, "post", perSecond, incident.RankSay); w == 0 {
		t.Fatal("an idle hour saved more than a burst")
	}
}

func pagesFirst(t *testing.T, n *bench) {
	for _, r := range []coord.Rate{perSecond, {Per: time.Second, N: 1, Burst: 1}, {Per: time.Minute, N: 2}} {
		key := fmt.Sprint(r)
		for take(t, n.a, key, r, incident.RankSay) == 0 {
		}
		if w := take(t, n.b, key, r, incident.RankPage); w != 0 {
			t.Errorf("%v: chatter took all, the page waits %s", r, w)
		}
		paged := 0
		for take(t, n.b, key, r, incident.RankPage) == 0 {
			paged++
		}
		if paged > 2 {
			t.Errorf("%v: %d more pages at once", r, paged)
		}
	}
}

func penaltyShared(t *testing.T, n *bench) {
	if err := n.a.Penalise(t.Context(), "post", 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := n.a.Penalise(t.Context(), "post", time.Second); err != nil {
		t.Fatal(err)
	}
	for _, c := range []coord.Coordinator{n.a, n.b} {
		if w := take(t, c, "post", perSecond, incident.RankPage); w != 30*time.Second {
			t.Errorf("after a 429: waits %s", w)
		}
	}
	n.pass(30 * time.Second)
	if w := take(t, n.b, "post", perSecond, incident.RankSay); w != 0 {
		t.Errorf("after the vendor's wait: waits %s more", w)
	}
}

func budgetKept(t *testing.T, n *bench) {
	var taken atomic.Int64
	for range 5 {
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				c, rank := n.a, incident.RankSay
				if w%2 == 1 {
					c, rank = n.b, incident.RankPage
				}
				for range 10 {
					if w, err := c.Take(t.Context(), "post", perSecond, rank); err == nil && w == 0 {
						taken.Add(1)
					}
				}
			})
		}
		wg.Wait()
		n.pass(time.Second)
	}
	if got := taken.Load(); got != 8+4*4 {
		t.Errorf("%d taken in four seconds, the vendor allows 24", got)
	}
}

func ratesChecked(t *testing.T, n *bench) {
	for _, r := range []coord.Rate{{}, {Per: time.Second}, {N: 1}, {Per: time.Second, N: -1}, {Per: time.Second, N: 1, Burst: -1}} {
		if _, err := n.a.Take(t.Context(), "k", r, incident.RankSay); err == nil {
			t.Errorf("%v is a rate", r)
		}
	}
}

func wakes(t *testing.T, n *bench) {
	ctx, stop := context.WithCancel(t.Context())
	here, there, deaf := n.a.Listen(ctx, "work"), n.b.Listen(ctx, "work"), n.b.Listen(ctx, "other")
	// A subscription takes a moment; nobody is told when it stands, so ask until heard.
	heard := func(ch <-chan struct{}) {
		t.Helper()
		for range 200 {
			n.a.Publish(t.Context(), "work")
			select {
			case <-ch:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		t.Fatal("nobody woke")
	}
	heard(here)
	heard(there)
	select {
	case <-deaf:
		t.Fatal("woken by what is said elsewhere")
	default:
	}
	stop()
	for range here { // drains, and ends only when the channel is closed
	}
}

func leaseHeld(t *testing.T, n *bench) {
	const ttl = 300 * time.Millisecond
	hold := func(c coord.Coordinator) bool {
		t.Helper()
		ok, err := c.Hold(t.Context(), "cron", ttl)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	taken, renewed := hold(n.a), hold(n.a)
	if !taken || !renewed {
		t.Fatal("a free lease is not to be had, or not to be renewed")
	}
	first := n.a.Fence("cron")
	if first == 0 {
		t.Fatal("the holder has no fence")
	}
	if n.a != n.b && (hold(n.b) || n.b.Fence("cron") != 0) {
		t.Fatal("two hold one lease")
	}
	n.lease(2 * ttl)
	if !hold(n.b) || n.b.Fence("cron") <= first {
		t.Fatalf("after it ran out: fence %d after %d", n.b.Fence("cron"), first)
	}
	if n.a != n.b && hold(n.a) {
		t.Fatal("the former holder still holds it")
	}
	if err := n.b.Release(t.Context(), "cron"); err != nil {
		t.Fatal(err)
	}
	if !hold(n.a) {
		t.Fatal("a lease given back is not to be had")
	}
}

// Redis goes away in the middle and comes back empty: work goes on meanwhile, and
// afterwards is shared again.
func TestLosingRedisCostsOnlySpeed(t *testing.T) {
	t.Parallel()
	server := storetest.StartRedis(t)
	h := &hands{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	a, b := replica(t, server.URL, h), replica(t, server.URL, h)
	if ok, err := a.Hold(t.Context(), "cron", time.Minute); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, _ := b.Hold(t.Context(), "cron", time.Minute); ok {
		t.Fatal("the replicas do not share")
	}
	server.Stop()

	start := time.Now()
	if w := take(t, a, "post", perSecond, incident.RankSay); w != 0 {
		t.Errorf("without Redis: waits %s", w)
	}
	if ok, err := b.Hold(t.Context(), "cron", time.Minute); !ok || err != nil {
		t.Errorf("without Redis nobody leads: %v, %v", ok, err)
	}
	woken := a.Listen(t.Context(), "work")
	a.Publish(t.Context(), "work")
	<-woken
	if err := a.Penalise(t.Context(), "slow", time.Minute); err != nil {
		t.Error(err)
	}
	if w := take(t, a, "slow", perSecond, incident.RankPage); w != time.Minute {
		t.Errorf("a 429 without Redis is forgotten: %s", w)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("finding out took %s", d)
	}

	server.Start(t)
	shared := false
	for end := time.Now().Add(10 * time.Second); !shared && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		okA, _ := a.Hold(t.Context(), "again", time.Minute)
		okB, _ := b.Hold(t.Context(), "again", time.Minute)
		shared = okA != okB
	}
	if !shared {
		t.Error("Redis is back and the replicas do not share")
	}
}

// A Redis that accepts and never answers is as good as away.
func TestSilentRedisIsAway(t *testing.T) {
	t.Parallel()
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	go func() {
		for {
			c, err := deaf.Accept()
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
		}
	}()
	client := redis.NewClient(&redis.Options{Addr: deaf.Addr().String()}) // with its own, long, limits
	c := coord.Redis(client, &hands{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
	defer func() { _ = client.Close() }()
	defer func() { _ = c.Close() }()
	start := time.Now()
	if w := take(t, c, "k", perSecond, incident.RankPage); w != 0 {
		t.Errorf("waits %s", w)
	}
	if d := time.Since(start); d > 600*time.Millisecond {
		t.Errorf("finding out took %s", d)
	}
	start = time.Now()
	for range 5 {
		take(t, c, "k", perSecond, incident.RankPage)
	}
	if d := time.Since(start); d > 100*time.Millisecond {
		t.Errorf("once it is known, five takes took %s", d)
	}
}
