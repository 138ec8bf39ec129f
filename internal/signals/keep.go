package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/templates"
)

const (
	space       = "signals"
	keptLedger  = "ledger"
	keptIntel   = "intel"
	keptUses    = "excepted"
	keptLooks   = "looks"
	mostWatched = 10_000  // indicators that people said to watch for
	mostUnkept  = 100_000 // signals that are counted while the database is away

	// takeWithin is how long somebody waits to hear that hosts took what they said; real time.
	takeWithin = time.Second
)

// recall reads what was kept.
func (d *Desk) recall(ctx context.Context) error {
	d.ledger = noise.NewLedger()
	if err := d.recallLedger(ctx); err != nil {
		return err
	}
	if err := errors.Join(d.recallUses(ctx), d.recallUsual(ctx)); err != nil {
		return err
	}
	_, err := d.recallWatched(ctx)
	return err
}

// refresh reads what other replicas kept since, and gives hosts what these do not have yet.
func (d *Desk) refresh(ctx context.Context) error {
	if err := d.recallLedger(ctx); err != nil {
		return err
	}
	newer, err := d.recallWatched(ctx)
	if err != nil || !newer {
		return err
	}
	return d.publishIntel()
}

func (d *Desk) recallLedger(ctx context.Context) error {
	raw, at, ok, err := d.c.Record.CacheGet(ctx, space, keptLedger)
	if err != nil {
		return fmt.Errorf("read the marks of rules: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !ok || len(d.unkept) > 0 || !at.After(d.counted) { // keep reads it too
		return nil
	}
	l, err := noise.DecodeLedger(raw)
	if err != nil {
		return err
	}
	d.ledger, d.counted = l, at
	return nil
}

// recallWatched reads what people said to watch for; newer says that it is not what was known here.
func (d *Desk) recallWatched(ctx context.Context) (newer bool, err error) {
	raw, at, ok, err := d.c.Record.CacheGet(ctx, space, keptIntel)
	if err != nil || !ok {
		return false, err
	}
	all, err := decodeWatched(raw)
	if err != nil {
		return false, err
	}
	return d.watch(all, at), nil
}

func (d *Desk) watch(all []intel.Indicator, at time.Time) (newer bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !at.After(d.since) {
		return false
	}
	d.watched, d.since = all, at
	return true
}

func decodeWatched(raw []byte) (all []intel.Indicator, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read what is watched for: %w", err)
	}
	return all, nil
}

