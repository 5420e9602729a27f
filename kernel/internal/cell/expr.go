package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// line adds a statement of core code at the current position.
func (u *lowerer) line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	u.lineAt(line{format, u.f.pos})
}

func (u *lowerer) lineAt(l line) {
	if u.f.ordering {
		u.f.late = append(u.f.late, l)
	} else {
		u.f.lines = append(u.f.lines, l)
	}
}

// temp declares a variable holding text, and returns its name.
func (u *lowerer) temp(text string) string {
	n := u.s.next("v")
	u.line("%s := %s", n, text)
	return n
}

func (u *lowerer) typeOf(e ast.Expr) types.Type {
	if t := u.f.info.TypeOf(e); t != nil {
		return u.s.subst(u.f.env, t)
	}
	if id, ok := e.(*ast.Ident); ok {
		if o := u.f.info.ObjectOf(id); o != nil {
			return u.s.subst(u.f.env, o.Type())
		}
	}
	u.refuse("an expression without a type", "")
	return nil
}

func (u *lowerer) under(e ast.Expr) types.Type { return coreOf(u.typeOf(e)) }

// native names a native function, made once for each kind, type and operands.
func (u *lowerer) native(n Native) string {
	var b strings.Builder
	b.WriteString("native " + n.Kind + " " + n.Arg)
	for _, t := range append([]types.Type{n.Type, n.To}, append(n.Sig, n.Res...)...) {
		b.WriteByte('|')
		if t != nil {
			b.WriteString(u.s.id(t))
		}
	}
	if n.Variadic {
		b.WriteString("...")
	}
	key := b.String()
	if name, ok := u.nats[key]; ok {
		return name
	}
	n.Name = u.s.next("N")
	u.nats[key] = "n." + n.Name
	u.unit.Natives = append(u.unit.Natives, n)
	for _, t := range append([]types.Type{n.Type, n.To}, append(n.Sig, n.Res...)...) {
		if t != nil {
			u.touch(t)
		}
	}
	return "n." + n.Name
}

// touch makes sure that the native types behind t are asked for.
func (u *lowerer) touch(t types.Type) {
	if b, ok := t.(*types.Basic); ok && b.Kind() == types.UntypedNil {
		return
	}
	u.tx(t)
}

// to lowers e and converts it to the representation of target.
func (u *lowerer) to(e ast.Expr, target types.Type) string {
	target = u.s.subst(u.f.env, target)
	tv := u.f.info.Types[e]
	if tv.IsNil() {
		return u.zero(target)
	}
	if tv.Value != nil {
		from := u.s.subst(u.f.env, tv.Type)
		if b, ok := from.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 && !types.IsInterface(target) {
			return u.literal(tv.Value, target)
		}
		from = types.Default(from)
		return u.conv(u.literal(tv.Value, from), from, target)
	}
	mark := len(u.f.late)
	text, from := u.expr(e), u.typeOf(e)
	if u.f.ordering && types.IsInterface(target) && !types.IsInterface(from) && u.copied(e, from) {
		text = u.first(mark, text)
	}
	return u.conv(text, from, target)
}

// conv converts text from one type to another that it is assignable to.
func (u *lowerer) conv(text string, from, to types.Type) string {
	from, to = types.Default(u.s.subst(u.env(), from)), u.s.subst(u.env(), to)
	if b, ok := from.(*types.Basic); ok && b.Kind() == types.UntypedNil {
		return u.zero(to)
	}
	switch {
	case !types.IsInterface(to):
		if wf, wt := u.s.Wrapped(from) != nil, u.s.Wrapped(to) != nil; wf != wt || wf && !types.Identical(from, to) {
			return u.wrapText(u.bareText(text, from), to)
		}
		if _, ok := coreOf(from).(*types.Signature); ok && u.s.nativeNamed(to) != u.s.nativeNamed(from) {
			return u.native(Native{Kind: "convert", Type: from, To: to}) + "(" + text + ")"
		}
		return text
	case u.s.isAny(to):
		switch {
		case u.s.isAny(from):
			return text
		case u.s.isNativeIface(from):
			return "core.In(" + text + ")"
		case u.s.learner(from):
			return u.native(Native{Kind: "box", Type: from}) + "(" + text + ")" + u.descNote(from)
		case u.hidden(from):
			return "core.In(" + text + ")"
		}
		return u.native(Native{Kind: "any", Type: from}) + "(" + text + ")"
	default: // a native interface
		switch {
		case u.s.isNativeIface(from):
			if types.Identical(from, to) {
				return text
			}
			return u.native(Native{Kind: "out", Type: to}) + "(core.In(" + text + "))"
		case u.s.isAny(from):
			return u.native(Native{Kind: "out", Type: to}) + "(" + text + ")"
		case u.s.learner(from):
			return u.native(Native{Kind: "out", Type: to}) + "(" + u.native(Native{Kind: "box", Type: from}) + "(" + text + "))" + u.descNote(from)
		}
		if u.hidden(from) {
			return u.native(Native{Kind: "out", Type: to}) + "(core.In(" + text + "))"
		}
		return u.native(Native{Kind: "up", Type: from, To: to}) + "(" + text + ")"
	}
}

