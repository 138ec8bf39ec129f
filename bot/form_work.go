package bot

import (
	"context"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

func severityOptions() []option {
	return []option{{"P1", "P1, the worst"}, {"P2", "P2"}, {"P3", "P3"}, {"P4", "P4, the mildest"}}
}

var declareForm = form{
	Name: formDeclare, Title: "Declare an incident", Submit: "Declare", Fresh: true,
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		ticked := ""
		if m.Drill {
			ticked = "drill"
		}
		var types []option
		for _, t := range a.room.Plan.Types() {
			types = append(types, option{t, strings.ReplaceAll(t, "-", " ")})
		}
		return []field{
			{Block: "title", Label: "Title", Max: incident.MaxTitle, Initial: firstLine(m.FromText, 150), Hint: "What is wrong, in a few words."},
			{Block: "severity", Label: "Severity", Kind: choice, Options: severityOptions(), Optional: true, Hint: "Not sure? Leave it: the plan has one for each type."},
			{Block: "type", Label: "Type", Kind: choice, Options: types, Initial: a.room.Plan.DefaultType(), Optional: true},
			{Block: "assets", Label: "What is affected", Optional: true, Max: 1000, Hint: "Hosts, services, accounts; a comma between them."},
			{Block: "flags", Label: "Confidential, or a drill", Kind: checkbox, Optional: true, Initial: ticked, Options: []option{{"private", "Confidential: only those who are brought in know"}, {"drill", "A drill: nothing is real"}}},
			{Block: "exclude", Label: "Keep out", Kind: somePeople, Optional: true, Hint: "An insider, a taken-over account: never invited, paged or told."},
			{Block: "description", Label: "What is known", Kind: longText, Optional: true, Initial: m.FromText},
		}
	},
	Read:  readDeclare,
	Blame: map[string]string{"unknown-severity": "severity", "unknown-type": "type", "unknown-person": "exclude"},
}

func readDeclare(ctx context.Context, a *asking, m meta, v values) (deed, error) {
	c := incident.Declare{
		Title: v.text("title"), Type: v.chosen("type"), From: m.From, FromText: m.FromText,
		Private: v.ticked("flags", "private"), Drill: v.ticked("flags", "drill"),
	}
	if err := bounded(c.Title, "title", incident.MaxTitle); err != nil {
		return deed{}, slipped("title", err)
	}
	c.Severity, _ = incident.ParseSeverity(v.chosen("severity"))
	for part := range strings.FieldsFuncSeq(v.text("assets"), func(r rune) bool { return r == ',' || r == '\n' }) {
		if part = refang(part); part != "" {
			c.Assets = append(c.Assets, part)
		}
	}
	for _, u := range v["exclude"].SelectedUsers {
		p, err := a.someone(ctx, "exclude", u)
		if err != nil {
			return deed{}, err
		}
		c.Exclude = append(c.Exclude, *p)
	}
	d := deed{Ask: []incident.Command{c}, Said: saidDeclared}
	if text := v.text("description"); text != "" && text != m.FromText {
		d.Ask = append(d.Ask, incident.AddNote{Text: text})
	}
	return d, nil
}

func firstLine(text string, n int) string {
	head, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return cutRunes(head, n)
}

var updateForm = form{
	Name: formUpdate, Title: "Status update", Submit: "Post",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		return []field{{Block: "text", Label: "Update", Kind: longText, Hint: "What is known, what is being done, when the next update comes."}}
	},
	Read: func(_ context.Context, _ *asking, _ meta, v values) (deed, error) {
		return ask(incident.PostUpdate{Text: v.text("text")}, "Your update is posted.")
	},
}

