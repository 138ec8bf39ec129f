package incident

import (
	"fmt"
	"strings"
	"time"
)

// Distrusted things that are no doors: an account (of a person, wherever it is used)
// and a host.
const (
	DistrustOkta     = "okta"
	DistrustIdentity = "identity"
	DistrustHost     = "host"
)

// DistrustKinds lists what can be distrusted, doors first.
func DistrustKinds() []string {
	return []string{string(ViaSlack), string(ViaCLI), string(ViaAPI), string(ViaPagerDuty), string(ViaGitHub), DistrustOkta, DistrustIdentity, DistrustHost}
}

// IsDoor reports whether a kind is a way in, which has no name of its own.
func IsDoor(kind string) bool {
	switch Door(kind) {
	case ViaSlack, ViaCLI, ViaAPI, ViaPagerDuty, ViaGitHub:
		return true
	}
	return false
}

// A door of people must stay, or nobody could ever lift anything.
var peoplesDoors = []Door{ViaSlack, ViaCLI}

// A first voice for lifting waits this long for the second.
const liftWaits = 24 * time.Hour

type (
	// Distrust marks a channel of authority as not to be believed: from now on what
	// comes through it decides nothing here. Said again of one that somebody wants
	// to lift, it takes that voice away.
	Distrust struct {
		Kind string
		Name string // of an account or host
		Why  string
	}
	// Trust lifts a Distrust, once two persons have said so by another way.
	Trust struct {
		Kind string
		Name string
		Why  string
	}
)

type (
	// Distrusted says what is not believed any more, item N from 1.
	Distrusted struct {
		N    int    `json:"n"`
		Kind string `json:"kind"`
		Name Sealed `json:"name,omitzero"`
		Why  Sealed `json:"why,omitzero"`
	}
	// TrustAsked is the first of two voices for believing it again.
	TrustAsked struct {
		N   int    `json:"n"`
		Why Sealed `json:"why,omitzero"`
	}
	// Trusted says it is believed again, by two persons.
	Trusted struct {
		N     int      `json:"n"`
		First PersonID `json:"first"`
		Why   Sealed   `json:"why,omitzero"`
	}
)

func (Distrust) command() {}
func (Trust) command()    {}
func (Distrusted) event() {}
func (TrustAsked) event() {}
func (Trusted) event()    {}

// Doubt is one thing that is not believed, or was not. N counts from 1.
type Doubt struct {
	N      int       `json:"n"`
	Kind   string    `json:"kind"`
	Name   Sealed    `json:"name,omitzero"`
	By     PersonID  `json:"by"`
	At     time.Time `json:"at"`
	Lifted bool      `json:"lifted,omitempty"`
	// The first voice for lifting it.
	Voice    PersonID  `json:"voice,omitempty"`
	VoiceVia Door      `json:"voice_via,omitempty"`
	VoiceAt  time.Time `json:"voice_at,omitzero"`
}

// Disbelieved finds why nothing a person says through a door counts here: the door
// itself, or an account of theirs. nil: it counts.
func (s State) Disbelieved(p Person, via Door) *Doubt {
	for i := range s.Doubts {
		t := &s.Doubts[i]
		switch {
		case t.Lifted:
		case IsDoor(t.Kind) && Door(t.Kind) == via:
			return t
		case (t.Kind == DistrustOkta || t.Kind == DistrustIdentity) && p.goesBy(t.Name.Text):
			return t
		}
	}
	return nil
}

// goesBy reports whether an account is this person's: e-mail, login or id.
func (p Person) goesBy(account string) bool {
	account = strings.TrimPrefix(account, "@")
	for _, mine := range []string{string(p.ID), p.Email.Text, p.GitHub, p.Slack, p.PagerDuty} {
		if mine != "" && strings.EqualFold(mine, account) {
			return true
		}
	}
	return false
}

// believe refuses what comes through a channel that is distrusted here.
func (d *deciding) believe(p Person, via Door) error {
	t := d.s.Disbelieved(p, via)
	if t == nil {
		return nil
	}
	if !IsDoor(t.Kind) {
		return Refuse("distrusted", fmt.Sprintf("An account of yours is distrusted in %s: nothing said with it counts.", d.s.Stream),
			"Ask two other responders to lift it: `trust`.")
	}
	hint := "Say it on the server instead: `tocsin do`."
	if via == ViaCLI {
		hint = "Say it in Slack instead."
	}
	return Refuse("distrusted", fmt.Sprintf("%s is distrusted in %s: nothing said through it counts, neither commands nor buttons.", DoorName(via), d.s.Stream), hint)
}

// DoorName is what people call a door.
func DoorName(via Door) string {
	switch via {
	case ViaSlack:
		return "Slack"
	case ViaCLI:
		return "The command line"
	case ViaAPI:
		return "The API"
	case ViaPagerDuty:
		return "PagerDuty"
	case ViaGitHub:
		return "GitHub"
	}
	return string(via)
}

// doubt finds what stands distrusted under that name.
func (d *deciding) doubt(kind, name string) (Doubt, bool) {
	for _, t := range d.s.Doubts {
		if !t.Lifted && t.Kind == kind && strings.EqualFold(t.Name.Text, name) {
			return t, true
		}
	}
	return Doubt{}, false
}

