package interp

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"

	"spindle/kernel/display"
	"spindle/kernel/internal/core"
)

// show is the display of a cell's last values: as fmt.Println would print them,
// structs with the names of their fields, and each with its type in the rich
// form. A single value may know a richer form of its own.
func show(ts []types.Type, values []any) *display.Bundle {
	if len(values) == 1 {
		if b, ok := rich(values[0]); ok {
			return b
		}
	}
	var plain, names []string
	for i, v := range values {
		plain = append(plain, valueText(v))
		names = append(names, valueType(v, ts[i]))
	}
	b := display.OfText(strings.Join(plain, " "), names...)
	return &b
}

func valueText(v any) string {
	if v == nil {
		return "nil"
	}
	o, ok := v.(core.Obj)
	if !ok {
		rv := reflect.ValueOf(v)
		switch rv.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
			if rv.IsNil() {
				return "nil"
			}
		}
		return fmt.Sprint(v)
	}
	rv := reflect.ValueOf(o.V)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		if rv.IsNil() {
			return "nil"
		}
	}
	if _, isStringer := o.T.Method("String"); isStringer {
		return fmt.Sprint(v)
	}
	if _, isError := o.T.Method("Error"); isError {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%+v", v)
}

// valueType is the type shown beside a value: its own, where it is in an
// interface.
func valueType(v any, t types.Type) string {
	if types.IsInterface(t) {
		return core.TypeName(v)
	}
	return typeName(t)
}

// rich is what a value shows of itself. It is nil, true for a value that has
// put itself on the page already.
func rich(v any) (*display.Bundle, bool) {
	o, ok := v.(core.Obj)
	if !ok {
		if v == nil {
			return nil, false
		}
		b, ok := display.Of(v)
		if !ok {
			return nil, true
		}
		return &b, true
	}
	r := display.Rich{Type: o.T.Name, Text: valueText(v)}
	found := false
	for method, to := range map[string]*string{"HTML": &r.HTML, "Markdown": &r.Markdown, "Latex": &r.Latex, "SVG": &r.SVG} {
		if m, ok := o.T.Method(method); ok && m.Type().NumIn() == 1 && m.Type().NumOut() == 1 && m.Type().Out(0).Kind() == reflect.String {
			*to, found = o.Call(method)[0].String(), true
		}
	}
	for method, to := range map[string]*[]byte{"PNG": &r.PNG, "JPEG": &r.JPEG} {
		if m, ok := o.T.Method(method); ok && m.Type().NumIn() == 1 && m.Type().NumOut() == 1 && m.Type().Out(0) == reflect.TypeFor[[]byte]() {
			*to, found = o.Call(method)[0].Bytes(), true
		}
	}
	if !found {
		return nil, false
	}
	b := r.Bundle()
	return &b, true
}
