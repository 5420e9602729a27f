// Package core is the native half of the core language: what lowered cells
// call where yaegi alone would not mean what Go means. It has run-time types,
// interface values that carry them, formatting, defer and recover, goroutines
// that belong to cells, select, and the generic standard library by reflection.
package core

import (
	"fmt"
	"reflect"
	"sync"
	"unicode/utf8"
)

// Type describes a type of the learner's at run time: what reflection cannot
// know, because the value is represented by another type.
type Type struct {
	Name     string                  // as %T prints it: "main.Point", "[]main.Celsius"
	Kind     reflect.Kind            // of the underlying type
	R        reflect.Type            // the representation
	Learner  bool                    // mentions a type of the learner's
	Wrapped  bool                    // the representation is a struct around the value
	Elem     *Type                   // pointer, slice, array, chan, map
	Key      *Type                   // map
	Fields   []Field                 // struct
	Iface    map[string]reflect.Type // an interface's methods, receivers left out
	NativeIf reflect.Type            // the native interface, where it is one
	Missing  func(dyn *Type) string  // for interfaces: the method that dyn lacks, ""

	mu      sync.RWMutex
	methods map[string]reflect.Value
}

// Field is one field of a struct type.
type Field struct {
	Name     string // the learner's name
	Type     *Type
	Exported bool
}

// Obj is a value of a learner's type in an interface. It is comparable like
// the value it holds, so it may be a map's key.
type Obj struct {
	T *Type
	V any
}

func (o Obj) obj() Obj { return o }

// holder is implemented by Obj and by every adapter that stands for one where
// a native interface is wanted.
type holder interface{ obj() Obj }

// Holder is embedded by adapters: a learner's value behind a native interface.
type Holder struct{ Obj }

// In turns a native interface's value into the core's: adapters give way to
// the Obj they stand for.
func In(x any) any {
	if h, ok := x.(holder); ok {
		return h.obj()
	}
	return x
}

// Raw is the bare representation of x, for packages that reflect on it.
func Raw(x any) any {
	if h, ok := x.(holder); ok {
		return h.obj().V
	}
	return x
}

// NotNil panics as a method value of a nil interface does.
func NotNil(x any) any {
	if x == nil {
		panic(nilDeref())
	}
	return x
}

// Register gives T its method name; fn is a function of the receiver and the
// parameters.
func Register(t *Type, name string, fn any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.methods == nil {
		t.methods = map[string]reflect.Value{}
	}
	t.methods[name] = reflect.ValueOf(fn)
}

// Method is T's method as a function of the receiver and the parameters.
func (t *Type) Method(name string) (reflect.Value, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	m, ok := t.methods[name]
	return m, ok
}

// Call calls a method of the value; adapters use it.
func (o Obj) Call(name string, args ...any) []reflect.Value {
	m, ok := o.T.Method(name)
	if !ok {
		panic(fmt.Sprintf("spindle: %s has no method %s", o.T.Name, name))
	}
	in := make([]reflect.Value, 0, len(args)+1)
	in = append(in, reflect.ValueOf(o.V))
	mt := m.Type()
	for i, a := range args {
		in = append(in, valueFor(a, mt.In(i+1)))
	}
	return m.Call(in)
}

// valueFor is a as a reflect.Value of type t; nil becomes t's zero value.
func valueFor(a any, t reflect.Type) reflect.Value {
	if t.Kind() == reflect.Interface && t.NumMethod() == 0 {
		a = In(a)
	}
	if a == nil {
		return reflect.Zero(t)
	}
	return reflect.ValueOf(a)
}

// Result is r's value as T; adapters use it.
func Result[T any](r reflect.Value) T {
	var zero T
	if !r.IsValid() || r.Kind() == reflect.Interface && r.IsNil() {
		return zero
	}
	return r.Interface().(T)
}

// Eq is == of two interface values, with Go's panic where they cannot be
// compared.
func Eq(a, b any) bool {
	oa, ok := a.(Obj)
	if ok {
		if ob, ok := b.(Obj); ok && oa.T == ob.T {
			if !oa.T.R.Comparable() {
				panic(Fault("comparing uncomparable type " + oa.T.Name))
			}
			return oa.V == ob.V
		}
		return false
	}
	return a == b
}

// ShiftCount checks a signed shift count.
func ShiftCount(n int64) uint {
	if n < 0 {
		panic(Fault("negative shift amount"))
	}
	return uint(n)
}

// Key checks that what an interface holds can be a map's key.
func Key(x any) any {
	if o, ok := x.(Obj); ok {
		if !hashable(reflect.ValueOf(o.V)) {
			panic(Fault("hash of unhashable type " + o.T.Name))
		}
	}
	return x
}

func hashable(v reflect.Value) bool { return v.Comparable() }

