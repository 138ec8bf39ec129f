package sigma

import "fmt"

// feed is a rule's way into a correlation that counts it.
type feed struct {
	to    *compiled
	as    int   // the rule's place among those that the correlation names
	group []int // numbers of the fields it is grouped by, in the events of this rule
	value int   // number of the field that is counted
}

// counted is a correlation joined with the rules it names.
type counted struct {
	*Correlation
	at    int // its place among the Set's correlations
	names []int
	rules []*compiled
}

// correlate joins correlations with the rules they name, and leaves out those that
// cannot be joined.
func (c *compiler) correlate(rules []*compiled, counting []*written, of map[*written]*compiled) []*compiled {
	ok := map[*compiled]bool{}
	for _, w := range counting {
		w.top.r.problems, w.top.r.broken = nil, false
	}
	for _, w := range counting {
		ok[of[w]] = c.join(w, of[w])
	}
	for again := true; again; { // whoever counts what fell out falls out too
		again = false
		for _, w := range counting {
			r := of[w]
			for i, counts := range r.counts.rules {
				if ok[r] && counts.counts != nil && !ok[counts] {
					w.counts.refs[i].at.wrong("mend that one first", "%q cannot be used", counts.rule.Title)
					ok[r], again = false, true
				}
			}
		}
	}
	for _, w := range counting {
		if ok[of[w]] && circular(of[w]) {
			w.counts.at.wrong("", "the correlation counts itself, by way of the rules it names")
			ok[of[w]] = false
		}
	}
	kept, n := rules[:0], 0
	for _, r := range rules {
		if r.counts == nil || ok[r] {
			if r.counts != nil {
				r.counts.at = n
				n++
			}
			kept = append(kept, r)
		}
	}
	for _, w := range counting {
		if ok[of[w]] {
			c.feed(w, of[w])
		}
		c.problems = append(c.problems, w.top.r.problems...)
	}
	loud := map[*compiled]bool{}
	for _, r := range kept {
		if r.counts != nil && r.counts.Generate {
			for _, counts := range r.counts.rules {
				loud[counts] = true
			}
		}
	}
	for _, r := range kept {
		r.quiet = len(r.feeds) > 0 && !loud[r] && !c.options.Loud
	}
	return kept
}

// join finds the rules that a correlation names.
func (c *compiler) join(w *written, r *compiled) bool {
	r.counts = &counted{Correlation: w.rule.Correlation}
	good := true
	for _, ref := range w.counts.refs {
		counts := c.named[ref.name]
		if counts == nil {
			ref.at.wrong("name it by id or name; it may have been refused for something else", "there is no rule %q", ref.name)
			good = false
			continue
		}
		r.counts.rules = append(r.counts.rules, counts)
	}
	for _, n := range r.counts.GroupBy {
		r.counts.names = append(r.counts.names, c.fields.number(n))
	}
	return good
}

const maxChain = 16 // correlations of correlations

func circular(r *compiled) bool {
	var deep func(*compiled, int) bool
	deep = func(r *compiled, depth int) bool {
		if r.counts == nil {
			return false
		}
		if depth > maxChain {
			return true
		}
		for _, k := range r.counts.rules {
			if deep(k, depth+1) {
				return true
			}
		}
		return false
	}
	return deep(r, 0)
}

// feed lets each rule know that it is counted, and by which fields.
func (c *compiler) feed(w *written, r *compiled) {
	for i, counts := range r.counts.rules {
		f := feed{to: r, as: i, value: -1}
		for _, name := range r.counts.GroupBy {
			f.group = append(f.group, c.fields.number(w.counts.aliased(name, w.counts.refs[i], counts)))
		}
		if r.counts.Field != "" {
			f.value = c.fields.number(w.counts.aliased(r.counts.Field, w.counts.refs[i], counts))
		}
		counts.feeds = append(counts.feeds, f)
		r.text = append(r.text, fmt.Appendf(nil, "%d", i))
		r.text = append(r.text, counts.text...)
	}
}

// aliased is what a field is called in the events of one of the rules.
func (c *correlationOf) aliased(name string, by ref, r *compiled) string {
	for _, a := range c.aliases {
		if a.name != name {
			continue
		}
		for _, called := range []string{by.name, r.rule.Name, r.rule.ID} {
			if f, ok := a.field[called]; ok && called != "" {
				return f
			}
		}
		a.at.warn("add it", "the alias %s says nothing of %s", a.name, by.name)
	}
	return name
}
