package sigma

import (
	"math"
	"net/netip"
	"strconv"
	"time"
)

// Value is what a field of a record holds. The zero Value is a field that is not there.
type Value struct {
	kind  valueKind
	num   uint64 // an integer, the bits of a float, a truth, or unix milliseconds
	text  string
	words []string
	addr  netip.Addr
	list  []Value
}

type valueKind uint8

const (
	kindAbsent valueKind = iota
	kindNull
	kindText
	kindWords
	kindInteger
	kindUnsigned
	kindFloat
	kindTruth
	kindAddress
	kindMoment
	kindOctal
	kindMany
)

// Null is a field that is there and holds nothing.
func Null() Value { return Value{kind: kindNull} }

// Text is a text, which may be empty.
func Text(s string) Value { return Value{kind: kindText, text: s} }

// Words is a text made of words with blanks between them: a command line.
func Words(w []string) Value { return Value{kind: kindWords, words: w} }

// Int is a whole number.
func Int(n int64) Value { return Value{kind: kindInteger, num: uint64(n)} }

// Uint is a whole number that is not negative.
func Uint(n uint64) Value { return Value{kind: kindUnsigned, num: n} }

// Float is a number; a whole one is written without a point.
func Float(f float64) Value { return Value{kind: kindFloat, num: math.Float64bits(f)} }

// Bool is true or false.
func Bool(b bool) Value {
	v := Value{kind: kindTruth}
	if b {
		v.num = 1
	}
	return v
}

// Addr is an address of the network; one that is not valid is a field that is not there.
func Addr(a netip.Addr) Value {
	if !a.IsValid() {
		return Value{}
	}
	return Value{kind: kindAddress, addr: a.Unmap()}
}

// Moment is a time, written as Sysmon writes it: 2026-11-25 14:03:07.125, UTC.
func Moment(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{kind: kindMoment, num: uint64(t.UnixMilli())}
}

// octal is a mode of a file, in the digits that chmod takes and at least four of them.
func octal(before string, mode uint32) Value {
	if mode == 0 {
		return Value{}
	}
	return Value{kind: kindOctal, text: before, num: uint64(mode)}
}

// List is a field with several values; a rule is satisfied by any one of them.
func List(v []Value) Value { return Value{kind: kindMany, list: v} }

// some is a text, or a field that is not there when the text is empty.
func some(s string) Value {
	if s == "" {
		return Value{}
	}
	return Text(s)
}

const momentForm = "2006-01-02 15:04:05.000"

// append writes the value as text. Of a list it writes nothing.
func (v *Value) append(dst []byte) []byte {
	switch v.kind {
	case kindText:
		return append(dst, v.text...)
	case kindWords:
		for i, w := range v.words {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(dst, w...)
		}
	case kindInteger:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case kindUnsigned:
		return strconv.AppendUint(dst, v.num, 10)
	case kindFloat:
		return strconv.AppendFloat(dst, math.Float64frombits(v.num), 'f', -1, 64)
	case kindTruth:
		return strconv.AppendBool(dst, v.num == 1)
	case kindAddress:
		return v.addr.AppendTo(dst)
	case kindMoment:
		return time.UnixMilli(int64(v.num)).UTC().AppendFormat(dst, momentForm)
	case kindOctal:
		dst = append(dst, v.text...)
		for least := uint64(0o1000); least > v.num && least > 1; least /= 8 {
			dst = append(dst, '0')
		}
		return strconv.AppendUint(dst, v.num, 8)
	}
	return dst
}

// String is the value as text; of a list, its values with commas.
func (v Value) String() string {
	if v.kind != kindMany {
		return string(v.append(nil))
	}
	var b []byte
	for i := range v.list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, v.list[i].String()...)
	}
	return string(b)
}

// number is the value as a number; a text may be written as one.
func (v *Value) number() (float64, bool) {
	switch v.kind {
	case kindInteger:
		return float64(int64(v.num)), true
	case kindUnsigned:
		return float64(v.num), true
	case kindFloat:
		return math.Float64frombits(v.num), true
	case kindText:
		f, err := strconv.ParseFloat(v.text, 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

// ip is the value as an address.
func (v *Value) ip() (netip.Addr, bool) {
	switch v.kind {
	case kindAddress:
		return v.addr, true
	case kindText:
		a, err := netip.ParseAddr(v.text)
		return a.Unmap(), err == nil
	}
	return netip.Addr{}, false
}

// timeForms are read as they are written: the modifiers of time convert no zones.
var timeForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.DateOnly}

// time is the value as a date; a number is seconds since 1970.
func (v *Value) time() (time.Time, bool) {
	switch v.kind {
	case kindMoment:
		return time.UnixMilli(int64(v.num)).UTC(), true
	case kindInteger, kindUnsigned, kindFloat:
		if f, ok := v.number(); ok && math.Abs(f) < 1e11 {
			return time.Unix(int64(f), 0).UTC(), true
		}
	case kindText:
		if len(v.text) > 40 {
			break
		}
		for _, form := range timeForms {
			if t, err := time.Parse(form, v.text); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}