// hidden reports that t, or what it points to, is a compiled type that cannot
// be named: its values are of it nevertheless.
func (u *lowerer) hidden(t types.Type) bool {
	n := u.s.nativeNamed(derefType(t))
	return n != nil && n.Obj().Pkg() != nil && !n.Obj().Exported()
}

// descNote makes sure that boxed types have descriptors with their methods.
func (u *lowerer) descNote(t types.Type) string { u.desc(t); return "" }

// expr lowers e to an expression of its own type's representation.
func (u *lowerer) expr(e ast.Expr) string {
	if tv := u.f.info.Types[e]; tv.Value != nil {
		return u.literal(tv.Value, tv.Type)
	}
	mark := len(u.f.late)
	text := u.operation(e)
	if u.f.ordering && u.comesFirst(e) {
		return u.first(mark, text)
	}
	return text
}

func (u *lowerer) operation(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return u.expr(e.X)
	case *ast.Ident:
		return u.ident(e)
	case *ast.FuncLit:
		return u.funcLit(e, false)
	case *ast.CompositeLit:
		return u.composite(e, u.typeOf(e))
	case *ast.SelectorExpr:
		return u.selector(e)
	case *ast.IndexExpr:
		if _, ok := u.f.info.Instances[instIdent(e.X)]; ok {
			if _, sig := u.typeOf(e).Underlying().(*types.Signature); sig && u.isFuncName(e.X) {
				return u.funcValue(e)
			}
		}
		return u.index(e)
	case *ast.IndexListExpr:
		return u.funcValue(e)
	case *ast.SliceExpr:
		return u.slice(e)
	case *ast.StarExpr:
		return "(*" + u.operand(e.X) + ")"
	case *ast.UnaryExpr:
		return u.unary(e)
	case *ast.BinaryExpr:
		return u.binary(e)
	case *ast.CallExpr:
		return u.callOne(e)
	case *ast.TypeAssertExpr:
		return u.assertFn(e, false) + "(" + u.to(e.X, anyType) + ")"
	}
	u.refuse(fmt.Sprintf("this expression (%T)", e), "")
	return ""
}

var anyType = types.Universe.Lookup("any").Type()

func instIdent(e ast.Expr) *ast.Ident {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	}
	return nil
}

func (u *lowerer) isFuncName(e ast.Expr) bool {
	id := instIdent(e)
	if id == nil {
		return false
	}
	_, ok := u.f.info.Uses[id].(*types.Func)
	return ok
}

// assertFn is the native function for e.(T): func(any) T, or with ok.
func (u *lowerer) assertFn(e *ast.TypeAssertExpr, ok bool) string {
	kind := "assert"
	if ok {
		kind = "assertOK"
	}
	t := u.typeOf(e.Type)
	u.desc(t)
	return u.native(Native{Kind: kind, Type: t, Sig: []types.Type{u.typeOf(e.X)}})
}

func (u *lowerer) ident(id *ast.Ident) string {
	o := u.f.info.ObjectOf(id)
	switch o := o.(type) {
	case *types.Nil:
		return "nil"
	case *types.Func:
		return u.funcValue(id)
	case *types.Var:
		return u.varRef(o)
	}
	u.refuse("the name "+id.Name+" here", "")
	return ""
}

