package sigma

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// File is a file of rules: its name, as problems name it, and its text.
type File struct {
	Name string
	Text []byte
}

// Options are what rules leave open.
type Options struct {
	// Placeholders are the values of %names% in values with the modifier expand. A rule
	// with a placeholder that nobody gives a value is refused.
	Placeholders map[string][]string
	// Loud lets rules fire that would only count for a correlation: to try them.
	Loud bool
}

// Set is rules that judge. It never changes, and any number of goroutines may use it.
type Set struct {
	rules    []*compiled
	fields   *fields
	byKind   [][]*bound    // by kind of event
	records  func() *index // over all rules, for what is not an event of the sensor; made when it is first wanted
	literals int           // most literals of the indexes of views
	sights   sync.Pool
}

// compiled is a rule ready to judge.
type compiled struct {
	num    int
	rule   *Rule
	cond   *node    // nil for a correlation
	seen   bool     // an event of the sensor can match it
	quiet  bool     // it only counts for correlations
	feeds  []feed   // correlations that count it
	counts *counted // of a correlation
	text   [][]byte // for the digest
}

// compiler puts a Set together.
type compiler struct {
	options  Options
	fields   *fields
	problems []Problem
	named    map[string]*compiled // by id and by name
	used     []byte               // placeholders of the document being read, for its digest
}

func (c *compiler) expanded(name string, values []string) {
	c.used = fmt.Appendf(c.used, "%q=%q;", name, values)
}

// Read is every file of rules below a folder: *.yml and *.yaml, without those in folders
// called tests.
func Read(fsys fs.FS) ([]File, error) {
	var files []File
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch ext := path.Ext(name); {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "tests":
			return fs.SkipDir
		case d.IsDir() || ext != ".yml" && ext != ".yaml":
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err == nil {
			files = append(files, File{name, text})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return files, nil
}

// Compile makes a Set of every rule that can be used, and lists what is wrong with the
// others, in the order of files and lines. Problems that are warnings leave their rule in.
func Compile(files []File, o Options) (*Set, []Problem) {
	c := &compiler{options: o, fields: newFields(), named: map[string]*compiled{}}
	var rules []*compiled
	var counting, filters []*written
	counts := map[*written]*compiled{}
	for _, f := range files {
		if len(f.Text) > maxFile {
			c.problems = append(c.problems, Problem{File: f.Name, Why: fmt.Sprintf("a file of more than %d bytes", maxFile)})
			continue
		}
		for _, d := range documents(f.Name, f.Text) {
			c.used = nil
			w := c.read(d)
			if w == nil {
				continue
			}
			if w.text = append(slices.Clone(w.text), c.used...); w.kind == isFilter {
				w.top.r.problems = nil // told already; what joining finds comes on top
				filters = append(filters, w)
				continue
			}
			r := &compiled{rule: w.rule, cond: w.cond, text: [][]byte{w.text}}
			if !c.name(r, w.top) {
				continue
			}
			rules = append(rules, r)
			if w.kind == isCorrelation {
				counting, counts[w] = append(counting, w), r
			}
		}
	}
	c.applyFilters(rules, filters)
	rules = c.correlate(rules, counting, counts)
	s := c.set(rules)
	return s, sortProblems(c.problems)
}

// name enters a rule under its id and name; somebody else may have them already.
func (c *compiler) name(r *compiled, at part) bool {
	for _, n := range []string{r.rule.ID, r.rule.Name} {
		if other := c.named[n]; n != "" && other != nil {
			c.problems = append(c.problems, Problem{File: at.r.file, Line: at.line, Column: at.column,
				Why: fmt.Sprintf("%s is the rule at %s:%d already", n, other.rule.File, other.rule.Line), Hint: "give it an id and a name of its own"})
			return false
		}
	}
	for _, n := range []string{r.rule.ID, r.rule.Name} {
		if n != "" {
			c.named[n] = r
		}
	}
	return true
}

func (c *compiler) set(rules []*compiled) *Set {
	s := &Set{rules: rules, fields: c.fields, byKind: make([][]*bound, len(event.Kinds())+1)}
	for i, r := range rules {
		r.num = i
	}
	var all []asked
	for _, r := range rules {
		r.rule.Digest, r.text = digest(r), nil
		if r.cond != nil {
			all = append(all, asked{int32(r.num), r.cond})
		}
	}
	s.records = sync.OnceValue(func() *index { return newIndex(all) }) // an agent never wants it
	for i := range views {
		b := views[i].bind(s)
		s.literals = max(s.literals, b.index.literals)
		if len(b.index.rules) == 0 {
			continue
		}
		for _, k := range views[i].kinds {
			s.byKind[k] = append(s.byKind[k], b)
		}
	}
	s.sights.New = func() any { return newSight(s) }
	return s
}

func digest(r *compiled) string {
	h := sha256.New()
	for _, t := range r.text {
		_, _ = fmt.Fprintf(h, "%d:", len(t)) // a hash takes everything
		_, _ = h.Write(t)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Rules are the rules of the Set, in the order they were read.
func (s *Set) Rules() []*Rule {
	list := make([]*Rule, len(s.rules))
	for i, r := range s.rules {
		list[i] = r.rule
	}
	return list
}

// Find is the rule with that id or name, or whose title or file's name is that.
func (s *Set) Find(name string) (*Rule, bool) {
	r := s.find(name)
	if r == nil {
		return nil, false
	}
	return r.rule, true
}

// Called is what people call a rule of the Set: its name, or that of its file where it is
// the only one there, else its handle. Find finds it by that.
func (s *Set) Called(r *Rule) string {
	stem := strings.TrimSuffix(path.Base(r.File), path.Ext(r.File))
	for _, name := range []string{r.Name, stem} {
		if found, ok := s.Find(name); ok && found == r {
			return name
		}
	}
	return r.Handle()
}

func (s *Set) find(name string) *compiled {
	for _, same := range []func(*Rule) bool{
		func(r *Rule) bool { return r.ID == name || r.Name == name },
		func(r *Rule) bool { return strings.EqualFold(r.Title, name) },
		func(r *Rule) bool {
			return r.File == name || strings.TrimSuffix(path.Base(r.File), path.Ext(r.File)) == name
		},
	} {
		for _, r := range s.rules {
			if name != "" && same(r.rule) {
				return r
			}
		}
	}
	return nil
}

// Blind are the rules that no event of the sensor can match: their log source is one
// that it has no events of, or they want a field or a kind of record that it does not tell.
// They still judge Records.
func (s *Set) Blind() []*Rule {
	var list []*Rule
	for _, r := range s.rules {
		if !r.seen && r.cond != nil {
			list = append(list, r.rule)
		}
	}
	return list
}

// Sourced says whether the sensor has events of that log source at all.
func Sourced(l LogSource) bool {
	for i := range views {
		if views[i].takes(l) {
			return true
		}
	}
	return false
}
