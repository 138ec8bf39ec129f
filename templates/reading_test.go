package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// house is a plan small enough to read.
type house struct{ incident.Rules }

func (house) Digest() string { return "sha256:bbbb" }
func (house) Deadline(_ incident.Severity, c incident.ClockName, from time.Time) (incident.Deadline, bool) {
	return incident.Deadline{Due: from.Add(15 * time.Minute)}, c == incident.ClockAck || c == incident.ClockUpdate
}
func (house) Ladder(incident.Severity, string) incident.Ladder { return okta }
func (house) Roles() []incident.RoleSpec {
	return []incident.RoleSpec{{Role: incident.Commander, Title: "Commander", Duty: "decides"}, {Role: "scribe", Duty: "writes"}}
}
func (house) Checklist(string, incident.Phase) []string {
	return []string{"Revoke sessions", "Rotate keys"}
}

func TestCardsThatAnswerAQuestion(t *testing.T) {
	open := theft("okta session theft", false, false)
	fresh := &record{}
	fresh.at(0, "alice", incident.Declared{ID: "INC-0042", Title: incident.Seal("odd sign-ins"), Codename: "Grey Finch", Severity: incident.P3, Type: "identity"})
	over := theft("okta session theft", false, false).over()
	hidden := theft("okta session theft", true, true)
	now := at(45)
	me := func(r *record) Me {
		return Me{Person: r.s.Person("bob"), Incidents: []incident.State{r.s}, Duties: Duties(r.s, "bob", now)}
	}
	for name, c := range map[string]Card{
		"summary-open": Summary(open.s, now), "summary-fresh": Summary(fresh.s, now), "summary-over": Summary(over.s, at(120)), "summary-drill": Summary(hidden.s, now),
		"announcement-open": Announcement(open.s, now), "announcement-over": Announcement(over.s, at(120)), "announcement-private": Announcement(hidden.s, now),
		"home": Home(me(open), at(70)), "home-empty": Home(Me{Person: incident.Person{ID: "zoe"}, Incidents: []incident.State{hidden.s}}, now), "home-over": Home(me(over), at(120)),
		"status-open": Status(open.s, now), "status-fresh": Status(fresh.s, now), "list": List([]incident.State{open.s, hidden.s, over.s}, now), "list-none": List(nil, now),
		"clocks": Clocks(open.s, at(60)), "tasks": Tasks(open.s), "tasks-none": Tasks(fresh.s), "scope": ScopeCard(open.s), "scope-none": ScopeCard(fresh.s),
		"timeline": TimelineCard(Timeline(open.events), 1), "timeline-2": TimelineCard(Timeline(open.events), 2), "timeline-none": TimelineCard(nil, 7),
		"catchup": Catchup(open.s, Timeline(open.events), time.Time{}, now), "catchup-since": Catchup(open.s, Timeline(open.events), at(26), now),
		"handoff": Handoff(open.s, Timeline(open.events), now), "plan": PlanCard(open.s, house{}, now), "items": Items(over.s), "items-none": Items(open.s),
	} {
		golden(t, name+".txt", spell(c))
		golden(t, name+".terminal.txt", Terminal(c))
		for _, line := range strings.Split(Terminal(c), "\n") {
			if len([]rune(line)) > terminalWidth && !strings.Contains(line, "http") && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s: a line of %d columns in a terminal: %s", name, len([]rune(line)), line)
			}
		}
	}
}

func TestTheTimelineTellsTheRecordAsItWasCorrected(t *testing.T) {
	r := theft("okta session theft", false, false)
	r.at(41, "alice", incident.Noted{Text: incident.Seal("the password is hunter2")})
	secret := int64(len(r.events))
	r.at(42, "alice", incident.Noted{Text: incident.Seal("seen at nine")})
	wrong := int64(len(r.events))
	r.at(43, "alice", incident.Noted{Text: incident.Seal("wrong room")})
	aside := int64(len(r.events))
	r.at(44, "bob", incident.Redacted{Seq: secret, Why: "password pasted"},
		incident.EntryEdited{Seq: wrong, Text: incident.Seal("seen at eight"), When: at(-30), Why: incident.Seal("misread")},
		incident.EntryHidden{Seq: aside, Why: incident.Seal("not ours")})
	var all strings.Builder
	bySeq := map[int64]Entry{}
	entries := Timeline(r.events)
	for _, n := range entries {
		bySeq[n.Seq] = n
		all.WriteString(n.Text + n.First + "\n")
	}
	if strings.Contains(all.String(), "hunter2") || !bySeq[secret].Erased {
		t.Error("erased text is still told")
	}
	if n := bySeq[wrong]; entries[0].Seq != wrong || n.Text != "seen at eight" || !strings.Contains(n.First, "seen at nine") || !n.Edited {
		t.Errorf("corrected entry: %+v", n)
	}
	if !bySeq[aside].Hidden || strings.Contains(spell(TimelineCard(entries, 1)), "wrong room") {
		t.Error("hidden entry is shown")
	}
	doc := PostMortem(r.s, r.events, Options{}).Body
	if strings.Contains(doc, "hunter2") || strings.Contains(doc, "wrong room") {
		t.Error("the post-mortem tells what was erased or hidden")
	}
}

func TestDutiesComeMostUrgentFirst(t *testing.T) {
	r := theft("okta session theft", false, false)
	r.at(41, "bob", incident.RoleOffered{Role: "scribe", To: "alice"})
	alice := Duties(r.s, "alice", at(100))
	if len(alice) != 2 || !alice[0].Overdue || !strings.Contains(alice[0].What, "Rotate") || !strings.Contains(alice[1].What, "scribe") {
		t.Errorf("alice: %+v", alice)
	}
	if bob := Duties(r.s, "bob", at(100)); len(bob) != 1 || bob[0].Button.Opens != "update" {
		t.Errorf("bob: %+v", bob)
	}
	private := theft("okta session theft", true, false)
	if got := Duties(private.s, "zoe", at(100)); got != nil {
		t.Errorf("an outsider has duties in a confidential incident: %+v", got)
	}
}
