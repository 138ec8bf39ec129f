package bot_test

import (
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Through both doors: an incident is declared, acknowledged, worked on and resolved.
func TestAnIncidentFromWordsToTheEnd(t *testing.T) {
	for name, socket := range map[string]bool{"socket mode": true, "signed http": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, socket)
			w.types("alice", "general", "/incident declare P1 “okta session theft” asset:mallory@example[.]com")
			w.sees("alice", "general", "INC-0001* is declared, P1")
			room := w.roomOf("alice", "inc-0001-")
			if !strings.Contains(room.Name, "okta-session-theft") {
				t.Errorf("the room is called %s", room.Name)
			}
			w.sees("alice", room.ID, "INC-0001")
			w.wait("the summary is pinned", func() bool { c, _ := w.channel("alice", "inc-0001-"); return len(c.Pins) == 1 })
			w.types("alice", room.ID, "/incident ack i have it")
			w.wait("acknowledged", func() bool { return w.load("INC-0001").Paging.AckedBy == "alice" })
			w.types("alice", room.ID, "/incident role take commander")
			w.types("alice", room.ID, "/incident update sessions revoked")
			w.types("alice", room.ID, "/incident task add rotate the key owner:@bob due:tomorrow 9:00")
			w.sees("alice", room.ID, "rotate the key")
			w.types("alice", room.ID, "/incident scope host web-3, web-4 confirmed")
			w.types("alice", room.ID, "/incident times impact 10m ago first login")
			w.types("alice", room.ID, "/incident resolve all keys rotated")
			w.wait("resolved", func() bool { return w.load("INC-0001").Status == incident.Resolved })
			s := w.load("INC-0001")
			if s.Holder(incident.Commander) != "alice" || len(s.Scope) != 3 || s.Times.Impact.IsZero() {
				t.Errorf("commander %q, %d in scope, impact %v", s.Holder(incident.Commander), len(s.Scope), s.Times.Impact)
			}
			owner := incident.PersonID("")
			for _, task := range s.Tasks {
				if task.Text.Text == "rotate the key" {
					owner = task.Owner
				}
			}
			if owner != "bob" {
				t.Errorf("the task belongs to %q", owner)
			}
		})
	}
}

func TestWhatPeopleGetWrongIsSaidToThem(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	for _, c := range []struct{ who, line, want string }{
		{"alice", "/incident statsu", "Did you mean /incident status?"},
		{"alice", "/incident declare p1 " + strings.Repeat("long ", 1000), "at most 200 characters fit"},
		{"alice", "/incident declare p1 " + strings.Repeat("x", 40_000), "can be read"},
		{"alice", "/incident declare p7 a title", "There is no severity"},
		{"alice", "/incident declare p1 a title type:phishng", "Did you mean phishing?"},
		{"alice", "/incident status INC-0099", "There is no INC-0099."},
		{"alice", "/incident sev p1", "There is no open incident"},
		{"guest", "/incident declare p1 by a guest", "Guests"},
		{"alice", "/incident help task", "task add"},
		{"alice", "/incident", "What you can say"},
		{"alice", "/postmortem frob", "There is no"},
	} {
		w.types(c.who, "general", c.line)
		w.sees(c.who, "general", c.want)
	}
	if s := w.load("INC-0001"); s.Exists {
		t.Error("something was declared")
	}
}

// Whoever may not see a confidential incident learns nothing, not even that it is there.
func TestAConfidentialIncidentIsNotThereForOthers(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p2 insider copies data private exclude:@mallory")
	w.sees("alice", "general", "is declared")
	room := w.roomOf("alice", "inc-0001-")
	if !room.Private || strings.Contains(room.Name, "insider") {
		t.Errorf("room %s private=%v", room.Name, room.Private)
	}
	w.types("mallory", "general", "/incident status INC-0001")
	w.sees("mallory", "general", "There is no INC-0001.")
	w.types("mallory", "general", "/incident status INC-0777")
	w.sees("mallory", "general", "There is no INC-0777.")
	w.types("mallory", "general", "/incident list all")
	w.types("mallory", "general", "/incident related INC-0001")
	for _, m := range w.View("mallory", slack.ViewOptions{Channel: "general"}).Messages {
		if strings.Contains(plainJSON(m.Blocks), "insider") {
			t.Errorf("mallory saw %s", m.Blocks)
		}
	}
	if _, ok := w.channel("mallory", "inc-0001"); ok {
		t.Error("mallory sees the room")
	}
}

func TestSeveralOpenIncidentsAreAskedAbout(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 first thing")
	w.types("alice", "general", "/incident declare p3 second thing")
	w.roomOf("alice", "inc-0002-")
	w.types("alice", "general", "/incident update nothing new")
	m := w.sees("alice", "general", "Which one do you mean?")
	if err := w.press("alice", "general", m, "INC-0002"); err != nil {
		t.Fatal(err)
	}
	w.wait("the update is there", func() bool { return w.load("INC-0002").Update.Text == "nothing new" })
	if w.load("INC-0001").Update.Text != "" {
		t.Error("the other one was updated too")
	}
}

