package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// Composite literals and addresses.

// addrLit is &T{…}: a new variable each time it runs.
func (u *lowerer) addrLit(c *ast.CompositeLit, t types.Type) string {
	p := u.s.next("p")
	lit := u.composite(c, t)
	u.line("%s := new(%s)", p, u.tx(t))
	u.line("*%s = %s", p, lit)
	return p
}

// addr lowers &x for an addressable x.
func (u *lowerer) addr(x ast.Expr) string {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		o, _ := u.f.info.ObjectOf(x).(*types.Var)
		if o == nil {
			break
		}
		if l := u.f.local(o); l != nil {
			if !l.boxed {
				u.refuse("the address of "+x.Name+" here", "")
			}
			return l.name
		}
		if d := u.lookup(o); d != nil {
			return "g." + d.low
		}
		return "&" + u.expr(x)
	case *ast.StarExpr:
		p := u.hold(u.operand(x.X))
		u.line("_ = *%s", p)
		return p
	case *ast.CompositeLit:
		return u.addrLit(x, u.typeOf(x))
	}
	if o := u.packageVar(ast.Unparen(x)); o != nil {
		return u.packageVarAddr(o)
	}
	return u.typed("&"+u.expr(x), types.NewPointer(u.typeOf(x)))
}

// composite lowers T{…}.
func (u *lowerer) composite(c *ast.CompositeLit, t types.Type) string {
	switch ut := coreOf(t).(type) {
	case *types.Struct:
		type fv struct {
			i int
			e ast.Expr
		}
		var fvs []fv
		for i, el := range c.Elts {
			if kv, ok := el.(*ast.KeyValueExpr); ok {
				for j := range ut.NumFields() {
					if id, ok := kv.Key.(*ast.Ident); ok && ut.Field(j).Name() == id.Name {
						fvs = append(fvs, fv{j, kv.Value})
						if f := ut.Field(j); f.Name() == "AddSource" && f.Pkg().Path() == "log/slog" {
							u.refuse("slog.HandlerOptions with AddSource", "")
						}
					}
				}
			} else {
				fvs = append(fvs, fv{i, el})
			}
		}
		es := make([]ast.Expr, len(fvs))
		for i, f := range fvs {
			es[i] = f.e
		}
		ops := u.orderedOf(es, func(i int) string { return u.element(fvs[i].e, ut.Field(fvs[i].i).Type()) })
		var parts []string
		for i, f := range fvs {
			if ut.Field(f.i).Name() == "_" { // evaluated, not kept
				u.line("_ = %s", ops[i])
				continue
			}
			parts = append(parts, FieldName(ut.Field(f.i), f.i)+": "+ops[i])
		}
		return u.tx(t) + "{" + strings.Join(parts, ", ") + "}"
	case *types.Slice, *types.Array:
		var elem types.Type
		n := int64(-1)
		switch ut := ut.(type) {
		case *types.Slice:
			elem = ut.Elem()
		case *types.Array:
			elem, n = ut.Elem(), ut.Len()
		}
		return u.wrapText(u.listLit(c, coreOf(t), elem, n), t)
	case *types.Map:
		made := len(u.f.late)
		m := u.temp(fmt.Sprintf("make(%s, %d)", u.tx(ut), len(c.Elts)))
		u.flush(made)
		for _, el := range c.Elts {
			kv := el.(*ast.KeyValueExpr)
			mark := len(u.f.late)
			ops := u.orderedOf([]ast.Expr{kv.Key, kv.Value}, func(i int) string {
				if i == 0 {
					return u.stored(u.element(kv.Key, ut.Key()), ut)
				}
				return u.element(kv.Value, ut.Elem())
			})
			u.line("%s[%s] = %s", m, ops[0], ops[1])
			u.flush(mark)
		}
		return u.wrapText(m, t)
	case *types.Pointer: // an elided &T in a list or map
		return u.addrLit(c, ut.Elem())
	}
	u.refuse("a literal of type "+t.String(), "")
	return ""
}

func (u *lowerer) listLit(c *ast.CompositeLit, t, elem types.Type, n int64) string {
	keyed := false
	for _, el := range c.Elts {
		if _, ok := el.(*ast.KeyValueExpr); ok {
			keyed = true
		}
	}
	if !keyed {
		ops := u.orderedOf(c.Elts, func(i int) string { return u.element(c.Elts[i], elem) })
		return u.tx(t) + "{" + strings.Join(ops, ", ") + "}"
	}
	at, top := int64(0), int64(0)
	idx := make([]int64, len(c.Elts))
	vals := make([]ast.Expr, len(c.Elts))
	for i, el := range c.Elts {
		vals[i] = el
		if kv, ok := el.(*ast.KeyValueExpr); ok {
			at, _ = constant.Int64Val(constant.ToInt(u.f.info.Types[kv.Key].Value))
			vals[i] = kv.Value
		}
		idx[i] = at
		at++
		top = max(top, at)
	}
	var v string
	if n < 0 {
		v = u.temp(fmt.Sprintf("make(%s, %d)", u.tx(t), top))
	} else {
		v = u.temp(u.zero(t))
	}
	ops := u.orderedOf(vals, func(i int) string { return u.element(vals[i], elem) })
	for i, op := range ops {
		u.line("%s[%d] = %s", v, idx[i], op)
	}
	return v
}

// element lowers one element of a literal, whose own type may be left out.
func (u *lowerer) element(e ast.Expr, t types.Type) string {
	t = u.s.subst(u.f.env, t)
	if c, ok := e.(*ast.CompositeLit); ok && c.Type == nil {
		return u.composite(c, t)
	}
	text := u.to(e, t)
	if _, basic := t.Underlying().(*types.Basic); basic && strings.Contains(text, "(*") {
		// yaegi takes an operand (*p) for a pointer type where it works out
		// the type of an element before it comes to it.
		return u.typed(text, t)
	}
	return text
}
