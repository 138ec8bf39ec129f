package bot_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/templates"
)

// fleet is two hosts, of which web-4 never answers. It refuses what no host can answer.
type fleet struct {
	mu       sync.Mutex
	begun    map[string]int // how often a look was asked after
	marks    []bot.SignalMark
	answered bool // hunts are over
	watched  map[string]bot.NewIndicator
	excepted []incident.Exception
	edits    []bot.BaselineEdit
	many     int // rows of an answer, beside those that are always there
}

func (f *fleet) Check(_ context.Context, l incident.Looking) error {
	if l.What == incident.LookLive && l.Kind == "host" && l.Subject.Text != "web-3" && l.Subject.Text != "web-4" {
		return incident.Refuse("no-such-host", "No host is called "+l.Subject.Text+".", "")
	}
	if l.Kind == "ip" && !strings.Contains(l.Subject.Text, ".") {
		return incident.Refuse("bad-subject", "That is no address.", "")
	}
	return nil
}

func (f *fleet) Look(ctx context.Context, l incident.Looking) (templates.Look, error) {
	if err := f.Check(ctx, incident.Looking{What: incident.LookLive, Kind: "host", Subject: l.Subject}); err != nil {
		return templates.Look{}, err
	}
	if l.Subject.Text == "web-4" {
		return templates.Look{}, incident.Refuse("silent", "web-4 does not answer.", "")
	}
	got := templates.Look{Asked: 1, Answered: 1, Hit: 1, Result: "2 rows", Rows: []templates.LookRow{{Host: "web-3", Text: "curl (4711) → evil.example:443"}, {Host: "web-3", Text: fmt.Sprint(l.What, " ", l.To.Sub(l.From), l.With)}}}
	got.Rows = append(got.Rows, f.more()...)
	return got, nil
}

func (f *fleet) Follow(_ context.Context, key string, l incident.Looking, stop bool) (templates.Look, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun[key]++
	n := f.begun[key]
	got := templates.Look{Tail: l.What == incident.LookLive, Ends: l.To, Over: stop, Asked: 2, Answered: 1, Hit: 1, Silent: []string{"web-4"}}
	for i := range n {
		got.Rows = append(got.Rows, templates.LookRow{Host: "web-3", Text: fmt.Sprint(l.Subject.Text, " seen ", i+1)})
	}
	if l.What == incident.LookHunt && f.answered {
		got.Over = true
	}
	if l.What == incident.LookHunt {
		got.Rows = append(got.Rows, f.more()...)
	}
	if got.Over {
		got.Result = fmt.Sprintf("%d rows on 1 of 2 hosts", n)
	}
	return got, nil
}

func (f *fleet) more() (rows []templates.LookRow) {
	for i := range f.many {
		rows = append(rows, templates.LookRow{Host: "web-4", Text: fmt.Sprintf("row %d of many", i+1)})
	}
	return rows
}

func (*fleet) Kinds() []string { return []string{"exec", "connect", "dns"} }
func (*fleet) Hunts() []string {
	return []string{"ip", "domain", "hash", "process", "package", "sigma"}
}

func (*fleet) Recent(context.Context) (templates.Look, error) {
	return templates.Look{Title: "found lately", Rows: []templates.LookRow{{Host: "web-3", Text: "Reverse shell"}, {Host: "hr-7", Text: "Archive of secrets"}}}, nil
}

func (*fleet) Sensors(context.Context) (templates.Look, error) {
	return templates.Look{Title: "sensors", Rows: []templates.LookRow{{Host: "web-3", Text: "connected"}}}, nil
}

func (*fleet) Health(_ context.Context, host string) (templates.Look, error) {
	return templates.Look{Title: "health " + host, Rows: []templates.LookRow{{Text: "nothing lost"}}}, nil
}

func (*fleet) Rules(_ context.Context, name string) (templates.Look, error) {
	return templates.Look{Title: "rules " + name, Rows: []templates.LookRow{{Text: "sigma/shell"}}}, nil
}

func (*fleet) Baseline(_ context.Context, scope string) (templates.Look, error) {
	return templates.Look{Title: "usual " + scope}, nil
}

