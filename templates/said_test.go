package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

var aSignal = incident.SignalSeen{Group: "g1", Source: "sensor", Rule: incident.Seal("sigma/lnx-reverse-shell"), Title: incident.Seal("Reverse shell"), Level: incident.LevelHigh,
	Techniques: []string{"T1059.004"}, Host: incident.Seal("web-3"), Entities: incident.Seal("host/web-3\naddress/203.0.113.9\ndomain/evil.example"), Count: 3, First: at(43), Last: at(44),
	Summary: incident.Seal("bash (4711) talks to evil.example <https://evil.example>")}

var aHunt = incident.Looking{What: incident.LookHunt, Kind: "domain", Subject: incident.Seal("evil.example")}

// everyEvent is one of each event, as it might be said.
func everyEvent() []incident.Event {
	return []incident.Event{
		incident.Declared{ID: "INC-0042", Title: incident.Seal("okta session theft"), Codename: "Copper Heron", Severity: incident.P2, Type: "identity", FromText: incident.Seal("is this you?")},
		incident.Met{Person: incident.Person{ID: "carol", Slack: "U0CAROL"}},
		incident.Excluded{Person: "mallory"}, incident.RoomOpened{Channel: "C042", Name: "inc-0042"},
		incident.RoomLost{Why: "the channel was deleted"}, incident.MessagePinned{View: incident.ViewSummary, Channel: "C042", TS: "1"},
		incident.SeveritySet{From: incident.P1, To: incident.P2, Reason: incident.Seal("one account only")},
		incident.Retitled{Title: incident.Seal("okta admin session theft")}, incident.TypeSet{From: "identity", To: "insider"},
		incident.Scoped{N: 3, Kind: incident.ScopeHost, Name: incident.Seal("web-3"), State: incident.Confirmed, Note: incident.Seal("beaconing")},
		incident.TimeSet{Which: incident.Impact, At: at(-60), Why: incident.Seal("first log line")},
		incident.RoleTaken{Role: incident.Commander, Person: "alice", From: "bob"}, incident.RoleOffered{Role: incident.Commander, To: "alice"},
		incident.RoleDeclined{Role: incident.Commander, Person: "alice"}, incident.Joined{Person: "alice"},
		incident.LadderStarted{Ladder: okta, Why: incident.Seal("severity up")}, incident.RungFired{Page: "40", Rung: 1, Round: 2, Again: true},
		incident.RungSkipped{Page: "12", Why: "everybody on it is excluded"}, incident.Paged{Page: "12", People: []incident.PersonID{"bob"}, Vendor: incident.VendorRef{Vendor: "pagerduty"}},
		incident.PageTrouble{Page: "12", Why: "PagerDuty answered 503", People: []incident.PersonID{"bob"}},
		incident.LadderEnded{Ladder: "security", Rounds: 2}, incident.LadderStopped{Why: "the severity pages nobody"},
		incident.Acknowledged{Person: "alice", Duty: true}, incident.AckIgnored{Person: "alice", Why: "declared it and was not paged; `ack i-have-it` takes the duty"},
		incident.Unacknowledged{Person: "bob", Why: incident.Seal("on a train")},
		incident.VendorNoted{Vendor: incident.VendorRef{Vendor: "pagerduty"}, Kind: "incident.resolved", Who: "bob"},
		incident.ClockSet{Clock: incident.ClockUpdate, Due: at(90)}, incident.ClockStopped{Clock: incident.ClockUpdate},
		incident.ClockWarned{Clock: incident.ClockAck, Due: at(15)}, incident.ClockWarned{Clock: incident.ClockUpdate, Due: at(55)},
		incident.ClockWarned{Clock: incident.ClockContain, Due: at(120)}, incident.ClockWarned{Clock: incident.ClockResolve, Due: at(240)}, incident.ClockWarned{Clock: incident.ClockPostMortem, Due: at(5000)},
		incident.ClockBreached{Clock: incident.ClockAck, Due: at(15)}, incident.ClockBreached{Clock: incident.ClockUpdate, Due: at(55)},
		incident.ClockBreached{Clock: incident.ClockContain, Due: at(120)}, incident.ClockBreached{Clock: incident.ClockResolve, Due: at(240)},
		incident.ClockBreached{Clock: "task/1", Due: at(90)}, incident.AskedAgain{Person: "bob"},
		incident.Updated{Text: incident.Seal("All sessions revoked.\nNext: grants.")}, incident.Noted{Text: incident.Seal("seen on web-3 too")},
		incident.Kept{Ref: incident.MessageRef{Channel: "C042", TS: "9"}, Author: "alice", Text: incident.Seal("kept")},
		incident.TaskAdded{N: 3, Text: incident.Seal("Call legal"), Phase: incident.Containment, Owner: "alice", Due: at(200)}, incident.TaskChanged{N: 1, Done: ptr(true)},
		incident.PhaseSet{From: incident.Detection, To: incident.Containment},
		incident.EntryEdited{Seq: 20, Text: incident.Seal("better"), Why: incident.Seal("typing error")}, incident.EntryHidden{Seq: 20, Why: incident.Seal("wrong room")}, incident.Redacted{Seq: 20, Why: "password pasted"},
		incident.MergedAway{Into: "INC-0050"}, incident.TookMerged{From: "INC-0041"}, incident.LinkedTo{To: "INC-0040"},
		incident.WasResolved{Text: incident.Seal("Token revoked.")}, incident.WasReopened{Why: incident.Seal("seen again")}, incident.WasClosed{Waived: incident.Seal("task 2 moved to the team")},
		incident.ItemAdded{N: 1, Text: incident.Seal("Scan build logs"), Kind: "detect", Owner: "alice", Due: at(20000)}, incident.ItemChanged{N: 1, Owner: ptr(incident.PersonID("bob"))},
		incident.ItemIsFiled{N: 1, Number: 7, URL: "https://github.example.com/sec/pm/issues/7"},
		incident.PostMortemDrafted{Owner: "bob", Due: at(7000)}, incident.PostMortemEdited{Section: incident.SectionImpact, Text: incident.Seal("none")}, incident.PublishAsked{},
		incident.PostMortemPublished{Repo: "sec/pm", Number: 6, URL: "https://github.example.com/sec/pm/issues/6", Trouble: "The label drill was dropped."},
		incident.Reminded{Person: "bob", What: "postmortem"}, incident.Reminded{What: "stale"}, incident.Reminded{What: "dead/say"},
		incident.EffectDied{Effect: "INC-0042/9/1", Kind: "page", Why: "gave up after 12 attempts"}, incident.EffectDropped{Effect: "INC-0042/9/2", Kind: "page", Why: "acknowledged meanwhile"},
		incident.PlanAdopted{Plan: "sha256:bbbb"},
		incident.SecretSeen{Ref: &incident.MessageRef{Channel: "C042", TS: "9.1", Permalink: "https://slack.example.com/archives/C042/p91"}, Author: "bob", Found: []incident.FoundSecret{{Kind: "aws-access-token", Count: 1}, {Kind: "password", Count: 2}}},
		incident.Distrusted{N: 1, Kind: "slack", Why: incident.Seal("tokens stolen")}, incident.Distrusted{N: 1, Kind: "pagerduty", Why: incident.Seal("keys leaked")},
		incident.Distrusted{N: 1, Kind: "okta", Name: incident.Seal("mallory@example.com"), Why: incident.Seal("session theft")}, incident.Distrusted{N: 1, Kind: "host", Name: incident.Seal("web-3"), Why: incident.Seal("rootkit")},
		incident.Distrusted{N: 1, Kind: "github", Why: incident.Seal("token leaked")}, incident.Distrusted{N: 1, Kind: "cli", Why: incident.Seal("laptop lost")},
		incident.PrivilegeMarked{Why: incident.Seal("counsel asked")}, incident.PrivilegeMarked{Seq: 30, Why: incident.Seal("counsel's mail")}, incident.PrivilegeMarked{Seq: 30, Off: true, Why: incident.Seal("a mistake")},
		incident.PostMortemEscalated{Step: 1, To: []incident.PersonID{"bob"}}, incident.ClockBreached{Clock: incident.ClockLate, Due: at(9000)},
		incident.PublishAsked{Waived: incident.Seal("counsel agreed")},
		incident.TrustAsked{N: 1, Why: incident.Seal("tokens rotated")}, incident.Trusted{N: 1, First: "bob", Why: incident.Seal("tokens rotated")},
		incident.DrillBegun{Exercise: incident.Exercise{Scenario: "leaked-cloud-key", Title: "A cloud key on a paste site", About: "Somebody uses it.", Length: 40 * time.Minute}},
		incident.Injected{N: 2, Inject: incident.Inject{Kind: incident.InjectMessage, From: "Dave", Text: "The key is in a paste."}}, incident.Injected{N: 3, Inject: incident.Inject{Kind: incident.InjectFault, Text: "PagerDuty answers nothing."}},
		incident.DrillYielded{To: "INC-0050"}, incident.DrillYielded{}, incident.DrillEnded{}, incident.DrillEnded{Why: "it was stopped: lunch"}, incident.DrillScored{Score: aScore()},
		incident.CardPosted{Seq: 10, To: incident.PlaceRoom, Channel: "C042", TS: "1.5", Waits: "page"},
		incident.LegalHoldSet{Why: incident.Seal("counsel expects a claim")}, incident.LegalHoldSet{From: "INC-0041"}, incident.LegalHoldLiftAsked{Why: incident.Seal("settled")}, incident.LegalHoldLifted{First: "bob", Why: incident.Seal("settled")},
		incident.EvidenceExported{To: incident.Seal("State police, case 12"), Items: 3}, incident.EvidenceErased{Days: 365, Items: []incident.ErasedItem{{Stream: "INC-0042", Line: 8, Stored: "ab"}}, Refs: []string{"ab"}, Why: "kept for 365 days after closing"},
		incident.SecretSeen{Entry: 30, Author: "bob", Found: []incident.FoundSecret{{Kind: "password", Count: 1}}},
		incident.ExceptionMade{Exception: anException}, incident.ExceptionEnding{Exception: anException}, incident.ExceptionEnded{Exception: anException, Expired: true}, incident.ExceptionEnded{Exception: anException, Why: incident.Seal("the backup is gone")},
		aSignal, incident.SignalGrew{Group: "g1", Level: incident.LevelCritical, Techniques: []string{"T1059.004", "T1071"}, Hosts: 3, Count: 24, Last: at(44), Worse: true,
			News: []incident.SignalNews{{Title: incident.Seal("Data is carried in names"), Level: incident.LevelCritical, Techniques: []string{"T1071"}, Summary: incident.Seal("dns /usr/bin/dig")}}},
		incident.SignalGrew{Group: "g1", Level: incident.LevelHigh, Count: 6, Last: at(44)}, incident.SignalsJudged{Group: "g1", False: true, Why: incident.Seal("our own scanner")},
		incident.LookBegun{N: 1, Looking: aHunt}, incident.LookStopped{N: 1}, incident.LookEnded{N: 1, Looking: aHunt, Count: incident.LookCount{Rows: 4, Hosts: 9, Hit: 2, Silent: 1}, Text: incident.Seal("4 signs on 2 of 9 hosts")},
		incident.Looked{Looking: incident.Looking{What: incident.LookConns, Subject: incident.Seal("web-3")}, Count: incident.LookCount{Rows: 14, Hosts: 1}},
	}
}

