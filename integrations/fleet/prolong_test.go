package fleet_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

// That a host ends a hold by itself is for the plan's grant to say, not for whoever asks; and where it does,
// its own timer is given each new end.
func TestAHostEndsAHoldByItself(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{})
	a := action(t, s, "fleet.isolate-host")
	params, err := a.Spec().Complete(map[string]string{"on-expiry": "release"})
	if err != nil {
		t.Fatal(err)
	}
	in := actions.Input{Target: "web-3", Params: params, Key: "INC-0042.C1/3/1"}
	var bad *actions.BadParam
	if _, err := a.Plan(t.Context(), in); !errors.As(err, &bad) || bad.Name != "on-expiry" {
		t.Fatal("no grant let it end by itself: ", err)
	}
	in.Until = time.Now().Add(time.Hour)
	p, err := a.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	is := func(then directive.OnExpiry, from, to time.Duration) {
		t.Helper()
		holds := h.hands.Holds()
		if len(holds) != 1 {
			t.Fatalf("%d holds", len(holds))
		}
		if left := time.Until(holds[0].Ends); holds[0].Directive.OnExpiry != then || left < from || left > to {
			t.Errorf("in %v it is to %s", left, holds[0].Directive.OnExpiry)
		}
	}
	is(directive.LetGo, 59*time.Minute, time.Hour)
	longer, ok := a.(actions.Prolonger)
	if !ok {
		t.Fatal("it cannot be prolonged")
	}
	for range 2 { // the same twice changes nothing more
		if err := longer.Prolong(t.Context(), r, time.Now().Add(5*time.Hour)); err != nil {
			t.Fatal(err)
		}
		is(directive.LetGo, 5*time.Hour-time.Minute, 5*time.Hour)
	}
	if err := longer.Prolong(t.Context(), r, time.Now().Add(2*time.Hour)); err != nil { // and back
		t.Fatal(err)
	}
	is(directive.LetGo, 2*time.Hour-time.Minute, 2*time.Hour)
	if err := longer.Prolong(t.Context(), r, time.Time{}); err != nil {
		t.Fatal(err)
	}
	is(directive.Ask, time.Hour, 25*time.Hour)
	h.stop()
	eventually(t, "it is away", func() bool { got, _ := s.Host("web-3"); return !got.Connected })
	if err := longer.Prolong(t.Context(), r, time.Now().Add(3*time.Hour)); err == nil {
		t.Error("a host that is away was told")
	}
}
