package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// nativeCall is a call of a compiled package's function.
func (u *lowerer) nativeCall(e *ast.CallExpr, f *types.Func, targs []types.Type) *call {
	sig := u.signature(f, targs)
	full := f.Pkg().Path() + "." + f.Name()
	switch {
	case full == "errors.AsType":
		return u.errorsAsType(e, targs[0])
	case full == "reflect.TypeFor":
		return u.typeFor(targs[0], sig)
	case full == "unique.Make":
		u.desc(targs[0])
		return u.simpleCall(e, sig, u.native(Native{Kind: "uniqueMake", Type: targs[0]}))
	case len(targs) > 0:
		return u.genericCall(e, full, sig)
	}
	u.checkInterfaces(e, f)
	if c := u.placed(e, nil, f, sig); c != nil {
		return c
	}
	switch full {
	case "errors.As":
		return u.errorsAs(e)
	case "runtime.SetFinalizer", "runtime.Callers":
		u.refuse(full, "")
	}
	name := u.pkgRef(f.Pkg()) + "." + f.Name()
	if i, ok := starts[full]; ok {
		return u.callOf(sig, name, u.adopting(e, u.args(e, sig, true), i, false))
	}
	return u.decodes(e, f, u.simpleCall(e, sig, name))
}

func (u *lowerer) simpleCall(e *ast.CallExpr, sig *types.Signature, name string) *call {
	return u.callOf(sig, name, u.args(e, sig, true))
}

func (u *lowerer) callOf(sig *types.Signature, name string, args *argList) *call {
	return &call{
		ops: u.all(args, nil, nil), types: args.types, results: u.resultTypes(sig),
		render: func(ops []string) string { return name + "(" + args.join(ops) + ")" },
	}
}

// starts are the functions that run an argument, whose number it is, on a
// goroutine of its own, some time.
var starts = map[string]int{"time.AfterFunc": 1, "context.AfterFunc": 1}

// adopting makes the goroutine that runs argument i one of this place, as the
// go statement does. begun says that it starts with the call.
func (u *lowerer) adopting(e *ast.CallExpr, args *argList, i int, begun bool) *argList {
	lower := args.lower
	args.lower = func(j int) string {
		if j != i {
			return lower(j)
		}
		return fmt.Sprintf("core.Adopt(%s, %v, %s)", lower(j), begun, u.place(e.Pos()))
	}
	return args
}

// typeFor is reflect.TypeFor[T]().
func (u *lowerer) typeFor(t types.Type, sig *types.Signature) *call {
	u.refuseInterface(t, "reflection on")
	u.desc(t)
	n := u.native(Native{Kind: "typeFor", Type: t, Res: []types.Type{sig.Results().At(0).Type()}})
	return &call{results: u.resultTypes(sig), render: func([]string) string { return n + "()" }}
}

// checkInterfaces refuses what would ask for the methods of an interface that
// a cell declared: it is represented by interface{}.
func (u *lowerer) checkInterfaces(e *ast.CallExpr, f *types.Func) {
	if f.Pkg() == nil || f.Pkg().Path() != "reflect" {
		return
	}
	for _, a := range e.Args {
		if p, ok := u.typeOf(a).Underlying().(*types.Pointer); ok {
			u.refuseInterface(p.Elem(), "reflection on")
		}
	}
}

// asksMethods reports that f, a method of t, is one of reflect.Type's that
// depend on the methods of an interface.
func asksMethods(t types.Type, f *types.Func) bool {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != "reflect" || n.Obj().Name() != "Type" {
		return false
	}
	switch f.Name() {
	case "NumMethod", "Method", "MethodByName", "Methods", "Implements", "AssignableTo", "ConvertibleTo":
		return true
	}
	return false
}

