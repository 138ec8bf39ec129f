package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// capturedAnyOrder plays a room at random: deeds happen a minute apart, their events
// arrive late, twice and in any order, and meanwhile Slack is asked what is so, with
// answers that are written down when more has happened. What is heard and what is
// filled in is written at once by two replicas. When everything has arrived, each deed
// is in the record once and the chain is whole.
func capturedAnyOrder(t *testing.T, b *bench) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range uint64(6) {
		c := newBench(t, b.url)
		p := &play{r: rand.New(rand.NewPCG(seed, round)), want: map[string]int{}} //nolint:gosec // a game, no secret
		p.run(t, c)
	}
}

// play is a room as Slack has it, and what is on its way.
type play struct {
	r       *rand.Rand
	minute  int
	there   map[string]bool // by subject
	text    map[int]int     // versions of messages, by number
	gone    map[int]bool
	flying  [][]incident.Captured // events
	answers []answer
	want    map[string]int // deeds
}

// captures is a replica.
type captures interface {
	Capture(ctx context.Context, lines []incident.Captured) (int, error)
	Sight(ctx context.Context, s incident.Sighting) (int, error)
}

// answer is what Slack said, on its way to the record.
type answer struct {
	lines []incident.Captured
	shown incident.Sighting
}

var subjects = []string{eyes, "reaction:1700000001.000100:U2:eyes", "pin:1700000001.000100", "member:U1", "member:U2"}

func (p *play) run(t *testing.T, b *bench) {
	p.there, p.text, p.gone = map[string]bool{}, map[int]int{}, map[int]bool{}
	other := b.replica(t)
	for range 60 {
		switch n := p.r.IntN(10); {
		case n < 5:
			p.happens()
		case n < 7:
			p.asks(t, b)
		default:
			p.arrive(t, b, other, p.r.IntN(4), p.r.IntN(2))
		}
	}
	p.arrive(t, b, other, len(p.flying), len(p.answers))
	p.check(t, b)
}

// happens does one thing in the room.
func (p *play) happens() {
	p.minute++
	if p.r.IntN(3) == 0 {
		p.speak()
		return
	}
	subject := subjects[p.r.IntN(len(subjects))]
	kinds := [2]incident.CaptureKind{incident.ReactionAdded, incident.ReactionRemoved}
	switch scope := subject[:3]; scope {
	case "pin":
		kinds = [2]incident.CaptureKind{incident.PinAdded, incident.PinRemoved}
	case "mem":
		kinds = [2]incident.CaptureKind{incident.MemberJoined, incident.MemberLeft}
	}
	kind := kinds[0]
	if p.there[subject] {
		kind = kinds[1]
	}
	p.there[subject] = !p.there[subject]
	p.want[string(kind)+" "+subject]++
	p.fly(told(60*p.minute, kind, subject, incident.ToldByEvent))
	if subject[:3] == "mem" {
		p.fly(told(60*p.minute, kind, subject, incident.ToldByMessage))
	}
}

// speak writes, edits or deletes a message.
func (p *play) speak() {
	n := 1 + p.r.IntN(4)
	if p.gone[n] {
		return
	}
	before := p.version(n)
	before.BackFilled = true
	switch {
	case p.text[n] > 0 && p.r.IntN(4) == 0:
		p.gone[n] = true
		p.fly(before, p.deletion(n))
		p.want[p.deletion(n).Name]++
		return
	case p.text[n] > 0:
		p.text[n]++
		p.fly(before, p.version(n))
	default:
		p.text[n]++
		p.fly(p.version(n))
	}
	p.want[p.version(n).Name]++
}

func (p *play) version(n int) incident.Captured {
	c := spoken(n, fmt.Sprintf("message %d, version %d", n, p.text[n]))
	if p.text[n] > 1 {
		c.Kind, c.Name, c.Occurred = incident.SaidEdited, fmt.Sprintf("edited:%d:%d", n, p.text[n]), c.Occurred.Add(time.Duration(p.text[n])*time.Millisecond)
	}
	return c
}

func (p *play) deletion(n int) incident.Captured {
	c := spoken(n, "")
	c.Kind, c.Name, c.Text = incident.SaidDeleted, fmt.Sprintf("deleted:%d", n), incident.Sealed{}
	return c
}

// fly puts an event on its way, sometimes twice.
func (p *play) fly(lines ...incident.Captured) {
	for range 1 + p.r.IntN(2) {
		p.flying = append(p.flying, lines)
	}
}

// asks has Slack say what is so.
func (p *play) asks(t *testing.T, b *bench) {
	after, _, _, err := b.db.CapturedHead(t.Context(), "INC-0001")
	if err != nil {
		t.Fatal(err)
	}
	a := answer{shown: incident.Sighting{
		Stream: "INC-0001", Channel: room, After: after, At: t0.Add(time.Duration(60*p.minute+30) * time.Second),
		Whole: []string{"reaction:1700000001.000100", "pin", "member"},
	}}
	for _, subject := range subjects {
		if p.there[subject] {
			kind := map[string]incident.CaptureKind{"pin": incident.PinAdded, "mem": incident.MemberJoined}[subject[:3]]
			if kind == "" {
				kind = incident.ReactionAdded
			}
			a.shown.There = append(a.shown.There, incident.Captured{Kind: kind, Subject: subject})
		}
	}
	for n := range p.text {
		c := p.version(n)
		if p.gone[n] {
			c = p.deletion(n)
		}
		c.BackFilled = true
		a.lines = append(a.lines, c)
	}
	p.answers = append(p.answers, a)
}

// arrive writes down some of what is on its way, all at once, in two replicas.
func (p *play) arrive(t *testing.T, b *bench, other captures, events, answers int) {
	var wg sync.WaitGroup
	for i := range min(events, len(p.flying)) {
		at := p.r.IntN(len(p.flying))
		lines := p.flying[at]
		p.flying = append(p.flying[:at], p.flying[at+1:]...)
		db := []captures{b.db, other}[i%2]
		wg.Go(func() {
			if _, err := db.Capture(t.Context(), lines); err != nil {
				t.Error(err)
			}
		})
	}
	for range min(answers, len(p.answers)) {
		a := p.answers[0]
		p.answers = p.answers[1:]
		wg.Go(func() {
			if _, err := other.Capture(t.Context(), a.lines); err != nil {
				t.Error(err)
			}
			if _, err := other.Sight(t.Context(), a.shown); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func (p *play) check(t *testing.T, b *bench) {
	lines, err := b.db.CapturedInTime(t.Context(), "INC-0001", incident.Captured{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range lines {
		if c.Subject != "" {
			got[string(c.Kind)+" "+c.Subject]++
		} else {
			got[c.Name]++
		}
	}
	for deed, n := range p.want {
		if got[deed] != n {
			t.Errorf("%q happened %d times and is in the record %d times", deed, n, got[deed])
		}
		delete(got, deed)
	}
	for deed, n := range got {
		t.Errorf("%q did not happen and is in the record %d times", deed, n)
	}
	if v, err := b.db.VerifyCaptured(t.Context(), "INC-0001"); err != nil || v.Lines != int64(len(lines)) {
		t.Errorf("%+v, %v", v, err)
	}
}
