package program

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// sessionFile makes one Go file of a session's declarations, cell after cell:
// imports first, those that are not used dropped, and of what was declared
// twice the last. It has no variables: their values live in the session.
func sessionFile(src string) (string, error) {
	fset := token.NewFileSet()
	// Imports in the middle are an error, of which the tree has no trace.
	f, err := parser.ParseFile(fset, "session.go", src, parser.SkipObjectResolution|parser.AllErrors)
	if f == nil || err != nil && !strings.Contains(err.Error(), "imports must appear before other declarations") {
		return "", fmt.Errorf("the session's declarations do not make a file: %w", err)
	}
	type piece struct{ key, text string }
	var pieces []piece
	used := map[string]bool{}
	add := func(key string, n any) error {
		var b bytes.Buffer
		if err := format.Node(&b, fset, n); err != nil {
			return err
		}
		pieces = slices.DeleteFunc(pieces, func(p piece) bool { return p.key == key && key != "init" })
		pieces = append(pieces, piece{key, b.String()})
		return nil
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "main" {
				continue // the cell has its own
			}
			if err := add(funcKey(d), d); err != nil {
				return "", err
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT || d.Tok == token.VAR {
				continue
			}
			key := ""
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					key += s.Name.Name + " "
				case *ast.ValueSpec:
					key += s.Names[0].Name + " "
				}
			}
			if err := add(key, d); err != nil {
				return "", err
			}
		}
	}
	var body strings.Builder
	for _, p := range pieces {
		body.WriteString("\n" + p.text + "\n")
	}
	// Used is what the pieces that are left use.
	rest, err := parser.ParseFile(fset, "session.go", "package main\n"+body.String(), parser.SkipObjectResolution)
	if err != nil {
		return "", fmt.Errorf("the session's declarations do not make a file: %w", err)
	}
	ast.Inspect(rest, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	out := "package main\n"
	seen := map[string]bool{}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		name, line := path.Base(p), "import "+i.Path.Value+"\n"
		if i.Name != nil {
			name, line = i.Name.Name, "import "+i.Name.Name+" "+i.Path.Value+"\n"
		}
		if (used[name] || name == "." || name == "_") && !seen[line] {
			seen[line] = true
			out += line
		}
	}
	missing := missingImports(parsed{file: rest})
	for _, p := range missing {
		line := "import " + strconv.Quote(p) + "\n"
		if !seen[line] {
			out += line
		}
	}
	return out + body.String(), nil
}

// funcKey names a function or method: "f", "T.M".
func funcKey(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
			continue
		case *ast.IndexExpr:
			t = x.X
			continue
		case *ast.IndexListExpr:
			t = x.X
			continue
		case *ast.Ident:
			return x.Name + "." + d.Name.Name
		}
		return d.Name.Name
	}
}
