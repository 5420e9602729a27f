package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

// The representation of a type in the core: named types give way to what they
// are made of, structs are native types made by reflection (t.S_n), interfaces
// of the learner's are interface{}, those of compiled packages stay.

// TypeDef asks for a native struct type under the name t.Name.
type TypeDef struct {
	Name string
	Type *types.Struct
}

// DescDef asks for the run-time descriptor of Type under the name d.Name.
type DescDef struct {
	Name string
	Type types.Type
}

// compiled reports whether p is a package that cells import, not the cells' own.
func compiled(p *types.Package) bool { return p != nil && p.Path() != "main" }

// nativeNamed returns the compiled named type that represents t, if one does.
func (s *Session) nativeNamed(t types.Type) *types.Named {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return nil
	}
	if n.Obj().Pkg() == nil || compiled(n.Obj().Pkg()) {
		return n // error, or a package's type
	}
	if r, ok := s.rhs[n.Obj()]; ok {
		if _, st := r.Underlying().(*types.Struct); st {
			return s.nativeNamed(r)
		}
	}
	return nil
}

// Wrapped is, for a named type that contains itself without a struct between
// (type state func() state), the struct that represents it: one field F of the
// underlying type. Reflection can tie only structs to themselves. It is nil
// for every other type.
func (s *Session) Wrapped(t types.Type) *types.Struct {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || compiled(n.Obj().Pkg()) {
		return nil
	}
	switch n.Underlying().(type) {
	case *types.Struct, *types.Basic, *types.Interface:
		return nil
	}
	seen := map[types.Type]bool{}
	var in func(types.Type) bool
	in = func(t types.Type) bool {
		t = types.Unalias(t)
		if types.Identical(t, n) {
			return true
		}
		if seen[t] {
			return false
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Named:
			if t.Obj().Pkg() == nil || compiled(t.Obj().Pkg()) {
				return false
			}
			return in(t.Underlying())
		case *types.Struct:
			return false
		}
		for part := range Parts(t) {
			if in(part) {
				return true
			}
		}
		return false
	}
	if !in(n.Underlying()) {
		return nil
	}
	id := s.id(n)
	if w := s.wraps[id]; w != nil {
		return w
	}
	w := types.NewStruct([]*types.Var{types.NewField(0, s.pkg, "F", n.Underlying(), false)}, []string{"wrap:" + strconv.Quote(id)})
	s.wraps[id] = w
	return w
}

// bareText is text, a value of type t, as a value of t's underlying type.
func (u *lowerer) bareText(text string, t types.Type) string {
	if u.s.Wrapped(u.s.subst(u.env(), t)) != nil {
		return text + ".F"
	}
	return text
}

// wrapText is text, a value of t's underlying type, as a value of t.
func (u *lowerer) wrapText(text string, t types.Type) string {
	t = u.s.subst(u.env(), t)
	if u.s.Wrapped(t) != nil {
		return u.tx(t) + "{F: " + text + "}"
	}
	return text
}

// operand lowers e for an operation of its underlying type.
func (u *lowerer) operand(e ast.Expr) string { return u.bareText(u.expr(e), u.typeOf(e)) }

// isNativeIface reports that values of t are native interface values: error
// and the interfaces of compiled packages.
func (s *Session) isNativeIface(t types.Type) bool {
	if !types.IsInterface(t) {
		return false
	}
	n := s.nativeNamed(t)
	if n == nil {
		return false
	}
	i, ok := n.Underlying().(*types.Interface)
	if !ok || i.NumMethods() == 0 {
		return false
	}
	return true
}

// isAny reports that values of t are interface{} in the core.
func (s *Session) isAny(t types.Type) bool { return types.IsInterface(t) && !s.isNativeIface(t) }

// learner reports whether t mentions a type that cells declared, or a struct,
// so that its native representation does not tell all about it.
func (s *Session) learner(t types.Type) bool { return s.mentions(t, map[types.Type]bool{}) }

