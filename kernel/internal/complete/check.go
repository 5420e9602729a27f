package complete

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"strconv"
	"strings"
)

// placeholder stands in the checked source for what is being typed, so that
// `x.` and `f(` parse. Learners don't write U+A4F8.
const placeholder = "cursorꓸ"

// view is a cell as go/types sees it around one place.
type view struct {
	fset *token.FileSet
	pkg  *types.Package
	info *types.Info

	files   []*ast.File
	offsets []int      // of files: cell offset − file offset
	lets    []bool     // of files: a := made a var, so positions in it are off
	focus   *ast.File  // holds the cursor; nil where the place is no Go
	cursor  token.Pos  // in focus
	ident   *ast.Ident // placeholder, or the identifier asked about
	path    []ast.Node // from focus to ident, outermost first
	imports map[string]string
}

// place is a position in a cell to look at.
type place struct {
	code   string // magics blanked
	chunks []chunk
	index  int // of the chunk that holds the cursor; len(chunks) where none does
	start  int // of the word at the cursor
	end    int // of the word
	// word replaces code[start:…]: everything behind it in its chunk is dropped
	// and what is open closed. Where it is "", the chunk is taken whole.
	word string
}

// look checks the cell as far as the place.
func look(scope Scope, p place) *view {
	blocks := []string{""}
	if p.word != "" {
		// The header of a statement wants its block, a value none.
		blocks = append(blocks, "{}")
		if b, _ := ending(p.before()); b != "" {
			blocks = []string{b, ""}
		}
	}
	var first *view
	for _, block := range blocks {
		v := lookWith(scope, p, block)
		if v.understood() {
			return v
		}
		if first == nil {
			first = v
		}
	}
	return first
}

// before are the tokens of the place's chunk that end before it.
func (p place) before() []lexeme {
	if p.index >= len(p.chunks) {
		return nil
	}
	toks := p.chunks[p.index].toks
	n := 0
	for n < len(toks) && toks[n].end <= p.start && toks[n].pos < p.start {
		n++
	}
	return toks[:n]
}

// understood says that the place is in the tree, and what is before its dot
// has a type.
func (v *view) understood() bool {
	if v.ident == nil {
		return false
	}
	sel, ok := v.parent(1).(*ast.SelectorExpr)
	if !ok || sel.Sel != v.ident {
		return true
	}
	if id, ok := sel.X.(*ast.Ident); ok && (isPkgName(v.info.Uses[id]) || isPkgName(innermostLookup(v, id))) {
		return true
	}
	_, ok = v.typeOf(sel.X)
	return ok
}

func lookWith(scope Scope, p place, block string) *view {
	v := &view{
		fset: token.NewFileSet(),
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
			Scopes: map[ast.Node]*types.Scope{}, Implicits: map[ast.Node]types.Object{},
			Instances: map[*ast.Ident]types.Instance{},
		},
		imports: map[string]string{},
	}
	names := newNames(scope, p)
	inFunc := p.index < len(p.chunks) && p.chunks[p.index].kind == chunkFunc
	for i, c := range p.chunks {
		switch {
		case i == p.index:
			v.addFocus(p, c, block)
		case c.kind == chunkImport:
			v.addImports(p.code[c.start:c.end])
		case c.kind == chunkDecl || c.kind == chunkFunc:
			v.add(p.code[c.start:c.end], c.start, false)
		case c.kind == chunkDefine && (i < p.index || inFunc):
			v.add(names.asVar(p.code, c), c.start, true)
		}
	}
	if p.index >= len(p.chunks) {
		v.addFocus(p, chunk{kind: chunkStmt, start: p.start, end: p.start}, block)
	}
	v.check(scope, names)
	v.find(p)
	return v
}

func (v *view) parse(src string) *ast.File {
	f, _ := parser.ParseFile(v.fset, "", src, parser.AllErrors|parser.SkipObjectResolution|parser.ParseComments)
	return f
}

// add takes one chunk as a file of its own: what is broken in it stays there.
func (v *view) add(text string, offset int, let bool) *ast.File {
	const head = "package p;"
	f := v.parse(head + text)
	if f == nil {
		return nil
	}
	v.files = append(v.files, f)
	v.offsets = append(v.offsets, offset-len(head))
	v.lets = append(v.lets, let)
	return f
}

func (v *view) addImports(text string) {
	f := v.parse("package p;" + text)
	if f == nil {
		return
	}
	for _, s := range f.Imports {
		p, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			continue
		}
		name := ""
		if s.Name != nil {
			name = s.Name.Name
		}
		v.imports[p] = name
	}
}

