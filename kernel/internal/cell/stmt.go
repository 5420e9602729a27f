package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// loopCtx is a statement that break or continue may leave.
type loopCtx struct {
	label string // the learner's label, "" where it has none
	loop  bool   // continue may mean it
}

func (u *lowerer) stmts(list []ast.Stmt) {
	for _, s := range list {
		u.stmt(s)
	}
}

func (u *lowerer) stmt(s ast.Stmt) {
	if s == nil {
		return
	}
	u.f.pos = s.Pos()
	switch s := s.(type) {
	case *ast.EmptyStmt:
	case *ast.ExprStmt:
		u.exprStmt(s.X)
	case *ast.AssignStmt:
		u.assign(s)
	case *ast.IncDecStmt:
		op := token.ADD
		if s.Tok == token.DEC {
			op = token.SUB
		}
		u.opAssign(s.X, op, nil)
	case *ast.DeclStmt:
		u.declStmt(s)
	case *ast.BlockStmt:
		u.line("{")
		u.stmts(s.List)
		u.line("}")
	case *ast.IfStmt:
		u.ifStmt(s)
	case *ast.ForStmt:
		u.forStmt(s, "")
	case *ast.RangeStmt:
		u.rangeStmt(s, "")
	case *ast.SwitchStmt:
		u.switchStmt(s, "")
	case *ast.TypeSwitchStmt:
		u.typeSwitch(s, "")
	case *ast.SelectStmt:
		u.selectStmt(s, "")
	case *ast.LabeledStmt:
		u.labeled(s)
	case *ast.BranchStmt:
		u.branch(s)
	case *ast.ReturnStmt:
		u.returnStmt(s)
	case *ast.GoStmt:
		if text := u.boundLit(s.Call); text != "" {
			u.line("core.Go(%s, %s)", text, u.place(s.Pos()))
			return
		}
		c := u.later(s.Call)
		if c.panick {
			inner := c.render
			c.render = func(ops []string) string { return inner(append([]string{noPanic}, ops...)) }
			c.panick = false
			c.direct = ""
		}
		u.line("core.Go(%s, %s)", u.thunk(c), u.place(s.Pos()))
	case *ast.DeferStmt:
		u.deferStmt(s)
	case *ast.SendStmt:
		ch := u.under(s.Chan).(*types.Chan)
		ops := u.orderedOf([]ast.Expr{s.Chan, s.Value}, func(i int) string {
			if i == 0 {
				return u.typed(u.operand(s.Chan), ch)
			}
			return u.to(s.Value, ch.Elem())
		})
		u.line("%s <- %s", ops[0], ops[1])
	default:
		u.refuse(fmt.Sprintf("this statement (%T)", s), "")
	}
}

// place spells a position for core.Go: the cell, the line and the function.
func (u *lowerer) place(pos token.Pos) string {
	e := u.s.at(u.f.fset, pos, "")
	return fmt.Sprintf("%d, %d, %q", e.Cell, e.Line, u.f.name)
}

func (u *lowerer) exprStmt(x ast.Expr) {
	x = ast.Unparen(x)
	switch e := x.(type) {
	case *ast.CallExpr:
		if u.f.info.Types[e.Fun].IsType() {
			u.line("_ = %s", u.conversion(e))
			return
		}
		c := u.prepare(e)
		if isBuiltinCall(u.f.info, e) && len(c.results) > 0 {
			u.temp(c.now())
			return
		}
		u.line("%s", c.now())
	case *ast.UnaryExpr:
		if e.Op == token.ARROW {
			u.temp(u.expr(e))
			return
		}
		u.temp(u.expr(e))
	default:
		u.temp(u.expr(x))
	}
}

func isBuiltinCall(info *types.Info, e *ast.CallExpr) bool {
	id, ok := ast.Unparen(e.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	_, ok = info.Uses[id].(*types.Builtin)
	return ok
}

// later lowers a call that is made later, by go or defer. The interface whose
// method it calls must not be nil now.
func (u *lowerer) later(e *ast.CallExpr) *call {
	c := u.prepare(e)
	se, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr)
	if !ok || len(c.ops) == 0 {
		return c
	}
	sel := u.f.info.Selections[se]
	if sel == nil || sel.Kind() != types.MethodVal {
		return c
	}
	_, path := u.fieldPath(se)
	if t := pathType(u.typeOf(se.X), u.methodFields(u.typeOf(se.X), path)); types.IsInterface(t) {
		c.ops[0] = u.hold(c.ops[0])
		u.line("if %s == nil { core.NotNil(nil) }", c.ops[0])
	}
	return c
}

