package baseline

import (
	"errors"
	"strings"
	"time"
)

// Errors of edits.
var (
	ErrNoScope = errors.New("nothing is known of that host, image or group")
	ErrNoThing = errors.New("that was never seen there")
	ErrNoName  = errors.New("whoever allows something says who they are and why")
	ErrFull    = errors.New("the profile is full of what was allowed")
)

// Allow makes something usual for good, whether it was seen or not: it neither fades nor is
// pushed out. It returns ErrNoName, ErrNoScope or ErrFull.
func (b *Book) Allow(s Scope, t Thing, a Allowed) error {
	p := b.profiles[s]
	a.By, a.Why, a.At = cut(strings.TrimSpace(a.By)), cut(strings.TrimSpace(a.Why)), a.At.UTC().Truncate(time.Second)
	t.Subject, t.Value = cut(t.Subject), cut(t.Value)
	switch {
	case a.By == "" || a.Why == "" || a.At.Unix() <= 0:
		return ErrNoName
	case p == nil:
		return ErrNoScope
	case t.Facet == 0 || int(t.Facet) >= len(facetNames) || t.Value == "":
		return ErrNoThing
	}
	e, held := p.entries[t.key()]
	if !held {
		if !b.room(p) {
			return ErrFull
		}
		b.total++
		e = entry{first: dayOf(a.At), day: dayOf(a.At), weight: one}
	}
	e.allowed = &a
	p.entries[t.key()] = e
	return nil
}

// Forget makes something unknown again, allowed or not: the next time it is new.
func (b *Book) Forget(s Scope, t Thing) error {
	p := b.profiles[s]
	if p == nil {
		return ErrNoScope
	}
	if _, held := p.entries[t.key()]; !held {
		return ErrNoThing
	}
	b.drop(p, t.key())
	return nil
}

// ForgetAll forgets a scope: it learns from the beginning, as a host that was rebuilt.
func (b *Book) ForgetAll(s Scope) error {
	p := b.profiles[s]
	if p == nil {
		return ErrNoScope
	}
	b.forget(s, p)
	return nil
}

// Freeze stops a profile from learning and fading, as during an incident: what an
// intruder does meanwhile never becomes usual. Freezing twice changes nothing.
func (b *Book) Freeze(s Scope, at time.Time) error {
	p := b.profiles[s]
	if p == nil {
		return ErrNoScope
	}
	if p.frozen == 0 {
		p.frozen = max(dayOf(at), 1)
	}
	return nil
}

// Thaw lets a profile learn again. The days in between did not happen: nothing faded. What
// was first seen while it was frozen is forgotten, so that it is new the next time.
func (b *Book) Thaw(s Scope, at time.Time) error {
	p := b.profiles[s]
	if p == nil {
		return ErrNoScope
	}
	if p.frozen == 0 {
		return nil
	}
	gap := max(dayOf(at)-p.frozen, 0)
	for k, e := range p.entries {
		if !e.usual() && e.first >= p.frozen {
			b.drop(p, k)
			continue
		}
		e.day = min(e.day, p.frozen) + gap
		p.entries[k] = e
	}
	p.began += int64(gap) * int64(day/time.Second)
	p.frozen = 0
	return nil
}
