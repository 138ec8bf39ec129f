package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var signalsLiveVerb = verb{
	Name: "live", Aliases: []string{"watch", "tail"}, Book: bookSignals,
	Usage:    "<host> | container <id> | pod <name> | group <pattern> [kind…] [with <text>] [for 10m]",
	Summary:  "See what happens as it happens: one message, kept up to date.",
	Examples: []string{"live web-3", "live web-3 exec connect for 30m", "live group web-* dns", "live web-3 exec with curl"},
	Who:      incident.MayRespond,
	Run:      runLive,
}

// liveFor is how long somebody watches who does not say.
const liveFor = 10 * time.Minute

func runLive(ctx context.Context, a *asking, w *words) (deed, error) {
	s, err := a.sensors()
	if err != nil {
		return deed{}, err
	}
	l := incident.Looking{What: incident.LookLive, Kind: "host", To: a.now.Add(liveFor)}
	for _, k := range []string{"host", "container", "pod", "group"} {
		if w.take(k) {
			l.Kind = k
			break
		}
	}
	if l.With, err = a.with(w); err != nil {
		return deed{}, err
	}
	name, err := a.host(w)
	if err != nil {
		return deed{}, err
	}
	l.Subject = incident.Seal(name)
	for w.left() > 0 {
		next, _ := w.next()
		word := strings.TrimRight(lower(next.text), ",;")
		if word == "for" {
			length, ok := parseDuration(w.rest())
			if !ok || length <= 0 || length > incident.LongestLook {
				return deed{}, a.usage("Say for how long, an hour at most: for 10m.")
			}
			l.To = a.now.Add(length)
			break
		}
		for k := range strings.SplitSeq(word, ",") {
			if !slices.Contains(s.Kinds(), k) {
				hint := "Kinds: " + strings.Join(s.Kinds(), ", ") + "."
				if near := nearest(k, s.Kinds()); near != "" {
					hint = "Did you mean " + near + "? " + hint
				}
				return deed{}, incident.Refuse("unknown-kind", "There is no kind of event called \""+templates.Label(k, 30)+"\".", hint)
			}
			if !slices.Contains(l.Kinds, k) {
				l.Kinds = append(l.Kinds, k)
			}
		}
	}
	if err := s.Check(ctx, l); err != nil {
		return deed{}, err
	}
	return ask(incident.BeginLook{Looking: l}, "It is shown in the room until "+templates.Plain(echo(l.To, a.zone))+".")
}

// with takes the text that events have to have in them.
func (a *asking) with(w *words) (incident.Sealed, error) {
	text, there, ok := w.after("with")
	if there && !ok {
		return incident.Sealed{}, a.usage("Say what has to stand in it: with curl.")
	}
	return incident.Seal(text), nil
}
