package signals_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/templates"
)

func started(host, exe string) fleet.Seen {
	return fleet.Seen{Host: host, Event: event.Event{Kind: event.Exec, Host: host, Process: event.Process{Exe: exe, User: "www"}, Parent: event.Process{Exe: "/usr/sbin/nginx"}, Exec: &event.ExecOf{}}}
}

func (r *rig) usual(host string) string {
	r.t.Helper()
	l, err := r.Baseline(r.t.Context(), host)
	var no *incident.Refusal
	if errors.As(err, &no) {
		return no.Why
	}
	if err != nil {
		r.t.Fatal(err)
	}
	text := l.Result
	for _, row := range l.Rows {
		text += "\n" + row.Text
	}
	return text
}

func (r *rig) edit(e bot.BaselineEdit) string {
	r.t.Helper()
	e.By, e.At = "alice", time.Now()
	said, err := r.EditBaseline(r.t.Context(), e)
	if err != nil {
		said = err.Error()
	}
	return said
}

// What an intruder does while an incident lasts never becomes usual, whoever restarts what.
func TestWhatIsFrozenForAnIncidentThawsWhenItIsOver(t *testing.T) {
	r := begin(t)
	for _, host := range []string{"web-3", "web-4", "db-1"} {
		r.Take(started(host, "/usr/sbin/nginx"))
	}
	first, second := r.declare(group("g1", "web-3", noise.High, 1)), r.declare(group("g2", "db-9", noise.High, 1))
	freeze := func(id string) bot.BaselineEdit {
		return bot.BaselineEdit{What: bot.BaselineFreeze, Scope: "web-*", For: incident.ID(id)}
	}
	r.edit(freeze(first))
	r.edit(freeze(second))
	r.Take(started("web-3", "/bin/sh"))
	r.Take(started("db-1", "/bin/sh"))
	if got := r.usual("web-3"); !strings.Contains(got, "FROZEN") || !strings.Contains(got, "NEW: program /bin/sh") {
		t.Error(got)
	}
	if got := r.usual("db-1"); strings.Contains(got, "FROZEN") || strings.Contains(got, "NEW") {
		t.Error(got)
	}
	if got := r.edit(bot.BaselineEdit{What: bot.BaselineForget, Scope: "web-3", All: true, For: incident.ID(first)}); !strings.Contains(got, "learn from the intruder") {
		t.Error(got)
	}
	if got := r.edit(bot.BaselineEdit{What: bot.BaselineThaw, Scope: "web-*", For: incident.ID(first)}); !strings.Contains(got, "Frozen for another incident, and so left as it is: 2 profiles") {
		t.Error(got)
	}
	if err := r.KeepUsual(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, _ := plan.Load(templates.DemoPlan())
	r.open(p) // a restart
	if got := r.usual("web-3"); !strings.Contains(got, "FROZEN") || !strings.Contains(got, "NEW: program /bin/sh") {
		t.Error("after a restart: ", got)
	}
	other := &rig{t: t, db: r.db, engine: r.engine} // that knows these hosts from before
	other.open(p)
	for _, edit := range []bot.BaselineEdit{{What: bot.BaselineFreeze, Scope: "db-1", For: incident.ID(second)}, {What: bot.BaselineThaw, Scope: "db-1", For: incident.ID(second)}} {
		other.edit(edit)
		if err := r.ThawEnded(t.Context()); err != nil || strings.Contains(r.usual("db-1"), "FROZEN") != (edit.What == bot.BaselineFreeze) {
			t.Error("another replica's word does not count here:", edit.What, r.usual("db-1"), err)
		}
	}
	if err := r.ThawEnded(t.Context()); err != nil || !strings.Contains(r.usual("web-3"), "FROZEN") {
		t.Error("it is thawed while the incident is open", err)
	}
	r.ask(second, incident.AssignRole{Role: incident.Commander, To: alice})
	r.ask(second, incident.Resolve{})
	r.ask(second, incident.Close{Waive: "test"})
	if err := r.ThawEnded(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.usual("web-3"); strings.Contains(got, "FROZEN") || strings.Contains(got, "/bin/sh") || !strings.Contains(got, "/usr/sbin/nginx") {
		t.Error("after the incident: ", got)
	}
}

func TestPeopleCorrectWhatIsUsual(t *testing.T) {
	r := begin(t)
	r.Take(started("web-3", "/bin/sh"))
	for _, c := range []struct {
		edit bot.BaselineEdit
		want string
	}{
		{bot.BaselineEdit{What: bot.BaselineForget, Scope: "web-3", Facet: "child", Subject: "/usr/sbin/nginx", Value: "/bin/sh"}, "the next time it is new"},
		{bot.BaselineEdit{What: bot.BaselineForget, Scope: "web-3", Facet: "child", Subject: "/usr/sbin/nginx", Value: "/bin/sh"}, "never seen there"},
		{bot.BaselineEdit{What: bot.BaselineForget, Scope: "web-3", Facet: "colour", Value: "red"}, "a facet is one of"},
		{bot.BaselineEdit{What: bot.BaselineAllow, Scope: "web-3", Facet: "program", Value: "/usr/bin/rsync", Why: "the new backup"}, "is usual on web-3 for good"},
		{bot.BaselineEdit{What: bot.BaselineAllow, Scope: "web-3", Facet: "program", Value: "/usr/bin/rsync"}, "who they are and why"},
		{bot.BaselineEdit{What: bot.BaselineFreeze, Scope: "db-*"}, "Nothing is known yet"},
	} {
		if got := r.edit(c.edit); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c.edit, got)
		}
	}
	if got := r.usual("WEB-3"); strings.Contains(got, "child") || !strings.Contains(got, "program /usr/bin/rsync (allowed: the new backup)") {
		t.Error(got)
	}
	if got := r.edit(bot.BaselineEdit{What: bot.BaselineForget, Scope: "web-3", All: true}); !strings.Contains(got, "from the beginning") {
		t.Error(got)
	}
	p, _ := plan.Load(templates.DemoPlan())
	r.open(p)
	if got := r.usual("web-3"); !strings.Contains(got, "Nothing is known yet") {
		t.Error("what was forgotten is back after a restart: ", got)
	}
	if l, err := r.Baseline(t.Context(), ""); err != nil || slices.ContainsFunc(l.Rows, func(x templates.LookRow) bool { return strings.Contains(x.Text, "web-3") }) {
		t.Errorf("%+v, %v", l, err)
	}
}