func (d *deciding) distrust(c Distrust) error {
	kind, name, err := distrustable(c.Kind, c.Name)
	if err != nil {
		return err
	}
	if err := d.mayDoubt(Door(kind)); err != nil {
		return err
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	if (kind == DistrustOkta || kind == DistrustIdentity) && d.a.By.goesBy(name) {
		return Refuse("distrust-self", "That is an account of yours.", "Let somebody else say it.")
	}
	n := len(d.s.Doubts) + 1
	if t, had := d.doubt(kind, name); had {
		if t.Voice == "" {
			return Refuse("same", "It is distrusted already.", "")
		}
		n = t.N // somebody objects to lifting it
	} else if n > MaxItems {
		return Refuse("too-many", fmt.Sprintf("At most %d things can be distrusted.", MaxItems), "")
	}
	d.emit(Distrusted{n, kind, Seal(name), Seal(why)})
	d.say(PlaceRoom, "", true)
	for _, id := range d.owners() {
		if id != d.a.By.ID {
			d.say(PlacePerson, id, true)
		}
	}
	d.voidAck()
	return nil
}

// voidAck pages anew when whoever stopped the paging did it through what is not
// believed now. Somebody who distrusts it themselves is there.
func (d *deciding) voidAck() {
	p := d.s.Paging
	if d.s.Status != Open || p.AckedBy == "" || p.AckedBy == d.a.By.ID || d.s.Disbelieved(d.s.Person(p.AckedBy), p.AckedVia) == nil {
		return
	}
	d.unacked(d.a.By.ID, "", "it came through what is distrusted now")
}

// mayDoubt keeps a way in for people, and the stronger door from being shut through a
// weaker one: whoever has taken over Slack must not be able to shut the command line,
// which is how they are put out again.
func (d *deciding) mayDoubt(door Door) error {
	if door == ViaCLI && d.a.Via != ViaCLI {
		return Refuse("stronger-door", "The command line can only be distrusted from the command line: it is how anything else is put right.", "")
	}
	if !has(peoplesDoors, door) {
		return nil
	}
	for _, other := range peoplesDoors {
		if other != door && d.s.Disbelieved(Person{}, other) == nil {
			return nil
		}
	}
	return Refuse("last-door", "Then nobody could say anything any more: no other way in for people is believed.", "Lift the other one first: `trust`.")
}

func distrustable(kind, name string) (string, string, error) {
	kind = strings.ToLower(strings.TrimSpace(kind))
	if !has(DistrustKinds(), kind) {
		return "", "", Refuse("unknown-channel", fmt.Sprintf("%q is nothing that can be distrusted.", kind),
			"Say slack, cli, api, pagerduty or github, or okta:<account>, identity:<account>, host:<name>.")
	}
	if IsDoor(kind) {
		return kind, "", nil
	}
	name, err := line("name", name, MaxName)
	return kind, name, err
}

// trust takes one voice, then a second one of somebody else. Both must come by a way
// that is believed: what is distrusted cannot speak for itself.
func (d *deciding) trust(c Trust) error {
	kind, name, err := distrustable(c.Kind, c.Name)
	if err != nil {
		return err
	}
	t, ok := d.doubt(kind, name)
	if !ok {
		return Refuse("trusted", "It is not distrusted here.", "")
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	if !d.standsFor(t) {
		d.emit(TrustAsked{t.N, Seal(why)})
		d.say(PlaceRoom, "", true)
		return nil
	}
	if t.Voice == d.a.By.ID {
		return Refuse("second-person", "You said so already; it takes a second person.", "Somebody else has to say it within a day, by a way that is believed.")
	}
	// On the command line whoever holds the server's key speaks in anybody's name, so
	// two voices from there may be one operator's.
	if t.VoiceVia == ViaCLI && d.a.Via == ViaCLI {
		return Refuse("one-operator", "The first voice came from the command line, where one operator can speak in any name; the second has to come by another way.",
			"Say it in Slack, or over the API with a token of one's own: `tocsin token create`.")
	}
	d.emit(Trusted{t.N, t.Voice, Seal(why)})
	d.say(PlaceRoom, "", true)
	return nil
}

// standsFor reports whether there is a first voice that still counts.
func (d *deciding) standsFor(t Doubt) bool {
	return t.Voice != "" && d.a.At.Sub(t.VoiceAt) < liftWaits && d.s.MaySee(t.Voice) &&
		d.s.Disbelieved(d.s.Person(t.Voice), t.VoiceVia) == nil && d.r.May(d.s.Person(t.Voice), MayDistrust, d.s).Allowed
}

// vendorDoubted records what a vendor says that is not believed. An acknowledgement is
// answered aloud: whoever pressed it thinks the paging has stopped.
func (d *deciding) vendorDoubted(c VendorSaid) error {
	page, ours := d.pageOf(c.Vendor)
	human := c.Who.Known() && c.Who.Standing != System
	paging := d.s.Status == Open && (d.s.Paging.Running || d.s.Paging.Ended)
	if c.Kind != "incident.acknowledged" || !human || !paging || ours && d.s.Paging.Pages[page].Told {
		d.noted(c, false)
		return nil
	}
	d.meet(c.Who)
	d.emit(AckIgnored{c.Who.ID, "it came through what is distrusted here"})
	d.say(PlaceRoom, "", true)
	d.say(PlacePerson, c.Who.ID, true)
	return nil
}

func applyDoubt(list []Doubt, r Recorded) []Doubt {
	out := append([]Doubt(nil), list...)
	at := func(n int, f func(*Doubt)) {
		if n >= 1 && n <= len(out) {
			f(&out[n-1])
		}
	}
	switch e := r.Event.(type) {
	case Distrusted:
		t := Doubt{N: e.N, Kind: e.Kind, Name: e.Name, By: r.By, At: r.At}
		if e.N == len(out)+1 {
			return append(out, t)
		}
		at(e.N, func(old *Doubt) { t.By, t.At = old.By, old.At; *old = t })
	case TrustAsked:
		at(e.N, func(t *Doubt) { t.Voice, t.VoiceVia, t.VoiceAt = r.By, r.Via, r.At })
	case Trusted:
		at(e.N, func(t *Doubt) { t.Lifted, t.Voice = true, "" })
	}
	return out
}
