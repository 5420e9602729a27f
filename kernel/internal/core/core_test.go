package core

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

type celsius float64

func (c celsius) String() string { return fmt.Sprintf("%.1f°C", float64(c)) }

type point struct {
	X    int
	name string
	At   celsius
	Any  any
}

// described makes the run-time types that a cell's own celsius and point would
// have, to compare with Go's.
func described() (c, p, ps *Type) {
	c = &Type{Name: "core.celsius", Kind: reflect.Float64, R: reflect.TypeFor[float64](), Learner: true}
	Register(c, "String", func(f float64) string { return fmt.Sprintf("%.1f°C", f) })
	number := &Type{Name: "int", Kind: reflect.Int, R: reflect.TypeFor[int]()}
	text := &Type{Name: "string", Kind: reflect.String, R: reflect.TypeFor[string]()}
	empty := &Type{Name: "interface {}", Kind: reflect.Interface, R: anyType}
	p = &Type{Name: "core.point", Kind: reflect.Struct, Learner: true, Fields: []Field{
		{"X", number, true},
		{"name", text, false},
		{"At", c, true},
		{"Any", empty, true},
	}}
	p.R = reflect.TypeFor[struct {
		X     int
		XName string
		At    float64
		Any   any
	}]()
	ps = &Type{Name: "[]core.point", Kind: reflect.Slice, Learner: true, Elem: p, R: reflect.SliceOf(p.R)}
	return c, p, ps
}

// TestFormat: every verb and flag prints the learner's type as fmt prints Go's.
func TestFormat(t *testing.T) {
	c, p, ps := described()
	type raw = struct {
		X     int
		XName string
		At    float64
		Any   any
	}
	values := []struct {
		name string
		own  any
		want any
	}{
		{"stringer", Obj{c, 36.6}, celsius(36.6)},
		{"struct", Obj{p, raw{1, "n", 20, Obj{c, 5.0}}}, point{1, "n", 20, celsius(5)}},
		{"nil inside", Obj{p, raw{}}, point{}},
		{"slice", Obj{ps, []raw{{X: 1}, {At: 2}}}, []point{{X: 1}, {At: 2}}},
		{"nil slice", Obj{ps, []raw(nil)}, []point(nil)},
	}
	for _, v := range values {
		for _, f := range []string{"%v", "%+v", "%#v", "%s", "%d", "%6.2f|", "%q", "%x", "%T", "%-8v|", "%08.3f", "%t"} {
			got, want := Sprintf(f, v.own), fmt.Sprintf(f, v.want)
			if got != want {
				t.Errorf("%s %s: got %q, Go prints %q", v.name, f, got, want)
			}
		}
	}
	if got := Sprint(Obj{c, 1.0}, "a", 2, 3, Obj{c, 2.0}); got != fmt.Sprint(celsius(1), "a", 2, 3, celsius(2)) {
		t.Errorf("Sprint: %q", got)
	}
}

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

func TestErrors(t *testing.T) {
	typ := &Type{Name: "main.E", Kind: reflect.Int, R: reflect.TypeFor[int](), Learner: true}
	Register(typ, "Error", func(code int) string { return fmt.Sprint("code ", code) })
	err := fmt.Errorf("wrapped: %w", ToError(Obj{typ, 7}))
	if err.Error() != "wrapped: code 7" {
		t.Errorf("text %q", err)
	}
	if !errors.Is(err, ToError(Obj{typ, 7})) || errors.Is(err, ToError(Obj{typ, 8})) {
		t.Error("errors.Is does not compare by value")
	}
	x, set, ok := ErrorsAs(err, typ, nil)
	if !ok || set || x != (Obj{typ, 7}) {
		t.Errorf("errors.As gave %v %v %v", x, set, ok)
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
