package templates

import (
	"os"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// aScore has a line of each result.
func aScore() incident.DrillScore {
	m := func(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }
	declared, acked := m(2), m(3.2)
	return incident.DrillScore{
		Scenario: "leaked-cloud-key", Title: "A cloud key on a paste site", Digest: "sha256:0123456789abcdef", Began: at(0), Ended: at(40), Why: "it was stopped: lunch",
		Declared: &declared, Acknowledged: &acked, Injects: 5, Missed: 1, Late: 1, Points: 22, Of: 45,
		Lines: []incident.DrillLine{
			{Do: "Declare it as P2 or worse", Result: incident.DrillDone, Inject: 1, Due: m(5), At: m(2), By: "alice", Seq: 1, Points: 15, Of: 15},
			{Do: "Take command", Result: incident.DrillLate, Inject: 1, Due: m(6), At: m(8.2), By: "bob", Seq: 9, Points: 7, Of: 15},
			{Do: "Put <backup-admin> | into the scope", Result: incident.DrillMissed, Inject: 3, From: m(12), Due: m(19), Of: 15},
			{Do: "Open the room", Result: incident.DrillNotAsked, Inject: 1, Due: m(5), Of: 10},
			{Do: "A status update", Result: incident.DrillNotReached, Inject: 5, From: m(38), Due: m(45), Of: 10},
		},
	}
}

func TestTheScorecardAsAFile(t *testing.T) {
	name := func(id incident.PersonID) string { return map[incident.PersonID]string{"alice": "Alice Archer"}[id] }
	golden(t, "scorecard.md", ScoreDocument(aScore(), name, "leaked-cloud-key.png"))
}

func TestTheChartIsAPicture(t *testing.T) {
	png, err := ScoreChart(aScore())
	if err != nil || len(png) < 2000 || string(png[1:4]) != "PNG" {
		t.Fatal(len(png), err)
	}
	if where := os.Getenv("TOCSIN_CHART"); where != "" { // to look at it
		if err := os.WriteFile(where, png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ScoreChart(incident.DrillScore{}); err == nil {
		t.Fatal("a picture of nothing")
	}
}
