package complete

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"go/types"
	"html"
	"strconv"
	"strings"
)

// about is the answer to an inspection.
type about struct {
	signature string // Go source
	doc       string // comment text
	where     string // "declared in cell 3, line 2"
	link      string // on go.dev
	note      string // what could not be found, and why
	source    string
	members   []string // signatures of a type's methods
}

// Doc is what is known of something, in three forms.
type Doc struct{ Plain, Markdown, HTML string }

// Inspect documents what stands at the byte offset cursor of code: signature,
// doc and where it was declared; detail 1 adds the source. It reports false
// where nothing does, or nothing is known of it.
func (c *Completer) Inspect(scope Scope, code string, cursor, detail int) (Doc, bool) {
	cursor = min(max(cursor, 0), len(code))
	a, ok := c.inspect(scope, code, cursor)
	if !ok {
		return Doc{}, false
	}
	return a.render(detail), true
}

func (c *Completer) inspect(scope Scope, code string, cursor int) (about, bool) {
	if a, goes, ok := c.inspectMagic(scope, code, cursor); goes {
		return a, ok
	}
	text := blankMagics(code)
	l := lex(text)
	t, ok := tokenAt(l.toks, cursor)
	if !ok {
		t, ok = calleeAt(l.toks, cursor)
	}
	switch {
	case !ok:
		return about{}, false
	case t.tok == token.STRING:
		if !isImportPath(l.toks, t) {
			if t, ok = calleeAt(l.toks, cursor); !ok {
				return about{}, false
			}
			break
		}
		path, err := strconv.Unquote(t.lit)
		if err != nil {
			return about{}, false
		}
		return c.aboutPackage(scope, path)
	case t.tok.IsKeyword():
		return aboutKeyword(t.tok)
	}
	p := place{code: text, chunks: split(text, l), start: t.pos, end: t.end}
	p.index = p.chunkAt(p.start)
	v := look(scope, p)
	if a, ok := c.aboutIdent(scope, v, p, l); ok {
		return a, true
	}
	p.word = text[t.pos:t.end] // what follows may be what is broken
	return c.aboutIdent(scope, look(scope, p), p, l)
}

// tokenAt is the word or string at an offset; one that ends there counts.
func tokenAt(toks []lexeme, at int) (lexeme, bool) {
	for _, t := range toks {
		if t.pos <= at && at < t.end && (t.tok == token.IDENT || t.tok.IsKeyword() || t.tok == token.STRING) {
			return t, true
		}
	}
	for _, t := range toks {
		if t.end == at && t.pos < at && (t.tok == token.IDENT || t.tok.IsKeyword()) {
			return t, true
		}
	}
	return lexeme{}, false
}

// calleeAt is the name of the function in whose arguments an offset is.
func calleeAt(toks []lexeme, at int) (lexeme, bool) {
	depth := 0
	for i := len(toks) - 1; i >= 0; i-- {
		t := toks[i]
		if t.pos >= at {
			continue
		}
		switch t.tok {
		case token.RPAREN:
			depth++
		case token.LPAREN:
			if depth > 0 {
				depth--
				continue
			}
			j := i - 1
			if j >= 0 && toks[j].tok == token.RBRACK { // f[T](
				for k := 0; j >= 0; j-- {
					switch toks[j].tok {
					case token.RBRACK:
						k++
					case token.LBRACK:
						k--
					}
					if k == 0 {
						j--
						break
					}
				}
			}
			if j >= 0 && toks[j].tok == token.IDENT {
				return toks[j], true
			}
		case token.LBRACE, token.SEMICOLON:
			if depth == 0 && t.tok == token.SEMICOLON {
				return lexeme{}, false
			}
		}
	}
	return lexeme{}, false
}

func (c *Completer) inspectMagic(scope Scope, code string, cursor int) (a about, goes, ok bool) {
	first, end := cellMagic(code)
	if first != "" && cursor > end {
		return about{}, isText(first), false
	}
	_, before, line, is := magicLine(code, cursor)
	if !is {
		return about{}, false, false
	}
	word := strings.TrimLeft(line, " \t")
	name, rest, _ := strings.Cut(word, " ")
	for _, m := range c.cfg.Magics {
		if m.Name != name {
			continue
		}
		if at := len(before) - (len(line) - len(word)) - len(name) - 1; m.Go && first == "" && at >= 0 && at <= len(rest) {
			if a, ok := c.inspect(scope, rest, at); ok {
				return a, true, true
			}
		}
		return about{signature: strings.TrimSpace(m.Name + " " + m.Args), doc: m.Doc, where: "a command of Spindle"}, true, true
	}
	return about{}, true, false
}

