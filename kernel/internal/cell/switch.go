package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

func (u *lowerer) switchStmt(s *ast.SwitchStmt, label string) {
	u.line("{")
	defer u.line("}")
	if s.Init != nil {
		u.stmt(s.Init)
	}
	tag, tagT := "", types.Type(types.Typ[types.Bool])
	if s.Tag != nil {
		tagT = types.Default(u.typeOf(s.Tag))
		u.f.pos = s.Tag.Pos()
		tag = u.temp(u.to(s.Tag, tagT))
	}
	// which numbers the clause to run; conditions are tried in order.
	which := u.s.next("v")
	u.line("%s := 0", which)
	def := 0
	depth := 0
	for i, cl := range s.Body.List {
		cc := cl.(*ast.CaseClause)
		if cc.List == nil {
			def = i + 1
			continue
		}
		for _, e := range cc.List {
			u.f.pos = e.Pos()
			u.line("if %s == 0 {", which)
			cond := ""
			switch {
			case s.Tag == nil && types.IsInterface(u.typeOf(e)):
				cond = "core.Eq(" + u.to(e, anyType) + ", " + u.conv("true", types.Typ[types.Bool], anyType) + ")"
			case s.Tag == nil:
				cond = u.to(e, types.Typ[types.Bool])
			default:
				cond = u.caseEqual(tag, tagT, e)
			}
			u.line("if %s { %s = %d }", header(cond), which, i+1)
			depth++
			u.line("}")
		}
	}
	if def > 0 {
		u.line("if %s == 0 { %s = %d }", which, which, def)
	}
	u.clauses(s.Body, label, which, func(cc *ast.CaseClause) { u.stmts(cc.Body) })
}

// clauses runs the chosen clause; fallthrough and break are yaegi's own.
func (u *lowerer) clauses(b *ast.BlockStmt, label, which string, body func(*ast.CaseClause)) {
	if label != "" {
		u.line("%s:", u.coreLabel(label))
	}
	u.line("switch {")
	u.push(label, false)
	for i, cl := range b.List {
		cc := cl.(*ast.CaseClause)
		u.f.pos = cc.Pos()
		u.line("case %s == %d:", which, i+1)
		u.line("_ = 0")
		body(cc)
	}
	u.pop()
	u.line("}")
}

func (u *lowerer) caseEqual(tag string, t types.Type, e ast.Expr) string {
	if u.f.info.Types[e].IsNil() {
		return "(" + tag + " == nil)"
	}
	et := u.typeOf(e)
	if types.IsInterface(t) || types.IsInterface(et) {
		return "core.Eq(" + u.conv(tag, t, anyType) + ", " + u.to(e, anyType) + ")"
	}
	switch coreOf(t).(type) {
	case *types.Struct, *types.Array, *types.Chan, *types.Pointer:
		return u.native(Native{Kind: "equal", Type: t, To: et}) + "(" + tag + ", " + u.expr(e) + ")"
	}
	return "(" + tag + " == " + u.to(e, t) + ")"
}

func (u *lowerer) typeSwitch(s *ast.TypeSwitchStmt, label string) {
	u.line("{")
	defer u.line("}")
	if s.Init != nil {
		u.stmt(s.Init)
	}
	var x ast.Expr
	switch a := s.Assign.(type) {
	case *ast.ExprStmt:
		x = a.X.(*ast.TypeAssertExpr).X
	case *ast.AssignStmt:
		x = a.Rhs[0].(*ast.TypeAssertExpr).X
	}
	u.f.pos = x.Pos()
	xt := u.typeOf(x)
	orig := u.temp(u.expr(x))
	v := orig
	if !u.s.isAny(xt) {
		v = u.temp(u.conv(orig, xt, anyType))
	}
	which := u.s.next("v")
	u.line("%s := 0", which)
	def := 0
	for i, cl := range s.Body.List {
		cc := cl.(*ast.CaseClause)
		if cc.List == nil {
			def = i + 1
			continue
		}
		var conds []string
		for _, e := range cc.List {
			if u.f.info.Types[e].IsNil() {
				conds = append(conds, "("+v+" == nil)")
				continue
			}
			t := u.typeOf(e)
			u.desc(t)
			conds = append(conds, u.native(Native{Kind: "is", Type: t})+"("+v+")")
		}
		u.line("if %s == 0 {", which)
		u.line("if %s { %s = %d }", strings.Join(conds, " || "), which, i+1)
		u.line("}")
	}
	if def > 0 {
		u.line("if %s == 0 { %s = %d }", which, which, def)
	}
	u.clauses(s.Body, label, which, func(cc *ast.CaseClause) {
		if o, ok := u.f.info.Implicits[cc].(*types.Var); ok {
			t := u.s.subst(u.f.env, o.Type())
			val := orig
			if len(cc.List) == 1 && !u.f.info.Types[cc.List[0]].IsNil() {
				u.desc(t)
				val = u.native(Native{Kind: "assert", Type: t, Sig: []types.Type{xt}}) + "(" + v + ")"
			}
			u.defineVar(o, val)
		}
		u.stmts(cc.Body)
	})
}

