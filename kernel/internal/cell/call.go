package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// call is a call ready to be made: now, in a goroutine, or when deferred. Its
// operands are evaluated where the call stands; render puts them together.
type call struct {
	ops     []string
	types   []string // the core types of ops
	render  func(ops []string) string
	results []types.Type
	// panick says that the callee takes the *core.Panicking it may recover
	// from as its first argument; render then expects it as ops[0].
	panick bool
	direct string // a func() to run as it is: a literal called without arguments
	// value says that only a value names the callee: a function value or what
	// an interface holds.
	value bool
}

const noPanic = "(*core.Panicking)(nil)"

// callOne lowers a call in a context of one value (or none).
func (u *lowerer) callOne(e *ast.CallExpr) string {
	if tv := u.f.info.Types[e.Fun]; tv.IsType() {
		return u.conversion(e)
	}
	c := u.prepare(e)
	return c.now()
}

func (c *call) now() string {
	ops := c.ops
	if c.panick {
		ops = append([]string{noPanic}, ops...)
	}
	return c.render(ops)
}

// prepare lowers a call's operands.
func (u *lowerer) prepare(e *ast.CallExpr) *call {
	fun := ast.Unparen(e.Fun)
	if id, ok := fun.(*ast.Ident); ok {
		if b, ok := u.f.info.Uses[id].(*types.Builtin); ok {
			return u.builtin(u.takenApart(e), b.Name())
		}
	}
	if se, ok := fun.(*ast.SelectorExpr); ok {
		if sel := u.f.info.Selections[se]; sel != nil && sel.Kind() == types.MethodVal {
			return u.methodCall(e, se, sel)
		}
		if b, ok := u.f.info.Uses[se.Sel].(*types.Builtin); ok {
			return u.unsafeCall(u.takenApart(e), b.Name())
		}
	}
	if f := u.calleeFunc(fun); f != nil {
		return u.funcCall(e, f, fun)
	}
	// A function value.
	sig := u.under(e.Fun).(*types.Signature)
	if lit, ok := fun.(*ast.FuncLit); ok {
		return u.litCall(e, lit, sig)
	}
	// yaegi calls what it knows to be a function: a variable with its type.
	args := u.args(e, sig, false)
	ops := u.all(args, fun, func() string { return u.typed(u.operand(fun), sig) })
	return &call{
		ops: ops, types: append([]string{u.txFunc(sig)}, args.types...), results: u.resultTypes(sig), value: true,
		render: func(ops []string) string { return ops[0] + "(" + args.join(ops[1:]) + ")" },
	}
}

// takenApart is a call whose only argument gives several values, with a
// variable for each of them instead.
func (u *lowerer) takenApart(e *ast.CallExpr) *ast.CallExpr {
	if len(e.Args) != 1 {
		return e
	}
	inner, ok := ast.Unparen(e.Args[0]).(*ast.CallExpr)
	if !ok {
		return e
	}
	tup, ok := u.f.info.TypeOf(inner).(*types.Tuple)
	if !ok || tup.Len() < 2 {
		return e
	}
	out := *e
	out.Args = nil
	for i, name := range u.multi(inner, tup.Len()) {
		id := &ast.Ident{Name: name, NamePos: inner.Pos()}
		t := tup.At(i).Type()
		v := types.NewVar(inner.Pos(), u.s.pkg, name, t)
		u.f.info.Types[id] = types.TypeAndValue{Type: t}
		u.f.info.Uses[id] = v
		u.f.vars[v] = &local{name: name, typ: u.s.subst(u.f.env, t), in: u.f}
		out.Args = append(out.Args, id)
	}
	u.f.info.Types[&out] = u.f.info.Types[e]
	return &out
}

func (u *lowerer) resultTypes(sig *types.Signature) []types.Type {
	var out []types.Type
	for i := range sig.Results().Len() {
		out = append(out, u.s.subst(u.env(), sig.Results().At(i).Type()))
	}
	return out
}

