package audit

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Report is what Verify found.
type Report struct {
	Workspace string    `json:"workspace"`
	Exported  time.Time `json:"exported,omitzero"`
	Streams   []Stream  `json:"streams"`
	Erased    []Erased  `json:"erased"`
	Texts     int       `json:"texts"`    // sealed texts that are what the record speaks of
	Problems  []Problem `json:"problems"` // none: the export is whole
	More      int       `json:"more_problems,omitempty"`
}

// OK reports that nothing was found to be wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Stream is one incident's record, or a register's.
type Stream struct {
	ID       string    `json:"id"`
	Lines    int64     `json:"lines"`
	Hash     string    `json:"hash"`               // of the last
	Signed   int64     `json:"signed"`             // last line that a signed head vouches for
	SignedAt time.Time `json:"signed_at,omitzero"` // when
	Heads    int       `json:"heads"`
}

// Erased is a text that is gone, and the line that says so.
type Erased struct {
	Stream string    `json:"stream"`
	Seq    int64     `json:"seq"` // line that spoke of the text; 0 when the text was never spoken of here
	Ref    string    `json:"ref"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Why    string    `json:"why"`
	Said   string    `json:"said"`            // stream and number of the line that says so
	Cited  bool      `json:"cited,omitempty"` // that line is of another stream, whose chain is not in this export
}

// Problem is one thing that is wrong, in one sentence.
type Problem struct {
	Line int    `json:"line"` // of the export, from 1; 0 for none
	What string `json:"what"`
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.What
	}
	return fmt.Sprintf("line %d: %s", p.Line, p.What)
}

// maxProblems bounds what is listed; the rest is counted.
const maxProblems = 100

func (r *Report) problem(line int, format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{line, fmt.Sprintf(format, args...)})
}

// Write tells it to a person.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	for _, s := range r.Streams {
		fmt.Fprintf(&b, "%s: %s, head %s", s.ID, count(s.Lines, "line"), s.Hash)
		switch {
		case s.Signed == 0:
			b.WriteString(", never signed\n")
		case s.Signed < s.Lines:
			fmt.Fprintf(&b, ", signed up to line %d (%s)\n", s.Signed, s.SignedAt.Format(time.RFC3339))
		default:
			fmt.Fprintf(&b, ", signed %s\n", s.SignedAt.Format(time.RFC3339))
		}
	}
	for _, e := range r.Erased {
		fmt.Fprintf(&b, "text %.8s… of %s/%d: redacted by %s, %s: %s (%s)\n", e.Ref, e.Stream, e.Seq, e.By, e.At.Format(time.RFC3339), printable(e.Why), e.Said)
	}
	for _, p := range r.Problems {
		b.WriteString(printable(p.String()) + "\n")
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "and %s more\n", count(int64(r.More), "problem"))
	}
	if r.OK() {
		fmt.Fprintf(&b, "The record is whole: %s, %s.\n", count(int64(len(r.Streams)), "stream"), count(int64(r.Texts), "text"))
	} else {
		b.WriteString("The record is NOT whole, or not all of it is here.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printable keeps what a forged export says from moving a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
