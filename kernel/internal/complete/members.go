package complete

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// members proposes what may stand behind `base.`.
func (s *search) members(base ast.Expr) {
	v := s.view
	if id, ok := base.(*ast.Ident); ok {
		obj := v.info.Uses[id]
		if obj == nil { // the checker skipped it
			obj = innermostLookup(v, id)
		}
		if p, ok := obj.(*types.PkgName); ok {
			s.packageMembers(p.Imported())
			return
		}
		// Nothing has the name: the import that running will add.
		if obj == nil {
			if path, ok := packageFor(s.scope, id.Name); ok {
				if pkg, err := s.scope.Import(path); err == nil && pkg != nil {
					s.packageMembers(pkg)
				}
			}
			return
		}
	}
	tv, ok := v.typeOf(base)
	if !ok {
		return
	}
	s.typeMembers(tv.Type, tv.IsType())
}

func innermostLookup(v *view, id *ast.Ident) types.Object {
	sc := innermost(v, id.Pos())
	_, obj := sc.LookupParent(id.Name, id.Pos())
	return obj
}

func (s *search) packageMembers(pkg *types.Package) {
	for _, n := range pkg.Scope().Names() {
		if ast.IsExported(n) {
			s.add(itemOf(n, pkg.Scope().Lookup(n), s.view.pkg), rankLocal, nil)
		}
	}
}

// typeMembers proposes the fields and methods of t, those of embedded fields
// included; of a type expression its methods only.
func (s *search) typeMembers(t types.Type, isType bool) {
	recv := t
	if !isType {
		if _, ptr := t.Underlying().(*types.Pointer); !ptr && !types.IsInterface(t) {
			recv = types.NewPointer(t) // variables are addressable
		}
		s.fields(t)
	}
	set := types.NewMethodSet(recv)
	for i := range set.Len() {
		sel := set.At(i)
		m := sel.Obj()
		if !m.Exported() && !s.own(m) {
			continue
		}
		it := itemOf(m.Name(), m, s.view.pkg)
		it.Kind = "method"
		if sig, ok := sel.Type().(*types.Signature); ok {
			it.Signature = signature(sig, s.view.pkg) // with the receiver's type arguments
		}
		s.add(it, rankSession, nil)
	}
}

// own says that obj is of the session's package, whose unexported members
// cells may use.
func (s *search) own(obj types.Object) bool {
	return obj.Pkg() == nil || obj.Pkg().Path() == s.view.pkg.Path()
}

// fields walks t's fields breadth first, as Go promotes them: a name hides the
// same name further in.
func (s *search) fields(t types.Type) {
	type level struct{ t types.Type }
	now := []level{{t}}
	visited := map[types.Type]bool{}
	for depth := 0; len(now) > 0 && depth < 8; depth++ {
		var next []level
		for _, l := range now {
			base := deref(l.t)
			if visited[base] {
				continue
			}
			visited[base] = true
			st, ok := base.Underlying().(*types.Struct)
			if !ok {
				continue
			}
			for i := range st.NumFields() {
				f := st.Field(i)
				if f.Exported() || s.own(f) {
					it := itemOf(f.Name(), f, s.view.pkg)
					it.Kind = "field"
					s.add(it, rankLocal+min(depth, 1), nil)
				}
				if f.Embedded() {
					next = append(next, level{f.Type()})
				}
			}
		}
		now = next
	}
}

// itemOf describes obj under name.
func itemOf(name string, obj types.Object, from *types.Package) Item {
	it := Item{Text: name}
	switch obj := obj.(type) {
	case *types.PkgName:
		it.Kind, it.Signature = "package", `"`+obj.Imported().Path()+`"`
	case *types.Builtin:
		it.Kind, it.Signature = "function", builtins[name]
	case *types.Nil:
		it.Kind = "const"
	case *types.Func:
		it.Kind = "function"
		if sig, ok := obj.Type().(*types.Signature); ok {
			if sig.Recv() != nil {
				it.Kind = "method"
			}
			it.Signature = signature(sig, from)
		}
	case *types.Var:
		it.Kind, it.Signature = "var", typeString(obj.Type(), from)
		if obj.IsField() {
			it.Kind = "field"
		}
	case *types.Const:
		it.Kind, it.Signature = "const", constString(obj, from)
	case *types.TypeName:
		it.Kind, it.Signature = "type", typeKind(obj, from)
	}
	return it
}

// constString is a constant's type and, where short, its value.
func constString(c *types.Const, from *types.Package) string {
	s := typeString(c.Type(), from)
	if v := c.Val(); v != nil && v.Kind() != constant.Unknown && c.Pkg() != nil {
		if text := v.String(); len(text) <= 40 {
			s = strings.TrimSpace(s + " = " + text)
		}
	}
	return s
}

// typeKind is a type's underlying form in a word or two.
func typeKind(t *types.TypeName, from *types.Package) string {
	if t.Type() == nil || t.Pkg() == nil {
		return ""
	}
	if t.IsAlias() {
		return "= " + typeString(types.Unalias(t.Type()), from)
	}
	switch u := t.Type().Underlying().(type) {
	case *types.Struct:
		return "struct"
	case *types.Interface:
		return "interface"
	case *types.Signature:
		return "func" + signature(u, from)
	default:
		return typeString(u, from)
	}
}

// signature is a function's parameters and results, without the word func.
func signature(sig *types.Signature, from *types.Package) string {
	s := strings.TrimPrefix(typeString(types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(), sig.Variadic()), from), "func")
	if tp := sig.TypeParams(); tp.Len() > 0 {
		var parts []string
		for i := range tp.Len() {
			parts = append(parts, tp.At(i).Obj().Name()+" "+typeString(tp.At(i).Constraint(), from))
		}
		s = "[" + strings.Join(parts, ", ") + "]" + s
	}
	return s
}

// typeString writes t as a cell would: other packages by name, the own not.
func typeString(t types.Type, from *types.Package) string {
	if t == nil {
		return ""
	}
	return types.TypeString(t, func(p *types.Package) string {
		if from != nil && (p == from || p.Path() == from.Path()) {
			return ""
		}
		return p.Name()
	})
}
