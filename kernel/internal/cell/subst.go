package cell

import (
	"go/types"
	"sort"
	"strings"
)

// env maps the type parameters of the instance being lowered to their
// arguments. A nil env substitutes nothing.
type env map[*types.TypeParam]types.Type

// subst replaces type parameters in t.
func (s *Session) subst(e env, t types.Type) types.Type {
	if len(e) == 0 || t == nil {
		return t
	}
	switch t := t.(type) {
	case *types.TypeParam:
		if a, ok := e[t]; ok {
			return a
		}
		return t
	case *types.Alias:
		return s.subst(e, types.Unalias(t))
	case *types.Named:
		args := t.TypeArgs()
		if args.Len() == 0 {
			return s.localType(e, t)
		}
		out := make([]types.Type, args.Len())
		changed := false
		for i := range out {
			out[i] = s.subst(e, args.At(i))
			changed = changed || out[i] != args.At(i)
		}
		if !changed {
			return t
		}
		n, err := types.Instantiate(s.ctxt, t.Origin(), out, false)
		if err != nil {
			return t
		}
		return n
	case *types.Pointer:
		if el := s.subst(e, t.Elem()); el != t.Elem() {
			return types.NewPointer(el)
		}
	case *types.Slice:
		if el := s.subst(e, t.Elem()); el != t.Elem() {
			return types.NewSlice(el)
		}
	case *types.Array:
		if el := s.subst(e, t.Elem()); el != t.Elem() {
			return types.NewArray(el, t.Len())
		}
	case *types.Chan:
		if el := s.subst(e, t.Elem()); el != t.Elem() {
			return types.NewChan(t.Dir(), el)
		}
	case *types.Map:
		k, v := s.subst(e, t.Key()), s.subst(e, t.Elem())
		if k != t.Key() || v != t.Elem() {
			return types.NewMap(k, v)
		}
	case *types.Tuple:
		vars := make([]*types.Var, t.Len())
		for i := range vars {
			v := t.At(i)
			vars[i] = types.NewVar(v.Pos(), v.Pkg(), v.Name(), s.subst(e, v.Type()))
		}
		return types.NewTuple(vars...)
	case *types.Signature:
		p := s.subst(e, t.Params()).(*types.Tuple)
		r := s.subst(e, t.Results()).(*types.Tuple)
		return types.NewSignatureType(nil, nil, nil, p, r, t.Variadic())
	case *types.Struct:
		fields := make([]*types.Var, t.NumFields())
		tags := make([]string, t.NumFields())
		changed := false
		for i := range fields {
			f := t.Field(i)
			ft := s.subst(e, f.Type())
			changed = changed || ft != f.Type()
			fields[i] = types.NewField(f.Pos(), f.Pkg(), f.Name(), ft, f.Embedded())
			tags[i] = t.Tag(i)
		}
		if changed {
			return types.NewStruct(fields, tags)
		}
	case *types.Interface:
		var ms []*types.Func
		changed := false
		for i := range t.NumMethods() {
			m := t.Method(i)
			sig := s.subst(e, m.Type()).(*types.Signature)
			changed = changed || !types.Identical(sig, m.Type())
			ms = append(ms, types.NewFunc(m.Pos(), m.Pkg(), m.Name(), sig))
		}
		if changed {
			return types.NewInterfaceType(ms, nil).Complete()
		}
	}
	return t
}

// localType is the type that a declaration inside a generic function stands
// for in one of its instances: one for each, where it mentions the parameters.
func (s *Session) localType(e env, t *types.Named) types.Type {
	o := t.Obj()
	if o.Pkg() == nil || compiled(o.Pkg()) || o.Parent() == nil || o.Parent() == o.Pkg().Scope() || o.Parent() == types.Universe {
		return t
	}
	// The function's parameters, in order, are those that e binds. A type that
	// is local to another function is only passing through as an argument.
	var params []*types.TypeParam
	inside := false
	for p := range e {
		params = append(params, p)
		for sc := o.Parent(); sc != nil && !inside; sc = sc.Parent() {
			inside = sc == p.Obj().Parent()
		}
	}
	if !inside {
		return t
	}
	sort.Slice(params, func(i, j int) bool { return params[i].Index() < params[j].Index() })
	var args []string
	for _, p := range params {
		args = append(args, types.TypeString(e[p], (*types.Package).Name))
	}
	name := o.Name() + "[" + strings.Join(args, ",") + "]"
	key := localKey{o, name}
	if n := s.locals[key]; n != nil {
		return n
	}
	n := types.NewNamed(types.NewTypeName(o.Pos(), o.Pkg(), name, nil), nil, nil)
	s.locals[key] = n
	n.SetUnderlying(s.subst(e, t.Underlying()))
	return n
}

type localKey struct {
	decl *types.TypeName
	name string
}

// coreOf is the single underlying type that t has as an operand of range,
// make, index and the like.
func coreOf(t types.Type) types.Type {
	u := t.Underlying()
	if i, ok := u.(*types.Interface); ok && i.NumEmbeddeds() > 0 {
		for j := range i.NumEmbeddeds() {
			if un, ok := i.EmbeddedType(j).(*types.Union); ok && un.Len() > 0 {
				return un.Term(0).Type().Underlying()
			}
		}
	}
	return u
}
