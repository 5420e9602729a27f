package cell

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// checked is one cell, parsed and type-checked.
type checked struct {
	count  int
	fset   *token.FileSet
	info   *types.Info
	pkg    *types.Package
	items  []item          // in source order
	value  ast.Expr        // the last expression
	hushed bool            // by a semicolon: not to be shown
	old    []*checkedPiece // pieces checked again, by a redefinition
	pieces []*piece        // of this cell
	notes  []string
	vars   map[string]types.Type // session variables declared by this cell
	stale  map[string]bool       // names that no longer compile, or went with their type
	// affected holds the names that a redefinition compiles again, its own
	// among them; nil without one.
	affected map[string]bool
	parted   map[string]bool // types that lost methods by being declared anew
	added    map[string]string
}

type checkedPiece struct {
	p    *piece
	file *ast.File
}

// item is one thing to do when the cell runs.
type item struct {
	off  int
	stmt ast.Stmt       // a statement, or
	spec *ast.ValueSpec // a session variable's declaration, or
	fun  *ast.FuncDecl
	gen  *ast.GenDecl
	p    *piece
	made *piece // of spec: the := as it stands in the cell
	// assigns lists the left sides of a := that already existed in the cell,
	// with the temporary that holds their value in spec.
	assigns map[*ast.Ident]*ast.Ident
}

// embedDirective is the line of a //go:embed in a cell that imports embed, or 0.
func embedDirective(f *ast.File, src string) int {
	for _, i := range f.Imports {
		if i.Path.Value != `"embed"` {
			continue
		}
		for n, line := range strings.Split(src, "\n") {
			if strings.HasPrefix(line, "//go:embed ") {
				return n + 1
			}
		}
	}
	return 0
}

func cellName(n int) string { return "cell " + strconv.Itoa(n) }

