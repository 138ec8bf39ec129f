package app

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// recording is what the sensor saw of a short script on some machine: programs that start
// and end, and a few connections. Which machine it was, and when, is left out.
//
//go:embed recording.jsonl
var recording []byte

// recorded is what the host is called whose events are a recording, so that nobody takes
// them for this machine's.
const recorded = "recording"

// replayEvery is the time between two events of the recording.
const replayEvery = 1500 * time.Millisecond

func recordedEvents() (all []event.Event, err error) {
	for line := range bytes.Lines(recording) {
		var e event.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read the recording: %w", err)
		}
		all = append(all, e)
	}
	return all, nil
}

// replay has a host of the demo show the recording, all of it at once and then over and
// over, until the demo ends.
func (d *Demo) replay(ctx context.Context) error {
	all, err := recordedEvents()
	if err != nil {
		return err
	}
	h, err := d.join(ctx, recorded, false, false)
	if err != nil {
		return err
	}
	d.hosts[recorded] = h
	for _, e := range all {
		if err := h.feed(ctx, e); err != nil {
			return err
		}
	}
	h.run(func(ctx context.Context) {
		for n := 0; ; n++ {
			select {
			case <-time.After(replayEvery):
			case <-ctx.Done():
				return
			}
			if err := h.feed(ctx, all[n%len(all)]); err != nil && ctx.Err() == nil {
				d.options.Log.Warn("the recording cannot be shown", "error", err)
			}
		}
	})
	return nil
}