func (f *fleet) EditBaseline(_ context.Context, e bot.BaselineEdit) (string, error) {
	if e.Scope == "nowhere" {
		return "", incident.Refuse("nothing-known", "Nothing is known.", "")
	}
	f.edits = append(f.edits, e)
	return fmt.Sprintf("%s %s %s|%s|%s %v.", e.What, e.Scope, e.Facet, e.Subject, e.Value, e.All), nil
}

func (f *fleet) Indicators(context.Context) (templates.Look, error) {
	l := templates.Look{Title: "indicators"}
	for v := range f.watched {
		l.Rows = append(l.Rows, templates.LookRow{Text: v})
	}
	return l, nil
}

func (f *fleet) AddIndicator(_ context.Context, in bot.NewIndicator) (bot.Watched, error) {
	if in.Value == "0.0.0.0/0" {
		return bot.Watched{}, incident.Refuse("guarded", "That is everybody.", "")
	}
	f.watched[in.Value] = in
	return bot.Watched{Value: in.Value, On: 3 - len(f.watched)%2, Of: 3}, nil
}

func (f *fleet) ExpireIndicator(_ context.Context, value string) (bool, error) {
	_, ok := f.watched[value]
	delete(f.watched, value)
	return ok, nil
}

func (f *fleet) Except(_ context.Context, a incident.Asked, c incident.MakeException) (incident.Exception, error) {
	x := incident.Exception{N: len(f.excepted) + 1, Rule: c.Rule, Host: incident.Seal(c.Host), Program: incident.Seal(c.Program), User: incident.Seal(c.User), Image: incident.Seal(c.Image),
		Owner: c.Owner.ID, By: a.By.ID, Reason: incident.Seal(c.Reason), Expires: c.Expires}
	f.excepted = append(f.excepted, x)
	return x, nil
}

func (f *fleet) EndException(_ context.Context, _ incident.Asked, n int, _ string) (incident.Exception, error) {
	if n > len(f.excepted) {
		return incident.Exception{}, incident.Refuse("no-such-exception", "No such exception.", "")
	}
	return f.excepted[n-1], nil
}

func (f *fleet) Exceptions(context.Context) (templates.Look, error) {
	l := templates.Look{Title: "exceptions"}
	for _, x := range f.excepted {
		l.Rows = append(l.Rows, templates.LookRow{Host: x.Host.Text, Text: templates.ExceptionWords(x)})
	}
	return l, nil
}

func (f *fleet) Mark(_ context.Context, m bot.SignalMark) (string, error) {
	f.marks = append(f.marks, m)
	return fmt.Sprintf("%s: %d judged", m.Rule, len(f.marks)), nil
}

func watched(t *testing.T) (*world, *fleet) {
	w := begin(t, true)
	f := &fleet{begun: map[string]int{}, watched: map[string]bot.NewIndicator{}}
	w.room.Sensors = f
	return w, f
}

func (w *world) seen(id incident.ID, g incident.SignalGroup) {
	w.t.Helper()
	if _, err := w.engine.Handle(w.ctx, id, incident.Asked{ID: incident.CommandID("sig/" + g.ID), By: incident.Vendor("sensor"), Via: incident.ViaSensor, What: incident.SignalsSeen{Group: g}}); err != nil {
		w.t.Fatal(err)
	}
}

