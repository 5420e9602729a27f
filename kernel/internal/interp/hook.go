package interp

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	yaegi "github.com/traefik/yaegi/interp"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
)

// yaegi v0.16.1 says neither where a panic happened nor in Go's words, and
// polls nothing in a loop. Between compiling a program and executing it, each
// node of its syntax tree has a generator of the closure that will run; hook
// wraps the generators of the nodes that can panic, so that a panic passing
// through takes the node's place along, and turns the node of a core.Poll()
// into the poll itself. A wrapped node costs a few nanoseconds. The fields are
// private; their offsets are read by reflection when the evaluator is made,
// which fails if they are not what they were.

// bltn is yaegi's type of a node's closure: it runs the node in a frame, and
// returns the next.
type bltn func(frame unsafe.Pointer) bltn

// layout has the offsets of the private fields that hook reads and writes.
type layout struct {
	root                                              uintptr
	child, exec, gen, kind, pos, action, ident, tnext uintptr
	kinds, actions                                    []string // names by number
}

func newLayout() (layout, error) {
	var l layout
	prog := reflect.TypeFor[yaegi.Program]()
	root, ok := prog.FieldByName("root")
	if !ok || root.Type.Kind() != reflect.Pointer {
		return l, fmt.Errorf("yaegi's Program has no root as known")
	}
	l.root = root.Offset
	node := root.Type.Elem()
	for name, at := range map[string]*uintptr{
		"child": &l.child, "exec": &l.exec, "gen": &l.gen, "kind": &l.kind, "pos": &l.pos, "action": &l.action,
		"ident": &l.ident, "tnext": &l.tnext,
	} {
		f, ok := node.FieldByName(name)
		if !ok {
			return l, fmt.Errorf("yaegi's node has no field %s", name)
		}
		*at = f.Offset
		want := map[string]reflect.Kind{"child": reflect.Slice, "exec": reflect.Func, "gen": reflect.Func, "pos": reflect.Int, "kind": reflect.Uint, "action": reflect.Uint, "ident": reflect.String, "tnext": reflect.Pointer}[name]
		if want != 0 && f.Type.Kind() != want {
			return l, fmt.Errorf("yaegi's node.%s is a %s", name, f.Type.Kind())
		}
		switch name {
		case "kind":
			l.kinds = names(f.Type)
		case "action":
			l.actions = names(f.Type)
		}
	}
	return l, nil
}

// names are what the String method of an enumeration says.
func names(t reflect.Type) []string {
	var out []string
	for i := range uint64(100) {
		v := reflect.New(t).Elem()
		v.SetUint(i)
		out = append(out, fmt.Sprint(v.Interface()))
	}
	return out
}

type node = unsafe.Pointer

func (l *layout) children(n node) []node   { return *(*[]node)(unsafe.Add(n, l.child)) }
func (l *layout) execOf(n node) *bltn      { return (*bltn)(unsafe.Add(n, l.exec)) }
func (l *layout) genOf(n node) *func(node) { return (*func(node))(unsafe.Add(n, l.gen)) }
func (l *layout) kindOf(n node) string     { return l.kinds[*(*uint)(unsafe.Add(n, l.kind))] }
func (l *layout) actionOf(n node) string   { return l.actions[*(*uint)(unsafe.Add(n, l.action))] }
func (l *layout) posOf(n node) int         { return *(*int)(unsafe.Add(n, l.pos)) }
func (l *layout) identOf(n node) string    { return *(*string)(unsafe.Add(n, l.ident)) }

// wrap hooks every node of p that can panic.
func (l *layout) wrap(p *yaegi.Program, place func(pos int) cell.Place) {
	root := *(*node)(unsafe.Add(unsafe.Pointer(p), l.root))
	seen := map[node]bool{}
	var walk func(n node)
	walk = func(n node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, c := range l.children(n) {
			walk(c)
		}
		gen := l.genOf(n)
		if *gen == nil {
			return
		}
		// yaegi has run the generators of function literals already (cfg.go,
		// funcLitExpr): without what they made, Execute runs them again, hooks
		// and all.
		*l.execOf(n) = nil
		old := *gen
		switch {
		case l.isPoll(n):
			here := place(l.posOf(n))
			*gen = func(n node) { old(n); l.poll(n, here) }
		case l.calls(n):
			here := place(l.posOf(n))
			*gen = func(n node) { old(n); l.traced(n, here) }
		case l.risky(n):
			here := place(l.posOf(n))
			*gen = func(n node) { old(n); l.worded(n, here) }
		}
	}
	walk(root)
}

func (l *layout) isPoll(n node) bool {
	c := l.children(n)
	if l.kindOf(n) != "callExpr" || len(c) != 1 || l.kindOf(c[0]) != "selectorExpr" {
		return false
	}
	s := l.children(c[0])
	return len(s) == 2 && l.identOf(s[0]) == "core" && l.identOf(s[1]) == "Poll"
}

func (l *layout) calls(n node) bool { return l.kindOf(n) == "callExpr" }

