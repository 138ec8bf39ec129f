package signals

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
)

// Open lists the open incidents with what each is about. A confidential one is among them:
// what is told there stays there.
func (d *Desk) Open(ctx context.Context) ([]noise.Open, error) {
	var open []noise.Open
	err := d.c.Record.Each(ctx, []incident.Status{incident.Open}, func(s incident.State) error {
		open = append(open, noise.Open{ID: string(s.Stream), Entities: s.Touches(), At: s.Declared, Drill: s.Drill})
		return nil
	})
	return open, err
}

// Note tells an incident of a group that it has already.
func (d *Desk) Note(ctx context.Context, id string, s fleet.Said) error {
	_, err := d.tell(ctx, incident.ID(id), s)
	return err
}

// Link tells an open incident of a group on something that it is about.
func (d *Desk) Link(ctx context.Context, id string, s fleet.Said) error {
	_, err := d.tell(ctx, incident.ID(id), s)
	return err
}

// Declare opens an incident and says which; "" when people judged what the group found so
// poorly that it is only listed. A group declares once: its name is a claim.
func (d *Desk) Declare(ctx context.Context, severity string, s fleet.Said) (string, error) {
	if holder, ok, err := d.holder(ctx, s.Group); err != nil {
		return "", err
	} else if ok {
		stream, err := d.tell(ctx, holder, s)
		return string(stream), err
	}
	if d.doubted(s.Group) {
		d.c.Log.Info("signals declare nothing: people found their rules wrong", "group", s.Group.ID)
		return "", nil
	}
	sev, _ := incident.ParseSeverity(severity)
	group := d.groupOf(s)
	a, err := d.c.Asker.Handle(ctx, "", d.asked("declare", s, incident.Declare{Severity: sev, Type: d.c.Plan().Type, Signals: &group, Drill: s.Group.Drill}))
	var taken *engine.ErrTaken
	if errors.As(err, &taken) { // another replica was faster
		stream, err := d.tell(ctx, taken.By, s)
		return string(stream), err
	}
	if err != nil {
		return "", fmt.Errorf("declare for signals: %w", err)
	}
	d.remember(s.Group, a.Stream)
	return string(a.Stream), nil
}

// holder is the incident that has a group. A group is called by its first signal, and what came
// first to one replica may have come later to another: so any of its first signals will do.
func (d *Desk) holder(ctx context.Context, g noise.Group) (incident.ID, bool, error) {
	names := []string{g.ID}
	if d.c.Replica != "" {
		for _, s := range g.Samples {
			if s.ID != g.ID {
				names = append(names, s.ID)
			}
		}
	}
	for _, name := range names {
		if id, ok, err := d.c.Record.ByClaim(ctx, "signal:"+name); err != nil || ok {
			return id, ok, err
		}
	}
	return "", false, nil
}

// mergedDeep bounds how far a merged incident is followed.
const mergedDeep = 10

// tell hands a group to an incident, or to the one that it was merged into. One that was
// closed meanwhile is told nothing.
func (d *Desk) tell(ctx context.Context, id incident.ID, s fleet.Said) (incident.ID, error) {
	moved := false
	for range mergedDeep {
		st, err := d.c.Record.Load(ctx, id)
		if err != nil {
			return id, err
		}
		if st.Status != incident.Merged || st.Into == "" {
			break
		}
		id, moved = st.Into, true
	}
	if holder, ok, err := d.c.Record.ByClaim(ctx, "signal:"+s.Group.ID); err != nil {
		return id, err
	} else if ok && holder != id && !moved { // another incident has the group
		if st, err := d.c.Record.Load(ctx, holder); err == nil && st.Live() {
			id = holder
		} else {
			moved = true
		}
	}
	_, err := d.c.Asker.Handle(ctx, id, d.asked(string(id), s, incident.SignalsSeen{Group: d.groupOf(s), Moved: moved}))
	var no *incident.Refusal
	if errors.As(err, &no) {
		d.c.Log.Info("an incident does not take signals", "incident", id, "why", no.Why)
		return id, nil
	}
	if err != nil {
		return id, fmt.Errorf("tell %s of signals: %w", id, err)
	}
	d.remember(s.Group, id)
	return id, nil
}

func (d *Desk) remember(g noise.Group, id incident.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, host := range g.Hosts { // until the next look at the record says more
		if _, known := d.suspects[strings.ToLower(host)]; !known && !g.Drill {
			d.suspects[strings.ToLower(host)] = false
		}
	}
	if len(d.told) >= keptTold {
		return // counts of the others are not told until some groups end
	}
	d.told[g.ID] = told{id, max(g.Count, 1)}
}

// asked is the envelope. Its id is the same for the same crossing, so that a second time
// changes nothing.
func (d *Desk) asked(to string, s fleet.Said, c incident.Command) incident.Asked {
	id := incident.CommandID(fmt.Sprintf("signals/%s/%s/%s/%d", to, s.Group.ID, s.Key, s.Group.Count))
	return incident.Asked{ID: id, Root: id, By: incident.Vendor("sensor"), Via: incident.ViaSensor, At: d.c.Now(), Occurred: occurred(s.Group, d.c.Now()), What: c}
}

// occurred is when it began, by the server's clock.
func occurred(g noise.Group, now time.Time) time.Time {
	if g.First.IsZero() || g.First.After(now) {
		return now
	}
	return g.First
}

// doubted reports whether people found every rule of a group wrong too often.
func (d *Desk) doubted(g noise.Group) bool {
	t := d.c.Plan().Thresholds
	if t.MinJudged == 0 || len(g.Rules) == 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range g.Rules {
		p := d.ledger.Of(r.Rule)
		if p.Judged() < t.MinJudged || p.RightMark*100 >= t.MinPercent*p.Judged() {
			return false
		}
	}
	return true
}

// groupOf is a group as an incident takes it.
func (d *Desk) groupOf(s fleet.Said) incident.SignalGroup {
	g := s.Group
	out := incident.SignalGroup{ID: g.ID, Source: "sensor", Level: incident.SignalLevel(g.Level.String()), Techniques: g.Techniques, Hosts: len(g.Hosts), Entities: g.Entities,
		Count: g.Count, First: g.First, Last: g.Last, Drill: g.Drill, Summary: g.String()}
	if len(g.Samples) > 0 {
		worst := g.Samples[0]
		for _, x := range g.Samples {
			if x.Level > worst.Level {
				worst = x
			}
		}
		out.Rule, out.Host = worst.Rule, worst.Host
		out.Title, out.Summary = d.sentence(worst)
	}
	for _, x := range g.Rises {
		title, summary := d.sentence(x)
		out.Rises = append(out.Rises, incident.SignalRise{Title: title, Level: incident.SignalLevel(x.Level.String()), Techniques: x.Techniques, Summary: summary})
	}
	if len(g.Rules) > 1 {
		out.Summary += fmt.Sprintf("; %d rules in all", len(g.Rules))
	}
	return out
}

// sentence is a signal's rule, and what was seen without the rule's title: the card says that already.
func (d *Desk) sentence(s noise.Signal) (title, seen string) {
	rule, _ := d.Rule(s.Rule)
	return rule.Title, strings.TrimPrefix(s.Why, rule.Title+" on "+s.Host+": ")
}
