package agent

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Health is what became of every event since the agent was opened, and how it is.
type Health struct {
	Since      time.Time            `json:"since"`
	Profile    string               `json:"profile"`
	Kinds      map[string]KindCount `json:"kinds"`     // by the kind's name
	Malformed  uint64               `json:"malformed"` // records that could not be read
	Processes  int                  `json:"processes"` // in the table
	Containers int                  `json:"containers"`
	Named      int                  `json:"named"`   // of them, those of which a runtime's files say more than the id
	Waiting    [2]int               `json:"waiting"` // batches in the queue of each lane
}

// KindCount is the account of one kind. At rest
//
//	Seen = Filtered + Lost + Read
//	Read = Unwatched + Dropped + Overflowed + Refused + Delivered
//
// and Missing, which is found from the numbers in the events alone, is Lost unless the
// last ones of a CPU were lost.
type KindCount struct {
	Seen     uint64 `json:"seen"`     // in the kernel
	Filtered uint64 `json:"filtered"` // in the kernel, by profile, intent and watched paths
	Lost     uint64 `json:"lost"`     // in the kernel: the ring was full

	Read       uint64 `json:"read"`       // out of the ring
	Missing    uint64 `json:"missing"`    // numbers that were skipped
	Unwatched  uint64 `json:"unwatched"`  // a path with dots that led nowhere of interest
	Dropped    uint64 `json:"dropped"`    // by the judge
	Overflowed uint64 `json:"overflowed"` // the sink was too slow
	Refused    uint64 `json:"refused"`    // by the sink
	Delivered  uint64 `json:"delivered"`  // to the sink
}

// Open is how many events are neither delivered nor accounted for yet: 0 at rest.
func (k KindCount) Open() int64 {
	return int64(k.Seen) - int64(k.Filtered+k.Lost+k.Unwatched+k.Dropped+k.Overflowed+k.Refused+k.Delivered)
}

// tally counts on the agent's side.
type tally struct {
	malformed atomic.Uint64
	kinds     [32]kindTally
}

type kindTally struct {
	cpus                                               [maxCPU]cpuTally
	unwatched, dropped, overflowed, refused, delivered atomic.Uint64
}

// cpuTally compares the numbers in events with their count. On machines with more CPUs
// some share one; then Missing is too low, and Lost still right.
type cpuTally struct{ read, highest atomic.Uint64 }

const maxCPU = 512

func (t *tally) read(e *event.Event) {
	c := &t.kinds[e.Kind].cpus[e.CPU%maxCPU]
	c.read.Add(1)
	if e.Seq > c.highest.Load() { // only the reading goroutine writes
		c.highest.Store(e.Seq)
	}
}

// Health reads the accounts. Figures are not of one moment while events come in.
func (a *Agent) Health() (Health, error) {
	kernel, err := a.eyes.Counts()
	if err != nil {
		return Health{}, fmt.Errorf("read the kernel's counts: %w", err)
	}
	a.mu.Lock()
	profile := a.profile
	a.mu.Unlock()
	h := Health{Since: a.since, Profile: profile.String(), Kinds: map[string]KindCount{}, Malformed: a.tally.malformed.Load(),
		Processes: a.table.size(), Containers: a.containers.size(), Named: int(a.containers.called.n.Load()), Waiting: [2]int{len(a.lanes[0]), len(a.lanes[1])}}
	for kind, n := range kernel {
		t := &a.tally.kinds[kind]
		k := KindCount{Seen: n.Seen, Filtered: n.Filtered, Lost: n.Lost, Unwatched: t.unwatched.Load(), Dropped: t.dropped.Load(),
			Overflowed: t.overflowed.Load(), Refused: t.refused.Load(), Delivered: t.delivered.Load()}
		for i := range t.cpus {
			read, highest := t.cpus[i].read.Load(), t.cpus[i].highest.Load()
			k.Read += read
			if highest > read {
				k.Missing += highest - read
			}
		}
		h.Kinds[kind.String()] = k
	}
	return h, nil
}
