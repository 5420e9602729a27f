package interp

import (
	"fmt"
	"go/types"
	"html"
	"reflect"
	"strings"

	"spindle/kernel/display"
	"spindle/kernel/internal/core"
)

// shownBundle is a cell's last values: as fmt.Println would print them, structs
// with the names of their fields, and each with its type in the rich form.
func shownBundle(ts []types.Type, values []any) display.Bundle {
	if len(values) == 1 {
		if b, ok := rich(values[0]); ok {
			return b
		}
	}
	var plain, marked []string
	for i, v := range values {
		text := valueText(v, ts[i])
		plain = append(plain, text)
		marked = append(marked, fmt.Sprintf(`<code>%s</code> <span style="opacity:.6">%s</span>`, html.EscapeString(text), html.EscapeString(valueType(v, ts[i]))))
	}
	return display.Bundle{Data: map[string]any{
		"text/plain": strings.Join(plain, " "),
		"text/html":  `<div style="white-space:pre-wrap">` + strings.Join(marked, "<br>") + `</div>`,
	}}
}

func valueText(v any, t types.Type) string {
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

// rich is what a value shows of itself.
func rich(v any) (display.Bundle, bool) {
	o, ok := v.(core.Obj)
	if !ok {
		return display.Bundle{}, false
	}
	b := display.Bundle{Data: map[string]any{}}
	for method, mime := range map[string]string{"HTML": "text/html", "Markdown": "text/markdown", "SVG": "image/svg+xml"} {
		if m, ok := o.T.Method(method); ok && m.Type().NumIn() == 1 && m.Type().NumOut() == 1 && m.Type().Out(0).Kind() == reflect.String {
			b.Data[mime] = o.Call(method)[0].String()
		}
	}
	if len(b.Data) == 0 {
		return b, false
	}
	b.Data["text/plain"] = valueText(v, nil)
	return b, true
}