// varRef is the core's name for a variable: assignable, and readable.
func (u *lowerer) varRef(o *types.Var) string {
	if o.Pkg() != nil && compiled(o.Pkg()) && o.Parent() == o.Pkg().Scope() {
		return "(*" + u.packageVarAddr(o) + ")"
	}
	if l := u.f.local(o); l != nil {
		if l.boxed {
			return "(*" + l.name + ")"
		}
		return l.name
	}
	if d := u.lookup(o); d != nil && d.low != "" {
		if _, ok := d.obj.(*types.Var); ok {
			return "(*g." + d.low + ")"
		}
	}
	u.refuse("the variable "+o.Name()+", whose declaration is gone,", "declare it again")
	return ""
}

// packageVar is the compiled package's variable that e names, if it names one.
func (u *lowerer) packageVar(e ast.Expr) *types.Var {
	se, ok := e.(*ast.SelectorExpr)
	if !ok || u.f.info.Selections[se] != nil {
		return nil
	}
	o, _ := u.f.info.Uses[se.Sel].(*types.Var)
	return o
}

// packageVarAddr is the address of a compiled package's variable: yaegi itself
// would go by a copy made when it loads the package.
func (u *lowerer) packageVarAddr(o *types.Var) string {
	return u.native(Native{Kind: "packageVar", Arg: o.Pkg().Path() + "." + o.Name(), Type: o.Type()})
}

// local finds o in f, capturing it from the functions around f.
func (f *fun) local(o types.Object) *local {
	if l := f.vars[o]; l != nil {
		return l
	}
	if f.outer == nil {
		return nil
	}
	l := f.outer.local(o)
	if l == nil {
		return nil
	}
	f.vars[o] = l
	f.capture(l)
	return l
}

// capture notes that f uses a local of an outer function.
func (f *fun) capture(l *local) {
	for _, c := range f.caps {
		if c == l {
			return
		}
	}
	f.caps = append(f.caps, l)
}

func (u *lowerer) unary(e *ast.UnaryExpr) string {
	switch e.Op {
	case token.AND:
		x := ast.Unparen(e.X)
		if c, ok := x.(*ast.CompositeLit); ok {
			return u.addrLit(c, u.typeOf(c))
		}
		return u.addr(x)
	case token.ARROW:
		return "(<-" + u.typed(u.operand(e.X), u.under(e.X)) + ")"
	case token.ADD:
		return u.expr(e.X)
	case token.NOT:
		return "(!" + u.expr(e.X) + ")"
	}
	return "(" + e.Op.String() + u.expr(e.X) + ")"
}

func (u *lowerer) binary(e *ast.BinaryExpr) string {
	switch e.Op {
	case token.LAND, token.LOR:
		mark := len(u.f.late)
		l := u.expr(e.X)
		u.flush(mark)
		outer, late := u.f.lines, u.f.late
		u.f.lines, u.f.late = nil, nil
		r := u.expr(e.Y)
		inner := append(u.f.lines, u.f.late...)
		u.f.lines, u.f.late = outer, late
		if len(inner) == 0 {
			return "(" + l + " " + e.Op.String() + " " + r + ")"
		}
		t := u.temp(l)
		if e.Op == token.LAND {
			u.line("if %s {", t)
		} else {
			u.line("if !%s {", t)
		}
		for _, l := range inner {
			u.lineAt(l)
		}
		u.line("%s = %s", t, r)
		u.line("}")
		return t
	case token.EQL, token.NEQ:
		return u.compare(e)
	case token.SHL, token.SHR:
		ops := u.orderedOf([]ast.Expr{e.X, e.Y}, func(i int) string {
			if i == 0 {
				if tv := u.f.info.Types[e.X]; tv.Value != nil {
					if t := u.typeOf(e); u.tx(t) != "int" {
						return u.literal(tv.Value, t)
					}
					// yaegi takes what it thinks is a constant shift for a constant.
					return "int(" + u.literal(tv.Value, u.typeOf(e)) + ")"
				}
				return u.expr(e.X)
			}
			return u.shiftCount(e.Y)
		})
		return "(" + ops[0] + " " + e.Op.String() + " " + ops[1] + ")"
	}
	t := u.typeOf(e)
	ot := t
	switch e.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		ot = u.operandType(e.X, e.Y)
	}
	ops := u.orderedOf([]ast.Expr{e.X, e.Y}, func(i int) string {
		if i == 0 {
			return u.to(e.X, ot)
		}
		return u.to(e.Y, ot)
	})
	return "(" + ops[0] + " " + e.Op.String() + " " + ops[1] + ")"
}

