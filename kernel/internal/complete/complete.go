package complete

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"sort"
	"strings"
)

// Complete lists what may be written at the byte offset cursor of code.
func (c *Completer) Complete(scope Scope, code string, cursor int) Result {
	cursor = min(max(cursor, 0), len(code))
	if r, ok := c.completeMagic(scope, code, cursor); ok {
		return r
	}
	text := blankMagics(code)
	l := lex(text)
	p := place{code: text, chunks: split(text, l), start: cursor, end: cursor}
	for _, t := range l.comments {
		if cursor > t.pos && (cursor <= t.end && strings.HasPrefix(t.lit, "//") || cursor < t.end || l.open == "comment" && t.end == len(text)) {
			return Result{Start: cursor, End: cursor}
		}
	}
	prefix := ""
	for _, t := range l.toks {
		if t.pos >= cursor || cursor > t.end || t.tok == token.SEMICOLON && t.lit == "\n" {
			continue
		}
		switch {
		case t.tok == token.STRING && isImportPath(l.toks, t):
			return completeImport(scope, text, t, cursor)
		case t.tok == token.IDENT || t.tok.IsKeyword():
			p.start, prefix = t.pos, text[t.pos:cursor]
		case t.tok.IsLiteral() && (cursor < t.end || t.tok != token.STRING && t.tok != token.CHAR ||
			strings.HasSuffix(l.err, "not terminated")):
			return Result{Start: cursor, End: cursor} // in a string, or behind a number
		}
	}
	p.word = placeholder
	p.index = p.chunkAt(p.start)
	v := look(scope, p)
	r := Result{Start: p.start, End: cursor}
	s := &search{scope: scope, view: v, prefix: prefix, seen: map[string]bool{}}
	s.collect(p, l)
	r.Items = s.ranked()
	return r
}

// chunkAt is the index of the chunk that an offset is in or right behind on
// the same statement; len(chunks) where a new statement begins.
func (p place) chunkAt(at int) int {
	for i, c := range p.chunks {
		if at < c.start {
			break
		}
		if at < c.end {
			return i
		}
		next := len(p.code)
		if i+1 < len(p.chunks) {
			next = p.chunks[i+1].start
		}
		if at <= next && (at < next || i+1 == len(p.chunks)) && continues(p.code[c.end:at], c) {
			return i
		}
	}
	return len(p.chunks)
}

// continues says that what follows gap behind c still belongs to c.
func continues(gap string, c chunk) bool {
	if strings.Contains(gap, ";") {
		return false
	}
	if !strings.Contains(gap, "\n") {
		return true
	}
	return closers(c.toks) != "" || !endsStatement(c.toks[len(c.toks)-1].tok)
}

// endsStatement says that Go puts a semicolon after t at the end of a line.
func endsStatement(t token.Token) bool {
	switch t {
	case token.IDENT, token.INT, token.FLOAT, token.IMAG, token.CHAR, token.STRING,
		token.BREAK, token.CONTINUE, token.FALLTHROUGH, token.RETURN, token.INC, token.DEC,
		token.RPAREN, token.RBRACK, token.RBRACE, token.SEMICOLON:
		return true
	}
	return false
}

// isImportPath says that the string t stands where an import path does.
func isImportPath(toks []lexeme, t lexeme) bool {
	inParens := false
	for i := len(toks) - 1; i >= 0; i-- {
		if toks[i].pos >= t.pos {
			continue
		}
		switch toks[i].tok {
		case token.IMPORT:
			return true
		case token.LPAREN:
			inParens = true
		case token.SEMICOLON:
			// Of a line before, within import ( … ).
		case token.STRING, token.IDENT, token.PERIOD:
			if inParens {
				return false
			}
		default:
			return false
		}
	}
	return false
}

func completeImport(scope Scope, text string, t lexeme, cursor int) Result {
	r := Result{Start: t.pos + 1, End: cursor}
	prefix := text[min(r.Start, cursor):cursor]
	quote := text[t.pos : t.pos+1]
	closed := t.end-t.pos > 1 && strings.HasSuffix(text[t.pos:t.end], quote)
	if closed && cursor == t.end {
		return Result{Start: cursor, End: cursor}
	}
	paths := append([]string(nil), scope.Packages()...)
	sort.Strings(paths)
	for _, p := range paths {
		if strings.HasPrefix(p, prefix) || strings.HasPrefix(baseName(p), prefix) {
			item := Item{Text: p, Kind: "package"}
			if !closed {
				item.Text += quote
			}
			r.Items = append(r.Items, item)
		}
	}
	// Paths that begin with what was typed stand before those that end in it.
	sort.SliceStable(r.Items, func(i, j int) bool {
		return strings.HasPrefix(r.Items[i].Text, prefix) && !strings.HasPrefix(r.Items[j].Text, prefix)
	})
	return r
}

