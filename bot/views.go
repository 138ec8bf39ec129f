package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// Small answers to questions, of things that templates does not draw by itself.

func timesCard(a *asking) templates.Card {
	c := headed(a, "Times")
	var lines []string
	for _, t := range []struct {
		name string
		at   time.Time
	}{
		{"Start of impact", a.state.Times.Impact}, {"Detection", a.state.Times.Detected}, {"Awareness", a.state.Times.Awareness},
		{"Declared", a.state.Declared}, {"Acknowledged", a.state.Times.Acknowledged}, {"Contained", a.state.Times.Contained},
		{"Resolved", a.state.Times.Resolved},
	} {
		text := "not known"
		if !t.at.IsZero() {
			text = echo(t.at, a.zone)
		}
		lines = append(lines, "*"+t.name+"* "+text)
	}
	return with(c, strings.Join(lines, "\n"))
}

func rolesCard(a *asking) templates.Card {
	c := headed(a, "Roles")
	var lines []string
	for _, r := range a.room.Plan.Roles() {
		post := a.state.Posts[r.Role]
		text := fmt.Sprintf("*%s* (`%s`) %s", templates.Line(r.Title, 60), r.Role, nameIn(a.state, post.Holder))
		if post.Offered != "" {
			text += ", offered to " + nameIn(a.state, post.Offered)
		}
		if r.Duty != "" {
			text += "\n_" + templates.Line(r.Duty, 200) + "_"
		}
		lines = append(lines, text)
	}
	return with(c, strings.Join(lines, "\n"))
}

func planCard(a *asking) templates.Card {
	p := a.room.Plan
	c := templates.Card{Lead: "The plan in force"}
	c.Blocks = append(c.Blocks, templates.Block{Text: "*The plan in force* `" + short(p.Digest()) + "`"})
	if a.state.Exists {
		text := string(a.state.Stream) + " follows it."
		if a.state.Plan != p.Digest() {
			text = string(a.state.Stream) + " follows an older one, `" + short(a.state.Plan) + "`. Take up the present one with: plan adopt"
		}
		c = with(c, text)
	}
	var roles []string
	for _, r := range p.Roles() {
		roles = append(roles, "*"+templates.Line(r.Title, 60)+"* (`"+string(r.Role)+"`) "+templates.Line(r.Duty, 200))
	}
	c = withLines(c, roles)
	c = with(c, "*Types* "+templates.Plain(strings.Join(p.Types(), ", ")))
	if len(p.Ladders()) > 0 {
		c = with(c, "*Ladders* "+templates.Plain(strings.Join(p.Ladders(), ", ")))
	}
	return with(c, "*Sections of a post-mortem* "+templates.Plain(strings.Join(incident.Sections(), ", ")))
}

// entries are the lines of the timeline; what is hidden is there and marked.
func (a *asking) entries(ctx context.Context) ([]templates.Entry, error) {
	var events []incident.Recorded
	var after int64
	for len(events) < 20_000 {
		page, err := a.room.Reader.Timeline(ctx, a.state.Stream, after, 1000)
		if err != nil {
			return nil, fmt.Errorf("read the timeline of %s: %w", a.state.Stream, err)
		}
		events = append(events, page...)
		if len(page) < 1000 {
			break
		}
		after = page[len(page)-1].Seq
	}
	return templates.Timeline(events), nil
}

func headed(a *asking, title string) templates.Card {
	text := "*" + string(a.state.Stream) + "* " + title
	return templates.Card{Lead: string(a.state.Stream) + " " + title, Blocks: []templates.Block{{Text: text}}}
}

func with(c templates.Card, text string) templates.Card {
	c.Blocks = append(c.Blocks, templates.Block{Text: text})
	return c
}

// withLines puts lines into as few blocks as a reader can take in.
func withLines(c templates.Card, lines []string) templates.Card {
	for part := range chunks(lines, 10) {
		c = with(c, strings.Join(part, "\n"))
	}
	return c
}

// nameIn names a person without notifying them.
func nameIn(s incident.State, id incident.PersonID) string {
	return templates.Line(templates.NameOf(s, id), 80)
}

func (a *asking) dueText(due time.Time) string {
	if due.IsZero() {
		return ""
	}
	return ", due " + echo(due, a.zone)
}

func short(digest string) string {
	return digest[:min(12, len(digest))]
}

// shown is a card as an answer to one person: it notifies nobody, and its buttons know
// which incident they are about.
func (a *asking) shown(c templates.Card) templates.Card {
	c.Mentions = nil
	c = quiet(c, a.state)
	for i, b := range c.Blocks {
		c.Blocks[i].Buttons = slices.Clone(b.Buttons)
		for j := range c.Blocks[i].Buttons {
			if c.Blocks[i].Buttons[j].Stream == "" {
				c.Blocks[i].Buttons[j].Stream = a.state.Stream
			}
		}
	}
	return c
}

func reportCard(_ context.Context, a *asking) (templates.Card, error) {
	c := headed(a, "Post-mortem")
	r := a.state.Report
	switch {
	case r.URL != "":
		c = with(c, fmt.Sprintf("Published: <%s|%s#%d>", r.URL, templates.Line(r.Repo, 100), r.Number))
	case r.Drafted.IsZero():
		c = with(c, "It is drafted when the incident is resolved; sections can be written before.")
	default:
		c = with(c, "Drafted, owner "+nameIn(a.state, r.Owner)+a.dueText(r.Due)+".")
	}
	var missing []string
	for _, name := range incident.Sections() {
		t, ok := r.Sections[name]
		if !ok {
			if name == incident.SectionSummary && a.state.Status != incident.Open {
				c = with(c, "*"+templates.SectionTitle(name)+"*\n_The words of the resolution, until somebody writes it._")
				continue
			}
			missing = append(missing, strings.ToLower(templates.SectionTitle(name)))
			continue
		}
		c = with(c, "*"+templates.SectionTitle(name)+"*\n"+templates.Plain(t.String()))
	}
	if len(missing) > 0 {
		c = with(c, "_Not written yet:_ "+strings.Join(missing, "; ")+".")
	}
	row := []templates.Button{{Label: "Edit", Opens: formReport, Stream: a.state.Stream}}
	if a.state.Status != incident.Open { // before, publishing is refused
		row = append(row, templates.Button{Label: "Publish", Words: "postmortem publish", Stream: a.state.Stream, Style: "primary"})
	}
	// The button that adds an item stands in the same row.
	for _, b := range templates.Items(a.state).Blocks {
		if len(b.Buttons) == 0 {
			c.Blocks = append(c.Blocks, b)
			continue
		}
		row = append(row, b.Buttons...)
	}
	c.Blocks = append(c.Blocks, templates.Block{Buttons: row})
	return c, nil
}
