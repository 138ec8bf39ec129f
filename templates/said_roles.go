package templates

import (
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfRoles() Card {
	switch e := v.r.Event.(type) {
	case incident.RoleTaken:
		return v.roleTaken(e)
	case incident.RoleOffered:
		return v.roleOffered(e)
	case incident.RoleDeclined:
		news := fmt.Sprintf("%s declined *%s*.", v.who(e.Person), roleName(e.Role))
		next := "It stays with " + v.who(v.s.Holder(e.Role)) + "."
		if v.s.Holder(e.Role) == "" {
			next = "Nobody holds it now."
		}
		c := v.card(Warn, news, text(next), buttons(append(v.room(), v.button("Take it", "role "+string(e.Role)+" me"))...))
		return v.toward(c, v.s.Holder(e.Role))
	}
	return Card{}
}

func (v voice) roleTaken(e incident.RoleTaken) Card {
	role := roleName(e.Role)
	if v.direct() {
		if v.person == e.Person {
			return v.card(Warn, fmt.Sprintf("You are *%s* now.", role),
				text(nextForRole(e.Role)), buttons(append(v.room(), v.button("Catch up", "catchup"))...))
		}
		return v.card(Calm, fmt.Sprintf("You are no longer *%s*.", role), buttons(v.room()...))
	}
	news := fmt.Sprintf("*%s: %s*", title(role), v.who(e.Person))
	if e.From != "" && e.From != e.Person {
		news += ", taking over from " + v.who(e.From) + "."
	}
	c := v.card(Calm, news, small(nextForRole(e.Role)))
	return v.toward(c, e.Person, e.From)
}

func (v voice) roleOffered(e incident.RoleOffered) Card {
	role := roleName(e.Role)
	holder := v.s.Holder(e.Role)
	row := append([]Button{
		v.primary("Accept", "role accept "+string(e.Role)),
		v.button("Decline", "role decline "+string(e.Role)),
	}, v.room()...)
	if v.s.Posts[e.Role].Offered != e.To {
		if v.direct() {
			return v.card(Calm, fmt.Sprintf("You were offered *%s*.", role), small("That is settled."), buttons(v.room()...))
		}
		return v.card(Calm, fmt.Sprintf("*%s* was offered to %s.", title(role), v.who(e.To)), small("That is settled."))
	}
	if v.direct() {
		next := "Until you accept, the duties stay where they are."
		return v.card(Warn, fmt.Sprintf("You are offered *%s*.", role), text(next), buttons(row...))
	}
	next := fmt.Sprintf("%s keeps the duties until it is accepted.", Who(v.s, holder))
	if holder == "" {
		next = "Nobody has the duties until it is accepted."
	}
	return v.toward(v.card(Calm, fmt.Sprintf("*%s* is offered to %s.", title(role), v.who(e.To)), text(next), buttons(row...)), e.To)
}

func roleName(r incident.Role) string { return Line(string(r), 60) }

func nextForRole(r incident.Role) string {
	if r == incident.Commander {
		return "Decide, delegate, keep the updates coming; do not debug."
	}
	return ""
}
