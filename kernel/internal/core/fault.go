package core

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"unsafe"

	"spindle/kernel/internal/named"
)

// Run-time errors have the runtime's own types, as %T and assertions of a
// recovered value see them. Those without an exported name come from errors
// that the runtime is made to make.

var (
	errorString = sync.OnceValue(func() reflect.Type { n := -1; return panicType(func() { _ = make([]int, n) }) })
	plainError  = sync.OnceValue(func() reflect.Type { var c chan int; return panicType(func() { close(c) }) })
)

func panicType(f func()) reflect.Type { return reflect.TypeOf(panicOf(f)) }

func panicOf(f func()) (r any) {
	defer func() { r = recover() }()
	f()
	return nil
}

// Fault is a runtime.Error of the words "runtime error: " and msg.
func Fault(msg string) runtime.Error { return worded(errorString(), msg) }

// PlainFault is a runtime.Error of the words of msg alone.
func PlainFault(msg string) runtime.Error { return worded(plainError(), msg) }

func worded(t reflect.Type, msg string) runtime.Error {
	v := reflect.New(t).Elem()
	v.SetString(msg)
	return v.Interface().(runtime.Error)
}

// NilDeref is the fault of a nil pointer.
func NilDeref() runtime.Error {
	return Fault("invalid memory address or nil pointer dereference")
}

// ArrayFault is the fault of a slice of length have that is converted to an
// array of length want.
func ArrayFault(have, want int) runtime.Error {
	var empty []int
	x := panicOf(func() { _ = [1]int(empty) })
	v := reflect.New(reflect.TypeOf(x)).Elem() // a runtime.boundsError
	v.Set(reflect.ValueOf(x))
	for name, n := range map[string]int{"x": want, "y": have} {
		f := v.FieldByName(name)
		if !f.IsValid() || !f.CanInt() {
			return Fault(fmt.Sprintf("cannot convert slice with length %d to array or pointer to array with length %d", have, want))
		}
		reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().SetInt(int64(n))
	}
	return v.Interface().(runtime.Error)
}

// AssertionFault is the *runtime.TypeAssertionError of a value of the type
// concrete, or "" for nil, in an interface of type iface, that is not of the
// type asserted; missing is the method that it lacks.
func AssertionFault(iface, concrete, asserted, missing string) runtime.Error {
	e := new(runtime.TypeAssertionError)
	v := reflect.ValueOf(e).Elem()
	for name, text := range map[string]string{"_interface": iface, "concrete": concrete, "asserted": asserted} {
		if text != "" {
			*(*unsafe.Pointer)(v.FieldByName(name).Addr().UnsafePointer()) = nameOnly(text)
		}
	}
	*(*string)(v.FieldByName("missingMethod").Addr().UnsafePointer()) = missing
	return e
}

// nameOnly is the runtime's record of a type that is a name and nothing else.
func nameOnly(name string) unsafe.Pointer {
	t, ok := nameOnlys.Load(name)
	if !ok {
		t, _ = nameOnlys.LoadOrStore(name, named.New(named.Spec{Name: name, Layout: reflect.TypeFor[struct{}]()}).Type())
	}
	return reflect.ValueOf(t).UnsafePointer() // a reflect.Type is a *rtype, which begins with the record
}

var nameOnlys sync.Map // name → reflect.Type
