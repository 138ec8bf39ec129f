package baseline

import (
	"fmt"
	"slices"
	"time"
)

// Profile is what is known of a scope, for people to read.
type Profile struct {
	Scope  Scope
	Began  time.Time // of the learning
	Learns time.Time // until when it believes everything; zero: it has learned, or is frozen
	Frozen time.Time // the day since which it is; zero: it is not
	Things []Known   // what is not usual first
}

// Known is a thing with how well it is known.
type Known struct {
	Thing
	Usual   bool
	Days    int // on how many it was seen
	Last    time.Time
	Allowed *Allowed // nil: nobody said so
}

// Profile is a scope's as it stands at a moment. It returns ErrNoScope.
func (b *Book) Profile(s Scope, at time.Time) (Profile, error) {
	p := b.profiles[s]
	if p == nil {
		return Profile{}, ErrNoScope
	}
	out := Profile{Scope: s, Began: time.Unix(p.began, 0).UTC()}
	if p.learning(b.rules, at) {
		out.Learns = out.Began.Add(b.rules.Learn)
	}
	if p.frozen != 0 {
		out.Frozen = dayStart(p.frozen)
	}
	for k, e := range p.entries {
		out.Things = append(out.Things, Known{k.thing(), e.usual(), int(e.days), dayStart(e.day), e.allowed})
	}
	slices.SortFunc(out.Things, func(x, y Known) int {
		if x.Usual != y.Usual {
			if y.Usual {
				return -1
			}
			return 1
		}
		return compareThings(x.Thing, y.Thing)
	})
	return out, nil
}

// Knows reports whether there is a profile of the scope.
func (b *Book) Knows(s Scope) bool { return b.profiles[s] != nil }

func dayStart(d int32) time.Time { return time.Unix(int64(d)*int64(day/time.Second), 0).UTC() }

// Import takes back a profile that Export wrote, in place of what is known of its scope. When it
// cannot be read the Book is as it was.
func (b *Book) Import(raw []byte) error {
	var in encodedProfile
	if err := strict(raw, &in); err != nil {
		return fmt.Errorf("read a baseline: %w", err)
	}
	was, had := b.profiles[in.Scope]
	groups := []string(nil)
	if had {
		groups = was.groups
		b.forget(in.Scope, was)
	}
	err := b.decodeProfile(in)
	if err == nil {
		return nil
	}
	if half := b.profiles[in.Scope]; half != nil {
		b.forget(in.Scope, half)
	}
	if had {
		b.profiles[in.Scope] = was
		b.total += len(was.entries)
		b.join(was, in.Scope.Name, groups)
	}
	return fmt.Errorf("read the baseline of %s: %w", in.Scope, err)
}