// calleeFunc is the function that e names, if it names one.
func (u *lowerer) calleeFunc(e ast.Expr) *types.Func {
	switch x := e.(type) {
	case *ast.IndexExpr:
		return u.calleeFunc(ast.Unparen(x.X))
	case *ast.IndexListExpr:
		return u.calleeFunc(ast.Unparen(x.X))
	case *ast.Ident:
		f, _ := u.f.info.Uses[x].(*types.Func)
		return f
	case *ast.SelectorExpr:
		if u.f.info.Selections[x] == nil {
			f, _ := u.f.info.Uses[x.Sel].(*types.Func)
			return f
		}
	}
	return nil
}

// typeArgs are the type arguments with which e, a function's name, is used.
func (u *lowerer) typeArgs(e ast.Expr) []types.Type {
	switch x := e.(type) {
	case *ast.IndexExpr:
		e = x.X
	case *ast.IndexListExpr:
		e = x.X
	}
	id := instIdent(e)
	if id == nil {
		return nil
	}
	in, ok := u.f.info.Instances[id]
	if !ok {
		return nil
	}
	var out []types.Type
	for i := range in.TypeArgs.Len() {
		out = append(out, u.s.subst(u.f.env, in.TypeArgs.At(i)))
	}
	return out
}

// bind pairs a generic function's type parameters with arguments.
func bind(params *types.TypeParamList, args []types.Type) env {
	e := env{}
	for i := range params.Len() {
		if i < len(args) {
			e[params.At(i)] = args[i]
		}
	}
	return e
}

// signature is f's type with its type arguments put in.
func (u *lowerer) signature(f *types.Func, args []types.Type) *types.Signature {
	sig := f.Type().(*types.Signature)
	if len(args) == 0 {
		return u.s.subst(u.f.env, sig).(*types.Signature)
	}
	return u.s.subst(bind(sig.TypeParams(), args), sig).(*types.Signature)
}

func (u *lowerer) funcCall(e *ast.CallExpr, f *types.Func, fun ast.Expr) *call {
	targs := u.typeArgs(fun)
	if compiled(f.Pkg()) {
		return u.nativeCall(e, f, targs)
	}
	sig := u.signature(f, targs)
	var en env
	if len(targs) > 0 {
		en = bind(f.Origin().Type().(*types.Signature).TypeParams(), targs)
	}
	name, d := u.instance(f, en, targs)
	args := u.args(e, sig, false)
	c := &call{
		ops: u.all(args, nil, nil), types: args.types, results: u.resultTypes(sig),
		panick: u.recovers(d),
	}
	c.render = func(ops []string) string { return name + "(" + args.join(ops) + ")" }
	return c
}

// recovers reports that d's function calls recover itself.
func (u *lowerer) recovers(d *decl) bool {
	found := false
	if d.node == nil || d.node.Body == nil {
		return false
	}
	ast.Inspect(d.node.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok {
				if b, ok := d.info.Uses[id].(*types.Builtin); ok && b.Name() == "recover" {
					found = true
				}
			}
		}
		return true
	})
	return found
}

// litCall is a call of a function literal where it stands.
func (u *lowerer) litCall(e *ast.CallExpr, lit *ast.FuncLit, sig *types.Signature) *call {
	args := u.args(e, sig, false)
	pan := u.f.esc.recovers[lit]
	maker := u.funcLit(lit, pan)
	typ := u.txFunc(sig)
	if pan {
		typ = strings.Replace(typ, "func(", "func(*core.Panicking, ", 1)
		typ = strings.Replace(typ, ", )", ")", 1)
	}
	ops := u.all(args, nil, func() string {
		if args.n == 0 {
			return maker
		}
		return u.temp(maker)
	})
	c := &call{ops: ops, types: append([]string{typ}, args.types...), results: u.resultTypes(sig), panick: pan}
	c.render = func(ops []string) string {
		if pan {
			return ops[1] + "(" + args.join(append([]string{ops[0]}, ops[2:]...)) + ")"
		}
		return ops[0] + "(" + args.join(ops[1:]) + ")"
	}
	if args.n == 0 && sig.Results().Len() == 0 {
		c.direct = maker
	}
	return c
}

