package signals

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/templates"
)

// Feeds is what is asked of those who publish indicators.
type Feeds interface {
	Fill(b *intel.Builder) error
	Sum() string
	Strictest(name string) intel.TLP
	All() []feeds.Standing
}

// tidyEvery is how often hosts are given a set without what has expired. They do not match that
// themselves, so it costs nothing but room.
const tidyEvery = time.Hour

// editions is how many bits of a set's version count what changed beside what people said. The others are
// when that was kept, Unix milliseconds: whatever feeds say meanwhile, what people said last is never lost. The count
// goes up with time, so that a server that starts again does not begin below what hosts have already.
const (
	editions = 22
	edition  = time.Minute // 22 bits of them are eight years
)

// version is what a set has that is given now; newest is what was given before, here or at another replica. ok is
// false where another replica knows more of what people said.
func version(said uint64, now time.Time, newest uint64) (v uint64, ok bool) {
	since := max(0, now.Sub(time.UnixMilli(int64(said)))/edition)
	v = said<<editions | uint64(min(since, 1<<editions-1))
	if newest < v {
		return v, true
	}
	return newest + 1, newest>>editions == said
}

// give gives hosts what was gathered, and what feeds say. said is when people's part was kept. publishing is
// held.
func (d *Desk) give(b *intel.Builder, said uint64) error {
	sum, guard := "", d.c.Guard()
	if d.c.Feeds != nil {
		sum = d.c.Feeds.Sum()
		if err := d.c.Feeds.Fill(b); err != nil {
			return err
		}
	}
	set := b.Set()
	if d.given != nil && d.given.Digest() == set.Digest() {
		d.givenFor, d.givenPast, d.givenAt = sum, guard, d.c.Now()
		return nil
	}
	v, ok := version(said, d.c.Now(), d.hosts.Published("intel"))
	if !ok {
		return nil // another replica knows more of what people said, and this one is about to
	}
	err := d.hosts.Publish("intel", v, set.Encode(nil))
	if errors.Is(err, fleet.ErrNewer) {
		return nil
	}
	if err != nil {
		return err
	}
	d.given, d.givenFor, d.givenPast, d.givenAt = set, sum, guard, d.c.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live = set
	return nil
}

// Refresh gives hosts what feeds say now, when that is something else than they have.
func (d *Desk) Refresh() error {
	if d.c.Feeds == nil || d.hosts == nil {
		return nil
	}
	d.publishing.Lock()
	same := d.givenFor == d.c.Feeds.Sum() && d.givenPast == d.c.Guard() && d.c.Now().Sub(d.givenAt) < tidyEvery
	d.publishing.Unlock()
	if same {
		return nil
	}
	return d.publishIntel()
}

// marked is who may be told of a feed, after its name.
func (d *Desk) marked(feed string) string {
	if d.c.Feeds == nil {
		return ""
	}
	return label(", ", d.c.Feeds.Strictest(feed))
}

func label(before string, t intel.TLP) string {
	if t == intel.Unmarked {
		return ""
	}
	return before + "TLP:" + strings.ToUpper(t.String())
}

// because is which indicator an event matched, and what it is known for. mu is held.
func (d *Desk) because(e *event.Event, rule string) string {
	kind, source, _ := cut(rule)
	if kind != "intel" || d.live == nil {
		return ""
	}
	for _, h := range d.live.Match(nil, e, d.c.Now()) {
		in := h.Indicator()
		if in.Source != source {
			continue
		}
		text := " (" + in.Type.String() + " " + in.Value
		if in.Why != "" {
			text += ", known for: " + in.Why
		}
		return text + label(", ", in.TLP) + ")"
	}
	return ""
}

// withFeeds puts how the feeds stand before what people said.
func (d *Desk) withFeeds(l *templates.Look) {
	if d.c.Feeds == nil {
		return
	}
	all := d.c.Feeds.All()
	if len(all) == 0 {
		return
	}
	size := 0
	var rows []templates.LookRow
	for _, f := range all {
		size += f.Size
		rows = append(rows, d.feedRows(f)...)
	}
	l.Rows = append(rows, l.Rows...)
	l.Result += fmt.Sprintf(" of people, %d of %s", size, counted(len(all), "feed"))
}

// feedRows are how a feed stands, its trouble, and what was not taken, each a row.
func (d *Desk) feedRows(f feeds.Standing) []templates.LookRow {
	now := d.c.Now()
	text := fmt.Sprintf("feed %s (%s%s): %s", f.Name, f.Kind, label(", ", f.State.TLP), counted(f.Size, "indicator"))
	if f.Read.IsZero() {
		text += ", never read yet"
	} else {
		text += ", read " + templates.Age(now.Sub(f.Read)) + " ago"
	}
	if f.Next.After(now) {
		text += ", next in " + templates.Age(f.Next.Sub(now))
	} else {
		text += ", next in a moment"
	}
	all := []string{text}
	if f.Trouble != "" {
		trouble := "feed " + f.Name + ", TROUBLE: " + f.Trouble
		if f.Size > 0 {
			trouble += ". What it said before holds"
		}
		all = append(all, trouble)
	}
	if f.NoRoom {
		all = append(all, "feed "+f.Name+" is NOT ON HOSTS: they have no room for it beside those before it in the plan")
	}
	if f.Refused > 0 {
		all = append(all, fmt.Sprintf("feed %s: %d not taken, the first:", f.Name, f.Refused))
		all = append(all, f.First...)
	}
	var rows []templates.LookRow
	for _, text := range all {
		rows = append(rows, templates.LookRow{Text: text})
	}
	return rows
}
