package fleet

import (
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Unusual is something about an event that is not usual where it was seen.
type Unusual struct {
	Rule  string // "baseline/new-program"
	Level noise.Level
	Why   string // one sentence, in which words of the host may stand
}

// unusual has what is usual learn from an event, and takes what is not as signals: apart from those of
// rules, so that each is told for itself and none joins groups that have nothing to do with each other.
// A host is all that they share.
func (w *windows) unusual(e *event.Event, mirror, ask bool) {
	f := w.fleet
	if f.c.Usual == nil {
		return
	}
	for _, u := range f.c.Usual(e) {
		why := tame(u.Why)
		s := noise.Signal{ID: SignalID(e, 0) + "/" + u.Rule, Rule: u.Rule, Level: u.Level,
			At: e.At, Host: e.Host, Image: e.Container.Image, Program: e.Process.Exe, User: e.Process.User, Why: why}
		seen := Seen{Host: e.Host, Event: *e, Why: why, Excepted: []string{f.odd.gather(s, ask)}, Mirror: mirror}
		seen.Event.Rule, seen.Event.Also = u.Rule, nil
		f.pass(seen)
	}
}
