package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/templates"
)

// follow is a look that goes on. Rows pass through it: it keeps the first of a hunt, the
// last of a tail, and counts the rest.
type follow struct {
	cancel context.CancelFunc
	done   chan struct{}
	first  chan struct{} // closed with the first row
	with   string        // only events that mention it

	mu    sync.Mutex // guards what follows
	look  templates.Look
	few   uint64 // events that hosts left out of a tail, because there were too many
	hit   map[string]bool
	polls time.Time // when it was last asked after
	once  sync.Once
}

const (
	// firstRows is how long a beginning waits for something to show.
	firstRows = 700 * time.Millisecond
	// unasked is after how long without a question a look is let go: whoever showed it is
	// gone, or another replica does.
	unasked   = 2 * time.Minute
	mostLooks = 200
	// remembered is how far back a hunt with a rule goes.
	remembered = time.Hour
)

// Follow is how a look that goes on stands. The first call with a key begins it; after a
// restart that is once more, from then on.
func (d *Desk) Follow(ctx context.Context, key string, l incident.Looking, stop bool) (templates.Look, error) {
	if d.hosts == nil {
		return templates.Look{}, errNoHosts
	}
	if here, err := d.shows(ctx, key); err != nil {
		return templates.Look{}, err
	} else if !here {
		return templates.Look{}, incident.Later(errElsewhere, elsewhereAgain)
	}
	d.mu.Lock()
	f := d.looks[key]
	if f == nil && stop {
		d.mu.Unlock() // it ended while nobody was here to see it
		return templates.Look{Over: true, Ends: l.To, Result: "it was over before anything was seen", Trouble: []string{"the server was away while it went on"}}, nil
	}
	if f == nil {
		if len(d.looks) >= mostLooks {
			d.mu.Unlock()
			return templates.Look{}, incident.Refuse("too-many", "Too much is looked at right now.", "Try again in a moment.")
		}
		f = d.begin(l)
		d.looks[key] = f
	}
	d.mu.Unlock()
	if stop {
		f.cancel()
		select {
		case <-f.done:
		case <-ctx.Done():
			return templates.Look{}, ctx.Err()
		}
	} else {
		wait := time.NewTimer(firstRows)
		defer wait.Stop()
		select {
		case <-f.first:
		case <-f.done:
		case <-wait.C:
		case <-ctx.Done():
			return templates.Look{}, ctx.Err()
		}
	}
	got := f.now(d.c.Now())
	if got.Over {
		d.mu.Lock()
		delete(d.looks, key)
		d.mu.Unlock()
	}
	return got, nil
}

const (
	// Rows of a look are in the memory of the replica that began it: it goes on showing it, and
	// says so this often; after so long without a word another begins it anew.
	shownAgain     = 5 * time.Second
	shownNoMore    = 30 * time.Second
	elsewhereAgain = 500 * time.Millisecond
)

var errElsewhere = errors.New("another replica shows this look")

