package sigma

// node is a condition, or a part of one.
type node struct {
	op   nodeOp
	kids []*node
	leaf *leaf
	name string // of a selection, or the words of the condition, for people
}

type nodeOp uint8

const (
	opLeaf nodeOp = iota
	opAnd
	opOr
	opNot
)

// holds evaluates the condition over the record that s looks at.
func (n *node) holds(s *sight) bool {
	switch n.op {
	case opLeaf:
		return n.leaf.holds(s)
	case opNot:
		return !n.kids[0].holds(s)
	case opAnd:
		for _, k := range n.kids {
			if !k.holds(s) {
				return false
			}
		}
		return true
	}
	for _, k := range n.kids {
		if k.holds(s) {
			return true
		}
	}
	return false
}

func (l *leaf) holds(s *sight) bool {
	slot := s.slot(l.field)
	if l.quick != nil && slot.val.kind != kindAbsent && slot.val.kind != kindMany && slot.val.kind != kindNull {
		return l.quick.holds(s, slot) != l.not
	}
	return l.satisfied(s, slot) != l.not
}

func (l *leaf) satisfied(s *sight, slot *slot) bool {
	for i := range l.groups {
		if anyOf(l.groups[i], s, slot) != l.all {
			return !l.all
		}
	}
	return l.all
}

func anyOf(atoms []atom, s *sight, slot *slot) bool {
	for i := range atoms {
		if s.holds(&atoms[i], slot) {
			return true
		}
	}
	return false
}

// holds is one atom over one field of the record. A field that is not there satisfies
// only what asks for its absence.
func (s *sight) holds(a *atom, f *slot) bool {
	switch f.val.kind {
	case kindAbsent:
		return a.op == missing || a.op == isNull
	case kindMany:
		if a.op == exists {
			return true
		}
		for i := range f.val.list {
			var one slot
			one.val = f.val.list[i]
			if one.val.kind != kindMany && s.one(a, &one) {
				return true
			}
		}
		return false
	}
	return s.one(a, f)
}

func (s *sight) one(a *atom, f *slot) bool {
	switch {
	case a.op == same:
		return s.sameAs(a, f)
	case !a.op.onText():
		return a.value(&f.val)
	case f.val.kind == kindNull:
		return false
	case a.op == expr || a.cased:
		return a.text(nil, s.raw(f))
	}
	return a.text(s.low(f), nil)
}

// sameAs compares with another field of the same record; one that is not there is the
// same as nothing.
func (s *sight) sameAs(a *atom, f *slot) bool {
	other := s.slot(a.other)
	if f.val.kind == kindNull || other.val.kind == kindAbsent || other.val.kind == kindNull || other.val.kind == kindMany {
		return false
	}
	with := atom{op: a.how, cased: a.cased, lit: s.low(other)}
	if a.cased {
		with.lit = s.raw(other)
	}
	return with.text(s.low(f), s.raw(f))
}
