package feeds

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
)

// Fill gives a set for hosts what the feeds of the plan say now: past the guard as it is today, without
// what has expired. A feed for which there is no room is left out whole, in the order of the plan.
func (s *Subscriptions) Fill(b *intel.Builder) error {
	guard, now, room := s.c.Guard(), s.c.Now(), s.c.Room
	left := map[string]bool{}
	for _, f := range s.c.Feeds() {
		st, set := s.of(f)
		if set.Len() == 0 {
			continue
		}
		if st.Bytes > room {
			left[f.Name] = true
			continue
		}
		room -= st.Bytes
		for in := range set.All() {
			if !in.Expires.After(now) || guard.Judge(in) != nil {
				continue
			}
			if err := b.Add(in); err != nil {
				return fmt.Errorf("gather what the feed %s says: %w", f.Name, err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range left {
		if !s.left[name] {
			s.c.Log.Warn("hosts have no room for a feed of indicators", "feed", name)
		}
	}
	s.left = left
	return nil
}

// of is what is held of a feed; nothing when it was read from somewhere else.
func (s *Subscriptions) of(f plan.Feed) (State, *intel.Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.kept[f.Name]
	if st.Place != placeOf(f) {
		return State{}, nil
	}
	return st, s.sets[f.Name]
}

// Sum changes when Fill would give something else, but for what expires.
func (s *Subscriptions) Sum() string {
	var parts []any
	for _, f := range s.c.Feeds() {
		st, _ := s.of(f)
		parts = append(parts, f.Name, st.Sum)
	}
	return digest(parts...)
}

// Strictest is the strictest label of what a feed says; Unmarked for one that is not known.
func (s *Subscriptions) Strictest(name string) intel.TLP {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[name].TLP
}

// Standing is a feed of the plan and how it stands.
type Standing struct {
	plan.Feed
	State
	NoRoom bool // hosts do not have it
}

// All are the feeds of the plan, in its order.
func (s *Subscriptions) All() []Standing {
	var out []Standing
	for _, f := range s.c.Feeds() {
		st, _ := s.of(f)
		s.mu.Lock()
		one := Standing{Feed: f, State: st, NoRoom: s.left[f.Name]}
		s.mu.Unlock()
		one.First = slices.Clone(one.First)
		out = append(out, one)
	}
	return out
}

// Label is the feed's strictest label as people write it; "" when nothing is marked.
func (s Standing) Label() string {
	if s.State.TLP == intel.Unmarked {
		return ""
	}
	return "TLP:" + strings.ToUpper(s.State.TLP.String())
}
