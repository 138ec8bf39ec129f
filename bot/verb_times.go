package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var timesVerb = verb{
	Name: "times", Aliases: []string{"time"},
	Usage:    "<impact|detection|awareness> <time> [why]",
	Summary:  "Set start of impact, detection or awareness, with the reason. Alone: show them.",
	Examples: []string{"times impact yesterday 22:10 first failed login", "times awareness 2026-11-23 03:04 CET"},
	Who:      incident.MaySetTimes,
	Run:      runTimes,
}

var timeKinds = map[string]incident.TimeKind{
	"impact": incident.Impact, "started": incident.Impact, "start": incident.Impact,
	"detection": incident.Detected, "detected": incident.Detected,
	"awareness": incident.Awareness, "aware": incident.Awareness,
}

func runTimes(ctx context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 {
		return show(timesCard(a))
	}
	next, _ := w.next()
	which, ok := timeKinds[lower(next.text)]
	if !ok {
		return deed{}, a.usage("Say which time: impact, detection or awareness.")
	}
	at, ok, err := w.when(past)
	if err != nil {
		return deed{}, err
	}
	if !ok {
		return deed{}, a.usage("Say when, as in 14:05, yesterday 22:10, 10m ago or 2026-11-23 03:04 CET.")
	}
	if at.After(a.now) {
		return deed{}, incident.Refuse("bad-time", echo(at, a.zone)+" has not come yet.", "Say when it was.")
	}
	why, err := a.text(ctx, w, "reason", incident.MaxText)
	if err != nil {
		return deed{}, err
	}
	return ask(incident.SetTime{Which: which, At: at, Why: why}, "The time of "+string(which)+" is "+echo(at, a.zone)+".")
}
