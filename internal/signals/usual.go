package signals

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/detect/baseline"
	"github.com/tocsin-ir/tocsin/templates"
)

// What is usual is learned here, from what hosts send: no host has to be told when it is frozen
// or corrected, and none that an intruder owns can thaw itself.

// usual is the Book with what belongs to it. Guarded by the desk's lock.
type usual struct {
	*baseline.Book
	frozen  map[baseline.Scope][]incident.ID // for which incidents
	changed map[baseline.Scope]bool          // since it was kept
	edited  map[string]int64                 // when people corrected what, as far as it was taken here: Unix milliseconds by scope
}

// mostFrozen is how many profiles one word freezes.
const mostFrozen = 500

// Baseline says what is usual on a host, in an image, or on every host that fits a pattern, as far
// as what was sent tells; without a name, of whom something is known.
func (d *Desk) Baseline(_ context.Context, text string) (templates.Look, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text != "" && !strings.ContainsAny(text, "*?") {
		scopes, err := d.scopes(text)
		if err != nil {
			return templates.Look{}, err
		}
		return d.usualOf(scopes[0])
	}
	scopes := d.usual.Scopes()
	if text != "" {
		var err error
		if scopes, err = d.scopes(text); err != nil {
			return templates.Look{}, err
		}
	}
	l := templates.Look{Title: "what is usual", Asked: 1, Answered: 1} // rows name their hosts
	things := 0
	for _, s := range scopes {
		p, err := d.usual.Profile(s, d.c.Now())
		if err != nil {
			return templates.Look{}, err
		}
		things += len(p.Things)
		l.Rows = append(l.Rows, templates.LookRow{Host: hostOf(s), Text: s.String() + ": " + counted(len(p.Things), "thing") + ", " + standing(p)})
	}
	l.Result = fmt.Sprintf("%s of %s", counted(things, "thing"), counted(len(scopes), "profile"))
	l.Notes = []string{"It is learned from what hosts send.", d.usualSize()}
	if !d.c.Plan().Baseline.On {
		l.Notes = append(l.Notes, "The plan has switched it off: nothing is learned.")
	}
	return l, nil
}

// homeOf is the profile that learns from what happens there: containers belong to their image.
func homeOf(w baseline.Where) baseline.Scope {
	if w.Image != "" {
		return baseline.Scope{Kind: baseline.Image, Name: w.Image}
	}
	return baseline.Scope{Kind: baseline.Host, Name: w.Host}
}

func hostOf(s baseline.Scope) string {
	if s.Kind == baseline.Host {
		return s.Name
	}
	return ""
}

// standing is how a profile stands in a few words.
func standing(p baseline.Profile) string {
	switch {
	case !p.Frozen.IsZero():
		return "FROZEN since " + p.Frozen.Format("2006-01-02")
	case !p.Learns.IsZero():
		return "learning until " + templates.Stamp(p.Learns)
	}
	return "learned since " + templates.Stamp(p.Began)
}

func (d *Desk) usualOf(s baseline.Scope) (templates.Look, error) {
	p, err := d.usual.Profile(s, d.c.Now())
	if err != nil {
		return templates.Look{}, err
	}
	l := templates.Look{Title: "usual on " + s.Name, Result: counted(len(p.Things), "thing") + ", " + standing(p), Asked: 1, Answered: 1}
	for _, t := range p.Things {
		text := t.Facet.String() + " " + strings.TrimSpace(t.Subject+" "+t.Value)
		switch {
		case !t.Usual:
			text = "NEW: " + text
		case t.Allowed != nil:
			text += " (allowed: " + t.Allowed.Why + ")"
		}
		l.Rows = append(l.Rows, templates.LookRow{Host: hostOf(s), Text: text})
	}
	if d.suspects[hostOf(s)] {
		l.Notes = append(l.Notes, "Nothing is learned from it while an incident about it is open.")
	}
	return l, nil
}