// shiftCount is a count that yaegi shifts by rightly: unsigned, and checked.
func (u *lowerer) shiftCount(y ast.Expr) string {
	if tv := u.f.info.Types[y]; tv.Value != nil {
		return "uint(" + constant.ToInt(tv.Value).ExactString() + ")"
	}
	t := u.typeOf(y)
	if b, ok := coreOf(t).(*types.Basic); ok && b.Info()&types.IsUnsigned != 0 {
		return "uint(" + u.expr(y) + ")"
	}
	return "core.ShiftCount(int64(" + u.expr(y) + "))"
}

// operandType is the type in which two operands are compared.
func (u *lowerer) operandType(x, y ast.Expr) types.Type {
	tx, ty := u.typeOf(x), u.typeOf(y)
	untyped := func(t types.Type) bool {
		b, ok := t.(*types.Basic)
		return ok && b.Info()&types.IsUntyped != 0
	}
	if untyped(tx) && !untyped(ty) {
		return ty
	}
	return types.Default(tx)
}

func (u *lowerer) compare(e *ast.BinaryExpr) string {
	x, y := e.X, e.Y
	nx, ny := u.f.info.Types[x].IsNil(), u.f.info.Types[y].IsNil()
	if nx {
		x, y, ny = y, x, true
	}
	if ny {
		text := u.operand(x)
		if types.IsInterface(u.typeOf(x)) && strings.HasSuffix(text, ")") && !strings.HasPrefix(text, "(") {
			text = u.typed(text, u.typeOf(x)) // yaegi takes a call for what it gives
		}
		return "(" + text + " " + e.Op.String() + " nil)"
	}
	return u.equal(x, y, e.Op == token.NEQ)
}

// equal lowers x == y, or x != y.
func (u *lowerer) equal(x, y ast.Expr, not bool) string {
	tx, ty := u.typeOf(x), u.typeOf(y)
	op := " == "
	if not {
		op = " != "
	}
	if types.IsInterface(tx) || types.IsInterface(ty) {
		ops := u.orderedOf([]ast.Expr{x, y}, func(i int) string { return u.to([]ast.Expr{x, y}[i], anyType) })
		if not {
			return "(!core.Eq(" + ops[0] + ", " + ops[1] + "))"
		}
		return "core.Eq(" + ops[0] + ", " + ops[1] + ")"
	}
	t := u.operandType(x, y)
	big := false
	switch coreOf(t).(type) {
	case *types.Struct, *types.Array:
		big = true
	}
	ops := u.orderedOf([]ast.Expr{x, y}, func(i int) string {
		mark, e := len(u.f.late), []ast.Expr{x, y}[i]
		text := u.to(e, t)
		if big && !u.addressable(e) {
			return u.first(mark, text)
		}
		return text
	})
	native := isUnsafePointer(t)
	switch coreOf(t).(type) {
	case *types.Struct, *types.Array, *types.Chan, *types.Pointer:
		native = true
	}
	if native {
		// Native comparison: yaegi's goes by what it knows of the types.
		text := u.native(Native{Kind: "equal", Type: tx, To: ty}) + "(" + ops[0] + ", " + ops[1] + ")"
		if not {
			return "(!" + text + ")"
		}
		return text
	}
	return "(" + ops[0] + op + ops[1] + ")"
}

// selector lowers x.f: a package's member, a field, or a method value.
func (u *lowerer) selector(e *ast.SelectorExpr) string {
	sel := u.f.info.Selections[e]
	if sel == nil {
		switch o := u.f.info.Uses[e.Sel].(type) {
		case *types.Func:
			return u.funcValue(e)
		case *types.Var:
			return "(*" + u.packageVarAddr(o) + ")"
		}
		u.refuse("the name "+e.Sel.Name+" here", "")
	}
	switch sel.Kind() {
	case types.FieldVal:
		_, path := u.fieldPath(e)
		return u.fields(u.expr(e.X), u.typeOf(e.X), path)
	case types.MethodVal, types.MethodExpr:
		return u.methodValue(e, sel)
	}
	return ""
}

