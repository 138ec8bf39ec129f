package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var contactsVerb = verb{
	Name: "contacts", Aliases: []string{"contact"},
	Usage:    "[@person]",
	Summary:  "How to reach those on the page when the pager does not. For responders' eyes.",
	Examples: []string{"contacts", "contacts @bob"},
	Who:      incident.MayRespond,
	Run:      runContacts,
}

func runContacts(ctx context.Context, a *asking, w *words) (deed, error) {
	if !a.state.People[a.call.Person.ID].Joined {
		return deed{}, incident.Refuse("responders-only", "Contact details are for responders of the incident.", "Join it first: "+a.room.prefix(bookIncident)+" join.")
	}
	if a.state.Disbelieved(a.call.Person, a.call.Via) != nil {
		return deed{}, incident.Refuse("distrusted", "What you ask through is distrusted in this incident: telephone numbers are not shown there.", "Ask on the server: `tocsin do`.")
	}
	if a.room.Contacts == nil {
		return deed{}, incident.Refuse("no-contacts", "No contact details are kept here.", "")
	}
	var who []incident.PersonID
	if page, ok := a.state.Paging.Pages[incident.PageID(w.peek())]; ok {
		w.next()
		who = page.People
		if page.To != "" {
			who = append(who, page.To)
		}
	} else if w.left() > 0 {
		p, err := a.nextPerson(ctx, w)
		if err != nil {
			return deed{}, err
		}
		who = append(who, p.ID)
	} else {
		who = pagedPeople(a.state)
	}
	list, err := a.room.Contacts.Contacts(ctx, who)
	if err != nil {
		return deed{}, fmt.Errorf("look up contact details: %w", err)
	}
	var text []string
	for _, c := range list {
		ways := "nothing known"
		if len(c.Ways) > 0 {
			ways = templates.Line(strings.Join(c.Ways, " · "), 300)
		}
		text = append(text, "*"+called(c.Person)+"* "+ways)
	}
	if len(text) == 0 {
		return deed{}, incident.Refuse("no-contacts", "No contact details are known for those who were paged.", "")
	}
	return show(templates.Card{Lead: "Contact details", Blocks: []templates.Block{
		{Text: strings.Join(text, "\n")}, {Context: []string{"Only you can see this."}},
	}})
}

// pagedPeople are all who were on a page or named by a running rung.
func pagedPeople(s incident.State) []incident.PersonID {
	var out []incident.PersonID
	add := func(id incident.PersonID) {
		if id != "" && !s.IsExcluded(id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, p := range s.Paging.Pages {
		add(p.To)
		for _, id := range p.People {
			add(id)
		}
	}
	for _, r := range s.Paging.Ladder.Rungs {
		for _, p := range r.People {
			add(p.ID)
		}
	}
	slices.Sort(out)
	return out
}
