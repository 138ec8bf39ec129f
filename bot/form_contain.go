package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// formContain is the form of an action; the action's name follows it: "contain run okta.suspend-user".
const formContain = "contain run"

var containForm = form{
	Name: formContain, Title: "Contain", Submit: "Show the plan", Book: bookContain,
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		spec, ok := a.specOf(m)
		if !ok {
			return incidentField(ctx, a, m)
		}
		return append(incidentField(ctx, a, m), a.containFields(spec)...)
	},
	Read:  readContain,
	Blame: map[string]string{"not-granted": "targets", "no-target": "targets", "too-many": "targets", "reason-needed": "reason", "no-ttl": "ttl", "frozen": "targets"},
}

func (a *asking) specOf(m meta) (actions.Spec, bool) {
	if a.room.Actions == nil {
		return actions.Spec{}, false
	}
	act, ok := a.room.Actions.Find(strings.TrimPrefix(m.Form, formContain+" "))
	if !ok {
		return actions.Spec{}, false
	}
	return act.Spec(), true
}

func (a *asking) containFields(s actions.Spec) []field {
	hint := s.Does
	if !s.Reversible {
		hint += " It cannot be taken back."
	}
	fields := []field{{Block: "targets", Label: s.Title + ": at which " + string(s.Kind), Hint: cutRunes(hint, 1900), Kind: longText, Max: 3000}}
	if known := a.knownTargets(s.Kind); len(known) > 0 {
		fields[0].Optional = true
		fields = append(fields, field{Block: "known", Label: "Or one that is known here", Kind: choice, Options: known, Optional: true})
	}
	for _, p := range s.Params {
		f := field{Block: "param-" + p.Name, Label: cutRunes(p.Name, 75), Hint: cutRunes(p.Help, 1900), Initial: p.Default, Optional: !p.Required, Max: 200}
		if len(p.Choices) > 0 {
			f.Kind = choice
			for _, c := range p.Choices {
				f.Options = append(f.Options, option{c, c})
			}
		}
		fields = append(fields, f)
	}
	if s.TTL > 0 {
		fields = append(fields, field{Block: "ttl", Label: "How long", Hint: "30m, 4h, 2d. Empty: as was agreed. At the end it asks, and stays.", Optional: true, Max: 20})
	}
	return append(fields, field{Block: "reason", Label: "Why", Kind: longText, Optional: true},
		field{Block: "how", Label: "How", Kind: checkbox, Optional: true, Options: []option{{"dry-run", "Only show what it would change"}, {"break-glass", "Break the glass: without an approval, reviewed afterwards"}}})
}

// maxKnown is how many things a list offers; Slack takes a hundred.
const maxKnown = 100

// knownTargets are what the scope names first, then the plan's assets.
func (a *asking) knownTargets(kind actions.Kind) []option {
	var out []option
	seen := map[string]bool{}
	add := func(name, more string) {
		if n := targetName(kind, name); n != "" && !seen[n] && len(out) < maxKnown && runeLen(n) <= 75 {
			seen[n] = true
			out = append(out, option{n, n + more})
		}
	}
	for _, it := range a.state.Scope {
		if string(it.Kind) == string(kind) && it.State != incident.Cleared {
			add(it.Name.Text, " ("+string(it.State)+")")
		}
	}
	for _, it := range a.state.Roster {
		if kind == actions.KindIdentity && !it.Done && !it.Waived {
			add(it.Name.Text, " (to be reset)")
		}
	}
	if kind == actions.KindHost || kind == actions.KindNode || kind == actions.KindService {
		for _, n := range a.room.Plan.AssetNames() {
			add(n, "")
		}
	}
	return out
}

func readContain(_ context.Context, a *asking, m meta, v values) (deed, error) {
	spec, ok := a.specOf(m)
	if !ok {
		return deed{}, incident.Refuse("unknown-action", "There is no such action any more.", "")
	}
	c := incident.RequestAction{Action: spec.Name, Kind: string(spec.Kind), Reversible: spec.Reversible, Lasts: spec.Reversible && spec.TTL > 0, Blast: string(spec.Blast),
		DryRun: v.ticked("how", "dry-run"), BreakGlass: v.ticked("how", "break-glass"), Reason: v.text("reason")}
	for part := range strings.FieldsFuncSeq(v.text("targets")+"\n"+v.chosen("known"), func(r rune) bool { return r == '\n' || r == ',' || r == ' ' }) {
		if t := targetName(spec.Kind, part); t != "" {
			if err := bounded(t, "target", incident.MaxName); err != nil {
				return deed{}, slipped("targets", err)
			}
			c.Targets = append(c.Targets, t)
		}
	}
	if len(c.Targets) == 0 {
		return deed{}, &slip{"targets", incident.Refuse("no-target", "Say at which "+string(spec.Kind)+".", "")}
	}
	if t := v.text("ttl"); t != "" {
		d, ok := parseDuration(t)
		if !ok || d <= 0 {
			return deed{}, &slip{"ttl", incident.Refuse("bad-ttl", "Write it as 30m, 4h or 2d.", "")}
		}
		c.TTL = d
	}
	given := map[string]string{}
	for _, p := range spec.Params {
		value := v.text("param-" + p.Name)
		if len(p.Choices) > 0 {
			value = v.chosen("param-" + p.Name)
		}
		given[p.Name] = value
	}
	var err error
	if c.Params, err = spec.Complete(given); err != nil {
		return deed{}, badOption(err)
	}
	return deed{Ask: []incident.Command{c}, Said: saidRequest}, nil
}

func saidRequest(s incident.State) string {
	if len(s.Deeds) == 0 {
		return "Asked for."
	}
	d := s.Deeds[len(s.Deeds)-1]
	return fmt.Sprintf("%s is asked for. The room is shown what it would change.", d.ID(s.Stream))
}
