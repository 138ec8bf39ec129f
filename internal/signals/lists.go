package signals

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/templates"
)

// Recent lists what was found lately, the newest first.
func (d *Desk) Recent(context.Context) (templates.Look, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := templates.Look{Title: "found lately", Result: counted(len(d.recent), "signal"), Asked: 2, Answered: 2} // rows name their hosts
	for _, f := range slices.Backward(d.recent) {
		text := f.line + " [" + f.rule + "]"
		if f.by != "" {
			text = "(kept quiet by exception " + f.by + ") " + text
		}
		l.Rows = append(l.Rows, templates.LookRow{Host: f.host, At: f.at, Text: text})
	}
	return l, nil
}

// Sensors lists the hosts, those that are away first.
func (d *Desk) Sensors(context.Context) (templates.Look, error) {
	if d.hosts == nil {
		return templates.Look{}, errNoHosts
	}
	all := d.hosts.Hosts()
	slices.SortStableFunc(all, func(a, b fleet.Host) int { return rank(a) - rank(b) })
	l := templates.Look{Title: "sensors"}
	connected := 0
	for _, h := range all {
		if h.Connected {
			connected++
		}
		l.Rows = append(l.Rows, templates.LookRow{Text: d.hostLine(h)})
	}
	l.Result = fmt.Sprintf("%s, %d connected", counted(len(all), "host"), connected)
	return l, nil
}

func rank(h fleet.Host) int {
	switch {
	case !h.Connected:
		return 0
	case h.Stale || len(h.Trouble) > 0:
		return 1
	}
	return 2
}

func (d *Desk) hostLine(h fleet.Host) string {
	text, seen := h.Name, h.Seen
	if h.Since.After(seen) {
		seen = h.Since
	}
	switch {
	case !h.Connected && seen.IsZero():
		text += " was never connected"
	case !h.Connected:
		text += " is AWAY, last word " + templates.Stamp(seen)
	case h.Stale:
		text += " is silent, last word " + templates.Age(d.c.Now().Sub(h.Seen)) + " ago"
	default:
		text += " is connected"
	}
	if h.Version != "" {
		text += ", sensor " + h.Version
	}
	if h.Profile != "" {
		text += ", profile " + h.Profile
	}
	if len(h.Trouble) > 0 {
		text += ". " + h.Trouble[len(h.Trouble)-1]
	}
	return text
}

// Health says what became of every event: of one host, or of all in one line each.
func (d *Desk) Health(_ context.Context, host string) (templates.Look, error) {
	if d.hosts == nil {
		return templates.Look{}, errNoHosts
	}
	if host != "" {
		if err := d.known(host); err != nil {
			return templates.Look{}, err
		}
		h, _ := d.hosts.Host(host)
		return d.healthOf(h), nil
	}
	l := templates.Look{Title: "health of the sensors"}
	losing := 0
	for _, h := range d.hosts.Hosts() {
		seen, lost := sums(h)
		text := fmt.Sprintf("%s: %d events seen, %d lost", h.Name, seen, lost)
		if lost > 0 {
			losing++
		}
		if s := h.Health.Sifted; s != nil && s.Held > 0 {
			text += fmt.Sprintf(", %d new things held back", s.Held)
		}
		if !h.Connected {
			text += ", as it said last at " + templates.Stamp(h.Seen)
		}
		l.Rows = append(l.Rows, templates.LookRow{Text: text})
	}
	l.Result = "nothing was lost"
	if losing > 0 {
		l.Result = counted(losing, "host") + " lost something"
	}
	if len(l.Rows) == 0 {
		l.Result = "no host has a sensor yet"
	}
	return l, nil
}

func sums(h fleet.Host) (seen, lost uint64) {
	for _, k := range h.Health.Kinds {
		seen += k.Seen
		lost += k.Lost + k.SpoolLost
	}
	return seen, lost + h.Health.Malformed + h.Received.Unreadable
}

