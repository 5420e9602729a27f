package core

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
)

// Site is a place in a learner's code, as a traceback shows it.
type Site struct {
	Cell, Line int
	Func       string
}

func (s Site) String() string { return fmt.Sprintf("cell %d, line %d, %s", s.Cell, s.Line, s.Func) }

// Panicking is a panic on its way up: the value, and the learner's frames that
// it has left so far, innermost first.
type Panicking struct {
	Value     any
	Trace     []Site
	prev      *Panicking // the panic that was running when this one began
	recovered bool
	// repanicked says that the value was recovered and panicked with again.
	repanicked bool
}

// PanicNilError is what panic(nil) panics with, as of Go 1.21.
var panicNil = new(runtime.PanicNilError)

// Panic is the built-in panic.
func Panic(v any) {
	if v == nil {
		v = panicNil
	}
	panic(&Panicking{Value: v})
}

// AsPanicking makes a Panicking of what recover returned.
func AsPanicking(r any) *Panicking {
	if p, ok := r.(*Panicking); ok {
		if p.recovered {
			return &Panicking{Value: p.Value}
		}
		return p
	}
	return &Panicking{Value: translate(r)}
}

// translate turns the panics of yaegi's reflection into Go's.
func translate(r any) any {
	switch r.(type) {
	case *reflect.ValueError, string:
		if reflected() {
			return r
		}
	}
	switch e := r.(type) {
	case *reflect.ValueError:
		return NilDeref()
	case runtime.Error:
		return e
	case string:
		switch {
		case strings.HasPrefix(e, "reflect: call of reflect.Value"),
			strings.HasPrefix(e, "reflect: indirection through nil"),
			strings.HasPrefix(e, "reflect: Method on nil interface value"),
			strings.HasPrefix(e, "reflect.Value.Call: call of nil function"),
			strings.HasPrefix(e, "reflect: Value.Call: call of nil function"),
			strings.HasPrefix(e, "reflect.Value.") && strings.Contains(e, "nil pointer"):
			return NilDeref()
		case strings.HasPrefix(e, "reflect.Value.SetMapIndex") || e == "assignment to entry in nil map":
			return Fault("assignment to entry in nil map")
		case strings.HasPrefix(e, "reflect.Value.Grow"), strings.HasPrefix(e, "reflect.Append"):
			return Fault("growslice: len out of range")
		case strings.HasPrefix(e, "reflect.MakeChan"):
			return PlainFault("makechan: size out of range")
		case strings.HasPrefix(e, "reflect"):
			return Fault(e)
		}
	}
	return r
}

// reflected reports that the panic being recovered comes from a function of
// package reflect that the cell itself called: yaegi calls those by reflection,
// and does its own computing without a call between.
func reflected() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicked, inside := false, false
	for {
		f, more := frames.Next()
		switch fn := f.Function; {
		case !panicked:
			panicked = fn == "runtime.gopanic"
		case fn == "reflect.Value.call":
			return inside
		case strings.HasPrefix(fn, "reflect."):
			inside = true
		case !strings.HasPrefix(fn, "runtime."):
			return false
		}
		if !more {
			return false
		}
	}
}

// Frame is the deferred calls of one function call.
type Frame struct {
	deferred []any // func() or func(*Panicking)
	done     bool
}

// NewFrame begins a function that defers.
func NewFrame() *Frame { return new(Frame) }

// Defer is the defer statement.
func (f *Frame) Defer(fn func()) { f.deferred = append(f.deferred, fn) }

// DeferP defers a call that may recover.
func (f *Frame) DeferP(fn func(*Panicking)) { f.deferred = append(f.deferred, fn) }

// valueCall is a deferred call of a function that only its value names: the
// function asks Deferred for the panic that it may recover from.
type valueCall func()

// DeferV defers a call through a function value or an interface.
func (f *Frame) DeferV(fn func()) { f.deferred = append(f.deferred, valueCall(fn)) }

