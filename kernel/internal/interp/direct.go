package interp

import (
	"reflect"
	"sync"
	"sync/atomic"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
)

// Calls of native functions without reflection: yaegi's way to one is through
// reflect.Value.Call, and to one that was made by reflect.MakeFunc there and
// back. So the natives of a unit are called as they are, and the functions and
// methods that concurrent programs call most have a line here.

// direct is a native function or method for the faster way: f takes the
// operands, the receiver first.
type direct struct {
	in    []reflect.Type // of the operands; an interface{} takes any
	f     func(vals) vals
	keeps bool
}

// directly makes one of a function and what calls it.
func directly[T any](f T, call func(T, vals) vals) direct {
	t := reflect.TypeFor[T]()
	d := direct{f: func(a vals) vals { return call(f, a) }}
	for in := range t.Ins() {
		d.in = append(d.in, in)
	}
	return d
}

// coreCalls are core's functions by name; coreMethods are methods of core and
// sync by the receiver's type and name.
var (
	coreCalls = map[string]direct{
		"Go": directly(core.Go, func(f func(func(), int, int, string), a vals) vals {
			f(a[0].Interface().(func()), int(a[1].Int()), int(a[2].Int()), a[3].String())
			return nil
		}),
		"NewFrame": directly(core.NewFrame, func(f func() *core.Frame, _ vals) vals { return single(reflect.ValueOf(f())) }),
		"Run": directly(core.Run, func(f func(*core.Frame, func()), a vals) vals {
			f(a[0].Interface().(*core.Frame), a[1].Interface().(func()))
			return nil
		}),
		"NewSelect":  directly(core.NewSelect, func(f func(bool) *core.Select, a vals) vals { return single(reflect.ValueOf(f(a[0].Bool()))) }),
		"NewMapIter": directly(core.NewMapIter, func(f func(any) *core.MapIter, a vals) vals { return single(reflect.ValueOf(f(iface(a[0])))) }),
		"Eq":         directly(core.Eq, func(f func(_, _ any) bool, a vals) vals { return single(reflect.ValueOf(f(iface(a[0]), iface(a[1])))) }),
		"DecodeRune": directly(core.DecodeRune, func(f func(string, int) (rune, int), a vals) vals {
			r, w := f(a[0].String(), int(a[1].Int()))
			return vals{reflect.ValueOf(r), reflect.ValueOf(w)}
		}),
	}
	coreMethods = map[string]direct{
		"*core.Frame.Defer":     procedure1((*core.Frame).Defer),
		"*core.MapIter.Next":    function0((*core.MapIter).Next),
		"*core.Select.Do":       function0((*core.Select).Do),
		"*core.Select.OK":       function0((*core.Select).OK),
		"*sync.Mutex.Lock":      procedure((*sync.Mutex).Lock),
		"*sync.Mutex.Unlock":    procedure((*sync.Mutex).Unlock),
		"*sync.RWMutex.Lock":    procedure((*sync.RWMutex).Lock),
		"*sync.RWMutex.Unlock":  procedure((*sync.RWMutex).Unlock),
		"*sync.RWMutex.RLock":   procedure((*sync.RWMutex).RLock),
		"*sync.RWMutex.RUnlock": procedure((*sync.RWMutex).RUnlock),
		"*sync.WaitGroup.Add":   procedure1((*sync.WaitGroup).Add),
		"*sync.WaitGroup.Done":  procedure((*sync.WaitGroup).Done),
		"*sync.WaitGroup.Wait":  procedure((*sync.WaitGroup).Wait),
		"*atomic.Int32.Add":     function1((*atomic.Int32).Add),
		"*atomic.Int32.Load":    function0((*atomic.Int32).Load),
		"*atomic.Int64.Add":     function1((*atomic.Int64).Add),
		"*atomic.Int64.Load":    function0((*atomic.Int64).Load),
	}
)

func procedure[T any](m func(T)) direct {
	return directly(m, func(m func(T), a vals) vals { m(a[0].Interface().(T)); return nil })
}

func procedure1[T, A any](m func(T, A)) direct {
	return directly(m, func(m func(T, A), a vals) vals { m(a[0].Interface().(T), a[1].Interface().(A)); return nil })
}

func function0[T, R any](m func(T) R) direct {
	return directly(m, func(m func(T) R, a vals) vals { return single(reflect.ValueOf(m(a[0].Interface().(T)))) })
}

