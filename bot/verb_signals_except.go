package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var signalsExceptVerb = verb{
	Name: "except", Aliases: []string{"exempt"}, Book: bookSignals,
	Usage:    "<rule> [on <host or pattern>] [where program=… user=… image=…] [owner:@person] for <how long> because <reason>",
	Summary:  "Keep quiet what a rule finds and somebody answers for. It ends by itself, a year ahead at most.",
	Examples: []string{"except sigma/archive_of_secrets on db-* where program=/usr/bin/tar for 30d because the nightly backup"},
	Who:      incident.MayRespond, Anywhere: true,
	Run: runExcept,
}

func runExcept(ctx context.Context, a *asking, w *words) (deed, error) {
	s, err := a.sensors()
	if err != nil {
		return deed{}, err
	}
	c, err := a.exception(ctx, w)
	if err != nil {
		return deed{}, err
	}
	x, err := s.Except(ctx, a.register(), c)
	if err != nil {
		return deed{}, err
	}
	text := fmt.Sprintf("Exception %d: %s is kept quiet until ", x.N, templates.Defang(templates.ExceptionWords(x)))
	return a.noted(text+echo(x.Expires, a.zone)+".", text+templates.Stamp(x.Expires)+" because "+x.Reason.String())
}

// exception reads the words of one, in any order up to the reason.
func (a *asking) exception(ctx context.Context, w *words) (c incident.MakeException, err error) {
	c.Owner = a.call.Person
	switch w.peek() {
	case "", "on", "where", "for", "until", "because":
		return c, incident.Refuse("no-rule", "An exception names one rule: an intruder with one stolen account would silence everything.", "Say it as: "+a.line(a.verb)+".")
	}
	next, _ := w.next()
	c.Rule = next.text
	for w.left() > 0 {
		switch {
		case w.take("because"):
			if c.Reason, err = a.text(ctx, w, "reason", incident.MaxName); err == nil && c.Reason != "" && c.Expires.IsZero() {
				err = a.usage("Say for how long, as for 30d, or until when.")
			}
		case w.take("where", "and", "with"):
		case w.take("on"):
			c.Host, err = a.host(w)
		case w.take("for"):
			c.Expires, err = a.lasting(w)
		case w.take("until"):
			c.Expires, err = a.until(w)
		default:
			next, _ := w.next()
			err = a.limit(ctx, w, &c, next)
		}
		if err != nil {
			return c, err
		}
	}
	if c.Reason == "" {
		return c, a.usage("Say why, after the word because.")
	}
	return c, nil
}

// limit takes one field=value.
func (a *asking) limit(ctx context.Context, w *words, c *incident.MakeException, next word) (err error) {
	key, value, ok := cutKey(next.raw)
	value = newWord("", strings.TrimRight(value, ",;")).text
	if !ok || value == "" {
		return a.usage("I do not know what to make of \"" + templates.Label(next.text, 60) + "\".")
	}
	switch key {
	case "program", "exe":
		c.Program = value
	case "user":
		c.User = value
	case "image":
		c.Image = value
	case "host":
		c.Host = scopeName(incident.ScopeHost, value)
	case "owner":
		c.Owner, err = a.person(ctx, w, value)
	default:
		return a.usage("An exception cannot be limited by \"" + templates.Label(key, 30) + "\": it is host, program, user or image.")
	}
	return err
}

// lasting takes how long: 30d, 30 days.
func (a *asking) lasting(w *words) (time.Time, error) {
	next, _ := w.next()
	if d, ok := parseDuration(next.text); ok && d > 0 {
		return a.now.Add(d), nil
	}
	unit, _ := w.next()
	if d, ok := parseDuration(next.text + " " + unit.text); ok && d > 0 {
		return a.now.Add(d), nil
	}
	return time.Time{}, a.usage("Say for how long, as for 30d or for 8h.")
}

func (a *asking) until(w *words) (time.Time, error) {
	at, ok, err := w.when(future)
	if err == nil && !ok {
		err = a.usage("I cannot read until when. Write it as fri, tomorrow 9:00 or 2027-01-31.")
	}
	return at, err
}
