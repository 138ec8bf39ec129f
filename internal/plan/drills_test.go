package plan

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsin-ir/tocsin/templates"
)

// withDrills is the demo's plan with another drills.yaml; "" takes it away.
func withDrills(t *testing.T, text string) (*Plan, error) {
	t.Helper()
	demo, err := Load(templates.DemoPlan())
	if err != nil {
		t.Fatal(err)
	}
	files, err := uncanonical(demo.Files())
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: text}
	}
	delete(folder, drillsFile)
	if text != "" {
		folder[drillsFile] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load(folder)
}

func TestNobodyIsDrilledWhoDidNotOptIn(t *testing.T) {
	p, err := withDrills(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Drills(); len(d.People) != 0 || len(d.Ladder.Rungs) != 0 {
		t.Fatal(d)
	}
	p, err = withDrills(t, "people: [bob]\nladder: high\nzone: Europe/Berlin\nschedule:\n  - {cron: \"0 10 1 * *\", scenario: ransomware}\n")
	if err != nil {
		t.Fatal(err)
	}
	days, zone := p.DrillDays()
	if d := p.Drills(); !d.OptedIn("bob") || d.OptedIn("alice") || d.Ladder.Name != "high" || len(days) != 1 || zone != "Europe/Berlin" {
		t.Fatal(d, days, zone)
	}
}

func TestABrokenScheduleOfDrillsIsFound(t *testing.T) {
	_, err := withDrills(t, "people: [bobb]\nladder: hihg\nzone: Mars\nlader: x\nschedule:\n  - {cron: \"61 * * * *\", scenario: ransomwear}\n  - {scenario: ransomware}\n")
	var broken *Broken
	if !errors.As(err, &broken) {
		t.Fatal(err)
	}
	for _, want := range []string{
		`drills.yaml:1:10: nobody in people.yaml has the id "bobb"; did you mean "bob"?`, `drills.yaml:2:9: no ladder has the name "hihg"`,
		`drills.yaml:3:7: "Mars" is no time zone`, `drills.yaml:4:1: unknown key "lader"`, `"61 * * * *" is no schedule`,
		`there is no scenario "ransomwear"; did you mean "ransomware"?`, `the key "cron" is missing`,
	} {
		if !strings.Contains(broken.Error(), want) {
			t.Errorf("%s is not among\n%s", want, broken)
		}
	}
}
