package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var containRunVerb = verb{
	Name: "run", Aliases: []string{"do"}, Book: bookContain,
	Usage:   "<action> <target>[, <target>…] [key=value…] [ttl=4h] [reason:\"…\"] [dry-run] [break-glass]",
	Summary: "Ask for an action on targets. The word run can be left out. What it would change is shown first.",
	Examples: []string{
		"okta.suspend-user mallory@example.com",
		"okta.suspend-user mallory@example.com ttl=8h reason:\"session theft\"",
		"okta.suspend-user mallory@example.com dry-run",
	},
	Who: incident.MayRespond,
	Run: runContain,
}

func runContain(ctx context.Context, a *asking, w *words) (deed, error) {
	spec, err := a.action(w)
	if err != nil {
		return deed{}, err
	}
	if w.left() == 0 {
		return open(formContain + " " + spec.Name)
	}
	c := incident.RequestAction{Action: spec.Name, Kind: string(spec.Kind), Reversible: spec.Reversible, Lasts: spec.Reversible && spec.TTL > 0, Blast: string(spec.Blast)}
	if v, ok := w.option("reason", "why"); ok {
		c.Reason = v.text
	}
	if c.TTL, err = ttlOf(w, spec); err != nil {
		return deed{}, err
	}
	if c.Params, err = paramsOf(w, spec); err != nil {
		return deed{}, err
	}
	for some := true; some; { // in any order, behind the targets
		dry, glass := w.flag("dry-run"), w.flag("break-glass")
		c.DryRun, c.BreakGlass, some = c.DryRun || dry, c.BreakGlass || glass, dry || glass
	}
	if c.Targets, err = a.targets(w, spec.Kind); err != nil {
		return deed{}, err
	}
	if len(c.Targets) == 0 {
		return deed{}, a.usage("Say at which " + string(spec.Kind) + ".")
	}
	return deed{Ask: []incident.Command{c}, Said: func(s incident.State) string {
		if len(s.Deeds) == 0 {
			return "Asked for."
		}
		d := s.Deeds[len(s.Deeds)-1]
		return fmt.Sprintf("%s: %s is asked for. The room is shown what it would change.", templates.Plain(d.ID(s.Stream)), templates.DeedWords(d))
	}}, nil
}

// action takes the action's name, or says which was most likely meant.
func (a *asking) action(w *words) (actions.Spec, error) {
	next, ok := w.next()
	if a.room.Actions == nil || len(a.room.Actions.Names()) == 0 {
		return actions.Spec{}, incident.Refuse("no-actions", "Nothing can be contained from here: no vendor is connected.", "docs/actions.md says how to connect one.")
	}
	if !ok {
		return actions.Spec{}, a.usage("Say what to do.")
	}
	name := lower(next.text)
	if found, ok := a.room.Actions.Find(name); ok {
		return found.Spec(), nil
	}
	hint := "See " + a.room.prefix(bookContain) + " list."
	if near := nearest(name, a.room.Actions.Names()); near != "" {
		hint = "Did you mean " + near + "? " + hint
	}
	return actions.Spec{}, incident.Refuse("unknown-action", "There is no action \""+templates.Label(name, 60)+"\".", hint)
}

// ttlOf reads how long a hold is to last.
func ttlOf(w *words, spec actions.Spec) (time.Duration, error) {
	v, ok := w.option("ttl", "for")
	if !ok {
		return 0, nil
	}
	d, ok := parseDuration(v.text)
	if !ok || d <= 0 {
		return 0, incident.Refuse("bad-ttl", "I cannot read \""+templates.Label(v.text, 40)+"\" as a length of time.", "Write it as 30m, 4h or 2d.")
	}
	if spec.TTL == 0 {
		return 0, incident.Refuse("no-ttl", spec.Title+" does not last, so it has no time to live.", "Say it without ttl.")
	}
	return d, nil
}

// paramsOf takes the action's own options; anything else that looks like one is refused
// by name, because a misspelt option would be a different deed.
func paramsOf(w *words, spec actions.Spec) (map[string]string, error) {
	given := map[string]string{}
	for _, p := range spec.Params {
		if v, ok := w.option(p.Name); ok {
			given[p.Name] = v.text
		}
	}
	for i := range w.list {
		if w.list[i].used || w.list[i].quoted {
			continue
		}
		if key, value, ok := cutKey(w.list[i].raw); ok && strings.Contains(w.list[i].raw, "=") && value != "" && !strings.ContainsAny(key, "./:@") {
			given[key] = value
		}
	}
	out, err := spec.Complete(given)
	if err != nil {
		return nil, badOption(err)
	}
	return out, nil
}

// badOption is the refusal of a value that an action cannot take.
func badOption(err error) error {
	var bad *actions.BadParam
	if errors.As(err, &bad) {
		return incident.Refuse("bad-option", fmt.Sprintf("%s %s.", templates.Label(bad.Name, 40), bad.Why), "Nothing was changed.")
	}
	return err
}

// targets takes what is left as targets, in the shape in which the same thing is always
// the same. "scope" is every confirmed thing of that kind, "roster" every credential that
// is not reset.
func (a *asking) targets(w *words, kind actions.Kind) ([]string, error) {
	var out []string
	for next, ok := w.next(); ok; next, ok = w.next() {
		switch lower(next.text) {
		case "on", "at", "and", "from":
			continue
		case "scope":
			for _, it := range a.state.Scope {
				if it.State == incident.Confirmed && string(it.Kind) == string(kind) {
					out = append(out, it.Name.Text)
				}
			}
			continue
		case "roster":
			for _, it := range a.state.Roster {
				if !it.Done && !it.Waived {
					out = append(out, it.Name.Text)
				}
			}
			continue
		}
		if next.quoted {
			out = append(out, next.text)
			continue
		}
		for part := range strings.SplitSeq(next.text, ",") {
			if part = targetName(kind, part); part != "" {
				out = append(out, part)
			}
		}
	}
	for _, t := range out {
		if err := bounded(t, "target", incident.MaxName); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func targetName(kind actions.Kind, text string) string {
	t := strings.TrimSpace(refang(text))
	switch kind {
	case actions.KindHost, actions.KindIdentity, actions.KindDomain, actions.KindNode:
		return strings.TrimSuffix(strings.ToLower(t), ".")
	}
	return t
}