// argList is the arguments of a call, to be lowered in order.
type argList struct {
	n      int
	types  []string
	lower  func(i int) string
	spread bool       // the last is a slice for a native variadic function: a...
	exprs  []ast.Expr // the arguments as written
}

// all lowers the arguments, after a first operand where there is one.
func (u *lowerer) all(a *argList, x ast.Expr, first func() string) []string {
	extra := 0
	if first != nil {
		extra = 1
	}
	lower := func(i int) string {
		if i < extra {
			return first()
		}
		return a.lower(i - extra)
	}
	var out []string
	u.operands(append([]ast.Expr{x}, a.exprs...), func() { out = u.ordered(a.n+extra, lower) })
	return out
}

func (a *argList) join(ops []string) string {
	if a.spread && len(ops) > 0 {
		return strings.Join(ops, ", ") + "..."
	}
	return strings.Join(ops, ", ")
}

// args pairs a call's arguments with sig's parameters. native variadic
// functions take their arguments one by one, the core's take a slice.
func (u *lowerer) args(e *ast.CallExpr, sig *types.Signature, native bool) *argList {
	np := sig.Params().Len()
	param := func(i int) types.Type { return u.s.subst(u.f.env, sig.Params().At(i).Type()) }
	// f(g()) with several results: they are taken apart first.
	if len(e.Args) == 1 {
		if inner, ok := ast.Unparen(e.Args[0]).(*ast.CallExpr); ok {
			if tup, ok := u.f.info.TypeOf(inner).(*types.Tuple); ok && tup.Len() > 1 {
				return u.spreadArgs(inner, tup, sig, native)
			}
		}
	}
	a := &argList{exprs: e.Args}
	if !sig.Variadic() {
		a.n = np
		for i := range np {
			a.types = append(a.types, u.tx(param(i)))
		}
		a.lower = func(i int) string { return u.at(e.Args[i], func() string { return u.to(e.Args[i], param(i)) }) }
		return a
	}
	last := param(np - 1)
	var elem types.Type
	if sl, ok := last.Underlying().(*types.Slice); ok {
		elem = sl.Elem()
	} else {
		elem = types.Typ[types.Byte]
	}
	switch {
	case e.Ellipsis.IsValid():
		a.n, a.spread = np, native
		for i := range np {
			a.types = append(a.types, u.tx(param(i)))
		}
		a.lower = func(i int) string { return u.to(e.Args[i], param(i)) }
	case native:
		a.n = len(e.Args)
		for i := range e.Args {
			t := elem
			if i < np-1 {
				t = param(i)
			}
			a.types = append(a.types, u.tx(t))
		}
		a.lower = func(i int) string {
			t := elem
			if i < np-1 {
				t = param(i)
			}
			return u.at(e.Args[i], func() string { return u.to(e.Args[i], t) })
		}
	default:
		a.n = np
		for i := range np {
			a.types = append(a.types, u.tx(param(i)))
		}
		a.lower = func(i int) string {
			if i < np-1 {
				return u.to(e.Args[i], param(i))
			}
			rest := e.Args[np-1:]
			if len(rest) == 0 {
				return u.zero(last)
			}
			ops := u.orderedOf(rest, func(j int) string { return u.to(rest[j], elem) })
			return u.tx(last) + "{" + strings.Join(ops, ", ") + "}"
		}
	}
	return a
}

// at lowers an argument that stands on a line of its own with that line.
func (u *lowerer) at(e ast.Expr, lower func() string) string {
	old := u.f.pos
	if u.f.fset.Position(e.Pos()).Line != u.f.fset.Position(old).Line {
		u.f.pos = e.Pos()
		defer func() { u.f.pos = old }()
		text := lower()
		if !simple(text) && !strings.HasPrefix(text, "\"") {
			return fmt.Sprintf("\x01%d\x02%s", e.Pos(), text)
		}
		return text
	}
	return lower()
}

