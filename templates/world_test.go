package templates

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with testdata/golden/<name>.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with go test ./templates -update)", err)
	}
	if string(want) != got {
		t.Errorf("%s has changed (go test ./templates -update shows how in the diff)\n--- got\n%s\n--- want\n%s", path, got, want)
	}
}

// start is the night the incident began.
var start = time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC)

func at(min int) time.Time { return start.Add(time.Duration(min) * time.Minute) }

// record writes the record of an incident, minute by minute.
type record struct {
	s      incident.State
	events []incident.Recorded
}

func (r *record) at(min int, by incident.PersonID, events ...incident.Event) *record {
	for _, e := range events {
		line := incident.Recorded{Stream: "INC-0042", Seq: int64(len(r.events) + 1), At: at(min), Occurred: at(min), By: by, Via: incident.ViaSlack, Event: e}
		r.events = append(r.events, line)
		r.s = incident.Apply(r.s, line)
	}
	return r
}

func met(id, slack, name string) incident.Met {
	return incident.Met{Person: incident.Person{ID: incident.PersonID(id), Slack: slack, Name: incident.Seal(name), GitHub: id + "-gh"}}
}

func ptr[T any](v T) *T { return &v }

var okta = incident.Ladder{Name: "security", Rounds: 2, Rungs: []incident.Rung{
	{Name: "security primary", Escalator: "tocsin", Service: "security", Wait: 5 * time.Minute},
	{Name: "security lead", Escalator: "tocsin", People: []incident.Person{{ID: "bob"}}, Wait: 10 * time.Minute},
}}

// theft is the incident most tests look at, told up to its end.
func theft(title string, private, drill bool) *record {
	r := &record{}
	r.at(0, "alice",
		incident.Declared{ID: "INC-0042", Title: incident.Seal(title), Codename: "Copper Heron", Severity: incident.P2, Type: "identity", Private: private, Drill: drill, Plan: "sha256:aaaa"},
		met("alice", "U0ALICE", "Alice Ahn"), met("bob", "U0BOB", "Bob Bø"),
		incident.Joined{Person: "alice"},
		incident.RoomOpened{Channel: "C042", Name: "inc-0042-1123", URL: "https://slack.example.com/archives/C042"},
		incident.ClockSet{Clock: incident.ClockAck, Due: at(15), Warn: at(10)},
		incident.ClockSet{Clock: incident.ClockUpdate, Due: at(30), Warn: at(25)},
		incident.ClockSet{Clock: incident.ClockContain, Due: at(120)},
		incident.LadderStarted{Ladder: okta},
		incident.RungFired{Page: "9", Rung: 0, Round: 1})
	r.at(1, "tocsin", incident.PageTrouble{Page: "9", Why: "PagerDuty answered 503", People: []incident.PersonID{"bob"}})
	r.at(5, "tocsin", incident.RungFired{Page: "12", Rung: 1, Round: 1})
	r.at(6, "alice", incident.SeveritySet{From: incident.P2, To: incident.P1, Reason: incident.Seal("admin account")})
	r.at(15, "tocsin", incident.ClockBreached{Clock: incident.ClockAck, Due: at(15)})
	r.at(17, "bob", incident.Acknowledged{Person: "bob", Page: "12"}, incident.ClockStopped{Clock: incident.ClockAck})
	r.at(18, "bob", incident.Joined{Person: "bob"}, incident.RoleTaken{Role: incident.Commander, Person: "bob"})
	r.at(20, "bob", incident.Scoped{N: 1, Kind: incident.ScopeIdentity, Name: incident.Seal("mallory@example.com"), State: incident.Confirmed, Note: incident.Seal("signed in twice")},
		incident.Scoped{N: 2, Kind: incident.ScopeIndicator, Name: incident.Seal("http://evil.example.com/x"), State: incident.Suspected})
	r.at(25, "bob", incident.Updated{Text: incident.Seal("Sessions revoked.\nLooking for what they read.")}, incident.ClockStopped{Clock: incident.ClockUpdate, Met: true},
		incident.ClockSet{Clock: incident.ClockUpdate, Due: at(55), Warn: at(50)})
	r.at(30, "alice", incident.Noted{Text: incident.Seal("first sign-in from ASN 64500")},
		incident.Kept{Ref: incident.MessageRef{Channel: "C042", TS: "1.2", Permalink: "https://slack.example.com/archives/C042/p12"}, Author: "alice", Text: incident.Seal("found the token in a build log")})
	r.at(31, "bob", incident.TaskAdded{N: 1, Text: incident.Seal("Rotate the signing key"), Phase: incident.Containment, Owner: "alice", Due: at(90)},
		incident.TaskAdded{N: 2, Text: incident.Seal("Review app grants"), Phase: incident.Containment, Checklist: true})
	r.at(40, "bob", incident.PhaseSet{From: incident.Detection, To: incident.Containment})
	return r
}

