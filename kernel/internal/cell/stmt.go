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
		ops := u.ordered(2, func(i int) string {
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
	if t := pathType(u.typeOf(se.X), path[:len(path)-1]); types.IsInterface(t) {
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
			u.line("%s.DeferP(core.RecoverDirect)", fr.frame)
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

// opAssign lowers x op= y, and x++ where y is nil.
func (u *lowerer) opAssign(x ast.Expr, op token.Token, y ast.Expr) {
	t := u.typeOf(x)
	lv := u.lvalue(x)
	var r string
	switch {
	case y == nil:
		if id, ok := x.(*ast.Ident); ok {
			if o, ok := u.f.info.ObjectOf(id).(*types.Var); ok {
				if l := u.f.vars[o]; l != nil && !l.boxed {
					u.line("%s%s", lv, map[token.Token]string{token.ADD: "++", token.SUB: "--"}[op])
					return
				}
			}
		}
		r = u.tx(t) + "(1)"
		if u.tx(t) == "int" {
			r = "1"
		}
	case op == token.SHL || op == token.SHR:
		r = u.shiftCount(y)
	default:
		r = u.to(y, t)
		if u.hasCall(y) && !u.stable(lv) {
			r = u.temp(r) // before lv is read, and what may go wrong with that
		}
	}
	switch op {
	case token.ADD, token.SUB, token.MUL:
		if u.stable(lv) { // yaegi does it in one step
			u.line("%s %s= %s", lv, op, r)
			return
		}
	}
	u.line("%s = %s %s %s", lv, lv, op, r)
}

// lvalue lowers an assignable expression, with whatever it computes along the
// way (indices, pointers) in temporaries, so that it can be used twice.
func (u *lowerer) lvalue(e ast.Expr) string {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if e.Name == "_" {
			return "_"
		}
		return u.ident(e)
	case *ast.StarExpr:
		p := u.expr(e.X)
		return "(*" + u.hold(p) + ")"
	case *ast.SelectorExpr:
		if u.f.info.Selections[e] == nil {
			u.refuse("an assignment to the variable "+types.ExprString(e)+" of a compiled package", "")
		}
		_, path := u.fieldPath(e)
		t := u.typeOf(e.X)
		base := ""
		if _, ok := t.Underlying().(*types.Pointer); ok {
			base = u.hold(u.expr(e.X))
		} else {
			base = u.lvalue(e.X)
		}
		return u.fields(base, t, path)
	case *ast.IndexExpr:
		switch xt := u.under(e.X).(type) {
		case *types.Map:
			m := u.hold(u.operand(e.X))
			return m + "[" + u.hold(u.mapKey(e.Index, xt)) + "]"
		case *types.Array:
			b := u.bareText(u.lvalue(e.X), u.typeOf(e.X))
			return b + "[" + u.hold(u.intIndex(e.Index)) + "]"
		case *types.Pointer:
			p := u.hold(u.expr(e.X))
			return "(*" + p + ")[" + u.hold(u.intIndex(e.Index)) + "]"
		}
		x := u.hold(u.operand(e.X))
		return x + "[" + u.hold(u.intIndex(e.Index)) + "]"
	}
	u.refuse("an assignment to this", "")
	return ""
}

// hold puts text into a temporary unless it can be evaluated again and again.
func (u *lowerer) hold(text string) string {
	if simple(text) || u.stable(text) {
		return text
	}
	return u.temp(text)
}

// stable reports that text is a plain local variable: cheap to read, and only
// this statement could change it in between.
func (u *lowerer) stable(text string) bool {
	for _, r := range text {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

// assignAll lowers lhs = rhs and lhs := rhs.
func (u *lowerer) assignAll(lhs, rhs []ast.Expr, define bool) {
	isNew := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && define && (id.Name == "_" || u.f.info.Defs[id] != nil)
	}
	typeOfLHS := func(e ast.Expr) types.Type {
		if id, ok := e.(*ast.Ident); ok {
			if id.Name == "_" {
				return nil
			}
			if o := u.f.info.ObjectOf(id); o != nil {
				return u.s.subst(u.f.env, o.Type())
			}
		}
		return u.typeOf(e)
	}
	store := func(e ast.Expr, lv, val string) {
		switch {
		case isNew(e):
			u.define(e.(*ast.Ident), val)
		case isBlank(e):
			u.line("_ = %s", val)
		default:
			u.store(lv, val, typeOfLHS(e))
		}
	}
	if len(lhs) == 1 && len(rhs) == 1 {
		e, t := lhs[0], typeOfLHS(lhs[0])
		if t == nil {
			if u.f.info.Types[rhs[0]].IsNil() {
				return
			}
			u.line("_ = %s", u.to(rhs[0], types.Default(u.typeOf(rhs[0]))))
			return
		}
		if isNew(e) {
			u.define(e.(*ast.Ident), u.to(rhs[0], t))
			return
		}
		var lv string
		ops := u.ordered(2, func(i int) string {
			if i == 0 {
				lv = u.lvalue(e)
				return ""
			}
			return u.to(rhs[0], t)
		})
		if !u.stable(lv) && u.hasCall(rhs[0]) {
			// The store, and what may go wrong with it, comes after the call.
			ops[1] = u.temp(ops[1])
		}
		u.store(lv, bare(ops[1]), t)
		return
	}
	if len(rhs) == 1 {
		u.assignTuple(lhs, rhs[0], typeOfLHS, store, isNew)
		return
	}
	// Parallel assignment: operands first, then values, then the stores.
	lvs := make([]string, len(lhs))
	for i, e := range lhs {
		if !isNew(e) && !isBlank(e) {
			lvs[i] = u.lvalue(e)
			if _, ok := ast.Unparen(e).(*ast.Ident); !ok {
				lvs[i] = u.freeze(lvs[i], e)
			}
		}
	}
	vals := u.orderedOf(rhs, func(i int) string {
		t := typeOfLHS(lhs[i])
		if t == nil {
			t = types.Default(u.typeOf(rhs[i]))
		}
		return u.to(rhs[i], t)
	})
	for i, v := range vals {
		if !simple(v) {
			vals[i] = u.temp(v)
		}
	}
	for i, e := range lhs {
		store(e, lvs[i], vals[i])
	}
}

// freeze makes an lvalue of a parallel assignment independent of the other
// assignments: plain variables in it are copied.
func (u *lowerer) freeze(lv string, e ast.Expr) string {
	switch x := ast.Unparen(e).(type) {
	case *ast.IndexExpr:
		base, idx := lv, ""
		if i := lastIndex(lv); i > 0 {
			base, idx = lv[:i], lv[i+1:len(lv)-1]
		}
		if _, arr := u.under(x.X).(*types.Array); !arr && u.stable(base) && !simple(base) {
			base = u.temp(base)
		}
		if u.stable(idx) && !simple(idx) {
			idx = u.temp(idx)
		}
		return base + "[" + idx + "]"
	case *ast.StarExpr:
		p := strings.TrimSuffix(strings.TrimPrefix(lv, "(*"), ")")
		if u.stable(p) && !simple(p) {
			return "(*" + u.temp(p) + ")"
		}
	case *ast.SelectorExpr:
		if i := strings.Index(lv, ")."); strings.HasPrefix(lv, "(*") && i > 0 {
			p := lv[2:i]
			if u.stable(p) && !simple(p) {
				return "(*" + u.temp(p) + lv[i:]
			}
		}
	}
	return lv
}

func lastIndex(lv string) int {
	d := 0
	for i := len(lv) - 1; i >= 0; i-- {
		switch lv[i] {
		case ']':
			d++
		case '[':
			d--
			if d == 0 {
				return i
			}
		}
	}
	return -1
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// assignTuple lowers assignments from one expression of several values.
func (u *lowerer) assignTuple(lhs []ast.Expr, x ast.Expr, typeOf func(ast.Expr) types.Type, store func(ast.Expr, string, string), isNew func(ast.Expr) bool) {
	lvs := make([]string, len(lhs))
	for i, e := range lhs {
		if !isNew(e) && !isBlank(e) {
			lvs[i] = u.lvalue(e)
		}
	}
	var vals []string
	var from []types.Type
	boolT := types.Typ[types.Bool]
	two := func(text string, t types.Type) {
		a, b := u.s.next("v"), u.s.next("v")
		u.line("%s, %s := %s", a, b, text)
		vals, from = []string{a, b}, []types.Type{t, boolT}
	}
	switch x := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		tup := u.f.info.TypeOf(x).(*types.Tuple)
		vals = u.multi(x, tup.Len())
		for i := range tup.Len() {
			from = append(from, u.s.subst(u.f.env, tup.At(i).Type()))
		}
	case *ast.IndexExpr:
		m := u.under(x.X).(*types.Map)
		ops := u.ordered(2, func(i int) string {
			if i == 0 {
				return u.operand(x.X)
			}
			return u.mapKey(x.Index, m)
		})
		n := u.native(Native{Kind: "lookup", Type: m})
		two(n+"("+ops[0]+", "+ops[1]+")", m.Elem())
	case *ast.TypeAssertExpr:
		two(u.assertFn(x, true)+"("+u.to(x.X, anyType)+")", u.typeOf(x.Type))
	case *ast.UnaryExpr:
		ch := u.under(x.X).(*types.Chan)
		two("<-"+u.typed(u.operand(x.X), ch), ch.Elem())
	default:
		u.refuse("this assignment", "")
	}
	for i, e := range lhs {
		if isBlank(e) {
			u.line("_ = %s", vals[i])
			continue
		}
		store(e, lvs[i], u.conv(vals[i], from[i], typeOf(e)))
	}
}

func (u *lowerer) ifStmt(s *ast.IfStmt) {
	block := s.Init != nil
	if block {
		u.line("{")
		u.stmt(s.Init)
	}
	u.f.pos = s.Cond.Pos()
	cond := u.to(s.Cond, types.Typ[types.Bool])
	u.line("if %s {", bare(cond))
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