// addFocus takes the chunk that holds the place.
func (v *view) addFocus(p place, c chunk, block string) {
	head, tail := "package p;", ""
	if c.kind == chunkStmt || c.kind == chunkDefine {
		head, tail = "package p;func _(){", "\n}"
	}
	text := p.code[c.start:c.end]
	at := p.start - c.start
	if p.word != "" {
		_, closing := ending(p.before())
		if at > len(text) { // behind the chunk, on its line
			text = p.code[c.start:p.start]
		}
		text = text[:at] + p.word + block + closing
	}
	f := v.parse(head + text + tail)
	if f == nil {
		return
	}
	v.files = append(v.files, f)
	v.offsets = append(v.offsets, c.start-len(head))
	v.lets = append(v.lets, false)
	v.focus = f
	v.cursor = f.FileStart + token.Pos(len(head)+at)
}

// check type-checks all files in a package that the session's objects are in.
func (v *view) check(scope Scope, names names) {
	v.pkg = types.NewPackage(names.path, "main")
	declared := map[string]bool{}
	for _, f := range v.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					declared[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						declared[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, n := range s.Names {
							declared[n.Name] = true
						}
					}
				}
			}
		}
		f.Name = ast.NewIdent("main")
	}
	for p, name := range v.imports {
		pkg, err := scope.Import(p)
		if err != nil || pkg == nil {
			continue
		}
		switch name {
		case "_":
		case ".":
			for _, n := range pkg.Scope().Names() {
				if ast.IsExported(n) && !declared[n] {
					v.pkg.Scope().Insert(pkg.Scope().Lookup(n))
				}
			}
		default:
			if name == "" {
				name = pkg.Name()
			}
			if !declared[name] {
				v.pkg.Scope().Insert(types.NewPkgName(token.NoPos, v.pkg, name, pkg))
				declared[name] = true
			}
		}
	}
	for _, n := range scope.Names() {
		obj := scope.Lookup(n)
		if obj == nil || obj.Type() == nil && !isPkgName(obj) {
			continue
		}
		if names.aliased[n] {
			v.pkg.Scope().Insert(types.NewVar(token.NoPos, v.pkg, version(n, 0), obj.Type()))
		}
		if declared[n] {
			continue
		}
		if p, ok := obj.(*types.PkgName); ok {
			// The checker insists on package names of its own.
			obj = types.NewPkgName(token.NoPos, v.pkg, n, p.Imported())
		}
		v.pkg.Scope().Insert(unshared(obj))
		declared[n] = true
	}
	v.addMissing(scope, declared)

	conf := types.Config{
		Error:                    func(error) {}, // broken while typed
		DisableUnusedImportCheck: true,
		Importer:                 importer{scope},
	}
	// go/types panics on rare broken trees; what it found until then counts.
	defer func() { _ = recover() }()
	_ = types.NewChecker(&conf, v.fset, v.pkg, v.info).Files(v.files)
}

// unshared copies an object that is in no scope yet, for inserting it into one
// writes to it, and it is the session's.
func unshared(obj types.Object) types.Object {
	if obj.Parent() != nil {
		return obj
	}
	switch o := obj.(type) {
	case *types.Var:
		return types.NewVar(o.Pos(), o.Pkg(), o.Name(), o.Type())
	case *types.Const:
		return types.NewConst(o.Pos(), o.Pkg(), o.Name(), o.Type(), o.Val())
	}
	return obj
}

func isPkgName(obj types.Object) bool { _, ok := obj.(*types.PkgName); return ok }

type importer struct{ scope Scope }

func (i importer) Import(p string) (*types.Package, error) {
	pkg, err := i.scope.Import(p)
	if err == nil && pkg == nil {
		err = fmt.Errorf("no package %s", p)
	}
	return pkg, err
}

// addMissing imports the packages that files use without importing them, as
// running the cell will.
func (v *view) addMissing(scope Scope, declared map[string]bool) {
	wanted := map[string]bool{}
	for _, f := range v.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := s.X.(*ast.Ident); ok && !declared[id.Name] {
					wanted[id.Name] = true
				}
			}
			return true
		})
	}
	if len(wanted) == 0 {
		return
	}
	for name := range wanted {
		if p, ok := packageFor(scope, name); ok {
			if pkg, err := scope.Import(p); err == nil && pkg != nil && pkg.Name() == name {
				v.pkg.Scope().Insert(types.NewPkgName(token.NoPos, v.pkg, name, pkg))
			}
		}
	}
}

// packageFor finds the package that name means without an import: the one
// whose path ends in it. Among several (math/rand, crypto/rand) the shortest
// path that isn't crypto's, debug's or go's is what learners mean.
func packageFor(scope Scope, name string) (string, bool) {
	best, rank := "", 0
	for _, p := range scope.Packages() {
		if baseName(p) != name {
			continue
		}
		r := 1000 - len(p)
		for _, rare := range []string{"crypto/", "go/"} {
			if strings.HasPrefix(p, rare) {
				r -= 300
			}
		}
		if name == "template" && p == "text/template" {
			r += 100
		}
		if best == "" || r > rank {
			best, rank = p, r
		}
	}
	return best, best != ""
}

