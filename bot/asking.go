package bot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// person finds who a word names: a mention, "me", a plan id, a name or an address.
func (a *asking) person(ctx context.Context, w *words, text string) (incident.Person, error) {
	name := strings.TrimRight(strings.TrimSpace(text), ",;")
	switch lower(name) {
	case "":
		return incident.Person{}, a.usage("Say who.")
	case "me", "myself", "i":
		return a.call.Person, nil
	}
	if id, ok := w.users[lower(name)]; ok {
		return a.room.Directory.BySlack(ctx, id)
	}
	return a.room.Directory.ByName(ctx, strings.TrimPrefix(name, "@"))
}

// nextPerson takes the next word as a person.
func (a *asking) nextPerson(ctx context.Context, w *words) (incident.Person, error) {
	w.take("to", "for")
	next, _ := w.next()
	return a.person(ctx, w, next.text)
}

// text takes the rest as free text of at most limit runes. Longer text is refused,
// never cut: what was cut off might have been the point.
func (a *asking) text(ctx context.Context, w *words, what string, limit int) (string, error) {
	t := a.names(ctx, w, w.rest())
	return t, bounded(t, what, limit)
}

func bounded(t, what string, limit int) error {
	if n := utf8.RuneCountInString(t); n > limit {
		return incident.Refuse("too-long", fmt.Sprintf("The %s is %s long; at most %s fit.", what, count(n, "character"), count(limit, "character")), "Say it shorter.")
	}
	return nil
}

var bareMention = regexp.MustCompile(`@([UW][A-Z0-9]{5,})`)

// names puts names where a mention carried only an id. Who cannot be found stays an id.
func (a *asking) names(ctx context.Context, w *words, text string) string {
	return bareMention.ReplaceAllStringFunc(text, func(m string) string {
		id, ok := w.users[lower(m)]
		if !ok {
			return m
		}
		p, err := a.room.Directory.BySlack(ctx, id)
		if err != nil || p.Name.Text == "" {
			return m
		}
		return "@" + p.Name.Text
	})
}

// number takes the next word as the number of something.
func (a *asking) number(w *words, what string) (int, error) {
	next, _ := w.next()
	n, err := strconv.Atoi(strings.Trim(next.text, "#.,:"))
	if err != nil || n < 1 || n > 1_000_000_000 {
		return 0, a.usage("Say the number of the " + what + ".")
	}
	return n, nil
}

// occurred takes at:<time> or a leading "at <time>": when a thing happened.
func (a *asking) occurred(w *words) (d deed, err error) {
	at, asked, err := w.optionWhen(past, "at", "when")
	if err != nil {
		return d, err
	}
	if !asked && w.take("at") {
		var ok bool
		if at, ok, err = w.when(past); err != nil {
			return d, err
		} else if !ok {
			w.untake("at")
		}
	}
	if at.After(a.now) {
		return d, incident.Refuse("bad-time", echo(at, a.zone)+" has not come yet.", "Say when it happened.")
	}
	d.Occurred = at
	return d, nil
}

// severity reads a severity that may be a bare number.
func (a *asking) severity(text string) (incident.Severity, error) {
	s, ok := incident.ParseSeverity(text)
	if !ok {
		return 0, incident.Refuse("unknown-severity", "There is no severity \""+templates.Label(text, 20)+"\".", "Severities are P1 (the worst) to P4.")
	}
	return s, nil
}

// role finds a role of the plan by its name or title.
func (a *asking) role(text string) (incident.Role, error) {
	t := strings.ReplaceAll(lower(strings.Trim(text, ",.")), "_", "-")
	if t == "ic" || t == "lead" {
		t = string(incident.Commander)
	}
	var known []string
	for _, r := range a.room.Plan.Roles() {
		name := strings.ReplaceAll(lower(string(r.Role)), "_", "-")
		title := strings.ReplaceAll(lower(r.Title), " ", "-")
		if t == name || t == title {
			return r.Role, nil
		}
		known = append(known, string(r.Role))
	}
	hint := "Roles: " + strings.Join(known, ", ") + "."
	if near := nearest(t, known); near != "" {
		hint = "Did you mean " + near + "? " + hint
	}
	return "", incident.Refuse("unknown-role", "The plan has no role \""+templates.Label(text, 40)+"\".", hint)
}

// incidentType finds a type of the plan.
func (a *asking) incidentType(text string) (string, error) {
	types := a.room.Plan.Types()
	t := strings.ReplaceAll(lower(text), " ", "-")
	if slices.Contains(types, t) {
		return t, nil
	}
	hint := "Types: " + strings.Join(types, ", ") + "."
	if near := nearest(t, types); near != "" {
		hint = "Did you mean " + near + "? " + hint
	}
	return "", incident.Refuse("unknown-type", "The plan has no incident type \""+templates.Label(text, 40)+"\".", hint)
}

// called names a person for whoever asked, without notifying anybody.
func called(p incident.Person) string {
	if p.Name.Text != "" {
		return templates.Line(p.Name.Text, 80)
	}
	return templates.Line(string(p.ID), 80)
}
