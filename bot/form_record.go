package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// incidentField asks which incident, where the form does not know.
func incidentField(ctx context.Context, a *asking, m meta) []field {
	if m.Stream != "" {
		return nil
	}
	list, err := a.visible(ctx, 100, incident.Open, incident.Resolved)
	if err != nil || len(list) == 0 {
		return nil
	}
	var out []option
	for _, s := range list {
		out = append(out, option{string(s.Stream), string(s.Stream) + " " + s.Title.String()})
	}
	return []field{{Block: "incident", Label: "Incident", Kind: choice, Options: out}}
}

var taskForm = form{
	Name: formTask, Title: "Add a task", Submit: "Add",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		return append(incidentField(ctx, a, m),
			field{Block: "text", Label: "What is to be done", Kind: longText, Initial: m.FromText},
			field{Block: "owner", Label: "Owner", Kind: onePerson, Optional: true},
			field{Block: "due", Label: "Due", Kind: day, Optional: true},
		)
	},
	Read: func(ctx context.Context, a *asking, _ meta, v values) (deed, error) {
		owner, err := a.someone(ctx, "owner", v["owner"].SelectedUser)
		if err != nil {
			return deed{}, err
		}
		due, err := a.dueOn(v, "due")
		if err != nil {
			return deed{}, err
		}
		return ask(incident.AddTask{Text: v.text("text"), Owner: owner, Due: due}, "The task is added"+a.dueText(due)+".")
	},
	Blame: map[string]string{"unknown-person": "owner"},
}

var itemForm = form{
	Name: formItem, Title: "Add an action item", Submit: "Add", Book: bookReport,
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		var kinds []option
		for _, k := range incident.ItemKinds() {
			kinds = append(kinds, option{k, kindText(k)})
		}
		return append(incidentField(ctx, a, m),
			field{Block: "text", Label: "What is to be done", Kind: longText, Initial: m.FromText, Hint: "So that it does not happen again."},
			field{Block: "kind", Label: "What for", Kind: choice, Options: kinds, Initial: incident.ItemKinds()[0]},
			field{Block: "owner", Label: "Owner", Kind: onePerson, Optional: true},
			field{Block: "due", Label: "Due", Kind: day, Optional: true},
		)
	},
	Read: func(ctx context.Context, a *asking, m meta, v values) (deed, error) {
		owner, err := a.someone(ctx, "owner", v["owner"].SelectedUser)
		if err != nil {
			return deed{}, err
		}
		due, err := a.dueOn(v, "due")
		if err != nil {
			return deed{}, err
		}
		return ask(incident.AddItem{Text: v.text("text"), Kind: v.chosen("kind"), Owner: owner, Due: due, From: m.From}, "The action item is added"+a.dueText(due)+".")
	},
	Blame: map[string]string{"unknown-person": "owner"},
}

var timelineForm = form{
	Name: formTimeline, Title: "Add to the timeline", Submit: "Add",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		return append(incidentField(ctx, a, m),
			field{Block: "text", Label: "What happened", Kind: longText, Initial: m.FromText},
			field{Block: "when", Label: "When", Optional: true, Max: 60, Hint: "As in 14:05, yesterday 22:10 or 10m ago, in " + a.zone.String() + ". Left out: now."},
		)
	},
	Read: func(_ context.Context, a *asking, _ meta, v values) (deed, error) {
		d := deed{Ask: []incident.Command{incident.AddNote{Text: v.text("text")}}, Said: func(incident.State) string { return "It is on the timeline." }}
		if when := v.text("when"); when != "" {
			at, err := parseTime(when, a.now, a.zone, past)
			if errors.Is(err, errNoTime) {
				err = incident.Refuse("bad-time", "That is no time I can read.", "Write it as 14:05, yesterday 22:10 or 2026-11-23 03:04.")
			}
			if err == nil && at.After(a.now) {
				err = incident.Refuse("bad-time", echo(at, a.zone)+" has not come yet.", "")
			}
			if err != nil {
				return d, slipped("when", err)
			}
			d.Occurred = at
		}
		return d, nil
	},
}

var keepForm = form{
	Name: formKeep, Title: "Keep this message", Submit: "Keep",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		if list := incidentField(ctx, a, m); list != nil {
			return list
		}
		return []field{{Block: "incident", Label: "Incident", Hint: "No incident is open."}}
	},
	Read: func(ctx context.Context, a *asking, m meta, _ values) (deed, error) {
		if m.From == nil {
			return deed{}, incident.Refuse("no-message", "There is no message to keep.", "")
		}
		return ask(incident.KeepMessage{Ref: *m.From, Author: a.author(ctx, m.Author), Text: m.FromText}, "The message is a key event now.")
	},
}

// kindText says what an action item of a kind is for.
func kindText(kind string) string {
	switch kind {
	case "prevent":
		return "Prevent it"
	case "detect":
		return "Detect it sooner"
	case "respond":
		return "Respond better"
	}
	return templates.SectionTitle(kind)
}

// author is who wrote a message: an app where no person did.
func (a *asking) author(ctx context.Context, user string) incident.Person {
	if user != "" {
		if p, err := a.room.Directory.BySlack(ctx, user); err == nil {
			return p
		}
		return incident.Person{ID: incident.PersonID(user), Slack: user}
	}
	return incident.Vendor("slack")
}

var reportForm = form{
	Name: formReport, Title: "Edit the post-mortem", Submit: "Save", Book: bookReport,
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		fields := incidentField(ctx, a, m)
		for i, name := range incident.Sections() {
			if i == 20 {
				break
			}
			was := a.state.Report.Sections[name].Text
			hint := ""
			if name == incident.SectionSummary {
				hint = "Left empty, the words of the resolution stand here."
			}
			if runeLen(was) > 3000 {
				// The form would cut it, and saving would lose the rest.
				hint, was = "Too long for a form; left empty, it stays as it is. Change it by words.", ""
			}
			fields = append(fields, field{Block: fmt.Sprintf("section-%d", i), Label: templates.SectionTitle(name), Kind: longText, Optional: true, Initial: was, Hint: hint})
		}
		return fields
	},
	Read: func(_ context.Context, a *asking, _ meta, v values) (deed, error) {
		var d deed
		for i, name := range incident.Sections() {
			text := v.text(fmt.Sprintf("section-%d", i))
			if text != "" && text != a.state.Report.Sections[name].Text {
				d.Ask = append(d.Ask, incident.EditPostMortem{Section: name, Text: text})
			}
		}
		if len(d.Ask) == 0 {
			return d, incident.Refuse("unchanged", "Nothing was changed.", "")
		}
		d.Said = func(incident.State) string { return count(len(d.Ask), "section") + " written." }
		return d, nil
	},
}
