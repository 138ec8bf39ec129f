package wire_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// BenchmarkEventJSON is what an event costs to be written and read.
func BenchmarkEventJSON(b *testing.B) {
	e := event.Event{Kind: event.Connect, At: time.Now().UTC(), Host: "web-3.example.com", CPU: 1, Seq: 1 << 20, Rule: "intel/feed",
		Process: event.Process{Key: event.Key{PID: 4242, Start: 83790000000}, Exe: "/usr/bin/curl", Args: []string{"curl", "-s", "https://evil.example/x"}, Dir: "/tmp", Comm: "curl"},
		Parent:  event.Process{Key: event.Key{PID: 4000, Start: 83690000000}, Exe: "/usr/bin/bash", Args: []string{"-bash"}, Comm: "bash"},
		Net:     &event.NetOf{Proto: "tcp", Remote: netip.MustParseAddrPort("198.51.100.7:443"), Name: "evil.example"}}
	text, err := json.Marshal(&e)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			_, _ = json.Marshal(&e)
		}
		b.ReportMetric(float64(len(text)), "bytes")
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			var into event.Event
			_ = json.Unmarshal(text, &into)
		}
	})
}
