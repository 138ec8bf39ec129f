package bot

import (
	"context"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// mark takes a person's word. The rule's figure is counted first: a mark said twice is one
// mark, so nothing is wrong when the room refuses it afterwards.
func (a *asking) mark(ctx context.Context, w *words, wrong bool) (deed, error) {
	s, err := a.sensors()
	if err != nil {
		return deed{}, err
	}
	next, ok := w.next()
	if !ok {
		return deed{}, a.usage("Say which rule, or the number of the line that tells of it.")
	}
	why, err := a.text(ctx, w, "reason", incident.MaxText)
	if err != nil {
		return deed{}, err
	}
	m := SignalMark{Rule: next.text, False: wrong, By: a.call.Person.ID, At: a.now, Why: why}
	meant := a.groups(next.text)
	if len(meant) == 0 {
		if _, err := strconv.Atoi(strings.Trim(next.text, "#")); err == nil {
			return deed{}, incident.Refuse("no-such-signal", "There is no signal with that number here.", "The number is on the timeline; or name the rule.")
		}
		figure, err := s.Mark(ctx, m)
		if err != nil {
			return deed{}, err
		}
		return show(line(templates.Plain("Noted. " + figure)))
	}
	var d deed
	figure := ""
	for _, g := range meant {
		m.Group, m.Rule = g.Group, g.Rule.Text
		if figure, err = s.Mark(ctx, m); err != nil {
			return deed{}, err
		}
		d.Ask = append(d.Ask, incident.JudgeSignals{Group: g.Group, False: wrong, Why: why})
	}
	d.Said = func(incident.State) string { return templates.Plain("Noted. " + figure) }
	return d, nil
}

// groups finds what is meant by the number of a line or the name of a rule, at most ten.
func (a *asking) groups(text string) (meant []incident.SignalAt) {
	n, _ := strconv.ParseInt(strings.Trim(text, "#.,"), 10, 64)
	for _, g := range a.state.Signals {
		if g.Seq == n || g.Judged == "" && g.Rule.Text != "" && strings.EqualFold(g.Rule.Text, text) {
			if meant = append(meant, g); len(meant) == 10 {
				break
			}
		}
	}
	return meant
}
