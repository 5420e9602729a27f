package interp

import (
	"math"
	"reflect"
	"strconv"
	"sync/atomic"
	"unsafe"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
)

// Calls of core functions and closures. yaegi's way of calling locks the
// caller's frame twice, copies each argument twice, keeps the caller's frame
// alive as the callee's ancestor, and recovers and panics again at each call.
// Core functions are top-level, and a closure has a maker's frame to itself,
// so none of that is needed here.

// Frames of few slots are one object with them.
type (
	frame4 struct {
		frame
		slots [4]reflect.Value
	}
	frame8 struct {
		frame
		slots [8]reflect.Value
	}
	frame12 struct {
		frame
		slots [12]reflect.Value
	}
)

// newFrame is a frame of n slots, made by a function whose frame is by.
func newFrame(by, anc *frame, n int) *frame {
	var f *frame
	switch {
	case n <= 4:
		x := new(frame4)
		f, x.data = &x.frame, x.slots[:n:n]
	case n <= 8:
		x := new(frame8)
		f, x.data = &x.frame, x.slots[:n:n]
	case n <= 12:
		x := new(frame12)
		f, x.data = &x.frame, x.slots[:n:n]
	default:
		f = &frame{data: make([]reflect.Value, n)}
	}
	f.id, f.root, f.anc = atomic.LoadUint64(&by.id), by.root, anc
	return f
}

// enter runs a function whose call stands at a place: the traceback shows it,
// as at does, and a panic that passes through takes it along.
//
//go:noinline
func enter(place uint64, start *node, f *frame, here *cell.Place) {
	if core.Stopping() {
		stoppedAtCall(*here)
	}
	done := false
	defer func() {
		if !done {
			if r := recover(); r != nil {
				panic(addPlace(r, *here))
			}
		}
	}()
	run(start, f)
	done = place != 0 // keeps place alive, and so on the stack, during the call
}

// run runs a function's body.
func run(start *node, f *frame) {
	if start == nil {
		return
	}
	for exec := start.exec; exec != nil; {
		exec = exec(f)
	}
}

// hot is how many calls a function must see before its variables are made
// together, for which a type has to be made.
const hot = 32

// function makes the frames of a core function or a closure.
type function struct {
	def    *node
	numRet int
	slots  []fresh // of the results, parameters, variables and temporaries
	calls  atomic.Int32
	vars   atomic.Pointer[together]
}

func newFunction(def *node) *function {
	fn := &function{def: def, numRet: len(def.typ.ret)}
	for _, t := range def.types {
		fn.slots = append(fn.slots, freshOf(t))
	}
	return fn
}

// together is a struct of all slots but the results.
type together struct {
	all     unsafe.Pointer // its type
	offsets []uintptr
}

// frame is a frame for a call that a function makes whose frame is by.
func (fn *function) frame(by, anc *frame) *frame {
	f := newFrame(by, anc, len(fn.slots))
	data, slots := f.data[fn.numRet:], fn.slots[fn.numRet:]
	if vars := fn.vars.Load(); vars != nil {
		all := unsafeNew(vars.all)
		for i, s := range slots {
			data[i] = s.at(unsafe.Add(all, vars.offsets[i]))
		}
		return f
	}
	for i, s := range slots {
		data[i] = s.new()
	}
	if len(slots) > 1 && fn.calls.Add(1) == hot {
		fn.join()
	}
	return f
}

func (fn *function) join() {
	types := fn.def.types[fn.numRet:]
	fields := make([]reflect.StructField, len(types))
	for i, t := range types {
		fields[i] = reflect.StructField{Name: "F" + strconv.Itoa(i), Type: t}
	}
	t := reflect.StructOf(fields)
	vars := &together{all: rtypeOf(t)}
	for i := range types {
		vars.offsets = append(vars.offsets, t.Field(i).Offset)
	}
	fn.vars.Store(vars)
}

// fresh makes variables of one type, as reflect.New does, which looks for the
// pointer's type each time.
type fresh struct {
	model reflect.Value
	rtype unsafe.Pointer
}

func freshOf(t reflect.Type) fresh { return fresh{reflect.New(t).Elem(), rtypeOf(t)} }

func (s fresh) new() reflect.Value { return s.at(unsafeNew(s.rtype)) }

// settable is the variable in a slot, made where there is none yet.
func (s *fresh) settable(slot *reflect.Value) reflect.Value {
	if !slot.CanSet() {
		*slot = s.new()
	}
	return *slot
}

// at is the variable at p.
func (s fresh) at(p unsafe.Pointer) reflect.Value {
	v := s.model
	(*value)(unsafe.Pointer(&v)).ptr = p
	return v
}

func rtypeOf(t reflect.Type) unsafe.Pointer {
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1]
}

//go:linkname unsafeNew reflect.unsafe_New
func unsafeNew(rtype unsafe.Pointer) unsafe.Pointer

// functionOf is the core function that a call's callee names.
func (l *layout) functionOf(callee *node) *function {
	if l.kindOf(callee) != "identExpr" || callee.sym == nil || callee.sym.global && callee.sym.index >= 0 {
		return nil
	}
	def := callee.sym.node
	if def == nil || l.kindOf(def) != "funcDecl" || def.rval.IsValid() || len(def.child) != 4 || def.typ == nil {
		return nil
	}
	fn := l.functions[def]
	if fn == nil {
		fn = newFunction(def)
		l.functions[def] = fn
	}
	return fn
}

