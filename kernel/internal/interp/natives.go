package interp

import (
	"fmt"
	"go/types"
	"math/bits"
	"reflect"
	"strings"
	"unique"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
	"spindle/kernel/internal/named"
)

type vals = []reflect.Value

func single(v reflect.Value) vals { return vals{v} }

var (
	handleR = reflect.TypeFor[core.Handle]()
	boolR   = reflect.TypeFor[bool]()
	intR    = reflect.TypeFor[int]()
	selectR = reflect.TypeFor[*core.Select]()
	iterR   = reflect.TypeFor[*core.MapIter]()
)

// native is a native function: for yaegi as a value, and as it is for calls
// that hook makes without a detour through reflection (direct.go).
type native struct {
	value reflect.Value
	in    []reflect.Type
	f     func(vals) vals
	keeps bool // it may keep its operands, which must not be variables then
}

func fn(in, out []reflect.Type, f func(vals) vals) native {
	return native{value: reflect.MakeFunc(reflect.FuncOf(in, out, false), f), in: in, f: f}
}

func keeping(n native) native {
	n.keeps = true
	return n
}

type rts = []reflect.Type

// iface is v as an any; the zero Value of an interface is nil.
func iface(v reflect.Value) any {
	if v.Kind() == reflect.Interface && v.IsNil() {
		return nil
	}
	return v.Interface()
}

// as is x as a reflect.Value of type t, a concrete or an interface type.
func as(x any, t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	if x != nil {
		v.Set(core.Value(x, t))
	}
	return v
}

