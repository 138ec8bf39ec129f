package sigma

import (
	"bytes"
	"net/netip"
	"regexp"
	"time"
)

// atom is one value that a field is compared with.
type atom struct {
	op    op
	cased bool           // letter case counts
	said  string         // the value as the rule has it, for people
	lit   []byte         // of is, begins, ends, has; folded unless cased
	glob  pattern        // of like; folded unless cased, and ready
	re    *regexp.Regexp // of expr
	net   netip.Prefix   // of within
	num   float64        // of less … more
	part  timePart       // the number is of this part of a date
	other int            // of same: the number of the field it is compared with
	name  string         // and its name
	how   op             // of same: is, begins, ends or has
}

type op uint8

const (
	is op = iota
	begins
	ends
	has
	like     // with wildcards inside
	expr     // a regular expression
	isNull   // not there, or null
	exists   // there, whatever it holds
	missing  // not there
	inNet    // an address within a network
	less     // <
	atMost   // <=
	equal    // = of a part of a date
	atLeast  // >=
	more     // >
	same     // as another field
	anything // there, and with a value
)

type timePart uint8

const (
	whole timePart = iota
	minute
	hour
	day
	week
	month
	year
)

func (t timePart) of(at time.Time) float64 {
	switch t {
	case minute:
		return float64(at.Minute())
	case hour:
		return float64(at.Hour())
	case day:
		return float64(at.Day())
	case week:
		_, w := at.ISOWeek()
		return float64(w)
	case month:
		return float64(at.Month())
	}
	return float64(at.Year())
}

// onText says whether an op looks at the field's text.
func (o op) onText() bool { return o <= expr }

// text holds the atom against the text of a value: low is folded, raw is as it was.
func (a *atom) text(low, raw []byte) bool {
	t := low
	if a.cased {
		t = raw
	}
	switch a.op {
	case is:
		return bytes.Equal(t, a.lit)
	case begins:
		return bytes.HasPrefix(t, a.lit)
	case ends:
		return bytes.HasSuffix(t, a.lit)
	case has:
		return bytes.Contains(t, a.lit)
	case like:
		return a.glob.matches(t)
	case expr:
		return a.re.Match(raw)
	}
	return false
}

// value holds an atom that is not about text against a value that is there.
func (a *atom) value(v *Value) bool {
	switch a.op {
	case exists:
		return true
	case isNull:
		return v.kind == kindNull
	case anything:
		return v.kind != kindNull
	case inNet:
		ip, ok := v.ip()
		return ok && a.net.Contains(ip)
	case less, atMost, equal, atLeast, more:
		return a.number(v)
	}
	return false
}

func (a *atom) number(v *Value) bool {
	n, ok := 0.0, false
	if a.part == whole {
		n, ok = v.number()
	} else if at, is := v.time(); is {
		n, ok = a.part.of(at), true
	}
	if !ok {
		return false
	}
	switch a.op {
	case less:
		return n < a.num
	case atMost:
		return n <= a.num
	case equal:
		return n == a.num
	case atLeast:
		return n >= a.num
	}
	return n > a.num
}

// leaf is one field of a selection with all the values it is compared with.
type leaf struct {
	field int    // number of the field; message for a search through the whole record
	name  string // "" for the message
	all   bool   // every group has to be satisfied, not one
	not   bool   // and the field must not be like that
	// One group for each value of the rule; a modifier may have made several of it, one
	// of which has to be satisfied.
	groups [][]atom
	quick  *quick // the same, for many values; nil when there are few
}

// message is the field number of "anywhere in the record".
const message = 0