func TestEveryEventIsSaidTheWayItIsAgreed(t *testing.T) {
	for _, place := range []incident.Place{incident.PlaceRoom, incident.PlacePerson, incident.PlaceAnnounce} {
		var b strings.Builder
		for _, e := range everyEvent() {
			who := incident.PersonID("")
			if place == incident.PlacePerson {
				who = "bob"
			}
			b.WriteString("== " + incident.KindOf(e) + "\n" + spell(theft("okta session theft", false, false).at(45, "alice", e).said(place, who)) + "\n")
		}
		golden(t, "said-"+string(place)+".txt", b.String())
	}
}

func TestAConfidentialIncidentIsSaidByItsCodename(t *testing.T) {
	var b strings.Builder
	for _, e := range everyEvent() {
		if d, ok := e.(incident.Declared); ok {
			d.Private = true
			e = d
		}
		b.WriteString("== " + incident.KindOf(e) + "\n" + spell(theft("okta session theft", true, true).at(45, "alice", e).said(incident.PlacePerson, "bob")) + "\n")
	}
	golden(t, "said-person-confidential.txt", b.String())
}

func TestWhatIsSaidIsShortAndLeadsSomewhere(t *testing.T) {
	for _, e := range everyEvent() {
		if d, ok := e.(incident.Declared); ok {
			d.Drill = true
			e = d
		}
		c := theft("okta session theft", false, true).at(45, "alice", e).said(incident.PlaceRoom, "")
		if c.IsZero() {
			continue
		}
		if !strings.HasPrefix(c.Lead, "DRILL") {
			t.Errorf("%T: a drill's card leads with %q", e, c.Lead)
		}
		for _, b := range c.Blocks {
			if len(b.Buttons) > 5 || len(b.Text) > 3000 || len(b.Context) > 10 {
				t.Errorf("%T: a block is too big for a phone or for Slack", e)
			}
			for _, x := range b.Buttons {
				if x.Words == "" && x.URL == "" || x.URL == "" && x.Stream != "INC-0042" {
					t.Errorf("%T: button %q leads nowhere", e, x.Label)
				}
			}
		}
	}
}