// native makes one of the native functions that a unit asks for.
func (r *realizer) native(n cell.Native) (native, error) {
	var t reflect.Type
	if n.Type != nil {
		if _, ok := n.Type.(*types.Signature); !ok || n.Kind != "method" {
			t = r.rtype(n.Type)
		}
	}
	switch n.Kind {
	case "any":
		return fn(rts{t}, rts{anyR}, func(a vals) vals { return a }), nil
	case "box":
		d := r.desc(n.Type)
		return fn(rts{t}, rts{anyR}, func(a vals) vals { return single(reflect.ValueOf(named.As(a[0].Interface(), d.Face()))) }), nil
	case "typeFor":
		face := r.face(n.Type)
		return fn(nil, rts{r.rtype(n.Res[0])}, func(vals) vals { return single(reflect.ValueOf(&face).Elem()) }), nil
	case "is":
		d := r.desc(n.Type)
		return fn(rts{anyR}, rts{boolR}, func(a vals) vals { return single(reflect.ValueOf(core.Is(iface(a[0]), d))) }), nil
	case "assert":
		d, from := r.desc(n.Type), r.ifaceName(n.Sig[0])
		conv := r.outOf(n.Type, t)
		return fn(rts{anyR}, rts{t}, func(a vals) vals {
			return single(conv(core.Assert(iface(a[0]), d, from)))
		}), nil
	case "assertOK":
		d := r.desc(n.Type)
		conv := r.outOf(n.Type, t)
		return fn(rts{anyR}, rts{t, boolR}, func(a vals) vals {
			x := iface(a[0])
			if !core.Is(x, d) {
				return vals{reflect.Zero(t), reflect.ValueOf(false)}
			}
			return vals{conv(x), reflect.ValueOf(true)}
		}), nil
	case "out":
		conv := r.outOf(n.Type, t)
		return fn(rts{anyR}, rts{t}, func(a vals) vals { return single(conv(iface(a[0]))) }), nil
	case "up":
		to := r.rtype(n.To)
		return fn(rts{t}, rts{to}, func(a vals) vals {
			v := reflect.New(to).Elem()
			v.Set(a[0])
			return single(v)
		}), nil
	case "convert":
		to := r.rtype(n.To)
		return fn(rts{t}, rts{to}, func(a vals) vals { return single(convert(a[0], to)) }), nil
	case "packageVar":
		dot := strings.LastIndexByte(n.Arg, '.')
		return native{value: r.symbols(n.Arg[:dot])[n.Arg[dot+1:]].Addr()}, nil
	case "equal":
		to := r.rtype(n.To)
		return fn(rts{t, to}, rts{boolR}, func(a vals) vals {
			if a[0].Kind() == reflect.Chan {
				return single(reflect.ValueOf(a[0].Pointer() == a[1].Pointer()))
			}
			return single(reflect.ValueOf(a[0].Interface() == a[1].Interface()))
		}), nil
	case "errorsAs":
		d := r.desc(n.Type)
		conv := r.outOf(n.Type, t)
		return fn(rts{errorR, reflect.PointerTo(t)}, rts{boolR}, func(a vals) vals {
			err, _ := iface(a[0]).(error)
			x, set, ok := core.ErrorsAs(err, d, named.As(a[1].Interface(), reflect.PointerTo(d.Face())))
			if ok && !set {
				a[1].Elem().Set(conv(x))
			}
			return single(reflect.ValueOf(ok))
		}), nil
	case "errorsAsType":
		d := r.desc(n.Type)
		conv := r.outOf(n.Type, t)
		return fn(rts{errorR}, rts{t, boolR}, func(a vals) vals {
			err, _ := iface(a[0]).(error)
			p := reflect.New(t)
			x, set, ok := core.ErrorsAs(err, d, named.As(p.Interface(), reflect.PointerTo(d.Face())))
			switch {
			case set:
				return vals{p.Elem(), reflect.ValueOf(true)}
			case ok:
				return vals{conv(x), reflect.ValueOf(true)}
			}
			return vals{reflect.Zero(t), reflect.ValueOf(false)}
		}), nil
	case "valueMethod":
		return fn(rts{reflect.PointerTo(t)}, rts{t}, func(a vals) vals {
			if a[0].IsNil() {
				panic(core.PlainFault(n.Arg))
			}
			return single(a[0].Elem())
		}), nil
	case "generic":
		return r.generic(n)
	case "atomicPointer":
		return r.atomicPointer(n), nil
	case "uniqueMake":
		d := r.desc(n.Type)
		return fn(rts{t}, rts{handleR}, func(a vals) vals {
			x := iface(a[0])
			if !types.IsInterface(n.Type) {
				x = named.As(x, d.Face())
			}
			return single(reflect.ValueOf(unique.Make(x)))
		}), nil
	case "uniqueValue":
		return fn(rts{handleR}, rts{t}, func(a vals) vals { return single(as(a[0].Interface().(core.Handle).Value(), t)) }), nil
	case "unsafeSlice":
		return fn(rts{reflect.PointerTo(t), intR}, rts{reflect.SliceOf(t)}, func(a vals) vals {
			return single(reflect.SliceAt(t, a[0].UnsafePointer(), int(a[1].Int())))
		}), nil
	case "unsafeSliceData":
		return fn(rts{t}, rts{reflect.PointerTo(t.Elem())}, func(a vals) vals {
			return single(reflect.NewAt(t.Elem(), a[0].UnsafePointer()))
		}), nil
	case "makeSlice":
		return fn(rts{intR}, rts{t}, func(a vals) vals { return single(makeSlice(t, a[0].Int(), a[0].Int())) }), nil
	case "makeSliceCap":
		return fn(rts{intR, intR}, rts{t}, func(a vals) vals { return single(makeSlice(t, a[0].Int(), a[1].Int())) }), nil
	case "append":
		return fn(rts{t, t}, rts{t}, func(a vals) vals { return single(reflect.AppendSlice(a[0], a[1])) }), nil
	case "extend":
		return fn(rts{t, intR}, rts{t}, func(a vals) vals { return single(extend(a[0], a[1].Int())) }), nil
	case "min", "max":
		return fn(rts{reflect.SliceOf(t)}, rts{t}, func(a vals) vals { return single(extreme(a[0], n.Kind == "min")) }), nil
	case "clear":
		return fn(rts{t}, nil, func(a vals) vals { a[0].Clear(); return nil }), nil
	case "lookup":
		return fn(rts{t, t.Key()}, rts{t.Elem(), boolR}, func(a vals) vals {
			v := a[0].MapIndex(a[1])
			if !v.IsValid() {
				return vals{reflect.Zero(t.Elem()), reflect.ValueOf(false)}
			}
			return vals{v, reflect.ValueOf(true)}
		}), nil
	case "iterKey":
		return fn(rts{iterR}, rts{t}, func(a vals) vals { return single(a[0].Interface().(*core.MapIter).Key()) }), nil
	case "iterValue":
		return fn(rts{iterR}, rts{t}, func(a vals) vals { return single(a[0].Interface().(*core.MapIter).Value()) }), nil
	case "selectSend":
		return keeping(fn(rts{selectR, t, t.Elem()}, nil, func(a vals) vals {
			a[0].Interface().(*core.Select).Send(a[1], a[2])
			return nil
		})), nil
	case "selectRecv":
		return keeping(fn(rts{selectR, t}, nil, func(a vals) vals { a[0].Interface().(*core.Select).Recv(a[1]); return nil })), nil
	case "selected":
		return fn(rts{selectR}, rts{t}, func(a vals) vals { return single(a[0].Interface().(*core.Select).Received()) }), nil
	case "method":
		return r.method(n), nil
	}
	return native{}, fmt.Errorf("unknown native function %s", n.Kind)
}

