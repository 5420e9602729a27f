package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Restorable is a declaration that a fresh session can make again.
type Restorable struct {
	// Source is Go, "" where the names' types can't be written.
	Source string
	// Zero names the variables that come back as zero: to compute their value
	// again could have effects, as reading a file or starting a goroutine has.
	Zero string
}

// making is a declaration of variables, by var or by :=.
type making struct {
	*piece
	again bool     // its values can be computed again without effects
	uses  []string // the session's variables among them
}

// remember keeps what a cell has declared in the order of the source, for
// Restorable.
func (s *Session) remember(c *checked) {
	for _, it := range c.items {
		p := it.p
		if it.made != nil {
			p = it.made
		}
		if p == nil {
			continue
		}
		s.order++
		p.order = s.order
		m := making{piece: p, again: true}
		switch {
		case it.spec != nil:
			m.again = c.repeatable(it.spec.Values, &m.uses)
		case it.gen != nil && it.gen.Tok == token.VAR:
			for _, sp := range it.gen.Specs {
				if vs, ok := sp.(*ast.ValueSpec); ok {
					m.again = c.repeatable(vs.Values, &m.uses) && m.again
				}
			}
		default:
			continue
		}
		s.made = append(s.made, m)
	}
	// What nobody can see any more may have gone into what is still seen.
	used := map[string]bool{}
	for i := len(s.made) - 1; i >= 0; i-- {
		m := s.made[i]
		if len(s.liveNames(m)) == 0 && !slices.ContainsFunc(m.names, func(n string) bool { return used[n] }) {
			s.made = slices.Delete(s.made, i, i+1)
			continue
		}
		for _, n := range m.uses {
			used[n] = true
		}
	}
}

// liveNames are the names that still mean what m declared.
func (s *Session) liveNames(m making) []string {
	return slices.DeleteFunc(slices.Clone(m.names), func(n string) bool {
		d := s.names[n]
		return d == nil || d.cell != m.cell
	})
}

// Restorable returns the live declarations in the order in which they were
// made: those of types, functions and constants as they stand, variables with
// the value that they were declared with, or zero.
func (s *Session) Restorable() []Restorable {
	var out []Restorable
	for _, line := range s.importLines() {
		out = append(out, Restorable{Source: line})
	}
	all := slices.Clone(s.made)
	for _, p := range s.pieces {
		if p.kind != token.VAR && s.live(p) {
			all = append(all, making{piece: p, again: true})
		}
	}
	slices.SortStableFunc(all, func(a, b making) int { return a.order - b.order })
	zero := map[string]bool{}
	for _, m := range all {
		if m.again && !slices.ContainsFunc(m.uses, func(n string) bool { return zero[n] }) {
			out = append(out, Restorable{Source: m.text})
			for _, n := range m.names {
				delete(zero, n)
			}
			continue
		}
		for _, n := range s.liveNames(m) {
			zero[n] = true
			r := Restorable{Zero: n}
			if t := s.names[n].obj.Type(); s.nameable(t, map[types.Type]bool{}) {
				r.Source = "var " + n + " " + types.TypeString(t, s.qualifier)
			}
			out = append(out, r)
		}
	}
	return out
}

// qualifier names a package as the session's imports do.
func (s *Session) qualifier(p *types.Package) string {
	if p == s.pkg || p.Path() == s.pkg.Path() {
		return ""
	}
	for name, path := range s.imports {
		if path == p.Path() && !strings.HasPrefix(name, ".") {
			return name
		}
	}
	return p.Name()
}

// nameable tells whether t can be written in a cell.
func (s *Session) nameable(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		return s.nameable(types.Unalias(t), seen)
	case *types.Named:
		for a := range t.TypeArgs().Types() {
			if !s.nameable(a, seen) {
				return false
			}
		}
		o := t.Obj()
		if o.Pkg() == nil {
			return true
		}
		if o.Parent() != o.Pkg().Scope() {
			return false
		}
		return o.Exported() || !compiled(o.Pkg())
	}
	for part := range Parts(t) {
		if !s.nameable(part, seen) {
			return false
		}
	}
	return true
}