// check parses and type-checks src. full checks again what depends on the
// cell's names, as a redefinition demands.
func (s *Session) check(count int, src string, full bool) (*checked, error) {
	c := &checked{
		count: count, fset: token.NewFileSet(),
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
			Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{},
			Scopes: map[ast.Node]*types.Scope{},
		},
		vars: map[string]types.Type{}, stale: map[string]bool{}, parted: map[string]bool{}, added: map[string]string{},
	}
	chunks := split(src)
	head := fmt.Sprintf("package main\n//line %s:1:1\n", cellName(count))
	body := fmt.Sprintf("package main\nfunc _() {\n//line %s:1:1\n", cellName(count))
	declText := head + blank(src, chunks, func(k chunk) bool { return k.isDecl() && k.kind != token.PACKAGE })
	stmtText := body + blank(src, chunks, func(k chunk) bool { return !k.isDecl() }) + "\n}"
	df, derr := parser.ParseFile(c.fset, "", declText, parser.ParseComments)
	sf, serr := parser.ParseFile(c.fset, "", stmtText, parser.ParseComments)
	if derr != nil || serr != nil {
		return nil, parseErrors(count, src, derr, serr)
	}
	if at := embedDirective(df, src); at > 0 {
		return nil, &Refusal{Error{count, at, 1, "the interpreter cannot run //go:embed as Go does"}, "read the file with os.ReadFile"}
	}
	if err := s.takeImports(c, df); err != nil {
		return nil, err
	}
	// Top-level := become package variables, so that functions see them.
	var stmts *ast.BlockStmt
	for _, d := range sf.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			stmts = f.Body
		}
	}
	declared := map[string]bool{}
	for _, d := range df.Decls {
		it := item{off: int(d.Pos()) - int(df.FileStart) - len(head)}
		switch d := d.(type) {
		case *ast.FuncDecl:
			it.fun = d
		case *ast.GenDecl:
			it.gen = d
			for _, sp := range d.Specs {
				if vs, ok := sp.(*ast.ValueSpec); ok {
					for _, n := range vs.Names {
						declared[n.Name] = true
					}
				}
			}
		}
		k := chunkAt(chunks, it.off)
		it.p = &piece{cell: count, text: src[k.start:k.end], kind: k.kind}
		it.p.line, it.p.col = lineCol(src, k.start)
		it.p.names = declNames(d)
		c.pieces = append(c.pieces, it.p)
		c.items = append(c.items, it)
	}
	for i, st := range stmts.List {
		it := item{off: int(st.Pos()) - int(sf.FileStart) - len(body), stmt: st}
		if as, ok := st.(*ast.AssignStmt); ok && as.Tok == token.DEFINE {
			spec, assigns, err := hoist(c, as, declared)
			if err != nil {
				return nil, err
			}
			it.stmt, it.spec, it.assigns = nil, spec, assigns
			k := chunkAt(chunks, it.off)
			it.made = &piece{cell: count, text: src[k.start:k.end], kind: token.DEFINE}
			for _, l := range as.Lhs {
				if id, ok := l.(*ast.Ident); ok && id.Name != "_" {
					it.made.names = append(it.made.names, id.Name)
				}
			}
			df.Decls = append(df.Decls, &ast.GenDecl{TokPos: as.Pos(), Tok: token.VAR, Specs: []ast.Spec{spec}})
			stmts.List[i] = &ast.EmptyStmt{Semicolon: as.Pos(), Implicit: true}
			var check []ast.Stmt
			for lhs, tmp := range assigns {
				check = append(check, &ast.AssignStmt{Lhs: []ast.Expr{lhs}, Tok: token.ASSIGN, TokPos: as.TokPos, Rhs: []ast.Expr{tmp}})
			}
			if len(check) > 0 {
				stmts.List[i] = &ast.BlockStmt{Lbrace: as.Pos(), List: check, Rbrace: as.End()}
			}
		}
		c.items = append(c.items, it)
	}
	sort.SliceStable(c.items, func(i, j int) bool { return c.items[i].off < c.items[j].off })
	if n := len(c.items); n > 0 {
		if es, ok := c.items[n-1].stmt.(*ast.ExprStmt); ok && !isPrint(es.X) {
			c.value, c.hushed = es.X, chunks[len(chunks)-1].semicolon
		}
	}
	names := map[string]bool{}
	for _, p := range c.pieces {
		for _, n := range p.names {
			names[n] = true
		}
	}
	for n := range declared {
		names[n] = true
	}
	for n := range c.added { // as yet only what the cell imports itself
		if s.names[n] != nil {
			names[n], c.stale[n] = true, true
		}
	}
	if !full && s.needsFull(c, names, declared) {
		return s.check(count, src, true)
	}
	if !full {
		errs := s.typecheck(c, []*ast.File{df, sf}, names)
		if len(errs) > 0 {
			return nil, errs
		}
		for n := range declared {
			o := c.pkg.Scope().Lookup(n)
			if o == nil {
				continue
			}
			c.vars[n] = o.Type()
			if d := s.names[n]; d != nil && !types.Identical(d.obj.Type(), o.Type()) {
				return s.check(count, src, true)
			}
		}
		return c, nil
	}
	// Old pieces that break over the new meaning are dropped and named.
	c.affected = s.affected(names)
	for range 20 {
		files := []*ast.File{df, sf}
		c.old = nil
		for _, p := range s.pieces {
			if p.kind == token.VAR || !s.live(p) || !slices.ContainsFunc(p.names, func(n string) bool { return c.affected[n] }) {
				continue
			}
			f, err := s.reparse(c, p, names)
			if err != nil {
				return nil, err
			}
			if f != nil {
				c.old = append(c.old, &checkedPiece{p, f})
				files = append(files, f)
			}
		}
		varFile, vars := s.varFile(c, names)
		if varFile != nil {
			files = append(files, varFile)
		}
		errs := s.typecheck(c, files, c.affected)
		var mine ErrorList
		broken := map[string]string{}
		for _, e := range errs {
			if e.Cell == count {
				mine = append(mine, e)
				continue
			}
			for _, q := range c.old {
				if q.p.cell == e.Cell && e.Line >= q.p.line && e.Line <= q.p.line+strings.Count(q.p.text, "\n") {
					for _, n := range q.p.names {
						if broken[n] == "" {
							broken[n] = fmt.Sprintf("%s (cell %d) no longer compiles: %s", n, q.p.cell, e.Msg)
						}
					}
				}
			}
			if e.Cell == 0 && e.Line <= len(vars) { // see varFile
				n := vars[e.Line-1]
				broken[n] = n + " is gone: its type no longer exists"
			}
		}
		fresh := false
		for n, why := range broken {
			if !c.stale[n] {
				c.stale[n], fresh = true, true
				c.notes = append(c.notes, why)
			}
		}
		if fresh {
			continue
		}
		if len(mine) > 0 {
			return nil, mine.sorted()
		}
		if len(errs) > 0 {
			return nil, errs
		}
		for n := range declared {
			if o := c.pkg.Scope().Lookup(n); o != nil {
				c.vars[n] = o.Type()
			}
		}
		sort.Strings(c.notes)
		return c, nil
	}
	return nil, ErrorList{{Cell: count, Line: 1, Col: 1, Msg: "the redefinition breaks too many earlier declarations"}}
}

