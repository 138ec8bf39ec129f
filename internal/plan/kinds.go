package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// kind is an incident type: one file of types/, which gives it its name.
type kind struct {
	about    About
	severity incident.Severity
	invite   []incident.Person
	list     map[incident.Phase][]string
	like     value // the type whose lists stand in for phases this one leaves out
	likeName string
}

// About describes an incident type to people who choose one.
type About struct{ Name, Title, Description string }

const maxChecklist = 50 // items of one phase

func (r *reading) kinds() {
	var files []string
	for _, name := range r.texts.names() {
		if strings.HasPrefix(name, typesFolder+"/") {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		r.found.add(Problem{File: typesFolder, Why: "there is no incident type", Hint: "add types/other.yaml"})
		r.unread[typesFolder] = true
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, typesFolder+"/"), ".yaml")
		top, ok := r.top(file)
		k := &kind{about: About{Name: name}}
		r.plan.kinds[name] = k
		if ok {
			r.kind(k, top)
		}
	}
	r.likeness()
}

func (r *reading) kind(k *kind, top value) {
	f := top.fields("title", "description", "severity", "invite", "like", "checklist")
	k.about.Title = f.needText("title", 60)
	k.about.Description = f.needText("description", 500)
	if s, ok := f.get("severity"); ok {
		k.severity = s.severity()
	}
	k.invite = r.persons(f.items("invite"))
	if like, ok := f.get("like"); ok {
		k.like, k.likeName = like, like.name()
	}
	k.list = map[incident.Phase][]string{}
	lists, ok := f.get("checklist")
	if !ok {
		return
	}
	var phases []string
	for _, p := range incident.Phases() {
		phases = append(phases, string(p))
	}
	lf := lists.fields(phases...)
	for _, p := range incident.Phases() {
		items := lf.items(string(p))
		if len(items) > maxChecklist {
			lf.known[string(p)].wrong("a list nobody finishes helps nobody", "more than %d items", maxChecklist)
			continue
		}
		for _, v := range items {
			if t := v.text(500); t != "" {
				k.list[p] = append(k.list[p], t)
			}
		}
	}
}

// likeness gives every type the lists of the one it is like.
func (r *reading) likeness() {
	names := slices.Sorted(maps.Keys(r.plan.kinds))
	next := func(name string) string { return r.plan.kinds[name].likeName }
	for _, name := range names {
		k := r.plan.kinds[name]
		if k.likeName == "" {
			continue
		}
		if r.plan.kinds[k.likeName] == nil {
			k.like.wrong(didYouMean(k.likeName, names), "there is no incident type %q", k.likeName)
			k.likeName = ""
		}
	}
	for _, name := range names {
		k := r.plan.kinds[name]
		if path := circle(name, next); path != nil {
			if name != slices.Min(path) {
				continue // told once
			}
			k.like.wrong("", "the types go in a circle: %s", strings.Join(path, " → "))
			continue
		}
		for like := k.likeName; like != "" && k.list != nil; like = next(like) {
			if circle(like, next) != nil {
				break
			}
			for phase, items := range r.plan.kinds[like].list {
				if k.list[phase] == nil {
					k.list[phase] = items
				}
			}
		}
	}
}

// circle follows next from name and returns the way round if it leads back there.
func circle(name string, next func(string) string) []string {
	path := []string{name}
	seen := map[string]bool{}
	for at := next(name); at != "" && !seen[at]; at = next(at) {
		seen[at] = true
		path = append(path, at)
		if at == name {
			return path
		}
	}
	return nil
}

// kindNamed reads the name of an incident type.
func (r *reading) kindNamed(v value) string {
	name := v.name()
	if name == "" || r.unread[typesFolder] {
		return ""
	}
	if r.plan.kinds[name] == nil {
		v.wrong(didYouMean(name, slices.Sorted(maps.Keys(r.plan.kinds))), "there is no incident type %q", name)
		return ""
	}
	return name
}
