package plan

import (
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
)

// Baseline is what becomes of behaviour that is not usual on a host.
type Baseline struct {
	On    bool          // hosts send what is new, and what is usual is learned
	Learn time.Duration // how long a host or image is believed in everything
	Most  noise.Level   // the loudest that something can be for being new; medium at most
	Ask   noise.Ask     // what something low or medium asks for
}

// usuallyLearned is what holds where the plan says nothing: what is new is told where there is a room
// about its host, and opens none.
func usuallyLearned() Baseline {
	return Baseline{On: true, Learn: 14 * day, Most: noise.Medium, Ask: noise.Link}
}

// Thresholds is what groups of unusual things ask of the war room. What is informational only stands in
// the list.
func (b Baseline) Thresholds() noise.Thresholds {
	return noise.Thresholds{ByLevel: map[noise.Level]noise.Ask{noise.Informational: min(noise.Entry, b.Ask), noise.Low: b.Ask, noise.Medium: b.Ask},
		Severity: map[noise.Level]string{noise.Low: incident.P4.String(), noise.Medium: incident.P4.String()}}
}

func (v value) baseline() Baseline {
	b := usuallyLearned()
	f := v.fields("on", "learn", "most", "ask")
	if v, ok := f.get("on"); ok {
		b.On = v.truth()
	}
	if v, ok := f.get("learn"); ok {
		b.Learn = v.duration()
	}
	if v, ok := f.get("most"); ok {
		// That something is new proves nothing: it is never high by itself.
		_ = b.Most.UnmarshalText([]byte(v.oneOf("level of what is only new", noise.Informational.String(), noise.Low.String(), noise.Medium.String())))
	}
	if v, ok := f.get("ask"); ok {
		b.Ask = v.ask()
	}
	return b
}
