package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// asset is one entry of assets.yaml: a name, or a pattern with * and ?, who answers for
// what it fits, and what grants can select it by.
type asset struct {
	match       string // lower case
	people      []incident.Person
	environment string
	criticality string
	tags        []string
}

// criticalities are how much it hurts when it stops.
var criticalities = []string{"low", "medium", "high", "critical"}

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
		af := v.fields("match", "people", "environment", "criticality", "tags")
		af.must("people")
		a := asset{match: strings.ToLower(af.needText("match", incident.MaxName)), people: r.persons(af.items("people")), environment: af.text("environment", 64)}
		if _, err := path.Match(a.match, ""); err != nil {
			af.known["match"].wrong("close the bracket", "%q is no pattern", a.match)
		}
		if c, there := af.get("criticality"); there {
			a.criticality = c.oneOf("criticality", criticalities...)
		}
		for _, t := range af.items("tags") {
			a.tags = append(a.tags, t.word())
		}
		r.plan.assets = append(r.plan.assets, a)
	}
}

// entries are those of assets.yaml that fit a name. Capitals do not matter.
func (p *Plan) entries(name string) []asset {
	name = strings.ToLower(strings.TrimSpace(name))
	var out []asset
	for _, a := range p.assets {
		if fits, _ := path.Match(a.match, name); fits || a.match == name {
			out = append(out, a)
		}
	}
	return out
}

// Owners are the people of every entry of assets.yaml that fits the asset, each
// once. Capitals do not matter.
func (p *Plan) Owners(name string) []incident.Person {
	var out []incident.Person
	for _, a := range p.entries(name) {
		out = append(out, a.people...)
	}
	return once(out)
}

// AssetNames are the entries of assets.yaml that name one thing, for completion.
func (p *Plan) AssetNames() []string {
	var out []string
	for _, a := range p.assets {
		if !strings.ContainsAny(a.match, "*?[") {
			out = append(out, a.match)
		}
	}
	return out
}

// HostGroups are the patterns of assets.yaml that a host fits, the longest, which says most, first.
func (p *Plan) HostGroups(host string) []string {
	var out []string
	for _, a := range p.entries(host) {
		if strings.ContainsAny(a.match, "*?[") && !slices.Contains(out, a.match) {
			out = append(out, a.match)
		}
	}
	slices.SortStableFunc(out, func(x, y string) int { return len(y) - len(x) })
	return out
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
