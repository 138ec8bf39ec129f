package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfSignals() Card {
	switch e := v.r.Event.(type) {
	case incident.SignalSeen:
		return v.signalSeen(e)
	case incident.SignalGrew:
		return v.signalGrew(e)
	case incident.SignalsJudged:
		g, _ := v.s.Signal(e.Group)
		what := "real"
		if e.False {
			what = "a false alarm"
		}
		return v.card(Calm, fmt.Sprintf("*%s says it is %s:* %s.", title(v.by()), what, v.signalWords(g)), because(v.words(e.Why)))
	case incident.LookEnded:
		return v.lookEnded(e)
	}
	return Card{}
}

func levelTone(l incident.SignalLevel) Tone {
	switch l {
	case incident.LevelCritical, incident.LevelHigh:
		return Alarm
	case incident.LevelMedium:
		return Warn
	}
	return Calm
}

func (v voice) signalSeen(e incident.SignalSeen) Card {
	tone := levelTone(e.Level)
	if v.closed {
		return v.card(tone, "*Something was seen* that belongs to it.", buttons(v.room()...))
	}
	g, _ := v.s.Signal(e.Group)
	if g.Group == "" { // it was pushed out since
		g = incident.SignalAt{Seq: v.r.Seq, Title: e.Title, Host: e.Host, Hosts: e.Hosts, Level: e.Level}
	}
	host := v.short(e.Host)
	var notes []string
	if e.Cleared {
		notes = append(notes, "*Somebody had cleared "+host+".* Look again: it is not put back by itself.")
	}
	if v.hostDoubted(e.Host) {
		notes = append(notes, "*"+host+" is not believed here:* what it says may be made up, and more may be left out.")
	}
	c := v.card(tone, fmt.Sprintf("*%s: %s.*", title(string(e.Level)), v.signalWords(g)),
		quoted(Line(Defang(e.Summary.String()), maxLine)), text(strings.Join(notes, "\n")),
		small(strings.Join(keep([]string{techniques(e.Techniques), count(e.Count, "signal", "signals") + " since " + When(e.First, "")}), " · "),
			strings.Join(keep([]string{entitiesOf(e.Entities), Line(e.Rule.String(), 80)}), " · ")),
		buttons(append(v.signalButtons(g), v.room()...)...))
	return v.toward(c, v.leads()...)
}

// leads are those who have the incident: its commander and whoever took the page.
func (v voice) leads() []incident.PersonID {
	leads := []incident.PersonID{v.s.Holder(incident.Commander)}
	if who := v.s.Paging.AckedBy; who != leads[0] {
		leads = append(leads, who)
	}
	return leads
}

func (v voice) signalGrew(e incident.SignalGrew) Card {
	if v.closed {
		return v.card(levelTone(e.Level), "*It got worse:* more was seen that belongs to it.", buttons(v.room()...))
	}
	g, _ := v.s.Signal(e.Group)
	news := "*It got worse:* " + v.signalWords(g) + "."
	if !e.Worse {
		news = "*It goes on:* " + v.signalWords(g) + "."
	}
	c := v.card(levelTone(e.Level), news, quoted(newsLines(e)),
		small(strings.Join(keep([]string{string(e.Level), techniques(e.Techniques), count(e.Count, "signal", "signals") + ", last " + When(e.Last, "")}), " · ")),
		buttons(append(v.signalButtons(g), v.room()...)...))
	return v.toward(c, v.leads()...)
}

// newsLines are what made a group worse: "Cron file written (T1053.003): file /usr/bin/sh /etc/cron.d/x".
func newsLines(e incident.SignalGrew) string {
	var lines []string
	for _, n := range e.News {
		lines = append(lines, Line(Defang(n.Title.String()), 90)+bracketed(techniques(n.Techniques))+prefixed(": ", Line(Defang(n.Summary.String()), 110))) // ten fit a section of Slack's
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.More))
	}
	return strings.Join(lines, "\n")
}

func bracketed(words string) string {
	if words == "" {
		return ""
	}
	return " (" + words + ")"
}