// Complex, Real and Imag are the built-ins.
func Complex(r, i float64) complex128 { return complex(r, i) }

// Real is the built-in real.
func Real(c complex128) float64 { return real(c) }

// Imag is the built-in imag.
func Imag(c complex128) float64 { return imag(c) }

// CopyString is copy from a string.
func CopyString(dst []byte, src string) int { return copy(dst, src) }

// DecodeRune is one step of a range over a string: the rune at s[i:] and its
// width in bytes.
func DecodeRune(s string, i int) (rune, int) { return utf8.DecodeRuneInString(s[i:]) }

// DeepEqual is reflect.DeepEqual on the learner's values.
func DeepEqual(a, b any) bool {
	if oa, ok := a.(Obj); ok {
		ob, ok := b.(Obj)
		return ok && oa.T == ob.T && reflect.DeepEqual(oa.V, ob.V)
	}
	return reflect.DeepEqual(a, b)
}

// TypeName is the name of x's dynamic type as Go prints it.
func TypeName(x any) string {
	if h, ok := x.(holder); ok {
		return h.obj().T.Name
	}
	if x == nil {
		return "nil"
	}
	return reflect.TypeOf(x).String()
}

// Is reports whether x's dynamic type is t, or implements t.
func Is(x any, t *Type) bool {
	if x == nil {
		return false
	}
	o, isObj := x.(Obj)
	if t.Kind != reflect.Interface {
		if isObj {
			return o.T == t
		}
		return !t.Learner && reflect.TypeOf(x) == t.R
	}
	return missing(x, t) == ""
}

// missing names the method that x lacks for the interface t; "" is none.
func missing(x any, t *Type) string {
	if o, ok := x.(Obj); ok {
		return t.Missing(o.T)
	}
	rt := reflect.TypeOf(x)
	if t.NativeIf != nil {
		if rt.Implements(t.NativeIf) {
			return ""
		}
		for i := range t.NativeIf.NumMethod() {
			if _, ok := rt.MethodByName(t.NativeIf.Method(i).Name); !ok {
				return t.NativeIf.Method(i).Name
			}
		}
		return "?"
	}
	for name, want := range t.Iface {
		m, ok := rt.MethodByName(name)
		if !ok || !sameSignature(m.Type, want) {
			return name
		}
	}
	return ""
}

// sameSignature compares a method's type, receiver first, with a function's.
func sameSignature(m, f reflect.Type) bool {
	if m.NumIn() != f.NumIn()+1 || m.NumOut() != f.NumOut() {
		return false
	}
	for i := range f.NumIn() {
		if m.In(i+1) != f.In(i) {
			return false
		}
	}
	for i := range f.NumOut() {
		if m.Out(i) != f.Out(i) {
			return false
		}
	}
	return true
}

// Assert is x.(T) for a value known by its native type; iface names the static
// type of x for the panic's text.
func Assert(x any, t *Type, iface string) any {
	if Is(x, t) {
		return x
	}
	panic(&assertionError{failedAssertion(x, t, iface)})
}

func failedAssertion(x any, t *Type, iface string) string {
	switch {
	case x == nil && t.Kind == reflect.Interface:
		return "interface conversion: interface is nil, not " + t.Name
	case x == nil:
		return fmt.Sprintf("interface conversion: %s is nil, not %s", iface, t.Name)
	case t.Kind == reflect.Interface:
		return fmt.Sprintf("interface conversion: %s is not %s: missing method %s", TypeName(x), t.Name, missing(x, t))
	}
	text := fmt.Sprintf("interface conversion: %s is %s, not %s", iface, TypeName(x), t.Name)
	if TypeName(x) == t.Name {
		text += " (types from different scopes)"
	}
	return text
}

// Value is the bare value of x as a reflect.Value of type r.
func Value(x any, r reflect.Type) reflect.Value {
	if o, ok := x.(Obj); ok && r.Kind() != reflect.Interface {
		return reflect.ValueOf(o.V)
	}
	if x == nil {
		return reflect.Zero(r)
	}
	return reflect.ValueOf(x)
}

// Invoke calls method name on an interface's dynamic value.
func Invoke(x any, name string, args []reflect.Value) []reflect.Value {
	switch o := x.(type) {
	case nil:
		panic(nilDeref())
	case Obj:
		m, ok := o.T.Method(name)
		if !ok {
			panic(fmt.Sprintf("spindle: %s has no method %s", o.T.Name, name))
		}
		return m.Call(append([]reflect.Value{reflect.ValueOf(o.V)}, args...))
	}
	m := reflect.ValueOf(x).MethodByName(name)
	if m.Type().IsVariadic() {
		return m.CallSlice(args)
	}
	return m.Call(args)
}