// call is a call of a core function.
func (l *layout) call(n *node, here cell.Place, slow bltn) bltn {
	callee := n.child[0]
	fn := l.functionOf(callee)
	if fn == nil {
		return l.callClosure(n, here, slow)
	}
	def := fn.def
	numRet := fn.numRet
	args := make([]func(*frame) reflect.Value, 0, len(n.child)-1)
	for i, c := range n.child[1:] {
		if i >= len(callee.typ.arg) {
			return nil
		}
		args = append(args, l.argument(c, callee.typ.arg[i]))
	}
	if len(callee.typ.arg) != len(args) {
		return nil
	}
	// Where the results go.
	results := make([]slot, numRet)
	switch l.kindOf(n.anc) {
	case "goStmt", "deferStmt":
		return nil
	case "defineXStmt", "assignXStmt":
		for i := range results {
			if n.anc.child[i].ident == "_" {
				results[i] = slot{index: -1}
				continue
			}
			results[i] = slot{n.findex + i, n.level == 1}
		}
	default:
		for i := range results {
			results[i] = slot{n.findex + i, n.level == 1 && l.kindOf(n.anc) != "returnStmt"}
		}
	}
	if n.level < 0 || n.level > 1 {
		return nil
	}
	place, at := packed(here), &here
	yes, no := getExec(n.tnext), getExec(n.fnext)
	branches := n.fnext != nil
	return func(f *frame) bltn {
		nf := fn.frame(f, nil)
		for i, r := range results {
			if r.index >= 0 {
				nf.data[i] = *r.in(f)
			} else {
				nf.data[i] = fn.slots[i].new()
			}
		}
		for i, a := range args {
			put(nf.data, numRet+i, a(f))
		}
		enter(place, def.child[3].start, nf, at)
		if branches && !nf.data[0].Bool() {
			return no
		}
		return yes
	}
}

// put gives a parameter its value. One that is not used may have no slot.
func put(data []reflect.Value, i int, v reflect.Value) {
	if i >= len(data) {
		return
	}
	d := data[i]
	switch k := d.Kind(); {
	case classOf(k) == signed:
		d.SetInt(v.Int())
	case classOf(k) == floating && classOf(v.Kind()) == floating:
		d.SetFloat(v.Float())
	case k != reflect.Interface && v.IsZero() && !negativeZero(v):
		// It is zero already.
	default:
		d.Set(v)
	}
}

// negativeZero reports a -0 in v, of which reflection says that it is zero.
func negativeZero(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return math.Signbit(v.Float())
	case reflect.Complex64, reflect.Complex128:
		c := v.Complex()
		return math.Signbit(real(c)) || math.Signbit(imag(c))
	case reflect.Array:
		for i := range v.Len() {
			if negativeZero(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if negativeZero(v.Field(i)) {
				return true
			}
		}
	}
	return false
}

// argument reads an argument for a parameter of type t.
func (l *layout) argument(c *node, t *itype) func(*frame) reflect.Value {
	rt := typeOf(t)
	if s, ok := slotOf(c); ok && l.actionOf(c) == "call" {
		return func(f *frame) reflect.Value { return *s.in(f) }
	}
	if l.kindOf(c) == "basicLit" || c.rval.IsValid() {
		convertLiteralValue(c, rt)
	}
	switch {
	case rt.Kind() == reflect.Interface && rt.NumMethod() > 0:
		return genInterfaceWrapper(c, rt)
	case rt.Kind() == reflect.Func:
		return genFuncValue(c)
	}
	return valueOf(c)
}

// callClosure is a call of a func() that a variable holds.
func (l *layout) callClosure(n *node, here cell.Place, slow bltn) bltn {
	s, ok := slotOf(n.child[0])
	if !ok || typeOf(n.child[0].typ) != reflect.TypeFor[func()]() || n.fnext != nil {
		return nil
	}
	switch l.kindOf(n.anc) {
	case "goStmt", "deferStmt":
		return nil
	}
	next := getExec(n.tnext)
	return traced(func(f *frame) bltn {
		call, ok := s.in(f).Interface().(func())
		if !ok {
			return slow(f)
		}
		call()
		return next
	}, here)
}

// literal makes a closure. Its maker's frame is its own.
func literal(n *node) bltn {
	to, ok := slotOf(n)
	if !ok || to.up || n.typ == nil || len(n.child) != 4 {
		return nil
	}
	i, next, body, t := to.index, getExec(n.tnext), n.child[3], typeOf(n.typ)
	fn := newFunction(n)
	if t == reflect.TypeFor[func()]() {
		return func(f *frame) bltn {
			f.data[i] = reflect.ValueOf(func() { run(body.start, fn.frame(f, f)) })
			return next
		}
	}
	return func(f *frame) bltn {
		f.data[i] = reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
			nf := fn.frame(f, f)
			for i := range fn.numRet {
				nf.data[i] = fn.slots[i].new()
			}
			for i, v := range in {
				put(nf.data, fn.numRet+i, v)
			}
			run(body.start, nf)
			return nf.data[:fn.numRet]
		})
		return next
	}
}
