package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// function lowers a declared function, or an instance of a generic one.
func (u *lowerer) function(in *inst) {
	d := in.decl
	fn := d.node
	obj := d.obj.(*types.Func)
	sig := obj.Type().(*types.Signature)
	f := &fun{
		name: "main." + goName(obj), vars: map[types.Object]*local{}, info: d.info, fset: d.fset, env: in.env,
		labels: map[string]string{}, pos: fn.Pos(),
	}
	u.f = f
	f.esc = u.escapes(fn, d.info, in.env)
	f.sig = u.s.subst(in.env, sig).(*types.Signature)
	var recv *ast.FieldList
	if fn.Recv != nil {
		recv = fn.Recv
	}
	var first string
	if f.esc.recovers[fn] {
		f.panick = "pan"
		first = "pan *core.Panicking"
	}
	u.body(f, fn, in.name, recv, fn.Type, sig, fn.Body, first)
	u.f = nil
}

func goName(f *types.Func) string {
	r := f.Type().(*types.Signature).Recv()
	if r == nil {
		return f.Name()
	}
	n := recvTypeName(r.Type())
	if _, ok := types.Unalias(r.Type()).(*types.Pointer); ok {
		return "(*" + n + ")." + f.Name()
	}
	return n + "." + f.Name()
}

// body lowers a function's parameters and statements into f and files it.
func (u *lowerer) body(f *fun, key ast.Node, name string, recv *ast.FieldList, ft *ast.FuncType, sig *types.Signature, block *ast.BlockStmt, first string) {
	params, pre := u.params(f, recv, ft, sig)
	if first != "" {
		params = append([]string{first}, params...)
	}
	f.head = fmt.Sprintf("func %s(%s)%s {", name, strings.Join(params, ", "), u.txResults(f.sig))
	for _, p := range pre {
		u.line("%s", p)
	}
	u.resultVars(f, key, ft)
	u.block(f, key, block)
	u.funcs = append(u.funcs, f)
}

// params names the parameters; those that must be pointers are copied.
func (u *lowerer) params(f *fun, recv *ast.FieldList, ft *ast.FuncType, sig *types.Signature) (params, pre []string) {
	add := func(id *ast.Ident, t types.Type) {
		t = u.s.subst(f.env, t)
		n := u.s.next("a")
		params = append(params, n+" "+u.tx(t))
		if id == nil || id.Name == "_" {
			return
		}
		o := f.info.Defs[id]
		if o == nil {
			return
		}
		l := &local{name: n, typ: t, boxed: f.esc.boxed(o), in: f}
		if l.boxed {
			l.name = u.s.next(pathIdent(id.Name))
			pre = append(pre, fmt.Sprintf("%s := new(%s)", l.name, u.tx(t)), fmt.Sprintf("*%s = %s", l.name, n))
		}
		f.vars[o] = l
	}
	if recv != nil && len(recv.List) > 0 {
		var id *ast.Ident
		if len(recv.List[0].Names) > 0 {
			id = recv.List[0].Names[0]
		}
		add(id, sig.Recv().Type())
	}
	i := 0
	for _, fl := range ft.Params.List {
		if len(fl.Names) == 0 {
			add(nil, sig.Params().At(i).Type())
			i++
			continue
		}
		for _, id := range fl.Names {
			add(id, sig.Params().At(i).Type())
			i++
		}
	}
	return params, pre
}

// resultVars declares the result variables, where the function has names for
// them or needs them kept: because it defers, or returns out of an iterator.
func (u *lowerer) resultVars(f *fun, key ast.Node, ft *ast.FuncType) {
	keep := f.esc.defers[key] || f.esc.returns[key]
	n := f.sig.Results().Len()
	named := ft.Results != nil && len(ft.Results.List) > 0 && len(ft.Results.List[0].Names) > 0
	if n == 0 || !keep && !named {
		return
	}
	var ids []*ast.Ident
	if named {
		for _, fl := range ft.Results.List {
			ids = append(ids, fl.Names...)
		}
	}
	for i := range n {
		t := f.sig.Results().At(i).Type()
		l := &local{name: u.s.next("r"), typ: t, boxed: keep, in: f}
		if named {
			if o := f.info.Defs[ids[i]]; o != nil {
				l.boxed = keep || f.esc.boxed(o)
				f.vars[o] = l
			}
		}
		u.declareLocal(l, "")
		f.results = append(f.results, l)
	}
}

// declareLocal makes a variable: anew each time the declaration runs.
func (u *lowerer) declareLocal(l *local, value string) {
	x := u.tx(l.typ)
	if l.boxed {
		u.line("%s := new(%s)", l.name, x)
		if value != "" {
			u.store("*"+l.name, value, l.typ)
		}
		return
	}
	if value == "" {
		value = u.zero(l.typ)
	}
	u.line("var %s %s = %s", l.name, x, bare(value))
}

func (l *local) ref() string {
	if l.boxed {
		return "(*" + l.name + ")"
	}
	return l.name
}

