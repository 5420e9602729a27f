package display

import (
	"fmt"
	"reflect"
	"sort"
)

// Records makes a Grid of a slice, array or map: a row for each element, a
// column for each exported field of a struct, a column for each key of a map;
// other elements take one column. A map is sorted by its keys.
func Records(values any) Grid {
	rv := reflect.ValueOf(values)
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	switch rv.Kind() {
	case reflect.Slice, reflect.Array:
		return recordRows(rv)
	case reflect.Map:
		g := Grid{Headers: []string{"key", "value"}}
		keys := rv.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return lessValue(keys[i], keys[j]) })
		for _, k := range keys {
			g.Rows = append(g.Rows, []any{valueOf(k), valueOf(rv.MapIndex(k))})
		}
		return g
	case reflect.Invalid:
		return Grid{Headers: []string{"value"}}
	}
	return Grid{Headers: []string{"value"}, Rows: [][]any{{values}}}
}

func recordRows(rv reflect.Value) Grid {
	var g Grid
	columns := map[string]int{}
	column := func(name string) int {
		i, ok := columns[name]
		if !ok {
			i = len(g.Headers)
			columns[name] = i
			g.Headers = append(g.Headers, name)
		}
		return i
	}
	for i := range rv.Len() {
		e := rv.Index(i)
		for (e.Kind() == reflect.Pointer || e.Kind() == reflect.Interface) && !e.IsNil() {
			e = e.Elem()
		}
		cells := map[int]any{}
		switch {
		case e.Kind() == reflect.Struct && !isPrintable(e) && hasExported(e.Type()):
			for f := range e.NumField() {
				if field := e.Type().Field(f); field.IsExported() {
					cells[column(field.Name)] = e.Field(f).Interface()
				}
			}
		case e.Kind() == reflect.Map:
			keys := e.MapKeys()
			sort.Slice(keys, func(i, j int) bool { return lessValue(keys[i], keys[j]) })
			for _, k := range keys {
				cells[column(fmt.Sprint(valueOf(k)))] = valueOf(e.MapIndex(k))
			}
		default:
			cells[column("value")] = valueOf(e)
		}
		row := make([]any, len(g.Headers))
		for c, v := range cells {
			row[c] = v
		}
		g.Rows = append(g.Rows, row)
	}
	if len(g.Headers) == 0 {
		if e := rv.Type().Elem(); e.Kind() == reflect.Struct {
			for f := range e.NumField() {
				if e.Field(f).IsExported() {
					column(e.Field(f).Name)
				}
			}
		} else {
			column("value")
		}
	}
	return g
}

// isPrintable says that a struct prints itself: a time.Time is one value.
func isPrintable(v reflect.Value) bool {
	switch valueOf(v).(type) {
	case fmt.Stringer, error, interface{ HTML() string }:
		return true
	}
	return false
}

func hasExported(t reflect.Type) bool {
	for f := range t.NumField() {
		if t.Field(f).IsExported() {
			return true
		}
	}
	return false
}

func valueOf(v reflect.Value) any {
	if !v.IsValid() || !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

func lessValue(a, b reflect.Value) bool {
	switch {
	case a.Kind() != b.Kind():
	case a.CanInt():
		return a.Int() < b.Int()
	case a.CanUint():
		return a.Uint() < b.Uint()
	case a.CanFloat():
		return a.Float() < b.Float()
	}
	return fmt.Sprint(a) < fmt.Sprint(b)
}
