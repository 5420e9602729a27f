package program

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"path"
	"sort"
	"strconv"
	"strings"
)

// Whole tells whether a cell is a program of its own: it declares func main
// at top level, and holds nothing but declarations.
func Whole(source string) bool {
	if !strings.Contains(source, "main") {
		return false // by far the most cells
	}
	f := parse(source)
	return f.err == nil && f.declares("main") || f.err != nil && f.declares("main") && !f.statements
}

// Blank returns source without its package clause, every line where it was:
// the interpreter's cells have none.
func Blank(source string) string {
	f := parse(source)
	if !f.clause {
		return source
	}
	start, end := f.offset(f.file.Package), f.offset(f.file.Name.End())
	return source[:start] + strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, source[start:end]) + source[end:]
}

// parsed is a cell read as a file, its package clause supplied where missing.
type parsed struct {
	source     string
	file       *ast.File
	fset       *token.FileSet
	err        error
	clause     bool // the cell has a package clause
	prefix     int  // bytes that were supplied before source
	statements bool // it fails for something that is no declaration
}

const supplied = "package main;"

func parse(source string) parsed {
	p := parsed{source: source, fset: token.NewFileSet(), clause: hasClause(source)}
	text := source
	if !p.clause {
		text = supplied + source
		p.prefix = len(supplied)
	}
	p.file, p.err = parser.ParseFile(p.fset, "cell", text, parser.ParseComments|parser.SkipObjectResolution)
	if p.err != nil {
		p.statements = strings.Contains(p.err.Error(), "non-declaration statement") || strings.Contains(p.err.Error(), "expected declaration")
	}
	return p
}

// hasClause tells whether the first token of source is package.
func hasClause(source string) bool {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(source))
	s.Init(file, []byte(source), nil, 0)
	_, tok, _ := s.Scan()
	return tok == token.PACKAGE
}

func (p parsed) offset(pos token.Pos) int { return p.fset.Position(pos).Offset - p.prefix }

func (p parsed) declares(name string) bool {
	for _, d := range p.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == name && f.Type.Params.NumFields() == 0 {
			return true
		}
	}
	return false
}

// imports lists the import paths, in order, each once.
func (p parsed) imports() []string {
	var paths []string
	seen := map[string]bool{}
	for _, i := range p.file.Imports {
		if s, err := strconv.Unquote(i.Path.Value); err == nil && !seen[s] {
			seen[s] = true
			paths = append(paths, s)
		}
	}
	sort.Strings(paths)
	return paths
}

// file returns the text of the Go file that the cell becomes: package clause
// and missing imports supplied, and every line of the cell under its own
// number, in CellFile.
func file(p parsed) string {
	missing := missingImports(p)
	var imports strings.Builder
	for _, path := range missing {
		fmt.Fprintf(&imports, "; import %q", path)
	}
	line := "//line " + CellFile + ":1\n"
	if !p.clause {
		return "package main" + imports.String() + "\n" + line + p.source
	}
	if len(missing) == 0 {
		return line + p.source
	}
	// On the clause's own line, so that no line moves.
	at := p.offset(p.file.Name.End())
	return line + p.source[:at] + imports.String() + p.source[at:]
}

// wrap returns source as the body of main, for a cell of statements alone.
func wrap(source string) string {
	return "func main() {\n//line " + CellFile + ":1\n" + source + "\n}"
}

// missingImports lists the packages of the standard library that the cell
// uses without importing them, where the name alone tells which.
func missingImports(p parsed) []string {
	have := map[string]bool{}
	for _, i := range p.file.Imports {
		s, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(s)
		if i.Name != nil {
			name = i.Name.Name
		}
		have[name] = true
	}
	declared := map[string]bool{}
	used := map[string]bool{}
	ast.Inspect(p.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && n.Sel.IsExported() {
				used[x.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, l := range n.Lhs {
					if x, ok := l.(*ast.Ident); ok {
						declared[x.Name] = true
					}
				}
			}
		case *ast.Field:
			for _, x := range n.Names {
				declared[x.Name] = true
			}
		case *ast.ValueSpec:
			for _, x := range n.Names {
				declared[x.Name] = true
			}
		case *ast.TypeSpec:
			declared[n.Name.Name] = true
		case *ast.FuncDecl:
			if n.Recv == nil {
				declared[n.Name.Name] = true
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if x, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					declared[x.Name] = true
				}
			}
		}
		return true
	})
	var missing []string
	for name := range used {
		// A name declared anywhere may be the one that is meant: leave it to
		// the compiler.
		if path, ok := unambiguous[name]; ok && !have[name] && !declared[name] {
			missing = append(missing, path)
		}
	}
	sort.Strings(missing)
	return missing
}
