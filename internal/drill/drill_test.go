package drill

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var update = flag.Bool("update", false, "write the golden files anew")

var start = time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC)

func shipped(t testing.TB) []Scenario {
	t.Helper()
	all, err := All(templates.Scenarios())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSixScenariosAreShippedAndComplete(t *testing.T) {
	all := shipped(t)
	if len(all) != 6 {
		t.Fatal(len(all))
	}
	for _, s := range all {
		if s.Points() != 100 {
			t.Errorf("%s brings %d points, not 100", s.Name, s.Points())
		}
		for _, e := range s.Expected {
			if len(e.Answer.Steps) == 0 {
				t.Errorf("%s: no model answer for %q", s.Name, e.Do)
			}
		}
	}
}

// record is a room as a night left it: minutes after the start, who, what.
type record struct{ events []incident.Recorded }

func (r *record) at(min float64, who incident.PersonID, e incident.Event) *record {
	at := start.Add(time.Duration(min * float64(time.Minute)))
	r.events = append(r.events, incident.Recorded{Seq: int64(len(r.events) + 1), At: at, Occurred: at, By: who, Event: e})
	return r
}

func (r *record) end(min float64) Record {
	return Record{Began: start, Ended: start.Add(time.Duration(min * float64(time.Minute))), Events: r.events}
}

// A night that went middling: alice declares too low and corrects it, nobody finds the
// second key, the one whose laptop died takes command again.
func middling() *record {
	r := &record{}
	return r.at(2, "alice", incident.Declared{Title: incident.Seal("key leaked"), Severity: incident.P3}).
		at(7, "alice", incident.SeveritySet{From: incident.P3, To: incident.P1}).
		at(7.5, "bob", incident.Acknowledged{Person: "bob"}).
		at(9, "bob", incident.RoleTaken{Role: incident.Commander, Person: "bob"}).
		at(10, "carol", incident.Scoped{N: 1, Kind: incident.ScopeIdentity, Name: incident.Seal("CI-Deploy"), State: incident.Confirmed}).
		at(12, "bob", incident.PhaseSet{From: incident.Detection, To: incident.Containment}).
		at(21, "bob", incident.RoleTaken{Role: incident.Commander, Person: "bob"}).
		at(26, "carol", incident.RoleTaken{Role: incident.Commander, Person: "carol", From: "bob"}).
		at(29, "carol", incident.Updated{Text: incident.Seal("both keys are revoked")})
}

func TestAMiddlingNight(t *testing.T) {
	s, _ := Find(shipped(t), "leaked-cloud-key")
	for name, r := range map[string]Record{
		"middling": middling().end(41), "stopped": middling().end(13), "nobody": (&record{}).end(41),
	} {
		score := Score(s, r)
		got := templates.ScoreDocument(score, func(id incident.PersonID) string { return string(id) }, "")
		got = strings.ReplaceAll(got, s.Digest[:12], "sha256:.....")
		path := filepath.Join("testdata", "golden", name+".md")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != got {
			t.Errorf("%s differs from %s (%v); -update writes it:\n%s", name, path, err, got)
		}
	}
}

func TestTheDrillThatOpensTheRoomAsksNobodyToDeclare(t *testing.T) {
	s, _ := Find(shipped(t), "leaked-cloud-key")
	r := middling().end(41)
	r.Opened = true
	score := Score(s, r)
	if l := score.Lines[0]; l.Result != incident.DrillNotAsked || l.Points != 0 || score.Declared != nil || score.Of != 85 {
		t.Fatal(l, score.Of)
	}
}

func TestErasedWordsSayNothing(t *testing.T) {
	s, _ := Find(shipped(t), "leaked-cloud-key")
	r := middling()
	for i := range r.events {
		if e, ok := r.events[i].Event.(incident.Scoped); ok {
			e.Name = incident.Sealed{Ref: "gone"}
			r.events[i].Event = e
		}
	}
	if l := Score(s, r.end(41)).Lines[3]; l.Result != incident.DrillMissed {
		t.Fatal(l)
	}
}

func anyEvent(t *rapid.T) incident.Event {
	who := rapid.SampledFrom([]incident.PersonID{"alice", "bob", "carol"}).Draw(t, "who")
	word := incident.Seal(rapid.SampledFrom([]string{"ci-deploy", "backup-admin", "x"}).Draw(t, "word"))
	return rapid.SampledFrom([]incident.Event{
		incident.Declared{Severity: incident.Severity(rapid.IntRange(0, 4).Draw(t, "sev")), Title: word}, incident.Acknowledged{Person: who},
		incident.SeveritySet{To: incident.P1}, incident.RoleTaken{Role: incident.Commander, Person: who}, incident.Scoped{Name: word, State: incident.Confirmed},
		incident.PhaseSet{To: rapid.SampledFrom(incident.Phases()).Draw(t, "phase")}, incident.Updated{Text: word}, incident.Noted{Text: word},
		incident.TaskAdded{Text: word}, incident.WasResolved{}, incident.Injected{N: rapid.IntRange(-1, 9).Draw(t, "inject")},
	}).Draw(t, "event")
}

// Whatever happened: the points add up, nothing is counted twice, and doing the same
// things earlier never brings less.
func TestScoresHold(t *testing.T) {
	all := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(all).Draw(t, "scenario")
		r := &record{}
		minute := 0.0
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			minute += rapid.Float64Range(0, 4).Draw(t, "later")
			r.at(minute, "alice", anyEvent(t))
		}
		rec := r.end(rapid.Float64Range(0, 60).Draw(t, "end"))
		score := Score(s, rec)
		points, of, late := 0, 0, 0
		for i, l := range score.Lines {
			switch l.Result {
			case incident.DrillNotAsked, incident.DrillNotReached:
			default:
				of += l.Of
			}
			points += l.Points
			if l.Result == incident.DrillLate {
				late++
			}
			if l.Points > l.Of || l.Points > 0 && l.Seq == 0 || l.Of != s.Expected[i].Points {
				t.Fatalf("line %d: %+v", i, l)
			}
			if l.Seq > 0 && (l.At < l.From || l.At > rec.Ended.Sub(rec.Began)) {
				t.Fatalf("line %d counts what came before it was wanted or after the end: %+v", i, l)
			}
			if (l.Result == incident.DrillDone) != (l.Seq > 0 && l.At <= l.Due) {
				t.Fatalf("line %d: %+v", i, l)
			}
		}
		if points != score.Points || of != score.Of || late != score.Late || score.Missed > len(s.Injects) || len(score.Lines) != len(s.Expected) {
			t.Fatalf("%+v", score)
		}
		if again := Score(s, rec); again.Points != score.Points {
			t.Fatal("the same record, another score")
		}
		longer := rec
		longer.Ended = rec.Ended.Add(time.Hour)
		if more := Score(s, longer); more.Points < score.Points {
			t.Fatalf("more time brought less: %d, then %d", score.Points, more.Points)
		}
	})
}