// decodes wraps a call that decodes JSON into the last of its arguments, where
// that has interfaces which a cell declared.
func (u *lowerer) decodes(e *ast.CallExpr, f *types.Func, c *call) *call {
	if f.Pkg() == nil || f.Pkg().Path() != "encoding/json" || f.Name() != "Unmarshal" && f.Name() != "Decode" {
		return c
	}
	if len(e.Args) == 0 || !u.holdsOwnInterface(u.typeOf(e.Args[len(e.Args)-1]), map[types.Type]bool{}) {
		return c
	}
	render := c.render
	c.render = func(ops []string) string {
		return "core.Decoded(" + render(ops) + ", " + ops[len(ops)-1] + ")"
	}
	c.ops[len(c.ops)-1] = u.temp(c.ops[len(c.ops)-1])
	return c
}

// holdsOwnInterface reports that exported fields and elements below t are of
// interfaces with methods that a cell declared.
func (u *lowerer) holdsOwnInterface(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	in := func(t types.Type) bool { return u.holdsOwnInterface(t, seen) }
	if types.IsInterface(t) && u.s.isAny(t) && t.Underlying().(*types.Interface).NumMethods() > 0 {
		u.desc(t) // so that core knows it
		return true
	}
	switch t := t.Underlying().(type) {
	case *types.Pointer:
		return in(t.Elem())
	case *types.Slice:
		return in(t.Elem())
	case *types.Array:
		return in(t.Elem())
	case *types.Map:
		return in(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() && !compiled(f.Pkg()) && in(f.Type()) {
				return true
			}
		}
	}
	return false
}

// refuseInterface refuses t where it is an interface with methods that a cell
// declared.
func (u *lowerer) refuseInterface(t types.Type, what string) {
	if i, ok := t.Underlying().(*types.Interface); ok && i.NumMethods() > 0 && u.s.isAny(t) {
		name := "interface with methods"
		if n, ok := types.Unalias(t).(*types.Named); ok {
			name = "interface " + n.Obj().Name()
		}
		u.refuse(what+" the cell's own "+name, "")
	}
}

// errorsAs walks the chain in core, which knows the learner's error types.
func (u *lowerer) errorsAs(e *ast.CallExpr) *call {
	pt, ok := u.typeOf(e.Args[1]).Underlying().(*types.Pointer)
	if !ok {
		u.refuse("errors.As with this target", "")
	}
	u.desc(pt.Elem())
	errT := types.Universe.Lookup("error").Type()
	n := u.native(Native{Kind: "errorsAs", Type: pt.Elem()})
	return &call{
		ops: u.orderedOf(e.Args, func(i int) string {
			if i == 0 {
				return u.to(e.Args[0], errT)
			}
			return u.expr(e.Args[1])
		}),
		types: []string{"error", u.tx(pt)}, results: []types.Type{types.Typ[types.Bool]},
		render: func(ops []string) string { return n + "(" + strings.Join(ops, ", ") + ")" },
	}
}

// errorsAsType is errors.AsType[T](err).
func (u *lowerer) errorsAsType(e *ast.CallExpr, t types.Type) *call {
	u.desc(t)
	n := u.native(Native{Kind: "errorsAsType", Type: t})
	return &call{
		ops:   u.ordered(1, func(int) string { return u.to(e.Args[0], types.Universe.Lookup("error").Type()) }),
		types: []string{"error"}, results: []types.Type{t, types.Typ[types.Bool]},
		render: func(ops []string) string { return n + "(" + ops[0] + ")" },
	}
}

// genericCall is a call of a generic function of the standard library: core
// has it by reflection, for the types of this call.
func (u *lowerer) genericCall(e *ast.CallExpr, full string, sig *types.Signature) *call {
	n := u.genericNative(full, sig)
	args := u.args(e, sig, false)
	return &call{
		ops: u.all(args, nil, nil), types: args.types, results: u.resultTypes(sig),
		render: func(ops []string) string { return n + "(" + strings.Join(ops, ", ") + ")" },
	}
}

// Generics says which generic functions core has; package interp checks it
// against core's own list.
var Generics = map[string]bool{}

