package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"sort"
	"strconv"
	"strings"
)

// Imports persist from cell to cell, and those left out are added.

func pathIdent(p string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, p)
}

// takeImports moves the cell's imports into the session's.
func (s *Session) takeImports(c *checked, f *ast.File) error {
	var errs ErrorList
	for _, sp := range f.Imports {
		path, err := strconv.Unquote(sp.Path.Value)
		if err != nil {
			continue
		}
		pkg, err := s.imp.Import(path)
		if err != nil {
			msg := fmt.Sprintf("could not import %s (%v)", path, err)
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				msg = fmt.Sprintf("could not import %s: only the standard library and spindle's own packages work in an interpreted cell; begin the cell with %%%%go to build it with the Go toolchain, third-party modules included", path)
			}
			errs = append(errs, s.at(c.fset, sp.Pos(), msg))
			continue
		}
		name := pkg.Name()
		if sp.Name != nil {
			name = sp.Name.Name
		}
		switch name {
		case "_":
		case ".":
			c.added["."+path] = path
		default:
			c.added[name] = path
		}
	}
	if len(errs) > 0 {
		return errs.sorted()
	}
	keep := f.Decls[:0]
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); !ok || g.Tok != token.IMPORT {
			keep = append(keep, d)
		}
	}
	f.Decls, f.Imports = keep, nil
	return nil
}

// addImports gives f the imports that it uses: the session's, the cell's, and
// standard packages that were never imported but can mean only one thing.
func (s *Session) addImports(c *checked, f *ast.File, known, free map[string]bool) {
	sels := map[string]map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if se, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := se.X.(*ast.Ident); ok {
				if sels[id.Name] == nil {
					sels[id.Name] = map[string]bool{}
				}
				sels[id.Name][se.Sel.Name] = true
			}
		}
		return true
	})
	have := map[string]bool{}
	for _, sp := range f.Imports {
		if sp.Name != nil {
			have[sp.Name.Name] = true
		}
	}
	var specs []ast.Spec
	add := func(name, path string) {
		if have[name] {
			return
		}
		specs = append(specs, &ast.ImportSpec{
			Name: &ast.Ident{Name: name, NamePos: f.Name.End()},
			Path: &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(path), ValuePos: f.Name.End()},
		})
	}
	find := func(name string) (string, bool) {
		if p, ok := c.added[name]; ok {
			return p, true
		}
		p, ok := s.imports[name]
		return p, ok
	}
	var names []string
	for n := range sels {
		if free[n] && !known[n] {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	for _, n := range names {
		if p, ok := find(n); ok {
			add(n, p)
		} else if p, ok := s.guess(n, sels[n]); ok {
			c.added[n] = p
			add(n, p)
		}
	}
	for _, m := range []map[string]string{s.imports, c.added} {
		for n, p := range m {
			if strings.HasPrefix(n, ".") {
				specs = append(specs, &ast.ImportSpec{
					Name: &ast.Ident{Name: ".", NamePos: f.Name.End()},
					Path: &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(p), ValuePos: f.Name.End()},
				})
			}
		}
	}
	for _, sp := range specs {
		f.Imports = append(f.Imports, sp.(*ast.ImportSpec))
		f.Decls = append([]ast.Decl{&ast.GenDecl{Tok: token.IMPORT, TokPos: f.Name.End(), Specs: []ast.Spec{sp}}}, f.Decls...)
	}
}

// guess finds the one standard package called name that has all of members.
func (s *Session) guess(name string, members map[string]bool) (string, bool) {
	found := ""
	for _, p := range s.stdlib[name] {
		pkg, err := s.imp.Import(p)
		if err != nil {
			continue
		}
		ok := true
		for m := range members {
			if pkg.Scope().Lookup(m) == nil {
				ok = false
			}
		}
		if ok {
			if found != "" {
				return "", false
			}
			found = p
		}
	}
	return found, found != ""
}
