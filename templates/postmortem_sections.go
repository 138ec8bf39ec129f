package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

func (p *paper) facts() {
	s := p.s
	rows := [][]string{
		{"Incident", mdName(s, p.closed)},
		{"Severity", fmt.Sprintf("%s, at worst %s", orNone(s.Severity.String()), orNone(s.Severest.String()))},
	}
	if !p.closed {
		rows = append(rows, []string{"Type", orNone(MarkdownLine(s.Type, 60))})
	}
	rows = append(rows,
		[]string{"Status", string(s.Status)},
		[]string{"Start of impact", Stamp(s.Times.Impact)},
		[]string{"Detected", Stamp(s.Times.Detected)},
		[]string{"Aware", Stamp(s.Times.Awareness)},
		[]string{"Declared", Stamp(s.Declared)},
		[]string{"Acknowledged", Stamp(s.Times.Acknowledged)},
		[]string{"Contained", containedText(s)},
		[]string{"Resolved", Stamp(s.Times.Resolved)},
	)
	for _, span := range []struct {
		what     string
		from, to int64
	}{
		{"Impact lasted", unix(s.Times.Impact), unix(s.Times.Resolved)},
		{"From detection to declaration", unix(s.Times.Detected), unix(s.Declared)},
		{"From declaration to resolution", unix(s.Declared), unix(s.Times.Resolved)},
	} {
		if span.from != 0 && span.to > span.from {
			rows = append(rows, []string{span.what, Age(seconds(span.to - span.from))})
		}
	}
	mdTable(&p.b, rows[0], rows[1:]) // its first row stands where GitHub wants a head
}

func (p *paper) severities() {
	p.heading("Severity history")
	var rows [][]string
	for _, r := range p.events {
		var from, to incident.Severity
		why := ""
		switch e := r.Event.(type) {
		case incident.Declared:
			to, why = e.Severity, "declared"
		case incident.SeveritySet:
			from, to, why = e.From, e.To, e.Reason.String()
			if p.gone(r.Seq) {
				why = ""
			}
		default:
			continue
		}
		row := []string{Stamp(r.Occurred), strings.TrimPrefix(from.String()+" → "+to.String(), " → ")}
		if !p.closed {
			row = append(row, MarkdownLine(p.name(r.By), 80), MarkdownLine(why, maxLine))
		}
		rows = append(rows, row)
	}
	head := []string{"When", "Severity", "By", "Why"}
	if p.closed {
		head = head[:2]
	}
	mdTable(&p.b, head, rows)
}

func (p *paper) roles() {
	if p.closed {
		return
	}
	p.heading("Roles")
	var rows [][]string
	for _, r := range p.events {
		if e, ok := r.Event.(incident.RoleTaken); ok {
			rows = append(rows, []string{MarkdownLine(string(e.Role), 60), MarkdownLine(p.name(e.Person), 80), Stamp(r.Occurred)})
		}
	}
	if len(rows) == 0 {
		p.line("Nobody took a role.")
		return
	}
	mdTable(&p.b, []string{"Role", "Who", "From"}, rows)
}

func (p *paper) chart() {
	p.heading("Timeline")
	var key []Entry
	for _, n := range p.entries {
		if n.Key {
			key = append(key, n)
		}
	}
	heading := string(p.s.Stream) + " " + orNone(p.s.Severest.String())
	if p.s.Drill {
		heading = "DRILL " + heading
	}
	p.b.WriteString(mermaid(heading, key))
}

func (p *paper) keyEvents() {
	p.heading("Key events")
	for _, n := range p.entries {
		if !n.Key {
			continue
		}
		line := "- " + Stamp(n.Occurred) + ": " + MarkdownLine(n.Text, 400)
		if n.Link != "" {
			line += " ([message](" + n.Link + "))"
		}
		p.b.WriteString(line + "\n")
	}
	p.b.WriteString("\n")
}

func (p *paper) items() {
	p.heading("Action items")
	if len(p.s.Items) == 0 {
		p.line("None yet.")
		return
	}
	if p.closed {
		done := 0
		for _, it := range p.s.Items {
			if it.Done {
				done++
			}
		}
		p.line("%s, %d done.", count(len(p.s.Items), "action item", "action items"), done)
		return
	}
	if p.o.SubIssues {
		p.line("Each is a sub-issue of this issue.")
	}
	for _, it := range p.s.Items {
		words := MarkdownLine(it.Text.String(), 300)
		if isWeb(it.URL) {
			words = "[" + words + "](" + it.URL + ")"
		}
		box := "- [ ] "
		switch {
		case p.o.SubIssues:
			box = "- "
		case it.Done:
			box = "- [x] "
		}
		fmt.Fprintf(&p.b, "%s%s (%s). Owner: %s. Due: %s.\n", box, words, orNone(MarkdownLine(it.Kind, 40)), MarkdownLine(p.name(it.Owner), 80), dueDate(it.Due))
	}
	p.b.WriteString("\n")
}

func (p *paper) scope() {
	p.heading("Scope")
	if len(p.s.Scope) == 0 {
		p.line("Nothing was put in scope.")
		return
	}
	if p.closed {
		p.line("%s.", scopeCounts(p.s))
		return
	}
	var rows [][]string
	for _, kind := range scopeKinds {
		for _, it := range p.s.Scope {
			if it.Kind == kind {
				rows = append(rows, []string{string(it.Kind), MarkdownLine(Defang(it.Name.String()), maxLine), string(it.State), Stamp(it.At)})
			}
		}
	}
	mdTable(&p.b, []string{"Kind", "What", "State", "Since"}, rows)
}

const maxAppendix = 2000 // rows

func (p *paper) appendix() {
	p.heading("Appendix: the whole timeline")
	var rows [][]string
	for i, n := range p.entries {
		if i == maxAppendix {
			rows = append(rows, []string{"", "", fmt.Sprintf("%d more in the record", len(p.entries)-maxAppendix)})
			break
		}
		words := MarkdownLine(n.Text, 500)
		if n.Edited && !p.closed {
			words += " (corrected)"
		}
		if n.Link != "" {
			words += " ([message](" + n.Link + "))"
		}
		rows = append(rows, []string{fmt.Sprint(n.Seq), Stamp(n.Occurred), words})
	}
	mdTable(&p.b, []string{"No.", "Occurred", "What"}, rows)
}

// containedText does not claim a containment that nobody recorded: what was resolved
// without that phase counts as contained then.
func containedText(s incident.State) string {
	if !s.Times.Contained.IsZero() && s.Times.Contained.Equal(s.Times.Resolved) {
		return Stamp(s.Times.Contained) + ", with the resolution"
	}
	return Stamp(s.Times.Contained)
}