// spreadArgs pairs the results of inner with sig's parameters.
func (u *lowerer) spreadArgs(inner *ast.CallExpr, tup *types.Tuple, sig *types.Signature, native bool) *argList {
	np := sig.Params().Len()
	param := func(i int) types.Type { return u.s.subst(u.f.env, sig.Params().At(i).Type()) }
	to := make([]types.Type, tup.Len()) // what each result becomes
	a := &argList{n: tup.Len(), exprs: []ast.Expr{inner}}
	for i := range to {
		if !sig.Variadic() || i < np-1 {
			to[i] = param(i)
		} else {
			to[i] = param(np - 1).Underlying().(*types.Slice).Elem()
		}
		a.types = append(a.types, u.tx(to[i]))
	}
	var vs []string
	one := func(i int) string {
		if vs == nil {
			vs = u.multi(inner, tup.Len())
		}
		return u.conv(vs[i], u.s.subst(u.f.env, tup.At(i).Type()), to[i])
	}
	a.lower = one
	if sig.Variadic() && !native {
		last := u.tx(param(np - 1))
		a.n, a.types = np, append(a.types[:np-1], last)
		a.lower = func(i int) string {
			if i < np-1 {
				return one(i)
			}
			var rest []string
			for j := i; j < tup.Len(); j++ {
				rest = append(rest, one(j))
			}
			return last + "{" + strings.Join(rest, ", ") + "}"
		}
	}
	return a
}

// multi makes a call of several results and names them.
func (u *lowerer) multi(e *ast.CallExpr, n int) []string {
	mark := len(u.f.late)
	c := u.prepare(e)
	names := make([]string, n)
	for i := range names {
		names[i] = u.s.next("v")
	}
	u.line("%s := %s", strings.Join(names, ", "), c.now())
	u.flush(mark)
	return names
}

// methodCall lowers x.M(…).
func (u *lowerer) methodCall(e *ast.CallExpr, se *ast.SelectorExpr, sel *types.Selection) *call {
	o, path := u.fieldPath(se)
	f, ok := o.(*types.Func)
	if !ok { // a field of function type, found through a type parameter
		u.refuse("this call", "")
	}
	fields := u.methodFields(u.typeOf(se.X), path)
	recvT := pathType(u.typeOf(se.X), fields)
	recv := func() string {
		return u.receiver(se.X, fields, recvT, f)
	}
	return u.methodOn(e, recv, recvT, f)
}

// receiver lowers x.path as the receiver that f wants.
func (u *lowerer) receiver(x ast.Expr, path []int, t types.Type, f *types.Func) string {
	r := f.Type().(*types.Signature).Recv()
	_, isPtr := t.Underlying().(*types.Pointer)
	if types.IsInterface(t) {
		return u.fields(u.expr(x), u.typeOf(x), path)
	}
	_, wantsPtr := types.Unalias(r.Type()).(*types.Pointer)
	switch {
	case wantsPtr && isPtr, !wantsPtr && !isPtr:
		return u.fields(u.expr(x), u.typeOf(x), path)
	case wantsPtr:
		if len(path) == 0 {
			return u.addr(x)
		}
		base := u.typeOf(x)
		if _, ok := base.Underlying().(*types.Pointer); ok {
			return "(&" + u.fields(u.expr(x), base, path) + ")"
		}
		return "(&" + u.fields(u.expr(x), base, path) + ")"
	default:
		return "(*" + u.fields(u.expr(x), u.typeOf(x), path) + ")"
	}
}

