package bot

import (
	"context"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

var signalsTimelineVerb = verb{
	Name: "timeline", Aliases: []string{"tl", "history"}, Book: bookSignals,
	Usage:    "<host> [<from>..<to> | last <time>] [with <text>]",
	Summary:  "What a host remembers of a while: what ran, who talked to whom. Alone: the last ten minutes.",
	Examples: []string{"timeline web-3 14:05..14:20", "timeline web-3 last 30m with curl"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		with, err := a.with(w)
		if err != nil {
			return deed{}, err
		}
		host, err := a.host(w)
		if err != nil {
			return deed{}, err
		}
		from, to, err := a.span(w)
		if err != nil {
			return deed{}, err
		}
		return a.lookNow(ctx, incident.Looking{What: incident.LookTimeline, Subject: incident.Seal(host), From: from, To: to, With: with})
	},
}

// span takes "14:05..14:20", "14:05 to 14:20", "14:05..", "last 30m"; nothing is the last
// ten minutes.
func (a *asking) span(w *words) (from, to time.Time, err error) {
	if w.left() == 0 {
		return a.now.Add(-10 * time.Minute), a.now, nil
	}
	text := w.rest()
	if length, ok := strings.CutPrefix(lower(text), "last "); ok {
		d, ok := parseDuration(length)
		if !ok {
			return from, to, a.usage("I cannot read for how long.")
		}
		return a.now.Add(-d), a.now, nil
	}
	first, second, ok := strings.Cut(strings.ReplaceAll(text, "…", ".."), "..")
	if !ok {
		first, second, ok = strings.Cut(text, " to ")
	}
	if !ok {
		return from, to, a.usage("Say from when to when.")
	}
	if from, err = a.moment(first); err != nil {
		return from, to, err
	}
	if to = a.now; strings.TrimSpace(second) != "" && lower(strings.TrimSpace(second)) != "now" {
		if to, err = a.moment(second); err != nil {
			return from, to, err
		}
	}
	if !from.Before(to) {
		return from, to, a.usage(echo(from, a.zone) + " is not before " + echo(to, a.zone) + ".")
	}
	return from, to, nil
}

// moment reads a time in the past.
func (a *asking) moment(text string) (time.Time, error) {
	w, err := read(strings.TrimSpace(text), false, a.now, a.zone)
	if err != nil {
		return time.Time{}, err
	}
	at, ok, err := w.when(past)
	if err != nil {
		return at, err
	}
	if !ok || w.left() > 0 {
		return at, a.usage("I cannot read that time. Write it as 14:05 or 2026-11-23 03:04.")
	}
	return at, nil
}
