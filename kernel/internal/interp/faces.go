package interp

import (
	"go/types"
	"reflect"
	"strings"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
	"spindle/kernel/internal/named"
)

// A type's face is what interfaces hold and compiled code sees: the type as the
// learner declared it, with its name, its fields and its methods. Its values
// have the bits of the representation that yaegi computes with, so that a
// pointer to the one is a pointer to the other. Only the learner's interfaces
// that have methods are without them: they are represented by interface{}.

// made is a face that package named made: of typ, with the methods of set.
type made struct {
	*named.Type
	typ types.Type
	set string
}

// face is the type that compiled code sees for t.
func (r *realizer) face(t types.Type) reflect.Type {
	outermost := r.depth == 0
	r.depth++
	f := r.faceOf(t)
	r.depth--
	for outermost && len(r.methods) > 0 {
		set := r.methods[0]
		r.methods = r.methods[1:]
		set()
	}
	return f
}

func (r *realizer) faceOf(t types.Type) reflect.Type {
	t = types.Unalias(t)
	id := r.s.ID(t)
	if m, ok := r.made[id]; ok {
		return m.Type.Type()
	}
	switch t := t.(type) {
	case *types.Named:
		p := t.Obj().Pkg()
		switch {
		case p == nil:
			return r.rtype(t)
		case t.TypeArgs().Len() == 0 && p.Path() != "main":
			if v, ok := r.symbols(p.Path())[t.Obj().Name()]; ok {
				return v.Type().Elem()
			}
			return r.rtype(t)
		}
		return r.makeNamed(id, t, p.Path())
	case *types.Pointer:
		return reflect.PointerTo(r.face(t.Elem()))
	case *types.Slice:
		return reflect.SliceOf(r.face(t.Elem()))
	case *types.Array:
		return reflect.ArrayOf(int(t.Len()), r.face(t.Elem()))
	case *types.Map:
		layout, key, elem := r.rtype(t), r.face(t.Key()), r.face(t.Elem())
		if key == layout.Key() && elem == layout.Elem() {
			return layout
		}
		return named.MapOf(key, elem, layout)
	case *types.Chan:
		return reflect.ChanOf(r.rtype(t).ChanDir(), r.face(t.Elem()))
	case *types.Signature:
		return reflect.FuncOf(r.faces(t.Params()), r.faces(t.Results()), t.Variadic())
	case *types.Struct:
		if t.NumFields() > 0 {
			return r.makeType(id, t, "", r.rtype(t))
		}
	case *types.Interface:
		if t.NumMethods() > 0 {
			return r.makeType(id, t, "", anyR)
		}
	}
	return r.rtype(t)
}

func (r *realizer) faces(t *types.Tuple) []reflect.Type {
	var out []reflect.Type
	for v := range t.Variables() {
		out = append(out, r.face(v.Type()))
	}
	return out
}

func (r *realizer) makeNamed(id string, t *types.Named, path string) reflect.Type {
	layout := r.rtype(t)
	if r.s.Wrapped(t) != nil {
		layout = r.rtype(t.Underlying())
	}
	return r.makeType(id, t, path, layout)
}

// spare is how many methods a type may be given later.
const spare = 8

// makeType makes the face of a defined type, a struct or an interface.
func (r *realizer) makeType(id string, t types.Type, pkgPath string, layout reflect.Type) reflect.Type {
	value, pointer := exportedMethods(t), exportedMethods(types.NewPointer(t))
	m := named.New(named.Spec{
		Name: typeName(t), PkgPath: pkgPath, Layout: layout,
		Methods: len(value) + spare, PtrMethods: len(pointer) + spare,
	})
	r.made[id], r.all[id] = made{m, t, r.methodSet(t)}, append(r.all[id], m)
	switch u := t.Underlying().(type) {
	case *types.Struct:
		if n := r.s.NativeNamed(t); n != nil {
			m.Complete(layout)
			break
		}
		fields := make([]named.Field, u.NumFields())
		for i := range fields {
			f := u.Field(i)
			fields[i] = named.Field{Name: f.Name(), Type: r.face(f.Type()), Tag: u.Tag(i), Embedded: f.Embedded()}
		}
		m.CompleteStruct(fields)
	case *types.Interface, *types.Basic:
	default:
		m.Complete(r.face(u))
	}
	r.methods = append(r.methods, func() {
		if err := m.SetMethods(r.methodTypes(value), r.methodTypes(pointer)); err != nil {
			panic(err)
		}
	})
	return m.Type()
}

