package plan_test

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
)

var moment = time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)

// counting is a plan whose P1 has to be resolved after target by a calendar.
func counting(t *testing.T, calendar, target, warn string) *plan.Plan {
	t.Helper()
	m := files(t)
	m["severities.yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, `
calendars:
  ours: %s
severities:
  P1: {name: One, description: One., targets: {resolve: %s}, warn: %s, calendar: ours}
  P2: {name: Two, description: Two.}
  P3: {name: Three, description: Three.}
  P4: {name: Four, description: Four.}
`, calendar, target, warn)}
	p, err := plan.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOnlyWorkingTimeCounts(t *testing.T) {
	t.Parallel()
	const (
		berlin  = `{zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], hours: ["09:00-17:00"], holidays: ["12-25", "2026-12-24"]}`
		lunch   = `{zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], hours: ["09:00-12:00", "13:00-18:00"]}`
		night   = `{zone: Europe/Berlin, days: [sat, sun], hours: ["00:00-06:00"]}`
		always  = `{zone: Europe/Berlin, days: [sun, mon, tue, wed, thu, fri, sat], hours: ["00:00-24:00"]}`
		newYork = `{zone: America/New_York, days: [sat, sun, mon], hours: ["00:00-08:00"]}`
		twice   = `{zone: America/New_York, days: [sun, mon], hours: ["01:30-08:00"]}`
		cairo   = `{zone: Africa/Cairo, days: [thu, fri], hours: ["00:00-08:00", "22:00-24:00"]}`
		skipped = `{zone: America/New_York, days: [sun, mon], hours: ["02:30-08:00"]}`
	)
	for name, c := range map[string]struct{ calendar, target, from, want string }{
		"within the day":           {berlin, "2h", "2026-11-23T10:00:00+01:00", "2026-11-23T12:00:00+01:00"},
		"to the last minute":       {berlin, "8h", "2026-11-23T09:00:00+01:00", "2026-11-23T17:00:00+01:00"},
		"over night":               {berlin, "4h", "2026-11-23T15:00:00+01:00", "2026-11-24T11:00:00+01:00"},
		"declared at night":        {berlin, "1h", "2026-11-23T03:00:00+01:00", "2026-11-23T10:00:00+01:00"},
		"declared on Friday night": {berlin, "1h", "2026-11-20T23:00:00+01:00", "2026-11-23T10:00:00+01:00"},
		"asked in another zone":    {berlin, "1h", "2026-11-22T23:30:00-08:00", "2026-11-23T10:00:00+01:00"},
		"over holidays":            {berlin, "2h", "2026-12-23T16:00:00+01:00", "2026-12-28T10:00:00+01:00"},
		"yearly holiday":           {berlin, "1h", "2028-12-25T10:00:00+01:00", "2028-12-26T10:00:00+01:00"},
		"over lunch":               {lunch, "2h", "2026-11-23T11:00:00+01:00", "2026-11-23T14:00:00+01:00"},

		// Berlin: 2026-03-29 02:00 is 03:00; 2026-10-25 03:00 is 02:00 again.
		"over a weekend of change, spring": {berlin, "4h", "2026-03-27T15:00:00+01:00", "2026-03-30T11:00:00+02:00"},
		"over a weekend of change, autumn": {berlin, "4h", "2026-10-23T15:00:00+02:00", "2026-10-26T11:00:00+01:00"},
		"the short night has five hours":   {night, "6h", "2026-03-29T00:00:00+01:00", "2026-04-04T01:00:00+02:00"},
		"the long night has seven":         {night, "7h", "2026-10-25T00:00:00+02:00", "2026-10-25T06:00:00+01:00"},
		"a day of 23 hours":                {always, "24h", "2026-03-29T00:00:00+01:00", "2026-03-30T01:00:00+02:00"},
		"a day of 25 hours":                {always, "24h", "2026-10-25T00:00:00+02:00", "2026-10-25T23:00:00+01:00"},
		"a day is 24 hours":                {always, "1d", "2026-10-25T00:00:00+02:00", "2026-10-25T23:00:00+01:00"},

		// New York: 2026-03-08 02:00 is 03:00; 2026-11-01 02:00 is 01:00 again.
		"spring in New York":     {newYork, "8h", "2026-03-08T00:00:00-05:00", "2026-03-09T01:00:00-04:00"},
		"autumn in New York":     {newYork, "8h", "2026-11-01T00:00:00-04:00", "2026-11-01T07:00:00-05:00"},
		"hours that begin twice": {twice, "1h", "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-05:00"},
		// Cairo: 2026-04-24 has no midnight, 00:00 is 01:00.
		"a midnight that is skipped": {cairo, "3h", "2026-04-23T22:00:00+02:00", "2026-04-24T02:00:00+03:00"},
		"hours that begin in a skip": {skipped, "1h", "2026-03-08T00:00:00-05:00", "2026-03-08T04:00:00-04:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ok := counting(t, c.calendar, c.target, "off").Deadline(incident.P1, incident.ClockResolve, at(t, c.from))
			if want := at(t, c.want); !ok || !d.Due.Equal(want) || d.Due.Location() != time.UTC || !d.Warn.IsZero() {
				t.Errorf("%s from %s: %v %v, want %v", c.target, c.from, d, ok, want.UTC())
			}
		})
	}
}

func TestWarningsComeInWorkingTime(t *testing.T) {
	t.Parallel()
	const berlin = `{zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], hours: ["09:00-17:00"]}`
	from := at(t, "2026-11-20T15:00:00+01:00") // a Friday
	for warn, want := range map[string]string{
		"25%": "2026-11-23T10:00:00+01:00",
		"2h":  "2026-11-20T17:00:00+01:00",
	} {
		d, _ := counting(t, berlin, "4h", warn).Deadline(incident.P1, incident.ClockResolve, from)
		if !d.Warn.Equal(at(t, want)) || !d.Due.Equal(at(t, "2026-11-23T11:00:00+01:00")) {
			t.Errorf("warn %s: %v", warn, d)
		}
	}
	if d, ok := counting(t, berlin, "4h", "5h").Deadline(incident.P1, incident.ClockResolve, from); !ok || !d.Warn.IsZero() {
		t.Errorf("a warning before the beginning: %v", d)
	}
}

func TestTargetsOfTheDefaultPlan(t *testing.T) {
	t.Parallel()
	p := load(t, false)
	d, ok := p.Deadline(incident.P1, incident.ClockAck, moment)
	if !ok || d.Due.Sub(moment) != 5*time.Minute || d.Warn.Sub(moment) != 4*time.Minute {
		t.Errorf("P1 acknowledge: %v %v", d, ok)
	}
	if _, ok := p.Deadline(incident.P4, incident.ClockContain, moment); ok {
		t.Error("P4 has to be contained")
	}
	if _, ok := p.Deadline(incident.P1, incident.ClockRung, moment); ok {
		t.Error("rungs have a target")
	}
	if _, ok := p.Deadline(0, incident.ClockAck, moment); ok {
		t.Error("no severity has a target")
	}
	if d, calendar := p.Target(incident.P3, incident.ClockContain); d != 16*time.Hour || calendar != "business-hours" {
		t.Errorf("P3 contain: %v by %s", d, calendar)
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}
