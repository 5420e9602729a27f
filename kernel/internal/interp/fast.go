package interp

import (
	"cmp"
	"reflect"
	"strings"

	"spindle/kernel/internal/cell"
)

// faster gives n a closure that does what yaegi's does in fewer steps, where
// there is one; slow is yaegi's own, wrapped, and has all that may go wrong.
func (l *layout) faster(n *node, gen string, here cell.Place, slow bltn) {
	plain := n.exec
	n.exec = slow
	if slow == nil {
		return
	}
	var fast bltn
	switch gen {
	case "<", "<=", ">", ">=", "==", "!=":
		fast = l.comparison(n, gen)
	case "+", "-", "*", "&", "|", "^":
		fast = arithmetic(n, gen, n)
	case "%", "/":
		fast = division(n, gen, slow)
	case "+=", "-=", "*=", "++", "--":
		fast = arithmetic(n, gen[:1], n.child[0])
	case "assign":
		fast = assignment(n)
	case "index":
		fast = element(n, slow)
	case "deref":
		fast = deref(n, slow)
	case "field":
		fast = field(n, slow)
	case "recv", "recv2":
		fast = receive(n, gen == "recv2", here, plain)
	case "call":
		fast = l.call(n, here, slow)
	case "callBin":
		fast = l.callNative(n, here, slow)
	case "func":
		fast = literal(n)
	}
	if fast != nil {
		n.exec = fast
	}
}

// slot is where a frame has a variable or what a node came to.
type slot struct {
	index int
	up    bool // in the frame of the function's maker
}

func (s slot) in(f *frame) *reflect.Value {
	if s.up {
		return &f.anc.data[s.index]
	}
	return &f.data[s.index]
}

// slotOf is n's slot; yaegi's genValue says where it is.
func slotOf(n *node) (slot, bool) {
	if n.rval.IsValid() || n.level < 0 || n.level > 1 {
		return slot{}, false
	}
	i := n.findex
	if n.sym != nil {
		if i = n.sym.index; n.sym.global {
			return slot{}, false
		}
	}
	return slot{i, n.level == 1}, i >= 0
}

// valueOf reads what n came to.
func valueOf(n *node) func(*frame) reflect.Value {
	if s, ok := slotOf(n); ok {
		i := s.index
		if s.up {
			return func(f *frame) reflect.Value { return f.anc.data[i] }
		}
		return func(f *frame) reflect.Value { return f.data[i] }
	}
	return genValue(n)
}

// class are the kinds of basic types that are handled alike.
type class int

const (
	other class = iota
	signed
	unsigned
	floating
	text
)

func classOf(k reflect.Kind) class {
	switch {
	case k >= reflect.Int && k <= reflect.Int64:
		return signed
	case k >= reflect.Uint && k <= reflect.Uintptr:
		return unsigned
	case k == reflect.Float32 || k == reflect.Float64:
		return floating
	case k == reflect.String:
		return text
	}
	return other
}

// operands are the two operands of a binary node, if both are of one basic
// type, or one of them is a constant of that class.
func operands(a, b *node) (reflect.Kind, class) {
	kind := func(n *node) (reflect.Kind, bool) {
		if n.typ == nil {
			return 0, false
		}
		if n.rval.IsValid() {
			return genValue(n)(nil).Kind(), true
		}
		return typeOf(n.typ).Kind(), false
	}
	ka, constA := kind(a)
	kb, constB := kind(b)
	switch {
	case constA && constB || classOf(ka) != classOf(kb):
		return 0, other
	case constA:
		return kb, classOf(kb)
	case constB || ka == kb:
		return ka, classOf(ka)
	}
	return 0, other
}

// reader reads n as a T, the form in which reflection has its class.
func reader[T any](n *node, get func(reflect.Value) T) func(*frame) T {
	if n.rval.IsValid() {
		c := get(genValue(n)(nil))
		return func(*frame) T { return c }
	}
	v := genValue(n)
	return func(f *frame) T { return get(v(f)) }
}

func ints(n *node) func(*frame) int64 {
	if s, ok := slotOf(n); ok {
		i := s.index
		if s.up {
			return func(f *frame) int64 { return f.anc.data[i].Int() }
		}
		return func(f *frame) int64 { return f.data[i].Int() }
	}
	return reader(n, reflect.Value.Int)
}

func uints(n *node) func(*frame) uint64 {
	if s, ok := slotOf(n); ok && !s.up {
		i := s.index
		return func(f *frame) uint64 { return f.data[i].Uint() }
	}
	return reader(n, reflect.Value.Uint)
}

func floats(n *node) func(*frame) float64 {
	if s, ok := slotOf(n); ok && !s.up {
		i := s.index
		return func(f *frame) float64 { return f.data[i].Float() }
	}
	return reader(n, reflect.Value.Float)
}

func texts(n *node) func(*frame) string { return reader(n, reflect.Value.String) }

