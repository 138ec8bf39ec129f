package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with a plan, and where.
type Problem struct {
	File   string // inside the plan's folder, "types/phishing.yaml"
	Line   int    // from 1; 0 where the whole file is meant
	Column int    // from 1; 0 where the whole file is meant
	Why    string // one sentence without its full stop
	Hint   string // what would work; may be empty
}

// String is "file:line:column: why; hint", as compilers write it.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": " + p.Why)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Broken is the error of a plan that cannot be used. It lists everything found
// wrong in all of its files, in the order of files and lines.
type Broken struct{ Problems []Problem }

// Error is one problem per line.
func (b *Broken) Error() string {
	lines := make([]string, len(b.Problems))
	for i, p := range b.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems keeps the answer readable: whoever has more than these has one
// mistake made often, or a file that is no plan at all.
const maxProblems = 100

// found collects problems while files are read and compared.
type found struct{ problems []Problem }

func (f *found) add(p Problem) { f.problems = append(f.problems, p) }

// err is nil, or a *Broken with each problem once.
func (f *found) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(f.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Why, b.Why))
	})
	list := slices.Compact(f.problems)
	if more := len(list) - maxProblems; more > 0 {
		list = append(list[:maxProblems:maxProblems], Problem{
			File: list[maxProblems].File, Why: fmt.Sprintf("and %d more problems", more), Hint: "mend these first",
		})
	}
	return &Broken{Problems: list}
}