func TestWhoeverIsExcludedIsToldNothing(t *testing.T) {
	r := theft("okta session theft", false, false)
	r.at(41, "bob", met("mallory", "U0MALLORY", "Mallory"), incident.Excluded{Person: "mallory"})
	if c := r.said(incident.PlacePerson, "mallory"); !c.IsZero() {
		t.Errorf("the excluded person was told: %s", spell(c))
	}
	room := spell(r.said(incident.PlaceRoom, ""))
	if strings.Contains(room, "MALLORY") || strings.Contains(room, "Mallory") {
		t.Errorf("a room that anybody may read names who was excluded: %s", room)
	}
	r.at(42, "tocsin", incident.AckIgnored{Person: "mallory", Why: "is excluded from this incident"})
	room = spell(r.said(incident.PlaceRoom, "")) + Sentence(r.s, r.events[len(r.events)-1])
	if strings.Contains(room, "xcluded") || strings.Contains(room, "allory") {
		t.Errorf("the acknowledgement gives the exclusion away: %s", room)
	}
	if c := r.at(43, "bob", incident.Updated{Text: incident.Seal("x")}).said(incident.PlacePerson, "mallory"); !c.IsZero() {
		t.Error("an update reached the excluded person")
	}
}

func TestWhatIsNotBelievedIsSaidByName(t *testing.T) {
	var b strings.Builder
	for _, private := range []bool{false, true} {
		for _, place := range []incident.Place{incident.PlaceRoom, incident.PlacePerson} {
			for _, e := range []incident.Event{incident.TrustAsked{N: 1, Why: incident.Seal("signed in anew")}, incident.Trusted{N: 1, First: "bob", Why: incident.Seal("signed in anew")}} {
				r := theft("okta session theft", private, false).at(44, "bob", incident.Distrusted{N: 1, Kind: "okta", Name: incident.Seal("<mallory>@example.com"), Why: incident.Seal("theft")})
				b.WriteString(spell(r.at(45, "alice", e).said(place, "bob")) + "\n")
			}
		}
	}
	golden(t, "said-trust.txt", b.String())
}