var sevForm = form{
	Name: formSev, Title: "Change the severity", Submit: "Change",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		return []field{
			{Block: "severity", Label: "Severity", Kind: choice, Options: severityOptions(), Initial: a.state.Severity.String()},
			{Block: "reason", Label: "Reason", Kind: longText, Optional: true, Hint: "Needed to lower it: why is it less bad than it looked?"},
		}
	},
	Read: func(_ context.Context, a *asking, _ meta, v values) (deed, error) {
		sev, err := a.severity(v.chosen("severity"))
		if err != nil {
			return deed{}, slipped("severity", err)
		}
		if sev > a.state.Severity && v.text("reason") == "" {
			return deed{}, &slip{"reason", incident.Refuse("reason", "Going down to "+sev.String()+" needs a reason.", "")}
		}
		return ask(incident.SetSeverity{Severity: sev, Reason: v.text("reason")}, "The severity is "+sev.String()+" now.")
	},
}

var roleForm = form{
	Name: formRole, Title: "Give a role", Submit: "Give",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		var roles []option
		for _, r := range a.room.Plan.Roles() {
			text := r.Title
			if h := a.state.Holder(r.Role); h != "" {
				text += " (" + a.state.Person(h).Name.Text + ")"
			}
			roles = append(roles, option{string(r.Role), text})
		}
		return []field{
			{Block: "role", Label: "Role", Kind: choice, Options: roles},
			{Block: "person", Label: "Person", Kind: onePerson, Hint: "A role that is held is offered, and passes when it is accepted."},
		}
	},
	Read: func(ctx context.Context, a *asking, _ meta, v values) (deed, error) {
		role, err := a.role(v.chosen("role"))
		if err != nil {
			return deed{}, slipped("role", err)
		}
		p, err := a.someone(ctx, "person", v["person"].SelectedUser)
		if err != nil {
			return deed{}, err
		}
		if p == nil {
			return deed{}, &slip{"person", incident.Refuse("usage", "Say who.", "")}
		}
		if h := a.state.Holder(role); h != "" && h != p.ID {
			return ask(incident.OfferRole{Role: role, To: *p}, "Offered to "+called(*p)+".")
		}
		return ask(incident.AssignRole{Role: role, To: *p}, called(*p)+" is "+string(role)+" now.")
	},
}

var resolveForm = form{
	Name: formResolve, Title: "Resolve", Submit: "Resolve",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		return []field{{Block: "text", Label: "How it ended", Kind: longText, Hint: "The first words of the post-mortem, until somebody writes its summary."}}
	},
	Read: func(_ context.Context, _ *asking, _ meta, v values) (deed, error) {
		return ask(incident.Resolve{Text: v.text("text")}, "Resolved. The post-mortem is being drafted.")
	},
}

var reopenForm = form{
	Name: formReopen, Title: "Reopen", Submit: "Reopen",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		return []field{{Block: "why", Label: "Why", Kind: longText}}
	},
	Read: func(_ context.Context, _ *asking, _ meta, v values) (deed, error) {
		return ask(incident.Reopen{Why: v.text("why")}, "The incident is open again.")
	},
}

var pageForm = form{
	Name: formPage, Title: "Page somebody", Submit: "Page",
	Fields: func(ctx context.Context, a *asking, m meta) []field {
		fields := []field{{Block: "person", Label: "Person", Kind: onePerson, Optional: true}}
		var ladders []option
		for _, l := range a.room.Plan.Ladders() {
			ladders = append(ladders, option{l, l})
		}
		if len(ladders) > 0 {
			fields = append(fields, field{Block: "ladder", Label: "Or a ladder", Kind: choice, Options: ladders, Optional: true})
		}
		return append(fields, field{Block: "why", Label: "Why", Optional: true, Max: 500})
	},
	Read: func(ctx context.Context, a *asking, _ meta, v values) (deed, error) {
		p, err := a.someone(ctx, "person", v["person"].SelectedUser)
		if err != nil {
			return deed{}, err
		}
		c := incident.PageNow{Person: p, Why: v.text("why")}
		if p != nil {
			return ask(c, called(*p)+" is being paged.")
		}
		if c.Ladder = v.chosen("ladder"); c.Ladder == "" || !slices.Contains(a.room.Plan.Ladders(), c.Ladder) {
			return deed{}, &slip{"person", incident.Refuse("usage", "Say whom to page.", "")}
		}
		return ask(c, "The ladder is being paged.")
	},
}