func (d *Desk) healthOf(h fleet.Host) templates.Look {
	_, lost := sums(h)
	l := templates.Look{Title: "health of " + h.Name, Result: d.hostLine(h)}
	for _, kind := range slices.Sorted(maps.Keys(h.Health.Kinds)) {
		k := h.Health.Kinds[kind]
		text := fmt.Sprintf("%s: %d seen, %d filtered, %d kept there, %d sent, %d waiting, %d LOST", kind, k.Seen, k.Filtered, k.Kept, k.Sent, k.Waiting, k.Lost+k.SpoolLost)
		if open := k.Open(); open != 0 {
			text += fmt.Sprintf(", %d under way", open)
		}
		l.Rows = append(l.Rows, templates.LookRow{Text: text})
	}
	if h.Connected && len(h.Behind) > 0 {
		l.Notes = append(l.Notes, "It has not installed the newest "+strings.Join(h.Behind, " and ")+" yet, and judges by what it had.")
	}
	if h.Replica != "" {
		l.Notes = append(l.Notes, "It converses with the replica at "+h.Replica+", and is asked through it.")
	}
	l.Notes = append(l.Notes, fmt.Sprintf("%d lost in all; %d bytes wait for the server; %d came more than once, %d could not be read, %d spoke of another host.", lost, h.Health.Spooled,
		h.Received.Again, h.Received.Unreadable, h.Received.Refused), "Its clock is "+h.Offset.Round(time.Millisecond).String()+" ahead.")
	l.Notes = append(l.Notes, d.oddHealth(h)...)
	l.Trouble = append(l.Trouble, h.Health.Trouble...)
	return l
}

// Rules lists how often rules were right, the most false alarms first; or one rule.
func (d *Desk) Rules(_ context.Context, name string) (templates.Look, error) {
	if name != "" {
		return d.ruleOf(name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l := templates.Look{Title: "rules", Result: counted(len(d.rules.Rules())+len(oddities), "rule")}
	for _, p := range d.ledger.All() {
		l.Rows = append(l.Rows, templates.LookRow{Text: p.String()})
	}
	if len(l.Rows) == 0 {
		l.Notes = append(l.Notes, "None of them has found anything yet.")
	}
	l.Rows = append(l.Rows, d.oddRules()...)
	if blind := d.rules.Blind(); len(blind) > 0 {
		l.Notes = append(l.Notes, counted(len(blind), "rule")+" want events that sensors do not see.")
	}
	return l, nil
}

func (d *Desk) ruleOf(name string) (templates.Look, error) {
	if o, ok := oddityNamed(name); ok {
		return d.oddRule(o), nil
	}
	r, ok := d.rules.Find(strings.TrimPrefix(name, "sigma/"))
	if !ok {
		return templates.Look{}, incident.Refuse("no-such-rule", fmt.Sprintf("There is no rule \"%s\".", templates.Label(name, 60)), "See `signals rules`.")
	}
	full := "sigma/" + d.rules.Called(r)
	d.mu.Lock()
	figure := d.ledger.Of(full).String()
	d.mu.Unlock()
	l := templates.Look{Title: "rule " + full, Result: r.Title + ", level " + r.Level.String(), Rows: []templates.LookRow{{Text: figure}, {Text: strings.Join(strings.Fields(r.Description), " ")}}}
	if t := r.Techniques(); len(t) > 0 {
		l.Rows = append(l.Rows, templates.LookRow{Text: "ATT&CK: " + strings.Join(t, ", ")})
	}
	for _, f := range r.FalsePositives {
		l.Rows = append(l.Rows, templates.LookRow{Text: "False alarms: " + f})
	}
	l.Notes = append(l.Notes, "From "+r.File+".")
	return l, nil
}

// Indicators lists how the feeds stand, and what people said to watch for, the next to end first.
func (d *Desk) Indicators(context.Context) (templates.Look, error) {
	d.mu.Lock()
	all := slices.Clone(d.watched)
	d.mu.Unlock()
	now := d.c.Now()
	slices.SortStableFunc(all, func(a, b intel.Indicator) int { return a.Expires.Compare(b.Expires) })
	l := templates.Look{Title: "watched for on every host"}
	for _, x := range all {
		if !x.Expires.IsZero() && !x.Expires.After(now) {
			continue
		}
		text := x.Type.String() + " " + x.Value + " until " + templates.Stamp(x.Expires) + ", by " + x.Ref
		if x.Why != "" {
			text += ": " + x.Why
		}
		l.Rows = append(l.Rows, templates.LookRow{Text: text})
	}
	l.Result = counted(len(l.Rows), "indicator")
	d.withFeeds(&l)
	return l, nil
}