func (u *lowerer) deferStmt(s *ast.DeferStmt) {
	text := u.boundLit(s.Call)
	var c *call
	if text == "" {
		c = u.later(s.Call)
	}
	fr := u.f
	for fr != nil && fr.frame == "" {
		fr = fr.outer
	}
	if fr == nil {
		u.refuse("defer here", "")
	}
	u.reach2(fr, fr.frame)
	if id, ok := ast.Unparen(s.Call.Fun).(*ast.Ident); ok {
		if b, ok := u.f.info.Uses[id].(*types.Builtin); ok && b.Name() == "recover" {
			pan := u.f.panick
			if pan == "" {
				pan = noPanic
			}
			u.line("%s.DeferP(core.RecoverDirect(%s))", fr.frame, pan)
			return
		}
	}
	m := "Defer"
	switch {
	case text != "":
	case c.panick:
		m = "DeferP"
	case c.value:
		m = "DeferV"
	}
	if text == "" {
		text = u.thunk(c)
	}
	u.line("%s.%s(%s)", fr.frame, m, text)
}

// reach2 captures host's frame variable from the current function out.
func (u *lowerer) reach2(host *fun, name string) {
	var l *local
	for _, c := range host.caps {
		if c.name == name {
			l = c
		}
	}
	for f := u.f; f != nil && f != host; f = f.outer {
		f.capture(l)
	}
}

func (u *lowerer) declStmt(s *ast.DeclStmt) {
	g, ok := s.Decl.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, sp := range g.Specs {
		switch sp := sp.(type) {
		case *ast.TypeSpec:
			if tn, ok := u.f.info.Defs[sp.Name].(*types.TypeName); ok && !tn.IsAlias() {
				u.s.rhs[tn] = u.f.info.TypeOf(sp.Type)
			}
		case *ast.ValueSpec:
			if g.Tok == token.VAR {
				u.f.pos = sp.Pos()
				u.varSpec(sp)
			}
		}
	}
}

func (u *lowerer) varSpec(sp *ast.ValueSpec) {
	lhs := make([]ast.Expr, len(sp.Names))
	for i, n := range sp.Names {
		lhs[i] = n
	}
	if len(sp.Values) == 0 {
		for _, n := range sp.Names {
			u.define(n, "")
		}
		return
	}
	u.assignAll(lhs, sp.Values, true)
}

// define declares the variable that id introduces, with a value of its type.
func (u *lowerer) define(id *ast.Ident, value string) {
	o, ok := u.f.info.Defs[id].(*types.Var)
	if id.Name == "_" || !ok {
		if value != "" && !simple(value) {
			u.line("_ = %s", value)
		}
		return
	}
	if d := u.objs[o]; d != nil && d.low != "" { // a session variable
		if value == "" {
			value = u.zero(o.Type())
		}
		u.store("*g."+d.low, value, o.Type())
		return
	}
	u.defineVar(o, value)
}

// store assigns. What yaegi would make in place, it loses behind a pointer (a
// closure that a native call returns, say).
func (u *lowerer) store(lv, val string, t types.Type) {
	if strings.HasPrefix(strings.TrimPrefix(lv, "("), "*") && !simple(val) {
		if _, basic := t.Underlying().(*types.Basic); !basic {
			val = u.typed(val, t)
		}
	}
	u.line("%s = %s", lv, val)
}

func (u *lowerer) defineVar(o *types.Var, value string) *local {
	l := &local{name: u.s.next(pathIdent(o.Name())), typ: u.s.subst(u.f.env, o.Type()), boxed: u.f.esc.boxed(o), in: u.f}
	u.f.vars[o] = l
	u.declareLocal(l, value)
	return l
}

func (u *lowerer) assign(s *ast.AssignStmt) {
	switch s.Tok {
	case token.DEFINE, token.ASSIGN:
		u.assignAll(s.Lhs, s.Rhs, s.Tok == token.DEFINE)
	default:
		u.opAssign(s.Lhs[0], assignOps[s.Tok], s.Rhs[0])
	}
}

var assignOps = map[token.Token]token.Token{
	token.ADD_ASSIGN: token.ADD, token.SUB_ASSIGN: token.SUB, token.MUL_ASSIGN: token.MUL, token.QUO_ASSIGN: token.QUO,
	token.REM_ASSIGN: token.REM, token.AND_ASSIGN: token.AND, token.OR_ASSIGN: token.OR, token.XOR_ASSIGN: token.XOR,
	token.SHL_ASSIGN: token.SHL, token.SHR_ASSIGN: token.SHR, token.AND_NOT_ASSIGN: token.AND_NOT,
}

func (u *lowerer) ifStmt(s *ast.IfStmt) {
	block := s.Init != nil
	if block {
		u.line("{")
		u.stmt(s.Init)
	}
	u.f.pos = s.Cond.Pos()
	cond := u.to(s.Cond, types.Typ[types.Bool])
	u.line("if %s {", header(bare(cond)))
	u.stmts(s.Body.List)
	switch e := s.Else.(type) {
	case nil:
		u.line("}")
	case *ast.BlockStmt:
		u.line("} else {")
		u.stmts(e.List)
		u.line("}")
	case *ast.IfStmt:
		u.line("} else {")
		u.stmt(e)
		u.line("}")
	}
	if block {
		u.line("}")
	}
}
