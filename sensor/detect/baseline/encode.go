package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxEncoded bounds what is read back.
const maxEncoded = 1 << 30 // bytes

type encodedBook struct {
	Version  int              `json:"version"`
	Rules    Rules            `json:"rules"`
	Refused  uint64           `json:"refused,omitzero"`
	Profiles []encodedProfile `json:"profiles"`
}

type encodedProfile struct {
	Scope   Scope          `json:"scope"`
	Groups  []string       `json:"groups,omitempty"`
	Began   time.Time      `json:"began"`
	Last    int32          `json:"last_day"`
	Frozen  int32          `json:"frozen_day,omitzero"`
	Evicted uint64         `json:"evicted,omitzero"`
	NewsDay int32          `json:"news_day,omitzero"`
	News    int            `json:"news,omitzero"`
	Things  []encodedThing `json:"things"`
}

type encodedThing struct {
	Thing
	First   int32    `json:"first_day"`
	Day     int32    `json:"last_day"`
	Days    uint32   `json:"days"`
	Count   uint64   `json:"count"`
	Weight  uint32   `json:"weight"`
	Known   bool     `json:"known,omitzero"`
	Allowed *Allowed `json:"allowed,omitempty"`
}

// Encode writes the Book as JSON, which is also its export: sorted, so that the same Book
// makes the same bytes. Days are days since 1970.
func (b *Book) Encode() ([]byte, error) {
	out := encodedBook{Version: 1, Rules: b.rules, Refused: b.refused, Profiles: []encodedProfile{}}
	for _, s := range b.Scopes() {
		out.Profiles = append(out.Profiles, b.encodeProfile(s))
	}
	return json.Marshal(out)
}

// Export is one profile as JSON. It returns ErrNoScope.
func (b *Book) Export(s Scope) ([]byte, error) {
	if b.profiles[s] == nil {
		return nil, ErrNoScope
	}
	return json.MarshalIndent(b.encodeProfile(s), "", "  ")
}

func (b *Book) encodeProfile(s Scope) encodedProfile {
	p := b.profiles[s]
	out := encodedProfile{Scope: s, Groups: p.groups, Began: time.Unix(p.began, 0).UTC(), Last: p.last, Frozen: p.frozen, Evicted: p.evicted, NewsDay: p.newsDay, News: p.news, Things: []encodedThing{}}
	for k, e := range p.entries {
		out.Things = append(out.Things, encodedThing{k.thing(), e.first, e.day, e.days, e.count, e.weight, e.known, e.allowed})
	}
	slices.SortFunc(out.Things, func(x, y encodedThing) int { return compareThings(x.Thing, y.Thing) })
	return out
}

// Decode reads what Encode wrote; anything else is an error that names the place.
func Decode(raw []byte) (*Book, error) {
	var in encodedBook
	if err := strict(raw, &in); err != nil {
		return nil, fmt.Errorf("read the baselines: %w", err)
	}
	if in.Version != 1 {
		return nil, fmt.Errorf("read the baselines: version %d is not known", in.Version)
	}
	b, err := New(in.Rules)
	if err != nil {
		return nil, fmt.Errorf("read the baselines: %w", err)
	}
	b.refused = in.Refused
	for _, ep := range in.Profiles {
		if err := b.decodeProfile(ep); err != nil {
			return nil, fmt.Errorf("read the baseline of %s: %w", ep.Scope, err)
		}
	}
	return b, nil
}

func strict(raw []byte, into any) error {
	if len(raw) > maxEncoded {
		return fmt.Errorf("more than %d MiB", maxEncoded>>20)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("something follows")
	}
	return nil
}

const maxDay = 3_000_000 // about the year 10000

func (b *Book) decodeProfile(ep encodedProfile) error {
	switch {
	case ep.Scope.Kind == 0:
		return errors.New("it has no scope")
	case b.profiles[ep.Scope] != nil:
		return errors.New("it is there twice")
	case len(b.profiles) >= b.rules.MaxScopes || len(ep.Things) > b.rules.MaxEntries || b.total+len(ep.Things) > b.rules.MaxTotal:
		return errors.New("it is more than the rules allow")
	case ep.Began.Unix() < 0 || ep.Began.Unix() > maxDay*86400 || ep.Last < 0 || ep.Last > maxDay || ep.Frozen < 0 || ep.Frozen > maxDay || ep.News < 0:
		return errors.New("its times are none")
	case ep.Scope.Kind != Host && len(ep.Groups) > 0 || !slices.Equal(groupsOf(ep.Groups), ep.Groups):
		return errors.New("its groups are none")
	}
	p := &profile{began: ep.Began.Unix(), last: ep.Last, frozen: ep.Frozen, evicted: ep.Evicted, newsDay: ep.NewsDay, news: ep.News,
		entries: make(map[key]entry, len(ep.Things))}
	b.profiles[ep.Scope] = p
	b.join(p, ep.Scope.Name, ep.Groups)
	for _, t := range ep.Things {
		if err := t.sound(); err != nil {
			return err
		}
		if t.Allowed != nil {
			t.Allowed.At = t.Allowed.At.UTC()
		}
		k := t.key()
		if _, twice := p.entries[k]; twice {
			return fmt.Errorf("%s %q is there twice", t.Facet, t.Value)
		}
		p.entries[k] = entry{t.First, t.Day, t.Days, t.Count, t.Weight, t.Known, t.Allowed}
		b.total++
	}
	return nil
}

func (t encodedThing) sound() error {
	switch {
	case t.Facet == 0 || t.Value == "" || cut(t.Value) != t.Value || cut(t.Subject) != t.Subject:
		return errors.New("it holds a thing that is none")
	case t.First < 0 || t.Day < 0 || t.First > maxDay || t.Day > maxDay || t.Weight > maxWeight:
		return errors.New("it holds a thing of no time")
	case t.Allowed != nil && (t.Allowed.By == "" || t.Allowed.Why == "" || t.Allowed.At.Unix() <= 0):
		return ErrNoName
	}
	return nil
}
