package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// cell lowers the cell's own statements into its entry function.
func (u *lowerer) cell(c *checked) {
	u.unit.Entry = u.s.next("cell")
	var stmts []ast.Stmt
	for _, it := range c.items {
		if it.stmt != nil {
			stmts = append(stmts, it.stmt)
		}
	}
	block := &ast.BlockStmt{List: stmts}
	f := &fun{
		name: "main", vars: map[types.Object]*local{}, info: c.info, fset: c.fset, labels: map[string]string{},
		sig: types.NewSignatureType(nil, nil, nil, nil, nil, false),
	}
	f.esc = u.escapes(block, c.info, nil)
	// Variables with initialisers may hold literals that capture: scan those, too.
	for _, it := range c.items {
		if it.spec != nil {
			f.esc.add(u.escapes(wrap(it.spec.Values), c.info, nil))
		}
		if it.gen != nil && it.gen.Tok == token.VAR {
			for _, sp := range it.gen.Specs {
				f.esc.add(u.escapes(wrap(sp.(*ast.ValueSpec).Values), c.info, nil))
			}
		}
	}
	u.f = f
	f.head = fmt.Sprintf("func %s() {", u.unit.Entry)
	target := f
	var frame *fun
	if f.esc.defers[block] {
		name := u.s.next("fr")
		u.line("%s := core.NewFrame()", name)
		frame = &fun{
			outer: f, name: f.name, vars: map[types.Object]*local{}, info: f.info, fset: f.fset, sig: f.sig, esc: f.esc,
			frame: name, isBody: true, host: f, labels: map[string]string{},
		}
		frame.capture(&local{name: name, typ: frameType, in: f})
		target = frame
	}
	u.f = target
	if c.declares() {
		u.packageVars(c)
	} else {
		u.inOrder(c)
	}
	if frame != nil {
		u.f = f
		mk := u.s.next("body")
		u.fileClosure(frame, mk, nil, "func()", "")
		u.line("core.Run(%s, %s(%s))", frame.frame, mk, u.capArgs(frame))
	}
	u.funcs = append(u.funcs, f)
	u.f = nil
	if c.affected != nil {
		u.registerAgain()
	}
}

// declares reports that the cell only declares: then its variables are
// initialised as a package's are, by what they depend on.
func (c *checked) declares() bool {
	for _, it := range c.items {
		if it.stmt != nil || it.spec != nil {
			return false
		}
	}
	return true
}

// packageVars initialises the variables of a cell of declarations, and runs
// its init functions.
func (u *lowerer) packageVars(c *checked) {
	specs := map[ast.Expr]*ast.ValueSpec{}
	for _, it := range c.items {
		if it.gen == nil || it.gen.Tok != token.VAR {
			continue
		}
		for _, sp := range it.gen.Specs {
			sp := sp.(*ast.ValueSpec)
			u.f.pos = sp.Pos()
			for _, n := range sp.Names {
				u.define(n, "")
			}
			for _, v := range sp.Values {
				specs[v] = sp
			}
		}
	}
	for _, in := range c.info.InitOrder {
		sp := specs[in.Rhs]
		if sp == nil {
			continue
		}
		u.f.pos = sp.Pos()
		var lhs []ast.Expr
		if len(sp.Values) == len(sp.Names) {
			for i, v := range sp.Values {
				if v == in.Rhs {
					lhs = []ast.Expr{sp.Names[i]}
				}
			}
		} else {
			for _, n := range sp.Names {
				lhs = append(lhs, n)
			}
		}
		u.assignAll(lhs, []ast.Expr{in.Rhs}, true)
	}
	for _, it := range c.items {
		u.initFunc(c, it)
	}
}

func (u *lowerer) initFunc(c *checked, it item) {
	if it.fun != nil && it.fun.Recv == nil && it.fun.Name.Name == "init" {
		if d := u.objs[c.info.Defs[it.fun.Name]]; d != nil {
			u.f.pos = it.fun.Pos()
			u.line("%s()", d.low)
		}
	}
}

