package interp

import (
	"fmt"
	"go/types"
	"image"
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
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		if rv.IsNil() {
			return "nil"
		}
	}
	switch v.(type) {
	case fmt.Stringer, error:
		return fmt.Sprint(v)
	}
	if core.Of(v) != nil {
		return fmt.Sprintf("%+v", v)
	}
	return fmt.Sprint(v)
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
	if v == nil || core.Of(v) != nil && !hasRich(v) {
		return nil, false
	}
	b, ok := display.Of(v)
	if !ok {
		return nil, true
	}
	return &b, true
}

// hasRich reports that package display finds more than text in v.
func hasRich(v any) bool {
	switch v.(type) {
	case interface{ HTML() string }, interface{ Markdown() string }, interface{ Latex() string }, interface{ SVG() string },
		interface{ PNG() []byte }, interface{ JPEG() []byte }, interface{ MIMEBundle() map[string]any }, image.Image,
		interface{ Bundle() display.Bundle }:
		return true
	}
	return false
}
