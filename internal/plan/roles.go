package plan

import (
	"slices"

	"github.com/tocsin-ir/tocsin/incident"
)

// roles reads roles.yaml. The commander comes first, whatever the file's order.
func (r *reading) roles() {
	top, ok := r.top(rolesFile)
	if !ok {
		return
	}
	f := top.fields("roles")
	list, ok := f.must("roles")
	if !ok {
		return
	}
	for _, v := range list.items() {
		rf := v.fields("id", "title", "duty")
		id, there := rf.must("id")
		spec := incident.RoleSpec{Title: rf.needText("title", 60), Duty: rf.needText("duty", 300)}
		if !there {
			continue
		}
		spec.Role = incident.Role(id.word())
		if spec.Role == "" {
			continue
		}
		if earlier, twice := r.roleAt[spec.Role]; twice {
			id.wrong("", "%q is already the role of %s", spec.Role, earlier)
			continue
		}
		if n, taken := r.plan.byID[incident.PersonID(spec.Role)]; taken {
			id.wrong("rename one of them", "%q is also the id of a person in %s", spec.Role, r.plan.people[n].at)
		}
		if slices.Contains(reserved, string(spec.Role)) {
			id.wrong("choose another id", "%q has a meaning of its own", spec.Role)
		}
		r.roleAt[spec.Role] = id.at
		r.plan.roles = append(r.plan.roles, spec)
	}
	n := slices.IndexFunc(r.plan.roles, func(s incident.RoleSpec) bool { return s.Role == incident.Commander })
	if n < 0 {
		list.wrong("", "the role %q is missing; every incident has one", incident.Commander)
		return
	}
	commander := r.plan.roles[n]
	r.plan.roles = slices.Insert(slices.Delete(r.plan.roles, n, n+1), 0, commander)
}

func (p *Plan) roleNames() []string {
	out := make([]string, len(p.roles))
	for n, s := range p.roles {
		out[n] = string(s.Role)
	}
	return out
}
