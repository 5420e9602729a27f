package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// The order of evaluation, and what a piece of core code costs to evaluate again.

// bare is text without the parentheses around all of it, which cost yaegi a
// step.
func bare(text string) string {
	if len(text) < 2 || text[0] != '(' || text[len(text)-1] != ')' || strings.ContainsAny(text, "\"\x01") {
		return text
	}
	depth := 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 && i < len(text)-1 {
				return text
			}
		}
	}
	if strings.HasPrefix(text, "(<-") || strings.HasPrefix(text, "(*") || strings.HasPrefix(text, "(&") {
		return text
	}
	return text[1 : len(text)-1]
}

// header is a condition as it may stand before a block: what looks like a
// literal there needs parentheses.
func header(cond string) string {
	if strings.Contains(cond, "{") {
		return "(" + cond + ")"
	}
	return cond
}

// typed puts text into a variable declared with its type: yaegi knows less of
// the type of what comes out of a native struct or variable.
func (u *lowerer) typed(text string, t types.Type) string {
	if u.stable(text) {
		return text
	}
	n := u.s.next("v")
	u.line("var %s %s = %s", n, u.tx(t), text)
	return n
}

// ordered lowers n operands in order: where a later one needs statements of
// its own, the earlier ones go into temporaries before them.
func (u *lowerer) ordered(n int, lower func(i int) string) []string {
	out := make([]string, n)
	for i := range n {
		before := len(u.f.lines)
		out[i] = lower(i)
		if u.f.ordering || len(u.f.lines) == before {
			continue
		}
		// Statements were added: everything lowered so far must come first.
		var pre []line
		for j := range i {
			if simple(out[j]) {
				continue
			}
			name := u.s.next("v")
			pre = append(pre, line{name + " := " + out[j], u.f.pos})
			out[j] = name
		}
		u.f.lines = slices.Insert(u.f.lines, before, pre...)
	}
	return out
}

// orderedOf does the same for the expressions es as operands of one operation.
func (u *lowerer) orderedOf(es []ast.Expr, lower func(i int) string) (out []string) {
	u.operands(es, func() { out = u.ordered(len(es), lower) })
	return out
}

// operands has lower evaluate the operands es of one operation. Where one of
// them reads what a call in a later one may change, they are evaluated as the
// compiler does (cmd/compile/internal/walk, order.go): calls and what is like
// them come first, in order; what merely reads is read when it is used.
func (u *lowerer) operands(es []ast.Expr, lower func()) {
	if u.disturbed(es) {
		u.callsFirst(lower)
	} else {
		lower()
	}
}

// callsFirst has lower evaluate operands as the compiler does.
func (u *lowerer) callsFirst(lower func()) {
	f := u.f
	if f.ordering {
		lower()
		return
	}
	f.ordering = true
	lower()
	f.ordering = false
	f.lines = append(f.lines, f.late...)
	f.late = nil
}

// disturbed reports that a call among es may change what an earlier one reads.
func (u *lowerer) disturbed(es []ast.Expr) bool {
	reads := false
	for _, e := range es {
		if e == nil {
			continue
		}
		if reads && u.hasCall(e) {
			return true
		}
		reads = reads || u.readsShared(e)
	}
	return false
}

// first puts text, the value of an expression whose lowering began when there
// were mark late statements, among what comes first.
func (u *lowerer) first(mark int, text string) string {
	if !u.f.ordering {
		return text
	}
	u.flush(mark)
	if simple(text) {
		return text
	}
	name := u.s.next("v")
	u.f.lines = append(u.f.lines, line{name + " := " + text, u.f.pos})
	return name
}

// flush makes the late statements from mark on come first.
func (u *lowerer) flush(mark int) {
	f := u.f
	f.lines = append(f.lines, f.late[mark:]...)
	f.late = f.late[:mark]
}

