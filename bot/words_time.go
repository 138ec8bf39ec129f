package bot

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// tense says which side of now a time without a date is on.
type tense int

const (
	past   tense = iota // "14:05" is the latest 14:05 that was
	future              // "14:05" is the next one
)

// dueHour is when a due date without a time falls due, in the asker's zone.
const dueHour = 17

// when takes a time from the front of what is left, the longest stretch that reads
// as one, up to five words. ok is false, and nothing taken, when none does.
func (w *words) when(t tense) (at time.Time, ok bool, err error) {
	var idx []int
	var parts []string
	for i := range w.list {
		if !w.list[i].used && len(idx) < 5 {
			idx, parts = append(idx, i), append(parts, w.list[i].text)
		}
	}
	var first error
	for n := len(parts); n > 0; n-- {
		at, err := parseTime(strings.Join(parts[:n], " "), w.now, w.zone, t)
		if err != nil {
			if _, refused := asRefusal(err); refused && first == nil {
				first = err
			}
			continue
		}
		for _, i := range idx[:n] {
			w.list[i].used = true
		}
		return at, true, nil
	}
	return time.Time{}, false, first
}

// errNoTime says that the words are no time at all; a *Refusal, that they are one
// that cannot be.
var errNoTime = errors.New("no time in these words")

var (
	clockText = regexp.MustCompile(`^([01]?\d|2[0-3])[:.h]([0-5]\d)(?::([0-5]\d))?$`)
	ampmText  = regexp.MustCompile(`^(1[0-2]|0?[1-9])(?::([0-5]\d))?(am|pm)$`)
	isoText   = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})t`)
	dateText  = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})$`)
)

// parseTime reads a time as people write it, in their zone: "14:05", "yesterday 22:10",
// "2026-11-23 03:04 CET", "10m ago", "in 2h", "tomorrow 9:00", "fri". The result is UTC.
func parseTime(text string, now time.Time, zone *time.Location, t tense) (time.Time, error) {
	s := strings.Join(strings.Fields(lower(strings.ReplaceAll(text, ",", " "))), " ")
	if s == "" || len(s) > 80 {
		return time.Time{}, errNoTime
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return inReason(at, now)
		}
	}
	if at, ok := relative(s, now); ok {
		return inReason(at, now)
	}
	s, zone, err := takeZone(s, strings.TrimSpace(text), zone)
	if err != nil {
		return time.Time{}, err
	}
	fields := strings.Fields(isoText.ReplaceAllString(s, "$1 "))
	if len(fields) > 0 && fields[0] == "at" {
		fields = fields[1:]
	}
	return dayAndClock(fields, now.In(zone), zone, t)
}

func dayAndClock(fields []string, now time.Time, zone *time.Location, t tense) (time.Time, error) {
	var hour, minute, second int
	clocked, dated := false, false
	y, m, d := now.Date()
	var weekday *time.Weekday
	for _, f := range fields {
		if f == "at" && dated {
			continue
		}
		if h, mi, se, ok := clock(f); ok && !clocked {
			hour, minute, second, clocked = h, mi, se, true
			continue
		}
		if dated {
			return time.Time{}, errNoTime
		}
		dated = true
		switch f {
		case "today":
		case "yesterday":
			d--
		case "tomorrow":
			d++
		default:
			if wd, ok := weekdayOf(f); ok {
				weekday = &wd
				continue
			}
			g := dateText.FindStringSubmatch(f)
			if g == nil {
				return time.Time{}, errNoTime
			}
			day, err := time.Parse("2006-01-02", f)
			if err != nil {
				return time.Time{}, incident.Refuse("bad-time", f+" is not a day of the calendar.", "Write it as 2026-11-23.")
			}
			y, m, d = day.Date()
		}
	}
	if !clocked && !dated {
		return time.Time{}, errNoTime
	}
	if !clocked && t == future {
		hour = dueHour
	}
	on := func(d int) time.Time { return time.Date(y, m, d, hour, minute, second, 0, zone) }
	at := on(d)
	switch {
	case weekday != nil:
		for n := 0; n <= 7; n++ {
			step := n
			if t == past {
				step = -n
			}
			at = on(d + step)
			if at.Weekday() == *weekday && (t == future && at.After(now) || t == past && !at.After(now)) {
				break
			}
		}
	case !dated && t == past && at.After(now.Add(time.Minute)):
		at = on(d - 1)
	case !dated && t == future && !at.After(now):
		at = on(d + 1)
	}
	if at.Hour() != hour || at.Minute() != minute {
		return time.Time{}, incident.Refuse("bad-time",
			fmt.Sprintf("%02d:%02d did not exist on %s in %s: the clocks went forward.", hour, minute, at.Format("2006-01-02"), zone),
			"Give the time in UTC.")
	}
	return inReason(at, now)
}