func TestHostsAreAskedInWords(t *testing.T) {
	t.Parallel()
	w, f := watched(t)
	w.says(0, "alice", "declare p3 shells")
	w.seen("INC-0001", incident.SignalGroup{ID: "g1", Rule: "sigma/shell", Title: "Reverse shell", Level: incident.LevelHigh, Host: "web-3", Count: 1, First: time.Now(), Last: time.Now(), Summary: "bash"})
	seq := w.load("INC-0001").Signals[0].Seq
	for n, c := range []struct{ line, want string }{
		{"1 signals conns web-3", "evil[.]example:443"},
		{"1 signals listeners WEB-3.", "2 rows"},
		{"1 signals tree web-3 sshd", "Processes below sshd on web-3"},
		{"1 signals tree web-3", "Say which process"},
		{"1 signals conns web-4", "does not answer"},
		{"1 signals conns nowhere", "No host is called nowhere"},
		{"1 signals conns", "Say which host"},
		{"1 signals timeline web-3", "timeline 10m0s"},
		{"1 signals timeline web-3 last 30m", "timeline 30m0s"},
		{"1 signals timeline web-3 14:05..14:20", "timeline 15m0s"},
		{"1 signals timeline web-3 14:05 to 14:20", "timeline 15m0s"},
		{"1 signals timeline web-3 14:20..nonsense", "cannot read that time"},
		{"1 signals live web-3 exec,dns for 30m", "It is shown in the room until"},
		{"1 signals timeline web-3 14:05..14:20 with “rm -rf”", `with "rm`},
		{"1 signals timeline web-3 with:curl last 30m", "remembers of"},
		{"1 signals timeline web-3 with", "Say what has to stand in it"},
		{"1 signals live web-3 exec with", "Say what has to stand in it"},
		{"1 signals live web-3 exex", "Did you mean exec?"},
		{"1 signals live web-3 for 9h", "an hour at most"},
		{"1 signals live nowhere", "No host is called nowhere"},
		{"1 signals stop", "Look 1 ends."},
		{"1 signals stop 77", "No such look"},
		{"1 signals hunt domain hxxp://evil[.]example", "Every host is asked"},
		{"1 signals hunt ip everywhere", "That is no address."},
		{"1 signals hunt domian x", "Did you mean domain?"},
		{"1 signals hunt domain", "Say which domain"},
		{"1 signals", "Reverse shell"},
		{"signals sensors", "connected"}, {"signals health web-3", "nothing lost"}, {"signals rules", "sigma/shell"}, {"signals baseline web-3", "sual web-3"},
		{"1 signals intel add evil[.]example until:in 30 days phishing", "2 of 3 connected hosts have it by now"},
		{"1 scope", "evil[.]example"},
		{"signals intel", "evil[.]example"},
		{"signals intel add 0.0.0.0/0", "That is everybody."},
		{"signals intel expire evil[.]example", "is not watched for any more"},
		{"signals intel expire evil[.]example", "Nobody watches for evil[.]example"},
		{fmt.Sprintf("1 signals fp %d our own scanner", seq), "sigma/shell: 1 judged"},
		{fmt.Sprintf("1 signals fp %d", seq+90), "no signal with that number"},
		{"signals fp sigma/other", "sigma/other: 2 judged"},
		{"1 signals real sigma/shell", "sigma/shell: 3 judged"}, // judged already, so it is the latest of the rule that counts
		{"signals except on web-3 for 30d because x", "names one rule"},
		{"signals except sigma/shell because x", "Say for how long"},
		{"signals except sigma/shell for 30d", "Say why"},
		{"signals except sigma/shell for ever because x", "Say for how long"},
		{"signals except sigma/shell until nonsense because x", "cannot read until when"},
		{"signals except sigma/shell where colour=red for 30d because x", "cannot be limited by"},
		{"signals except sigma/shell nonsense for 30d because x", "I do not know what to make of"},
		{"signals except sigma/shell on Web-* where program=/usr/bin/tar, user=backup owner:@bob for 30 days because the backup for ever", "Exception 1: sigma/shell on web- where program=/usr/bin/tar user=backup"},
		{"1 signals except sigma/shell until tomorrow 9:00 because it is mended", "Exception 2: sigma/shell is kept quiet until"},
		{"1 timeline", "Exception 2: sigma/shell is kept quiet"},
		{"signals exceptions", "sigma/shell on web-"},
		{"signals exceptions end 9", "No such exception"},
		{"signals exceptions end 1 it is gone", "is heard again"},
		{"signals baseline freeze web-3", "for an incident"},
		{"1 signals baseline freeze", "Say which host"},
		{"1 signals baseline freeze nowhere", "Nothing is known"},
		{"1 signals baseline freeze web-3", "freeze web-3"},
		{"1 signals baseline thaw web-3", "thaw web-3"},
		{"1 signals baseline forget web-3", "Say what"},
		{"1 signals baseline forget web-3 child /usr/sbin/nginx /bin/sh", "forget web-3 child|/usr/sbin/nginx|/bin/sh false"},
		{"1 signals baseline forget web-3 listener: /usr/sbin/nginx tcp 443", "listener|/usr/sbin/nginx|tcp 443 false"},
		{"1 signals baseline forget web-3 destination /usr/bin/curl evil[.]example:443", "destination|/usr/bin/curl|evil[.]example:443"},
		{"1 signals baseline forget web-3 everything", "forget web-3 || true"},
		{"1 signals baseline allow web-3 program /usr/bin/rsync", "Say why"},
		{"1 signals baseline allow web-3 program /usr/bin/rsync because the new backup", "allow web-3 program||/usr/bin/rsync false"},
		{"signals help", "hunt"}, {"signals help live", "live web-3"},
	} {
		_, said := w.says(n, "alice", c.line)
		if !strings.Contains(strings.ReplaceAll(said, "*", ""), c.want) {
			t.Errorf("alice says %q and hears %q, want %q", c.line, said, c.want)
		}
	}
	if len(f.marks) != 3 || f.marks[0].Group != "g1" || !f.marks[0].False || f.marks[0].Why != "our own scanner" || f.marks[2].False {
		t.Errorf("%+v", f.marks)
	}
	if e := f.edits[len(f.edits)-1]; e.Why != "the new backup" || e.For != "INC-0001" || e.By != "alice" || f.edits[4].Value != "evil.example:443" {
		t.Errorf("%+v", f.edits)
	}
	if x := f.excepted[0]; x.Owner != "bob" || x.By != "alice" || x.Reason.Text != "the backup for ever" || time.Until(x.Expires).Round(24*time.Hour) != 30*24*time.Hour {
		t.Errorf("%+v", x)
	}
	if g, _ := w.load("INC-0001").Signal("g1"); !g.False || g.Judged != "alice" {
		t.Errorf("%+v", g)
	}
	_, said := w.says(1, "alice", "1 timeline")
	_, older := w.says(1, "alice", "1 timeline 2")
	said += older
	if !strings.Contains(said, "connections of web-3") {
		t.Errorf("what was looked at leaves no line: %s", said)
	}
}

