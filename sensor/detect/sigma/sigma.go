// Package sigma judges what was seen on a host by Sigma rules, specification 2.1.0.
//
// Compile turns files of rules into a Set, which never changes and may be used by
// many goroutines. An Engine judges events by a Set, keeps what correlations count,
// and takes another Set at any moment without a gap:
//
//	set, problems := sigma.Compile(files, sigma.Options{})
//	engine := sigma.NewEngine(set, sigma.Limits{})
//	matches = engine.Judge(&seen, seen.At, matches[:0])
//
// A rule that is wrong is a Problem with file, line and column; the others are used.
// Explain says, part by part, why a rule fired or did not. Coverage says which ATT&CK
// techniques have rules.
//
// An event of the sensor is seen as the log records that rules are written for (view.go):
// an exec as Sysmon's process creation and as auditd's EXECVE, SYSCALL and PATH. Anything
// else that has fields, such as an alert from elsewhere, is judged as a Record.
//
// The package is pure: no network, no clock, no disk but the fs.FS it is given.
//
// The specification: https://github.com/SigmaHQ/sigma-specification
package sigma

import (
	"slices"
	"strings"
	"time"
)

// Level is how much a match matters, as the rule's author saw it.
type Level uint8

// The levels, the least first. None is a rule that says nothing of it.
const (
	None Level = iota
	Informational
	Low
	Medium
	High
	Critical
)

var levelNames = []string{"", "informational", "low", "medium", "high", "critical"}

// String is the level as rules write it; empty for None.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return ""
}

// LogSource says which records a rule is about, or where a record is from. What is empty
// says nothing.
type LogSource struct{ Category, Product, Service string }

// String is "category=… product=… service=…" of what is set.
func (l LogSource) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"category", l.Category}, {"product", l.Product}, {"service", l.Service}} {
		if p.value != "" {
			parts = append(parts, p.name+"="+p.value)
		}
	}
	return strings.Join(parts, " ")
}

// Takes says whether a rule for l is about records from there: all that l names is the same.
func (l LogSource) Takes(from LogSource) bool {
	return (l.Category == "" || l.Category == from.Category) &&
		(l.Product == "" || l.Product == from.Product) &&
		(l.Service == "" || l.Service == from.Service)
}

// Related is another rule that this one has to do with.
type Related struct{ ID, Type string }

// Rule is what a rule says of itself. It does not change once it is compiled.
type Rule struct {
	ID, Name, Title, Description string
	Status, Taxonomy, License    string
	Author, Date, Modified       string
	Level                        Level
	Source                       LogSource // empty for a correlation
	Definition                   string    // of the log source: what has to be switched on there
	Tags, References, Fields     []string
	FalsePositives, Scope        []string
	Related                      []Related
	Correlation                  *Correlation // nil unless it counts what other rules match
	Filters                      []string     // titles of the filters applied to it
	File                         string
	Line                         int
	Digest                       string // of all that decides what it matches; the same digest, the same verdicts
}

// Handle is the shortest sure name of the rule: its id, else its name, else its title.
func (r *Rule) Handle() string {
	for _, h := range []string{r.ID, r.Name} {
		if h != "" {
			return h
		}
	}
	return r.Title
}

// Techniques are the ATT&CK techniques among the tags, as ATT&CK writes them: T1059.004.
func (r *Rule) Techniques() []string {
	var list []string
	for _, t := range r.Tags {
		if id, ok := strings.CutPrefix(t, "attack."); ok && isTechnique(id) {
			list = append(list, strings.ToUpper(id))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Tactics are the ATT&CK tactics among the tags, as the tags write them: privilege-escalation.
func (r *Rule) Tactics() []string {
	var list []string
	for _, t := range r.Tags {
		name, ok := strings.CutPrefix(t, "attack.")
		if ok && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_-") == "" {
			list = append(list, strings.ReplaceAll(name, "_", "-"))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// isTechnique knows t1059 and t1059.004.
func isTechnique(id string) bool {
	main, sub, has := strings.Cut(id, ".")
	digits := func(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }
	return len(main) == 5 && (main[0] == 't' || main[0] == 'T') && digits(main[1:], 4) && (!has || digits(sub, 3))
}

// Match is a rule that fired.
type Match struct {
	Rule *Rule
	At   time.Time // of the event, or of the moment a window closed

	// Of a correlation: what was counted, in which group, in which events.
	Value       float64
	Group       []Field
	First, Last time.Time
}

// Field is a name and its value as text.
type Field struct{ Name, Value string }
