package sigma

// quick holds a field against many values at once. It answers as the atoms of its leaf
// would, one after the other.
type quick struct {
	exact map[string]struct{}
	parts *automaton // of those that may stand anywhere
	rest  []atom
}

// worthIt is from how many values on a table beats looking at each.
const worthIt = 6

// quickened is nil when the leaf has too few values, or wants all of them.
func quickened(l *leaf) *quick {
	if l.all || len(l.groups) < worthIt {
		return nil
	}
	q := &quick{exact: map[string]struct{}{}}
	parts := map[string]bool{}
	var order []string
	for _, g := range l.groups {
		for _, a := range g {
			switch {
			case a.op == is && !a.cased:
				q.exact[string(a.lit)] = struct{}{}
			case a.op == has && !a.cased:
				if !parts[string(a.lit)] {
					parts[string(a.lit)] = true
					order = append(order, string(a.lit))
				}
			default:
				q.rest = append(q.rest, a)
			}
		}
	}
	if len(q.exact) < worthIt && len(order) < worthIt {
		return nil
	}
	if len(order) > 0 {
		q.parts = newAutomaton(order, 2_048)
	}
	return q
}

func (q *quick) holds(s *sight, f *slot) bool {
	low := s.low(f)
	if len(q.exact) > 0 {
		if _, ok := q.exact[string(low)]; ok {
			return true
		}
	}
	return q.parts != nil && q.parts.any(low) || anyOf(q.rest, s, f)
}