// keep adds what was counted here to what is kept, where other replicas add theirs, and writes down
// what exceptions kept quiet.
func (d *Desk) keep(ctx context.Context) error {
	d.keeping.Lock() // whoever comes second adds only what came since
	defer d.keeping.Unlock()
	d.mu.Lock()
	adding := d.unkept
	used := d.excepted.quiet.Uses()
	d.mu.Unlock()
	if len(adding) == 0 {
		return nil
	}
	uses, err := json.Marshal(used)
	if err != nil {
		return fmt.Errorf("write what exceptions kept quiet: %w", err)
	}
	if err := d.c.Record.CachePut(ctx, space, keptUses, uses, d.c.Now()); err != nil {
		return err
	}
	var whole *noise.Ledger
	at, err := d.c.Record.CacheChange(ctx, space, keptLedger, d.c.Now(), func(was []byte) ([]byte, error) {
		whole = noise.NewLedger()
		if len(was) > 0 {
			var err error
			if whole, err = noise.DecodeLedger(was); err != nil {
				return nil, err
			}
		}
		for _, add := range adding {
			add(whole)
		}
		return whole.Encode()
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unkept = slices.Clone(d.unkept[len(adding):])
	for _, add := range d.unkept {
		add(whole)
	}
	d.ledger, d.counted = whole, at
	return nil
}

// Mark counts a person's word on what a rule found. Of a group that an incident has it is
// the group that is marked; without one, the latest signal of the rule.
func (d *Desk) Mark(ctx context.Context, m bot.SignalMark) (string, error) {
	d.mu.Lock()
	rule, signal := m.Rule, m.Group
	if signal == "" {
		for _, f := range slices.Backward(d.recent) {
			if strings.EqualFold(f.rule, rule) || strings.EqualFold(f.rule, "sigma/"+rule) {
				rule, signal = f.rule, f.id
				break
			}
		}
	}
	if signal == "" {
		d.mu.Unlock()
		return "", incident.Refuse("no-such-signal", fmt.Sprintf("The rule %q found nothing lately.", templates.Label(m.Rule, 60)), "See `signals recent`.")
	}
	word := noise.Mark{Signal: signal, Rule: rule, False: m.False, By: string(m.By), At: m.At, Why: templates.Label(m.Why, 300)}
	_, _, err := d.ledger.Mark(word)
	if err == nil {
		d.unkept = append(d.unkept, func(l *noise.Ledger) { _, _, _ = l.Mark(word) }) // it was good here
	}
	d.mu.Unlock()
	if err != nil {
		return "", fmt.Errorf("count a mark: %w", err)
	}
	if err := d.keep(ctx); err != nil {
		return "", err
	}
	if d.hosts != nil {
		d.hosts.Changed(ctx)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ledger.Of(rule).String() + ".", nil
}

// encodeRules is how rules travel to hosts.
func encodeRules(files []sigma.File) ([]byte, error) {
	b, err := json.Marshal(files)
	if err != nil {
		return nil, fmt.Errorf("write the rules for hosts: %w", err)
	}
	return b, nil
}

// AddIndicator watches for something on every host, from now on.
func (d *Desk) AddIndicator(ctx context.Context, in bot.NewIndicator) (bot.Watched, error) {
	x, err := readIndicator(in)
	if err != nil {
		return bot.Watched{}, incident.Refuse("no-indicator", templates.Label(err.Error(), 200)+".", "An address, a network, a name, a URL or a hash.")
	}
	if err := d.c.Guard().Judge(x); err != nil {
		return bot.Watched{}, incident.Refuse("guarded", "That is not watched for: "+templates.Label(err.Error(), 200)+".", "Whoever could add it would have us drown in alarms, or cut ourselves off.")
	}
	err = d.rewatch(ctx, func(all []intel.Indicator) ([]intel.Indicator, error) {
		if len(all) >= mostWatched {
			return nil, incident.Refuse("too-many", fmt.Sprintf("%d indicators are watched for already.", mostWatched), "Expire some, or put them into a feed.")
		}
		return append(slices.DeleteFunc(all, func(o intel.Indicator) bool { return o.Type == x.Type && o.Value == x.Value }), x), nil
	})
	if err != nil {
		return bot.Watched{}, err
	}
	on, of := d.takenBy(ctx, "intel")
	return bot.Watched{Value: x.Value, On: on, Of: of}, nil
}

// takenBy waits a moment for connected hosts to install the newest set of a kind, and
// counts those that have it.
func (d *Desk) takenBy(ctx context.Context, kind string) (on, of int) {
	for until := time.Now().Add(takeWithin); ; {
		on, of = 0, 0
		for _, h := range d.hosts.Hosts() {
			if !h.Connected {
				continue
			}
			of++
			if !slices.Contains(h.Behind, kind) {
				on++
			}
		}
		if on == of || time.Now().After(until) {
			return on, of
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return on, of
		}
	}
}

// ExpireIndicator ends that; ok is false when nobody watches for it.
func (d *Desk) ExpireIndicator(ctx context.Context, value string) (bool, error) {
	value = strings.ToLower(intel.Refang(strings.TrimSpace(value)))
	err := d.rewatch(ctx, func(all []intel.Indicator) ([]intel.Indicator, error) {
		left := slices.DeleteFunc(slices.Clone(all), func(o intel.Indicator) bool { return strings.EqualFold(o.Value, value) })
		if len(left) == len(all) {
			return nil, errNobodyWatches
		}
		return left, nil
	})
	if errors.Is(err, errNobodyWatches) {
		return false, nil
	}
	return err == nil, err
}

var errNobodyWatches = errors.New("nobody watches for it")

// rewatch changes what is kept of what is watched for, to which other replicas add too, and gives
// it to every host. The time at which it was kept is the set's version, so that a set of one
// version is the same wherever it comes from.
func (d *Desk) rewatch(ctx context.Context, change func([]intel.Indicator) ([]intel.Indicator, error)) error {
	if d.hosts == nil {
		return errNoHosts
	}
	var now []intel.Indicator
	at, err := d.c.Record.CacheChange(ctx, space, keptIntel, d.c.Now(), func(was []byte) ([]byte, error) {
		all, err := decodeWatched(was)
		if err == nil {
			now, err = change(all)
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(now)
	})
	if err != nil {
		return fmt.Errorf("keep what is watched for: %w", err)
	}
	d.watch(now, at)
	return d.publishIntel()
}

func (d *Desk) publishIntel() error {
	if d.hosts == nil {
		return errNoHosts
	}
	d.publishing.Lock()
	defer d.publishing.Unlock()
	var b intel.Builder
	d.mu.Lock()
	said := uint64(max(0, d.since.UnixMilli()))
	for _, x := range d.watched {
		if x.Expires.IsZero() || x.Expires.After(d.c.Now()) {
			if err := b.Add(x); err != nil {
				d.mu.Unlock()
				return err
			}
		}
	}
	d.mu.Unlock()
	return d.give(&b, said)
}

// readIndicator finds out what somebody means by what they typed.
func readIndicator(in bot.NewIndicator) (x intel.Indicator, err error) {
	take := func(got intel.Indicator) error { x = got; return nil }
	from := intel.From{Source: "people", Confidence: 90, Why: in.Why, Now: in.At}
	r, err := intel.List(strings.NewReader(in.Value+"\n"), from, take)
	switch {
	case err != nil:
		return x, err
	case x.Value == "" && len(r.Skipped) > 0:
		return x, fmt.Errorf("%s", r.Skipped[0].Why)
	case x.Value == "":
		return x, fmt.Errorf("nothing can be watched for by that")
	}
	x.Expires, x.Ref = in.Expires.UTC().Truncate(time.Second), string(in.By)
	return x.Clean()
}