func aboutKeyword(t token.Token) (about, bool) {
	d, ok := keywordDocs[t]
	return about{
		signature: t.String(), doc: t.String() + " " + d[0] + ".",
		where: "a keyword of Go", link: "https://go.dev/ref/spec#" + d[1],
	}, ok
}

func (c *Completer) aboutPackage(scope Scope, path string) (about, bool) {
	pkg, err := scope.Import(path)
	if err != nil || pkg == nil {
		return about{}, false
	}
	a := about{signature: fmt.Sprintf("package %s // import %q", pkg.Name(), path), where: "package " + path, link: link(path, "")}
	if d := c.packageDoc(path); d != nil {
		a.doc = d.doc
	} else {
		a.note = noSource
	}
	return a, true
}

const noSource = "Its source is not on this machine, so there is no documentation."

// link is the page of a standard package's member.
func link(path, member string) string {
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") || first == "spindle" || first == "main" {
		return ""
	}
	l := "https://pkg.go.dev/" + path
	if member != "" {
		l += "#" + member
	}
	return l
}

// aboutIdent documents the identifier that v found.
func (c *Completer) aboutIdent(scope Scope, v *view, p place, l lexed) (about, bool) {
	if v.ident == nil {
		return about{}, false
	}
	obj, owner := v.object()
	if obj == nil {
		if sel, ok := v.parent(1).(*ast.SelectorExpr); ok && sel.Sel == v.ident {
			return about{}, false
		}
		if path, ok := packageFor(scope, v.ident.Name); ok {
			return c.aboutPackage(scope, path)
		}
		return about{}, false
	}
	if pkg, ok := obj.(*types.PkgName); ok {
		return c.aboutPackage(scope, pkg.Imported().Path())
	}
	obj = origin(obj)
	a := about{signature: declaration(obj, v.pkg)}
	switch {
	case obj.Pkg() == nil:
		c.fromSource(&a, "builtin", memberName(obj, owner))
		a.where = "predeclared"
	case v.declares(obj):
		v.fromCell(&a, obj, p, l)
	case obj.Pkg().Path() == v.pkg.Path():
		if src, ok := scope.Source(obj); ok {
			a.doc, a.source = src.Doc, src.Text
			a.where = "declared in " + src.Where
			if src.Line > 0 {
				a.where += ", line " + strconv.Itoa(src.Line)
			}
		} else {
			a.where = "declared in this session"
		}
	default:
		c.fromSource(&a, obj.Pkg().Path(), memberName(obj, owner))
	}
	switch o := obj.(type) {
	case *types.TypeName:
		a.members = methodsOf(v, o)
		if a.source != "" && len(a.source) < 4000 && obj.Pkg() != nil && obj.Pkg().Path() == v.pkg.Path() {
			a.signature = declOf(a.source)
		}
	case *types.Var:
		c.addTypeDoc(scope, &a, o)
	}
	return a, true
}

// object is what the identifier denotes, with the type that a field or method
// belongs to.
func (v *view) object() (obj types.Object, owner *types.TypeName) {
	if sel, ok := v.parent(1).(*ast.SelectorExpr); ok && sel.Sel == v.ident {
		if s := v.info.Selections[sel]; s != nil {
			return s.Obj(), ownerOf(s.Recv(), s.Index())
		}
		if obj := v.info.Uses[v.ident]; obj != nil {
			return obj, nil // pkg.Name
		}
		if tv, ok := v.typeOf(sel.X); ok {
			obj, index, _ := types.LookupFieldOrMethod(tv.Type, true, v.pkg, v.ident.Name)
			if obj != nil {
				return obj, ownerOf(tv.Type, index)
			}
		}
		return nil, nil
	}
	if obj := v.info.Uses[v.ident]; obj != nil {
		if f, ok := obj.(*types.Var); ok && f.IsField() {
			if lit, ok := v.parent(2).(*ast.CompositeLit); ok {
				if tv, ok := v.typeOf(lit); ok {
					return obj, ownerOf(tv.Type, nil)
				}
			}
		}
		return obj, nil
	}
	if obj := v.info.Defs[v.ident]; obj != nil {
		return obj, nil
	}
	// The symbol of a type switch, and what the checker skipped.
	if _, obj = innermost(v, v.ident.Pos()).LookupParent(v.ident.Name, v.ident.Pos()); obj != nil {
		return obj, nil
	}
	if lit, ok := v.parent(1).(*ast.CompositeLit); ok { // T{Field| before its colon
		if tv, ok := v.typeOf(lit); ok {
			if st, ok := deref(tv.Type).Underlying().(*types.Struct); ok {
				for i := range st.NumFields() {
					if st.Field(i).Name() == v.ident.Name {
						return st.Field(i), ownerOf(tv.Type, nil)
					}
				}
			}
		}
	}
	return nil, nil
}

