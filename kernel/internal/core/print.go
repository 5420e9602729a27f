package core

import (
	"fmt"
	"reflect"
	"strconv"
	"unsafe"
)

// Print and Println are the built-ins: they write to standard error, in the
// runtime's own formats.
func Print(args ...any) { write(true, []byte(builtinPrint(args, false))) }

// Println is the built-in println.
func Println(args ...any) { write(true, []byte(builtinPrint(args, true))) }

func builtinPrint(args []any, ln bool) string {
	s := ""
	for i, a := range args {
		if ln && i > 0 {
			s += " "
		}
		s += builtinText(a)
	}
	if ln {
		s += "\n"
	}
	return s
}

// words is an interface value, which print writes as its two words.
type words struct{ v any }

// Words marks an operand of print that is an interface.
func Words(v any) any { return words{v} }

func builtinText(a any) string {
	if w, ok := a.(words); ok {
		if w.v == nil {
			return "(0x0,0x0)"
		}
		word := *(*[2]uintptr)(unsafe.Pointer(&w.v))
		return fmt.Sprintf("(%#x,%#x)", word[0], word[1])
	}
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.Invalid:
		return "nil"
	case reflect.Float32, reflect.Float64:
		return runtimeFloat(v.Float(), v.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		return runtimeComplex(v)
	case reflect.Pointer, reflect.Chan, reflect.Map, reflect.Func, reflect.UnsafePointer:
		return fmt.Sprintf("%#x", v.Pointer())
	case reflect.Slice:
		return fmt.Sprintf("[%d/%d]%#x", v.Len(), v.Cap(), v.Pointer())
	}
	return plain(v)
}

// plain is a value of a basic kind without its type's methods.
func plain(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	return fmt.Sprint(v)
}

// runtimeFloat is a float as the runtime's print writes it (runtime/print.go):
// as of Go 1.26 the shortest decimal that reads back.
func runtimeFloat(f float64, bits int) string { return strconv.FormatFloat(f, 'g', -1, bits) }

func runtimeComplex(v reflect.Value) string {
	return strconv.FormatComplex(v.Complex(), 'g', -1, v.Type().Bits())
}
