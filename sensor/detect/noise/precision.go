package noise

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Precision is how often a rule was right, in the judgement of people.
type Precision struct {
	Rule      string `json:"rule"`
	Raised    uint64 `json:"raised"`     // signals, those kept quiet included
	Quiet     uint64 `json:"quiet"`      // kept quiet by an exception
	RightMark uint64 `json:"right_mark"` // marked as real
	FalseMark uint64 `json:"false_mark"` // marked as false alarms
}

// Judged is how many signals people marked.
func (p Precision) Judged() uint64 { return p.RightMark + p.FalseMark }

// Ratio is the share of judged signals that were real, from 0 to 1; false when nobody
// judged any.
func (p Precision) Ratio() (float64, bool) {
	if p.Judged() == 0 {
		return 0, false
	}
	return float64(p.RightMark) / float64(p.Judged()), true
}

// String says it with its counts: half of two is not half of two hundred.
func (p Precision) String() string {
	line := fmt.Sprintf("%s raised %s", p.Rule, count(p.Raised, "signal"))
	if p.Quiet > 0 {
		line += fmt.Sprintf(", %d excepted", p.Quiet)
	}
	r, ok := p.Ratio()
	if !ok {
		return line + "; nobody has judged one yet"
	}
	return fmt.Sprintf("%s; of %d judged, %d real (%d %%)", line, p.Judged(), p.RightMark, int(100*r+0.5))
}

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Mark is a person's word on a signal.
type Mark struct {
	Signal string    `json:"signal"` // its id
	Rule   string    `json:"rule"`
	False  bool      `json:"false"` // a false alarm
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Why    string    `json:"why,omitempty"`
}

// The bounds of a Ledger.
const (
	maxRules = 20_000
	maxMarks = 100_000
)

// Ledger counts signals and marks by rule. Not safe for concurrent use.
type Ledger struct {
	rules   map[string]*Precision
	marks   map[string]Mark // by signal
	dropped uint64
}

// NewLedger makes an empty one.
func NewLedger() *Ledger {
	return &Ledger{rules: map[string]*Precision{}, marks: map[string]Mark{}}
}

// Raised counts a signal. Drills do not count: they are right by making.
func (l *Ledger) Raised(s Signal, quiet bool) {
	if s.Drill {
		return
	}
	p := l.rule(s.Rule)
	if p == nil {
		return
	}
	p.Raised++
	if quiet {
		p.Quiet++
	}
}

func (l *Ledger) rule(name string) *Precision {
	name = bounded(name)
	p := l.rules[name]
	if p == nil {
		if len(l.rules) >= maxRules {
			l.dropped++
			return nil
		}
		p = &Precision{Rule: name}
		l.rules[name] = p
	}
	return p
}

// Mark takes a person's word. A second word on the same signal replaces the first: people
// learn more. It returns the mark that was replaced, if there was one.
func (l *Ledger) Mark(m Mark) (was Mark, replaced bool, err error) {
	m.At = m.At.UTC()
	m.Signal, m.Rule, m.By, m.Why = bounded(m.Signal), bounded(m.Rule), bounded(m.By), bounded(m.Why)
	if m.Signal == "" || m.Rule == "" || strings.TrimSpace(m.By) == "" || m.At.IsZero() {
		return Mark{}, false, errors.New("a mark names signal, rule, person and time")
	}
	p := l.rule(m.Rule)
	if p == nil {
		return Mark{}, false, fmt.Errorf("more than %d rules", maxRules)
	}
	if was, replaced = l.marks[m.Signal]; replaced {
		l.uncount(was)
	} else if len(l.marks) >= maxMarks {
		l.age()
	}
	l.marks[m.Signal] = m
	*p.of(m.False)++
	return was, replaced, nil
}

func (l *Ledger) uncount(m Mark) { *l.rules[m.Rule].of(m.False)-- }

func (p *Precision) of(wrong bool) *uint64 {
	if wrong {
		return &p.FalseMark
	}
	return &p.RightMark
}

// age lets the oldest sixteenth of the marks go: their counts stay, but they can no longer
// be taken back.
func (l *Ledger) age() {
	old := slices.SortedFunc(maps.Values(l.marks), func(a, b Mark) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Signal, b.Signal))
	})
	for _, m := range old[:len(old)/16+1] {
		delete(l.marks, m.Signal)
	}
}

// Of is a rule's figure.
func (l *Ledger) Of(rule string) Precision {
	if p := l.rules[bounded(rule)]; p != nil {
		return *p
	}
	return Precision{Rule: bounded(rule)}
}

// All lists every rule's figure, the most false alarms first.
func (l *Ledger) All() []Precision {
	all := make([]Precision, 0, len(l.rules))
	for _, p := range l.rules {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Precision) int {
		return cmp.Or(cmp.Compare(b.FalseMark, a.FalseMark), strings.Compare(a.Rule, b.Rule))
	})
	return all
}

// Dropped is how many signals and marks were of rules for which there was no room.
func (l *Ledger) Dropped() uint64 { return l.dropped }

type encodedLedger struct {
	Version int         `json:"version"`
	Rules   []Precision `json:"rules"`
	Marks   []Mark      `json:"marks"`
	Dropped uint64      `json:"dropped,omitzero"`
}

// Encode writes the ledger as JSON; the same ledger makes the same bytes.
func (l *Ledger) Encode() ([]byte, error) {
	out := encodedLedger{Version: 1, Rules: l.All(), Dropped: l.dropped}
	out.Marks = slices.SortedFunc(maps.Values(l.marks), func(a, b Mark) int { return strings.Compare(a.Signal, b.Signal) })
	return json.Marshal(out)
}

// DecodeLedger reads what Encode wrote.
func DecodeLedger(raw []byte) (*Ledger, error) {
	var in encodedLedger
	if err := strict(raw, &in); err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	if in.Version != 1 || len(in.Rules) > maxRules || len(in.Marks) > maxMarks {
		return nil, errors.New("read the ledger: not one that was written here")
	}
	l := NewLedger()
	l.dropped = in.Dropped
	for _, p := range in.Rules {
		if _, twice := l.rules[p.Rule]; twice || bounded(p.Rule) != p.Rule {
			return nil, fmt.Errorf("read the ledger: rule %q is wrong", bounded(p.Rule))
		}
		l.rules[p.Rule] = &p
	}
	held := map[string]Precision{}
	for _, m := range in.Marks {
		_, twice := l.marks[m.Signal]
		if twice || m.Signal == "" || m.By == "" || m.At.IsZero() || l.rules[m.Rule] == nil || len(m.Signal) > maxText {
			return nil, fmt.Errorf("read the ledger: the mark of %q is wrong", bounded(m.Signal))
		}
		m.At = m.At.UTC()
		l.marks[m.Signal] = m
		h := held[m.Rule]
		*h.of(m.False)++
		held[m.Rule] = h
	}
	for rule, h := range held { // a mark taken back is taken from a count that has it
		if p := l.rules[rule]; h.RightMark > p.RightMark || h.FalseMark > p.FalseMark {
			return nil, fmt.Errorf("read the ledger: rule %q has more marks than it counts", rule)
		}
	}
	return l, nil
}
