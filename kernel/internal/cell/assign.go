package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// Assignments, in the compiler's order: what calls first, on either side; then
// the stores, one after the other, each with what may go wrong with it.

// location is an assignable expression, lowered but for what it is found with.
type location struct {
	parts []part
	spell func(parts []string) string
}

// part is one operand of a location: a pointer, a slice, a map, a key, an index.
type part struct {
	text string
	expr ast.Expr
	// deref says that text reads memory that expr does not show: a pointer
	// that is embedded.
	deref bool
}

// locate lowers an assignable expression.
func (u *lowerer) locate(e ast.Expr) location {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if e.Name == "_" {
			return fixed("_")
		}
		return fixed(u.ident(e))
	case *ast.StarExpr:
		return location{[]part{{text: u.operand(e.X), expr: e.X}}, func(p []string) string { return "(*" + p[0] + ")" }}
	case *ast.SelectorExpr:
		if o := u.packageVar(e); o != nil {
			return fixed("(*" + u.packageVarAddr(o) + ")")
		}
		_, path := u.fieldPath(e)
		t := u.typeOf(e.X)
		// The last pointer on the way is what the place is found with.
		last := -1
		for i := range path {
			if _, ok := pathType(t, path[:i]).Underlying().(*types.Pointer); ok {
				last = i
			}
		}
		if last < 0 {
			return u.within(e.X, func(base string) string { return u.fields(base, t, path) })
		}
		p := part{u.fields(u.expr(e.X), t, path[:last]), e.X, last > 0}
		return location{[]part{p}, func(p []string) string { return u.fields(p[0], pathType(t, path[:last]), path[last:]) }}
	case *ast.IndexExpr:
		xt := u.under(e.X)
		index := func() part { return part{text: u.subscript(e.Index), expr: e.Index} }
		switch xt := xt.(type) {
		case *types.Map:
			x := part{text: u.operand(e.X), expr: e.X}
			return indexed(x, part{text: u.stored(u.mapKey(e.Index, xt), xt), expr: e.Index}, "")
		case *types.Array:
			t := u.typeOf(e.X)
			pl := u.within(e.X, func(base string) string { return u.bareText(base, t) })
			base, n := pl.spell, len(pl.parts)
			return location{append(pl.parts, index()), func(p []string) string { return base(p[:n]) + "[" + p[n] + "]" }}
		case *types.Pointer:
			x := part{text: u.expr(e.X), expr: e.X}
			return indexed(x, index(), "*")
		}
		x := part{text: u.operand(e.X), expr: e.X}
		return indexed(x, index(), "")
	}
	u.refuse("an assignment to this", "")
	return location{}
}

func fixed(text string) location { return location{spell: func([]string) string { return text }} }

func indexed(x, i part, op string) location {
	return location{[]part{x, i}, func(p []string) string {
		if op != "" {
			return "(" + op + p[0] + ")[" + p[1] + "]"
		}
		return p[0] + "[" + p[1] + "]"
	}}
}

// within is a location inside the variable x.
func (u *lowerer) within(x ast.Expr, spell func(base string) string) location {
	pl := u.locate(x)
	base := pl.spell
	pl.spell = func(p []string) string { return spell(base(p)) }
	return pl
}

// found evaluates what pl is found with, once: the text can be used twice.
func (u *lowerer) found(pl location) string {
	texts := make([]string, len(pl.parts))
	for i, p := range pl.parts {
		texts[i] = u.hold(p.text)
	}
	return pl.spell(texts)
}

// lvalue is an assignable expression that can be used twice.
func (u *lowerer) lvalue(e ast.Expr) string { return u.found(u.locate(e)) }

