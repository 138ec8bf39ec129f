package app

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// BenchmarkAimStart: from the start of the process to the first "ready", on a database
// of 10,000,000 events.
func BenchmarkAimStart(b *testing.B) {
	incidents, events := 1000, sized(10_000)
	path := bigFile(b, incidents, events)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		s := startServer(b, serverOrders{Database: path})
		s.ready(b)
		took += time.Since(began)
		b.StopTimer()
		s.stop(b)
		b.StartTimer()
	}
	took /= time.Duration(b.N)
	b.ReportMetric(took.Seconds(), "s/start")
	measured(b, fmt.Sprintf("start-up with %d events (%d MB, SQLite)", incidents*events, info.Size()>>20), "under 2 s", took.Round(time.Millisecond).String())
}