// comparison compares, and goes one way or the other.
func (l *layout) comparison(n *node, op string) bltn {
	a, b := n.child[0], n.child[1]
	k, c := operands(a, b)
	var test func(*frame) bool
	switch c {
	case signed:
		test = compareInts(op, a, b)
	case unsigned:
		test = compare(op, uints(a), uints(b))
	case floating:
		if k == reflect.Float64 { // a constant is not yet a float32
			test = compare(op, floats(a), floats(b))
		}
	case text:
		test = compare(op, texts(a), texts(b))
	}
	if test == nil {
		return nil
	}
	yes, no := getExec(n.tnext), getExec(n.fnext)
	branches := n.fnext != nil
	if over := l.kindOf(n.anc); branches && (strings.HasPrefix(over, "forStmt") || strings.HasPrefix(over, "ifStmt")) {
		// Nothing reads the result.
		return func(f *frame) bltn {
			if test(f) {
				return yes
			}
			return no
		}
	}
	s, ok := slotOf(n)
	if !ok || typeOf(n.typ).Kind() != reflect.Bool {
		return nil
	}
	return func(f *frame) bltn {
		t := test(f)
		s.in(f).SetBool(t)
		if t || !branches {
			return yes
		}
		return no
	}
}

// compareInts knows the commonest form, variables of this frame.
func compareInts(op string, a, b *node) func(*frame) bool {
	x, okX := slotOf(a)
	y, okY := slotOf(b)
	if okX && okY && !x.up && !y.up {
		i, j := x.index, y.index
		switch op {
		case "<":
			return func(f *frame) bool { return f.data[i].Int() < f.data[j].Int() }
		case "<=":
			return func(f *frame) bool { return f.data[i].Int() <= f.data[j].Int() }
		}
	}
	return compare(op, ints(a), ints(b))
}

func compare[T cmp.Ordered](op string, x, y func(*frame) T) func(*frame) bool {
	switch op {
	case "<":
		return func(f *frame) bool { return x(f) < y(f) }
	case "<=":
		return func(f *frame) bool { return x(f) <= y(f) }
	case ">":
		return func(f *frame) bool { return x(f) > y(f) }
	case ">=":
		return func(f *frame) bool { return x(f) >= y(f) }
	case "==":
		return func(f *frame) bool { return x(f) == y(f) }
	}
	return func(f *frame) bool { return x(f) != y(f) }
}

// arithmetic computes, and sets dest. What may fail is not here.
func arithmetic(n *node, op string, dest *node) bltn {
	to, ok := slotOf(dest)
	if !ok || n.typ == nil || len(n.child) > 2 || n.fnext != nil {
		return nil
	}
	a := n.child[0]
	var k reflect.Kind
	var c class
	one := len(n.child) == 1
	if one {
		if isMapEntry(a) {
			return nil
		}
		k = typeOf(a.typ).Kind()
		c = classOf(k)
	} else {
		if k, c = operands(a, n.child[1]); dest == a && isMapEntry(a) {
			return nil
		}
	}
	if typeOf(n.typ).Kind() != k || a.rval.IsValid() && dest == a {
		return nil
	}
	next := getExec(n.tnext)
	switch c {
	case signed:
		y := func(*frame) int64 { return 1 }
		if !one {
			y = ints(n.child[1])
		}
		return setInt(to, op, a, y, next)
	case unsigned:
		y := func(*frame) uint64 { return 1 }
		if !one {
			y = uints(n.child[1])
		}
		if do := integer(op, uints(a), y); do != nil {
			return func(f *frame) bltn { to.in(f).SetUint(do(f)); return next }
		}
	case floating:
		y := func(*frame) float64 { return 1 }
		if !one {
			y = floats(n.child[1])
		}
		if do := number(op, floats(a), y); do != nil && k == reflect.Float64 {
			return func(f *frame) bltn { to.in(f).SetFloat(do(f)); return next }
		}
	case text:
		if op == "+" && !one {
			x, y := texts(a), texts(n.child[1])
			return func(f *frame) bltn { to.in(f).SetString(x(f) + y(f)); return next }
		}
	}
	return nil
}

// setInt knows the commonest form, one variable of this frame that counts.
func setInt(to slot, op string, a *node, y func(*frame) int64, next bltn) bltn {
	if s, ok := slotOf(a); ok && s == to && !to.up && (op == "+" || op == "-") {
		i := to.index
		if op == "+" {
			return func(f *frame) bltn { v := f.data[i]; v.SetInt(v.Int() + y(f)); return next }
		}
		return func(f *frame) bltn { v := f.data[i]; v.SetInt(v.Int() - y(f)); return next }
	}
	do := integer(op, ints(a), y)
	if do == nil {
		return nil
	}
	if !to.up {
		i := to.index
		return func(f *frame) bltn { f.data[i].SetInt(do(f)); return next }
	}
	return func(f *frame) bltn { to.in(f).SetInt(do(f)); return next }
}

func isMapEntry(n *node) bool {
	return len(n.child) == 2 && n.child[0].typ != nil && typeOf(n.child[0].typ).Kind() == reflect.Map
}