// fieldPath is the index path of the field or method e selects.
func (u *lowerer) fieldPath(e *ast.SelectorExpr) (types.Object, []int) {
	sel := u.f.info.Selections[e]
	if len(u.f.env) == 0 {
		return sel.Obj(), sel.Index()
	}
	recv := u.s.subst(u.f.env, sel.Recv())
	o, path, _ := types.LookupFieldOrMethod(recv, true, sel.Obj().Pkg(), sel.Obj().Name())
	if o == nil {
		return sel.Obj(), sel.Index()
	}
	return o, path
}

// fields follows a path of field indices from text, a value of type t.
func (u *lowerer) fields(text string, t types.Type, path []int) string {
	for _, i := range path {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
			text = "(*" + text + ")"
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			u.refuse("this selector", "")
		}
		f := st.Field(i)
		text += "." + FieldName(f, i)
		t = f.Type()
	}
	return text
}

// pathType is the type at the end of a path of fields.
func pathType(t types.Type, path []int) types.Type {
	for _, i := range path {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		t = t.Underlying().(*types.Struct).Field(i).Type()
	}
	return t
}

func (u *lowerer) index(e *ast.IndexExpr) string {
	xt := u.under(e.X)
	if m, ok := xt.(*types.Map); ok {
		ops := u.orderedOf([]ast.Expr{e.X, e.Index}, func(i int) string {
			if i == 0 {
				return u.operand(e.X)
			}
			return u.mapKey(e.Index, m)
		})
		return ops[0] + "[" + ops[1] + "]"
	}
	ops := u.orderedOf([]ast.Expr{e.X, e.Index}, func(i int) string {
		if i == 0 {
			x := u.operand(e.X)
			if _, ok := xt.(*types.Pointer); ok {
				x = "(*" + x + ")"
			}
			if b, ok := xt.(*types.Basic); ok && b.Info()&types.IsString != 0 && u.f.info.Types[e.X].Value != nil {
				x = u.temp(x)
			}
			return x
		}
		return u.subscript(e.Index)
	})
	return ops[0] + "[" + ops[1] + "]"
}

// mapKey lowers a key of a map.
func (u *lowerer) mapKey(e ast.Expr, m *types.Map) string {
	mark := len(u.f.late)
	key := u.to(e, m.Key())
	if slowKey(m.Key()) && !u.addressable(e) {
		return u.first(mark, key)
	}
	return key
}

// stored is a key that a value is stored under: what an interface holds has to
// be hashable, of which reflection says something else.
func (u *lowerer) stored(key string, m *types.Map) string {
	if u.s.isAny(u.s.subst(u.env(), m.Key())) && !strings.HasPrefix(key, "\"") {
		return "core.Key(" + key + ")"
	}
	return key
}

// subscript lowers an index. One that is too big for an int stays as it is, so
// that the panic can tell it.
func (u *lowerer) subscript(e ast.Expr) string {
	b, ok := u.under(e).(*types.Basic)
	if ok && b.Info()&types.IsUnsigned != 0 && sizes.Sizeof(b) == 8 && u.f.info.Types[e].Value == nil && u.s.nativeNamed(u.typeOf(e)) == nil {
		return u.expr(e)
	}
	return u.intIndex(e)
}

func (u *lowerer) intIndex(e ast.Expr) string {
	if tv := u.f.info.Types[e]; tv.Value != nil {
		return u.literal(constant.ToInt(tv.Value), types.Typ[types.Int])
	}
	x := u.expr(e)
	if b, ok := u.under(e).(*types.Basic); ok && b.Kind() != types.Int || u.s.nativeNamed(u.typeOf(e)) != nil {
		return "int(" + x + ")"
	}
	return x
}

func (u *lowerer) slice(e *ast.SliceExpr) string {
	xt := u.under(e.X)
	parts := []ast.Expr{e.Low, e.High, e.Max}
	ops := u.orderedOf(append([]ast.Expr{e.X}, parts...), func(i int) string {
		if i == 0 {
			switch xt.(type) {
			case *types.Array:
				return "(*" + u.temp(u.addr(e.X)) + ")"
			case *types.Pointer:
				return "(*" + u.expr(e.X) + ")"
			}
			return u.operand(e.X)
		}
		if p := parts[i-1]; p != nil {
			return u.subscript(p)
		}
		return ""
	})
	text := ops[0] + "[" + ops[1] + ":" + ops[2]
	if e.Slice3 {
		text += ":" + ops[3]
	}
	if _, ok := xt.(*types.Slice); ok {
		return u.wrapText(text+"]", u.typeOf(e.X))
	}
	return text + "]"
}