// ifaceName is how the runtime calls an interface type in a failed assertion.
func (r *realizer) ifaceName(t types.Type) string {
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return typeName(n)
	}
	if i, ok := t.Underlying().(*types.Interface); ok && i.NumMethods() == 0 {
		return "interface {}"
	}
	return typeName(t)
}

// outOf converts a core interface value to the representation of t.
func (r *realizer) outOf(t types.Type, rt reflect.Type) func(any) reflect.Value {
	if !types.IsInterface(t) || rt == anyR {
		return func(x any) reflect.Value { return as(x, rt) }
	}
	return func(x any) reflect.Value {
		v := reflect.New(rt).Elem()
		if x != nil {
			if !reflect.TypeOf(x).Implements(rt) {
				panic(fmt.Sprintf("spindle: a %T cannot be passed to compiled code as %s", x, rt))
			}
			v.Set(reflect.ValueOf(x))
		}
		return v
	}
}

func convert(v reflect.Value, to reflect.Type) (out reflect.Value) {
	defer func() {
		if e := recover(); e != nil {
			if s, ok := e.(string); ok && strings.Contains(s, "cannot convert slice with length") {
				want := to
				if want.Kind() == reflect.Pointer {
					want = want.Elem()
				}
				panic(core.ArrayFault(v.Len(), want.Len()))
			}
			panic(e)
		}
	}()
	switch from := v.Kind(); {
	case from == reflect.UnsafePointer && to.Kind() == reflect.Pointer:
		return reflect.NewAt(to.Elem(), v.UnsafePointer())
	case from == reflect.UnsafePointer && to.Kind() == reflect.Uintptr:
		return reflect.ValueOf(v.Pointer()).Convert(to)
	case from == reflect.Pointer && to.Kind() == reflect.UnsafePointer:
		return reflect.ValueOf(v.UnsafePointer()).Convert(to)
	case from == reflect.Uintptr && to.Kind() == reflect.UnsafePointer:
		return reflect.ValueOf(core.PointerOf(uintptr(v.Uint()))).Convert(to)
	}
	return v.Convert(to)
}

// makeSlice is the built-in make. It panics as runtime.makeslice does.
func makeSlice(t reflect.Type, n, c int64) reflect.Value {
	switch {
	case tooBig(t, n):
		panic(core.Fault("makeslice: len out of range"))
	case tooBig(t, c) || c < n:
		panic(core.Fault("makeslice: cap out of range"))
	}
	return reflect.MakeSlice(t, int(n), int(c))
}