func (s *Session) typecheck(c *checked, files []*ast.File, redeclared map[string]bool) ErrorList {
	c.pkg = s.pkg
	empty(c.pkg.Scope())
	known := map[string]bool{}
	for n, d := range s.names {
		if !strings.Contains(n, ".") && !redeclared[n] && n != "init" {
			c.pkg.Scope().Insert(d.obj)
			known[n] = true
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			for _, n := range declNames(d) {
				known[n] = true
			}
		}
	}
	// Together, for a := at top level has moved from one file to the other.
	free := map[string]bool{}
	for _, f := range files {
		for _, id := range f.Unresolved {
			free[id.Name] = true
		}
	}
	for _, f := range files {
		s.addImports(c, f, known, free)
	}
	var errs ErrorList
	dropping := false
	c.info.InitOrder = nil
	conf := types.Config{
		Importer: s.imp, GoVersion: "go1.26", Context: s.ctxt,
		Sizes: types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) {
			var te types.Error
			if !errors.As(err, &te) {
				return
			}
			if strings.HasPrefix(te.Msg, "\t") {
				if !dropping && len(errs) > 0 {
					errs[len(errs)-1].Msg += "\n" + te.Msg
				}
				return
			}
			// What := declares at top level runs in its turn: no cycle.
			dropping = strings.HasPrefix(te.Msg, "initialization cycle") && !c.declares() ||
				strings.Contains(te.Msg, "imported and not used") ||
				c.value != nil && te.Pos >= c.value.Pos() && te.Pos <= c.value.End() && strings.HasSuffix(te.Msg, "is not used")
			if dropping {
				return
			}
			errs = append(errs, s.at(c.fset, te.Pos, te.Msg))
		},
	}
	_ = types.NewChecker(&conf, c.fset, c.pkg, c.info).Files(files)
	return errs.sorted()
}

// empty takes all names out of a package's scope. All cells are one package,
// by identity: go/types lets nobody else set unexported fields, for one. But a
// scope has no way to forget a name, and cells redeclare them.
func empty(scope *types.Scope) {
	f := reflect.ValueOf(scope).Elem().FieldByName("elems")
	reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().SetZero()
}

func (s *Session) at(fset *token.FileSet, pos token.Pos, msg string) Error {
	p := fset.Position(pos)
	var n int
	fmt.Sscanf(p.Filename, "cell %d", &n)
	return Error{Cell: n, Line: p.Line, Col: p.Column, Msg: msg}
}

// reparse brings back an old piece, without the names that the cell redefines.
func (s *Session) reparse(c *checked, p *piece, gone map[string]bool) (*ast.File, error) {
	text := fmt.Sprintf("package main\n//line %s:%d:%d\n%s", cellName(p.cell), p.line, p.col, p.text)
	f, err := parser.ParseFile(c.fset, "", text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("checking cell %d again: %w", p.cell, err)
	}
	out := func(n string) bool {
		d := s.names[n]
		return gone[n] || c.stale[n] || d == nil || d.piece != p
	}
	any := false
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			n := declNames(d)[0]
			if t, _, ok := strings.Cut(n, "."); ok && (c.stale[t] || gone[t] && !s.keepsMethod(c, t, p)) {
				c.stale[n] = true
				if !gone[n] {
					c.parted[t] = true
				}
				continue
			}
			if !out(n) {
				any = true
			}
		case *ast.GenDecl:
			for _, sp := range d.Specs {
				switch sp := sp.(type) {
				case *ast.TypeSpec:
					if out(sp.Name.Name) {
						sp.Name = ast.NewIdent("_")
					} else {
						any = true
					}
				case *ast.ValueSpec:
					for i, n := range sp.Names {
						if out(n.Name) {
							sp.Names[i] = &ast.Ident{Name: "_", NamePos: n.NamePos}
						} else {
							any = true
						}
					}
				}
			}
		}
	}
	if !any {
		return nil, nil
	}
	return f, nil
}

// isPrint reports a call that prints: what it returns, how many bytes and an
// error, is not what a learner wants to see below the output.
func isPrint(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok || pkg.Name != "fmt" {
		return false
	}
	switch sel.Sel.Name {
	case "Print", "Printf", "Println", "Fprint", "Fprintf", "Fprintln":
		return true
	}
	return false
}

