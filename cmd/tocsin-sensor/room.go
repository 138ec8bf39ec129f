package main

import (
	"runtime/debug"
	"runtime/metrics"
)

// spare is how much garbage may lie around before it is collected. By default that is as much again as is in
// use, which is right for a program that has little: a host with a million indicators would give up twice
// their room.
const spare = 32 << 20 // bytes

// settled has a way of putting sets into force give back what the set before needed.
func settled(put func([]byte) error) func([]byte) error {
	return func(body []byte) error {
		defer makeRoom()
		return put(body)
	}
}

// makeRoom collects now, gives the machine what is left over, and adapts when it is collected next.
func makeRoom() {
	debug.FreeOSMemory()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if used := live[0].Value.Uint64(); used > 0 {
		debug.SetGCPercent(int(min(100, max(10, spare*100/used))))
	}
}
