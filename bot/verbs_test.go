package bot_test

import (
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// says is what the terminal's alice says and hears.
func (w *world) says(n int, who incident.PersonID, line string) (bot.Reply, string) {
	w.t.Helper()
	accounts := map[incident.PersonID]string{"alice": "U0ALICE01", "bob": "U0BOB0001", "erin": "U0ERIN001"}
	reply, err := w.room.Do(w.ctx, bot.Call{
		Line: line, Via: incident.ViaCLI, CommandID: incident.CommandID("cli/" + string(rune('a'+n%26)) + line),
		Person: incident.Person{ID: who, Slack: accounts[who], Zone: "Europe/Berlin", Name: incident.Seal(string(who))},
	})
	if err != nil {
		w.t.Fatalf("%s: %v", line, err)
	}
	return reply, templates.Terminal(reply.Card)
}

func TestEveryVerbSaysWhatBecameTrue(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	for n, c := range []struct {
		who        incident.PersonID
		line, want string
	}{
		{"alice", "declare p2 every verb type:phishing", "INC-0001* is declared, P2"},
		{"alice", "declare drill p4 another one", "DRILL"},
		{"alice", "INC-0001 status", "INC-0001"},
		{"alice", "status", "Which one do you mean?"},
		{"alice", "1 ack “I have it”", "it is yours"},
		{"alice", "1 role commander me", "alice is commander now"},
		{"alice", "1 role", "ommander"},
		{"alice", "1 role handover commander bob", "Offered to"},
		{"bob", "1 role accept", "You are commander now."},
		{"bob", "1 role accept", "No role of this incident has been offered to you."},
		{"alice", "1 join erin observer", "is brought in"},
		{"alice", "1 title every verb, twice", "The title is changed."},
		{"alice", "1 type malwar", "Did you mean malware?"},
		{"alice", "1 phase contain", "The phase is containment now."},
		{"alice", "1 scope indicator evil[.]com hxxp://bad[.]example/x suspected", "2 indicators marked suspected."},
		{"alice", "1 scope", "evil"},
		{"bob", "1 times awareness 2020-01-01 10:00 nonsense", ""},
		{"alice", "1 times", "Start of impact"},
		{"alice", "1 update all is contained", "Your update is posted."},
		{"alice", "1 note at 10m ago it began", "It is on the timeline, at"},
		{"alice", "1 note at tomorrow 9:00 it began", "has not come yet"},
		{"alice", "1 timeline 2", "it began"},
		{"alice", "1 task add call the bank due:fri", "is added, due Fri"},
		{"alice", "1 task 1 done", "The task 1 is done."},
		{"alice", "1 tasks", "call the bank"},
		{"alice", "1 task done 99", ""},
		{"alice", "1 catchup 2h", "INC-0001"},
		{"alice", "1 handoff", "INC-0001"},
		{"alice", "1 related INC-0002", ""},
		{"alice", "1 merge INC-0009", "There is no INC-0009."},
		{"alice", "1 contacts", ""},
		{"alice", "1 page nobody-at-all", "I do not know"},
		{"alice", "plan", "The plan in force"},
		{"bob", "1 sev p3 only one mailbox", "The severity is P3 now."},
		{"bob", "1 resolve mailbox cleaned", "Resolved."},
		{"bob", "1 postmortem show", "Post-mortem"},
		{"bob", "1 postmortem edit root-cause somebody clicked", "The section root-cause is written."},
		{"bob", "1 postmortem edit rootcause x", "Did you mean root-cause?"},
		{"bob", "1 item add train people kind:prevent owner:alice due:2027-01-04", "is added, due Mon 4 Jan 2027 17:00 CET"},
		{"bob", "1 item due 1 in 3 weeks", "is due"},
		{"bob", "1 reopen the link is back", "The incident is open again."},
		{"bob", "1 timeline hide 3 not ours", ""},
		{"bob", "1 close", ""},
		{"bob", "1 task", "call the bank"},
	} {
		_, said := w.says(n, c.who, c.line)
		if !strings.Contains(strings.ReplaceAll(said, "*", ""), strings.ReplaceAll(c.want, "*", "")) {
			t.Errorf("%s says %q and hears %q, want %q", c.who, c.line, said, c.want)
		}
		if strings.TrimSpace(said) == "" {
			t.Errorf("%s says %q and hears nothing", c.who, c.line)
		}
	}
}
