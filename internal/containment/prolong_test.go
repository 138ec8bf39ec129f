package containment_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// timedBadge opens by a timer of the vendor's own.
type timedBadge struct{ closeBadge }

func (a timedBadge) Prolong(_ context.Context, r actions.Receipt, until time.Time) error {
	if _, err := a.doors.see(r.Target.ID); err != nil {
		return err
	}
	a.doors.mu.Lock()
	defer a.doors.mu.Unlock()
	if a.doors.forbid {
		return &actions.MissingRight{Right: "doors.timer", To: "set the timer"}
	}
	a.doors.ends = append(a.doors.ends, until)
	return nil
}

func (s *scene) told(n int) []time.Time {
	s.t.Helper()
	for range 2000 {
		s.doors.mu.Lock()
		got := slices.Clone(s.doors.ends)
		s.doors.mu.Unlock()
		if len(got) >= n {
			return got
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("the timer was told %d times", n-1)
	return nil
}

// An end that is moved in the room is moved at the target too, or the target would end it all the same.
func TestANewEndReachesTheTargetsOwnTimer(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.request("doors.lapse", "mallory")
	s.until(incident.DeedInEffect)
	before := s.clock.Now()
	s.must(alice, incident.ExtendAction{N: 1, TTL: 8 * time.Hour})
	if got := s.told(1); got[0].Sub(before) < 8*time.Hour || got[0].Sub(before) > 8*time.Hour+time.Minute {
		t.Errorf("%v after %v", got[0], before)
	}
	s.must(alice, incident.KeepAction{N: 1, Owner: bob, Permanent: true})
	if got := s.told(2); !got[1].IsZero() {
		t.Errorf("it is kept, and the target ends it at %v", got[1])
	}
	s.must(alice, incident.UndoAction{N: 1})
	s.until(incident.DeedReleased)
}

// Where the target is not told, the room is.
func TestATargetThatIsNotToldOfItsNewEnd(t *testing.T) {
	t.Parallel()
	s := newScene(t, "mallory").begin()
	s.request("doors.lapse", "mallory")
	s.until(incident.DeedInEffect)
	s.doors.mu.Lock()
	s.doors.forbid = true
	s.doors.mu.Unlock()
	s.must(alice, incident.ExtendAction{N: 1, TTL: 8 * time.Hour})
	for range 2000 {
		for _, r := range s.record() {
			if e, ok := r.Event.(incident.ActionTroubled); ok && e.End && strings.Contains(e.Why.Text, "doors.timer") {
				if d := s.deed(); d.Status != incident.DeedInEffect {
					t.Error(d.Status)
				}
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("nobody is told")
}
