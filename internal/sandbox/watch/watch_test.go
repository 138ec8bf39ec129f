package watch

import "testing"

func TestChangesArriveAsOneUntilStop(t *testing.T) {
	t.Parallel()
	var s Set
	s.Tell()
	changes, stop := s.Subscribe()
	others, stopOthers := s.Subscribe()
	defer stopOthers()
	s.Tell()
	s.Tell()
	<-changes
	select {
	case <-changes:
		t.Error("two changes that nobody read were told apart")
	default:
	}
	stop()
	stop()
	s.Tell()
	select {
	case <-changes:
		t.Error("told after stop")
	default:
	}
	select {
	case <-others:
	default:
		t.Error("somebody else's stop silenced this one")
	}
}