// Ranks of proposals; the least come first.
const (
	rankLocal = iota
	rankSession
	rankPackage
	rankBuiltin
	rankKeyword
	rankUnimported
	rankOther
)

// search collects the proposals of one place.
type search struct {
	scope    Scope
	view     *view
	prefix   string
	expected types.Type // that a value here should have; nil where unknown
	seen     map[string]bool
	found    []ranked
}

type ranked struct {
	Item
	rank int
	fits bool
}

// add proposes it where it begins with the prefix, in either case.
func (s *search) add(it Item, rank int, t types.Type) {
	if it.Text == "" || it.Text == "_" || strings.Contains(it.Text, "ꓸ") || s.seen[it.Text] ||
		len(it.Text) < len(s.prefix) || !strings.EqualFold(it.Text[:len(s.prefix)], s.prefix) {
		return
	}
	s.seen[it.Text] = true
	fits := s.expected != nil && t != nil && it.Kind != "type" && assignable(t, s.expected)
	s.found = append(s.found, ranked{it, rank, fits})
}

func assignable(t, to types.Type) (ok bool) {
	defer func() { _ = recover() }() // broken types of broken code
	if sig, is := t.Underlying().(*types.Signature); is && sig.Results().Len() == 1 && !types.Identical(t, to) {
		t = sig.Results().At(0).Type()
	}
	return types.AssignableTo(t, to)
}

func (s *search) ranked() []Item {
	sort.SliceStable(s.found, func(i, j int) bool {
		a, b := s.found[i], s.found[j]
		if ea, eb := strings.HasPrefix(a.Text, s.prefix), strings.HasPrefix(b.Text, s.prefix); ea != eb {
			return ea
		}
		if a.fits != b.fits {
			return a.fits
		}
		if a.rank != b.rank {
			return a.rank < b.rank
		}
		return a.Text < b.Text
	})
	items := make([]Item, len(s.found))
	for i, f := range s.found {
		items[i] = f.Item
	}
	return items
}

// collect proposes what the syntax around the placeholder allows.
func (s *search) collect(p place, l lexed) {
	v := s.view
	if v.ident == nil {
		s.collectByText(p, l)
		return
	}
	switch parent := v.parent(1).(type) {
	case *ast.SelectorExpr:
		if parent.Sel == v.ident {
			s.members(parent.X)
			return
		}
	case *ast.CompositeLit:
		if parent.Type != v.ident && s.fieldNames(parent, false) {
			return
		}
	case *ast.KeyValueExpr:
		if lit, ok := v.parent(2).(*ast.CompositeLit); ok && parent.Key == v.ident && s.fieldNames(lit, true) {
			return
		}
	case *ast.BranchStmt:
		s.labels(p)
		return
	case *ast.ImportSpec, *ast.LabeledStmt:
		return
	}
	if v.info.Defs[v.ident] != nil && !s.embedding() || s.naming() {
		return // a new name is the learner's own
	}
	s.expected = s.expectedType()
	s.visible()
	s.words()
}

// embedding says that the placeholder is the type of an embedded field.
func (s *search) embedding() bool {
	up := 1
	if _, ok := s.view.parent(up).(*ast.StarExpr); ok {
		up++
	}
	f, ok := s.view.parent(up).(*ast.Field)
	return ok && len(f.Names) == 0
}

// naming says that the placeholder is a name being declared.
func (s *search) naming() bool {
	v := s.view
	switch parent := v.parent(1).(type) {
	case *ast.FuncDecl:
		return parent.Name == v.ident
	case *ast.TypeSpec:
		return parent.Name == v.ident
	case *ast.ValueSpec:
		for _, n := range parent.Names {
			if n == v.ident {
				return true
			}
		}
	case *ast.File:
		return true
	}
	return false
}