// baseName is the name that a package at path has by custom: math/rand/v2 is rand.
func baseName(p string) string {
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(p))
	}
	return base
}

// find locates the identifier at the place in focus.
func (v *view) find(p place) {
	if v.focus == nil {
		return
	}
	var stack []ast.Node
	ast.Inspect(v.focus, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return false
		}
		stack = append(stack, n)
		if id, ok := n.(*ast.Ident); ok && v.ident == nil {
			if id.Pos() == v.cursor && (id.Name == p.word || id.Name == p.code[p.start:p.end]) {
				v.ident = id
				v.path = append([]ast.Node(nil), stack...)
			}
		}
		return true
	})
}

// parent is the node around the identifier, up levels out.
func (v *view) parent(up int) ast.Node {
	if i := len(v.path) - 1 - up; i >= 0 {
		return v.path[i]
	}
	return nil
}

// typeOf is the type and kind of e, found by checking it again in its scope
// where the checker skipped it.
func (v *view) typeOf(e ast.Expr) (types.TypeAndValue, bool) {
	if tv, ok := v.info.Types[e]; ok && tv.Type != nil && tv.Type != types.Typ[types.Invalid] {
		return tv, true
	}
	if id, ok := e.(*ast.Ident); ok {
		if obj := v.info.Uses[id]; obj != nil && obj.Type() != nil && obj.Type() != types.Typ[types.Invalid] {
			if _, pkg := obj.(*types.PkgName); !pkg {
				return types.TypeAndValue{Type: obj.Type()}, true
			}
		}
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	func() {
		defer func() { _ = recover() }() // as in check
		_ = types.CheckExpr(v.fset, v.pkg, e.Pos(), e, info)
	}()
	tv, ok := info.Types[e]
	return tv, ok && tv.Type != nil && tv.Type != types.Typ[types.Invalid]
}

// names resolves redefinition within a cell: `x := x + 1` and x := 1 followed
// by x := "s" are new variables, but a package scope has room for one x.
type names struct {
	path    string          // of the session's package
	last    map[string]int  // name → index of the chunk that defines it last
	aliased map[string]bool // session variables that a redefinition of them reads
	seen    map[string]int  // definitions so far
}

func newNames(scope Scope, p place) names {
	n := names{path: "main", last: map[string]int{}, aliased: map[string]bool{}, seen: map[string]int{}}
	count := map[string]int{}
	importable := map[string]bool{} // dot-imported names are others' objects
	for _, path := range scope.Packages() {
		importable[path] = true
	}
	for _, name := range scope.Names() {
		if obj := scope.Lookup(name); obj != nil && obj.Pkg() != nil && !isPkgName(obj) && !importable[obj.Pkg().Path()] {
			count[obj.Pkg().Path()]++
		}
	}
	most := 0
	for path, k := range count {
		if k > most || k == most && path < n.path {
			n.path, most = path, k
		}
	}
	for i, c := range p.chunks {
		if c.kind == chunkDefine && i != p.index {
			for _, name := range defined(c) {
				n.last[name] = c.start
			}
		}
	}
	for _, name := range scope.Names() {
		if _, redefined := n.last[name]; redefined {
			if v, ok := scope.Lookup(name).(*types.Var); ok && v != nil {
				n.aliased[name] = true
			}
		}
	}
	return n
}

// defined are the names left of a chunk's :=.
func defined(c chunk) (list []string) {
	for _, t := range c.toks {
		switch t.tok {
		case token.IDENT:
			list = append(list, t.lit)
		case token.DEFINE:
			return list
		}
	}
	return list
}

func version(name string, n int) string { return name + "ꓸ" + strconv.Itoa(n) }

// asVar writes x := e as var x = e. All but the last definition of a name in
// the cell get a name of their own, and e reads the one before.
func (n names) asVar(code string, c chunk) string {
	left := map[string]bool{}
	for _, name := range defined(c) {
		left[name] = true
	}
	var b strings.Builder
	b.WriteString("var ")
	at, right, dot := c.start, false, false
	for _, t := range c.toks {
		b.WriteString(code[at:t.pos])
		at = t.end
		text := code[t.pos:t.end]
		switch {
		case t.tok == token.DEFINE && !right:
			right, text = true, "="
		case t.tok == token.IDENT && left[t.lit] && !dot && t.lit != "_":
			switch {
			case right && (n.seen[t.lit] > 0 || n.aliased[t.lit]):
				text = version(t.lit, n.seen[t.lit])
			case !right && n.last[t.lit] != c.start:
				text = version(t.lit, n.seen[t.lit]+1)
			}
		}
		b.WriteString(text)
		dot = t.tok == token.PERIOD
	}
	for name := range left {
		n.seen[name]++
	}
	return b.String()
}
