package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Document is a text for an issue tracker: GitHub Markdown with everything people
// wrote escaped by Markdown.
type Document struct {
	Title     string // plain text
	Body      string
	Labels    []string
	Assignees []string // GitHub logins
	Marker    string   // the hidden line in Body by which it is found again
}

// Options are what a document needs beside the record.
type Options struct {
	Name         func(incident.PersonID) string // how people are called; nil: as the incident knows them
	Confidential bool                           // numbers and durations only; a private incident is always written so
	Marker       string                         // effect id, e.g. "INC-0042/17/2"
	Link         func(incident.MessageRef) string
	Labels       []string // added to the document's own
	SubIssues    bool     // action items are linked below the issue by the tracker itself
	Now          time.Time
}

func (o Options) confidential(s incident.State) bool { return o.Confidential || s.Private }

func (o Options) name(s incident.State) func(incident.PersonID) string {
	if o.Name == nil {
		return func(id incident.PersonID) string { return NameOf(s, id) }
	}
	return func(id incident.PersonID) string {
		if n := oneLine(o.Name(id)); n != "" && id != "" {
			return n
		}
		return NameOf(s, id)
	}
}

// docTitle is a title for an issue: one line that links and mentions nobody.
func docTitle(s incident.State, confidential bool, before, rest string) string {
	name := rest
	if name == "" {
		name = s.Title.String()
		if confidential {
			name = s.Codename
		}
	}
	t := fmt.Sprintf("%s %s: %s", before, s.Stream, name)
	if s.Drill {
		t = "DRILL: " + t
	}
	t = ghRef.ReplaceAllString(cut(defuseLinks(oneLine(t)), 200), "${1}"+apart+"-${2}")
	return strings.NewReplacer("@", "@"+apart, "#", "#"+apart, "`", "'").Replace(t)
}

func docLabels(s incident.State, kind string, o Options) []string {
	labels := []string{"tocsin", kind}
	if sev := s.Severest.String(); sev != "" {
		labels = append(labels, "severity:"+sev)
	}
	if s.Drill {
		labels = append(labels, "drill")
	}
	return append(labels, o.Labels...)
}

func assignees(s incident.State, id incident.PersonID) []string {
	if id == "" || s.Person(id).GitHub == "" {
		return nil
	}
	return []string{s.Person(id).GitHub}
}

// ItemIssue is the issue of one action item.
func ItemIssue(s incident.State, item incident.ActionItem, o Options) Document {
	closed := o.confidential(s)
	d := Document{Marker: marker(o.Marker), Labels: docLabels(s, "action-item", o)}
	var b strings.Builder
	if d.Marker != "" {
		b.WriteString(d.Marker + "\n")
	}
	if s.Drill {
		b.WriteString("**This belongs to a drill.**\n\n")
	}
	if closed {
		d.Title = docTitle(s, true, "Action item", fmt.Sprintf("%d of %s", item.N, s.Codename))
		b.WriteString("What is to be done is written in the room of the incident.\n\n")
	} else {
		d.Title = docTitle(s, false, "Action item", item.Text.String())
		d.Assignees = assignees(s, item.Owner)
		b.WriteString(Markdown(item.Text.String()) + "\n\n")
	}
	rows := [][]string{{"Incident", mdName(s, closed)}, {"Severity", orNone(s.Severest.String())}}
	if !closed {
		rows = append(rows, []string{"Purpose", orNone(MarkdownLine(item.Kind, 40))}, []string{"Owner", MarkdownLine(o.name(s)(item.Owner), 80)})
	}
	rows = append(rows, []string{"Due", dueDate(item.Due)})
	mdTable(&b, rows[0], rows[1:])
	if isWeb(s.Report.URL) {
		b.WriteString("From the post-mortem: <" + s.Report.URL + ">\n")
	}
	if item.From != nil && !closed {
		if link := o.link(*item.From); link != "" {
			b.WriteString("\nFirst said [in the room](" + link + ").\n")
		}
	}
	d.Body = b.String()
	return d
}

// link is the permalink of a message, "" when there is none that is safe to write.
func (o Options) link(m incident.MessageRef) string {
	link := m.Permalink
	if link == "" && o.Link != nil {
		link = o.Link(m)
	}
	if !isWeb(link) {
		return ""
	}
	return link
}

func mdName(s incident.State, confidential bool) string {
	if confidential {
		return string(s.Stream) + " " + MarkdownLine(s.Codename, 80)
	}
	return string(s.Stream) + " " + MarkdownLine(s.Title.String(), maxLine)
}

func dueDate(t time.Time) string {
	if t.IsZero() {
		return "not set"
	}
	return t.UTC().Format(time.DateOnly)
}
