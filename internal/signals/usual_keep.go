package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/detect/baseline"
)

// What is usual is kept a profile at a time, each under its name, with a list of the names. It is
// counted in days: what was learned in the last hour before a crash is no loss.

const (
	keptUsual   = "usual"  // the names
	keptFrozen  = "frozen" // for which incidents
	keptEdited  = "edited" // by people, and when
	usualEvery  = time.Hour
	mostAtOnce  = 500 // profiles that are written at once
	usualPrefix = "usual/"
)

// recallUsual reads what was usual before this start. A profile that cannot be read is learned anew.
func (d *Desk) recallUsual(ctx context.Context) error {
	var scopes []baseline.Scope
	if err := d.read(ctx, keptUsual, &scopes); err != nil {
		return err
	}
	for _, s := range scopes {
		raw, _, ok, err := d.c.Record.CacheGet(ctx, space, usualPrefix+s.String())
		if err != nil {
			return fmt.Errorf("read what is usual on %s: %w", s, err)
		}
		if !ok {
			continue
		}
		if err := d.usual.Import(raw); err != nil {
			d.c.Log.Warn("a profile is learned anew", "error", err)
		}
	}
	return d.readFrozen(ctx)
}

// read takes back what was kept as JSON; what was not kept stays as it is.
func (d *Desk) read(ctx context.Context, key string, into any) error {
	raw, _, ok, err := d.c.Record.CacheGet(ctx, space, key)
	if err == nil && ok {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("read what was kept of signals, %s: %w", key, err)
	}
	return nil
}

// keepUsual writes down what has changed of what is usual. What cannot be written now is tried again
// the next time.
func (d *Desk) keepUsual(ctx context.Context) error {
	d.mu.Lock()
	now := map[baseline.Scope][]byte{}
	for s := range d.usual.changed {
		if len(now) == mostAtOnce {
			break
		}
		raw, err := d.usual.Export(s)
		if err != nil {
			raw = nil // it was forgotten
		}
		now[s] = raw
		delete(d.usual.changed, s)
	}
	d.mu.Unlock()
	if len(now) == 0 {
		return nil
	}
	if err := d.keepProfiles(ctx, now); err != nil {
		d.mu.Lock()
		for s := range now {
			d.usual.changed[s] = true
		}
		d.mu.Unlock()
		return fmt.Errorf("keep what is usual: %w", err)
	}
	return nil
}

func (d *Desk) keepProfiles(ctx context.Context, now map[baseline.Scope][]byte) error {
	var scopes []baseline.Scope
	if err := d.read(ctx, keptUsual, &scopes); err != nil { // another replica has hosts of its own
		return err
	}
	for _, s := range slices.SortedFunc(maps.Keys(now), func(a, b baseline.Scope) int { return strings.Compare(a.String(), b.String()) }) {
		raw, there := now[s], slices.Contains(scopes, s)
		switch {
		case raw == nil:
			scopes = slices.DeleteFunc(scopes, func(o baseline.Scope) bool { return o == s })
			continue
		case !there:
			scopes = append(scopes, s)
		}
		if err := d.c.Record.CachePut(ctx, space, usualPrefix+s.String(), raw, d.c.Now()); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(scopes)
	if err != nil {
		return fmt.Errorf("write the names of profiles: %w", err)
	}
	return d.c.Record.CachePut(ctx, space, keptUsual, raw, d.c.Now())
}

// keepFrozen writes down what is frozen for whom.
func (d *Desk) keepFrozen(ctx context.Context) error {
	d.mu.Lock()
	raw, err := json.Marshal(d.usual.frozen)
	d.mu.Unlock()
	if err == nil {
		err = d.c.Record.CachePut(ctx, space, keptFrozen, raw, d.c.Now())
	}
	if err != nil {
		return fmt.Errorf("keep what is frozen: %w", err)
	}
	return nil
}

// keepEdited writes down that people corrected profiles, so that other replicas take them as they are kept.
func (d *Desk) keepEdited(ctx context.Context, scopes []baseline.Scope) error {
	all := map[string]int64{}
	now := d.c.Now()
	_, err := d.c.Record.CacheChange(ctx, space, keptEdited, now, func(was []byte) ([]byte, error) {
		clear(all)
		if len(was) > 0 {
			if err := json.Unmarshal(was, &all); err != nil {
				return nil, err
			}
		}
		for _, s := range scopes {
			all[s.String()] = max(now.UnixMilli(), all[s.String()]+1)
		}
		for name, at := range all { // what every replica has long read
			if now.UnixMilli()-at > (24 * time.Hour).Milliseconds() {
				delete(all, name)
			}
		}
		return json.Marshal(all)
	})
	if err != nil {
		return fmt.Errorf("keep what was corrected: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.usual.edited = all
	return nil
}

// readEdited takes the profiles that people corrected on another replica: what this one learned of them
// beside is little, and learned again.
func (d *Desk) readEdited(ctx context.Context) error {
	all := map[string]int64{}
	if err := d.read(ctx, keptEdited, &all); err != nil {
		return err
	}
	d.mu.Lock()
	known := d.usual.edited
	d.mu.Unlock()
	for name, at := range all {
		if known[name] >= at {
			continue
		}
		raw, _, ok, err := d.c.Record.CacheGet(ctx, space, usualPrefix+name)
		if err != nil {
			return fmt.Errorf("read what is usual on %s: %w", name, err)
		}
		if !ok || len(raw) == 0 {
			continue // everything there was forgotten
		}
		d.mu.Lock()
		err = d.usual.Import(raw)
		d.mu.Unlock()
		if err != nil {
			d.c.Log.Warn("a profile that was corrected stays as it was here", "profile", name, "error", err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.usual.edited = all
	return nil
}

// readFrozen has frozen here what was frozen on another replica, and thawed what was thawed there: a
// host may converse with any of them.
func (d *Desk) readFrozen(ctx context.Context) error {
	frozen := map[baseline.Scope][]incident.ID{}
	if err := d.read(ctx, keptFrozen, &frozen); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range frozen {
		if err := d.usual.Freeze(s, d.c.Now()); err != nil && !errors.Is(err, baseline.ErrNoScope) { // it is not known here
			return err
		}
	}
	for s := range d.usual.frozen {
		if len(frozen[s]) > 0 {
			continue
		}
		if err := d.usual.Thaw(s, d.c.Now()); err != nil && !errors.Is(err, baseline.ErrNoScope) {
			return err
		}
	}
	d.usual.frozen = frozen
	return nil
}

func newUsual(r baseline.Rules) (usual, error) {
	b, err := baseline.New(r)
	return usual{Book: b, frozen: map[baseline.Scope][]incident.ID{}, changed: map[baseline.Scope]bool{}}, err
}
