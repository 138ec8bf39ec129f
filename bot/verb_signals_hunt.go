package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var signalsHuntVerb = verb{
	Name: "hunt", Aliases: []string{"search", "find"}, Book: bookSignals,
	Usage:    "ip|domain|hash|process|package|sigma <what>",
	Summary:  "Look for a sign of something on every host: the first rows at once, and how many hosts have not answered.",
	Examples: []string{"hunt domain evil[.]com", "hunt ip 203.0.113.0/24", "hunt process nc", "hunt sigma reverse_shell_dev_tcp"},
	Who:      incident.MayRespond,
	Run:      runHunt,
}

// huntFor is how long hosts have to answer. Who has not by then is named.
const huntFor = time.Minute

func runHunt(ctx context.Context, a *asking, w *words) (deed, error) {
	s, err := a.sensors()
	if err != nil {
		return deed{}, err
	}
	next, _ := w.next()
	kind := strings.TrimRight(lower(next.text), ":,")
	if known, ok := huntWords[kind]; ok {
		kind = known
	}
	if !slices.Contains(s.Hunts(), kind) {
		hint := "It is one of " + strings.Join(s.Hunts(), ", ") + "."
		if near := nearest(kind, s.Hunts()); near != "" {
			hint = "Did you mean " + near + "? " + hint
		}
		return deed{}, incident.Refuse("unknown-kind", "I cannot hunt for \""+templates.Label(kind, 30)+"\".", hint)
	}
	subject := refang(w.rest())
	if subject == "" {
		return deed{}, a.usage("Say which " + kind + ".")
	}
	if err := bounded(subject, "name", incident.MaxName); err != nil {
		return deed{}, err
	}
	l := incident.Looking{What: incident.LookHunt, Kind: kind, Subject: incident.Seal(subject), To: a.now.Add(huntFor)}
	if err := s.Check(ctx, l); err != nil {
		return deed{}, err
	}
	return ask(incident.BeginLook{Looking: l}, "Every host is asked; what they answer is shown in the room.")
}

var huntWords = map[string]string{"address": "ip", "network": "ip", "cidr": "ip", "name": "domain", "host": "domain", "sha256": "hash", "program": "process", "rule": "sigma"}
