package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var roleVerb = verb{
	Name: "role", Aliases: []string{"roles", "assign"},
	Usage:   "take <role> | <role> @person | offer <role> @person | accept [role] | decline [role]",
	Summary: "Give, take and hand over roles. A role that is held is offered and passes when it is accepted.",
	Examples: []string{
		"role take commander", "role scribe @carol", "role offer commander @bob", "role accept",
	},
	Who: incident.MayRespond,
	Run: runRole,
}

func runRole(ctx context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 {
		return show(rolesCard(a))
	}
	switch {
	case w.take("form", "change"):
		return open(formRole)
	case w.take("take", "claim"):
		role, err := a.nextRole(w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.AssignRole{Role: role, To: a.call.Person}, "You are "+string(role)+" now.")
	case w.take("offer", "handover", "hand-over", "hand"):
		w.take("over")
		role, err := a.nextRole(w)
		if err != nil {
			return deed{}, err
		}
		to, err := a.nextPerson(ctx, w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.OfferRole{Role: role, To: to}, "Offered to "+called(to)+". The holder stays "+string(role)+" until that is accepted.")
	case w.take("accept"):
		role, err := a.offered(w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.AcceptRole{Role: role}, "You are "+string(role)+" now.")
	case w.take("decline", "refuse"):
		role, err := a.offered(w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.DeclineRole{Role: role}, "You declined to be "+string(role)+".")
	}
	w.take("assign", "give")
	role, err := a.nextRole(w)
	if err != nil {
		return deed{}, err
	}
	to, err := a.nextPerson(ctx, w)
	if err != nil {
		return deed{}, err
	}
	return ask(incident.AssignRole{Role: role, To: to}, called(to)+" is "+string(role)+" now.")
}

func (a *asking) nextRole(w *words) (incident.Role, error) {
	next, ok := w.next()
	if !ok {
		return "", a.usage("Say which role.")
	}
	return a.role(next.text)
}

// offered is the role the words name, or the one that was offered to whoever asks.
func (a *asking) offered(w *words) (incident.Role, error) {
	if w.left() > 0 {
		return a.nextRole(w)
	}
	var found []incident.Role
	for role, post := range a.state.Posts {
		if post.Offered == a.call.Person.ID {
			found = append(found, role)
		}
	}
	switch len(found) {
	case 0:
		return "", incident.Refuse("not-offered", "No role of this incident has been offered to you.", "")
	case 1:
		return found[0], nil
	}
	return "", a.usage("Several roles have been offered to you; say which.")
}