func (u *lowerer) genericNative(full string, sig *types.Signature) string {
	if !Generics[full] {
		u.refuse("the generic function "+full, "")
	}
	nat := Native{Kind: "generic", Arg: full, Variadic: sig.Variadic()}
	for i := range sig.Params().Len() {
		nat.Sig = append(nat.Sig, sig.Params().At(i).Type())
	}
	for i := range sig.Results().Len() {
		nat.Res = append(nat.Res, sig.Results().At(i).Type())
		u.desc(sig.Results().At(i).Type())
	}
	return u.native(nat)
}

// nativeMethod is a call of a compiled type's or interface's method.
func (u *lowerer) nativeMethod(e *ast.CallExpr, recv func() string, t types.Type, f *types.Func, sig *types.Signature) *call {
	if n := u.s.nativeNamed(derefType(t)); n != nil && n.TypeArgs().Len() > 0 {
		return u.genericMethod(e, recv, n, f, sig)
	}
	u.checkInterfaces(e, f)
	if c := u.placed(e, recv, f, sig); c != nil {
		return c
	}
	args := u.args(e, sig, true)
	if f.FullName() == "(*sync.WaitGroup).Go" {
		args = u.adopting(e, args, 0, true)
	}
	ops := u.all(args, recvExpr(e), recv)
	// The receiver's core type: what the method set wants.
	rt := t
	if r := f.Type().(*types.Signature).Recv(); r != nil && !types.IsInterface(t) {
		if _, wantsPtr := types.Unalias(r.Type()).(*types.Pointer); wantsPtr {
			if _, isPtr := t.Underlying().(*types.Pointer); !isPtr {
				rt = types.NewPointer(t)
			}
		} else {
			rt = derefType(t)
		}
	}
	name := f.Name()
	c := &call{
		ops: ops, types: append([]string{u.named(rt)}, args.types...), results: u.resultTypes(sig),
		render: func(ops []string) string { return ops[0] + "." + name + "(" + args.join(ops[1:]) + ")" },
	}
	if asksMethods(t, f) {
		c.render = func(ops []string) string {
			arg := args.join(ops[1:])
			if name == "Implements" || strings.HasSuffix(name, "To") {
				arg = "core.WithMethods(" + arg + ")"
			}
			return "core.WithMethods(" + ops[0] + ")." + name + "(" + arg + ")"
		}
	}
	return u.decodes(e, f, c)
}

// named is tx for a type that need not have a name unless it is spelled.
func (u *lowerer) named(t types.Type) string {
	if n := u.s.nativeNamed(derefType(t)); n != nil && n.Obj().Pkg() != nil && !n.Obj().Exported() {
		return ""
	}
	return u.tx(t)
}

