package core

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"spindle/kernel/internal/named"
)

// TestFrames: deferred calls, recover and panics that replace each other.
func TestFrames(t *testing.T) {
	caught := func(f func()) (text string) {
		defer func() {
			if r := recover(); r != nil {
				text = AsPanicking(r).Text()
			}
		}()
		f()
		return ""
	}
	var order []string
	note := func(s string) func() { return func() { order = append(order, s) } }
	for _, tt := range []struct {
		name  string
		body  func(f *Frame)
		want  string
		order string
	}{
		{"last first", func(f *Frame) { f.Defer(note("a")); f.Defer(note("b")) }, "", "b a"},
		{"a panic runs them", func(f *Frame) { f.Defer(note("a")); Panic("boom") }, "boom", "a"},
		{"recovered", func(f *Frame) {
			f.DeferP(func(p *Panicking) { order = append(order, fmt.Sprint(Recover(p), Recover(p))) })
			Panic("boom")
		}, "", "boom<nil>"},
		{"recover without a panic", func(f *Frame) { f.DeferP(func(p *Panicking) { order = append(order, fmt.Sprint(Recover(p))) }) }, "", "<nil>"},
		{"replaced", func(f *Frame) { f.Defer(func() { Panic("second") }); Panic("first") }, "first\n\tpanic: second", ""},
		{"recovered, then another", func(f *Frame) {
			f.DeferP(func(p *Panicking) { Recover(p); Panic("second") })
			Panic("first")
		}, "first [recovered]\n\tpanic: second", ""},
		{"panicked with again", func(f *Frame) {
			f.DeferP(func(p *Panicking) { Panic(Recover(p)) })
			Panic("same")
		}, "same [recovered, repanicked]", ""},
		{"nil", func(*Frame) { Panic(nil) }, new(runtime.PanicNilError).Error(), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			order = nil
			got := caught(func() {
				f := NewFrame()
				Run(f, func() { tt.body(f) })
			})
			if got != tt.want {
				t.Errorf("panicked with %q, want %q", got, tt.want)
			}
			if o := strings.Join(order, " "); o != tt.order {
				t.Errorf("order %q, want %q", o, tt.order)
			}
		})
	}
}

// TestDeferred: a function deferred through a variable finds its panic, and no
// other goroutine does.
func TestDeferred(t *testing.T) {
	var mine, other any
	func() {
		f := NewFrame()
		Run(f, func() {
			f.DeferV(func() {
				done := make(chan struct{})
				go func() { defer close(done); other = Recover(Deferred()) }()
				<-done
				mine = Recover(Deferred())
			})
			Panic("boom")
		})
	}()
	if mine != "boom" || other != nil {
		t.Errorf("recovered %v here and %v elsewhere", mine, other)
	}
}

// TestErrors: a type whose representation is an int is itself in interfaces.
func TestErrors(t *testing.T) {
	made := named.New(named.Spec{Name: "main.E", PkgPath: "main", Layout: reflect.TypeFor[int](), Methods: 1, PtrMethods: 1})
	methods := []named.Method{{Name: "Error", Type: reflect.TypeFor[func() string]()}}
	if err := made.SetMethods(methods, methods); err != nil {
		t.Fatal(err)
	}
	typ := &Type{Name: "main.E", Kind: reflect.Int, R: reflect.TypeFor[int]()}
	ptr := &Type{Name: "*main.E", Kind: reflect.Pointer, R: reflect.TypeFor[*int]()}
	typ.SetFace(made.Type(), made.Bind)
	ptr.SetFace(reflect.PointerTo(made.Type()), made.BindPointer)
	Register(typ, "Error", func(code int) string { return fmt.Sprint("code ", code) })
	Register(ptr, "Error", func(code *int) string { return fmt.Sprint("code ", *code) })
	seven, eight := named.As(7, typ.Face()), named.As(8, typ.Face())
	err := fmt.Errorf("wrapped: %w", seven.(error))
	if err.Error() != "wrapped: code 7" {
		t.Errorf("text %q", err)
	}
	if !errors.Is(err, seven.(error)) || errors.Is(err, eight.(error)) {
		t.Error("errors.Is does not compare by value")
	}
	x, set, ok := ErrorsAs(err, typ, nil)
	if !ok || set || x != seven || Value(x, typ.R).Interface() != 7 {
		t.Errorf("errors.As gave %v %v %v", x, set, ok)
	}
	if got := Invoke(seven, "Error", nil)[0].String(); got != "code 7" {
		t.Errorf("Invoke gave %q", got)
	}
	if Is(7, typ) || !Is(seven, typ) || Of(7) != nil || Of(seven) != typ {
		t.Error("an int is taken for the learner's type")
	}
}

func TestFaultsAreRuntimeErrors(t *testing.T) {
	for _, r := range []any{Fault("x"), PlainFault("y"), translate(&reflect.ValueError{Method: "Field"}), translate("reflect: call of reflect.Value.Elem on zero Value")} {
		if _, ok := r.(runtime.Error); !ok {
			t.Errorf("%T is no runtime.Error", r)
		}
	}
}

// TestGenerics holds some of the generic functions to the real ones' results,
// aliasing included.
func TestGenerics(t *testing.T) {
	call := func(name string, out []reflect.Type, args ...any) []reflect.Value {
		var in []reflect.Value
		for _, a := range args {
			in = append(in, reflect.ValueOf(a))
		}
		return Generics[name](out, in)
	}
	s := make([]int, 3, 8)
	copy(s, []int{1, 2, 3})
	got := call("slices.Insert", nil, s, 1, []int{9, 9})[0].Interface().([]int)
	if fmt.Sprint(got, s) != "[1 9 9 2 3] [1 9 9]" {
		t.Errorf("Insert within the capacity: %v %v", got, s)
	}
	s = []int{1, 2, 3}[:3:3]
	got = call("slices.Insert", nil, s, 1, []int{9})[0].Interface().([]int)
	if fmt.Sprint(got, s) != "[1 9 2 3] [1 2 3]" {
		t.Errorf("Insert beyond the capacity: %v %v", got, s)
	}
	s = []int{1, 2, 3, 4}
	got = call("slices.Delete", nil, s, 1, 3)[0].Interface().([]int)
	if fmt.Sprint(got, s) != "[1 4] [1 4 0 0]" {
		t.Errorf("Delete: %v %v", got, s)
	}
	got = call("slices.Compact", nil, []int{1, 1, 2, 2, 2, 1})[0].Interface().([]int)
	if fmt.Sprint(got) != "[1 2 1]" {
		t.Errorf("Compact: %v", got)
	}
	if r := call("slices.BinarySearch", nil, []string{"a", "c"}, "b"); r[0].Int() != 1 || r[1].Bool() {
		t.Errorf("BinarySearch: %v", r)
	}
}
