package incident

import (
	"strings"
	"testing"
	"time"
)

// register is the register of exceptions, as it is asked one thing after the other.
type exceptionRegister struct {
	t    *testing.T
	s    State
	now  time.Time
	owed []Owed
}

func (r *exceptionRegister) ask(by Person, c Command) error {
	r.t.Helper()
	ch, err := Decide(r.s, Asked{ID: "x", By: by, Via: ViaSlack, At: r.now, What: c}, plan{})
	if err != nil {
		return err
	}
	for _, e := range ch.Events {
		r.s = Apply(r.s, e)
	}
	r.owed = append(r.owed, ch.Effects...)
	return nil
}

func (r *exceptionRegister) told() (to []string) {
	for _, o := range r.owed {
		if say, ok := o.Effect.(Say); ok {
			to = append(to, string(say.To)+"/"+string(say.Person))
		}
	}
	return to
}

func beginExceptions(t *testing.T) *exceptionRegister {
	return &exceptionRegister{t: t, s: State{Stream: ExceptionsID}, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
}

func (r *exceptionRegister) made(change func(*MakeException)) MakeException {
	c := MakeException{Rule: "sigma/x", Host: "db-*", Owner: alice, Reason: "the backup", Expires: r.now.Add(time.Hour)}
	change(&c)
	return c
}

func TestAnExceptionHasRuleOwnerReasonAndEnd(t *testing.T) {
	r := beginExceptions(t)
	for name, change := range map[string]func(*MakeException){
		"no-rule":    func(c *MakeException) { c.Rule = " " },
		"all rules":  func(c *MakeException) { c.Rule = "sigma/*" },
		"no owner":   func(c *MakeException) { c.Owner = Person{} },
		"a guest":    func(c *MakeException) { c.Owner = guest },
		"no reason":  func(c *MakeException) { c.Reason = " \n" },
		"no end":     func(c *MakeException) { c.Expires = time.Time{} },
		"ended":      func(c *MakeException) { c.Expires = r.now },
		"for ever":   func(c *MakeException) { c.Expires = r.now.Add(LongestException + time.Second) },
		"long texts": func(c *MakeException) { c.Program = strings.Repeat("a", maxPattern+1) },
	} {
		if err := r.ask(alice, r.made(change)); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	for _, who := range []Person{guest, {}} {
		if err := r.ask(who, r.made(func(*MakeException) {})); err == nil {
			t.Errorf("%q made one", who.ID)
		}
	}
	if err := r.ask(alice, AddNote{Text: "x"}); err == nil {
		t.Error("a register took a note")
	}
	for i := range MaxExceptions {
		if err := r.ask(alice, r.made(func(*MakeException) {})); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := r.ask(alice, r.made(func(*MakeException) {})); err == nil {
		t.Error("there is room for ever more")
	}
}

func TestAnExceptionEndsByItselfAndItsOwnerIsTold(t *testing.T) {
	r := beginExceptions(t)
	nobody := Person{ID: "erin"} // whom the app cannot write to
	for _, owner := range []Person{alice, bob, nobody} {
		if err := r.ask(alice, r.made(func(c *MakeException) { c.Owner = owner })); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(r.told(), " "); got != "person/bob" {
		t.Errorf("at the making %q was told", got)
	}
	wakes := map[ClockName]int64{}
	for _, o := range r.owed {
		if w, ok := o.Effect.(Wake); ok {
			wakes[w.Clock] = o.Seq
		}
	}
	r.owed = nil
	if err := r.ask(Clockwork, Tick{Clock: "exception/1", Armed: wakes["exception/1"] + 1, Stage: StageDue}); err != nil || len(r.s.Exceptions) != 3 {
		t.Errorf("the bell of another arming ended it: %v", err)
	}
	r.now = r.now.Add(time.Hour)
	for clock, armed := range wakes {
		if err := r.ask(Clockwork, Tick{Clock: clock, Armed: armed, Stage: StageDue}); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.s.Exceptions) != 0 || len(r.s.Clocks) != 0 {
		t.Errorf("left: %+v, %+v", r.s.Exceptions, r.s.Clocks)
	}
	told := map[string]bool{}
	for _, to := range r.told() {
		told[to] = true
	}
	if len(told) != 3 || !told["person/alice"] || !told["person/bob"] || !told["announce/"] {
		t.Errorf("told: %v", told)
	}
	if err := r.ask(bob, EndException{N: 1}); err == nil {
		t.Error("what had run out was ended")
	}
	if err := r.ask(alice, r.made(func(*MakeException) {})); err != nil || r.s.Exceptions[0].N != 4 {
		t.Errorf("a number is given twice: %+v, %v", r.s.Exceptions, err)
	}
}

func TestAnExceptionWhoseLimitWasErasedIsNotWhole(t *testing.T) {
	x := Exception{Rule: "sigma/x", Host: Sealed{Ref: "r", Text: "db-*"}}
	if !x.Whole() {
		t.Error("it can be read")
	}
	x.Host.Text = ""
	if x.Whole() {
		t.Error("without its host it fits every host")
	}
}

// Nobody is to find out from a hundred signals that an exception was over: its owner is told a day ahead, once. One for a day is
// not worth it.
func TestTheOwnerIsToldADayAhead(t *testing.T) {
	r := beginExceptions(t)
	end := r.now.Add(30 * 24 * time.Hour)
	for _, expires := range []time.Time{end, r.now.Add(47 * time.Hour)} {
		if err := r.ask(alice, r.made(func(c *MakeException) { c.Owner, c.Expires = bob, expires })); err != nil {
			t.Fatal(err)
		}
	}
	var warns []Owed
	for _, o := range r.owed {
		if w, ok := o.Effect.(Wake); ok && w.Stage == StageWarn {
			warns = append(warns, o)
		}
	}
	if len(warns) != 1 || !warns[0].Due.Equal(end.Add(-24*time.Hour)) {
		t.Fatalf("%+v", warns)
	}
	r.owed, r.now = nil, warns[0].Due
	for range 2 {
		if err := r.ask(Clockwork, Tick{Clock: "exception/1", Armed: warns[0].Seq, Stage: StageWarn}); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(r.told(), " "); got != "person/bob" || len(r.s.Exceptions) != 2 {
		t.Errorf("told %q, left %+v", got, r.s.Exceptions)
	}
	r.now = end
	if err := r.ask(Clockwork, Tick{Clock: "exception/1", Armed: warns[0].Seq, Stage: StageDue}); err != nil || len(r.s.Exceptions) != 1 {
		t.Errorf("%v: left %+v", err, r.s.Exceptions)
	}
}