func derefType(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// genericMethod is a call of a method of a generic type of the standard
// library, which core has once for all type arguments.
func (u *lowerer) genericMethod(e *ast.CallExpr, recv func() string, n *types.Named, f *types.Func, sig *types.Signature) *call {
	args := u.args(e, sig, false)
	nat := Native{Kind: "atomicPointer", Arg: f.Name(), Type: n}
	rt := "*core.AtomicPointer"
	if n.Obj().Name() == "Handle" {
		u.desc(n.TypeArgs().At(0))
		nat, rt = Native{Kind: "uniqueValue", Type: n.TypeArgs().At(0)}, "core.Handle"
	}
	for i := range sig.Params().Len() {
		nat.Sig = append(nat.Sig, sig.Params().At(i).Type())
	}
	for i := range sig.Results().Len() {
		nat.Res = append(nat.Res, sig.Results().At(i).Type())
	}
	name := u.native(nat)
	ops := u.all(args, recvExpr(e), recv)
	return &call{
		ops: ops, types: append([]string{rt}, args.types...), results: u.resultTypes(sig),
		render: func(ops []string) string { return name + "(" + strings.Join(ops, ", ") + ")" },
	}
}

// conversion lowers T(x).
func (u *lowerer) conversion(e *ast.CallExpr) string {
	to := u.s.subst(u.f.env, u.f.info.TypeOf(e.Fun))
	x := e.Args[0]
	tv := u.f.info.Types[x]
	if tv.IsNil() {
		return u.zero(to)
	}
	from := u.typeOf(x)
	if types.IsInterface(to) {
		return u.to(x, to)
	}
	if tv.Value != nil {
		f := types.Default(from)
		if b, ok := coreOf(to).(*types.Basic); ok {
			if fb, ok := coreOf(f).(*types.Basic); ok && (b.Info()&types.IsNumeric != 0 && fb.Info()&types.IsNumeric != 0 || b.Info()&types.IsString != 0 && fb.Info()&types.IsString != 0 || b.Info()&types.IsBoolean != 0) {
				if u.f.info.Types[e].Value == nil {
					// A constant converted to a type parameter's argument.
					return u.literal(tv.Value, to)
				}
			}
		}
		return u.convertText(u.literal(tv.Value, f), f, to)
	}
	return u.convertText(u.expr(x), from, to)
}

func (u *lowerer) convertText(text string, from, to types.Type) string {
	if u.s.Wrapped(from) != nil || u.s.Wrapped(to) != nil {
		if u.s.Wrapped(from) != nil && types.Identical(from, to) {
			return text
		}
		return u.wrapText(u.convertText(u.bareText(text, from), from.Underlying(), to.Underlying()), to)
	}
	if p, ok := from.Underlying().(*types.Pointer); ok && isUnsafePointer(to) {
		u.refuseInterface(p.Elem(), "unsafe access to")
	}
	fx, tx := u.tx(from), u.tx(to)
	if fx == tx {
		return text
	}
	fb, ok1 := coreOf(from).(*types.Basic)
	tb, ok2 := coreOf(to).(*types.Basic)
	if ok1 && ok2 && fb.Info()&types.IsNumeric != 0 && tb.Info()&types.IsNumeric != 0 {
		if (fb.Info()&types.IsInteger != 0) && (tb.Info()&types.IsInteger != 0) {
			return tx + "(" + text + ")"
		}
	}
	return u.native(Native{Kind: "convert", Type: from, To: to}) + "(" + text + ")"
}

// builtin prepares a call of a predeclared function.
func (u *lowerer) builtin(e *ast.CallExpr, name string) *call {
	res := func() []types.Type {
		if t := u.f.info.TypeOf(e); t != nil {
			if _, ok := t.(*types.Tuple); !ok {
				return []types.Type{u.s.subst(u.f.env, t)}
			}
		}
		return nil
	}
	mk := func(render func([]string) string, args ...ast.Expr) *call {
		c := &call{render: render, results: res()}
		c.ops = u.orderedOf(args, func(i int) string { return u.operand(args[i]) })
		for _, a := range args {
			c.types = append(c.types, u.tx(u.under(a)))
		}
		return c
	}
	apply := func(fn string) func([]string) string {
		return func(ops []string) string { return fn + "(" + strings.Join(ops, ", ") + ")" }
	}
	switch name {
	case "len", "cap":
		x := e.Args[0]
		if p, ok := u.under(x).(*types.Pointer); ok {
			if a, ok := p.Elem().Underlying().(*types.Array); ok {
				if u.hasCall(x) {
					u.temp(u.expr(x))
				}
				return &call{render: func([]string) string { return fmt.Sprint(a.Len()) }, results: res()}
			}
		}
		if a, ok := u.under(x).(*types.Array); ok {
			n := a.Len()
			if u.hasCall(x) {
				u.temp(u.expr(x))
			}
			return &call{render: func([]string) string { return fmt.Sprint(n) }, results: res()}
		}
		return mk(apply(name), x)
	case "append":
		return u.appendCall(e)
	case "copy":
		if b, ok := u.under(e.Args[1]).(*types.Basic); ok && b.Info()&types.IsString != 0 {
			return mk(apply("core.CopyString"), e.Args...)
		}
		return mk(apply("copy"), e.Args...)
	case "delete":
		m := u.under(e.Args[0]).(*types.Map)
		c := &call{render: apply("delete"), types: []string{u.tx(m), u.tx(m.Key())}}
		c.ops = u.orderedOf(e.Args, func(i int) string {
			if i == 0 {
				return u.operand(e.Args[0])
			}
			return u.mapKey(e.Args[1], m)
		})
		return c
	case "make":
		t := u.typeOf(e.Args[0])
		c := &call{results: res()}
		c.ops = u.orderedOf(e.Args[1:], func(i int) string { return u.intIndex(e.Args[i+1]) })
		for range c.ops {
			c.types = append(c.types, "int")
		}
		ut := coreOf(t)
		x := u.tx(ut)
		switch ut.(type) {
		case *types.Slice:
			kind := "makeSlice"
			if len(c.ops) == 2 {
				kind = "makeSliceCap"
			}
			n := u.native(Native{Kind: kind, Type: ut})
			c.render = func(ops []string) string {
				return u.wrapText(n+"("+strings.Join(ops, ", ")+")", t)
			}
		case *types.Map:
			c.render = func([]string) string { return u.wrapText("make("+x+")", t) }
			if len(c.ops) > 0 && !simple(c.ops[0]) {
				u.line("_ = %s", c.ops[0])
			}
		default:
			if ch, ok := ut.(*types.Chan); ok { // made in both directions, then used in one
				x = u.tx(types.NewChan(types.SendRecv, ch.Elem()))
			}
			c.render = func(ops []string) string {
				return u.wrapText("make("+strings.Join(append([]string{x}, ops...), ", ")+")", t)
			}
		}
		return c
	case "new":
		if !u.f.info.Types[e.Args[0]].IsType() { // Go 1.26: new(expr)
			t := types.Default(u.typeOf(e.Args[0]))
			v := u.to(e.Args[0], t)
			p := u.s.next("p")
			u.line("%s := new(%s)", p, u.tx(t))
			u.line("*%s = %s", p, v)
			return &call{render: func([]string) string { return p }, results: res()}
		}
		x := u.tx(u.typeOf(e.Args[0]))
		return &call{render: func([]string) string { return "new(" + x + ")" }, results: res()}
	case "close":
		return mk(apply("close"), e.Args...)
	case "panic":
		c := &call{render: apply("core.Panic"), types: []string{"interface{}"}}
		c.ops = u.ordered(1, func(int) string { return u.to(e.Args[0], anyType) })
		return c
	case "recover":
		p := u.f.panick
		if p == "" {
			return &call{render: func([]string) string { return "core.RecoverNow()" }, results: []types.Type{anyType}}
		}
		return &call{render: func([]string) string { return "core.Recover(" + p + ")" }, results: []types.Type{anyType}}
	case "print", "println":
		c := &call{render: apply("core.P" + name[1:])}
		c.ops = u.orderedOf(e.Args, func(i int) string {
			text := u.to(e.Args[i], anyType)
			if types.IsInterface(u.typeOf(e.Args[i])) {
				return "core.Words(" + text + ")"
			}
			return text
		})
		for range c.ops {
			c.types = append(c.types, "interface{}")
		}
		return c
	case "min", "max":
		t := u.typeOf(e)
		n := u.native(Native{Kind: name, Type: t})
		c := &call{results: res()}
		c.ops = u.orderedOf(e.Args, func(i int) string { return u.to(e.Args[i], t) })
		for range c.ops {
			c.types = append(c.types, u.tx(t))
		}
		x := u.tx(t)
		c.render = func(ops []string) string { return n + "([]" + x + "{" + strings.Join(ops, ", ") + "})" }
		return c
	case "clear":
		t := u.under(e.Args[0])
		return mk(apply(u.native(Native{Kind: "clear", Type: t})), e.Args...)
	case "complex":
		t := u.typeOf(e)
		ft := types.Typ[types.Float64]
		c := &call{results: res(), types: []string{"float64", "float64"}}
		c.ops = u.orderedOf(e.Args, func(i int) string {
			if tv := u.f.info.Types[e.Args[i]]; tv.Value != nil {
				return u.literal(tv.Value, ft)
			}
			return "float64(" + u.expr(e.Args[i]) + ")"
		})
		x := u.tx(t)
		c.render = func(ops []string) string { return x + "(core.Complex(" + strings.Join(ops, ", ") + "))" }
		return c
	case "real", "imag":
		t := u.typeOf(e)
		x := u.tx(t)
		fn := map[string]string{"real": "core.Real", "imag": "core.Imag"}[name]
		return mk(func(ops []string) string { return x + "(" + fn + "(complex128(" + ops[0] + ")))" }, e.Args...)
	}
	u.refuse("the built-in function "+name, "")
	return nil
}

// appendedMake is n in append(s, make([]T, n)...).
func (u *lowerer) appendedMake(e *ast.CallExpr) ast.Expr {
	if !e.Ellipsis.IsValid() {
		return nil
	}
	mk, ok := ast.Unparen(e.Args[1]).(*ast.CallExpr)
	if !ok || len(mk.Args) != 2 || !isBuiltinCall(u.f.info, mk) || types.ExprString(ast.Unparen(mk.Fun)) != "make" {
		return nil
	}
	return mk.Args[1]
}

func (u *lowerer) appendCall(e *ast.CallExpr) *call {
	t := u.typeOf(e)
	sl := coreOf(t).(*types.Slice)
	c := &call{results: []types.Type{t}, types: []string{u.tx(t)}}
	if n := u.appendedMake(e); n != nil { // never made: the slice grows by n
		c.types = append(c.types, "int")
		c.ops = u.orderedOf([]ast.Expr{e.Args[0], n}, func(i int) string {
			if i == 0 {
				return u.to(e.Args[0], t)
			}
			return u.intIndex(n)
		})
		extend := u.native(Native{Kind: "extend", Type: sl})
		c.render = func(ops []string) string {
			return u.wrapText(extend+"("+u.bareText(ops[0], t)+", "+ops[1]+")", t)
		}
		return c
	}
	if e.Ellipsis.IsValid() {
		str := false
		if b, ok := u.under(e.Args[1]).(*types.Basic); ok && b.Info()&types.IsString != 0 {
			str = true
		}
		c.ops = u.orderedOf(e.Args, func(i int) string {
			if i == 0 {
				return u.to(e.Args[0], t)
			}
			if u.f.info.Types[e.Args[1]].IsNil() {
				return u.zero(sl)
			}
			return u.operand(e.Args[1])
		})
		c.types = append(c.types, u.tx(types.Default(u.under(e.Args[1]))))
		n := u.native(Native{Kind: "append", Type: sl})
		c.render = func(ops []string) string {
			b := ops[1]
			if str {
				b = "[]byte(" + b + ")"
			}
			return u.wrapText(n+"("+u.bareText(ops[0], t)+", "+b+")", t)
		}
		return c
	}
	c.ops = u.orderedOf(e.Args, func(i int) string {
		if i == 0 {
			return u.to(e.Args[0], t)
		}
		text := u.to(e.Args[i], sl.Elem())
		if i > 1 && u.addressable(e.Args[i]) {
			return u.hold(text) // yaegi reads it when the values before it are stored
		}
		return text
	})
	for range e.Args[1:] {
		c.types = append(c.types, u.tx(sl.Elem()))
	}
	c.render = func(ops []string) string {
		if len(ops) == 1 {
			return ops[0]
		}
		return u.wrapText("append("+strings.Join(append([]string{u.bareText(ops[0], t)}, ops[1:]...), ", ")+")", t)
	}
	return c
}
