package templates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// PostMortem writes the post-mortem from the record: what can be computed is, what
// people must write says so until they do. events is the whole record, in order. A
// confidential one carries numbers, durations and the codename, never a word that a
// person wrote nor anybody's name.
func PostMortem(s incident.State, events []incident.Recorded, o Options) Document {
	p := newPaper(s, events, o)
	s = p.s
	d := Document{
		Title:     docTitle(s, p.closed, "Post-mortem", ""),
		Labels:    docLabels(s, "post-mortem", o),
		Marker:    marker(o.Marker),
		Assignees: assignees(s, s.Report.Owner),
	}
	if p.closed {
		d.Assignees = nil
	}
	if d.Marker != "" {
		p.b.WriteString(d.Marker + "\n")
	}
	p.banner()
	p.own(incident.SectionSummary)
	p.facts()
	p.own(incident.SectionImpact)
	p.severities()
	p.roles()
	p.goals()
	p.chart()
	p.keyEvents()
	p.computed(SectionTitle(incident.SectionWorked), p.worked(), incident.SectionWorked)
	p.computed(SectionTitle(incident.SectionWrong), p.gaps(), incident.SectionWrong)
	p.own(incident.SectionRootCause)
	p.own(incident.SectionContributing)
	p.own(incident.SectionLessons)
	p.items()
	p.scope()
	p.appendix()
	d.Body = strings.TrimRight(p.b.String(), "\n") + "\n"
	return d
}

// PostMortemReads says of which entries a post-mortem wants the texts. Of a long record
// only the first rows of the appendix are written, so that notes beyond them are
// counted and not read. Everything else is wanted, shown or not: what is withheld is
// known by its text. events may be without texts.
func PostMortemReads(s incident.State, events []incident.Recorded, o Options) func(incident.Recorded) bool {
	shown := map[int64]bool{}
	for i, n := range newPaper(s, events, o).entries {
		if i < maxAppendix || n.Key {
			shown[n.Seq] = true
		}
	}
	return func(r incident.Recorded) bool {
		_, note := r.Event.(incident.Noted)
		return !note || shown[r.Seq]
	}
}

// paper is a post-mortem being written.
type paper struct {
	s       incident.State
	events  []incident.Recorded
	entries []Entry // shown ones, in order of occurrence
	o       Options
	name    func(incident.PersonID) string
	closed  bool
	b       strings.Builder

	withheld int // entries left out as privileged
}

func newPaper(s incident.State, events []incident.Recorded, o Options) *paper {
	s = withhold(s, events)
	p := &paper{s: s, events: events, o: o, name: o.name(s), closed: o.confidential(s)}
	say := func(r incident.Recorded) string {
		if p.closed {
			return bare(r.Event)
		}
		if _, note := r.Event.(incident.Noted); note {
			return untold
		}
		return teller{s, p.name}.sentence(r)
	}
	p.entries = slices.DeleteFunc(shown(timeline(events, say)), func(n Entry) bool {
		if s.Privilege.Withheld(n.Seq) {
			p.withheld++
		}
		return s.Privilege.Withheld(n.Seq)
	})
	p.tell()
	if p.closed {
		for i := range p.entries { // corrections and kept messages are words of people
			n := &p.entries[i]
			n.Link, n.Why, n.First = "", "", ""
			if n.Edited || n.Erased {
				n.Text = "An entry that was corrected or erased"
			}
		}
	}
	return p
}

// untold stands for the sentence of a note until it is known whether anybody reads it.
const untold = "\x00"

// tell says the notes that are shown.
func (p *paper) tell() {
	notes := map[int64]incident.Recorded{}
	for _, r := range p.events {
		if _, note := r.Event.(incident.Noted); note {
			notes[r.Seq] = r
		}
	}
	says := teller{p.s, p.name}
	for i := range p.entries[:min(len(p.entries), maxAppendix)] {
		if n := &p.entries[i]; n.Text == untold {
			n.Text = says.sentence(notes[n.Seq])
		}
	}
}

func (p *paper) heading(h string) { p.b.WriteString("## " + h + "\n\n") }

func (p *paper) line(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n\n", args...) }

func (p *paper) banner() {
	if p.s.Drill {
		p.line("**DRILL. Nothing in this document happened for real.**")
	}
	if p.withheld > 0 {
		p.line("%s marked as privileged, left out here.", count(p.withheld, "entry is", "entries are"))
	}
	if p.s.Privilege.All {
		p.line("**Privileged and confidential: attorney–client communication.** Whoever published it waived the marking by name.")
	}
	if p.closed {
		p.line("This incident is confidential. It is written here as numbers and durations; the words are in its room.")
	}
}

// SectionTitle is what a section that people write is called: "Root cause".
func SectionTitle(key string) string {
	switch key {
	case incident.SectionContributing:
		return "Contributing factors"
	case incident.SectionWorked:
		return "What worked"
	case incident.SectionWrong:
		return "What went wrong, and gaps"
	}
	return title(strings.ReplaceAll(key, "-", " "))
}

// own is a section that only people can write.
func (p *paper) own(key string) {
	p.heading(SectionTitle(key))
	p.line("%s", p.written(key))
}

func (p *paper) written(key string) string {
	words := p.s.Report.Sections[key]
	switch {
	case p.closed:
		return "_Left out: confidential._"
	case words.IsZero() && key == incident.SectionSummary:
		if how := p.lastWords(); how != "" {
			return how
		}
		return notWritten
	case words.IsZero() || strings.TrimSpace(words.String()) == "":
		return notWritten
	}
	return Markdown(words.String())
}

const notWritten = "_Not written yet._"

// lastWords is how the resolver put it, until somebody writes a summary.
func (p *paper) lastWords() string {
	for _, r := range slices.Backward(p.events) {
		if e, ok := r.Event.(incident.WasResolved); ok && !p.gone(r.Seq) && strings.TrimSpace(e.Text.Text) != "" {
			return Markdown(e.Text.String())
		}
	}
	return ""
}

// gone reports that the entry was hidden or erased.
func (p *paper) gone(seq int64) bool {
	return !slices.ContainsFunc(p.entries, func(n Entry) bool { return n.Seq == seq && !n.Erased })
}

// computed is a section that the record begins and people go on with.
func (p *paper) computed(h string, lines []string, key string) {
	p.heading(h)
	if len(lines) > 0 {
		p.b.WriteString("From the record:\n\n")
		for _, l := range lines {
			p.b.WriteString("- " + l + "\n")
		}
		p.b.WriteString("\n")
	}
	p.line("%s", p.written(key))
}