func (s *Session) mentions(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if t.Obj().Pkg() != nil && !compiled(t.Obj().Pkg()) {
			return true
		}
		for i := range t.TypeArgs().Len() {
			if s.mentions(t.TypeArgs().At(i), seen) {
				return true
			}
		}
		return t.TypeArgs().Len() > 0
	case *types.Pointer:
		return s.mentions(t.Elem(), seen)
	case *types.Slice:
		return s.mentions(t.Elem(), seen)
	case *types.Array:
		return s.mentions(t.Elem(), seen)
	case *types.Chan:
		return s.mentions(t.Elem(), seen)
	case *types.Map:
		return s.mentions(t.Key(), seen) || s.mentions(t.Elem(), seen)
	case *types.Struct:
		return t.NumFields() > 0
	case *types.Signature:
		if t.Variadic() {
			return true
		}
		for i := range t.Params().Len() {
			if s.mentions(t.Params().At(i).Type(), seen) {
				return true
			}
		}
		for i := range t.Results().Len() {
			if s.mentions(t.Results().At(i).Type(), seen) {
				return true
			}
		}
	case *types.Interface:
		return t.NumMethods() > 0
	}
	return false
}

// id is a string that two types share exactly if they are identical. Named
// types are told apart by generation and, when local, by where they stand.
func (s *Session) id(t types.Type) string {
	var b strings.Builder
	s.writeID(&b, t)
	return b.String()
}

func (s *Session) writeID(b *strings.Builder, t types.Type) {
	list := func(open string, n int, at func(int) types.Type) {
		b.WriteString(open)
		for i := range n {
			s.writeID(b, at(i))
			b.WriteByte(',')
		}
		b.WriteByte(')')
	}
	path := func(p *types.Package) string { return p.Path() }
	// The name of an unexported member belongs to its package.
	member := func(o types.Object) {
		if !o.Exported() && o.Pkg() != nil {
			b.WriteString(o.Pkg().Path() + ".")
		}
		b.WriteString(o.Name() + " ")
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		o := t.Obj()
		if o.Pkg() != nil {
			b.WriteString(o.Pkg().Path() + ".")
		}
		b.WriteString(o.Name())
		if o.Pkg() != nil && !compiled(o.Pkg()) {
			b.WriteString("#" + s.typeID(o))
		}
		if a := t.TypeArgs(); a.Len() > 0 {
			list("(", a.Len(), a.At)
		}
	case *types.Pointer:
		b.WriteByte('*')
		s.writeID(b, t.Elem())
	case *types.Slice:
		b.WriteString("[]")
		s.writeID(b, t.Elem())
	case *types.Array:
		b.WriteString("[" + strconv.FormatInt(t.Len(), 10) + "]")
		s.writeID(b, t.Elem())
	case *types.Chan:
		b.WriteString([]string{"chan(", "chan<-(", "<-chan("}[t.Dir()])
		s.writeID(b, t.Elem())
		b.WriteByte(')')
	case *types.Map:
		b.WriteString("map[")
		s.writeID(b, t.Key())
		b.WriteByte(']')
		s.writeID(b, t.Elem())
	case *types.Struct:
		b.WriteString("struct{")
		for i := range t.NumFields() {
			f := t.Field(i)
			member(f)
			if f.Embedded() {
				b.WriteString("embedded ")
			}
			s.writeID(b, f.Type())
			if tag := t.Tag(i); tag != "" {
				b.WriteString(strconv.Quote(tag))
			}
			b.WriteByte(';')
		}
		b.WriteByte('}')
	case *types.Signature:
		list("func(", t.Params().Len(), func(i int) types.Type { return t.Params().At(i).Type() })
		if t.Variadic() {
			b.WriteString("...")
		}
		list("(", t.Results().Len(), func(i int) types.Type { return t.Results().At(i).Type() })
	case *types.Interface:
		if !t.IsMethodSet() { // a constraint
			b.WriteString(types.TypeString(t, path))
			return
		}
		b.WriteString("interface{")
		for m := range t.Methods() {
			member(m)
			s.writeID(b, m.Type())
			b.WriteByte(';')
		}
		b.WriteByte('}')
	default:
		b.WriteString(types.TypeString(t, path))
	}
}