// methodOn is the call of method f on a receiver of type t.
func (u *lowerer) methodOn(e *ast.CallExpr, recv func() string, t types.Type, f *types.Func) *call {
	sig := u.methodSig(t, f)
	switch {
	case u.isLearnerMethod(t, f):
		name, d := u.methodName(t, f)
		args := u.args(e, sig, false)
		rt := u.tx(u.recvType(t, f))
		ops := u.all(args, recvExpr(e), recv)
		c := &call{ops: ops, types: append([]string{rt}, args.types...), results: u.resultTypes(sig), panick: u.recovers(d)}
		c.render = func(ops []string) string { return name + "(" + args.join(ops) + ")" }
		return c
	case u.s.isAny(t):
		args := u.args(e, sig, false)
		ops := u.all(args, recvExpr(e), recv)
		n := u.native(Native{Kind: "method", Arg: f.Name(), Type: u.plainSig(sig)})
		return &call{
			ops: ops, types: append([]string{"interface{}"}, args.types...), results: u.resultTypes(sig), value: true,
			render: func(ops []string) string { return n + "(" + args.join(ops) + ")" },
		}
	}
	return u.nativeMethod(e, recv, t, f, sig)
}

func recvExpr(e *ast.CallExpr) ast.Expr {
	if se, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok {
		return se.X
	}
	return nil
}

// plainSig is sig with a variadic parameter turned into a slice.
func (u *lowerer) plainSig(sig *types.Signature) *types.Signature {
	return types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(), false)
}

func (u *lowerer) methodSig(t types.Type, f *types.Func) *types.Signature {
	return u.s.subst(u.f.env, f.Type()).(*types.Signature)
}

// isLearnerMethod reports that f is a method that a cell declared on a type.
func (u *lowerer) isLearnerMethod(t types.Type, f *types.Func) bool {
	return !types.IsInterface(t) && f.Pkg() != nil && !compiled(f.Pkg())
}

// recvType is the receiver's type as f declares it, with t's type arguments.
func (u *lowerer) recvType(t types.Type, f *types.Func) types.Type {
	base := t
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		base = p.Elem()
	}
	if _, ok := types.Unalias(f.Origin().Type().(*types.Signature).Recv().Type()).(*types.Pointer); ok {
		return types.NewPointer(base)
	}
	return base
}

// methodName is the core function for a learner's method.
func (u *lowerer) methodName(t types.Type, f *types.Func) (string, *decl) {
	base := t
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		base = p.Elem()
	}
	n, ok := types.Unalias(base).(*types.Named)
	if !ok {
		u.refuse("a call of method "+f.Name(), "")
	}
	var targs []types.Type
	for i := range n.TypeArgs().Len() {
		targs = append(targs, u.s.subst(u.f.env, n.TypeArgs().At(i)))
	}
	var en env
	if len(targs) > 0 {
		en = bind(f.Origin().Type().(*types.Signature).RecvTypeParams(), targs)
	}
	return u.instance(f, en, targs)
}

// thunk turns a call into a func() (or, for a callee that recovers, a
// func(*core.Panicking)) whose operands are evaluated now.
func (u *lowerer) thunk(c *call) string {
	if c.direct != "" {
		return c.direct
	}
	name := u.s.next("th")
	f := &fun{name: u.f.name, fset: u.f.fset, info: u.f.info, env: u.f.env, pos: u.f.pos}
	var params, inner []string
	for i, t := range c.types {
		inner = append(inner, fmt.Sprintf("a%d", i))
		params = append(params, fmt.Sprintf("a%d %s", i, t))
	}
	typ, ops := "func()", inner
	if c.panick {
		typ, ops = "func(p *core.Panicking)", append([]string{"p"}, inner...)
	}
	f.head = fmt.Sprintf("func %s(%s) %s { return %s {", name, strings.Join(params, ", "), strings.Replace(typ, "p *", "*", 1), typ)
	f.lines = append(f.lines, line{c.render(ops), u.f.pos}, line{"}", u.f.pos})
	u.funcs = append(u.funcs, f)
	return name + "(" + strings.Join(c.ops, ", ") + ")"
}
