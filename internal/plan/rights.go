package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// Words that may stand in "who" besides the ids of roles and people.
const (
	whoAnyone     = "anyone"     // every member of the workspace
	whoResponders = "responders" // who joined the incident
)

// grant says who has a right, and where the plan says so.
type grant struct {
	who    []string
	source string // file:line
}

var allRights = []incident.Right{
	incident.MayDeclare, incident.MayRespond, incident.MayDowngrade, incident.MayExclude, incident.MayResolve,
	incident.MayClose, incident.MayHide, incident.MayRedact, incident.MayPublish, incident.MayMerge,
	incident.MayReassign, incident.MayAdoptPlan, incident.MaySetTimes, incident.MayPageOthers, incident.MayDistrust, incident.MayWaive,
	incident.MayDrill, incident.MayStop, incident.MayResume, incident.MayReview, incident.MayWaiveProof, incident.MayHoldLegal, incident.MayExport,
}

// unsaid is who has a right that the plan does not name: everybody may call for
// help and lend a hand, whoever responds may say what is not to be believed, the rest
// is the commander's.
func unsaid(right incident.Right) grant {
	who := string(incident.Commander)
	switch right {
	case incident.MayHoldLegal:
		return grant{[]string{"legal", who}, rightsFile}
	case incident.MayDeclare, incident.MayRespond, incident.MayDrill:
		who = whoAnyone
	case incident.MayDistrust, incident.MayStop:
		who = whoResponders
	}
	return grant{[]string{who}, rightsFile}
}

func (r *reading) rights() {
	top, ok := r.top(rightsFile)
	if !ok {
		return
	}
	f := top.fields("rights")
	list, ok := f.must("rights")
	if !ok {
		return
	}
	var names []string
	for _, right := range allRights {
		names = append(names, string(right))
	}
	rf := list.fields(names...)
	for _, p := range list.pairs() {
		v, known := rf.get(p.key)
		if !known {
			continue
		}
		g := grant{source: p.keyAt.String(), who: []string{}}
		for _, w := range v.items() {
			if name := r.who(w); name != "" {
				g.who = append(g.who, name)
			}
		}
		r.plan.rights[incident.Right(p.key)] = g
	}
}

// who is one of the words above, a role or a person.
func (r *reading) who(v value) string {
	name := v.name()
	if name == "" || name == whoAnyone || name == whoResponders {
		return name
	}
	_, role := r.roleAt[incident.Role(name)]
	_, person := r.plan.byID[incident.PersonID(name)]
	if role || person || r.unread[rolesFile] || r.unread[peopleFile] {
		return name
	}
	known := append([]string{whoAnyone, whoResponders}, r.plan.roleNames()...)
	v.wrong(didYouMean(name, append(known, r.plan.personIDs()...)), "%q is no role and no person", name)
	return ""
}

// May judges whether p may do what r names in the incident s. Guests, deactivated
// accounts, people of other workspaces and whoever is excluded never may; clocks
// and vendors are no persons and are never asked about here.
func (p *Plan) May(who incident.Person, r incident.Right, s incident.State) incident.Verdict {
	g, said := p.rights[r]
	if !said {
		g = unsaid(r)
	}
	no := func(why string) incident.Verdict { return incident.Verdict{Why: why, Source: g.source} }
	switch {
	case !who.Known():
		return no("Tocsin does not know who you are.")
	case who.Standing == incident.System:
		return no("Only a person may do this.")
	case who.Standing != incident.Member:
		return no("Only full members of this workspace may take part in incidents.")
	case s.People[who.ID].Excluded:
		return no("You may not do this here.")
	}
	for _, w := range g.who {
		if has(w, who.ID, s) {
			return incident.Verdict{Allowed: true, Why: p.sentence(r, g, s), Source: g.source}
		}
	}
	return no(p.sentence(r, g, s))
}

func has(word string, id incident.PersonID, s incident.State) bool {
	switch word {
	case whoAnyone:
		return true
	case whoResponders:
		return s.People[id].Joined
	}
	// Whoever is merely offered a role does not have it yet.
	return string(id) == word || s.Posts[incident.Role(word)].Holder == id
}

// deeds finish the sentence "Only … may".
var deeds = map[incident.Right]string{
	incident.MayDeclare:    "declare an incident",
	incident.MayRespond:    "take part in this incident",
	incident.MayDowngrade:  "lower the severity",
	incident.MayExclude:    "exclude somebody",
	incident.MayWaive:      "waive what is marked as privileged",
	incident.MayDistrust:   "say what is not to be believed",
	incident.MayDrill:      "begin or end a drill",
	incident.MayResolve:    "resolve this incident",
	incident.MayClose:      "close this incident",
	incident.MayHide:       "hide an entry of the timeline",
	incident.MayRedact:     "erase an entry of the timeline",
	incident.MayPublish:    "publish the post-mortem",
	incident.MayMerge:      "merge incidents",
	incident.MayReassign:   "take over a role that somebody holds",
	incident.MayAdoptPlan:  "put another plan in force here",
	incident.MaySetTimes:   "set the times of this incident",
	incident.MayPageOthers: "page people",
	incident.MayStop:       "stop containment",
	incident.MayResume:     "let containment go on",
	incident.MayReview:     "review a broken glass",
	incident.MayWaiveProof: "waive evidence",
	incident.MayHoldLegal:  "set or lift a legal hold",
	incident.MayExport:     "take a copy of the evidence",
}

// sentence says who may, with the present holders of roles.
func (p *Plan) sentence(r incident.Right, g grant, s incident.State) string {
	deed := deeds[r]
	if deed == "" {
		deed = fmt.Sprintf("do what %q stands for", string(r))
	}
	if len(g.who) == 0 {
		return "The plan lets nobody " + deed + "."
	}
	if slices.Contains(g.who, whoAnyone) {
		return "Every member of the workspace may " + deed + "."
	}
	names := make([]string, 0, len(g.who))
	for _, w := range g.who {
		names = append(names, p.spoken(w, s))
	}
	return "Only " + listed(names) + " may " + deed + "."
}

func (p *Plan) spoken(word string, s incident.State) string {
	if word == whoResponders {
		return "responders who joined"
	}
	if n, ok := p.byID[incident.PersonID(word)]; ok {
		return p.people[n].Name.Text
	}
	title := word
	for _, spec := range p.roles {
		if string(spec.Role) == word {
			title = spec.Title
		}
	}
	title = "the " + strings.ToLower(title[:1]) + title[1:]
	holder := s.Posts[incident.Role(word)].Holder
	if n, ok := p.byID[holder]; ok {
		return title + " (" + p.people[n].Name.Text + ")"
	}
	return title
}

// listed is "a", "a or b", "a, b or c".
func listed(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
