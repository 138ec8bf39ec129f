package sigma

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The automaton finds every literal that is in a text, and no other, however many states
// have full rows.
func TestAutomatonFindsWhatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.SampledFrom([]rune("abcü")), 1, 6, -1)
		literals := rapid.SliceOfNDistinct(word, 1, 30, func(s string) string { return s }).Draw(t, "literals")
		a := newAutomaton(literals, rapid.SampledFrom([]int{1, 20, 10_000}).Draw(t, "rows"))
		text := []byte(rapid.StringOfN(rapid.SampledFrom([]rune("abcüx")), 0, 60, -1).Draw(t, "text"))
		fi := &fieldIndex{parts: a}
		x := &index{}
		for i := range literals {
			x.rules = append(x.rules, asked{num: int32(i)})
			fi.of = append(fi.of, []int32{int32(i)})
		}
		s := &sight{gen: 1, hits: make([]uint32, len(literals)), asked: make([]uint32, len(literals))}
		fi.scan(s, x, text)
		some := false
		for i, l := range literals {
			there := bytes.Contains(text, []byte(l))
			some = some || there
			if slices.Contains(s.cands, int32(i)) != there {
				t.Fatalf("%q in %q: %v", l, text, !there)
			}
		}
		if a.any(text) != some {
			t.Fatalf("one of %q in %q: %v", literals, text, !some)
		}
	})
}

// Every byte may be in a literal.
func TestAutomatonTakesAllBytes(t *testing.T) {
	var literals []string
	for b := range 256 {
		literals = append(literals, string([]byte{byte(b), byte(255 - b)}))
	}
	a := newAutomaton(literals, maxRows)
	for b := range 256 {
		if !a.any([]byte{byte(b), byte(255 - b)}) || a.any([]byte{byte(b)}) {
			t.Errorf("byte %d", b)
		}
	}
}

// Of a long literal only a part is looked for, and all of it is compared.
func TestLongLiterals(t *testing.T) {
	long := strings.Repeat("x", 20) + "-the-end-of-it-all"
	set := compiles(t, rule("    s: {a|contains: '"+long+"', b|endswith: '"+long+"', c|startswith: '"+long+"'}\n    condition: s\n"), Options{})
	for record, want := range map[string]bool{
		`{"a":"y` + long + `y","b":"y` + long + `","c":"` + long + `y"}`: true,
		`{"a":"` + long[1:] + `","b":"` + long + `","c":"` + long + `"}`: false,
		`{"a":"` + long + `","b":"` + long[1:] + `","c":"` + long + `"}`: false,
	} {
		if got := fires(t, set, record); got != want {
			t.Errorf("%s: %v", record, got)
		}
	}
	only := compiles(t, rule("    s: {a|contains: '"+long+"'}\n    condition: s\n"), Options{})
	if !fires(t, only, `{"a":"y`+long+`y"}`) {
		t.Error("the long literal was not found")
	}
}