// typeID numbers a declared type. A package-level type that is checked again
// without a change keeps its number, so that its values stay what they are.
func (s *Session) typeID(o *types.TypeName) string {
	if id, ok := s.ids[o]; ok {
		return id
	}
	s.ids[o] = "?" // recursion
	id := ""
	if o.Pkg() != nil && o.Parent() == o.Pkg().Scope() {
		shape := s.id(o.Type().Underlying())
		if s.shapes[o.Name()] != shape {
			s.shapes[o.Name()] = shape
			s.gens[o.Name()]++
		}
		id = fmt.Sprintf("%s.%d", o.Name(), s.gens[o.Name()])
	} else {
		s.serial++
		id = fmt.Sprintf("%s@%d", o.Name(), s.serial)
	}
	s.ids[o] = id
	return id
}

func (u *lowerer) pkgRef(p *types.Package) string {
	a := "p_" + pathIdent(p.Path())
	u.pkgs[p.Path()] = a
	return a
}

// tx is the core's spelling of t.
func (u *lowerer) tx(t types.Type) string {
	t = u.s.subst(u.env(), t)
	if n := u.s.nativeNamed(t); n != nil {
		if n.Obj().Pkg() == nil {
			if n.Obj().Name() == "error" {
				return "error"
			}
			return "interface{}"
		}
		if i, ok := n.Underlying().(*types.Interface); ok && i.NumMethods() == 0 {
			return "interface{}"
		}
		if n.TypeArgs().Len() > 0 {
			switch key := n.Obj().Pkg().Path() + "." + n.Obj().Name(); key {
			case "iter.Seq", "iter.Seq2":
				return u.tx(n.Underlying())
			case "sync/atomic.Pointer":
				return "core.AtomicPointer"
			case "unique.Handle":
				return "core.Handle"
			default:
				u.refuse("the generic type "+key+" of the standard library", "")
			}
		}
		if !n.Obj().Exported() && !withinReach(n) {
			u.refuse(fmt.Sprintf("the unexported type %s.%s", n.Obj().Pkg().Path(), n.Obj().Name()), "")
		}
		return u.pkgRef(n.Obj().Pkg()) + "." + TypeSymbol(n.Obj().Name())
	}
	if w := u.s.Wrapped(t); w != nil {
		return "t." + u.structRef(w)
	}
	switch t := t.Underlying().(type) {
	case *types.Basic:
		switch t.Kind() {
		case types.UntypedNil:
			return "interface{}"
		case types.UnsafePointer:
			return "core.UnsafePointer"
		}
		return types.Default(t).(*types.Basic).Name()
	case *types.Pointer:
		return "*" + u.tx(t.Elem())
	case *types.Slice:
		return "[]" + u.tx(t.Elem())
	case *types.Array:
		return "[" + strconv.FormatInt(t.Len(), 10) + "]" + u.tx(t.Elem())
	case *types.Map:
		return "map[" + u.tx(t.Key()) + "]" + u.tx(t.Elem())
	case *types.Chan:
		switch t.Dir() {
		case types.SendOnly:
			return "chan<- " + u.tx(t.Elem())
		case types.RecvOnly:
			return "<-chan " + u.tx(t.Elem())
		}
		return "chan (" + u.tx(t.Elem()) + ")"
	case *types.Signature:
		return u.txFunc(t)
	case *types.Struct:
		return "t." + u.structRef(t)
	case *types.Interface:
		return "interface{}"
	}
	u.refuse("the type "+t.String(), "")
	return ""
}