// scopes are the profiles that are meant: web-3, web-*, host/web-3, image/nginx.
func (d *Desk) scopes(text string) ([]baseline.Scope, error) {
	text = strings.TrimSpace(text)
	kind, name, named := strings.Cut(text, "/")
	if !named || kind != "host" && kind != "image" && kind != "group" {
		kind, name = "host", strings.ToLower(text)
	}
	var found []baseline.Scope
	for _, s := range d.usual.Scopes() {
		if k, n, _ := strings.Cut(s.String(), "/"); k == kind {
			if fits, err := path.Match(name, n); n == name || err == nil && fits {
				found = append(found, s)
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil, incident.Refuse("nothing-known", fmt.Sprintf("Nothing is known yet of what is usual on \"%s\".", templates.Label(text, 60)), "It is learned from what the host sends. See `signals baseline`.")
	case len(found) > mostFrozen:
		return nil, incident.Refuse("too-many", fmt.Sprintf("That is more than %d hosts at once.", mostFrozen), "Name fewer.")
	}
	return found, nil
}

// EditBaseline has people correct what was learned, for an incident. What it comes to is a sentence.
func (d *Desk) EditBaseline(ctx context.Context, e bot.BaselineEdit) (string, error) {
	said, err := d.editKept(ctx, e)
	if err == nil && d.hosts != nil {
		d.hosts.Changed(ctx)
	}
	return said, err
}

func (d *Desk) editKept(ctx context.Context, e bot.BaselineEdit) (string, error) {
	d.freezing.Lock()
	defer d.freezing.Unlock()
	if err := errors.Join(d.readFrozen(ctx), d.readEdited(ctx)); err != nil {
		return "", err
	}
	d.mu.Lock()
	scopes, err := d.scopes(e.Scope)
	d.mu.Unlock()
	if err != nil {
		return "", err
	}
	said, err := d.edit(e)
	if err != nil {
		return "", err
	}
	d.resettle()
	return said, errors.Join(d.keepFrozen(ctx), d.keepUsual(ctx), d.keepEdited(ctx, scopes))
}

func (d *Desk) edit(e bot.BaselineEdit) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	scopes, err := d.scopes(e.Scope)
	if err != nil {
		return "", err
	}
	switch e.What {
	case bot.BaselineFreeze:
		for _, s := range scopes {
			if err := d.usual.Freeze(s, d.c.Now()); err != nil {
				return "", err
			}
			if !slices.Contains(d.usual.frozen[s], e.For) {
				d.usual.frozen[s] = append(d.usual.frozen[s], e.For)
			}
			d.usual.changed[s] = true
		}
		return "What is usual on " + names(scopes) + " is frozen: nothing seen from now on becomes usual.", nil
	case bot.BaselineThaw:
		return d.thaw(scopes, e.For)
	}
	if len(scopes) > 1 {
		return "", incident.Refuse("which-host", "That is more than one host.", "Name one.")
	}
	s := scopes[0]
	d.usual.changed[s] = true
	if e.All && len(d.usual.frozen[s]) > 0 {
		// It would begin to learn at once, of whoever is there now.
		return "", incident.Refuse("frozen", s.Name+" is frozen while an incident lasts: it would learn from the intruder.", "Thaw it first: `signals baseline thaw "+s.Name+"`.")
	}
	if e.All {
		d.sendAgain(hostOf(s), d.c.Now())
		return "Everything that was usual on " + s.Name + " is forgotten: it learns from the beginning.", d.usual.ForgetAll(s)
	}
	thing := baseline.Thing{Subject: e.Subject, Value: e.Value}
	if err := thing.Facet.UnmarshalText([]byte(e.Facet)); err != nil {
		return "", incident.Refuse("no-such-facet", templates.Label(err.Error(), 200)+".", "See `signals baseline "+s.Name+"`.")
	}
	words := strings.TrimSpace(e.Facet + " " + strings.TrimSpace(e.Subject+" "+e.Value))
	if e.What == bot.BaselineAllow {
		err = d.usual.Allow(s, thing, baseline.Allowed{By: string(e.By), Why: e.Why, At: e.At})
		words += " is usual on " + s.Name + " for good."
	} else {
		d.sendAgain(hostOf(s), d.c.Now())
		err = d.usual.Forget(s, thing)
		words += " is not usual on " + s.Name + " any more: the next time it is new."
	}
	if errors.Is(err, baseline.ErrNoThing) || errors.Is(err, baseline.ErrNoName) || errors.Is(err, baseline.ErrFull) {
		return "", incident.Refuse("no-such-thing", "It cannot be done: "+err.Error()+".", "See `signals baseline "+s.Name+"` for the words.")
	}
	return words, err
}

// thaw lets go of what an incident froze. What another one holds stays frozen: which one is
// nobody's business here.
func (d *Desk) thaw(scopes []baseline.Scope, who incident.ID) (string, error) {
	stays := 0
	for _, s := range scopes {
		d.usual.changed[s] = true
		d.usual.frozen[s] = slices.DeleteFunc(d.usual.frozen[s], func(id incident.ID) bool { return id == who })
		if len(d.usual.frozen[s]) > 0 {
			stays++
			continue
		}
		delete(d.usual.frozen, s)
		d.sendAgain(hostOf(s), d.c.Now())
		if err := d.usual.Thaw(s, d.c.Now()); err != nil && !errors.Is(err, baseline.ErrNoScope) { // it may be forgotten
			return "", err
		}
	}
	if stays > 0 {
		return fmt.Sprintf("Frozen for another incident, and so left as it is: %s.", counted(stays, "profile")), nil
	}
	return "What is usual on " + names(scopes) + " is learned again. What was first seen meanwhile is forgotten, and new the next time.", nil
}

func names(scopes []baseline.Scope) string {
	if len(scopes) == 1 {
		return scopes[0].Name
	}
	return counted(len(scopes), "profile")
}

// thawEnded thaws what was frozen for incidents that are over.
func (d *Desk) thawEnded(ctx context.Context) error {
	d.freezing.Lock()
	defer d.freezing.Unlock()
	if err := d.readFrozen(ctx); err != nil {
		return err
	}
	thawed := false
	d.mu.Lock()
	held := map[incident.ID][]baseline.Scope{}
	for s, ids := range d.usual.frozen {
		for _, id := range ids {
			held[id] = append(held[id], s)
		}
	}
	d.mu.Unlock()
	for id, scopes := range held {
		st, err := d.c.Record.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("load %s: %w", id, err)
		}
		if st.Live() {
			continue
		}
		thawed = true
		d.mu.Lock()
		if st.Status == incident.Merged && st.Into != "" {
			for _, s := range scopes { // what was frozen for it is frozen for the one it became
				if !slices.Contains(d.usual.frozen[s], st.Into) {
					d.usual.frozen[s] = append(d.usual.frozen[s], st.Into)
				}
			}
		}
		_, err = d.thaw(scopes, id)
		d.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if !thawed {
		return nil
	}
	return d.keepFrozen(ctx)
}