// block lowers a function's statements. A function that defers runs them as a
// closure inside a core.Frame, which runs the deferred calls.
func (u *lowerer) block(f *fun, key ast.Node, block *ast.BlockStmt) {
	if !f.esc.defers[key] {
		u.stmts(block.List)
		f.pos = block.Rbrace
		if f.sig != nil && f.sig.Results().Len() > 0 && !endsInReturn(block) {
			// Not reached in a correct function; yaegi wants it.
			u.returnZero()
		}
		return
	}
	frame := u.s.next("fr")
	u.line("%s := core.NewFrame()", frame)
	fl := &local{name: frame, typ: frameType, in: f}
	inner := &fun{
		outer: f, name: f.name, vars: map[types.Object]*local{}, info: f.info, fset: f.fset, env: f.env,
		sig: types.NewSignatureType(nil, nil, nil, nil, nil, false), esc: f.esc, frame: frame, isBody: true, host: f,
		labels: map[string]string{}, pos: block.Lbrace, nlits: f.nlits,
	}
	inner.capture(fl)
	if f.panick != "" {
		inner.panick = f.panick
		inner.capture(&local{name: f.panick, typ: panickType, in: f})
	}
	u.f = inner
	u.stmts(block.List)
	u.f = f
	mk := u.s.next("body")
	u.fileClosure(inner, mk, nil, "func()", "")
	u.line("core.Run(%s, %s(%s))", frame, mk, u.capArgs(inner))
	f.pos = block.Rbrace
	u.returnResults()
}

// Types of the core's own that captured variables may have; tx spells them.
var (
	frameType  = types.NewNamed(types.NewTypeName(0, types.NewPackage("core", "core"), "*core.Frame", nil), types.NewStruct(nil, nil), nil)
	panickType = types.NewNamed(types.NewTypeName(0, types.NewPackage("core", "core"), "*core.Panicking", nil), types.NewStruct(nil, nil), nil)
	codeType   = types.NewNamed(types.NewTypeName(0, types.NewPackage("core", "core"), "*int", nil), types.NewStruct(nil, nil), nil)
)

func (u *lowerer) capType(l *local) string {
	switch l.typ {
	case frameType, panickType, codeType:
		return l.typ.(*types.Named).Obj().Name()
	}
	if l.boxed {
		return "*" + u.tx(l.typ)
	}
	return u.tx(l.typ)
}

// capArgs passes what inner captured; capturing it here, too, where it comes
// from further out.
func (u *lowerer) capArgs(inner *fun) string {
	var args []string
	for _, c := range inner.caps {
		args = append(args, c.name)
		u.adopt(c)
	}
	return strings.Join(args, ", ")
}

// adopt makes sure that the current function has the local c: its own, or
// captured.
func (u *lowerer) adopt(c *local) {
	if c.in != u.f {
		u.f.capture(c)
	}
}

// fileClosure writes the maker of a closure.
func (u *lowerer) fileClosure(f *fun, name string, params []string, typ, results string) {
	var caps []string
	for _, c := range f.caps {
		caps = append(caps, c.name+" "+u.capType(c))
	}
	caps = append(caps, f.bound...)
	f.head = fmt.Sprintf("func %s(%s) %s { return func(%s)%s {", name, strings.Join(caps, ", "), typ, strings.Join(params, ", "), results)
	f.lines = append(f.lines, line{"}", f.pos})
	u.funcs = append(u.funcs, f)
}

// funcLit lowers a function literal to a call of its maker. A literal that is
// deferred on the spot may take the *core.Panicking it recovers from.
func (u *lowerer) funcLit(lit *ast.FuncLit, panick bool) string {
	mk, f := u.maker(lit, panick, false)
	return mk + "(" + u.capArgs(f) + ")"
}

// boundLit lowers a call of a function literal that go or defer makes later to
// a func(): its maker takes the arguments, too. It is "" where that cannot be.
func (u *lowerer) boundLit(e *ast.CallExpr) string {
	lit, ok := ast.Unparen(e.Fun).(*ast.FuncLit)
	if !ok || len(e.Args) == 0 || u.f.esc.recovers[lit] {
		return ""
	}
	sig := u.under(lit).(*types.Signature)
	if sig.Results().Len() > 0 {
		return ""
	}
	args := u.args(e, sig, false)
	mk, f := u.maker(lit, false, true)
	ops := u.all(args, nil, nil)
	if caps := u.capArgs(f); caps != "" {
		ops = append([]string{caps}, ops...)
	}
	return mk + "(" + strings.Join(ops, ", ") + ")"
}