func TestALookIsOneMessage(t *testing.T) {
	t.Parallel()
	w, f := watched(t)
	w.types("alice", "general", "/incident declare p3 shells")
	room := w.roomOf("alice", "inc-0001")
	w.types("alice", room.ID, "/signals hunt domain evil.example")
	w.sees("alice", room.ID, "on 1 of 2 hosts so far")
	w.sees("alice", room.ID, "*1 host has not answered*: web-4")
	f.mu.Lock()
	f.answered = true
	f.mu.Unlock()
	w.sees("alice", room.ID, "1 host has not answered: nothing is known of them.")
	w.types("alice", room.ID, "/signals live web-3 for 2m")
	w.sees("alice", room.ID, "web-3 seen 2")
	w.types("alice", room.ID, "/signals stop")
	w.wait("both looks end", func() bool { return len(w.load("INC-0001").Looks) == 0 })
	n := 0
	for _, m := range w.messages("alice", room.ID) {
		if strings.Contains(m, "Events of host web-3") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("a live look is %d messages", n)
	}
}

// Whoever is kept out of an incident must not learn from signals what it is about.
func TestSignalsOfAHiddenIncidentAreHidden(t *testing.T) {
	t.Parallel()
	w, _ := watched(t)
	w.says(0, "alice", "declare private p2 the insider exclude:@erin")
	w.seen("INC-0001", incident.SignalGroup{ID: "g1", Rule: "sigma/x", Title: "Archive", Level: incident.LevelHigh, Host: "hr-7", Count: 1, First: time.Now(), Last: time.Now(), Summary: "tar"})
	if _, said := w.says(1, "erin", "signals recent"); strings.Contains(said, "hr-7") || strings.Contains(said, "Archive") || !strings.Contains(said, "Reverse shell") {
		t.Errorf("erin reads %s", said)
	}
	if _, said := w.says(2, "alice", "signals recent"); !strings.Contains(said, "Archive of secrets") {
		t.Errorf("alice reads %s", said)
	}
	if _, said := w.says(3, "erin", "1 signals conns hr-7"); !strings.Contains(said, "There is no INC-0001") {
		t.Errorf("erin reads %s", said)
	}
}

func TestWithoutSensorsItIsSaid(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	if _, said := w.says(0, "alice", "signals recent"); !strings.Contains(said, "No sensors are set up") {
		t.Error(said)
	}
}

func (w *world) messages(who, where string) (out []string) {
	w.t.Helper()
	for _, m := range w.View(who, viewOf(where)).Messages {
		out = append(out, m.Text+plainJSON(m.Blocks))
	}
	return out
}

func viewOf(channel string) slack.ViewOptions { return slack.ViewOptions{Channel: channel} }
