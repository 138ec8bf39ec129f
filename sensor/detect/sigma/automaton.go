package sigma

// automaton finds many texts in one pass over another (Aho and Corasick, 1975).
//
// States near the root, where a text that holds nothing spends its time, have a full row
// of next states; the others have a short list of edges and a state to fall back to. So
// the 7,000 literals of 3,700 rules take 1.8 MB, where full rows would take 8.6.
type automaton struct {
	class   [256]uint8 // of a byte; 0 is a byte that no literal has
	classes int32

	rows  []int32 // of the states below full: next state by class
	full  int32
	first []int32 // of a state: where its edges begin; one more at the end
	edges []edge
	fall  []int32 // of a state: the longest other state that ends the same
	found []int32 // of a state: the literal that ends here, or -1
	also  []int32 // of a state: the next state down the falls with a literal, or -1
	ends  []bool  // of a state: found or also says something
}

type edge struct {
	class uint8
	to    int32
}

// maxRows bounds the memory of full rows, in entries of four bytes.
const maxRows = 128 << 10

// trie is an automaton under construction.
type trie struct {
	next  []map[uint8]int32
	found []int32
}

func (t *trie) grow() int32 {
	t.next = append(t.next, nil)
	t.found = append(t.found, -1)
	return int32(len(t.next) - 1)
}

// newAutomaton is for literals of at least one byte; each is there once.
func newAutomaton(literals []string, rows int) *automaton {
	a := &automaton{classes: 1}
	for _, l := range literals {
		for i := range len(l) {
			if a.class[l[i]] == 0 && a.classes < 256 {
				a.class[l[i]] = uint8(a.classes)
				a.classes++
			}
		}
	}
	if a.classes == 256 { // all bytes but one at most: the class is the byte itself
		for i := range a.class {
			a.class[i] = uint8(i)
		}
	}
	var t trie
	t.grow()
	for n, l := range literals {
		at := int32(0)
		for i := range len(l) {
			c := a.class[l[i]]
			to, ok := t.next[at][c]
			if !ok {
				if to = t.grow(); t.next[at] == nil {
					t.next[at] = make(map[uint8]int32, 1)
				}
				t.next[at][c] = to
			}
			at = to
		}
		t.found[at] = int32(n)
	}
	a.lay(&t, rows)
	return a
}

// lay numbers the states by their distance from the root and works out where each falls.
func (a *automaton) lay(t *trie, rows int) {
	n := len(t.next)
	order := make([]int32, 1, n) // new number -> old
	number := make([]int32, n)   // old -> new
	a.first = make([]int32, 0, n+1)
	a.found, a.fall, a.also = make([]int32, n), make([]int32, n), make([]int32, n)
	for i := 0; i < len(order); i++ {
		a.first = append(a.first, int32(len(a.edges)))
		a.found[i] = t.found[order[i]]
		kids := t.next[order[i]]
		for c := 0; c < int(a.classes) && len(kids) > 0; c++ {
			if old, ok := kids[uint8(c)]; ok {
				number[old] = int32(len(order))
				a.edges = append(a.edges, edge{uint8(c), int32(len(order))})
				order = append(order, old)
			}
		}
	}
	a.first = append(a.first, int32(len(a.edges)))
	a.also[0] = -1
	for at := range int32(n) {
		for _, e := range a.edges[a.first[at]:a.first[at+1]] {
			f := int32(0)
			if at != 0 {
				f = a.slow(a.fall[at], e.class)
			}
			a.fall[e.to] = f
			if a.also[e.to] = a.also[f]; a.found[f] >= 0 {
				a.also[e.to] = f
			}
		}
	}
	a.ends = make([]bool, n)
	for at := range a.ends {
		a.ends[at] = a.found[at] >= 0 || a.also[at] >= 0
	}
	a.full = min(int32(n), int32(max(1, rows/int(a.classes))))
	a.rows = make([]int32, int(a.full)*int(a.classes))
	for at := range a.full {
		for c := range a.classes {
			a.rows[at*a.classes+c] = a.slow(at, uint8(c))
		}
	}
}

// slow is the next state by edges and falls alone.
func (a *automaton) slow(at int32, c uint8) int32 {
	for {
		for _, e := range a.edges[a.first[at]:a.first[at+1]] {
			if e.class == c {
				return e.to
			}
		}
		if at == 0 {
			return 0
		}
		at = a.fall[at]
	}
}

func (a *automaton) step(at int32, b byte) int32 {
	c := a.class[b]
	for at >= a.full {
		for _, e := range a.edges[a.first[at]:a.first[at+1]] {
			if e.class == c {
				return e.to
			}
		}
		at = a.fall[at]
	}
	return a.rows[at*a.classes+int32(c)]
}

// any says whether one of the literals is in the text.
func (a *automaton) any(text []byte) bool {
	at := int32(0)
	for _, b := range text {
		if at = a.step(at, b); a.ends[at] {
			return true
		}
	}
	return false
}
