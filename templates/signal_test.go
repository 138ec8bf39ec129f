package templates

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
)

// signalled is a room with a group that is known.
func signalled(private bool) *record {
	return theft("okta session theft", private, false).at(44, "vendor:sensor", aSignal)
}

func TestSignalsAreSaidTheWayItIsAgreed(t *testing.T) {
	var b strings.Builder
	say := func(name string, c Card) { b.WriteString("== " + name + "\n" + spell(c) + "\n") }
	say("seen", signalled(false).said(incident.PlaceRoom, ""))
	say("worse", signalled(false).at(45, "vendor:sensor", incident.SignalGrew{Group: "g1", Level: incident.LevelCritical, Techniques: []string{"T1059.004", "T1071"}, Hosts: 3, Count: 24, Last: at(45), Worse: true, More: 2,
		News: []incident.SignalNews{{Title: incident.Seal("Data is carried in names"), Level: incident.LevelCritical, Techniques: []string{"T1071.004"}, Summary: incident.Seal("dns /usr/bin/dig x.evil.example")}}}).said(incident.PlaceRoom, ""))
	say("judged", signalled(false).at(45, "alice", incident.SignalsJudged{Group: "g1", False: true, Why: incident.Seal("our own scanner")}).said(incident.PlaceRoom, ""))
	again := aSignal
	again.Cleared = true
	say("cleared and doubted", theft("x", false, false).at(43, "bob", incident.Distrusted{N: 1, Kind: "host", Name: incident.Seal("web-3"), Why: incident.Seal("rootkit")}).at(44, "vendor:sensor", again).said(incident.PlaceRoom, ""))
	say("confidential, elsewhere", signalled(true).said(incident.PlacePerson, "bob"))
	say("summary", Summary(signalled(false).s, at(46)))
	golden(t, "signals.txt", b.String())
	for _, c := range []Card{signalled(true).said(incident.PlacePerson, "bob"), signalled(true).said(incident.PlaceAnnounce, "")} {
		if strings.Contains(spell(c), "web-3") || strings.Contains(spell(c), "shell") {
			t.Errorf("a confidential incident's signal is told outside: %s", spell(c))
		}
	}
}

// However much is new at once, it fits a section of Slack's, and nothing in it can be clicked or calls people.
func TestNewsOfSignalsFit(t *testing.T) {
	grew := incident.SignalGrew{Group: "g1", Level: incident.LevelCritical, Count: 24, Last: at(45), Worse: true, More: 90}
	for i := range 10 {
		n := incident.SignalNews{Title: incident.Seal(strings.Repeat("<!channel> & ", 40)), Level: incident.LevelHigh, Summary: incident.Seal(strings.Repeat("http://evil.example/ ", 40))}
		for k := range 20 {
			n.Techniques = append(n.Techniques, fmt.Sprintf("T1%d%d.001", 10+i, 10+k))
		}
		grew.News = append(grew.News, n)
	}
	c := signalled(false).at(45, "vendor:sensor", grew).said(incident.PlaceRoom, "")
	for _, b := range c.Blocks {
		if n := len([]rune(b.Text)); n > 3000 {
			t.Errorf("%d characters", n)
		}
	}
	if said := spell(c); strings.Contains(said, "<!channel>") || strings.Contains(said, "http://evil") || strings.Count(said, "\n> ") != 11 {
		t.Error(said)
	}
}

func TestAnswersOfHostsFitAPhone(t *testing.T) {
	conns := Look{Title: "connections of web-3", Asked: 1, Answered: 1}
	for i := range 200 {
		conns.Rows = append(conns.Rows, LookRow{Host: "web-3", Text: fmt.Sprintf("tcp 10.0.0.%d:443 → evil.example:80 <!channel> %s", i, strings.Repeat("é", 400))})
	}
	hunt := Look{Title: lookRaw(aHunt), Asked: 900, Answered: 898, Hit: 2, Total: 4, Silent: []string{"db-1", "db-2"}, Ends: at(60), Rows: []LookRow{
		{Host: "web-3", At: at(1), Text: "curl (4711) asked for evil.example"}, {Host: "web-4", At: at(2), Text: "dns answer evil.example is 203.0.113.9"}}}
	tail := Look{Title: "events of host web-3", Tail: true, Total: 5000, Over: true, Ends: at(60), Trouble: []string{"the link was away"}}
	for i := range 100 {
		tail.Rows = append(tail.Rows, LookRow{At: at(i), Text: fmt.Sprint("exec ", i)})
	}
	tree := Look{Title: "processes below sshd on web-3", Asked: 1, Answered: 1, Rows: []LookRow{{Text: "sshd (1)"}, {Text: "bash (2)", Depth: 1}, {Text: "nc (3)", Depth: 40}}}
	var b strings.Builder
	for _, l := range []Look{conns, hunt, tail, tree, {Title: "rules"}} {
		c := LookCard(l)
		said := spell(c)
		if len(c.Blocks) > 8 || strings.Contains(said, "<!channel>") || strings.Contains(said, "evil.example") {
			t.Errorf("not for a phone, or not harmless:\n%s", said)
		}
		for _, k := range c.Blocks {
			if len([]rune(k.Text)) > 3000 {
				t.Errorf("%d characters in a block", len([]rune(k.Text)))
			}
		}
		if l.Title != conns.Title {
			b.WriteString(said + "\n")
		}
	}
	golden(t, "looks.txt", b.String())
}
