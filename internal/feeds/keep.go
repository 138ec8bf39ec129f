package feeds

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
)

const (
	space     = "feeds"
	keptAll   = "all" // how every feed stands
	setPrefix = "set/"
)

// recall has what is kept, also what another replica kept.
func (s *Subscriptions) recall(ctx context.Context) error {
	all := map[string]State{}
	raw, _, ok, err := s.c.Cache.CacheGet(ctx, space, keptAll)
	if err == nil && ok {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		return fmt.Errorf("read how the feeds stand: %w", err)
	}
	s.mu.Lock()
	sets := maps.Clone(s.sets)
	s.mu.Unlock()
	for name, st := range all {
		if sets[name] != nil && sets[name].Digest().String() == st.Sum || st.Sum == "" {
			continue
		}
		set, err := s.recallSet(ctx, name)
		if err != nil {
			return err
		}
		if sets[name] = set; set.Digest().String() != st.Sum {
			// It was replaced in this moment, or was damaged: what is asked next is asked for whole.
			st.Tag, st.Modified, st.Mark, st.Events = "", "", "", nil
			st.Next = s.c.Now()
			all[name] = st
		}
	}
	maps.DeleteFunc(sets, func(name string, _ *intel.Set) bool { return all[name].Sum == "" })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.sets, s.fresh = all, sets, true
	return nil
}

func (s *Subscriptions) recallSet(ctx context.Context, name string) (*intel.Set, error) {
	raw, _, ok, err := s.c.Cache.CacheGet(ctx, space, setPrefix+name)
	if err != nil {
		return nil, fmt.Errorf("read what the feed %s said: %w", name, err)
	}
	if !ok || len(raw) == 0 {
		return &intel.Set{}, nil
	}
	set, err := intel.Decode(raw)
	if err != nil {
		s.c.Log.Warn("what a feed said is damaged and is read anew", "feed", name, "error", err)
		return &intel.Set{}, nil
	}
	return set, nil
}

// put keeps how a feed stands and what it said; the set first, so that whatever ends this halfway
// has it read again instead of believed to be there.
func (s *Subscriptions) put(ctx context.Context, name string, st State, set *intel.Set) error {
	s.keep.Lock()
	defer s.keep.Unlock()
	sum := ""
	if set != nil {
		sum = set.Digest().String()
	}
	s.mu.Lock()
	all := maps.Clone(s.kept)
	same := all[name].Sum == sum && s.sets[name] != nil
	s.mu.Unlock()
	st.Sum = sum
	all[name] = st
	if set != nil && !same {
		if err := s.c.Cache.CachePut(ctx, space, setPrefix+name, set.Encode(nil), s.c.Now()); err != nil {
			return fmt.Errorf("keep what the feed %s said: %w", name, err)
		}
	}
	if err := s.putAll(ctx, all); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = all
	if set != nil {
		s.sets[name] = set
	} else {
		delete(s.sets, name)
	}
	return nil
}

func (s *Subscriptions) putAll(ctx context.Context, all map[string]State) error {
	raw, err := json.Marshal(all)
	if err == nil {
		err = s.c.Cache.CachePut(ctx, space, keptAll, raw, s.c.Now())
	}
	if err != nil {
		return fmt.Errorf("keep how the feeds stand: %w", err)
	}
	return nil
}

// forget lets go of feeds that the plan does not name any more.
func (s *Subscriptions) forget(ctx context.Context, named []plan.Feed) error {
	s.mu.Lock()
	all := maps.Clone(s.kept)
	s.mu.Unlock()
	var gone []string
	for name := range all {
		if !slices.ContainsFunc(named, func(f plan.Feed) bool { return f.Name == name }) {
			gone = append(gone, name)
		}
	}
	for _, name := range gone {
		if err := s.c.Cache.CachePut(ctx, space, setPrefix+name, nil, s.c.Now()); err != nil {
			return fmt.Errorf("forget the feed %s: %w", name, err)
		}
		delete(all, name)
		s.c.Log.Info("a feed of indicators is not read any more", "feed", name)
	}
	if len(gone) == 0 {
		return nil
	}
	if err := s.putAll(ctx, all); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = all
	for _, name := range gone {
		delete(s.sets, name)
		delete(s.left, name)
	}
	return nil
}
