package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A redefinition compiles again what depends on it, and nothing else: a long
// session must not pay for all of itself each time that a cell is run again.

// needsFull reports whether the cell redefines something that others were
// compiled against, or adds a method to an earlier type.
func (s *Session) needsFull(c *checked, names, vars map[string]bool) bool {
	for n := range names {
		if d := s.names[n]; d != nil {
			if _, ok := d.obj.(*types.Var); ok && vars[n] {
				continue // same type: the same variable, found out after the check
			}
			return true
		}
		if t, _, ok := strings.Cut(n, "."); ok && !names[t] && s.names[t] != nil {
			return true
		}
	}
	return false
}

// affected is the closure of names under "depends on": a method is part of
// what its type means, and the names of one declaration go together.
func (s *Session) affected(names map[string]bool) map[string]bool {
	users := map[string][]string{} // name → names that depend on it
	for n, d := range s.names {
		for use := range s.dependencies(d) {
			users[use] = append(users[use], n)
		}
	}
	all := map[string]bool{}
	var reach func(n string)
	reach = func(n string) {
		if all[n] {
			return
		}
		all[n] = true
		if t, _, ok := strings.Cut(n, "."); ok {
			reach(t)
		}
		if d := s.names[n]; d != nil && d.piece != nil && d.piece.kind != token.VAR {
			for _, with := range d.piece.names {
				if o := s.names[with]; o != nil && o.piece == d.piece {
					reach(with)
				}
			}
		}
		for _, user := range users[n] {
			reach(user)
		}
	}
	for n := range names {
		reach(n)
	}
	return all
}

// dependencies are the names that d was compiled against: those in its source,
// or in its type where it is a variable, whose value is not computed again.
func (s *Session) dependencies(d *decl) map[string]bool {
	if _, ok := d.obj.(*types.Var); !ok {
		if d.piece == nil {
			return nil
		}
		return d.piece.uses
	}
	if d.uses == nil {
		d.uses = map[string]bool{}
		s.typeNames(d.obj.Type(), d.uses, map[types.Type]bool{})
	}
	return d.uses
}

// typeNames adds the names of the session's types of which t consists.
func (s *Session) typeNames(t types.Type, names map[string]bool, seen map[types.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	part := func(t types.Type) { s.typeNames(t, names, seen) }
	named := func(o *types.TypeName, args *types.TypeList, under types.Type) {
		for a := range args.Types() {
			part(a)
		}
		switch {
		case o.Pkg() != s.pkg:
		case o.Parent() == s.pkg.Scope() || s.names[o.Name()] != nil && s.names[o.Name()].obj == o:
			names[o.Name()] = true
		default: // declared in a function, and made of what that saw
			part(under)
		}
	}
	switch t := t.(type) {
	case *types.Named:
		named(t.Obj(), t.TypeArgs(), t.Underlying())
	case *types.Alias:
		named(t.Obj(), t.TypeArgs(), t.Rhs())
		part(types.Unalias(t))
	case *types.Interface:
		for m := range t.Methods() {
			part(m.Type())
		}
	}
	for p := range Parts(t) {
		part(p)
	}
}

// uses are the package-level names and the methods ("T.M") that d mentions.
func (c *checked) uses(d ast.Decl) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(d, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		o := c.info.Uses[id]
		if o == nil || o.Pkg() != c.pkg {
			return true
		}
		if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
			names[recvTypeName(f.Signature().Recv().Type())+"."+f.Name()] = true
		} else if o.Parent() == c.pkg.Scope() {
			names[o.Name()] = true
		}
		return true
	})
	return names
}

// keepsMethod reports that a method of t, in piece p, outlives t's redefinition.
// It does where it stands in a cell of its own, as a learner who edits a struct
// and runs its cell again expects; what stood in one cell goes together.
func (s *Session) keepsMethod(c *checked, t string, p *piece) bool {
	if d := s.names[t]; d == nil || d.cell == p.cell {
		return false
	}
	return slices.ContainsFunc(c.pieces, func(q *piece) bool {
		return q.kind == token.TYPE && slices.Contains(q.names, t)
	})
}
