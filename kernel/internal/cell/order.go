package cell

import (
	"go/ast"
	"go/token"
	"go/types"
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

// spill evaluates texts in order: where a later one needed statements of its
// own, the earlier ones go into temporaries before them.
func (u *lowerer) ordered(n int, lower func(i int) string) []string {
	out := make([]string, n)
	marks := make([]int, n)
	for i := range n {
		before := len(u.f.lines)
		out[i] = lower(i)
		marks[i] = before
		if len(u.f.lines) > before {
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
			if len(pre) > 0 {
				tail := append([]line(nil), u.f.lines[before:]...)
				u.f.lines = append(append(u.f.lines[:before], pre...), tail...)
			}
		}
	}
	return out
}

// orderedOf evaluates expressions as the compiler does: the calls among them
// first, in order, and then what merely reads variables.
func (u *lowerer) orderedOf(es []ast.Expr, lower func(i int) string) []string {
	return u.orderedArgs(es, nil, lower)
}

// orderedArgs does the same for the arguments of a call. What becomes an
// interface is copied in order, too, unless it is addressable and so read when
// the call is made (cmd/compile/internal/walk, order.go, addrTemp).
func (u *lowerer) orderedArgs(es []ast.Expr, boxed func(i int) bool, lower func(i int) string) []string {
	reads, spill := false, false
	first := make([]bool, len(es))
	for i, e := range es {
		if e == nil {
			continue
		}
		call, shared := u.hasCall(e), u.readsShared(e)
		first[i] = call || shared && boxed != nil && boxed(i) && !u.addressable(e)
		if call {
			spill = spill || reads
		} else if shared {
			reads = true
		}
	}
	if !spill {
		return u.ordered(len(es), lower)
	}
	out := make([]string, len(es))
	for i := range es {
		if first[i] {
			if out[i] = lower(i); !simple(out[i]) {
				out[i] = u.temp(out[i])
			}
		}
	}
	for i := range es {
		if !first[i] {
			out[i] = lower(i)
		}
	}
	return out
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
