package incident

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A message that asks for an answer loses its buttons once the answer is there. Where
// such a message stands comes back from whoever posted it.
type (
	// CardIsUp answers a Say whose message asks for an answer.
	CardIsUp struct {
		Seq     int64 // the event it was rendered from
		To      Place
		Person  PersonID // of a direct message
		Channel string
		TS      string
		Waits   string // for what; see WaitsFor
	}
	// CardPosted says where a message stands that waits for an answer.
	CardPosted struct {
		Seq     int64    `json:"seq"`
		To      Place    `json:"to"`
		Person  PersonID `json:"person,omitempty"`
		Channel string   `json:"channel"`
		TS      string   `json:"ts"`
		Waits   string   `json:"waits"`
	}
	// Restate renders the event it follows from once more, in place of the message
	// that was posted of it.
	Restate struct {
		To      Place    `json:"to"`
		Person  PersonID `json:"person,omitempty"`
		Channel string   `json:"channel"`
		TS      string   `json:"ts"`
	}
)

func (CardIsUp) command() {}
func (CardPosted) event() {}
func (Restate) effect()   {}

// What a message can wait for.
const (
	waitsPage  = "page"   // that somebody has it
	waitsNamed = "page/"  // that somebody answers this page: "page/17"
	waitsStill = "still"  // that whoever has it is still there
	waitsDeed  = "deed/"  // that a plan is approved or denied: "deed/3/1", deed and round
	waitsOffer = "offer/" // that somebody takes a role or declines: "offer/commander/bob"
)

// WaitsFor is what a message with buttons, rendered from this event, waits for.
func WaitsFor(e Event) string {
	switch e := e.(type) {
	case AskedAgain:
		return waitsStill
	case RungFired:
		return waitsNamed + string(e.Page)
	case Paged:
		return waitsNamed + string(e.Page)
	case PageTrouble:
		return waitsNamed + string(e.Page)
	case ActionPlanned:
		return fmt.Sprintf("%s%d/%d", waitsDeed, e.N, e.Round)
	case RoleOffered:
		return waitsOffer + string(e.Role) + "/" + string(e.To)
	}
	return waitsPage
}

// waiting reports whether the question of a message is still open.
func (s State) waiting(c CardPosted) bool {
	if s.Status != Open && c.Waits != "" && !strings.HasPrefix(c.Waits, waitsOffer) && !strings.HasPrefix(c.Waits, waitsDeed) {
		return false
	}
	switch c.Waits {
	case waitsPage:
		return s.Paging.AckedBy == ""
	case waitsStill:
		return !s.Paging.AskedAt.IsZero()
	}
	if page, ok := strings.CutPrefix(c.Waits, waitsNamed); ok {
		return !s.Paging.Answered(PageID(page))
	}
	if rest, ok := strings.CutPrefix(c.Waits, waitsDeed); ok {
		n, round, _ := strings.Cut(rest, "/")
		i, _ := strconv.Atoi(n)
		deed, ok := s.Deed(i)
		return ok && deed.Status == DeedWaiting && strconv.Itoa(deed.Round) == round
	}
	offer, ok := strings.CutPrefix(c.Waits, waitsOffer)
	role, to, _ := strings.Cut(offer, "/")
	return ok && to != "" && s.Posts[Role(role)].Offered == PersonID(to)
}

func (d *deciding) cardIsUp(c CardIsUp) error {
	if c.Seq < 1 || c.Seq > d.s.Seq || c.TS == "" {
		return nil
	}
	d.emit(CardPosted(c))
	if !d.s.waiting(CardPosted(c)) {
		d.restate(CardPosted(c)) // somebody was faster than the message
	}
	return nil
}

// settleCards takes the buttons off every message whose answer came.
func (d *deciding) settleCards(waited []CardPosted) {
	for _, c := range waited {
		if !has(d.s.Cards, c) {
			d.restate(c)
		}
	}
}

// restate owes it in a lane of its own: it must not hold up what is new.
func (d *deciding) restate(c CardPosted) {
	d.owe(Restate{c.To, c.Person, c.Channel, c.TS}, "cards", RankRefresh, d.a.At, time.Time{})
	d.c.Effects[len(d.c.Effects)-1].Seq = c.Seq
}
