package app

import (
	"reflect"

	"github.com/tocsin-ir/tocsin/incident"
)

// filled is an event with something in every field that can hold a text: slices and
// maps get one element.
func filled(e incident.Event) incident.Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	fill(v, 0)
	return v.Interface().(incident.Event)
}

func fill(v reflect.Value, depth int) {
	if depth > 6 || v.Type().PkgPath() == "time" || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[incident.Sealed]() {
			v.FieldByName("Ref").SetString("x")
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Map:
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(k, depth+1)
		fill(e, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(k, e)
	}
}
