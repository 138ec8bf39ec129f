package sigma

import (
	"regexp/syntax"
)

// key is something cheap to look for, without which a rule cannot match.
type key struct {
	field int
	how   op // is, begins, ends or has
	lit   string
}

// required is a set of keys, one of which has to be there; cost is how often one is,
// roughly, compared with other sets.
type required struct {
	keys []key
	cost float64
}

const never = 1e9 // the cost of no key at all: the rule has to be asked every time

// keysOf finds the cheapest set of keys without which the condition cannot hold; not is
// true below a "not". No keys means that there is no such set.
func keysOf(n *node, not bool) required {
	switch n.op {
	case opNot:
		return keysOf(n.kids[0], !not)
	case opLeaf:
		if n.leaf.not != not {
			return required{cost: never}
		}
		return n.leaf.keys()
	}
	all := (n.op == opAnd) != not
	if all {
		best := required{cost: never}
		for _, k := range n.kids {
			if r := keysOf(k, not); r.keys != nil && r.cost < best.cost {
				best = r
			}
		}
		return best
	}
	sum := required{}
	for _, k := range n.kids {
		if sum = sum.or(keysOf(k, not)); sum.keys == nil {
			return sum
		}
	}
	if len(n.kids) == 0 {
		sum.cost = never
	}
	return sum
}

// or is the set for "this or that": both are needed, and neither may be missing.
func (r required) or(other required) required {
	if other.keys == nil {
		return required{cost: never}
	}
	return required{append(r.keys[:len(r.keys):len(r.keys)], other.keys...), r.cost + other.cost}
}

func (l *leaf) keys() required {
	best, sum := required{cost: never}, required{}
	for _, g := range l.groups {
		one := required{}
		for i := range g {
			if one = one.or(g[i].keys(l.field)); one.keys == nil {
				break
			}
		}
		if l.all {
			if one.keys != nil && one.cost < best.cost {
				best = one
			}
			continue
		}
		if one.keys == nil || len(g) == 0 {
			return required{cost: never}
		}
		sum = sum.or(one)
	}
	if l.all {
		return best
	}
	if sum.keys == nil {
		sum.cost = never
	}
	return sum
}

func (a *atom) keys(field int) required {
	switch a.op {
	case is, begins, ends, has:
		how := a.op
		if field == message {
			how = has // the message is long, and mostly searched for what it holds
		}
		return keyed(field, how, fold(string(a.lit)))
	case like:
		return keyed(field, has, fold(a.glob.longest()))
	case expr:
		re, err := syntax.Parse(a.re.String(), syntax.Perl)
		if err != nil {
			break
		}
		var sum required
		for _, t := range literals(re.Simplify()) {
			if sum = sum.or(keyed(field, has, fold(t))); sum.keys == nil {
				break
			}
		}
		if sum.keys != nil {
			return sum
		}
	}
	return required{cost: never}
}

// maxKey is how much of a literal is looked for, in bytes: its end, as paths and options
// of programs differ there. What is found is verified anyway.
const maxKey = 16

func keyed(field int, how op, lit string) required {
	if how != is && lit == "" {
		return required{cost: never}
	}
	long := len(lit)
	if how == has && long > maxKey {
		lit = lit[long-maxKey:]
	}
	cost := 1.0
	for range min(long, 24) {
		cost *= 0.6
	}
	if how != has { // a table is asked once, not for every byte
		cost *= 0.5
	}
	return required{[]key{{field, how, lit}}, cost}
}

// literals are texts, one of which is in whatever the expression matches; nil if there
// are none that can be named.
func literals(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literals(re.Sub[0])
		}
	case syntax.OpAlternate:
		var all []string
		for _, s := range re.Sub {
			one := literals(s)
			if one == nil || len(all)+len(one) > 64 {
				return nil
			}
			all = append(all, one...)
		}
		return all
	case syntax.OpConcat:
		var best []string
		for _, s := range re.Sub {
			if one := literals(s); one != nil && (best == nil || shortest(one) > shortest(best)) {
				best = one
			}
		}
		return best
	}
	return nil
}

func shortest(list []string) int {
	least := len(list[0])
	for _, s := range list {
		least = min(least, len(s))
	}
	return least
}