func TestMentionsInThreadsShortcutsAndPins(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 odd login")
	room := w.roomOf("alice", "inc-0001-")
	ts, err := w.Post(w.ctx, "alice", room.ID, "seen at <http://evil.com|evil.com>", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Post(w.ctx, "alice", room.ID, "@tocsin note it was the VPN", ts); err != nil {
		t.Fatal(err)
	}
	w.sees("alice", room.ID, "It is on the timeline.")
	if err := w.React(w.ctx, "alice", room.ID, ts, "pushpin", true); err != nil {
		t.Fatal(err)
	}
	w.wait("the message is kept", func() bool { return w.load("INC-0001").Kept[room.ID+"/"+ts] })
	if err := w.Shortcut(w.ctx, "alice", "task_from_message", &slack.MessageRef{Channel: room.ID, TS: ts}); err != nil {
		t.Fatal(err)
	}
	form := w.modal("alice")
	if err := w.Submit(w.ctx, "alice", form.ID, map[string]map[string]slack.Input{"text": {"v": {Value: "block evil.com"}}, "owner": {"v": {User: "U0BOB0001"}}}); err != nil {
		t.Fatal(err)
	}
	w.wait("the task", func() bool {
		for _, task := range w.load("INC-0001").Tasks {
			if task.Text.Text == "block evil.com" && task.Owner == "bob" {
				return true
			}
		}
		return false
	})
}

func (w *world) modal(who string) *slack.ModalView {
	w.t.Helper()
	var m *slack.ModalView
	w.wait("a form for "+who, func() bool { m = w.View(who, slack.ViewOptions{}).Modal; return m != nil })
	return m
}

func TestFormsSayWhatIsWrongWhereItIsWrong(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare")
	form := w.modal("alice")
	err := w.Submit(w.ctx, "alice", form.ID, map[string]map[string]slack.Input{
		"title": {"v": {Value: "from a form"}}, "severity": {"v": {Option: "P2"}}, "exclude": {"v": {Users: []string{"U0MALL001"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	room := w.roomOf("alice", "inc-0001-")
	if !w.load("INC-0001").IsExcluded("U0MALL001") {
		t.Error("mallory is not excluded")
	}
	_ = w.CloseModal(w.ctx, "alice", w.modal("alice").ID)
	w.types("alice", room.ID, "/incident sev")
	form = w.modal("alice")
	down := map[string]map[string]slack.Input{"severity": {"v": {Option: "P4"}}}
	if err := w.Submit(w.ctx, "alice", form.ID, down); err == nil || !strings.Contains(err.Error(), "reason: ") {
		t.Errorf("going down without a reason: %v", err)
	}
	down["reason"] = map[string]slack.Input{"v": {Value: "only a test account"}}
	if err := w.Submit(w.ctx, "alice", form.ID, down); err == nil || !strings.Contains(err.Error(), "lower the severity") {
		t.Errorf("going down without being entitled: %v", err)
	}
	w.types("alice", room.ID, "/incident role take commander")
	w.wait("alice commands", func() bool { return w.load("INC-0001").Holder(incident.Commander) == "alice" })
	if err := w.Submit(w.ctx, "alice", form.ID, down); err != nil {
		t.Fatal(err)
	}
	w.wait("P4", func() bool { return w.load("INC-0001").Severity == incident.P4 })
}

func TestTheHomeTabAndTheSummarysButtons(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p1 home story")
	room := w.roomOf("alice", "inc-0001-")
	if err := w.OpenHome(w.ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	w.wait("the home tab", func() bool { return strings.Contains(plainJSON(w.View("alice", slack.ViewOptions{}).Home), "INC-0001") })
	w.wait("the summary", func() bool { return w.load("INC-0001").Messages[incident.ViewSummary].TS != "" })
	ref := w.load("INC-0001").Messages[incident.ViewSummary]
	var summary slack.MessageView
	for _, m := range w.View("alice", slack.ViewOptions{Channel: room.ID}).Messages {
		if m.TS == ref.TS {
			summary = m
		}
	}
	if err := w.press("alice", room.ID, summary, "Take command"); err != nil {
		t.Fatal(err)
	}
	w.wait("alice commands", func() bool { return w.load("INC-0001").Holder(incident.Commander) == "alice" })
	w.wait("the summary is edited in place", func() bool {
		for _, m := range w.View("alice", slack.ViewOptions{Channel: room.ID}).Messages {
			if m.TS == ref.TS {
				return m.Edited && !strings.Contains(plainJSON(m.Blocks), "Take command")
			}
		}
		return false
	})
}

// The terminal says the same words and gets the same answers.
func TestTheSameWordsWithoutSlack(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	reply, err := w.room.Do(w.ctx, bot.Call{Line: "declare p2 from the terminal", Person: incident.Person{ID: "alice", Slack: "U0ALICE01"}, Via: incident.ViaCLI, CommandID: "cli/1"})
	if err != nil || reply.Stream != "INC-0001" || !reply.Asked {
		t.Fatalf("%+v %v", reply, err)
	}
	again, err := w.room.Do(w.ctx, bot.Call{Line: "declare p2 from the terminal", Person: incident.Person{ID: "alice", Slack: "U0ALICE01"}, Via: incident.ViaCLI, CommandID: "cli/1"})
	if err != nil || again.Stream != "INC-0001" {
		t.Fatalf("a repeat made %s: %v", again.Stream, err)
	}
	form, err := w.room.Do(w.ctx, bot.Call{Line: "resolve", Person: incident.Person{ID: "alice", Slack: "U0ALICE01"}, Via: incident.ViaCLI, CommandID: "cli/2"})
	if err != nil || form.Opens != "resolve" || !strings.Contains(form.Card.Lead, "/incident resolve") {
		t.Errorf("%+v %v", form, err)
	}
}
