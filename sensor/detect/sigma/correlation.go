package sigma

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Correlation is what a rule says it counts.
type Correlation struct {
	Type     string // event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile
	Rules    []string
	GroupBy  []string
	Timespan time.Duration
	Field    string  // whose values are counted; empty for events
	Rank     float64 // of value_percentile: the percentile that is compared; NaN: the share of the event's own value
	Generate bool    // the rules it names fire by themselves too
	Bounds   []Bound // all of which have to hold
}

// Bound is one comparison of a correlation's condition.
type Bound struct {
	Op    string // gt, gte, lt, lte, eq, neq
	Value float64
}

func (b Bound) holds(v float64) bool {
	switch b.Op {
	case "gt":
		return v > b.Value
	case "gte":
		return v >= b.Value
	case "lt":
		return v < b.Value
	case "lte":
		return v <= b.Value
	case "eq":
		return v == b.Value
	}
	return v != b.Value
}

// met says whether a value satisfies the condition.
func (c *Correlation) met(v float64) bool {
	for _, b := range c.Bounds {
		if !b.holds(v) {
			return false
		}
	}
	return true
}

// capped says whether more events can make the condition untrue again. Then it is judged
// when the window ends, not before.
func (c *Correlation) capped() bool {
	switch c.Type {
	case "event_count", "value_count", "value_sum":
		return slices.ContainsFunc(c.Bounds, func(b Bound) bool { return b.Op != "gt" && b.Op != "gte" })
	}
	return false
}

// correlationOf is a correlation with the places of what it names.
type correlationOf struct {
	Correlation
	refs    []ref
	aliases []alias
	at      part
}

// alias is a name for fields that are called differently in the events of different rules.
type alias struct {
	name  string
	field map[string]string // by the rule as the correlation names it
	at    part
}

// said is a copy, which does not keep the whole document in memory.
func (c *correlationOf) said() *Correlation {
	said := c.Correlation
	return &said
}

var correlationTypes = []string{"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile"}

// Bounds of correlations, so that what is remembered is bounded.
const (
	maxRefs      = 64      // rules that one correlation names
	maxCount     = 100_000 // events or values that have to be counted
	maxTimespan  = 31 * 24 * time.Hour
	maxGroupings = 16
)

var timespanForm = regexp.MustCompile(`^([1-9][0-9]{0,7})([smhd])$`)

func (p part) correlation() *correlationOf {
	c := &correlationOf{at: p, Correlation: Correlation{Rank: math.NaN()}}
	keys := keys{}
	for _, k := range p.pairs() {
		keys[k.key] = k
		switch v := k.value; k.key {
		case "type":
			c.Type = v.oneOf("type of correlation", correlationTypes...)
		case "rules":
			c.refs = v.refs()
		case "group-by":
			c.GroupBy = v.lines(256)
			if len(c.GroupBy) > maxGroupings {
				v.wrong("", "more than %d fields to group by", maxGroupings)
			}
		case "timespan":
			c.Timespan = v.timespan()
		case "generate":
			c.Generate = v.oneOf("answer", "true", "false") == "true"
		case "aliases":
			c.aliases = v.aliases()
		case "condition":
			c.condition(v)
		default:
			k.at.wrong(didYouMean(k.key, []string{"type", "rules", "group-by", "timespan", "generate", "aliases", "condition"}), "%q says nothing in a correlation", k.key)
		}
	}
	for _, must := range []string{"type", "rules", "timespan"} {
		if !keys.has(must) {
			p.wrong("", "the correlation has no %s", must)
		}
	}
	c.complete(keys)
	return c
}

// complete holds what was read against what its type needs.
func (c *correlationOf) complete(keys keys) {
	temporal := strings.HasPrefix(c.Type, "temporal")
	if len(c.Bounds) == 0 && !temporal && !c.at.r.broken {
		c.at.wrong("write condition: with gte: and a number", "the correlation has no condition")
	}
	if temporal && len(c.Bounds) == 0 {
		c.Bounds = []Bound{{"gte", float64(len(c.refs))}}
	}
	at := c.at
	if k, ok := keys["condition"]; ok {
		at = k.at
	}
	if needs := strings.HasPrefix(c.Type, "value_"); needs && c.Field == "" {
		at.wrong("name it below condition", "%s needs a field", c.Type)
	} else if !needs && c.Field != "" {
		at.wrong("", "%s counts events and needs no field", c.Type)
	}
	if !math.IsNaN(c.Rank) && c.Type != "value_percentile" {
		at.wrong("", "percentile has a meaning for value_percentile only")
	}
	for _, r := range c.refs {
		c.Rules = append(c.Rules, r.name)
	}
}

func (c *correlationOf) condition(p part) {
	if _, text := p.node.(interface{ GetValue() any }); text && !p.isMap() {
		p.wrong("write it as keys: gte: 5", "a condition in words is not part of Sigma 2.1.0")
		return
	}
	for _, k := range p.pairs() {
		switch k.key {
		case "gt", "gte", "lt", "lte", "eq", "neq":
			c.Bounds = append(c.Bounds, Bound{k.key, k.value.amount()})
			if limit := c.Bounds[len(c.Bounds)-1].Value; (c.Type == "event_count" || c.Type == "value_count") && limit > maxCount {
				k.value.wrong("count for a shorter time", "more than %d cannot be counted", maxCount)
			}
		case "field":
			names := k.value.lines(256)
			if len(names) != 1 {
				k.value.wrong("", "one field is wanted here")
				continue
			}
			c.Field = names[0]
		case "percentile":
			if c.Rank = k.value.amount(); c.Rank < 0 || c.Rank > 100 {
				k.value.wrong("", "a percentile is between 0 and 100")
			}
		default:
			k.at.wrong("gt, gte, lt, lte, eq, neq, field and percentile are known", "%q says nothing in the condition of a correlation", k.key)
		}
	}
}

func (p part) amount() float64 {
	t, ok := p.scalar()
	n, err := strconv.ParseFloat(t, 64)
	if ok && (err != nil || math.IsNaN(n) || math.IsInf(n, 0)) {
		p.wrong("", "%q is no number", t)
	}
	return n
}

func (p part) timespan() time.Duration {
	t, ok := p.scalar()
	m := timespanForm.FindStringSubmatch(t)
	if m == nil {
		if ok {
			p.wrong("write it as 30s, 5m, 1h or 1d", "%q is no timespan", t)
		}
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // the form lets digits through only
	d := time.Duration(n) * map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
	if d > maxTimespan {
		p.wrong("", "a timespan of more than %d days", int(maxTimespan.Hours()/24))
	}
	return d
}

func (p part) refs() []ref {
	var list []ref
	seen := map[string]bool{}
	for _, i := range p.items() {
		name := i.oneLine(256)
		switch {
		case name == "":
		case seen[name]:
			i.wrong("", "%s is named twice", name)
		case len(list) == maxRefs:
			i.wrong("", "more than %d rules", maxRefs)
			return list
		default:
			list = append(list, ref{name, i})
		}
		seen[name] = true
	}
	if len(list) == 0 && !p.r.broken {
		p.wrong("name them by id or name", "there are no rules here")
	}
	return list
}

func (p part) aliases() []alias {
	var list []alias
	for _, k := range p.pairs() {
		a := alias{name: k.key, field: map[string]string{}, at: k.at}
		for _, f := range k.value.pairs() {
			a.field[f.key] = f.value.oneLine(256)
		}
		list = append(list, a)
	}
	return list
}
