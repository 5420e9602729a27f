// Package core is the native half of the core language: what lowered cells
// call where yaegi alone would not mean what Go means. It has run-time types,
// defer and recover, goroutines that belong to cells, select, and the generic
// standard library by reflection.
package core

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"spindle/kernel/internal/named"
)

// Type describes a type of the learner's at run time.
type Type struct {
	Name     string                  // as %T prints it: "main.Point", "[]main.Celsius"
	Kind     reflect.Kind            // of the underlying type
	R        reflect.Type            // the representation: what yaegi computes with
	Iface    map[string]reflect.Type // an interface's methods, receivers left out
	NativeIf reflect.Type            // the native interface, where it is one
	Missing  func(dyn *Type) string  // for interfaces: the method that dyn lacks, ""

	face    atomic.Pointer[reflect.Type]
	mu      sync.RWMutex
	methods map[string]reflect.Value
	bind    func(name string, fn reflect.Value)
}

// Face is the type itself, as interfaces hold it: R's bits, with names and
// methods.
func (t *Type) Face() reflect.Type { return *t.face.Load() }

// known are the descriptors by the type that an interface holds. Types are the
// process's, as reflect's are.
var known sync.Map // reflect.Type → *Type

// SetFace says what values of t are in interfaces from now on; those that are
// there already stay what they are. bind makes compiled code call fn for a
// method of either.
func (t *Type) SetFace(face reflect.Type, bind func(name string, fn reflect.Value)) {
	t.face.Store(&face)
	if face != t.R {
		known.Store(face, t)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bind = bind
	for name, fn := range t.methods {
		bind(name, fn)
	}
}

// Of is the descriptor of x's type, nil for a compiled one.
func Of(x any) *Type {
	if t, ok := known.Load(reflect.TypeOf(x)); ok {
		return t.(*Type)
	}
	return nil
}

// WithMethods is t, of which something is asked that depends on an interface's
// methods: those of the learner's interfaces have none.
func WithMethods(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Interface && t.NumMethod() == 0 && (t.Name() != "" && t.PkgPath() == "main" || strings.HasPrefix(t.String(), "interface { ") && t.String() != "interface {}") {
		panic(PlainFault("the interpreter cannot tell the methods of " + t.String() + " by reflection as Go does; begin the cell with %%go to run it with the Go toolchain"))
	}
	return t
}

// In is x as an interface{}, whatever interface it comes from.
func In(x any) any { return x }

// NotNil panics as a method value of a nil interface does.
func NotNil(x any) any {
	if x == nil {
		panic(NilDeref())
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
	if t.bind != nil {
		t.bind(name, t.methods[name])
	}
}

// Method is T's method as a function of the receiver and the parameters.
func (t *Type) Method(name string) (reflect.Value, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	m, ok := t.methods[name]
	return m, ok
}

// Eq is == of two interface values.
func Eq(a, b any) bool {
	if ta, tb := reflect.TypeOf(a), reflect.TypeOf(b); ta != tb && ta != nil && tb != nil {
		// One type may have two faces: before and after it was given a method.
		if t := Of(a); t != nil && t == Of(b) {
			return named.As(a, tb) == b
		}
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

// TypeName is the name of x's dynamic type as Go prints it.
func TypeName(x any) string {
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
	if t.Kind != reflect.Interface {
		return reflect.TypeOf(x) == t.Face() || Of(x) == t
	}
	return missing(x, t) == ""
}

// missing names the method that x lacks for the interface t; "" is none.
func missing(x any, t *Type) string {
	if d := Of(x); d != nil {
		return t.Missing(d)
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
	panic(failedAssertion(x, t, iface))
}

func failedAssertion(x any, t *Type, iface string) error {
	switch {
	case x == nil && t.Kind == reflect.Interface:
		return AssertionFault("", "", t.Name, "")
	case x == nil:
		return AssertionFault(iface, "", t.Name, "")
	case t.Kind == reflect.Interface:
		return AssertionFault("", TypeName(x), t.Name, missing(x, t))
	}
	return AssertionFault(iface, TypeName(x), t.Name, "")
}

// Value is x as a reflect.Value of type r: the representation of its type, or
// an interface.
func Value(x any, r reflect.Type) reflect.Value {
	if x == nil {
		return reflect.Zero(r)
	}
	if r.Kind() != reflect.Interface && reflect.TypeOf(x) != r {
		x = named.As(x, r)
	}
	return reflect.ValueOf(x)
}

// Key is x, which must be hashable to be a map's key.
func Key(x any) any {
	if !reflect.ValueOf(x).Comparable() {
		map[any]bool{}[x] = true // panics as it does in Go
	}
	return x
}

// Invoke calls method name on an interface's dynamic value.
func Invoke(x any, name string, args []reflect.Value) []reflect.Value {
	if x == nil {
		panic(NilDeref())
	}
	if t := Of(x); t != nil {
		m, ok := t.Method(name)
		if !ok {
			panic(fmt.Sprintf("spindle: %s has no method %s", t.Name, name))
		}
		return m.Call(append([]reflect.Value{Value(x, t.R)}, args...))
	}
	m := reflect.ValueOf(x).MethodByName(name)
	if m.Type().IsVariadic() {
		return m.CallSlice(args)
	}
	return m.Call(args)
}