// inReason refuses times that can only be a slip.
func inReason(at, now time.Time) (time.Time, error) {
	if at.Before(now.AddDate(-10, 0, 0)) || at.After(now.AddDate(10, 0, 0)) {
		return time.Time{}, incident.Refuse("bad-time", at.UTC().Format("2006-01-02")+" is more than ten years away.", "Check the year.")
	}
	return at.UTC(), nil
}

func clock(f string) (h, m, s int, ok bool) {
	if g := clockText.FindStringSubmatch(f); g != nil {
		h, _ = strconv.Atoi(g[1])
		m, _ = strconv.Atoi(g[2])
		s, _ = strconv.Atoi(g[3])
		return h, m, s, true
	}
	if f == "noon" {
		return 12, 0, 0, true
	}
	g := ampmText.FindStringSubmatch(f)
	if g == nil {
		return 0, 0, 0, false
	}
	h, _ = strconv.Atoi(g[1])
	m, _ = strconv.Atoi(g[2])
	h %= 12
	if g[3] == "pm" {
		h += 12
	}
	return h, m, 0, true
}

func weekdayOf(f string) (time.Weekday, bool) {
	if len(f) < 3 {
		return 0, false
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.HasPrefix(strings.ToLower(d.String()), f) {
			return d, true
		}
	}
	return 0, false
}

func relative(s string, now time.Time) (time.Time, bool) {
	switch {
	case s == "now" || s == "just now":
		return now, true
	case strings.HasSuffix(s, " ago"):
		d, ok := parseDuration(strings.TrimSuffix(s, " ago"))
		return now.Add(-d), ok
	case strings.HasPrefix(s, "in "):
		d, ok := parseDuration(strings.TrimPrefix(s, "in "))
		return now.Add(d), ok
	case strings.HasPrefix(s, "+"):
		d, ok := parseDuration(s[1:])
		return now.Add(d), ok
	case strings.HasPrefix(s, "-"):
		d, ok := parseDuration(s[1:])
		return now.Add(-d), ok
	}
	return time.Time{}, false
}

var durationPart = regexp.MustCompile(`^(\d{1,6})\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|min|m|seconds?|secs?|s)(?:\s*(?:and\s+)?|$)`)

// parseDuration reads "10m", "2h30m", "3 days", "1w", up to ten years.
func parseDuration(text string) (time.Duration, bool) {
	s := strings.TrimSpace(lower(text))
	var sum time.Duration
	for s != "" {
		g := durationPart.FindStringSubmatch(s)
		if g == nil {
			return 0, false
		}
		n, err := strconv.Atoi(g[1])
		if err != nil {
			return 0, false
		}
		unit := time.Second
		switch g[2][0] {
		case 'w':
			unit = 7 * 24 * time.Hour
		case 'd':
			unit = 24 * time.Hour
		case 'h':
			unit = time.Hour
		case 'm':
			unit = time.Minute
		}
		if time.Duration(n) > 10*366*24*time.Hour/unit {
			return 0, false
		}
		sum += time.Duration(n) * unit
		s = s[len(g[0]):]
	}
	return sum, text != ""
}

// Abbreviations that mean one thing in practice. IST, CST and the like mean several
// and are refused.
var zones = map[string]int{
	"utc": 0, "gmt": 0, "z": 0, "wet": 0, "cet": 1, "west": 1, "bst": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3,
	"est": -5, "edt": -4, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "jst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}

var manyZones = map[string]bool{"ist": true, "cst": true, "ast": true, "sst": true}

// takeZone takes a zone from the end: an abbreviation, an offset, or an IANA name.
func takeZone(s, typed string, zone *time.Location) (string, *time.Location, error) {
	at := strings.LastIndexByte(s, ' ')
	if at < 0 {
		return s, zone, nil
	}
	last := s[at+1:]
	if h, ok := zones[last]; ok {
		return s[:at], time.FixedZone(strings.ToUpper(last), h*3600), nil
	}
	if manyZones[last] {
		return s, zone, incident.Refuse("bad-time", strings.ToUpper(last)+" names more than one zone.", "Give the time in UTC, or name the zone as Europe/Berlin.")
	}
	if off, err := time.Parse("-07:00", last); err == nil {
		return s[:at], off.Location(), nil
	}
	if strings.Contains(last, "/") {
		name := typed[strings.LastIndexAny(typed, " \t\n")+1:]
		if l, err := time.LoadLocation(name); err == nil {
			return s[:at], l, nil
		}
	}
	return s, zone, nil
}

// echo writes a time back in the zone of whoever typed it, and in UTC.
func echo(at time.Time, zone *time.Location) string {
	u := at.UTC()
	if zone == nil || zone == time.UTC {
		return u.Format("Mon 2 Jan 2006 15:04 UTC")
	}
	l := at.In(zone)
	if l.Format("2006-01-02") == u.Format("2006-01-02") {
		return l.Format("Mon 2 Jan 2006 15:04 MST") + u.Format(" (15:04 UTC)")
	}
	return l.Format("Mon 2 Jan 2006 15:04 MST") + u.Format(" (2 Jan 15:04 UTC)")
}
