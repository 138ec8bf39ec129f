package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var signalsIntelVerb = verb{
	Name: "intel", Aliases: []string{"ioc", "iocs", "indicators"}, Book: bookSignals,
	Usage:    "[list] | add <address, name, URL or hash> [until:<time>] [why] | expire <what>",
	Summary:  "What every host is watched for: list it, add to it, end it.",
	Examples: []string{"intel", "intel add evil[.]com until:in 30 days seen in the phishing mail", "intel expire evil[.]com"},
	Who:      incident.MayRespond, Anywhere: true,
	Run: runIntel,
}

// intelFor is how long an indicator counts of which nobody says it: addresses change hands.
const intelFor = 90 * 24 * time.Hour

func runIntel(ctx context.Context, a *asking, w *words) (deed, error) {
	s, err := a.sensors()
	if err != nil {
		return deed{}, err
	}
	switch {
	case w.take("add"):
		return a.addIndicator(ctx, s, w)
	case w.take("expire", "end", "remove"):
		value := refang(w.rest())
		if value == "" {
			return deed{}, a.usage("Say what need not be watched for any more.")
		}
		ok, err := s.ExpireIndicator(ctx, value)
		if err != nil {
			return deed{}, err
		}
		if !ok {
			return deed{}, incident.Refuse("no-such-indicator", "Nobody watches for "+templates.Defang(value)+".", "See "+a.room.prefix(bookSignals)+" intel.")
		}
		return show(line(templates.Plain(templates.Defang(value) + " is not watched for any more.")))
	}
	w.take("list", "show")
	l, err := s.Indicators(ctx)
	if err != nil {
		return deed{}, err
	}
	return a.showLook(l)
}

// addIndicator watches for something, and puts it into the scope of the incident it was
// said in.
func (a *asking) addIndicator(ctx context.Context, s Sensors, w *words) (deed, error) {
	until, said, err := w.optionWhen(future, "until", "expires")
	if err != nil {
		return deed{}, err
	}
	if !said {
		until = a.now.Add(intelFor)
	}
	next, ok := w.next()
	if !ok {
		return deed{}, a.usage("Say what to watch for.")
	}
	why, err := a.text(ctx, w, "reason", incident.MaxName)
	if err != nil {
		return deed{}, err
	}
	value := refang(next.text)
	on, err := s.AddIndicator(ctx, NewIndicator{Value: value, By: a.call.Person.ID, Why: why, At: a.now, Expires: until})
	if err != nil {
		return deed{}, err
	}
	kept := on.Value
	text := templates.Plain("Every host is watched for " + templates.Defang(kept) + " until " + echo(until, a.zone) + "." + taken(on))
	if !a.state.Exists || a.state.Status == incident.Merged || a.inScope(kept) {
		return show(line(text))
	}
	return ask(incident.MarkScope{Kind: incident.ScopeIndicator, Name: kept, State: incident.Suspected, Note: why}, text)
}

// taken says which hosts are not watched yet: an attacker's call in that moment is missed.
func taken(w Watched) string {
	switch {
	case w.Of == 0:
		return " No host is connected now: each takes it when it comes."
	case w.On < w.Of:
		return fmt.Sprintf(" %d of %d connected hosts have it by now, the others take it as soon as they can.", w.On, w.Of)
	}
	return ""
}

func (a *asking) inScope(indicator string) bool {
	for _, it := range a.state.Scope {
		if it.Kind == incident.ScopeIndicator && it.Name.Text == indicator {
			return true
		}
	}
	return false
}
