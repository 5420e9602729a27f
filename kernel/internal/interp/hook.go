package interp

import (
	"math"
	"reflect"
	"strconv"
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
// into the poll itself. What that costs, and more, faster closures for the
// common nodes win back (fast.go): such a closure does only what cannot fail,
// and leaves the rest to the wrapped one.

// wrap hooks every node of p.
func (l *layout) wrap(p *yaegi.Program, place func(pos int) cell.Place) {
	root := *(**node)(unsafe.Add(unsafe.Pointer(p), l.root))
	var nodes []*node
	seen := map[*node]bool{}
	var walk func(n *node)
	walk = func(n *node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, c := range n.child {
			walk(c)
		}
		if n.gen != nil {
			nodes = append(nodes, n)
		}
	}
	walk(root)
	l.gen = map[*node]string{}
	nops := map[*node]bool{}
	for _, n := range nodes {
		l.gen[n] = l.genOf(n)
		// A return may have no closure, and yaegi's setExec makes one that calls
		// itself for what two nodes go on to without: one does nothing between.
		nops[n] = l.gen[n] == "nop" && n.fnext == nil && n.tnext != nil && l.kindOf(n.tnext) != "returnStmt"
	}
	for _, n := range nodes {
		// yaegi has run the generators of function literals already (cfg.go,
		// funcLitExpr): without what they made, Execute runs them again, hooks
		// and all.
		n.exec = nil
		n.tnext, n.fnext = past(n.tnext, nops), past(n.fnext, nops)
		if n.start != nil {
			n.start = past(n.start, nops)
		}
		old, gen, here := n.gen, l.gen[n], place(n.pos)
		switch {
		case l.isPoll(n):
			n.gen = func(n *node) { old(n); l.poll(n, here) }
		case l.kindOf(n) == "callExpr":
			n.gen = func(n *node) { old(n); l.faster(n, gen, here, traced(n.exec, here)) }
		case gen == "deref":
			n.gen = func(n *node) { old(n); l.faster(n, gen, here, checked(n, here)) }
		case l.risky(n):
			n.gen = func(n *node) { old(n); l.faster(n, gen, here, l.worded(n, here)) }
		case l.kindOf(n) == "returnStmt":
			n.gen = func(n *node) {
				old(n)
				l.faster(n, gen, here, n.exec)
				if n.exec == nil {
					n.exec = ended
				}
			}
		default:
			n.gen = func(n *node) { old(n); l.faster(n, gen, here, n.exec) }
		}
	}
}

// ended is a return without values. yaegi makes it nil, and so takes it for a
// node that is still to be made where two ways lead to it (setExec).
func ended(*frame) bltn { return nil }

// forget drops what only the loading of a unit needs.
func (l *layout) forget() {
	clear(l.natives)
	l.gen = nil
}

// past is n, or what comes after it where it does nothing.
func past(n *node, nops map[*node]bool) *node {
	for range 100 { // nothing but such nodes is an endless loop
		if n == nil || !nops[n] {
			return n
		}
		n = n.tnext
	}
	return n
}

func (l *layout) isPoll(n *node) bool {
	return l.kindOf(n) == "callExpr" && len(n.child) == 1 && l.selects(n.child[0], "core", "Poll")
}

// selects reports that n is the selector pkg.name.
func (l *layout) selects(n *node, pkg, name string) bool {
	return l.kindOf(n) == "selectorExpr" && len(n.child) == 2 && n.child[0].ident == pkg && n.child[1].ident == name
}

func (l *layout) risky(n *node) bool {
	switch l.kindOf(n) {
	case "indexExpr", "selectorExpr", "sendStmt", "sliceExpr":
		return true
	case "assignStmt":
		switch l.kindOf(n.child[0]) {
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
func (l *layout) poll(n *node, here cell.Place) {
	next := n.tnext
	if n.exec == nil || next == nil {
		return
	}
	if l.isPoll(next) { // for {}
		n.exec = func(*frame) bltn {
			if core.Stopping() {
				stopped(here)
			}
			return next.exec
		}
		return
	}
	n.exec = func(f *frame) bltn {
		if core.Stopping() {
			stopped(here)
		}
		return next.exec(f)
	}
}

// stopped ends the goroutine if it is its cell that was asked to stop.
func stopped(here cell.Place) {
	if core.Stopped() {
		panic(addPlace(core.NewInterrupted(), here))
	}
}

// stoppedAtCall does so for functions that call each other without a loop.
func stoppedAtCall(here cell.Place) {
	if core.StoppedAtCall() {
		panic(addPlace(core.NewInterrupted(), here))
	}
}

// traced makes a panic that passes through a call take the call's place along,
// and an interrupt reach functions that call each other without a loop.
func traced(old bltn, here cell.Place) bltn {
	if old == nil {
		return nil
	}
	place := packed(here)
	return func(f *frame) (next bltn) {
		if core.Stopping() {
			stoppedAtCall(here)
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
func (l *layout) worded(n *node, here cell.Place) bltn {
	old := n.exec
	if old == nil {
		return nil
	}
	place := packed(here)
	var operands []func(*frame) reflect.Value
	bounds := l.kindOf(n) == "indexExpr" || l.kindOf(n) == "sliceExpr"
	if bounds {
		for _, c := range n.child {
			operands = append(operands, genValue(c))
		}
	}
	noLow := l.actionOf(n) == "slice0"
	slicing := l.kindOf(n) == "sliceExpr"
	return func(f *frame) (next bltn) {
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

// checked makes a dereference of a nil pointer panic where it is: yaegi reads
// nothing, and may never look at what it read.
func checked(n *node, here cell.Place) bltn {
	old, pointer := n.exec, genValue(n.child[0])
	if old == nil {
		return nil
	}
	return func(f *frame) bltn {
		if p := pointer(f); !p.IsValid() || p.IsNil() {
			panic(addPlace(core.NilDeref(), here))
		}
		return old(f)
	}
}

// boundsError does with an empty type what the node did, and gives what the
// runtime panics with: a runtime.Error with the indices in its text.
func boundsError(r any, slicing, noLow bool, operands []func(*frame) reflect.Value, f *frame) (out any) {
	out = r
	var reword []string // pairs, for strings.NewReplacer
	defer func() {
		if e := recover(); e != nil {
			out = e
			if err, ok := e.(error); ok && reword != nil {
				words := strings.TrimPrefix(err.Error(), "runtime error: ")
				out = core.Fault(strings.NewReplacer(reword...).Replace(words))
			}
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
		case v.CanUint() && v.Uint() > math.MaxInt:
			ix = append(ix, math.MaxInt)
			reword = append(reword, strconv.Itoa(math.MaxInt), strconv.FormatUint(v.Uint(), 10))
		case v.CanUint():
			ix = append(ix, int(v.Uint()))
		}
	}
	if x.Kind() == reflect.Array {
		reword = append(reword, "with capacity", "with length")
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