// collectByText reads the expression before a dot from the tokens, where the
// parser could make no tree of what is typed.
func (s *search) collectByText(p place, l lexed) {
	v := s.view
	if v.focus == nil {
		return
	}
	last := -1
	for i, t := range l.toks {
		if t.end <= p.start && t.pos < p.start {
			last = i
		}
	}
	if last < 0 || l.toks[last].tok != token.PERIOD {
		s.visible()
		s.words()
		return
	}
	from := operandStart(l.toks[:last])
	if from < 0 {
		return
	}
	e, err := parser.ParseExpr(p.code[from:l.toks[last].pos])
	if err != nil {
		return
	}
	if id, ok := e.(*ast.Ident); ok {
		if _, obj := innermost(v, v.cursor).LookupParent(id.Name, v.cursor); obj != nil {
			if pkg, ok := obj.(*types.PkgName); ok {
				s.packageMembers(pkg.Imported())
				return
			}
		}
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	func() {
		defer func() { _ = recover() }() // as in check
		_ = types.CheckExpr(v.fset, v.pkg, v.cursor, e, info)
	}()
	if tv, ok := info.Types[e]; ok && tv.Type != nil {
		s.typeMembers(tv.Type, tv.IsType())
	}
}

// operandStart is the offset at which the operand that ends toks begins, -1
// where they end in none: x, f(a).b, xs[i], T{…}.m.
func operandStart(toks []lexeme) int {
	i := len(toks) - 1
	for i >= 0 {
		switch toks[i].tok {
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth := 0
			for ; i >= 0; i-- {
				switch toks[i].tok {
				case token.RPAREN, token.RBRACK, token.RBRACE:
					depth++
				case token.LPAREN, token.LBRACK, token.LBRACE:
					depth--
				}
				if depth == 0 {
					break
				}
			}
			if i > 0 && (toks[i-1].tok == token.IDENT || toks[i-1].tok == token.RPAREN || toks[i-1].tok == token.RBRACK) {
				i--
				continue
			}
			if i < 0 {
				return -1
			}
			return toks[i].pos
		case token.IDENT, token.STRING:
			if i > 1 && toks[i-1].tok == token.PERIOD {
				i -= 2
				continue
			}
			return toks[i].pos
		default:
			return -1
		}
	}
	return -1
}

// visible proposes every name in scope.
func (s *search) visible() {
	v := s.view
	pos := v.cursor
	for sc := innermost(v, pos); sc != nil && sc != types.Universe; sc = sc.Parent() {
		if sc == v.pkg.Scope() {
			continue
		}
		for _, n := range sc.Names() {
			if obj := sc.Lookup(n); obj.Pos() < pos {
				s.add(itemOf(n, obj, v.pkg), rankLocal, valueType(obj))
			}
		}
	}
	// Parameters of the signature that is being written: their scope has no
	// extent until there is a body.
	for i := len(v.path) - 1; i >= 0; i-- {
		var sc *types.Scope
		switch n := v.path[i].(type) {
		case *ast.FuncDecl:
			sc = v.info.Scopes[n.Type]
		case *ast.FuncType, *ast.TypeSpec:
			sc = v.info.Scopes[n]
		}
		if sc == nil {
			continue
		}
		for _, n := range sc.Names() {
			obj := sc.Lookup(n)
			s.add(itemOf(n, obj, v.pkg), rankLocal, valueType(obj))
		}
	}
	sc := v.pkg.Scope()
	for _, n := range sc.Names() {
		obj := sc.Lookup(n)
		rank := rankSession
		if isPkgName(obj) {
			rank = rankPackage
		}
		s.add(itemOf(n, obj, v.pkg), rank, valueType(obj))
	}
	for _, n := range types.Universe.Names() {
		obj := types.Universe.Lookup(n)
		s.add(itemOf(n, obj, v.pkg), rankBuiltin, valueType(obj))
	}
	if s.prefix != "" {
		for _, p := range s.scope.Packages() {
			if strings.Contains(p, "internal/") {
				continue
			}
			if q, ok := packageFor(s.scope, baseName(p)); ok && q == p {
				s.add(Item{Text: baseName(p), Kind: "package", Signature: `"` + p + `"`}, rankUnimported, nil)
			}
		}
	}
}

func innermost(v *view, pos token.Pos) *types.Scope {
	if sc := v.pkg.Scope().Innermost(pos); sc != nil {
		return sc
	}
	return v.pkg.Scope()
}

func valueType(obj types.Object) types.Type {
	switch obj.(type) {
	case *types.Var, *types.Const, *types.Func:
		return obj.Type()
	}
	return nil
}

// labels proposes the labels of the piece that the place is in, those below
// the place too.
func (s *search) labels(p place) {
	if p.index >= len(p.chunks) {
		return
	}
	c := p.chunks[p.index]
	f, _ := parseChunk(p.code[c.start:c.end], c.kind)
	if f == nil {
		return
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.LabeledStmt); ok {
			s.add(Item{Text: l.Label.Name, Kind: "keyword", Signature: "label"}, rankLocal, nil)
		}
		return true
	})
}

