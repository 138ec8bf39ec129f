package intel

import "sync/atomic"

// Live is the Set that counts now. Readers take it and keep it for one event, so that an
// event is judged by one whole Set, the old or the new, and none falls between two. The
// zero value holds an empty Set.
type Live struct{ now atomic.Pointer[Set] }

// Set is the Set that counts now; never nil.
func (l *Live) Set() *Set {
	if s := l.now.Load(); s != nil {
		return s
	}
	return &empty
}

var empty Set

// Swap makes s count from now on and returns the Set that did.
func (l *Live) Swap(s *Set) *Set {
	if old := l.now.Swap(s); old != nil {
		return old
	}
	return &empty
}

// Apply brings the Set up to date. It returns ErrOtherBase or ErrDamaged, and then the
// old Set still counts; so it does when another change was faster, which is ErrOtherBase
// too.
func (l *Live) Apply(d Delta) error {
	held := l.now.Load()
	s, err := d.Apply(held)
	if err != nil {
		return err
	}
	if !l.now.CompareAndSwap(held, s) {
		return ErrOtherBase
	}
	return nil
}