// Run runs a function's body and then what it deferred, last first. A panic
// that nobody recovered goes on.
func Run(f *Frame, body func()) {
	defer f.finish()
	body()
	f.done = true
}

func (f *Frame) finish() {
	var p *Panicking
	if !f.done {
		if r := recover(); r != nil {
			p = AsPanicking(r)
		}
	}
	for len(f.deferred) > 0 {
		fn := f.deferred[len(f.deferred)-1]
		f.deferred = f.deferred[:len(f.deferred)-1]
		q := runDeferred(fn, p)
		if q != nil {
			oldest := q
			for oldest.prev != nil && oldest != p {
				oldest = oldest.prev
			}
			if oldest != p {
				oldest.prev = p
			}
			p = q
		} else if p != nil && p.recovered {
			p = nil
		}
	}
	if p != nil {
		panic(p)
	}
}

// runDeferred runs one deferred call; a panic of its own replaces p.
func runDeferred(fn any, p *Panicking) (q *Panicking) {
	done := false
	defer func() {
		if done {
			return
		}
		if r := recover(); r != nil {
			q = AsPanicking(r)
		}
	}()
	var mark *Panicking
	if _, byValue := fn.(valueCall); byValue {
		mark = p
	}
	old := setDeferred(mark)
	defer setDeferred(old)
	switch fn := fn.(type) {
	case valueCall:
		if fn == nil {
			panic(NilDeref())
		}
		fn()
	case func():
		if fn == nil {
			panic(NilDeref())
		}
		fn()
	case func(*Panicking):
		fn(p)
	}
	done = true
	return nil
}

// Recover is the built-in recover, of a deferred call that was given the panic
// it runs for.
func Recover(p *Panicking) any {
	if p == nil || p.recovered {
		return nil
	}
	p.recovered = true
	return p.Value
}

// RecoverDirect is `defer recover()` in a function that was deferred for the
// panic p. It stops p if the function comes to its end, and no panic of the
// function's own.
func RecoverDirect(p *Panicking) func(*Panicking) {
	return func(own *Panicking) {
		if own == nil {
			Recover(p)
		}
	}
}

// RecoverNow is recover in a function that nobody deferred.
func RecoverNow() any { return nil }

// The panic for which a goroutine is running a deferred call, for functions
// that are deferred through a variable and so cannot be handed it.
var (
	deferredMu sync.Mutex
	deferredBy = map[int64]*Panicking{}
)

func setDeferred(p *Panicking) *Panicking {
	deferredMu.Lock()
	defer deferredMu.Unlock()
	if p == nil && len(deferredBy) == 0 {
		return nil
	}
	id := goid()
	old := deferredBy[id]
	if p == nil {
		delete(deferredBy, id)
	} else {
		deferredBy[id] = p
	}
	return old
}

// Deferred is the panic that the calling function may recover from, if it was
// called by a frame that is panicking. The first to ask has it: what that
// function calls in its turn was not deferred.
func Deferred() *Panicking {
	deferredMu.Lock()
	defer deferredMu.Unlock()
	if len(deferredBy) == 0 {
		return nil
	}
	id := goid()
	p := deferredBy[id]
	if p != nil && !calledByFrame() {
		return nil
	}
	delete(deferredBy, id)
	return p
}

// calledByFrame reports that the interpreted function that called Deferred was
// deferred itself, and not called by what was: there is only its thunk between
// it and the frame.
func calledByFrame() bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for bodies := 0; bodies <= 2; {
		f, more := frames.Next()
		switch {
		case strings.HasSuffix(f.Function, "/core.runDeferred"):
			return true
		case strings.HasSuffix(f.Function, "/interp.run"), strings.HasSuffix(f.Function, "/interp.runCfg"):
			bodies++
		}
		if !more {
			break
		}
	}
	return false
}