// fieldNames proposes the fields of a struct literal that it doesn't set yet,
// and reports whether only those may stand here.
func (s *search) fieldNames(lit *ast.CompositeLit, keyed bool) bool {
	v := s.view
	tv, ok := v.typeOf(lit)
	if !ok {
		return false
	}
	st, ok := deref(tv.Type).Underlying().(*types.Struct)
	if !ok {
		return false
	}
	set, unkeyed := map[string]bool{}, false
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			unkeyed = unkeyed || e != ast.Expr(v.ident)
			continue
		}
		if k, ok := kv.Key.(*ast.Ident); ok {
			set[k.Name] = true
		}
	}
	if unkeyed {
		return false
	}
	for i := range st.NumFields() {
		f := st.Field(i)
		if set[f.Name()] || !f.Exported() && !s.own(f) {
			continue
		}
		it := itemOf(f.Name(), f, v.pkg)
		it.Kind = "field"
		if !keyed {
			it.Text += ": "
		}
		s.add(it, rankLocal, nil)
	}
	// A first element without a key is a value, and may be any.
	return len(set) > 0 || keyed || len(s.found) > 0 && s.prefix == ""
}

func deref(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// expectedType is the type that a value at the place should have, nil where
// nothing says.
func (s *search) expectedType() types.Type {
	v := s.view
	switch parent := v.parent(1).(type) {
	case *ast.CallExpr:
		tv, ok := v.typeOf(parent.Fun)
		if !ok {
			return nil
		}
		sig, ok := tv.Type.Underlying().(*types.Signature)
		if !ok || tv.IsType() {
			return nil
		}
		for i, a := range parent.Args {
			if a != ast.Expr(v.ident) {
				continue
			}
			n := sig.Params().Len()
			switch {
			case sig.Variadic() && i >= n-1:
				if sl, ok := sig.Params().At(n - 1).Type().(*types.Slice); ok {
					return concrete(sl.Elem())
				}
			case i < n:
				return concrete(sig.Params().At(i).Type())
			}
		}
	case *ast.KeyValueExpr:
		lit, ok := v.parent(2).(*ast.CompositeLit)
		if !ok || parent.Value != ast.Expr(v.ident) {
			return nil
		}
		tv, ok := v.typeOf(lit)
		if !ok {
			return nil
		}
		switch t := deref(tv.Type).Underlying().(type) {
		case *types.Struct:
			for i := range t.NumFields() {
				if k, ok := parent.Key.(*ast.Ident); ok && t.Field(i).Name() == k.Name {
					return t.Field(i).Type()
				}
			}
		case *types.Map:
			return t.Elem()
		}
	case *ast.AssignStmt:
		if len(parent.Lhs) == len(parent.Rhs) && parent.Tok == token.ASSIGN {
			for i, r := range parent.Rhs {
				if r == ast.Expr(v.ident) {
					if tv, ok := v.typeOf(parent.Lhs[i]); ok {
						return tv.Type
					}
				}
			}
		}
	case *ast.BinaryExpr:
		if tv, ok := v.typeOf(parent.X); ok && parent.Y == ast.Expr(v.ident) {
			return tv.Type
		}
	case *ast.SendStmt:
		if tv, ok := v.typeOf(parent.Chan); ok && parent.Value == ast.Expr(v.ident) {
			if ch, ok := tv.Type.Underlying().(*types.Chan); ok {
				return ch.Elem()
			}
		}
	}
	return nil
}

// concrete is t, or nil for types that everything fits.
func concrete(t types.Type) types.Type {
	if _, ok := t.(*types.TypeParam); ok {
		return nil
	}
	if i, ok := t.Underlying().(*types.Interface); ok && i.Empty() {
		return nil
	}
	return t
}