// foundWith are the expressions that the location e is found with.
func (u *lowerer) foundWith(e ast.Expr) []ast.Expr {
	switch e := ast.Unparen(e).(type) {
	case *ast.StarExpr:
		return []ast.Expr{e.X}
	case *ast.SelectorExpr:
		if u.packageVar(e) != nil {
			return nil
		}
		_, path := u.fieldPath(e)
		for i := range path {
			if _, ok := pathType(u.typeOf(e.X), path[:i]).Underlying().(*types.Pointer); ok {
				return []ast.Expr{e.X}
			}
		}
		return u.foundWith(e.X)
	case *ast.IndexExpr:
		if _, ok := u.under(e.X).(*types.Array); ok {
			return append(u.foundWith(e.X), e.Index)
		}
		return []ast.Expr{e.X, e.Index}
	}
	return nil
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

// opAssign lowers x op= y, and x++ where y is nil.
func (u *lowerer) opAssign(x ast.Expr, op token.Token, y ast.Expr) {
	t := u.typeOf(x)
	if y == nil {
		lv := u.lvalue(x)
		if id, ok := x.(*ast.Ident); ok {
			if o, ok := u.f.info.ObjectOf(id).(*types.Var); ok {
				if l := u.f.vars[o]; l != nil && !l.boxed {
					u.line("%s%s", lv, map[token.Token]string{token.ADD: "++", token.SUB: "--"}[op])
					return
				}
			}
		}
		one := u.tx(t) + "(1)"
		if u.tx(t) == "int" {
			one = "1"
		}
		u.operate(lv, op, one)
		return
	}
	var lv, r string
	// x is read, too, after what calls in y.
	u.operands([]ast.Expr{x, y}, func() {
		pl := u.locate(x)
		ops := u.ordered(2, func(i int) string {
			switch {
			case i == 0:
				lv = u.found(pl)
				return ""
			case op == token.SHL || op == token.SHR:
				return u.shiftCount(y)
			}
			return u.to(y, t)
		})
		r = ops[1]
	})
	if u.hasCall(y) && !u.stable(lv) && !simple(r) {
		r = u.temp(r) // before lv is read, and what may go wrong with that
	}
	u.operate(lv, op, r)
}

func (u *lowerer) operate(lv string, op token.Token, r string) {
	switch op {
	case token.ADD, token.SUB, token.MUL:
		if u.stable(lv) { // yaegi does it in one step
			u.line("%s %s= %s", lv, op, r)
			return
		}
	}
	u.line("%s = %s %s %s", lv, lv, op, r)
}

// dest is one of the locations that a statement assigns to, and its value.
type dest struct {
	e     ast.Expr
	isNew bool
	at    location
	typ   types.Type // nil for the blank identifier
	val   string
	from  ast.Expr // what val was lowered from; nil where val is a name
}

func (u *lowerer) dests(lhs []ast.Expr, define bool) []dest {
	ts := make([]dest, len(lhs))
	for i, e := range lhs {
		t := dest{e: e}
		id, ok := e.(*ast.Ident)
		t.isNew = ok && define && (id.Name == "_" || u.f.info.Defs[id] != nil)
		if !isBlank(e) {
			if ok && u.f.info.ObjectOf(id) != nil {
				t.typ = u.s.subst(u.f.env, u.f.info.ObjectOf(id).Type())
			} else {
				t.typ = u.typeOf(e)
			}
		}
		ts[i] = t
	}
	return ts
}

// assignAll lowers lhs = rhs and lhs := rhs.
func (u *lowerer) assignAll(lhs, rhs []ast.Expr, define bool) {
	ts := u.dests(lhs, define)
	if len(lhs) == 1 && len(rhs) == 1 {
		u.assignOne(ts[0], rhs[0])
		return
	}
	var es []ast.Expr
	for _, t := range ts {
		if !t.isNew {
			es = append(es, u.foundWith(t.e)...)
		}
	}
	lower := func() {
		for i, t := range ts {
			if t.isNew || t.typ == nil {
				continue
			}
			ts[i].at = u.locate(t.e)
		}
		if len(rhs) == 1 {
			u.tuple(ts, rhs[0])
			return
		}
		vals := u.ordered(len(rhs), func(i int) string {
			t := ts[i].typ
			if t == nil {
				t = types.Default(u.typeOf(rhs[i]))
			}
			return u.to(rhs[i], t)
		})
		for i, v := range vals {
			ts[i].val, ts[i].from = v, rhs[i]
		}
	}
	if slices.ContainsFunc(append(es, rhs...), u.hasCall) {
		u.callsFirst(lower)
	} else {
		lower()
	}
	u.stores(ts)
}

func (u *lowerer) assignOne(t dest, rhs ast.Expr) {
	if t.typ == nil {
		if !u.f.info.Types[rhs].IsNil() {
			u.line("_ = %s", u.to(rhs, types.Default(u.typeOf(rhs))))
		}
		return
	}
	if t.isNew {
		u.define(t.e.(*ast.Ident), u.to(rhs, t.typ))
		return
	}
	var lv, val string
	u.operands(append(u.foundWith(t.e), rhs), func() {
		pl := u.locate(t.e)
		ops := u.ordered(2, func(i int) string {
			if i == 0 {
				lv = u.found(pl)
				return ""
			}
			return u.to(rhs, t.typ)
		})
		val = ops[1]
	})
	if !u.stable(lv) && u.hasCall(rhs) && !simple(val) {
		// The store, and what may go wrong with it, comes after the call.
		val = u.temp(val)
	}
	u.store(lv, bare(val), t.typ)
}

// tuple gives ts the values of one expression of several values.
func (u *lowerer) tuple(ts []dest, x ast.Expr) {
	var vals []string
	var from []types.Type
	two := func(text string, t types.Type) {
		a, b := u.s.next("v"), u.s.next("v")
		u.line("%s, %s := %s", a, b, text)
		vals, from = []string{a, b}, []types.Type{t, types.Typ[types.Bool]}
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
		ops := u.orderedOf([]ast.Expr{x.X, x.Index}, func(i int) string {
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
	for i := range ts {
		ts[i].val = vals[i]
		if ts[i].typ != nil {
			ts[i].val = u.conv(vals[i], from[i], ts[i].typ)
		}
	}
}

// stores assigns to ts in order. What one of them is found with, or its value,
// is evaluated before all stores if an earlier one may change it, and else
// when its turn comes (cmd/compile/internal/walk, assign.go, ascompatee).
func (u *lowerer) stores(ts []dest) {
	w := written{u: u, locals: map[types.Object]bool{}}
	for i, t := range ts {
		for j, p := range t.at.parts {
			if (p.deref && w.memory || w.affects(p.expr)) && !simple(p.text) {
				t.at.parts[j].text = u.temp(p.text)
			}
		}
		if t.from != nil && w.affects(t.from) && !simple(t.val) {
			ts[i].val = u.temp(t.val)
		}
		w.note(t)
	}
	for _, t := range ts {
		switch {
		case t.isNew:
			u.define(t.e.(*ast.Ident), t.val)
		case t.typ == nil:
			u.line("_ = %s", t.val)
		default:
			u.store(u.found(t.at), t.val, t.typ)
		}
	}
}

// written is what the stores of a statement so far may have changed.
type written struct {
	u      *lowerer
	locals map[types.Object]bool // variables that only their names reach
	memory bool
	all    bool // a result that deferred calls see, should anything panic
}

func (w *written) note(t dest) {
	if t.typ == nil || t.isNew && t.e.(*ast.Ident).Name == "_" {
		return
	}
	e := ast.Unparen(t.e)
	for {
		if x, ok := e.(*ast.IndexExpr); ok {
			if _, ok := w.u.under(x.X).(*types.Array); ok {
				e = ast.Unparen(x.X)
				continue
			}
		}
		if x, ok := e.(*ast.SelectorExpr); ok && w.u.f.info.Selections[x] != nil && len(w.u.foundWith(x)) == 0 {
			e = ast.Unparen(x.X)
			continue
		}
		break
	}
	id, ok := e.(*ast.Ident)
	if !ok {
		w.memory = true
		return
	}
	o := w.u.f.info.ObjectOf(id)
	switch l := w.u.f.local(o); {
	case t.isNew:
	case l == nil:
		w.memory = true
	case w.u.result(l):
		w.all = true
	case l.boxed:
		w.memory = true
	default:
		w.locals[o] = true
	}
}

// result reports that l is a result of a function that defers.
func (u *lowerer) result(l *local) bool {
	host := hostOf(u.f)
	return host != u.f && slices.Contains(host.results, l)
}

// affects reports that the stores so far may change what e reads.
func (w *written) affects(e ast.Expr) bool {
	if w.all {
		return true
	}
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		if !ok || found {
			return !found
		}
		tv := w.u.f.info.Types[x]
		if tv.Value != nil || tv.IsType() || tv.IsNil() || tv.IsBuiltin() {
			return false
		}
		found = w.memory && w.u.readsMemory(x)
		if id, ok := x.(*ast.Ident); ok {
			found = found || w.locals[w.u.f.info.ObjectOf(id)]
		}
		return !found
	})
	return found
}

// readsMemory reports that the operation e itself, without its operands, reads
// what a store to somewhere may have changed.
func (u *lowerer) readsMemory(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		o, ok := u.f.info.ObjectOf(e).(*types.Var)
		if !ok || o.IsField() {
			return false
		}
		l := u.f.local(o)
		return l == nil || l.boxed
	case *ast.BinaryExpr:
		switch e.Op {
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			return true
		}
		b, ok := u.under(e).(*types.Basic)
		return ok && b.Info()&types.IsString != 0
	case *ast.UnaryExpr:
		return e.Op == token.NOT || e.Op == token.AND
	case *ast.SelectorExpr:
		return u.f.info.Selections[e] == nil || len(u.foundWith(e)) > 0
	case *ast.ParenExpr, *ast.TypeAssertExpr:
		return false
	case *ast.CallExpr:
		return !u.f.info.Types[e.Fun].IsType()
	}
	return true
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}
