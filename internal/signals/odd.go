package signals

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/baseline"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/templates"
)

// oddity is a rule by which what is not usual is told.
type oddity struct {
	facet baseline.Facet
	name  string
	title string
	about string
}

const oddKind = "baseline"

var oddities = []oddity{
	{baseline.Program, "new-program", "A program that was never run there", "A program was run that is not usual on the host or in the image. An intruder brings tools; so does whoever installs something."},
	{baseline.Child, "new-child", "A program started one that it never started", "A program started another that it usually does not, though both are usual there: a server that starts a shell."},
	{baseline.Destination, "new-destination", "A connection to where that program never went", "A program connected to a domain, or a network of 256 addresses, and port to which it usually does not."},
	{baseline.Listener, "new-listener", "A program listens where it never did", "A program waits for connections on a port on which it usually does not."},
	{baseline.User, "new-user", "Somebody ran a program who never did", "A user who usually runs nothing there ran a program."},
}

// Scores from which something is told, and how loud. None is high: that something is new proves nothing.
const (
	oddTold   = 30 // of 100
	oddLow    = 50
	oddMedium = 75
)

const (
	oddWindow  = 12 * time.Hour // after which a host sends the same behaviour again; no day goes by without it
	mostOdd    = 60             // that are told of a host in an hour
	mostImages = 100            // of which one host teaches anything in a day
)

// oddHost is what was told of a host, and what was not. Guarded by the desk's lock.
type oddHost struct {
	hour   int64 // since 1970
	told   int   // in that hour
	held   uint64
	day    int64
	images map[string]bool // of that day
	many   uint64          // events in more images than mostImages
}

// Observe learns from an event what is usual, and says what is not. What a rule found teaches nothing, and is
// the rule's to tell.
func (d *Desk) Observe(e *event.Event) []fleet.Unusual {
	want, now, where := d.c.Plan().Baseline, d.c.Now(), baseline.WhereOf(e, d.c.Groups(e.Host))
	if !want.On || e.Host == "" || e.Rule != "" {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.odd[e.Host]
	if h == nil {
		h = &oddHost{}
		d.odd[e.Host] = h
	}
	if !h.knows(where.Image, now) {
		return nil
	}
	_, where.Suspect = d.suspects[strings.ToLower(e.Host)]
	d.usual.Learn(want.Learn)
	news := d.usual.Observe(e, where, now)
	d.learned(where)
	var odd []fleet.Unusual
	ran := slices.ContainsFunc(news, func(n baseline.Novelty) bool { return n.Thing.Facet == baseline.Program })
	for _, n := range news {
		if n.Early || n.Score < oddTold || ran && n.Thing.Facet == baseline.Child { // of a program that never ran nobody can be the usual parent
			continue
		}
		if !h.may(now) {
			continue
		}
		odd = append(odd, fleet.Unusual{Rule: oddKind + "/" + oddityOf(n.Thing.Facet).name, Level: min(levelOfScore(n.Score), want.Most), Why: n.Why})
	}
	return odd
}

// learned notes which profiles are to be kept.
func (d *Desk) learned(w baseline.Where) {
	all := []baseline.Scope{homeOf(w)}
	for _, g := range w.Groups {
		all = append(all, baseline.Scope{Kind: baseline.Group, Name: g})
	}
	for _, s := range all {
		if d.usual.Knows(s) { // whoever invents images must not fill a list
			d.usual.changed[s] = true
		}
	}
}

// knows bounds the images of which a host teaches anything: one that invents them would leave no room for others'.
func (h *oddHost) knows(image string, now time.Time) bool {
	if day := now.Unix() / 86400; day != h.day {
		h.day, h.images = day, map[string]bool{}
	}
	if image == "" || h.images[image] {
		return true
	}
	if len(h.images) >= mostImages {
		h.many++
		return false
	}
	h.images[image] = true
	return true
}

// may bounds what is told of a host: a flood must not bury what is told of others.
func (h *oddHost) may(now time.Time) bool {
	if hour := now.Unix() / 3600; hour != h.hour {
		h.hour, h.told = hour, 0
	}
	if h.told >= mostOdd {
		h.held++
		return false
	}
	h.told++
	return true
}

func levelOfScore(score int) noise.Level {
	switch {
	case score >= oddMedium:
		return noise.Medium
	case score >= oddLow:
		return noise.Low
	}
	return noise.Informational
}

func oddityOf(f baseline.Facet) oddity {
	return oddities[slices.IndexFunc(oddities, func(o oddity) bool { return o.facet == f })]
}

// oddityNamed finds one by its name, with or without its kind.
func oddityNamed(name string) (oddity, bool) {
	name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), oddKind+"/")
	i := slices.IndexFunc(oddities, func(o oddity) bool { return o.name == name })
	if i < 0 {
		return oddity{}, false
	}
	return oddities[i], true
}

func (o oddity) full() string { return oddKind + "/" + o.name }

// oddRule explains one.
func (d *Desk) oddRule(o oddity) templates.Look {
	want := d.c.Plan().Baseline
	d.mu.Lock()
	figure := d.ledger.Of(o.full()).String()
	d.mu.Unlock()
	l := templates.Look{Title: "rule " + o.full(), Result: o.title + ", level " + want.Most.String() + " at most", Rows: []templates.LookRow{{Text: figure}, {Text: o.about},
		{Text: fmt.Sprintf("Level: by a score of how telling it is and how few others have it as usual; from %d of 100 informational, from %d low, from %d medium.", oddTold, oddLow, oddMedium)},
		{Text: "False alarms: what somebody installed or changed. It becomes usual when it was seen on three days, or at once with `signals baseline allow`."}}}
	l.Notes = []string{fmt.Sprintf("Learned by this server; a host tells nothing in its first %s.", templates.Age(want.Learn))}
	if !want.On {
		l.Notes = append(l.Notes, "The plan has switched it off.")
	}
	return l
}

// oddRules are the figures of those that have found nothing yet; guarded by the desk's lock.
func (d *Desk) oddRules() (rows []templates.LookRow) {
	for _, o := range oddities {
		if p := d.ledger.Of(o.full()); p.Raised == 0 && p.Judged() == 0 {
			rows = append(rows, templates.LookRow{Text: p.String()})
		}
	}
	return rows
}

// oddHealth says what was not learned or not told of a host.
func (d *Desk) oddHealth(h fleet.Host) (notes []string) {
	if s := h.Health.Sifted; s != nil {
		notes = append(notes, fmt.Sprintf("New there, and so sent for what is usual: %d events; %d HELD BACK, for they were too many at once; %d things are remembered, %d were forgotten early.", s.Passed, s.Held, s.Things, s.Early))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.odd[h.Name]; o != nil {
		if o.held > 0 {
			notes = append(notes, fmt.Sprintf("%d unusual things were NOT TOLD: of a host %d are in an hour.", o.held, mostOdd))
		}
		if o.many > 0 {
			notes = append(notes, fmt.Sprintf("%d events taught nothing: they name more than %d images in a day.", o.many, mostImages))
		}
	}
	return notes
}

// usualSize says how full what is usual is; guarded by the desk's lock.
func (d *Desk) usualSize() string {
	s := d.usual.Size()
	return fmt.Sprintf("What is usual: %s of %s; %d were pushed out by others, %d had no room.", counted(s.Things, "thing"), counted(s.Scopes, "profile"), s.Evicted, s.Refused)
}
