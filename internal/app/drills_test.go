package app

import (
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
)

func TestTheScheduleFiresInItsZoneAndOnce(t *testing.T) {
	day := plan.DrillDay{Cron: "0 10 1 * *", Scenario: "ransomware"}
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		after, until string
		fires        bool
	}{
		{"2026-06-01T07:59:30Z", "2026-06-01T08:00:30Z", true}, // ten o'clock in Berlin, in summer
		{"2026-06-01T08:00:30Z", "2026-06-01T08:01:30Z", false},
		{"2026-12-01T08:59:30Z", "2026-12-01T09:00:00Z", true}, // in winter
		{"2026-12-01T07:59:30Z", "2026-12-01T08:00:30Z", false},
		{"2026-05-31T00:00:00Z", "2026-09-02T00:00:00Z", true}, // away for months: once
	} {
		got, ok := due(day, "Europe/Berlin", at(c.after), at(c.until))
		if ok != c.fires || ok && (!got.After(at(c.after)) || got.After(at(c.until))) {
			t.Errorf("%s to %s: %v %v", c.after, c.until, got, ok)
		}
	}
	if _, ok := due(day, "Nowhere/Land", at("2026-05-31T00:00:00Z"), at("2026-09-02T00:00:00Z")); ok {
		t.Error("fires in no zone")
	}
}

// Two replicas ask for the same moment: one drill begins, marked from its first event,
// and it stands apart from real incidents.
func TestAScheduledDrillBeginsOnce(t *testing.T) {
	d, err := StartDemo(t.Context(), DemoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	a, at := d.App(), time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	for range 2 {
		a.drills.beginScheduled(t.Context(), plan.DrillDay{Cron: "0 10 1 * *", Scenario: "ransomware"}, at)
	}
	yes, no := true, false
	drills, err := a.db.List(t.Context(), store.Filter{Drill: &yes})
	if err != nil || len(drills) != 1 || drills[0].Drilling == nil || drills[0].Declarer != incident.Clockwork.ID {
		t.Fatal(drills, err)
	}
	if real, err := a.db.List(t.Context(), store.Filter{Drill: &no}); err != nil || len(real) != 0 {
		t.Fatal(real, err)
	}
	score, err := a.drills.Score(t.Context(), drills[0])
	if err != nil || score.Scenario != "ransomware" || score.Lines[0].Result != incident.DrillNotAsked {
		t.Fatal(score, err)
	}
	// The program comes with another version of the scenario: the one that is played counts.
	a.drills.all = nil
	again, err := a.drills.Score(t.Context(), drills[0])
	if err != nil || len(again.Lines) != len(score.Lines) || again.Digest != score.Digest {
		t.Fatal(again, err)
	}
}
