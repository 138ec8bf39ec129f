package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Look is what hosts answered so far, ready to be shown. Its texts are as they came.
type Look struct {
	Title string // "connections of web-3"
	Rows  []LookRow
	Total int  // rows there are, shown or not; less than len(Rows) counts as that
	Tail  bool // the last rows matter, not the first
	// Asked hosts, those of them that answered and those that have a row; 0 when it was
	// not hosts that were asked.
	Asked, Answered, Hit int
	Silent               []string // some of those that have not answered
	Trouble              []string // why it is not whole
	Notes                []string // what else is worth knowing
	Result               string   // in a sentence; "" counts the rows
	Over                 bool
	Ends                 time.Time // of one that goes on
}

// LookRow is one line of an answer.
type LookRow struct {
	Host  string
	At    time.Time
	Text  string
	Depth int // of a tree
}

// A phone shows about that much before somebody has to scroll twice.
const (
	maxLookRows = 20
	maxLookRow  = 160 // runes
	maxDepth    = 8
)

// LookCard shows an answer on a screenful: the first rows of it, or of a tail the last, how
// many more there are, and who has not answered.
func LookCard(l Look) Card {
	rows, cut := l.Rows, max(l.Total, len(l.Rows))-min(len(l.Rows), maxLookRows)
	if len(rows) > maxLookRows && l.Tail {
		rows = rows[len(rows)-maxLookRows:]
	} else if len(rows) > maxLookRows {
		rows = rows[:maxLookRows]
	}
	head := title(Line(Defang(l.Title), maxLine))
	state := Line(Defang(l.result()), maxLine)
	c := Card{Lead: head + ": " + state, Blocks: []Block{{Text: "*" + head + ":* " + state + "."}}}
	if l.Hit > 0 {
		c.Tone = Warn
	}
	several := l.Asked > 1
	var lines []string
	for _, r := range rows {
		lines = append(lines, r.line(several))
		if len(lines) == 10 {
			c.Blocks, lines = append(c.Blocks, text(strings.Join(lines, "\n"))), nil
		}
	}
	if len(lines) > 0 {
		c.Blocks = append(c.Blocks, text(strings.Join(lines, "\n")))
	}
	if small := small(l.small(cut)...); !small.empty() {
		c.Blocks = append(c.Blocks, small)
	}
	return c
}

func (r LookRow) line(withHost bool) string {
	line := strings.Repeat("   ", min(r.Depth, maxDepth)) + "• "
	if !r.At.IsZero() {
		u := r.At.UTC()
		line += fmt.Sprintf("<!date^%d^{time_secs}|%s> ", u.Unix(), u.Format("15:04:05 UTC"))
	}
	if withHost && r.Host != "" {
		line += "*" + Line(r.Host, 60) + "* "
	}
	return line + Line(Defang(r.Text), maxLookRow)
}

func (l Look) result() string {
	if l.Result != "" {
		return strings.TrimSuffix(l.Result, ".")
	}
	n := max(l.Total, len(l.Rows))
	what := count(n, "row", "rows")
	if n == 0 {
		what = "nothing"
	}
	if l.Asked > 1 {
		what += fmt.Sprintf(" on %d of %d hosts", l.Hit, l.Asked)
	}
	if l.Over || l.Ends.IsZero() {
		return what
	}
	return what + " so far"
}

// small says what is missing: an answer that is not whole must not look as if it were.
func (l Look) small(cut int) []string {
	var out []string
	if cut > 0 {
		where := "after"
		if l.Tail {
			where = "before"
		}
		out = append(out, fmt.Sprintf("%s %s these.", count(cut, "row", "rows"), where))
	}
	if n := l.Asked - l.Answered; n > 0 {
		names := several(l.Silent, 5, func(h string) string { return Line(h, 60) })
		out = append(out, "*"+count(n, "host has", "hosts have")+" not answered*"+prefixed(": ", names)+". Nothing is known of them.")
	}
	for i, t := range l.Trouble {
		if i == 3 {
			break
		}
		out = append(out, "Not whole: "+Line(Defang(t), maxLine))
	}
	for i, n := range l.Notes {
		if i == 3 {
			break
		}
		out = append(out, Line(Defang(n), maxLine))
	}
	switch {
	case l.Ends.IsZero():
	case l.Over:
		out = append(out, "Over.")
	default:
		out = append(out, "Kept up to date here until "+When(l.Ends, "")+".")
	}
	return out
}

// LookCount is the answer in numbers.
func (l Look) LookCount() incident.LookCount {
	return incident.LookCount{Rows: max(l.Total, len(l.Rows)), Hosts: l.Asked, Silent: max(0, l.Asked-l.Answered), Hit: l.Hit}
}

// LookTitle is a question in a few words, as it was asked.
func LookTitle(l incident.Looking) string { return lookRaw(l) }