func (u *lowerer) selectStmt(s *ast.SelectStmt, label string) {
	u.line("{")
	defer u.line("}")
	hasDefault := false
	for _, cl := range s.Body.List {
		if cl.(*ast.CommClause).Comm == nil {
			hasDefault = true
		}
	}
	sel := u.temp(fmt.Sprintf("core.NewSelect(%t)", hasDefault))
	n := 0
	index := map[int]int{} // clause → case number of the select
	elems := map[int]types.Type{}
	for i, cl := range s.Body.List {
		cc := cl.(*ast.CommClause)
		if cc.Comm == nil {
			continue
		}
		u.f.pos = cc.Comm.Pos()
		switch c := cc.Comm.(type) {
		case *ast.SendStmt:
			ch := u.under(c.Chan).(*types.Chan)
			ops := u.ordered(2, func(i int) string {
				if i == 0 {
					return u.hold(u.operand(c.Chan))
				}
				return u.to(c.Value, ch.Elem())
			})
			nat := u.native(Native{Kind: "selectSend", Type: ch})
			u.line("%s(%s, %s, %s)", nat, sel, ops[0], ops[1])
		default:
			x := commRecv(cc.Comm)
			ch := u.under(x).(*types.Chan)
			elems[i] = ch.Elem()
			nat := u.native(Native{Kind: "selectRecv", Type: ch})
			u.line("%s(%s, %s)", nat, sel, u.operand(x))
		}
		index[i] = n
		n++
	}
	u.f.pos = s.Pos()
	which := u.temp(sel + ".Do()")
	if label != "" {
		u.line("%s:", u.coreLabel(label))
	}
	u.line("switch {")
	u.push(label, false)
	for i, cl := range s.Body.List {
		cc := cl.(*ast.CommClause)
		u.f.pos = cc.Pos()
		if cc.Comm == nil {
			u.line("case %s < 0:", which)
		} else {
			u.line("case %s == %d:", which, index[i])
		}
		u.line("_ = 0")
		if as, ok := cc.Comm.(*ast.AssignStmt); ok {
			elem := u.s.subst(u.f.env, elems[i])
			val := u.native(Native{Kind: "selected", Type: elem}) + "(" + sel + ")"
			vals := []string{val, sel + ".OK()"}
			froms := []types.Type{elem, types.Typ[types.Bool]}
			for j, l := range as.Lhs {
				if isBlank(l) {
					continue
				}
				if id, ok := l.(*ast.Ident); ok && u.f.info.Defs[id] != nil && as.Tok.String() == ":=" {
					u.define(id, vals[j])
					continue
				}
				lv := u.lvalue(l)
				u.line("%s = %s", lv, u.conv(vals[j], froms[j], u.typeOf(l)))
			}
		}
		u.stmts(cc.Body)
	}
	u.pop()
	u.line("}")
}

// commRecv is the channel that a receive clause reads.
func commRecv(s ast.Stmt) ast.Expr {
	var x ast.Expr
	switch s := s.(type) {
	case *ast.ExprStmt:
		x = s.X
	case *ast.AssignStmt:
		x = s.Rhs[0]
	}
	return ast.Unparen(x).(*ast.UnaryExpr).X
}
