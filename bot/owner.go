package bot

import (
	"context"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// ownerAndDue takes owner: and due: options. Without owner: a person mentioned at the
// beginning or end of the words is the owner; one in their middle, or several, may be
// what the work is about, so it is asked.
func (a *asking) ownerAndDue(ctx context.Context, w *words) (owner *incident.Person, due time.Time, err error) {
	v, said := w.option("owner", "assignee", "for", "who")
	if due, _, err = w.optionWhen(future, "due", "by"); err != nil {
		return nil, due, err
	}
	if said {
		if name := lower(v.text); name == "nobody" || name == "none" {
			return nil, due, nil
		}
		p, err := a.person(ctx, w, v.text)
		return &p, due, err
	}
	at := w.mentions()
	if len(at) == 0 {
		return nil, due, nil
	}
	name := strings.TrimRight(w.list[at[0]].text, ",;:.!?")
	p, err := a.person(ctx, w, name)
	if _, marked := w.users[lower(name)]; err != nil && !marked {
		return nil, due, nil //nolint:nilerr // words that only look like a mention stay words
	}
	if err != nil {
		return nil, due, err
	}
	if first, last := w.ends(); len(at) > 1 || at[0] != first && at[0] != last {
		return nil, due, incident.Refuse("whose", "Whose is it? Somebody is mentioned in the words.",
			"Add owner:@"+called(p)+", or owner:nobody.")
	}
	w.list[at[0]].used = true
	return &p, due, nil
}

// mentions finds the words left that name somebody with "@".
func (w *words) mentions() []int {
	var at []int
	for i := range w.list {
		if t := w.list[i].text; !w.list[i].used && !w.list[i].quoted && len(t) > 1 && t[0] == '@' {
			at = append(at, i)
		}
	}
	return at
}

// ends are the first and the last word left; -1 where there is none.
func (w *words) ends() (first, last int) {
	first, last = -1, -1
	for i := range w.list {
		if w.list[i].used {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	return first, last
}
