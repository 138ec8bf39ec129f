package bot

import (
	"context"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// sensors is what hosts answer, for whoever may ask. What a host does is about people too:
// it is looked at for an incident, by those who respond to it, and leaves a line there.
func (a *asking) sensors() (Sensors, error) {
	if a.room.Sensors == nil {
		return nil, incident.Refuse("no-sensors", "No sensors are set up on this server.", "Whoever runs the server sets TOCSIN_FLEET_LISTEN and TOCSIN_FLEET_NAMES.")
	}
	if v := a.room.Plan.May(a.call.Person, incident.MayRespond, a.state); !v.Allowed {
		return nil, incident.Refuse("not-entitled", v.Why, "")
	}
	return a.room.Sensors, nil
}

// lookNow asks what is answered at once, and has the record keep that it was asked.
func (a *asking) lookNow(ctx context.Context, l incident.Looking) (deed, error) {
	s, err := a.sensors()
	if err != nil {
		return deed{}, err
	}
	got, err := s.Look(ctx, l)
	if err != nil {
		return deed{}, err
	}
	if got.Title == "" {
		got.Title = templates.LookTitle(l)
	}
	d := deed{}
	if a.call.Via == incident.ViaSlack {
		if d.File = lookFile(a.state, l, got, string(a.call.CommandID), a.now); d.File != nil {
			got.Notes = append([]string{"The whole answer is in the room, as a file."}, got.Notes...)
			if a.inRoom {
				d.File.Thread = a.call.ThreadTS
			}
		}
	}
	c := a.shown(templates.LookCard(got))
	return deed{Show: &c, File: d.File, Keep: incident.NoteLook{Looking: l, Count: got.LookCount(), Text: got.Result}}, nil
}

// host takes the name of a host.
func (a *asking) host(w *words) (string, error) {
	w.take("host", "on", "of")
	next, _ := w.next()
	name := scopeName(incident.ScopeHost, strings.TrimRight(next.text, ",;"))
	if name == "" {
		return "", a.usage("Say which host.")
	}
	return name, bounded(name, "name", incident.MaxName)
}

// showLook shows an answer that no incident keeps.
func (a *asking) showLook(l templates.Look) (deed, error) {
	return show(a.shown(templates.LookCard(l)))
}

// register is the envelope of what is asked of a register that no incident has.
func (a *asking) register() incident.Asked {
	return incident.Asked{ID: a.call.CommandID + "#register", Root: a.call.Root, By: a.call.Person, Via: a.call.Via, At: a.now}
}

// noted answers for something that holds for every host, and leaves a note in the incident it was
// said in: who responds there wants to know what is kept quiet.
func (a *asking) noted(text, note string) (deed, error) {
	text = templates.Plain(text)
	if !a.state.Exists || !a.state.Live() {
		return show(line(text))
	}
	return ask(incident.AddNote{Text: note}, text)
}

// hidden are the hosts of open incidents that the asker must not know of: whoever is kept
// out of an incident would learn from its signals what it is about.
func (a *asking) hidden(ctx context.Context) (map[string]bool, error) {
	open, err := a.room.Reader.List(ctx, []incident.Status{incident.Open, incident.Resolved}, 1000)
	if err != nil {
		return nil, err
	}
	hosts := map[string]bool{}
	for _, s := range open {
		if s.MaySee(a.call.Person.ID) {
			continue
		}
		for _, e := range s.Touches() {
			if name, ok := strings.CutPrefix(e, "host/"); ok {
				hosts[strings.ToLower(name)] = true
			}
		}
	}
	return hosts, nil
}

// unhidden takes the rows of hidden hosts out.
func unhidden(l templates.Look, hidden map[string]bool) templates.Look {
	before := len(l.Rows)
	l.Rows = slices.DeleteFunc(slices.Clone(l.Rows), func(r templates.LookRow) bool { return hidden[strings.ToLower(r.Host)] })
	l.Total = max(len(l.Rows), l.Total-(before-len(l.Rows)))
	return l
}
