package incident

import (
	"fmt"
	"strings"
	"time"
)

const maxPattern = 100 // runes

// exceptions decides what is asked of the register of exceptions.
func (d *deciding) exceptions(c Command) error {
	if d.a.By.Standing == System {
		switch c := c.(type) {
		case Tick:
			return d.exceptionTick(c)
		case EffectFailed, EffectStale:
			return nil // a word to an owner that did not arrive: the list says the same
		}
		return fmt.Errorf("register of exceptions: %T is not asked of one", c)
	}
	if !d.a.By.Known() {
		return Refuse("unknown-person", "It is not known who you are.", "Ask an administrator to add you to the plan's people.")
	}
	if err := standing(d.a.By); err != nil {
		return err
	}
	if v := d.r.May(d.a.By, MayRespond, State{}); !v.Allowed {
		return Refuse("not-entitled", v.Why, hintFor(MayRespond))
	}
	switch c := c.(type) {
	case MakeException:
		return d.makeException(c)
	case EndException:
		return d.endException(c)
	}
	return Refuse("which", "That is said of an incident.", "Say it in its room, or name it: `INC-0042 …`.")
}

func (d *deciding) makeException(c MakeException) error {
	x := Exception{N: d.s.ExceptionCount + 1, Rule: strings.TrimSpace(c.Rule), Owner: c.Owner.ID, By: d.a.By.ID, Made: d.a.At, Expires: c.Expires.UTC()}
	switch {
	case x.Rule == "" || strings.ContainsAny(x.Rule, "*?\n") || len(x.Rule) > MaxName:
		// An intruder with one stolen session would silence everything.
		return Refuse("too-broad", "An exception names one rule.", "See `signals rules`.")
	case c.Expires.IsZero():
		return Refuse("no-end", "An exception needs an end.", "Say `for 30d`, or `until fri`.")
	case !c.Expires.After(d.a.At):
		return Refuse("past", "That time has passed.", "Say `for 30d`, or `until fri`.")
	case c.Expires.After(d.a.At.Add(LongestException)):
		return Refuse("too-long", "An exception ends within a year: nobody remembers longer.", "Say a nearer end. It can be made again.")
	case len(d.s.Exceptions) >= MaxExceptions:
		return Refuse("too-many", fmt.Sprintf("There are %d exceptions already.", MaxExceptions), "End some, or mend the rule that needs so many.")
	}
	reason, err := line("reason", c.Reason, MaxText)
	if err != nil {
		return Refuse("no-reason", "An exception needs a reason, in a sentence.", "Say `because …`.")
	}
	x.Reason = Seal(reason)
	for _, p := range []struct {
		what, said string
		to         *Sealed
	}{{"host", c.Host, &x.Host}, {"image", c.Image, &x.Image}, {"program", c.Program, &x.Program}, {"user", c.User, &x.User}} {
		if p.said == "" {
			continue
		}
		t, err := line(p.what, p.said, maxPattern)
		if err != nil {
			return err
		}
		*p.to = Seal(t)
	}
	if err := d.fit(c.Owner); err != nil {
		return err
	}
	d.meet(d.a.By)
	d.meet(c.Owner)
	d.emit(ExceptionMade{x})
	if x.Owner != x.By {
		d.say(PlacePerson, x.Owner, false)
	}
	d.setClock(exceptionClock(x.N), x.deadline())
	return nil
}

func (d *deciding) endException(c EndException) error {
	x, ok := d.s.exception(c.N)
	if !ok {
		return Refuse("no-such-exception", fmt.Sprintf("There is no exception %d.", c.N), "See `signals exceptions`.")
	}
	var why Sealed
	if c.Why != "" {
		t, err := line("reason", c.Why, MaxText)
		if err != nil {
			return err
		}
		why = Seal(t)
	}
	d.meet(d.a.By)
	d.emit(ExceptionEnded{Exception: x, Why: why})
	if x.Owner != d.a.By.ID {
		d.say(PlacePerson, x.Owner, false)
	}
	return nil
}

// exceptionTick ends what has run out, and says so to whoever answers for it, and a day ahead; where they
// cannot be reached, in the announcement channel. What it kept quiet is heard again.
func (d *deciding) exceptionTick(c Tick) error {
	n, ok := numbered(c.Clock, "exception/")
	clock, armed := d.s.Clocks[c.Clock]
	x, holds := d.s.exception(n)
	if !ok || !armed || clock.Armed != c.Armed || !clock.Running() || !holds {
		return nil
	}
	switch {
	case c.Stage == StageDue:
		d.emit(ExceptionEnded{Exception: x, Expired: true})
	case clock.Warned:
		return nil
	default:
		d.emit(ExceptionEnding{x})
	}
	if d.s.Person(x.Owner).Slack == "" {
		d.owe(Say{To: PlaceAnnounce}, laneAnnounce, RankSay, d.a.At, time.Time{})
	} else {
		d.say(PlacePerson, x.Owner, false)
	}
	return nil
}

func (s State) exception(n int) (Exception, bool) {
	for _, x := range s.Exceptions {
		if x.N == n {
			return x, true
		}
	}
	return Exception{}, false
}
