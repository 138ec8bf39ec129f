package bot

import (
	"context"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

const distrustUsage = "slack | cli | api | pagerduty | github | okta:<account> | identity:<account> | host:<name> <why>"

var distrustVerb = verb{
	Name:     "distrust",
	Usage:    distrustUsage,
	Summary:  "Nothing that comes through it counts in this incident any more, neither commands nor acknowledgements. Looking stays possible. A host is marked, no more.",
	Examples: []string{"distrust slack its tokens were stolen", "distrust pagerduty the integration key leaked", "distrust okta:mallory@example.com session theft"},
	Who:      incident.MayDistrust,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		kind, name, why, err := a.channel(ctx, w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.Distrust{Kind: kind, Name: name, Why: why}, "It is distrusted here from now on. Two persons lift it, by another way.")
	},
}

var trustVerb = verb{
	Name:     "trust",
	Usage:    distrustUsage,
	Summary:  "Lift a distrust. It takes two persons within a day, each by a way that is believed.",
	Examples: []string{"trust slack all tokens are rotated"},
	Who:      incident.MayDistrust,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		kind, name, why, err := a.channel(ctx, w)
		if err != nil {
			return deed{}, err
		}
		d, err := ask(incident.Trust{Kind: kind, Name: name, Why: why}, "")
		d.Said = func(s incident.State) string {
			if slices.ContainsFunc(s.Doubts, func(t incident.Doubt) bool {
				return !t.Lifted && t.Kind == kind && strings.EqualFold(t.Name.Text, name)
			}) {
				return "That is one voice. It stays distrusted until a second person says the same."
			}
			return "It is believed again."
		}
		return d, err
	},
}

// channel reads what is (dis)trusted and why: "slack …", "okta:mallory@example.com …".
func (a *asking) channel(ctx context.Context, w *words) (kind, name, why string, err error) {
	next, ok := w.next()
	if !ok {
		return "", "", "", a.usage("Say what is not to be believed.")
	}
	kind, name, _ = strings.Cut(strings.TrimRight(next.text, ",:"), ":")
	kind = lower(kind)
	if kind == "pager" || kind == "pd" {
		kind = string(incident.ViaPagerDuty)
	}
	if id, known := w.users[lower(name)]; known && name != "" {
		p, err := a.room.Directory.BySlack(ctx, id)
		if err != nil {
			return "", "", "", err
		}
		name = string(p.ID)
	}
	if slices.Contains(incident.DistrustKinds(), kind) && !incident.IsDoor(kind) && name == "" {
		return "", "", "", a.usage("Say whose, as in " + kind + ":<name>.")
	}
	if why, err = a.text(ctx, w, "reason", incident.MaxText); err != nil {
		return "", "", "", err
	}
	if why == "" {
		return "", "", "", a.usage("Say why.")
	}
	return kind, name, why, nil
}
