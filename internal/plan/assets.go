package plan

import (
	"path"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// asset is one entry of assets.yaml: a name, or a pattern with * and ?, and who
// answers for what it fits.
type asset struct {
	match  string // lower case
	people []incident.Person
}

func (r *reading) assets() {
	if _, there := r.texts[assetsFile]; !there {
		return
	}
	top, ok := r.top(assetsFile)
	if !ok {
		return
	}
	f := top.fields("assets")
	for _, v := range f.items("assets") {
		af := v.fields("match", "people")
		af.must("people")
		a := asset{match: strings.ToLower(af.needText("match", incident.MaxName)), people: r.persons(af.items("people"))}
		if _, err := path.Match(a.match, ""); err != nil {
			af.known["match"].wrong("close the bracket", "%q is no pattern", a.match)
		}
		r.plan.assets = append(r.plan.assets, a)
	}
}

// Owners are the people of every entry of assets.yaml that fits the asset, each
// once. Capitals do not matter.
func (p *Plan) Owners(name string) []incident.Person {
	name = strings.ToLower(strings.TrimSpace(name))
	var out []incident.Person
	for _, a := range p.assets {
		if fits, _ := path.Match(a.match, name); fits || a.match == name {
			out = append(out, a.people...)
		}
	}
	return once(out)
}

// once keeps the first of each person.
func once(people []incident.Person) []incident.Person {
	seen := map[incident.PersonID]bool{}
	var out []incident.Person
	for _, p := range people {
		if !seen[p.ID] {
			seen[p.ID] = true
			out = append(out, p)
		}
	}
	return out
}
