package sigma

import (
	"slices"
	"strings"
)

// filter reads the filter section: the rules it is for, its selections, its condition.
// https://github.com/SigmaHQ/sigma-specification, "Sigma Filters"
func (c *compiler) filter(w *written, p part) {
	there := false
	for _, k := range p.pairs() {
		if k.key != "rules" {
			continue
		}
		there = true
		if text, plain := k.value.plainWord(); plain && (text == "any" || text == "all") {
			w.any = true
			continue
		}
		w.filters = k.value.refs()
	}
	if !there {
		p.wrong("name them by id or name", "the filter does not say which rules it is for")
	}
	w.cond = c.detection(p, []string{"rules"})
	if w.cond != nil && !p.r.broken && !negates(w.cond) {
		p.warn("write not before what is to be taken away", "the filter lets only pass what its selection matches")
	}
}

func negates(n *node) bool {
	return n.op == opNot || n.op == opLeaf && n.leaf.not || slices.ContainsFunc(n.kids, negates)
}

// plainWord is a single word that is not a list, in lower case.
func (p part) plainWord() (string, bool) {
	if p.isList() || p.isMap() || p.isNull() {
		return "", false
	}
	t, ok := p.scalar()
	return strings.ToLower(t), ok
}

// filter joins the condition of each filter to those of its rules: both have to hold.
// That is what the reference implementation does; so a filter that is to take something
// away says "not selection" (docs/adr/0024-sigma-readings.md).
func (c *compiler) applyFilters(rules []*compiled, filters []*written) {
	for _, f := range filters {
		for _, r := range filtered(f, rules, c) {
			if !f.rule.Source.Takes(r.rule.Source) {
				f.top.warn("make its logsource wider, or name other rules", "the filter is for %s, the rule %q is not", f.rule.Source, r.rule.Title)
				continue
			}
			name := "filter " + quoted(f.rule.Title)
			r.cond = &node{op: opAnd, kids: []*node{r.cond, {op: opAnd, kids: []*node{f.cond}, name: name}}}
			r.rule.Filters = append(r.rule.Filters, f.rule.Title)
			r.text = append(r.text, f.text)
		}
		c.problems = append(c.problems, f.top.r.problems...)
	}
}

// filtered are the rules that a filter is for.
func filtered(f *written, rules []*compiled, c *compiler) []*compiled {
	var list []*compiled
	if f.any {
		for _, r := range rules {
			if r.cond != nil && f.rule.Source.Takes(r.rule.Source) {
				list = append(list, r)
			}
		}
		return list
	}
	for _, ref := range f.filters {
		r := c.named[ref.name]
		switch {
		case r == nil:
			ref.at.warn("", "there is no rule %q to filter", ref.name)
		case r.cond == nil:
			ref.at.warn("filter the rules that it counts", "%q is a correlation", ref.name)
		default:
			list = append(list, r)
		}
	}
	return list
}

func quoted(s string) string { return `"` + s + `"` }