// inOrder runs a cell from top to bottom.
func (u *lowerer) inOrder(c *checked) {
	for _, it := range c.items {
		switch {
		case it.fun != nil:
			u.initFunc(c, it)
		case it.stmt != nil:
			if es, ok := it.stmt.(*ast.ExprStmt); ok && es.X == c.value && !c.hushed {
				u.f.pos = es.Pos()
				u.show(es.X)
				continue
			}
			u.stmt(it.stmt)
		case it.spec != nil:
			u.f.pos = it.spec.Pos()
			u.hoisted(it)
		case it.gen != nil && it.gen.Tok == token.VAR:
			for _, sp := range it.gen.Specs {
				u.f.pos = sp.Pos()
				u.varSpec(sp.(*ast.ValueSpec))
			}
		}
	}
}

func wrap(xs []ast.Expr) *ast.BlockStmt {
	b := &ast.BlockStmt{}
	for _, x := range xs {
		b.List = append(b.List, &ast.ExprStmt{X: x})
	}
	return b
}

func (e *escapes) add(o *escapes) {
	for k, v := range o.depth {
		e.depth[k] = v
	}
	for _, p := range [][2]map[types.Object]bool{{e.captured, o.captured}, {e.assigned, o.assigned}, {e.addr, o.addr}} {
		for k := range p[1] {
			p[0][k] = true
		}
	}
	for _, p := range [][2]map[ast.Node]bool{{e.defers, o.defers}, {e.recovers, o.recovers}, {e.returns, o.returns}} {
		for k := range p[1] {
			p[0][k] = true
		}
	}
}

// hoisted runs a top-level :=, whose variables the session keeps.
func (u *lowerer) hoisted(it item) {
	lhs := make([]ast.Expr, len(it.spec.Names))
	for i, n := range it.spec.Names {
		lhs[i] = n
	}
	u.assignAll(lhs, it.spec.Values, true)
	for id, tmp := range it.assigns {
		u.assignAll([]ast.Expr{id}, []ast.Expr{tmp}, false)
	}
}

// show hands the values of the last expression to core.Show.
func (u *lowerer) show(e ast.Expr) {
	x := ast.Unparen(e)
	if c, ok := x.(*ast.CallExpr); ok && !u.f.info.Types[c.Fun].IsType() {
		t := u.f.info.TypeOf(c)
		if tup, ok := t.(*types.Tuple); ok {
			if tup.Len() == 0 {
				u.exprStmt(x)
				return
			}
			vs := u.multi(c, tup.Len())
			text := ""
			for i, v := range vs {
				ti := u.s.subst(u.f.env, tup.At(i).Type())
				u.unit.Value = append(u.unit.Value, ti)
				if i > 0 {
					text += ", "
				}
				text += u.conv(v, ti, anyType)
			}
			u.line("core.Show(%s)", text)
			return
		}
		if t == nil || u.f.info.Types[c].IsVoid() {
			u.exprStmt(x)
			return
		}
	}
	if tv := u.f.info.Types[x]; tv.IsType() {
		u.refuse("a type as a value", "")
	}
	t := types.Default(u.typeOf(x))
	if u.f.info.Types[x].IsNil() {
		t = types.Typ[types.UntypedNil]
		u.unit.Value = []types.Type{t}
		u.line("core.Show(interface{}(nil))")
		return
	}
	u.unit.Value = []types.Type{t}
	u.line("core.Show(%s)", u.to(x, anyType))
}

// registerAgain gives the methods of types that were checked again to the
// descriptors they already have.
func (u *lowerer) registerAgain() {
	for _, d := range u.decls {
		tn, ok := d.obj.(*types.TypeName)
		if !ok {
			continue
		}
		if n, ok := tn.Type().(*types.Named); !ok || n.TypeParams().Len() > 0 {
			continue
		}
		u.unit.Renewed = append(u.unit.Renewed, tn.Type())
		for _, t := range []types.Type{tn.Type(), types.NewPointer(tn.Type())} {
			if _, made := u.s.refs["desc "+u.s.id(t)]; made {
				u.needMethods(t)
			}
		}
	}
}