// exportedMethods are those of t's method set that compiled code may call.
func exportedMethods(t types.Type) []*types.Func {
	if types.IsInterface(t) {
		return nil
	}
	if p, ok := t.(*types.Pointer); ok && types.IsInterface(p.Elem()) {
		return nil
	}
	var out []*types.Func
	set := types.NewMethodSet(t)
	for i := range set.Len() {
		if f, ok := set.At(i).Obj().(*types.Func); ok && f.Exported() {
			out = append(out, f)
		}
	}
	return out
}

func (r *realizer) methodTypes(fs []*types.Func) []named.Method {
	var out []named.Method
	for _, f := range fs {
		func() {
			// A method over types without a native form cannot be called.
			defer func() { _ = recover() }()
			out = append(out, named.Method{Name: f.Name(), Type: r.face(types.NewSignatureType(nil, nil, nil, f.Signature().Params(), f.Signature().Results(), f.Signature().Variadic()))})
		}()
	}
	return out
}

// methodSet spells t's methods, with those of *t.
func (r *realizer) methodSet(t types.Type) string {
	var b strings.Builder
	for _, t := range []types.Type{t, types.NewPointer(t)} {
		for _, f := range exportedMethods(t) {
			b.WriteString(f.Name() + r.s.ID(f.Type()) + ";")
		}
		b.WriteByte('|')
	}
	return b.String()
}

// setFace gives d its face.
func (r *realizer) setFace(d *core.Type, t types.Type) {
	id, pointer := r.s.ID(t), false
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		id, pointer = r.s.ID(p.Elem()), true
	}
	d.SetFace(r.face(t), func(name string, fn reflect.Value) {
		for _, m := range r.all[id] {
			if pointer {
				m.BindPointer(name, fn)
			} else {
				m.Bind(name, fn)
			}
		}
	})
}

// renew makes new faces where the types, which were checked again, have other
// methods than they had, and for all that mentions them: what has been asked
// of a type once, compiled code does not ask again. The old faces are given
// the methods that they lack, for the values that they are the type of.
func (r *realizer) renew(ts []types.Type) {
	changed := map[string]bool{}
	for _, t := range ts {
		id := r.s.ID(t)
		if m, ok := r.made[id]; ok && m.set != r.methodSet(t) {
			changed[id] = true
			if err := m.AddMethods(r.methodTypes(exportedMethods(t)), r.methodTypes(exportedMethods(types.NewPointer(t)))); err != nil {
				panic(err)
			}
		}
	}
	if len(changed) == 0 {
		return
	}
	for id, m := range r.made {
		if r.reaches(m.typ, changed, map[types.Type]bool{}) {
			delete(r.made, id)
		}
	}
	for _, t := range ts {
		r.face(t) // before what was not checked again and knows the old methods
	}
	for d, t := range r.dyn {
		if !types.IsInterface(t) && r.reaches(t, changed, map[types.Type]bool{}) {
			r.setFace(d, t)
		}
	}
}

// reaches reports that t mentions one of the types, however deep.
func (r *realizer) reaches(t types.Type, ids map[string]bool, seen map[types.Type]bool) bool {
	t = types.Unalias(t)
	if seen[t] {
		return false
	}
	seen[t] = true
	in := func(t types.Type) bool { return r.reaches(t, ids, seen) }
	switch t := t.(type) {
	case *types.Named:
		if ids[r.s.ID(t)] {
			return true
		}
		for a := range t.TypeArgs().Types() {
			if in(a) {
				return true
			}
		}
		if t.Obj().Pkg() == nil || t.Obj().Pkg().Path() != "main" {
			return false
		}
		for m := range t.Methods() {
			if in(m.Type()) {
				return true
			}
		}
		return in(t.Underlying())
	}
	for part := range cell.Parts(t) {
		if in(part) {
			return true
		}
	}
	return false
}