// withinReach reports that an exported variable or function of its package
// gives a value of an unexported type, so that reflection can find the type:
// binary.LittleEndian's, http.NoBody's.
func withinReach(n *types.Named) bool {
	scope := n.Obj().Pkg().Scope()
	for _, name := range scope.Names() {
		if !ast.IsExported(name) {
			continue
		}
		switch o := scope.Lookup(name).(type) {
		case *types.Var:
			if types.Identical(derefType(o.Type()), n) {
				return true
			}
		case *types.Func:
			for r := range o.Type().(*types.Signature).Results().Variables() {
				if types.Identical(derefType(r.Type()), n) {
					return true
				}
			}
		}
	}
	return false
}

// TypeSymbol is the name under which interp gives yaegi a compiled package's
// type: yaegi takes exported names only.
func TypeSymbol(name string) string {
	if ast.IsExported(name) {
		return name
	}
	return "Type_" + name
}

// txFunc spells a function type; a variadic parameter is a slice.
func (u *lowerer) txFunc(sig *types.Signature) string {
	var b strings.Builder
	b.WriteString("func(")
	for i := range sig.Params().Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(u.tx(sig.Params().At(i).Type()))
	}
	b.WriteString(")" + u.txResults(sig))
	return b.String()
}

func (u *lowerer) txResults(sig *types.Signature) string {
	n := sig.Results().Len()
	if n == 0 {
		return ""
	}
	var r []string
	for i := range n {
		r = append(r, u.tx(sig.Results().At(i).Type()))
	}
	if n == 1 && !strings.HasPrefix(r[0], "<-") {
		return " " + r[0]
	}
	return " (" + strings.Join(r, ", ") + ")"
}

// structRef names the native type of a struct.
func (u *lowerer) structRef(t *types.Struct) string {
	id := "struct " + u.s.id(t)
	if n, ok := u.s.refs[id]; ok {
		return n
	}
	n := u.s.next("S")
	u.s.refs[id] = n
	u.unit.Types = append(u.unit.Types, TypeDef{n, t})
	return n
}

// desc names the run-time descriptor of t.
func (u *lowerer) desc(t types.Type) string {
	t = u.s.subst(u.env(), types.Default(t))
	id := "desc " + u.s.id(t)
	n, ok := u.s.refs[id]
	if !ok {
		n = u.s.next("D")
		u.s.refs[id] = n
		u.unit.Descs = append(u.unit.Descs, DescDef{n, t})
		u.needMethods(t)
		u.descParts(t)
	}
	return "d." + n
}

// descParts describes what compiled code may reach from a value of t: printing
// a slice calls the String methods of its elements.
func (u *lowerer) descParts(t types.Type) {
	for part := range Parts(t.Underlying()) {
		if u.s.learner(part) && !types.IsInterface(part) {
			u.desc(part)
		}
	}
}

// FieldName is the native name of field f: reflection wants it exported.
func FieldName(f *types.Var, i int) string {
	if f.Name() == "_" {
		return "X_blank" + strconv.Itoa(i)
	}
	if f.Exported() || compiled(f.Pkg()) {
		return f.Name()
	}
	return "X_" + f.Name()
}

// zero is the core's zero value of t.
func (u *lowerer) zero(t types.Type) string {
	t = u.s.subst(u.env(), t)
	x := u.tx(t)
	if types.IsInterface(t) {
		return x + "(nil)"
	}
	if u.s.Wrapped(t) != nil {
		return x + "{}"
	}
	switch t := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case t.Info()&types.IsString != 0:
			return x + `("")`
		case t.Info()&types.IsBoolean != 0:
			return x + "(false)"
		case t.Kind() == types.UnsafePointer:
			return x + "(nil)"
		}
		return x + "(0)"
	case *types.Struct, *types.Array:
		return x + "{}"
	}
	return "(" + x + ")(nil)"
}

// ID, NativeNamed and Learner are what package interp needs to make the types
// that a unit asks for.
func (s *Session) ID(t types.Type) string { return s.id(t) }

// NativeNamed is the compiled named type that represents t, or nil.
func (s *Session) NativeNamed(t types.Type) *types.Named { return s.nativeNamed(t) }

// Learner reports that t's representation does not tell all about it.
func (s *Session) Learner(t types.Type) bool { return s.learner(t) }