// signalWords is a group in a few words: "Reverse shell on web-3 and 2 more hosts".
func (v voice) signalWords(g incident.SignalAt) string {
	if v.closed {
		return "something that was seen"
	}
	return Line(signalRaw(g), maxLine)
}

func signalRaw(g incident.SignalAt) string {
	what := Defang(g.Title.String())
	if what == "" {
		what = "Signals"
	}
	if g.Host.String() == "" {
		return what
	}
	what += " on " + g.Host.String()
	if g.Hosts > 1 {
		what += " and " + count(g.Hosts-1, "more host", "more hosts")
	}
	return what
}

// signalButtons name the group by the number of its line: what a sensor calls it is
// no word for people.
func (v voice) signalButtons(g incident.SignalAt) []Button {
	if v.direct() {
		return nil
	}
	row := []Button{}
	if host := g.Host.String(); plainName(host) {
		row = append(row, v.button("Connections", "signals conns "+host), v.button("Watch it live", "signals live "+host+" for 10m"))
	}
	return append(row, v.button("It is real", fmt.Sprintf("signals real %d", g.Seq)), v.button("False alarm", fmt.Sprintf("signals fp %d", g.Seq)))
}

// plainName says whether a host's name can be said as one word.
func plainName(host string) bool {
	for _, c := range host {
		if !wordy(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return host != "" && len(host) <= 100
}

func (v voice) hostDoubted(host incident.Sealed) bool {
	for _, t := range v.s.Doubts {
		if t.Kind == incident.DistrustHost && !t.Lifted && host.Text != "" && strings.EqualFold(t.Name.Text, host.Text) {
			return true
		}
	}
	return false
}

func techniques(list []string) string {
	return several(list, 6, func(t string) string { return Line(t, 20) })
}

// entitiesOf shows what signals are about, harmless to click.
func entitiesOf(x incident.Sealed) string {
	var out []string
	for _, e := range strings.Split(x.String(), "\n") {
		kind, name, _ := strings.Cut(e, "/")
		if kind == "host" || kind == "process" || name == "" {
			continue
		}
		out = append(out, name)
	}
	return several(out, 4, func(name string) string { return Line(Defang(name), 80) })
}

func (v voice) lookEnded(e incident.LookEnded) Card {
	if v.closed {
		return v.card(Calm, "A question to the hosts was answered.", buttons(v.room()...))
	}
	tone := Calm
	if e.Count.Hit > 0 {
		tone = Warn
	}
	words := lookRaw(e.Looking)
	return v.card(tone, "*"+title(Line(words, maxLine))+":* "+Line(lookResult(e.Count, e.Text), maxLine)+".", small(silentLine(e.Count)))
}

// lookRaw is a question in a few words: "hunt for domain evil[.]example".
func lookRaw(l incident.Looking) string {
	subject := Defang(l.Subject.String())
	switch l.What {
	case incident.LookHunt:
		return "hunt for " + l.Kind + " " + subject
	case incident.LookLive:
		what := "events"
		if len(l.Kinds) > 0 {
			what = strings.Join(l.Kinds, ", ")
		}
		return what + " of " + prefixed(l.Kind+" ", subject) + with(l)
	case incident.LookTree:
		return "processes below " + Defang(l.Process.String()) + " on " + subject
	case incident.LookConns:
		return "connections of " + subject
	case incident.LookListeners:
		return "listeners of " + subject
	case incident.LookTimeline:
		return "what " + subject + " remembers of " + Stamp(l.From) + " to " + Stamp(l.To) + with(l)
	}
	return string(l.What) + " " + subject
}

func with(l incident.Looking) string {
	if l.With.String() == "" {
		return ""
	}
	return ` with "` + Defang(l.With.String()) + `"`
}

func lookResult(c incident.LookCount, text incident.Sealed) string {
	if words := text.String(); words != "" {
		return strings.TrimSuffix(Defang(words), ".")
	}
	return count(c.Rows, "row", "rows")
}

func silentLine(c incident.LookCount) string {
	if c.Silent == 0 {
		return ""
	}
	return count(c.Silent, "host has", "hosts have") + " not answered: nothing is known of them."
}