// goid is the calling goroutine's number, as tracebacks print it.
func goid() int64 {
	var buf [64]byte
	n := runtime.Stack(buf[:], false)
	var id int64
	for _, c := range buf[len("goroutine "):n] {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + int64(c-'0')
	}
	return id
}

// The states of a range over a function, in which its body may be called once
// more, or may not (internal/abi/rangefuncconsts.go).
const (
	IterReady     = iota
	IterRunning   // or has panicked
	IterLeft      // the body returned false
	IterExhausted // the loop is over
)

// IterDone panics as a loop body does that is called in a state not ready.
func IterDone(state int) {
	what := map[int]string{
		IterRunning: "loop body panic", IterLeft: "function for loop body returned false", IterExhausted: "whole loop exit",
	}[state]
	panic(Fault("range function continued iteration after " + what))
}

// IterSwallowed panics where the function recovered the panic of the body.
func IterSwallowed() {
	panic(Fault("range function recovered a loop body panic and did not resume panicking"))
}

// Text is what Go prints for the panic, with those that led to it
// (runtime/panic.go, printpanics), after "panic: ".
func (p *Panicking) Text() string {
	var chain []*Panicking
	for q := p; q != nil; q = q.prev {
		chain = append([]*Panicking{q}, chain...)
	}
	var b strings.Builder
	first := true
	for i, q := range chain {
		again := i+1 < len(chain) && sameValue(q.Value, chain[i+1].Value)
		if again && q.recovered {
			chain[i+1].repanicked = true
			continue
		}
		if !first {
			b.WriteString("\n\tpanic: ")
		}
		first = false
		b.WriteString(panicText(q.Value))
		switch {
		case q.repanicked:
			b.WriteString(" [recovered, repanicked]")
		case q.recovered && i+1 < len(chain):
			b.WriteString(" [recovered]")
		}
	}
	return b.String()
}

// Error makes a panic that compiled code recovers print as its value would.
func (p *Panicking) Error() string { return fmt.Sprint(p.Value) }

// Signalled reports that the runtime would name the signal, too.
func (p *Panicking) Signalled() bool {
	for q := p; q != nil; q = q.prev {
		if e, ok := q.Value.(runtime.Error); ok && strings.HasSuffix(e.Error(), "nil pointer dereference") {
			return true
		}
	}
	return false
}

func sameValue(a, b any) (same bool) {
	defer func() { _ = recover() }() // uncomparable
	return a == b
}

func panicText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	rv := reflect.ValueOf(v)
	t := rv.Type()
	switch {
	case basic(t.Kind()):
		return printed(t.String(), rv)
	case rv.Kind() == reflect.Pointer:
		return fmt.Sprintf("(%T) %p", v, v)
	}
	return fmt.Sprintf("(%T) %p", v, &v)
}

func basic(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
}

// printed is a predeclared type's value; a native named type's has its name.
func printed(typ string, v reflect.Value) string {
	switch {
	case typ == "string":
		return strings.ReplaceAll(v.String(), "\n", "\n\t")
	case !strings.Contains(typ, "."):
		return inner(v)
	}
	return typ + "(" + inner(v) + ")"
}

// inner is a basic value as the runtime's print writes it.
func inner(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return fmt.Sprintf("%q", v.String())
	case reflect.Float32, reflect.Float64:
		return runtimeFloat(v.Float(), v.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		return runtimeComplex(v)
	}
	return plain(v)
}

// ErrorsAs is errors.As for the types that yaegi has: found, if any, is the
// value that target's type holds. A method As may set target, a pointer, too.
func ErrorsAs(err error, t *Type, target any) (found any, set, ok bool) {
	for err != nil {
		if Is(err, t) {
			return err, false, true
		}
		if e, has := err.(interface{ As(any) bool }); has && e.As(target) {
			return nil, true, true
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, in := range e.Unwrap() {
				if x, set, ok := ErrorsAs(in, t, target); ok {
					return x, set, true
				}
			}
			return nil, false, false
		default:
			return nil, false, false
		}
	}
	return nil, false, false
}
