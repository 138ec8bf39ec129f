package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// calendar says which time counts. The nil calendar counts all of it.
type calendar struct {
	name     string
	zone     *time.Location
	days     [7]bool // by time.Weekday
	windows  []window
	holidays map[string]bool // "2026-12-25", or "12-25" for every year
}

// window is a stretch of every working day, in minutes after midnight by the
// wall clock; to is at most 24 hours and after from.
type window struct{ from, to int }

// A week has to have this much working time, so that a search for the end of a
// target ends soon.
const minWeek = 5 * time.Hour

// searched is how many days Add looks ahead: 90 days of five-hour weeks, and holidays.
const searched = 20 * 366

// add is when d of working time has passed since from. Time spent outside of the
// windows does not count; a window that a change of the clocks shortens or
// lengthens counts as long as it really is.
func (c *calendar) add(from time.Time, d time.Duration) time.Time {
	if c == nil {
		return from.Add(d)
	}
	local := from.In(c.zone)
	y, m, first := local.Date()
	for n := range searched {
		// Noon exists on every day of every zone; midnight does not.
		noon := time.Date(y, m, first+n, 12, 0, 0, 0, c.zone)
		if !c.works(noon) {
			continue
		}
		for _, w := range c.windows {
			start, end := wall(noon, w.from), wall(noon, w.to)
			if start.Before(from) {
				start = from
			}
			open := end.Sub(start)
			if open <= 0 {
				continue
			}
			if d <= open {
				return start.Add(d).UTC()
			}
			d -= open
		}
	}
	return from.Add(d).UTC() // no calendar that was checked comes here
}

func (c *calendar) works(noon time.Time) bool {
	return c.days[noon.Weekday()] && !c.holidays[noon.Format(time.DateOnly)] && !c.holidays[noon.Format("01-02")]
}

// wall is when the wall clock of noon's day and zone shows the given minute. A time
// that the day skips is the moment of the skip; of a time it has twice, the first.
func wall(noon time.Time, minute int) time.Time {
	y, m, d := noon.Date()
	t := time.Date(y, m, d, 0, minute, 0, 0, noon.Location())
	since, until := t.ZoneBounds()
	shown := t.Hour()*60 + t.Minute()
	if shown == minute%(24*60) {
		return firstOf(t, since)
	}
	// The wanted time is skipped; Go answers with a moment on either side.
	if !since.IsZero() && t.Sub(since) < 3*time.Hour {
		return since
	}
	return until
}

// firstOf is the earlier of the two moments that look like t, where there are two.
func firstOf(t, since time.Time) time.Time {
	if since.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := since.Add(-time.Second).Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); before > now && earlier.Before(since) {
		return earlier
	}
	return t
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// calendar reads one calendar of severities.yaml.
func (v value) calendar(name string) *calendar {
	f := v.fields("zone", "days", "hours", "holidays")
	c := &calendar{name: name, zone: time.UTC, holidays: map[string]bool{}}
	if z, ok := f.must("zone"); ok {
		if loc, err := time.LoadLocation(z.zone()); err == nil {
			c.zone = loc
		}
	}
	f.must("days")
	for _, d := range f.items("days") {
		if day := d.oneOf("day of the week", weekdays...); day != "" {
			c.days[slices.Index(weekdays, day)] = true
		}
	}
	f.must("hours")
	for _, h := range f.items("hours") {
		if w, ok := h.window(); ok {
			if n := len(c.windows); n > 0 && w.from < c.windows[n-1].to {
				h.wrong("put them in order", "these hours begin before the ones above end")
				continue
			}
			c.windows = append(c.windows, w)
		}
	}
	for _, h := range f.items("holidays") {
		t, _ := h.scalar()
		_, err := time.Parse(time.DateOnly, t)
		_, yearly := time.Parse(time.DateOnly, "2000-"+t) // a leap year
		if err != nil && yearly != nil {
			h.wrong("write 2026-12-25, or 12-25 for every year", "%q is no date", t)
		}
		c.holidays[t] = true
	}
	if week := c.week(); week < minWeek && len(c.windows) > 0 && len(c.windows) == len(f.items("hours")) {
		v.wrong("", "this calendar has %s of working time a week, and needs %s", short(week), short(minWeek))
	}
	return c
}

func (c *calendar) week() time.Duration {
	minutes := 0
	for _, on := range c.days {
		for _, w := range c.windows {
			if on {
				minutes += w.to - w.from
			}
		}
	}
	return time.Duration(minutes) * time.Minute
}

func (v value) window() (window, bool) {
	t, ok := v.scalar()
	from, to, found := strings.Cut(t, "-")
	w := window{minuteOf(from), minuteOf(to)}
	if ok && (!found || w.from < 0 || w.to <= w.from) {
		v.wrong("write 09:00-17:00; hours past midnight are two entries, 22:00-24:00 and 00:00-06:00", "%q are no hours of a day", t)
		return w, false
	}
	return w, ok
}

// minuteOf reads 09:00 to 24:00; anything else is -1.
func minuteOf(t string) int {
	h, m, ok := strings.Cut(strings.TrimSpace(t), ":")
	hour, err := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if !ok || err != nil || err2 != nil || len(m) != 2 || hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return -1
	}
	return hour*60 + minute
}

// short is a duration as people write it: 1h30m, not 1h30m0s.
func short(d time.Duration) string {
	t := d.String()
	if strings.HasSuffix(t, "m0s") {
		t = strings.TrimSuffix(t, "0s")
	}
	if strings.HasSuffix(t, "h0m") {
		t = strings.TrimSuffix(t, "0m")
	}
	return t
}