func function1[T, A, R any](m func(T, A) R) direct {
	return directly(m, func(m func(T, A) R, a vals) vals {
		return single(reflect.ValueOf(m(a[0].Interface().(T), a[1].Interface().(A))))
	})
}

// directOf is the faster way to what callee names, and the node of its
// receiver, if it has one.
func (l *layout) directOf(callee *node) (d direct, recv *node, ok bool) {
	if l.kindOf(callee) != "selectorExpr" || len(callee.child) != 2 {
		return d, nil, false
	}
	x, name := callee.child[0], callee.child[1].ident
	switch {
	case x.ident == "n" && l.natives[name].f != nil:
		n := l.natives[name]
		return direct{n.in, n.f, n.keeps}, nil, true
	case x.ident == "core":
		d, ok = coreCalls[name]
		return d, nil, ok
	case l.gen[callee] == "method" && x.typ != nil:
		d, ok = coreMethods[typeOf(x.typ).String()+"."+name]
		return d, x, ok
	}
	return d, nil, false
}

// callNative is a call of a native function that there is a faster way to.
func (l *layout) callNative(n *node, here cell.Place, slow bltn) bltn {
	d, recv, ok := l.directOf(n.child[0])
	if !ok || l.actionOf(n) != "call" || n.level != 0 {
		return nil
	}
	args := n.child[1:]
	if recv != nil {
		args = append([]*node{recv}, args...)
	}
	if len(args) != len(d.in) {
		return nil
	}
	reads := make([]func(*frame) reflect.Value, len(args))
	copies := make([]fresh, len(args))
	for i, c := range args {
		if t := d.in[i]; t.Kind() == reflect.Interface && t.NumMethod() > 0 {
			return nil
		}
		if reads[i] = l.operand(c, d.in[i]); reads[i] == nil {
			return nil
		}
		copies[i] = freshOf(d.in[i])
	}
	store := l.results(n)
	if store == nil {
		return nil
	}
	return traced(func(f *frame) bltn {
		in := make(vals, len(reads))
		for i, read := range reads {
			v := read(f)
			if t := d.in[i]; d.keeps || v.Type() != t && t.Kind() != reflect.Interface {
				c := copies[i].new()
				c.Set(v)
				v = c
			}
			in[i] = v
		}
		return store(f, d.f(in))
	}, here)
}

// operand reads an operand of a native function.
func (l *layout) operand(c *node, t reflect.Type) func(*frame) reflect.Value {
	if s, ok := slotOf(c); ok && l.actionOf(c) == "call" {
		return func(f *frame) reflect.Value { return *s.in(f) }
	}
	if l.kindOf(c) == "basicLit" || c.rval.IsValid() {
		convertLiteralValue(c, t)
		if v := genValue(c)(nil); !v.IsValid() {
			return nil
		}
	}
	if t.Kind() == reflect.Func {
		return genFuncValue(c)
	}
	return valueOf(c)
}

// results stores the results of a native call where yaegi does, and says what
// comes next.
func (l *layout) results(n *node) func(f *frame, out vals) bltn {
	yes, no := getExec(n.tnext), getExec(n.fnext)
	i := n.findex
	switch {
	case l.kindOf(n.anc) == "goStmt", l.kindOf(n.anc) == "deferStmt", l.actionOf(n.anc) == "return":
		return nil
	case n.fnext != nil:
		return func(f *frame, out vals) bltn {
			b := out[0].Bool()
			f.data[i].SetBool(b)
			if b {
				return yes
			}
			return no
		}
	case l.actionOf(n.anc) == "X=":
		defines := l.kindOf(n.anc) == "defineXStmt"
		type variable struct {
			slot
			fresh
		}
		var to []variable
		for _, c := range n.anc.child[:n.anc.nleft] {
			s, ok := slotOf(c)
			if c.ident == "_" {
				s.index = -1
			} else if !ok || c.ident == "" || !defines {
				return nil
			}
			v := variable{slot: s}
			if s.index >= 0 {
				v.fresh = freshOf(typeOf(c.typ))
			}
			to = append(to, v)
		}
		return func(f *frame, out vals) bltn {
			for i, s := range to {
				if s.index < 0 {
					continue
				}
				v := s.new()
				v.Set(out[i])
				*s.in(f) = v
			}
			return yes
		}
	}
	return func(f *frame, out vals) bltn {
		for j, r := range out {
			if r.Kind() == reflect.Func {
				f.data[i+j] = r
			} else {
				f.data[i+j].Set(r)
			}
		}
		return yes
	}
}