func integer[T int64 | uint64](op string, x, y func(*frame) T) func(*frame) T {
	switch op {
	case "&":
		return func(f *frame) T { return x(f) & y(f) }
	case "|":
		return func(f *frame) T { return x(f) | y(f) }
	case "^":
		return func(f *frame) T { return x(f) ^ y(f) }
	}
	return number(op, x, y)
}

func number[T int64 | uint64 | float64](op string, x, y func(*frame) T) func(*frame) T {
	switch op {
	case "+":
		return func(f *frame) T { return x(f) + y(f) }
	case "-":
		return func(f *frame) T { return x(f) - y(f) }
	case "*":
		return func(f *frame) T { return x(f) * y(f) }
	}
	return nil
}

// division leaves a zero divisor to yaegi.
func division(n *node, op string, slow bltn) bltn {
	to, ok := slotOf(n)
	k, c := operands(n.child[0], n.child[1])
	if !ok || c != signed || n.typ == nil || typeOf(n.typ).Kind() != k || n.fnext != nil {
		return nil
	}
	x, y := ints(n.child[0]), ints(n.child[1])
	next := getExec(n.tnext)
	return func(f *frame) bltn {
		d := y(f)
		if d == 0 {
			return slow(f)
		}
		if op == "/" {
			to.in(f).SetInt(x(f) / d)
		} else {
			to.in(f).SetInt(x(f) % d)
		}
		return next
	}
}

// assignment sets or declares one variable of a basic type. A declaration
// makes a new variable; where nobody can have kept the last one it may be the
// same: the core takes no variable's address.
func assignment(n *node) bltn {
	if n.nleft != 1 || len(n.child) > 3 || n.child[0].ident == "_" || n.child[0].ident == "" {
		return nil
	}
	dest, src := n.child[0], n.child[len(n.child)-1]
	to, ok := slotOf(dest)
	if !ok || to.up || dest.typ == nil || src.typ == nil {
		return nil
	}
	t := typeOf(dest.typ)
	if k := t.Kind(); k != reflect.Bool && classOf(k) == other {
		return nil
	}
	if src.rval.IsValid() {
		if genDestValue(dest.typ, src)(nil).Type() != t {
			return nil
		}
	} else if typeOf(src.typ) != t {
		return nil
	}
	i, next, made := to.index, getExec(n.tnext), freshOf(t)
	v := valueOf(src)
	if classOf(t.Kind()) == signed {
		x := ints(src)
		return func(f *frame) bltn {
			made.settable(&f.data[i]).SetInt(x(f))
			return next
		}
	}
	return func(f *frame) bltn {
		made.settable(&f.data[i]).Set(v(f))
		return next
	}
}

// element is x[i] of a slice, an array or a string; out of range, slow says so.
func element(n *node, slow bltn) bltn {
	a, b := n.child[0], n.child[1]
	switch typeOf(a.typ).Kind() {
	case reflect.Slice, reflect.Array, reflect.String:
	default:
		return nil
	}
	to, ok := slotOf(n)
	k := reflect.Int
	if b.rval.IsValid() {
		k = genValue(b)(nil).Kind()
	} else {
		k = typeOf(b.typ).Kind()
	}
	if !ok || to.up || classOf(k) != signed {
		return nil
	}
	x, y, i := valueOf(a), ints(b), to.index
	yes, no := getExec(n.tnext), getExec(n.fnext)
	if n.fnext != nil {
		return func(f *frame) bltn {
			v, at := x(f), y(f)
			if uint64(at) >= uint64(v.Len()) {
				return slow(f)
			}
			e := v.Index(int(at))
			f.data[i] = e
			if e.Bool() {
				return yes
			}
			return no
		}
	}
	return func(f *frame) bltn {
		v, at := x(f), y(f)
		if uint64(at) >= uint64(v.Len()) {
			return slow(f)
		}
		f.data[i] = v.Index(int(at))
		return yes
	}
}

// deref is *p of a pointer that is not nil.
func deref(n *node, slow bltn) bltn {
	to, ok := slotOf(n)
	if !ok || to.up || n.fnext != nil || typeOf(n.child[0].typ).Kind() != reflect.Pointer {
		return nil
	}
	p, i, next := valueOf(n.child[0]), to.index, getExec(n.tnext)
	return func(f *frame) bltn {
		v := p(f)
		if v.Kind() != reflect.Pointer || v.IsNil() {
			return slow(f)
		}
		f.data[i] = v.Elem()
		return next
	}
}

// field is x.f of a struct.
func field(n *node, slow bltn) bltn {
	to, ok := slotOf(n)
	path, isPath := n.val.([]int)
	if !ok || to.up || n.fnext != nil || !isPath || len(path) != 1 {
		return nil
	}
	x, i, j, next := valueOf(n.child[0]), to.index, path[0], getExec(n.tnext)
	return func(f *frame) bltn {
		v := x(f)
		if v.Kind() != reflect.Struct {
			return slow(f)
		}
		f.data[i] = v.Field(j)
		return next
	}
}