// maker files the maker of a function literal; bound says that it takes the
// literal's parameters, and the literal none.
func (u *lowerer) maker(lit *ast.FuncLit, panick, bound bool) (string, *fun) {
	outer := u.f
	sig := u.typeOf(lit).(*types.Signature)
	top := outer
	for top.outer != nil {
		top = top.outer
	}
	top.nlits++
	f := &fun{
		outer: outer, name: fmt.Sprintf("%s.func%d", top.name, top.nlits), vars: map[types.Object]*local{}, info: outer.info,
		fset: outer.fset, env: outer.env, sig: sig, esc: outer.esc, labels: map[string]string{}, pos: lit.Pos(),
	}
	u.f = f
	params, pre := u.params(f, nil, lit.Type, u.f.info.TypeOf(lit).(*types.Signature))
	typ := u.txFunc(sig)
	if bound {
		typ, f.bound, params = "func()", params, nil
		for _, l := range f.vars {
			if !l.boxed { // a variable of the literal's own
				given := l.name
				l.name = u.s.next("a")
				u.line("var %s %s = %s", l.name, u.tx(l.typ), given)
			}
		}
	}
	if panick {
		f.panick = "pan"
		params = append([]string{"pan *core.Panicking"}, params...)
		typ = strings.Replace(typ, "func(", "func(*core.Panicking, ", 1)
		typ = strings.Replace(typ, ", )", ")", 1)
	} else if f.esc.recovers[lit] {
		// It may be deferred through a variable: ask who is panicking.
		f.panick = u.s.next("pan")
		u.line("%s := core.Deferred()", f.panick)
	}
	for _, p := range pre {
		u.line("%s", p)
	}
	u.resultVars(f, lit, lit.Type)
	u.block(f, lit, lit.Body)
	f.pos = lit.Body.Rbrace
	mk := u.s.next("mk")
	u.fileClosure(f, mk, params, typ, u.txResults(sig))
	u.f = outer
	return mk, f
}

// returnZero ends a function whose end is not reached.
func (u *lowerer) returnZero() {
	f := u.f
	var vals []string
	for i := range f.sig.Results().Len() {
		vals = append(vals, u.zero(f.sig.Results().At(i).Type()))
	}
	u.line("return %s", strings.Join(vals, ", "))
}

// returnResults returns the result variables.
func (u *lowerer) returnResults() {
	var vals []string
	for _, l := range u.f.results {
		vals = append(vals, l.ref())
	}
	if len(vals) > 0 {
		u.line("return %s", strings.Join(vals, ", "))
	} else if u.f.sig != nil && u.f.sig.Results().Len() > 0 {
		u.returnZero()
	}
}

// hostOf is the declared function or literal whose return f's return means.
func hostOf(f *fun) *fun {
	for f.host != nil {
		f = f.host
	}
	return f
}

// returnStmt lowers return, in a plain function, in the body of a frame, or
// inside a range over a function.
func (u *lowerer) returnStmt(s *ast.ReturnStmt) {
	host := hostOf(u.f)
	sig := host.sig
	n := sig.Results().Len()
	rt := func(i int) types.Type { return sig.Results().At(i).Type() }
	var vals []string
	if len(s.Results) == 1 && n > 1 {
		call := ast.Unparen(s.Results[0]).(*ast.CallExpr)
		tup := u.f.info.TypeOf(call).(*types.Tuple)
		vs := u.multi(call, n)
		for i, v := range vs {
			vals = append(vals, u.conv(v, u.s.subst(u.f.env, tup.At(i).Type()), rt(i)))
		}
	} else if len(s.Results) > 0 {
		vals = u.orderedOf(s.Results, func(i int) string { return u.to(s.Results[i], rt(i)) })
	}
	direct := u.f == host
	if direct && len(host.results) == 0 {
		if n == 1 {
			// yaegi returns some expressions in place; a name is always right.
			if _, ok := rt(0).Underlying().(*types.Basic); !ok && !simple(vals[0]) {
				u.line("return %s", u.temp(vals[0]))
				return
			}
			vals[0] = bare(vals[0])
		}
		u.line("return %s", strings.Join(vals, ", "))
		return
	}
	if len(vals) == 1 {
		u.line("%s = %s", u.resultRef(host, 0), vals[0])
	} else if len(vals) > 1 {
		var tmps []string
		for _, v := range vals {
			tmps = append(tmps, u.temp(v))
		}
		for i, t := range tmps {
			u.line("%s = %s", u.resultRef(host, i), t)
		}
	}
	switch {
	case direct:
		var refs []string
		for i := range host.results {
			refs = append(refs, u.resultRef(host, i))
		}
		u.line("return %s", strings.Join(refs, ", "))
	case u.f.rangeOf != nil:
		u.leave(leaveReturn, "")
	default:
		u.line("return")
	}
}

// resultRef is host's i-th result variable as seen from the current function.
func (u *lowerer) resultRef(host *fun, i int) string {
	l := host.results[i]
	u.reach(host, l)
	return l.ref()
}

// reach captures l, a local of host, in all functions from here out to host.
func (u *lowerer) reach(host *fun, l *local) {
	for f := u.f; f != nil && f != host; f = f.outer {
		f.capture(l)
	}
}

func endsInReturn(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	_, ok := b.List[len(b.List)-1].(*ast.ReturnStmt)
	return ok
}