// extend is append(s, make(…, n)...), of which the compiler makes growslice.
func extend(s reflect.Value, n int64) reflect.Value {
	switch {
	case n < 0:
		panic(core.Fault("makeslice: len out of range"))
	case tooBig(s.Type(), int64(s.Len())+n):
		panic(core.Fault("growslice: len out of range"))
	}
	return reflect.AppendSlice(s, reflect.MakeSlice(s.Type(), int(n), int(n)))
}

// tooBig reports that no slice of type t can be n long.
func tooBig(t reflect.Type, n int64) bool {
	const maxAlloc = 1 << 48 // of 64-bit machines
	hi, mem := bits.Mul64(uint64(t.Elem().Size()), uint64(n))
	return n < 0 || hi > 0 || mem > maxAlloc
}

func extreme(s reflect.Value, least bool) reflect.Value {
	m := s.Index(0)
	for i := 1; i < s.Len(); i++ {
		v := s.Index(i)
		switch m.Kind() {
		case reflect.Float32, reflect.Float64:
			if least {
				m = reflect.ValueOf(min(m.Float(), v.Float())).Convert(m.Type())
			} else {
				m = reflect.ValueOf(max(m.Float(), v.Float())).Convert(m.Type())
			}
			continue
		}
		less := false
		switch {
		case v.CanInt():
			less = v.Int() < m.Int()
		case v.CanUint():
			less = v.Uint() < m.Uint()
		default:
			less = v.String() < m.String()
		}
		if less == least && v.Interface() != m.Interface() {
			m = v
		}
	}
	return m
}

func (r *realizer) generic(n cell.Native) (native, error) {
	g, ok := core.Generics[n.Arg]
	if !ok {
		return native{}, fmt.Errorf("no generic function %s", n.Arg)
	}
	var in, out []reflect.Type
	for _, t := range n.Sig {
		in = append(in, r.rtype(t))
	}
	for _, t := range n.Res {
		out = append(out, r.rtype(t))
	}
	return keeping(fn(in, out, func(a vals) vals {
		rs := g(out, a)
		for i, v := range rs {
			if v.Type() != out[i] {
				c := reflect.New(out[i]).Elem()
				if out[i].Kind() == reflect.Interface || v.Type().AssignableTo(out[i]) {
					c.Set(v)
				} else {
					c = v.Convert(out[i])
				}
				rs[i] = c
			}
		}
		return rs
	})), nil
}

func (r *realizer) atomicPointer(n cell.Native) native {
	in := []reflect.Type{reflect.TypeFor[*core.AtomicPointer]()}
	var out []reflect.Type
	for _, t := range n.Sig {
		in = append(in, r.rtype(t))
	}
	for _, t := range n.Res {
		out = append(out, r.rtype(t))
	}
	elem := reflect.PointerTo(r.rtype(n.Type.(*types.Named).TypeArgs().At(0)))
	return keeping(fn(in, out, func(a vals) vals {
		return a[0].Interface().(*core.AtomicPointer).Do(n.Arg, elem, a[1:])
	}))
}

// method calls a method of an interface's dynamic value.
func (r *realizer) method(n cell.Native) native {
	sig := n.Type.(*types.Signature)
	in := append([]reflect.Type{anyR}, r.tuple(sig.Params())...)
	out := r.tuple(sig.Results())
	return fn(in, out, func(a vals) vals {
		rs := core.Invoke(iface(a[0]), n.Arg, a[1:])
		for i, v := range rs {
			if v.Type() != out[i] {
				c := reflect.New(out[i]).Elem()
				if v.Kind() != reflect.Interface || !v.IsNil() {
					c.Set(v)
				}
				rs[i] = c
			}
		}
		return rs
	})
}
