package bot

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var (
	refText    = regexp.MustCompile(`^#?inc-?0*(\d{1,9})[:,]?$`)
	numberText = regexp.MustCompile(`^#?0*(\d{1,9})[:,]?$`)
)

// parseRef reads INC-0042, inc42 or, where bare is allowed, 42.
func parseRef(text string, bare bool) (incident.ID, bool) {
	g := refText.FindStringSubmatch(lower(text))
	if g == nil && bare {
		g = numberText.FindStringSubmatch(lower(text))
	}
	if g == nil {
		return "", false
	}
	var n int64
	if _, err := fmt.Sscan(g[1], &n); err != nil || n == 0 {
		return "", false
	}
	return incident.NumberID(n), true
}

// about takes the incident named before the verb: "INC-0042 sev p1", "42 status".
func (a *asking) about(w *words) (incident.ID, error) {
	id, ok := parseRef(w.peek(), true)
	if !ok {
		return "", nil
	}
	w.next()
	return id, nil
}

// settleOn finds the incident the words are about: the one they name, the one a button
// belongs to, the one whose room this is, or the only open one. It never guesses.
func (a *asking) settleOn(ctx context.Context, w *words, explicit incident.ID) error {
	if a.verb.Fresh {
		return nil
	}
	if !a.verb.Targets {
		if id, ok := parseRef(w.peek(), false); ok && explicit == "" {
			w.next()
			explicit = id
		}
	} else if explicit == "" {
		explicit = w.firstOfTwo()
	}
	if explicit == "" {
		explicit = a.call.Stream
	}
	if explicit != "" {
		return a.take(ctx, explicit)
	}
	if a.call.Channel != "" {
		id, ok, err := a.room.Reader.ByClaim(ctx, "slack:"+a.call.Channel)
		if err != nil {
			return fmt.Errorf("find the room's incident: %w", err)
		}
		if ok {
			return a.take(ctx, id)
		}
	}
	if a.verb.Anywhere {
		return nil
	}
	return a.onlyOne(ctx)
}

// firstOfTwo takes the first of two incidents named: "merge INC-0007 into INC-0009".
func (w *words) firstOfTwo() incident.ID {
	var at []int
	var first incident.ID
	for i := range w.list {
		if id, ok := parseRef(w.list[i].text, false); ok && !w.list[i].used {
			if len(at) == 0 {
				first = id
			}
			at = append(at, i)
		}
	}
	if len(at) < 2 {
		return ""
	}
	w.list[at[0]].used = true
	return first
}

// noSuch is said of an incident that does not exist and of one the asker may not see,
// word for word: whether it exists is need-to-know too.
func noSuch(id incident.ID) error {
	return incident.Refuse("no-such-incident", "There is no "+string(id)+".", "Ask for the list of open incidents.")
}

func (a *asking) take(ctx context.Context, id incident.ID) error {
	s, err := a.see(ctx, id)
	if err != nil {
		return err
	}
	a.state = s
	a.inRoom = a.call.Channel != "" && s.Room.Channel == a.call.Channel
	return nil
}

// see loads an incident the asker may see.
func (a *asking) see(ctx context.Context, id incident.ID) (incident.State, error) {
	s, err := a.room.Reader.Load(ctx, id)
	if err != nil {
		return s, fmt.Errorf("read %s: %w", id, err)
	}
	if !s.Exists || !s.MaySee(a.call.Person.ID) {
		return incident.State{}, noSuch(id)
	}
	return s, nil
}

// visible lists the incidents of those statuses that the asker may see.
func (a *asking) visible(ctx context.Context, limit int, statuses ...incident.Status) ([]incident.State, error) {
	const most = 500
	for n := min(most, 2*limit); ; n = most {
		all, err := a.room.Reader.List(ctx, statuses, n)
		if err != nil {
			return nil, fmt.Errorf("list incidents: %w", err)
		}
		var out []incident.State
		for _, s := range all {
			if s.MaySee(a.call.Person.ID) && len(out) < limit {
				out = append(out, s)
			}
		}
		if len(out) == limit || len(all) < n || n == most {
			return out, nil
		}
	}
}

// whichOne is a refusal that asks back.
type whichOne struct {
	no   *incident.Refusal
	card templates.Card
}

func (w *whichOne) Error() string { return w.no.Error() }
func (w *whichOne) Unwrap() error { return w.no }

// maxChoices is how many incidents are offered as buttons; more would not fit a phone.
const maxChoices = 10

func (a *asking) onlyOne(ctx context.Context) error {
	list, err := a.visible(ctx, maxChoices+1, incident.Open, incident.Resolved)
	if err != nil {
		return err
	}
	open := list[:0:0]
	for _, s := range list {
		if s.Status == incident.Open {
			open = append(open, s)
		}
	}
	if len(open) == 0 && (a.verb.Book == bookReport || a.verb.Name == "reopen" || a.verb.Name == "close") {
		open = list // about what is over
	}
	switch len(open) {
	case 0:
		return incident.Refuse("no-incident", "There is no open incident you could mean.", "Name one, as in "+a.room.prefix(a.call.Book)+" "+a.verb.Name+" INC-0042, or declare one.")
	case 1:
		return a.take(ctx, open[0].Stream)
	}
	return &whichOne{
		incident.Refuse("which", "Several incidents are open.", "Say it in the incident's room, or name it: "+a.room.prefix(a.call.Book)+" "+a.verb.Name+" "+string(open[0].Stream)+" …"),
		a.whichCard(open),
	}
}

func (a *asking) whichCard(open []incident.State) templates.Card {
	c := templates.Card{Lead: "Several incidents are open. Which one do you mean?"}
	c.Blocks = append(c.Blocks, templates.Block{Text: c.Lead})
	var text []string
	var buttons []templates.Button
	for i, s := range open {
		if i == maxChoices {
			break
		}
		text = append(text, fmt.Sprintf("*%s* %s · %s", s.Stream, s.Severity, templates.Line(s.Title.String(), 80)))
		words := a.call.Line
		if a.call.Book != bookIncident {
			words = string(a.call.Book) + " " + words // a button's words are said to the first command
		}
		buttons = append(buttons, templates.Button{Label: string(s.Stream), Words: words, Stream: s.Stream})
	}
	c.Blocks = append(c.Blocks, templates.Block{Text: strings.Join(text, "\n")})
	if fits(buttons) {
		c.Blocks = append(c.Blocks, templates.Block{Buttons: buttons})
	}
	return c
}
