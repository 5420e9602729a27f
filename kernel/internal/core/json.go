package core

import (
	"encoding/json"
	"reflect"
	"strings"
)

// JSON is x for package encoding/json: as it is, with what the learner's
// MarshalJSON and MarshalText methods make of the values inside it, for the
// encoder cannot see those methods itself.
func JSON(x any) any {
	h, ok := x.(holder)
	if !ok {
		return x
	}
	o := h.obj()
	v, _ := jsonValue(reflect.ValueOf(o.V), o.T)
	return v.Interface()
}

// MarshalJSON encodes the value where the encoder meets it in an interface.
func (o Obj) MarshalJSON() ([]byte, error) {
	if m, ok := marshaler(o.T, "MarshalJSON"); ok {
		r := m.Call([]reflect.Value{reflect.ValueOf(o.V)})
		return Result[[]byte](r[0]), Result[error](r[1])
	}
	return json.Marshal(JSON(o))
}

// failing passes a method's error on through the encoder.
type failing struct{ err error }

func (f failing) MarshalJSON() ([]byte, error) { return nil, f.err }

func marshaler(t *Type, name string) (reflect.Value, bool) {
	m, ok := t.Method(name)
	return m, ok && m.Type().NumIn() == 1 && m.Type().NumOut() == 2 && m.Type().Out(0) == reflect.TypeFor[[]byte]()
}

// jsonValue is v for the encoder; changed says that it is not v itself.
func jsonValue(v reflect.Value, t *Type) (out reflect.Value, changed bool) {
	if v.Kind() == reflect.Interface {
		if v.IsNil() {
			return v, false
		}
		o, ok := In(v.Interface()).(Obj)
		if !ok {
			return v, false
		}
		return jsonValue(reflect.ValueOf(o.V), o.T)
	}
	if !t.Learner {
		return v, false
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return v, false
	}
	for _, name := range []string{"MarshalJSON", "MarshalText"} {
		m, ok := marshaler(t, name)
		if !ok {
			continue
		}
		r := m.Call([]reflect.Value{v})
		if err := Result[error](r[1]); err != nil {
			return reflect.ValueOf(failing{err}), true
		}
		b := Result[[]byte](r[0])
		if name == "MarshalText" {
			return reflect.ValueOf(string(b)), true
		}
		return reflect.ValueOf(json.RawMessage(b)), true
	}
	if t.Wrapped {
		v = v.Field(0)
		changed = true
	}
	switch t.Kind {
	case reflect.Pointer:
		if e, ch := jsonValue(v.Elem(), t.Elem); ch {
			return e, true
		}
	case reflect.Slice, reflect.Array:
		if t.Kind == reflect.Slice && v.IsNil() {
			return v, changed
		}
		list, some := make([]any, v.Len()), false
		for i := range list {
			e, ch := jsonValue(v.Index(i), t.Elem)
			list[i], some = e.Interface(), some || ch
		}
		if some {
			return reflect.ValueOf(list), true
		}
	case reflect.Map:
		return jsonMap(v, t, changed)
	case reflect.Struct:
		return jsonStruct(v, t, changed)
	}
	return v, changed
}

func jsonMap(v reflect.Value, t *Type, changed bool) (reflect.Value, bool) {
	if v.IsNil() {
		return v, changed
	}
	text, hasText := marshaler(t.Key, "MarshalText")
	m, some := reflect.MakeMap(reflect.MapOf(v.Type().Key(), anyType)), false
	if hasText {
		m, some = reflect.MakeMap(reflect.TypeFor[map[string]any]()), true
	}
	for it := v.MapRange(); it.Next(); {
		e, ch := jsonValue(it.Value(), t.Elem)
		some = some || ch
		k := it.Key()
		if hasText {
			r := text.Call([]reflect.Value{k})
			if err := Result[error](r[1]); err != nil {
				return reflect.ValueOf(failing{err}), true
			}
			k = reflect.ValueOf(string(Result[[]byte](r[0])))
		}
		m.SetMapIndex(k, boxed(e))
	}
	if some {
		return m, true
	}
	return v, changed
}

var anyType = reflect.TypeFor[any]()

// boxed is v as a value of type any.
func boxed(v reflect.Value) reflect.Value {
	b := reflect.New(anyType).Elem()
	b.Set(v)
	return b
}

// jsonStruct makes a struct with the same names and tags, whose changed fields
// are interfaces: empty where the field was, for omitempty.
func jsonStruct(v reflect.Value, t *Type, changed bool) (reflect.Value, bool) {
	st := v.Type()
	fields := make([]reflect.StructField, st.NumField())
	vals := make([]reflect.Value, st.NumField())
	some := false
	for i := range fields {
		fields[i] = st.Field(i)
		fields[i].Offset, fields[i].Index = 0, nil
		vals[i] = v.Field(i)
		if !t.Fields[i].Exported && !fields[i].Anonymous {
			continue
		}
		e, ch := jsonValue(v.Field(i), t.Fields[i].Type)
		if !ch {
			continue
		}
		some = true
		if fields[i].Anonymous && e.Kind() == reflect.Struct {
			fields[i].Type, vals[i] = e.Type(), e
			continue
		}
		fields[i].Anonymous = false
		fields[i].Type, vals[i] = anyType, e
		if strings.Contains(string(fields[i].Tag), ",omitempty") && emptyJSON(v.Field(i)) {
			vals[i] = reflect.Zero(anyType)
		}
	}
	if !some {
		return v, changed
	}
	out := reflect.New(reflect.StructOf(fields)).Elem()
	for i, f := range vals {
		out.Field(i).Set(f)
	}
	return out, true
}

func emptyJSON(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
