package incident

import (
	"slices"
	"time"
)

// FoundSecret says that a text holds something like a secret, never what it is.
type FoundSecret struct {
	Kind  string `json:"kind"` // what it looks like: "password", "aws-access-token"
	Count int    `json:"count"`
}

// SecretFound says that a message of the room holds something like a secret. What
// people type to Tocsin comes with its findings instead: see Asked.Secrets.
type SecretFound struct {
	Ref    MessageRef
	Author Person // zero: a bot, or nobody known
	Found  []FoundSecret
}

// SecretSeen says where something like a secret can be read: in a message, in an
// entry of the timeline, or in both.
type SecretSeen struct {
	Ref    *MessageRef   `json:"ref,omitempty"`
	Entry  int64         `json:"entry,omitempty"`
	Author PersonID      `json:"author,omitempty"`
	Found  []FoundSecret `json:"found"`
	// Again: the same words were complained about a moment ago, at their other place.
	Again bool `json:"again,omitempty"`
}

func (SecretFound) command() {}
func (SecretSeen) event()    {}

// SecretsAt is what deciding remembers of secrets: for each message the most of each
// kind that was ever seen in it, and whom was warned last. No trace of a secret that
// could be tried against guesses is kept.
type SecretsAt struct {
	Messages map[string]map[string]int `json:"messages,omitempty"` // by "channel/ts", then kind
	By       PersonID                  `json:"by,omitempty"`
	At       time.Time                 `json:"at,omitzero"`
	Typed    bool                      `json:"typed,omitempty"` // to Tocsin, not to the room
	Found    []FoundSecret             `json:"found,omitempty"`
}

// Words said to Tocsin by a mention arrive twice: as a message of the room and as what
// was asked. Within this time the two are one act, and warned of once.
const oneAct = time.Minute

func (m MessageRef) key() string { return m.Channel + "/" + m.TS }

// secretFound warns of a message once; of an edited one again only for what is more
// than it ever held. An edit that puts one password in another's place is not noticed:
// noticing it would need a trace of the first.
func (d *deciding) secretFound(c SecretFound) error {
	found := tidy(c.Found)
	if len(found) == 0 || c.Ref.TS == "" || !d.more(c.Ref, found) {
		return nil
	}
	if c.Author.ID != "" {
		d.meet(c.Author)
	}
	d.seen(SecretSeen{Ref: &c.Ref, Author: c.Author.ID, Found: found}, false)
	return nil
}

// typed warns of what somebody just put into the record by their words.
func (d *deciding) typed() {
	found := tidy(d.a.Secrets)
	if len(found) == 0 || d.a.By.Standing == System {
		return
	}
	for _, e := range d.c.Events {
		if _, met := e.Event.(Met); met || !holdsText(e.Event) {
			continue
		}
		seen := SecretSeen{Entry: e.Seq, Author: d.a.By.ID, Found: found, Ref: quotes(e.Event)}
		if seen.Ref == nil || d.more(*seen.Ref, found) {
			d.seen(seen, seen.Ref == nil)
		}
		return
	}
}

func (d *deciding) seen(e SecretSeen, typed bool) {
	last := d.s.Secrets
	e.Again = e.Author != "" && last.By == e.Author && last.Typed != typed && d.a.At.Sub(last.At) < oneAct && slices.Equal(last.Found, e.Found)
	d.emit(e)
	if e.Again {
		return
	}
	d.say(PlaceRoom, "", true)
	if e.Author != "" {
		d.say(PlacePerson, e.Author, true)
	}
}

// more reports whether there is more than was ever seen in that message.
func (d *deciding) more(ref MessageRef, found []FoundSecret) bool {
	had := d.s.Secrets.Messages[ref.key()]
	for _, f := range found {
		if f.Count > had[f.Kind] {
			return true
		}
	}
	return false
}

// quotes is the message whose words an event carries.
func quotes(e Event) *MessageRef {
	switch e := e.(type) {
	case Kept:
		return &e.Ref
	case Declared:
		return e.From
	}
	return nil
}

func holdsText(e Event) (yes bool) {
	EachSealed(&e, func(s *Sealed) { yes = yes || s.Text != "" })
	return yes
}

// tidy brings findings into one order and within bounds; what is not a finding is left out.
func tidy(found []FoundSecret) []FoundSecret {
	var out []FoundSecret
	for _, f := range found {
		kind, err := line("kind", f.Kind, 80)
		if err == nil && f.Count > 0 && len(out) < 20 {
			out = append(out, FoundSecret{kind, f.Count})
		}
	}
	slices.SortFunc(out, func(a, b FoundSecret) int {
		if a.Kind < b.Kind {
			return -1
		}
		return 1
	})
	return out
}

func applySecret(s SecretsAt, r Recorded, e SecretSeen) SecretsAt {
	if e.Ref != nil {
		s.Messages = with(s.Messages, e.Ref.key(), func(had map[string]int) map[string]int {
			for _, f := range e.Found {
				had = with(had, f.Kind, func(n int) int { return max(n, f.Count) })
			}
			return had
		})
	}
	s.By, s.At, s.Typed, s.Found = e.Author, r.At, e.Entry != 0 && e.Ref == nil, e.Found
	if e.Again { // the act is whole: what comes next is another
		s.By, s.At, s.Typed, s.Found = "", time.Time{}, false, nil
	}
	return s
}