// ownerOf is the named type in which the last step of a selection is declared.
func ownerOf(t types.Type, index []int) *types.TypeName {
	for _, i := range index[:max(0, len(index)-1)] {
		st, ok := deref(t).Underlying().(*types.Struct)
		if !ok || i >= st.NumFields() {
			return nil
		}
		t = st.Field(i).Type()
	}
	if n, ok := types.Unalias(deref(t)).(*types.Named); ok {
		return n.Obj()
	}
	return nil
}

func origin(obj types.Object) types.Object {
	switch o := obj.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return obj
}

// memberName is the key of obj in a packageDoc: "Println", "File.Write".
func memberName(obj types.Object, owner *types.TypeName) string {
	if f, ok := obj.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			if n, ok := types.Unalias(deref(recv.Type())).(*types.Named); ok {
				return n.Obj().Name() + "." + obj.Name()
			}
		}
	}
	if f, ok := obj.(*types.Var); ok && f.IsField() && owner != nil {
		return owner.Name() + "." + obj.Name()
	}
	return obj.Name()
}

// declaration writes obj as Go declares it: go/types has (*T).M for methods.
func declaration(obj types.Object, from *types.Package) string {
	if f, ok := obj.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil && !types.IsInterface(recv.Type()) {
			name := recv.Name()
			if name != "" {
				name += " "
			}
			return "func (" + name + typeString(recv.Type(), from) + ") " + f.Name() + signature(f.Signature(), from)
		}
	}
	return types.ObjectString(obj, func(p *types.Package) string {
		if p.Path() == from.Path() {
			return ""
		}
		return p.Name()
	})
}

// fromSource fills a from the source of the package at path.
func (c *Completer) fromSource(a *about, path, member string) {
	a.where = "package " + path
	a.link = link(path, member)
	d := c.packageDoc(path)
	if d == nil {
		a.note = noSource
		return
	}
	e, ok := d.entries[member]
	if !ok {
		return
	}
	a.doc = e.doc
	if decl := d.decl(e); decl != "" && len(decl) < 6000 {
		a.signature = decl
	}
	file, line, text := d.source(e)
	a.source = text
	a.where += ", " + file + ", line " + strconv.Itoa(line)
}

// declares says that obj is declared by the cell that is being written.
func (v *view) declares(obj types.Object) bool {
	if obj.Pkg() != v.pkg || !obj.Pos().IsValid() {
		return false
	}
	f := v.fset.File(obj.Pos())
	return f != nil
}

// fromCell fills a from the cell that is being written.
func (v *view) fromCell(a *about, obj types.Object, p place, l lexed) {
	for i, f := range v.files {
		if obj.Pos() < f.FileStart || obj.Pos() > f.FileEnd {
			continue
		}
		offset := int(obj.Pos()-f.FileStart) + v.offsets[i]
		if v.lets[i] {
			offset -= len("var ")
		}
		offset = min(max(offset, 0), len(p.code))
		a.where = "declared in this cell, line " + strconv.Itoa(1+strings.Count(p.code[:offset], "\n"))
		for _, ch := range p.chunks {
			if ch.start <= offset && offset <= ch.end && v.pkg.Scope().Lookup(obj.Name()) == obj {
				a.doc = docBefore(p.code, l.comments, ch.start)
				a.source = p.code[ch.start:ch.end]
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				for _, name := range n.Names {
					if name.Pos() == obj.Pos() && fieldDoc(n) != "" {
						a.doc = fieldDoc(n)
					}
				}
			case *ast.FuncDecl:
				if n.Name.Pos() == obj.Pos() && a.source == "" {
					from, to := int(n.Pos()-f.FileStart)+v.offsets[i], int(n.End()-f.FileStart)+v.offsets[i]
					if 0 <= from && from <= to && to <= len(p.code) {
						a.source = p.code[from:to]
						a.doc = docBefore(p.code, l.comments, from)
					}
				}
			}
			return true
		})
	}
}