// varFile declares the live variables by the text of their types, each on the
// line of its place in vars, from 1.
func (s *Session) varFile(c *checked, gone map[string]bool) (file *ast.File, vars []string) {
	var names []string
	for n, d := range s.names {
		if _, ok := d.obj.(*types.Var); ok && c.affected[n] && !gone[n] && !c.stale[n] {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	paths := map[string]string{}
	var decls strings.Builder
	for _, n := range names {
		t := types.TypeString(s.names[n].obj.Type(), func(p *types.Package) string {
			if p.Path() == "main" {
				return ""
			}
			a := "p_" + pathIdent(p.Path())
			paths[a] = p.Path()
			return a
		})
		if strings.Contains(t, "·") {
			continue
		}
		vars = append(vars, n)
		fmt.Fprintf(&decls, "var %s %s\n", n, strings.ReplaceAll(t, "\n", " "))
	}
	if vars == nil {
		return nil, nil
	}
	var b strings.Builder
	b.WriteString("package main\n")
	for a, p := range paths {
		fmt.Fprintf(&b, "import %s %q\n", a, p)
	}
	b.WriteString("//line variables:1\n" + decls.String())
	f, err := parser.ParseFile(c.fset, "session", b.String(), 0)
	if err != nil {
		return nil, nil
	}
	return f, vars
}

// hoist turns a top-level := into a package variable's declaration. Names that
// the cell declared before are assigned through a temporary.
func hoist(c *checked, as *ast.AssignStmt, declared map[string]bool) (*ast.ValueSpec, map[*ast.Ident]*ast.Ident, error) {
	spec := &ast.ValueSpec{Values: as.Rhs}
	var assigns map[*ast.Ident]*ast.Ident
	fresh := false
	for i, l := range as.Lhs {
		id, ok := l.(*ast.Ident)
		if !ok {
			p := c.fset.Position(l.Pos())
			return nil, nil, ErrorList{{c.count, p.Line, p.Column, "non-name " + types.ExprString(l) + " on left side of :="}}
		}
		switch {
		case id.Name == "_":
			spec.Names = append(spec.Names, id)
		case declared[id.Name]:
			tmp := &ast.Ident{Name: fmt.Sprintf("again·%d·%d", as.Pos(), i), NamePos: id.NamePos}
			if assigns == nil {
				assigns = map[*ast.Ident]*ast.Ident{}
			}
			use := &ast.Ident{Name: tmp.Name, NamePos: id.NamePos}
			assigns[id] = use
			spec.Names = append(spec.Names, tmp)
		default:
			declared[id.Name], fresh = true, true
			spec.Names = append(spec.Names, id)
		}
	}
	if !fresh {
		p := c.fset.Position(as.TokPos)
		return nil, nil, ErrorList{{c.count, p.Line, p.Column, "no new variables on left side of :="}}
	}
	return spec, assigns, nil
}

func parseErrors(count int, src string, errs ...error) ErrorList {
	var out ErrorList
	for _, err := range errs {
		var l scanner.ErrorList
		if !errors.As(err, &l) {
			continue
		}
		for _, e := range l {
			line := e.Pos.Line
			if n := strings.Count(src, "\n") + 1; line > n {
				line = n
			}
			out = append(out, Error{count, line, e.Pos.Column, e.Msg})
		}
	}
	out = out.sorted()
	// An end that comes too early is mostly the echo of another fault.
	kept := ErrorList(nil)
	for _, e := range out {
		if !strings.HasSuffix(e.Msg, "found 'EOF'") {
			kept = append(kept, e)
		}
	}
	if len(kept) > 0 {
		return kept
	}
	return out
}

func chunkAt(chunks []chunk, off int) chunk {
	for _, k := range chunks {
		if off >= k.start && off < k.end {
			return k
		}
	}
	return chunk{}
}

func lineCol(src string, off int) (line, col int) {
	before := src[:off]
	return strings.Count(before, "\n") + 1, off - strings.LastIndex(before, "\n")
}

// declNames lists what a declaration declares; a method is "T.M".
func declNames(d ast.Decl) []string {
	var out []string
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || len(d.Recv.List) == 0 {
			return []string{d.Name.Name}
		}
		return []string{recvName(d.Recv.List[0].Type) + "." + d.Name.Name}
	case *ast.GenDecl:
		for _, sp := range d.Specs {
			switch sp := sp.(type) {
			case *ast.TypeSpec:
				out = append(out, sp.Name.Name)
			case *ast.ValueSpec:
				for _, n := range sp.Names {
					if n.Name != "_" {
						out = append(out, n.Name)
					}
				}
			}
		}
	}
	return out
}

func recvName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return recvName(e.X)
	case *ast.ParenExpr:
		return recvName(e.X)
	case *ast.IndexExpr:
		return recvName(e.X)
	case *ast.IndexListExpr:
		return recvName(e.X)
	}
	return ""
}
