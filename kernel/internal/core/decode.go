package core

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Decoded is what encoding/json says of having decoded into v, a pointer: an
// interface of the learner's has no methods there, so that it takes any value,
// where json would have refused it.
func Decoded(err error, v any) error {
	d := decoded{first: err}
	d.walk(reflect.ValueOf(v), nil, nil)
	return d.first
}

type decoded struct{ first error }

// walk empties the interfaces below v that hold what they cannot. in is the
// struct that v is a field of, path the names that lead to it.
func (d *decoded) walk(v reflect.Value, in reflect.Type, path []string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			d.walk(v.Elem(), in, path)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			d.walk(v.Index(i), in, path)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if e := it.Value(); e.Kind() == reflect.Interface && d.misfit(e, in, path) {
				v.SetMapIndex(it.Key(), reflect.Zero(e.Type()))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			if f.IsExported() && v.Field(i).CanSet() {
				d.walk(v.Field(i), v.Type(), append(path[:len(path):len(path)], name))
			}
		}
	case reflect.Interface:
		if d.misfit(v, in, path) {
			v.SetZero()
		}
	}
}

// misfit reports that v holds what it cannot, and makes json's error of it.
func (d *decoded) misfit(v reflect.Value, in reflect.Type, path []string) bool {
	t, ok := known.Load(v.Type())
	if !ok || v.IsNil() || missing(v.Elem().Interface(), t.(*Type)) == "" {
		return false
	}
	if d.first == nil {
		e := &json.UnmarshalTypeError{Type: v.Type(), Field: strings.Join(path, ".")}
		if in != nil {
			e.Struct = in.Name()
		}
		switch v.Elem().Kind() {
		case reflect.Map:
			e.Value = "object"
		case reflect.Slice:
			e.Value = "array"
		case reflect.String:
			e.Value = "string"
		case reflect.Bool:
			e.Value = "bool"
		default:
			e.Value = "number"
		}
		d.first = e
	}
	return true
}