// shows says whether this replica is the one that shows a look, or is so from now on.
func (d *Desk) shows(ctx context.Context, key string) (bool, error) {
	if d.c.Replica == "" {
		return true, nil
	}
	type shown struct {
		By string `json:"by"`
		At int64  `json:"at"` // milliseconds
	}
	now := d.c.Now()
	d.mu.Lock()
	said := d.mine[key]
	d.mu.Unlock()
	if now.Sub(said) < shownAgain {
		return true, nil
	}
	here := false
	_, err := d.c.Record.CacheChange(ctx, space, keptLooks, now, func(was []byte) ([]byte, error) {
		all := map[string]shown{}
		if len(was) > 0 {
			if err := json.Unmarshal(was, &all); err != nil {
				return nil, fmt.Errorf("read who shows which look: %w", err)
			}
		}
		for key, s := range all {
			if now.Sub(time.UnixMilli(s.At)) > shownNoMore {
				delete(all, key)
			}
		}
		s, taken := all[key]
		if here = !taken || s.By == d.c.Replica; here {
			all[key] = shown{d.c.Replica, now.UnixMilli()}
		}
		return json.Marshal(all)
	})
	if err != nil || !here {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, said := range d.mine {
		if now.Sub(said) > shownNoMore {
			delete(d.mine, key)
		}
	}
	d.mine[key] = now
	return true, nil
}

// now is how it stands.
func (f *follow) now(at time.Time) templates.Look {
	over := false
	select {
	case <-f.done:
		over = true
	default:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls = at
	got := f.look
	got.Rows = slices.Clone(got.Rows)
	if f.few > 0 {
		got.Notes = append(slices.Clone(got.Notes), tooMany(f.few, f.with == ""))
	}
	got.Over = over
	if over {
		what := "event"
		if !got.Tail {
			what = "sign"
		}
		got.Result = counted(got.Total, what)
		if got.Asked > 1 || !got.Tail {
			got.Result += fmt.Sprintf(" on %d of %d hosts", got.Hit, got.Asked)
		}
	}
	return got
}

// sweepLooks lets go of looks that nobody asks after any more.
func (d *Desk) sweepLooks() {
	now := d.c.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, f := range d.looks {
		f.mu.Lock()
		old := now.Sub(f.polls) > unasked
		f.mu.Unlock()
		if old {
			f.cancel()
			delete(d.looks, key)
		}
	}
}

// begin starts asking.
func (d *Desk) begin(l incident.Looking) *follow {
	// The looks of the plan's clock end by it; a host's question ends by the machine's.
	ctx, cancel := context.WithTimeout(context.Background(), min(max(l.To.Sub(d.c.Now()), time.Second), incident.LongestLook))
	f := &follow{cancel: cancel, done: make(chan struct{}), first: make(chan struct{}), hit: map[string]bool{}, polls: d.c.Now(), with: l.With.Text}
	f.look.Ends = l.To
	hosts, q := "", &wire.Question{}
	row, _ := rowOf(l)
	if l.What == incident.LookLive {
		f.look.Tail = true
		hosts, q.Container = pick(l)
		q.What, q.Kinds, q.ToMs = wire.AskTail, l.Kinds, time.Now().Add(incident.LongestLook).UnixMilli()
		q.Subject, row = l.With.Text, mentioning(l.With.Text, row)
	} else if l.Kind == huntSigma {
		q.What, q.FromMs, q.ToMs, q.Most = wire.AskTimeline, time.Now().Add(-remembered).UnixMilli(), time.Now().UnixMilli(), wire.MostRows
		row = d.judged(strings.TrimPrefix(l.Subject.Text, "sigma/"), row)
	} else {
		q.What, q.Kind, q.Subject, q.Most = wire.AskHunt, l.Kind, l.Subject.Text, mostEach
	}
	if l.What == incident.LookHunt {
		f.look.Asked = len(d.hosts.Hosts()) // until the first has answered
	}
	go func() {
		defer close(f.done)
		defer cancel()
		sum, err := d.hosts.Ask(ctx, hosts, q, func(p fleet.Part, sum fleet.Sum) { f.take(p, sum, row) })
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sum(sum)
		if unavailable(err) {
			f.look.Trouble = append(f.look.Trouble, err.Error())
		}
	}()
	return f
}

// take keeps what came from a host.
func (f *follow) take(p fleet.Part, sum fleet.Sum, row func(string, json.RawMessage) (templates.LookRow, bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, raw := range p.Rows {
		r, ok := row(p.Host, raw)
		if !ok {
			continue
		}
		f.look.Total++
		f.hit[p.Host] = true
		most := mostHunt
		if f.look.Tail {
			most = mostTail
		}
		switch {
		case len(f.look.Rows) < most:
			f.look.Rows = append(f.look.Rows, r)
		case f.look.Tail:
			f.look.Rows = append(slices.Clone(f.look.Rows[1:]), r)
		}
		f.once.Do(func() { close(f.first) })
	}
	f.look.Total += int(p.LeftOut)
	if f.look.Tail {
		f.few += p.LeftOut
	}
	if p.Trouble != "" && p.Last && len(f.look.Trouble) < 20 && !f.look.Tail {
		f.look.Trouble = append(f.look.Trouble, p.Host+": "+p.Trouble)
	}
	f.sum(sum)
}

// sum takes who has answered. Of a tail every host that is connected counts as answering:
// it says so by being there.
func (f *follow) sum(s fleet.Sum) {
	f.look.Asked, f.look.Hit = s.Asked+len(s.Away), len(f.hit)
	f.look.Answered = s.Answered + len(s.Trouble)
	f.look.Silent = append(slices.Clone(s.Silent), s.Away...)
	if f.look.Tail {
		f.look.Answered, f.look.Silent = s.Asked, s.Away
	}
}

// judged lets through what a rule fires for.
func (d *Desk) judged(name string, row func(string, json.RawMessage) (templates.LookRow, bool)) func(string, json.RawMessage) (templates.LookRow, bool) {
	rule, ok := d.rules.Find(name)
	engine := sigma.NewEngine(d.rules, sigma.Limits{})
	return func(host string, raw json.RawMessage) (templates.LookRow, bool) {
		var e event.Event
		if !ok || json.Unmarshal(raw, &e) != nil {
			return templates.LookRow{}, false
		}
		for _, m := range engine.Judge(&e, e.At, nil) {
			if m.Rule == rule {
				return row(host, raw)
			}
		}
		return templates.LookRow{}, false
	}
}

// mentioning lets through the events in which a text stands. Hosts look for it themselves, but for
// those whose sensor is older than the question.
func mentioning(text string, row func(string, json.RawMessage) (templates.LookRow, bool)) func(string, json.RawMessage) (templates.LookRow, bool) {
	if text == "" {
		return row
	}
	return func(host string, raw json.RawMessage) (templates.LookRow, bool) {
		var e event.Event
		if json.Unmarshal(raw, &e) != nil || !e.Mentions(text) {
			return templates.LookRow{}, false
		}
		return row(host, raw)
	}
}

// tooMany says that a tail is not all that happened.
func tooMany(left uint64, hint bool) string {
	text := fmt.Sprintf("%d more happened too fast to be sent.", left)
	if hint {
		text += " To see those with a word in them: with <text>."
	}
	return text
}
