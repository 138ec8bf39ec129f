package bpf

import (
	"fmt"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Count is what became of one kind of event in the kernel, over all CPUs. Seen is
// Filtered + Numbered; Numbered is what was delivered + Lost.
type Count struct {
	Seen, Filtered, Numbered, Lost uint64
}

// Delivered is what the ring buffers took.
func (c Count) Delivered() uint64 { return c.Numbered - c.Lost }

// Counts reads what has been counted since the programs were loaded. While events come
// in the four figures of a kind are not of one moment; at rest they add up exactly.
func (e *Eyes) Counts() (map[event.Kind]Count, error) {
	all := map[event.Kind]Count{}
	for _, k := range event.Kinds() {
		var cpus []eyesCount
		if err := e.maps["counts"].Lookup(uint32(k), &cpus); err != nil {
			return nil, fmt.Errorf("read counts of %s: %w", k, err)
		}
		var sum Count
		for _, c := range cpus {
			sum.Seen += c.Seen
			sum.Filtered += c.Filtered
			sum.Numbered += c.Seq
			sum.Lost += c.Lost
		}
		all[k] = sum
	}
	return all, nil
}

// Remember tells the kernel side the credentials of a process that was there before it:
// only what changes from something known can be called a gain.
func (e *Eyes) Remember(pid, uid, euid uint32, caps uint64) error {
	return e.maps["processes"].Put(pid, eyesKnown{Caps: caps, Uid: uid, Euid: euid})
}