// over adds the end to theft.
func (r *record) over() *record {
	r.at(50, "alice", incident.TaskChanged{N: 1, Done: ptr(true)})
	r.at(55, "tocsin", incident.ClockBreached{Clock: incident.ClockUpdate, Due: at(55)})
	r.at(60, "bob", incident.PhaseSet{From: incident.Containment, To: incident.Eradication}, incident.ClockStopped{Clock: incident.ClockContain, Met: true})
	r.at(70, "tocsin", incident.EffectDied{Effect: "INC-0042/9/1", Kind: "tell_pager", Why: "PagerDuty answered 503"})
	r.at(90, "bob", incident.WasResolved{Text: incident.Seal("Token revoked, key rotated.")}, incident.ClockStopped{Clock: incident.ClockUpdate},
		incident.PostMortemDrafted{Owner: "bob", Due: at(90 + 5*24*60)},
		incident.ClockSet{Clock: incident.ClockPostMortem, Due: at(90 + 5*24*60)})
	r.at(100, "bob", incident.ItemAdded{N: 1, Text: incident.Seal("Scan build logs for tokens"), Kind: "detect", Owner: "alice", Due: at(14 * 24 * 60)},
		incident.PostMortemEdited{Section: incident.SectionRootCause, Text: incident.Seal("A token was printed by the build.\n- log level debug")})
	r.at(101, "bob", incident.ItemIsFiled{N: 1, Number: 7, URL: "https://github.example.com/sec/pm/issues/7"})
	return r
}

// said renders the last event as it is said somewhere.
func (r *record) said(to incident.Place, who incident.PersonID) Card {
	return Said(incident.Task{
		Owed:     incident.Owed{Effect: incident.Say{To: to, Person: who, Loud: true}},
		Incident: "INC-0042", State: r.s, Event: r.events[len(r.events)-1],
	}, to)
}

// spell writes out a card wholly, for golden files and searches.
func spell(c Card) string {
	var b strings.Builder
	b.WriteString("lead: " + c.Lead + "\n")
	if c.Tone != Calm {
		b.WriteString("tone: " + string(c.Tone) + "\n")
	}
	for _, id := range c.Mentions {
		b.WriteString("notifies: " + string(id) + "\n")
	}
	for _, k := range c.Blocks {
		switch {
		case k.Header != "":
			b.WriteString("# " + k.Header + "\n")
		case k.Text != "":
			b.WriteString(k.Text + "\n")
		case len(k.Fields) > 0:
			for _, f := range k.Fields {
				b.WriteString("| " + f.Label + ": " + f.Value + "\n")
			}
		case len(k.Context) > 0:
			b.WriteString("~ " + strings.Join(k.Context, " ~ ") + "\n")
		case len(k.Buttons) > 0:
			for _, x := range k.Buttons {
				line := "[" + x.Label + "]"
				if x.Style != "" {
					line += " " + x.Style
				}
				if x.URL != "" {
					line += " " + x.URL
				} else {
					line += " " + string(x.Stream) + " /" + x.Words
				}
				if x.Opens != "" {
					line += " (form)"
				}
				b.WriteString(line + "\n")
			}
		case k.Divider:
			b.WriteString("---\n")
		}
	}
	return b.String()
}
