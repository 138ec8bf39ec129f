package sigma

import "bytes"

// index finds the few rules that a record may match: per field, what is equal, what
// begins or ends the field, and what stands anywhere in it. A rule that is not found
// cannot match; one that is found is asked.
type index struct {
	rules    []asked
	always   []int32 // places in rules of those without a key
	fields   []fieldIndex
	literals int
}

// asked is a rule in an index, with what is left of its condition there.
type asked struct {
	num  int32 // of the rule in the Set
	cond *node
}

type fieldIndex struct {
	field  int
	exact  map[string][]int32
	starts rim
	tails  rim
	parts  *automaton
	of     [][]int32 // by number of the literal in parts
	base   int32     // of the numbers of those literals in the index
}

func newIndex(rules []asked) *index {
	x := &index{rules: rules}
	parts := map[int]*gathering{}
	var order []int
	for at, r := range rules {
		req := keysOf(r.cond, false)
		if req.keys == nil {
			x.always = append(x.always, int32(at))
			continue
		}
		for _, k := range req.keys {
			g := parts[k.field]
			if g == nil {
				g = &gathering{by: map[key][]int32{}}
				parts[k.field] = g
				order = append(order, k.field)
			}
			g.add(k, int32(at))
		}
	}
	for _, f := range order {
		fi := parts[f].index(f)
		fi.base = int32(x.literals)
		x.literals += len(fi.of)
		x.fields = append(x.fields, fi)
	}
	return x
}

// gathering is the keys of one field on their way into an index.
type gathering struct {
	by    map[key][]int32
	order []key
}

func (g *gathering) add(k key, rule int32) {
	list, ok := g.by[k]
	if !ok {
		g.order = append(g.order, k)
	}
	if n := len(list); n == 0 || list[n-1] != rule {
		g.by[k] = append(list, rule)
	}
}

func (g *gathering) index(field int) fieldIndex {
	fi := fieldIndex{field: field, exact: map[string][]int32{}}
	var parts []string
	for _, k := range g.order {
		rules := g.by[k]
		switch k.how {
		case is:
			fi.exact[k.lit] = rules
		case begins:
			fi.starts.add(k.lit, k.lit[:min(len(k.lit), maxEdge)], rules)
		case ends:
			fi.tails.add(k.lit, k.lit[max(0, len(k.lit)-maxEdge):], rules)
		case has:
			parts = append(parts, k.lit)
			fi.of = append(fi.of, rules)
		}
	}
	if len(parts) > 0 {
		fi.parts = newAutomaton(parts, maxRows)
	}
	return fi
}

// find puts the rules that may match into s.cands.
func (x *index) find(s *sight) {
	if len(s.hits) < x.literals {
		s.hits = make([]uint32, x.literals)
	}
	s.cands = append(s.cands, x.always...)
	for i := range x.fields {
		fi := &x.fields[i]
		f := s.slot(fi.field)
		switch f.val.kind {
		case kindAbsent, kindNull:
		case kindMany:
			for j := range f.val.list {
				if one := (slot{val: f.val.list[j]}); one.val.kind != kindMany && one.val.kind != kindNull {
					fi.find(s, x, s.low(&one))
				}
			}
		default:
			fi.find(s, x, s.low(f))
		}
	}
}

func (fi *fieldIndex) find(s *sight, x *index, text []byte) {
	if len(fi.exact) > 0 {
		s.candidates(x, fi.exact[string(text)])
	}
	for _, n := range fi.starts.lengths {
		if n <= len(text) {
			for _, e := range fi.starts.by[pack(text[:n])] {
				if bytes.HasPrefix(text, e.lit) {
					s.candidates(x, e.rules)
				}
			}
		}
	}
	for _, n := range fi.tails.lengths {
		if n <= len(text) {
			for _, e := range fi.tails.by[pack(text[len(text)-n:])] {
				if bytes.HasSuffix(text, e.lit) {
					s.candidates(x, e.rules)
				}
			}
		}
	}
	if fi.parts != nil {
		fi.scan(s, x, text)
	}
}

// scan walks the automaton; the loop is written out here as it is where time is spent.
func (fi *fieldIndex) scan(s *sight, x *index, text []byte) {
	a := fi.parts
	at := int32(0)
	for _, b := range text {
		if at = a.step(at, b); !a.ends[at] {
			continue
		}
		if a.found[at] >= 0 {
			fi.hit(s, x, a.found[at])
		}
		for up := a.also[at]; up >= 0; up = a.also[up] {
			fi.hit(s, x, a.found[up])
		}
	}
}

func (fi *fieldIndex) hit(s *sight, x *index, literal int32) {
	if seen := &s.hits[fi.base+literal]; *seen != s.gen {
		*seen = s.gen
		s.candidates(x, fi.of[literal])
	}
}

func (s *sight) candidates(x *index, rules []int32) {
	for _, at := range rules {
		if seen := &s.asked[x.rules[at].num]; *seen != s.gen {
			*seen = s.gen
			s.cands = append(s.cands, at)
		}
	}
}

// rim is literals at one end of a field, by hashes of their outermost bytes.
type rim struct {
	lengths []int // of the hashed bytes, each once
	by      map[uint64][]atEdge
}

type atEdge struct {
	lit   []byte
	rules []int32
}

const maxEdge = 8 // bytes that are hashed

func (e *rim) add(lit, outer string, rules []int32) {
	if e.by == nil {
		e.by = map[uint64][]atEdge{}
	}
	k := pack([]byte(outer))
	e.by[k] = append(e.by[k], atEdge{[]byte(lit), rules})
	for _, n := range e.lengths {
		if n == len(outer) {
			return
		}
	}
	e.lengths = append(e.lengths, len(outer))
}

// pack is up to eight bytes in one number. Texts of different lengths may get the same;
// what is found is compared.
func pack(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
