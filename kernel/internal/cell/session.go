package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strings"
)

// Session is everything that the cells run so far have declared. It is not
// safe for concurrent use.
type Session struct {
	imp     types.Importer
	pkg     *types.Package
	stdlib  map[string][]string // package name → import paths it may stand for
	ctxt    *types.Context      // identity of instances
	imports map[string]string   // name in cells → path; "." + path for dot imports
	names   map[string]*decl    // what a name (or "T.M") means now
	pieces  []*piece            // declaration chunks, oldest first
	made    []making            // the live ones of variables, oldest first
	order   int                 // of the last piece
	insts   map[string]*inst    // lowered instances of generic functions
	serial  int                 // makes lowered names unique
	rhs     map[*types.TypeName]types.Type
	ids     map[*types.TypeName]string
	gens    map[string]int // generation of a named type's identity
	shapes  map[string]string
	wraps   map[string]*types.Struct
	locals  map[localKey]*types.Named
	refs    map[string]string // type id → lowered struct, descriptor and function names
}

// piece is the source of one declaration chunk.
type piece struct {
	cell  int
	text  string
	line  int // 1-based, of the chunk in its cell
	col   int
	names []string
	kind  token.Token
	order int             // among all that the session was told to declare
	uses  map[string]bool // names that it was compiled against
}

// decl is one live declaration.
type decl struct {
	name  string
	obj   types.Object
	piece *piece        // nil for variables made by :=
	low   string        // name of the lowered function, or of the variable's slot
	node  *ast.FuncDecl // functions and methods
	info  *types.Info   // of node's check
	fset  *token.FileSet
	cell  int
	line  int
	uses  map[string]bool // of a variable, made when asked for: see dependencies
}

// New starts an empty session. imp resolves imports; stdlib maps a package's
// name to the paths that it may stand for, for imports that a cell leaves out.
func New(imp types.Importer, stdlib map[string][]string) *Session {
	return &Session{
		imp: imp, pkg: types.NewPackage("main", "main"), stdlib: stdlib, ctxt: types.NewContext(),
		imports: map[string]string{}, names: map[string]*decl{}, insts: map[string]*inst{},
		rhs: map[*types.TypeName]types.Type{}, ids: map[*types.TypeName]string{}, gens: map[string]int{},
		shapes: map[string]string{}, wraps: map[string]*types.Struct{}, locals: map[localKey]*types.Named{}, refs: map[string]string{},
	}
}

// Error is one fault in a cell, in Go's words.
type Error struct {
	Cell, Line, Col int
	Msg             string
}

func (e Error) Error() string {
	return fmt.Sprintf("cell %d:%d:%d: %s", e.Cell, e.Line, e.Col, e.Msg)
}

// ErrorList is all faults of a cell in source order; it is never empty.
type ErrorList []Error

func (l ErrorList) Error() string {
	var b strings.Builder
	for i, e := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	return b.String()
}

func (l ErrorList) sorted() ErrorList {
	sort.SliceStable(l, func(i, j int) bool {
		if l[i].Line != l[j].Line {
			return l[i].Line < l[j].Line
		}
		return l[i].Col < l[j].Col
	})
	out := l[:0]
	for i, e := range l {
		if i == 0 || e != l[i-1] {
			out = append(out, e)
		}
	}
	return out
}

// Refusal is a construct that the interpreter cannot run as Go means it.
type Refusal struct {
	Fault   Error
	Instead string // what to write instead
}

func (r *Refusal) Error() string { return r.Fault.Error() + ": " + r.Instead }

func (s *Session) next(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s_%d", prefix, s.serial)
}

// Scope returns the live package-level objects by name.
func (s *Session) Scope() map[string]types.Object {
	m := map[string]types.Object{}
	for n, d := range s.names {
		if !strings.Contains(n, ".") {
			m[n] = d.obj
		}
	}
	return m
}

// Slots returns, by name, the VarDef.Name of each live variable: where its
// value is kept.
func (s *Session) Slots() map[string]string {
	m := map[string]string{}
	for n, d := range s.names {
		if _, ok := d.obj.(*types.Var); ok {
			m[n] = d.low
		}
	}
	return m
}

// Imports returns the names under which cells have imported packages, with
// their paths.
func (s *Session) Imports() map[string]string {
	m := map[string]string{}
	for n, p := range s.imports {
		m[n] = p
	}
	return m
}

// Declaration is where a name was declared. Source is empty for a variable
// made by :=.
type Declaration struct {
	Source     string
	Cell, Line int
}

// Declared lists the live declarations by name; a method's is "T.M".
func (s *Session) Declared() map[string]Declaration {
	m := map[string]Declaration{}
	for n, d := range s.names {
		src := ""
		if d.piece != nil {
			src = d.piece.text
		}
		m[n] = Declaration{src, d.cell, d.line}
	}
	return m
}

// Declarations returns the sources of the live type, constant and function
// declarations, oldest first, and the imports they need.
func (s *Session) Declarations() []string {
	out := s.importLines()
	for _, p := range s.pieces {
		if p.kind != token.VAR && s.live(p) {
			out = append(out, p.text)
		}
	}
	return out
}

// importLines are the session's imports as Go.
func (s *Session) importLines() []string {
	var names, out []string
	for n := range s.imports {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		out = append(out, importLine(n, s.imports[n]))
	}
	return out
}

func importLine(name, path string) string {
	if strings.HasPrefix(name, ".") {
		return fmt.Sprintf("import . %q", path)
	}
	return fmt.Sprintf("import %s %q", name, path)
}

func (s *Session) live(p *piece) bool {
	for _, n := range p.names {
		if d := s.names[n]; d != nil && d.piece == p {
			return true
		}
	}
	return false
}