func (l *layout) risky(n node) bool {
	switch l.kindOf(n) {
	case "indexExpr", "selectorExpr", "sendStmt", "sliceExpr", "starExpr":
		return true
	case "assignStmt":
		switch l.kindOf(l.children(n)[0]) {
		case "indexExpr", "starExpr", "selectorExpr", "parenExpr":
			return true
		}
	case "unaryExpr":
		a := l.actionOf(n)
		return a == "<-" || a == "*"
	case "binaryExpr":
		a := l.actionOf(n)
		return a == "/" || a == "%"
	}
	return false
}

// poll replaces a call of core.Poll: it runs the next node in the same step.
func (l *layout) poll(n node, here cell.Place) {
	e := l.execOf(n)
	tnext := *(*node)(unsafe.Add(n, l.tnext))
	if *e == nil || tnext == nil {
		return
	}
	next := l.execOf(tnext)
	*e = func(f unsafe.Pointer) bltn {
		if core.Stopped() {
			panic(addPlace(core.NewInterrupted(), here))
		}
		return (*next)(f)
	}
}

// traced makes a panic that passes through a call take the call's place along,
// and an interrupt reach functions that call each other without a loop.
func (l *layout) traced(n node, here cell.Place) {
	e := l.execOf(n)
	old := *e
	if old == nil {
		return
	}
	place := packed(here)
	*e = func(f unsafe.Pointer) (next bltn) {
		if core.StoppedAtCall() {
			panic(addPlace(core.NewInterrupted(), here))
		}
		done := false
		defer func() {
			if !done {
				if r := recover(); r != nil {
					panic(addPlace(r, here))
				}
			}
		}()
		next = at(place, old, f)
		done = true
		return next
	}
}

// worded does the same for a node whose own operation may panic, and words
// what reflection said as the runtime would have.
func (l *layout) worded(n node, here cell.Place) {
	e := l.execOf(n)
	old := *e
	if old == nil {
		return
	}
	place := packed(here)
	var operands []func(unsafe.Pointer) reflect.Value
	bounds := l.kindOf(n) == "indexExpr" || l.kindOf(n) == "sliceExpr"
	if bounds {
		for _, c := range l.children(n) {
			operands = append(operands, genValue(c))
		}
	}
	noLow := l.actionOf(n) == "slice0"
	slicing := l.kindOf(n) == "sliceExpr"
	*e = func(f unsafe.Pointer) (next bltn) {
		done := false
		defer func() {
			if done {
				return
			}
			r := recover()
			if r == nil {
				return
			}
			if s, ok := r.(string); ok && bounds && strings.Contains(s, "out of ") {
				r = boundsError(r, slicing, noLow, operands, f)
			}
			panic(addPlace(r, here))
		}()
		next = at(place, old, f)
		done = true
		return next
	}
}

//go:linkname genValue github.com/traefik/yaegi/interp.genValue
func genValue(n unsafe.Pointer) func(frame unsafe.Pointer) reflect.Value

// boundsError does with an empty type what the node did, and gives what the
// runtime panics with: a runtime.Error with the indices in its text.
func boundsError(r any, slicing, noLow bool, operands []func(unsafe.Pointer) reflect.Value, f unsafe.Pointer) (out any) {
	out = r
	defer func() {
		if e := recover(); e != nil {
			out = e
		}
	}()
	x := operands[0](f)
	for x.Kind() == reflect.Pointer || x.Kind() == reflect.Interface {
		x = x.Elem()
	}
	var ix []int
	for _, o := range operands[1:] {
		switch v := o(f); {
		case v.CanInt():
			ix = append(ix, int(v.Int()))
		case v.CanUint():
			ix = append(ix, int(v.Uint()))
		}
	}
	isString := x.Kind() == reflect.String
	length, capacity := x.Len(), x.Len()
	if x.Kind() == reflect.Slice {
		capacity = x.Cap()
	}
	var b byte
	if !slicing {
		if isString {
			_ = unsafe.String(&b, length)[ix[0]]
		} else {
			_ = make([]struct{}, length)[ix[0]]
		}
		return out
	}
	if noLow {
		ix = append([]int{0}, ix...)
	}
	s, str := make([]struct{}, length, capacity), ""
	if isString {
		str = unsafe.String(&b, length)
	}
	switch {
	case len(ix) == 1 && isString:
		_ = str[ix[0]:]
	case len(ix) == 1:
		_ = s[ix[0]:]
	case isString && noLow:
		_ = str[:ix[1]]
	case isString:
		_ = str[ix[0]:ix[1]]
	case len(ix) == 2 && noLow:
		_ = s[:ix[1]]
	case len(ix) == 2:
		_ = s[ix[0]:ix[1]]
	case len(ix) == 3:
		_ = s[ix[0]:ix[1]:ix[2]]
	}
	return out
}

func addPlace(r any, at cell.Place) *core.Panicking {
	p := core.AsPanicking(r)
	if at.Func == "" {
		return p
	}
	s := core.Site{Cell: at.Cell, Line: at.Line, Func: at.Func}
	// One frame is left once, however many nodes of it the panic passes.
	if n := len(p.Trace); n == 0 || p.Trace[n-1] != s {
		p.Trace = append(p.Trace, s)
	}
	return p
}
