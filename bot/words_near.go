package bot

import (
	"fmt"
	"strings"
)

// nearest finds the word that somebody most likely meant: the only one it begins, or
// the one fewest slips away, if that is close enough. "" when none is.
func nearest(typed string, among []string) string {
	typed = lower(typed)
	if len([]rune(typed)) > 40 {
		return ""
	}
	begun := ""
	for _, a := range among {
		if len(typed) >= 3 && strings.HasPrefix(a, typed) {
			if begun != "" {
				begun = ""
				break
			}
			begun = a
		}
	}
	if begun != "" {
		return begun
	}
	limit := 2
	if len([]rune(typed)) <= 4 {
		limit = 1
	}
	best, at := "", limit+1
	for _, a := range among {
		if d := slips(typed, a); d < at {
			best, at = a, d
		}
	}
	return best
}

// slips counts insertions, deletions, changes and swaps of neighbours
// (Damerau-Levenshtein, optimal string alignment).
func slips(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range y {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}

// count writes a number with its noun: "1 task", "40,000 characters".
func count(n int, noun string) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if n == 1 {
		return s + " " + noun
	}
	return s + " " + noun + "s"
}
