package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// notContained is said at the beginning of every drill, so that nobody waits for a deed.
const notContained = "Nothing here is real, and nothing is contained: Tocsin cannot do that yet. Say in a phase, a task or a note what you would do."

func (v voice) saidOfDrill() Card {
	switch e := v.r.Event.(type) {
	case incident.DrillBegun:
		x := e.Exercise
		if v.closed {
			return v.card(Calm, "A drill has begun.", buttons(v.room()...))
		}
		return v.card(Calm, "*The drill has begun:* "+Line(x.Title, maxLine), text(Plain(x.About)),
			small(fmt.Sprintf("It lasts %s. %s", Age(x.Length), notContained)))
	case incident.Injected:
		if v.closed {
			return v.card(Calm, "The drill goes on.", buttons(v.room()...))
		}
		return v.injected(e)
	case incident.DrillEnded:
		return v.card(Calm, "*The drill is over.*"+prefixed(" It ended early: ", v.reason(e.Why)), small("The scorecard follows."))
	case incident.DrillYielded:
		to, next := "", "Nothing more of this drill pages anybody. Whoever is needed is called."
		if e.To != "" {
			to, next = ": "+string(e.To), "Go there. Nothing more of this drill pages anybody."
		}
		return v.toward(v.card(Alarm, "*Something real has opened"+to+". This drill is over.*", text(next)), v.s.Holder(incident.Commander))
	case incident.DrillScored:
		if v.closed {
			return v.card(Calm, "A drill has its scorecard.", buttons(v.room()...))
		}
		return v.scorecard(e.Score)
	}
	return Card{}
}

// injectTone: what pages or breaks is an alarm in a drill as it is outside.
func injectTone(k incident.InjectKind) Tone {
	if k == incident.InjectAlert || k == incident.InjectFault || k == incident.InjectMishap {
		return Warn
	}
	return Calm
}

func (v voice) injected(e incident.Injected) Card {
	from := e.Inject.From
	if from == "" {
		from = string(e.Inject.Kind)
	}
	hint := ""
	if e.Inject.Kind == incident.InjectFault {
		hint = "Act as if it were so; nothing was broken."
	}
	news := "*" + Line(from, maxLine) + ":* " + Plain(e.Inject.Text)
	return v.toward(v.card(injectTone(e.Inject.Kind), news, small(fmt.Sprintf("Inject %d · %s", e.N, e.Inject.Kind), hint)), v.s.Holder(incident.Commander))
}

// scoreLines is how many lines of a scorecard one block of a message takes.
const scoreLines = 8

func (v voice) scorecard(s incident.DrillScore) Card {
	more := []Block{{Text: "`" + scoreBar(s) + "`"}, {Fields: []Field{
		{"Declared", orNever(s.Declared)}, {"Acknowledged", orNever(s.Acknowledged)}, {"Contained", orNever(s.Contained)},
		{"Injects missed", fmt.Sprintf("%d of %d", s.Missed, s.Injects)}, {"Decisions late", fmt.Sprint(s.Late)},
	}}}
	for i := 0; i < len(s.Lines); i += scoreLines {
		var lines []string
		for _, l := range s.Lines[i:min(i+scoreLines, len(s.Lines))] {
			lines = append(lines, fmt.Sprintf("%s %s: %s%s · %d/%d", scoreMark[l.Result], Line(l.Do, 130), scoreSays(l), prefixed(" by ", v.whoMaybe(l.By)), l.Points, l.Of))
		}
		more = append(more, text(strings.Join(lines, "\n")))
	}
	again := ""
	if v.s.Drilling != nil {
		again = "`drill score` makes it again from the record."
	}
	more = append(more, small(prefixed("It ended early: ", Line(s.Why, maxLine)), again))
	return v.card(Calm, fmt.Sprintf("*Scorecard: %d of %d points* · %s", s.Points, s.Of, Line(s.Title, maxLine)), more...)
}

func (v voice) whoMaybe(id incident.PersonID) string {
	if id == "" || id == incident.Clockwork.ID {
		return ""
	}
	return v.who(id)
}

// Scorecard is a scorecard for whoever asks, made from the record just now.
func Scorecard(s incident.State, score incident.DrillScore) Card {
	v := voice{s: s, to: incident.PlaceRoom, r: incident.Recorded{Event: incident.DrillScored{Score: score}}}
	return v.saidOfDrill()
}

// scoreMark is what a line begins with; scoreSays is what became of it, as a person
// would explain it.
var scoreMark = map[incident.DrillResult]string{
	incident.DrillDone: "✓", incident.DrillLate: "◐", incident.DrillMissed: "✗", incident.DrillNotAsked: "–", incident.DrillNotReached: "–",
}

func scoreSays(l incident.DrillLine) string {
	switch l.Result {
	case incident.DrillDone:
		return fmt.Sprintf("done at +%s, %s early", Stopwatch(l.At), Stopwatch(l.Due-l.At))
	case incident.DrillLate:
		return fmt.Sprintf("done at +%s, late by %s", Stopwatch(l.At), Stopwatch(l.At-l.Due))
	case incident.DrillNotAsked:
		return "not asked here"
	case incident.DrillNotReached:
		return "not reached: the drill ended before"
	}
	return fmt.Sprintf("missed; it was due at +%s", Stopwatch(l.Due))
}

// Stopwatch writes a length of time as 3:12 or 1:02:03.
func Stopwatch(d time.Duration) string {
	n := int(d.Round(time.Second) / time.Second)
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}

func orNever(d *time.Duration) string {
	if d == nil {
		return "–"
	}
	return "+" + Stopwatch(*d)
}

// scoreBar draws the points as twenty blocks.
func scoreBar(s incident.DrillScore) string {
	full := 0
	if s.Of > 0 {
		full = s.Points * 20 / s.Of
	}
	return strings.Repeat("█", full) + strings.Repeat("░", 20-full) + " " + scorePercent(s)
}

func scorePercent(s incident.DrillScore) string {
	if s.Of == 0 {
		return "nothing was due"
	}
	return fmt.Sprintf("%d %%", s.Points*100/s.Of)
}

func (t teller) ofDrill(r incident.Recorded) string {
	switch e := r.Event.(type) {
	case incident.DrillBegun:
		return fmt.Sprintf("The drill %s began: %s", e.Exercise.Scenario, e.Exercise.Title)
	case incident.Injected:
		return fmt.Sprintf("Inject %d (%s)%s: %s", e.N, e.Inject.Kind, prefixed(" from ", e.Inject.From), e.Inject.Text)
	case incident.DrillEnded:
		return "The drill ended" + prefixed(": ", e.Why)
	case incident.DrillYielded:
		return "The drill was given up for something real" + prefixed(": ", string(e.To))
	case incident.DrillScored:
		return fmt.Sprintf("The drill was scored: %d of %d points", e.Score.Points, e.Score.Of)
	}
	return ""
}

// ScoreLine is one expected action and what became of it, without mark-up.
func ScoreLine(l incident.DrillLine) string {
	return fmt.Sprintf("%s %s: %s", scoreMark[l.Result], l.Do, scoreSays(l))
}
