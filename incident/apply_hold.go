package incident

func applyHold(s State, r Recorded) State {
	s.Exists = true
	switch e := r.Event.(type) {
	case HoldPlaced:
		s.Hold = with(s.Hold, e.Held.String(), func(Held) Held {
			if e.First {
				e.Held.Owed = r.Seq
			}
			return e.Held
		})
	case HoldEnforced:
		h := s.Hold[e.String()]
		for _, key := range sortedKeys(s.Hold) {
			o := s.Hold[key]
			own := o.HoldKey == e.HoldKey
			if !own && (o.Action != h.Action || o.Once || o.Mark != MarkNone || o.Ending || !e.Mark.Holds()) {
				continue
			}
			s.Hold = with(s.Hold, key, func(o Held) Held { o.Mark, o.Receipt = e.Mark, r.Seq; return o })
		}
		if h.Once || !e.Mark.Holds() {
			s.Hold = without(s.Hold, e.String())
		}
		if !h.Once && !e.Mark.Holds() {
			if key, ok := nextWaiting(s.Hold, h.Action); ok {
				s.Hold = with(s.Hold, key, func(o Held) Held { o.Owed = r.Seq; return o })
			}
		}
	case HoldEnding:
		s.Hold = with(s.Hold, e.String(), func(h Held) Held { h.Ending, h.Owed = true, r.Seq; return h })
	case HoldEnded:
		if e.Mark == MarkDisputed || e.Mark == MarkStuck {
			s.Hold = with(s.Hold, e.String(), func(h Held) Held { h.Ending, h.Mark = false, e.Mark; return h })
			break
		}
		s.Hold = without(s.Hold, e.String())
	case Frozen:
		s.Frozen = Freezing{!e.Thaw, e.By, r.At}
	}
	return s
}

func without[K comparable, V any](m map[K]V, k K) map[K]V {
	c := make(map[K]V, len(m))
	for key, v := range m {
		if key != k {
			c[key] = v
		}
	}
	return c
}
