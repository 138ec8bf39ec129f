package signals

import (
	"context"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
)

// Nothing is learned from a host while an incident about it is open, nobody has to think of it: what
// an intruder does there must not become usual. Freezing does more: what is frozen does not fade either,
// and stays so until somebody thaws it or the incident is over.

// suspects are the hosts that open incidents are about; true: anybody may know that.
type suspects map[string]bool

func (s suspects) add(st incident.State) {
	if st.Drill { // it is about nothing real
		return
	}
	for _, e := range st.Touches() {
		if host, ok := strings.CutPrefix(e, "host/"); ok {
			s[host] = s[host] || !st.Private
		}
	}
}

// readSuspects looks up whom the open incidents are about.
func (d *Desk) readSuspects(ctx context.Context) error {
	now := suspects{}
	err := d.c.Record.Each(ctx, []incident.Status{incident.Open}, func(s incident.State) error {
		now.add(s)
		return nil
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspects = now
	return nil
}

// Settings are what a host is to watch and send for what is learned here.
func (d *Desk) Settings(host string) fleet.Settings {
	if !d.c.Plan().Baseline.On {
		return fleet.Settings{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return fleet.Settings{New: oddWindow, Again: max(d.again[strings.ToLower(host)], d.again[""])}
}

// sendAgain has a host, or with "" every host, send what it sent before: it was forgotten here. Guarded by
// the desk's lock; resettle passes it on.
func (d *Desk) sendAgain(host string, at time.Time) { d.again[strings.ToLower(host)] = at.UnixMilli() }

// resettle tells hosts what changed of what they are to send.
func (d *Desk) resettle() {
	on := d.c.Plan().Baseline.On
	d.mu.Lock()
	newest := int64(0)
	for _, at := range d.again {
		newest = max(newest, at)
	}
	same := d.settled.on == on && d.settled.again == newest
	d.settled.on, d.settled.again = on, newest
	d.mu.Unlock()
	if !same && d.hosts != nil {
		d.hosts.Resettle()
	}
}