// comesFirst reports that the compiler copies the value of e in order.
func (u *lowerer) comesFirst(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CallExpr:
		if !u.f.info.Types[e.Fun].IsType() {
			return true
		}
		b, ok := u.under(e.Args[0]).(*types.Basic) // to []byte and []rune
		_, list := u.under(e).(*types.Slice)
		return ok && list && b.Info()&types.IsString != 0
	case *ast.UnaryExpr:
		return e.Op == token.ARROW
	case *ast.BinaryExpr:
		return e.Op == token.LAND || e.Op == token.LOR
	case *ast.TypeAssertExpr:
		return !pointerShaped(u.typeOf(e))
	case *ast.CompositeLit:
		_, m := u.under(e).(*types.Map)
		return m
	case *ast.SliceExpr:
		return true
	}
	return false
}

// pointerShaped reports that a value of t is one pointer.
func pointerShaped(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Pointer, *types.Chan, *types.Map, *types.Signature:
		return true
	case *types.Struct:
		return t.NumFields() == 1 && pointerShaped(t.Field(0).Type())
	case *types.Array:
		return t.Len() == 1 && pointerShaped(t.Elem())
	}
	return false
}

// copied reports that the compiler copies e, of type t, in order to make an
// interface of it: its address is needed, and it has none
// (cmd/compile/internal/walk, convert.go, dataWordFuncName).
func (u *lowerer) copied(e ast.Expr, t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Basic:
		if size := sizes.Sizeof(t); t.Info()&types.IsString != 0 || size > 1 && size <= 8 {
			return false
		}
	case *types.Slice:
		return false
	}
	return !u.addressable(e)
}

var sizes = types.SizesFor("gc", "amd64")

// slowKey reports that the compiler passes keys of t by address.
func slowKey(t types.Type) bool {
	switch b := t.Underlying().(type) {
	case *types.Basic:
		return b.Info()&(types.IsInteger|types.IsString) == 0 || sizes.Sizeof(b) < 4
	case *types.Pointer, *types.Chan:
		return false
	}
	return true
}

// addressable reports that e is a variable, or an element or field of one.
func (u *lowerer) addressable(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		_, ok := u.f.info.ObjectOf(e).(*types.Var)
		return ok
	case *ast.StarExpr:
		return true
	case *ast.SelectorExpr:
		if u.f.info.Selections[e] == nil {
			return true
		}
		_, ptr := u.under(e.X).(*types.Pointer)
		return ptr || u.addressable(e.X)
	case *ast.IndexExpr:
		switch u.under(e.X).(type) {
		case *types.Slice, *types.Pointer:
			return true
		case *types.Array:
			return u.addressable(e.X)
		}
	}
	return false
}

// hasCall reports a call or a receive in e that can have an effect.
func (u *lowerer) hasCall(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		case *ast.CallExpr:
			tv := u.f.info.Types[n.Fun]
			switch {
			case u.f.info.Types[n].Value != nil:
				return false
			case tv.IsType():
			case tv.IsBuiltin():
				switch types.ExprString(ast.Unparen(n.Fun)) {
				case "len", "cap", "min", "max", "real", "imag", "complex", "new", "make":
				default:
					found = true
				}
			default:
				found = true
			}
		}
		return !found
	})
	return found
}

// readsShared reports that e reads something that a call could change.
func (u *lowerer) readsShared(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.IndexExpr, *ast.StarExpr, *ast.SliceExpr:
			found = true
		case *ast.SelectorExpr:
			if u.f.info.Selections[n] != nil {
				found = true
			}
		case *ast.Ident:
			if o, ok := u.f.info.Uses[n].(*types.Var); ok && !o.IsField() {
				if l := u.f.local(o); l == nil || l.boxed {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// simple reports that text can be evaluated later without a difference: a
// literal, a temporary or an unboxed name.
func simple(text string) bool {
	if text == "" {
		return true
	}
	if text[0] == '"' {
		return true
	}
	for _, r := range text {
		if r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return strings.HasPrefix(text, "v_") || text[0] >= '0' && text[0] <= '9' || text == "true" || text == "false" || text == "nil"
}
