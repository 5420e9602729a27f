package complete

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"sort"
	"strconv"
	"strings"
)

// Session is what a session's checker knows of its declarations; package cell
// has it.
type Session interface {
	// Scope returns the live package-level objects by name.
	Scope() map[string]types.Object
	// Imports returns import paths by the name they have in cells; a dot import
	// has "." before its path for a name.
	Imports() map[string]string
	Import(path string) (*types.Package, error)
	// Declared tells where name, or "T.M", was declared: the declaration's
	// text, the cell and the line in it.
	Declared(name string) (src string, cell, line int, ok bool)
	// CellSource returns the whole text of a cell that ran, for the comments
	// above its declarations.
	CellSource(cell int) (string, bool)
}

// ScopeOf makes a Scope of a session, whose cells may import packages.
func ScopeOf(s Session, packages []string) Scope {
	sc := &sessionScope{Session: s, packages: packages, objects: map[string]types.Object{}}
	own := types.NewPackage("main", "main")
	for name, path := range s.Imports() {
		pkg, err := s.Import(path)
		if err != nil || pkg == nil {
			continue
		}
		if !strings.HasPrefix(name, ".") {
			sc.objects[name] = types.NewPkgName(token.NoPos, own, name, pkg)
			continue
		}
		for _, n := range pkg.Scope().Names() {
			if ast.IsExported(n) {
				sc.objects[n] = pkg.Scope().Lookup(n)
			}
		}
	}
	for name, obj := range s.Scope() {
		if obj != nil {
			sc.objects[name] = obj
		}
	}
	for name := range sc.objects {
		sc.names = append(sc.names, name)
	}
	sort.Strings(sc.names)
	return sc
}

type sessionScope struct {
	Session
	packages []string
	objects  map[string]types.Object
	names    []string
}

func (s *sessionScope) Names() []string                 { return s.names }
func (s *sessionScope) Lookup(name string) types.Object { return s.objects[name] }
func (s *sessionScope) Packages() []string              { return s.packages }

// Source finds a declaration by the name of obj; a field by the struct that
// has it.
func (s *sessionScope) Source(obj types.Object) (Source, bool) {
	name := memberName(obj, nil)
	field := false
	if v, ok := obj.(*types.Var); ok && v.IsField() {
		owner := s.structOf(v)
		if owner == "" {
			return Source{}, false
		}
		name, field = owner, true
	}
	text, cell, line, ok := s.Declared(name)
	if !ok {
		return Source{}, false
	}
	src := Source{Where: "cell " + strconv.Itoa(cell), Line: line, Text: text}
	if whole, ok := s.CellSource(cell); ok {
		if i := strings.Index(whole, text); i >= 0 && text != "" {
			src.Doc = docBefore(whole, lex(whole).comments, i)
		}
	}
	if field {
		src.Doc, src.Line = fieldIn(text, obj.Name(), line)
		src.Text = ""
	}
	return src, true
}

// structOf names the session's struct type that declares v.
func (s *sessionScope) structOf(v *types.Var) string {
	for _, name := range s.names {
		tn, ok := s.objects[name].(*types.TypeName)
		if !ok || tn.Type() == nil {
			continue
		}
		st, ok := tn.Type().Underlying().(*types.Struct)
		if !ok {
			continue
		}
		for i := range st.NumFields() {
			if st.Field(i) == v || st.Field(i).Origin() == v {
				return name
			}
		}
	}
	return ""
}

// fieldIn finds a field's doc and line in the declaration of its type, which
// begins on a line of its cell.
func fieldIn(text, name string, line int) (string, int) {
	fset := token.NewFileSet()
	f, _ := parser.ParseFile(fset, "", "package p;"+text, parser.ParseComments|parser.SkipObjectResolution)
	doc := ""
	ast.Inspect(f, func(n ast.Node) bool {
		if fd, ok := n.(*ast.Field); ok {
			for _, id := range fd.Names {
				if id.Name == name {
					doc = fieldDoc(fd)
					line += fset.Position(id.Pos()).Line - 1
					return false
				}
			}
		}
		return true
	})
	return doc, line
}