// docBefore is the text of the comments that end on the line above an offset.
func docBefore(code string, comments []lexeme, at int) string {
	var lines []string
	for i := len(comments) - 1; i >= 0; i-- {
		t := comments[i]
		if t.end > at {
			continue
		}
		if gap := code[t.end:at]; strings.TrimSpace(gap) != "" || strings.Count(gap, "\n") > 1 {
			break
		}
		lines = append([]string{t.lit}, lines...)
		at = t.pos
	}
	group := &ast.CommentGroup{}
	for _, l := range lines {
		group.List = append(group.List, &ast.Comment{Text: l})
	}
	if len(group.List) == 0 {
		return ""
	}
	return group.Text()
}

// declOf is a declaration's source, tidied where it parses.
func declOf(source string) string {
	if b, err := format.Source([]byte(source)); err == nil {
		return strings.TrimSpace(string(b))
	}
	return source
}

// methodsOf lists the methods of a named type as declarations.
func methodsOf(v *view, t *types.TypeName) (list []string) {
	n, ok := types.Unalias(t.Type()).(*types.Named)
	if !ok {
		return nil
	}
	for i := range n.NumMethods() {
		m := n.Method(i)
		if m.Exported() || m.Pkg() != nil && m.Pkg().Path() == v.pkg.Path() {
			list = append(list, declaration(m, t.Pkg()))
		}
	}
	return list
}

// addTypeDoc adds the first sentence about the type of a variable.
func (c *Completer) addTypeDoc(scope Scope, a *about, o *types.Var) {
	if a.doc != "" || o.Type() == nil {
		return
	}
	n, ok := types.Unalias(deref(o.Type())).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return
	}
	text := ""
	if src, ok := scope.Source(n.Origin().Obj()); ok {
		text = src.Doc
	} else if d := c.packageDoc(n.Obj().Pkg().Path()); d != nil {
		text = d.entries[n.Obj().Name()].doc
	}
	first, _, _ := strings.Cut(text, "\n\n")
	a.doc = first
}

// render is a in Markdown, HTML and text; detail 1 adds the source.
func (a about) render(detail int) Doc {
	md, page, plain := render(a.doc)
	var m, h, t strings.Builder
	block := func(code string) {
		m.WriteString("```go\n" + code + "\n```\n\n")
		h.WriteString("<pre><code>" + html.EscapeString(code) + "</code></pre>\n")
		t.WriteString(code + "\n\n")
	}
	line := func(s string) {
		m.WriteString(s + "\n\n")
		h.WriteString("<p>" + html.EscapeString(s) + "</p>\n")
		t.WriteString(s + "\n\n")
	}
	block(a.signature)
	if md != "" {
		m.WriteString(md + "\n")
		h.WriteString(page)
		t.WriteString(plain + "\n\n")
	}
	if len(a.members) > 0 {
		shown := a.members
		if detail == 0 && len(shown) > 30 {
			shown = append(append([]string(nil), shown[:30]...), fmt.Sprintf("// and %d more", len(shown)-30))
		}
		block(strings.Join(shown, "\n"))
	}
	if a.note != "" {
		line(a.note)
	}
	m.WriteString("*" + a.where + "*")
	h.WriteString("<p><em>" + html.EscapeString(a.where) + "</em>")
	t.WriteString(a.where)
	if a.link != "" {
		m.WriteString(" · [" + a.link + "](" + a.link + ")")
		h.WriteString(` · <a href="` + html.EscapeString(a.link) + `">` + html.EscapeString(a.link) + "</a>")
		t.WriteString("\n" + a.link)
	}
	m.WriteString("\n")
	h.WriteString("</p>\n")
	t.WriteString("\n")
	if detail > 0 && a.source != "" && a.source != a.signature {
		m.WriteString("\n")
		t.WriteString("\n")
		block(strings.TrimRight(a.source, "\n"))
	}
	return Doc{
		Plain: strings.TrimRight(t.String(), "\n"), Markdown: strings.TrimRight(m.String(), "\n"), HTML: h.String(),
	}
}
