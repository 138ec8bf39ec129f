package templates

import (
	"fmt"
	"slices"

	"github.com/tocsin-ir/tocsin/incident"
)

const withheld = "[withheld: privileged]"

func (v voice) privilegeMarked(e incident.PrivilegeMarked) Card {
	what, gone := "This incident", "It does not leave for GitHub, the pager or the announcement channel unless somebody waives that by name."
	if e.Seq != 0 {
		what, gone = fmt.Sprintf("Entry %d of the timeline", e.Seq), "It is left out of what is published."
	}
	if e.Off {
		return v.card(Warn, fmt.Sprintf("%s is not marked as privileged any more, by %s.", what, v.by()), because(v.words(e.Why)))
	}
	next := ""
	if v.s.Report.Number != 0 {
		next = "The post-mortem is out already: what it says has to be taken down there by hand."
	}
	return v.card(Warn, fmt.Sprintf("*%s is marked as privileged: attorney–client communication.* So says %s.", what, v.by()), because(v.words(e.Why)), text(next),
		small(gone, "A marking, not legal advice: counsel decides what is privileged."))
}

// privilegedLine heads what people read of a marked incident.
func privilegedLine(s incident.State) string {
	if !s.Privilege.All {
		return ""
	}
	return "*PRIVILEGED AND CONFIDENTIAL* · attorney–client communication · do not pass on"
}

// withhold takes out of a State, before it is published, every text whose entry is
// marked as privileged. Entries themselves are left out by the caller.
func withhold(s incident.State, events []incident.Recorded) incident.State {
	if s.Privilege.Waived {
		return s
	}
	same := func(a, b incident.Sealed) bool { return a == b && !a.IsZero() }
	s.Items, s.Scope, s.Tasks = slices.Clone(s.Items), slices.Clone(s.Scope), slices.Clone(s.Tasks)
	sections := map[string]incident.Sealed{}
	for k, t := range s.Report.Sections {
		sections[k] = t
	}
	s.Report.Sections = sections
	for _, r := range events {
		if !s.Privilege.Withheld(r.Seq) {
			continue
		}
		switch e := r.Event.(type) {
		case incident.Declared:
			if same(s.Title, e.Title) {
				s.Title = incident.Seal(withheld)
			}
		case incident.Retitled:
			if same(s.Title, e.Title) {
				s.Title = incident.Seal(withheld)
			}
		case incident.PostMortemEdited:
			if same(sections[e.Section], e.Text) {
				sections[e.Section] = incident.Seal(withheld)
			}
		case incident.ItemAdded:
			if i := e.N - 1; i >= 0 && i < len(s.Items) {
				s.Items[i].Text, s.Items[i].From = incident.Seal(withheld), nil
			}
		case incident.Scoped:
			if i := e.N - 1; i >= 0 && i < len(s.Scope) {
				s.Scope[i].Name = incident.Seal(withheld)
			}
		case incident.TaskAdded:
			if i := e.N - 1; i >= 0 && i < len(s.Tasks) {
				s.Tasks[i].Text = incident.Seal(withheld)
			}
		case incident.Updated:
			if same(s.Update, e.Text) {
				s.Update = incident.Seal(withheld)
			}
		}
	}
	return s
}