// pure are the packages whose functions have no effects beside their result;
// of some of them, only the functions named.
var pure = map[string]string{
	"strings": "", "strconv": "", "math": "", "math/bits": "", "math/cmplx": "", "math/big": "", "errors": "",
	"unicode": "", "unicode/utf8": "", "unicode/utf16": "", "bytes": "", "slices": "", "maps": "", "cmp": "", "regexp": "",
	"container/list": "", "container/ring": "", "path": "", "html": "", "encoding/hex": "",
	"fmt": "Sprint Sprintf Sprintln Errorf", "context": "Background TODO",
}

// repeatable tells whether values can be computed again without effects, and
// collects the session's variables among them.
func (c *checked) repeatable(values []ast.Expr, uses *[]string) bool {
	for _, v := range values {
		if !c.repeats(v, uses) {
			return false
		}
	}
	return true
}

func (c *checked) repeats(e ast.Expr, uses *[]string) bool {
	if e == nil {
		return true
	}
	if tv, ok := c.info.Types[e]; ok && (tv.IsType() || tv.Value != nil || tv.IsNil()) {
		return true
	}
	switch e := e.(type) {
	case *ast.BasicLit, *ast.FuncLit:
		return true
	case *ast.Ident:
		if v, ok := c.info.Uses[e].(*types.Var); ok && !v.IsField() {
			*uses = append(*uses, e.Name)
		}
		return true
	case *ast.ParenExpr:
		return c.repeats(e.X, uses)
	case *ast.UnaryExpr:
		return e.Op != token.ARROW && c.repeats(e.X, uses)
	case *ast.BinaryExpr:
		return c.repeats(e.X, uses) && c.repeats(e.Y, uses)
	case *ast.KeyValueExpr:
		if id, ok := e.Key.(*ast.Ident); ok && c.info.Uses[id] != nil && isField(c.info.Uses[id]) {
			return c.repeats(e.Value, uses)
		}
		return c.repeats(e.Key, uses) && c.repeats(e.Value, uses)
	case *ast.CompositeLit:
		return c.repeatable(e.Elts, uses)
	case *ast.SelectorExpr:
		return c.info.Selections[e] == nil // a package's; a field may be a nil pointer's
	case *ast.IndexExpr, *ast.IndexListExpr:
		return c.info.Types[e].IsType()
	case *ast.CallExpr:
		return c.repeatsCall(e, uses)
	}
	return false
}

func isField(o types.Object) bool {
	v, ok := o.(*types.Var)
	return ok && v.IsField()
}

func (c *checked) repeatsCall(e *ast.CallExpr, uses *[]string) bool {
	fun := ast.Unparen(e.Fun)
	if tv := c.info.Types[fun]; tv.IsType() {
		return c.repeatable(e.Args, uses)
	}
	var id *ast.Ident
	switch f := fun.(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	}
	if id == nil {
		return false
	}
	switch o := c.info.Uses[id].(type) {
	case *types.Builtin:
		switch o.Name() {
		case "make", "new", "len", "cap", "append", "min", "max", "complex", "real", "imag":
			return c.repeatable(e.Args, uses)
		}
	case *types.Func:
		if o.Pkg() == nil || o.Signature().Recv() != nil {
			return false
		}
		only, ok := pure[o.Pkg().Path()]
		if !ok || only != "" && !slices.Contains(strings.Fields(only), o.Name()) {
			return false
		}
		for _, a := range e.Args { // what it calls may have effects
			if _, ok := c.info.TypeOf(a).Underlying().(*types.Signature); ok {
				return false
			}
		}
		return c.repeatable(e.Args, uses)
	}
	return false
}
