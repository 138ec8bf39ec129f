package incident

import "reflect"

// Sealed is text that a person wrote or that names one. It can be erased while the
// record stays provable: the event line holds only Ref, the hex SHA-256 over a
// random salt and the text, and the store keeps salt and text apart, encrypted
// under a key of its own. Decide makes a Sealed with no Ref; the store gives it
// one when it commits. Apply copies a Sealed and never looks inside.
type Sealed struct {
	Ref  string `json:"ref,omitempty"`
	Text string `json:"-"` // "" when erased or never filled
}

// Seal wraps text that has not been stored yet.
func Seal(text string) Sealed { return Sealed{Text: text} }

// String is the text, or "[erased]" where there was text once.
func (s Sealed) String() string {
	if s.Text == "" && s.Ref != "" {
		return "[erased]"
	}
	return s.Text
}

// IsZero reports that nothing was ever sealed here.
func (s Sealed) IsZero() bool { return s.Ref == "" && s.Text == "" }

var sealedType = reflect.TypeFor[Sealed]()

// EachSealed calls f for every Sealed reachable from v, a non-nil pointer, in a
// stable order of struct fields, slice indices and (unordered) map values; what f
// changes is changed in place.
func EachSealed(v any, f func(*Sealed)) { walkSealed(reflect.ValueOf(v), f) }

func walkSealed(v reflect.Value, f func(*Sealed)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkSealed(v.Elem(), f)
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		c := copyOf(v.Elem())
		walkSealed(c, f)
		if v.CanSet() {
			v.Set(c)
		}
	case reflect.Struct:
		if v.Type() == sealedType {
			if v.CanAddr() {
				f(v.Addr().Interface().(*Sealed))
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walkSealed(v.Field(i), f)
			}
		}
	case reflect.Slice, reflect.Array:
		if mayHoldSealed(v.Type().Elem()) {
			for i := range v.Len() {
				walkSealed(v.Index(i), f)
			}
		}
	case reflect.Map:
		if !mayHoldSealed(v.Type().Elem()) {
			return
		}
		for _, k := range v.MapKeys() {
			c := copyOf(v.MapIndex(k))
			walkSealed(c, f)
			v.SetMapIndex(k, c)
		}
	}
}

func copyOf(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// mayHoldSealed spares the walk through slices of plain values.
func mayHoldSealed(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.Array:
		return t.String() != "time.Time"
	}
	return false
}
