package complete

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path"
	"strings"
)

// packageDoc is what a package's source says about it.
type packageDoc struct {
	fset    *token.FileSet
	doc     string
	entries map[string]entry  // "Println", "File.Write", "Client.Timeout"
	sources map[string]string // file name → text
}

// entry is one documented declaration.
type entry struct {
	doc      string
	node     ast.Node // to print, without body and doc
	pos, end token.Pos
}

// packageDoc reads the docs of the package at an import path, nil where its
// source isn't there. What it read it keeps.
func (c *Completer) packageDoc(p string) *packageDoc {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, ok := c.docs[p]; ok {
		return d
	}
	var d *packageDoc
	if fsys, ok := c.cfg.Packages[p]; ok {
		d = readPackage(fsys, ".", p)
	} else if c.cfg.Std != nil && fs.ValidPath(p) {
		d = readPackage(c.cfg.Std, p, p)
	}
	c.docs[p] = d
	return d
}

func readPackage(fsys fs.FS, dir, importPath string) *packageDoc {
	names, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil
	}
	ctx := build.Default
	ctx.JoinPath = path.Join
	ctx.OpenFile = func(name string) (io.ReadCloser, error) { return fsys.Open(name) }
	d := &packageDoc{fset: token.NewFileSet(), entries: map[string]entry{}, sources: map[string]string{}}
	var files []*ast.File
	for _, e := range names {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if ok, err := ctx.MatchFile(dir, name); err != nil || !ok {
			continue
		}
		text, err := fs.ReadFile(fsys, path.Join(dir, name))
		if err != nil {
			continue
		}
		f, err := parser.ParseFile(d.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if f == nil || err != nil || f.Name.Name == "main" && importPath != "main" {
			continue
		}
		files = append(files, f)
		d.sources[name] = string(text)
	}
	if len(files) == 0 {
		return nil
	}
	// go/doc takes bodies and unexported fields out of the tree, so where
	// declarations end is noted first.
	ends := map[token.Pos]token.Pos{}
	for _, f := range files {
		for _, decl := range f.Decls {
			ends[decl.Pos()] = decl.End()
		}
	}
	var mode doc.Mode
	if importPath == "builtin" {
		mode = doc.AllDecls
	}
	pkg, err := doc.NewFromFiles(d.fset, files, importPath, mode)
	if err != nil {
		return nil
	}
	d.doc = pkg.Doc
	d.index(pkg, ends)
	return d
}

func (d *packageDoc) index(pkg *doc.Package, ends map[token.Pos]token.Pos) {
	put := func(name, text string, node ast.Node) {
		end, ok := ends[node.Pos()]
		if !ok {
			end = node.End()
		}
		d.entries[name] = entry{doc: text, node: node, pos: node.Pos(), end: end}
	}
	values := func(vs []*doc.Value) {
		for _, v := range vs {
			for _, s := range v.Decl.Specs {
				vs, ok := s.(*ast.ValueSpec)
				if !ok {
					continue
				}
				text := v.Doc
				switch {
				case vs.Doc != nil:
					text = vs.Doc.Text()
				case vs.Comment != nil:
					text = strings.TrimSpace(vs.Comment.Text() + "\n" + v.Doc)
				}
				for _, n := range vs.Names {
					d.entries[n.Name] = entry{doc: text, node: &ast.GenDecl{Tok: v.Decl.Tok, Specs: []ast.Spec{bare(vs)}}, pos: vs.Pos(), end: vs.End()}
				}
			}
		}
	}
	functions := func(prefix string, fs []*doc.Func) {
		for _, f := range fs {
			put(prefix+f.Name, f.Doc, f.Decl)
			f.Decl.Doc = nil
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	functions("", pkg.Funcs)
	for _, t := range pkg.Types {
		put(t.Name, t.Doc, t.Decl)
		t.Decl.Doc = nil
		values(t.Consts)
		values(t.Vars)
		functions("", t.Funcs)
		functions(t.Name+".", t.Methods)
		for _, s := range t.Decl.Specs {
			ts, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			ts.Doc = nil
			var fields *ast.FieldList
			switch u := ts.Type.(type) {
			case *ast.StructType:
				fields = u.Fields
			case *ast.InterfaceType:
				fields = u.Methods
			}
			if fields == nil {
				continue
			}
			for _, f := range fields.List {
				for _, n := range f.Names {
					d.entries[t.Name+"."+n.Name] = entry{doc: fieldDoc(f), pos: f.Pos(), end: f.End()}
				}
			}
		}
	}
}

func bare(s *ast.ValueSpec) *ast.ValueSpec {
	c := *s
	c.Doc, c.Comment = nil, nil
	return &c
}

func fieldDoc(f *ast.Field) string {
	if f.Doc != nil {
		return f.Doc.Text()
	}
	return f.Comment.Text()
}

// decl prints an entry as go doc does; "" for fields.
func (d *packageDoc) decl(e entry) string {
	if e.node == nil {
		return ""
	}
	var b bytes.Buffer
	if err := format.Node(&b, d.fset, e.node); err != nil {
		return ""
	}
	return b.String()
}

// source is where an entry stands and how it is written there.
func (d *packageDoc) source(e entry) (file string, line int, text string) {
	p := d.fset.Position(e.pos)
	src := d.sources[p.Filename]
	end := d.fset.Position(e.end).Offset
	if p.Offset >= 0 && p.Offset <= end && end <= len(src) {
		text = src[p.Offset:end]
	}
	return p.Filename, p.Line, text
}

// render gives a doc comment as Markdown, HTML and text. Links go to go.dev.
func render(text string) (markdown, html, plain string) {
	if strings.TrimSpace(text) == "" {
		return "", "", ""
	}
	parser := comment.Parser{LookupSym: func(string, string) bool { return true }}
	d := parser.Parse(text)
	printer := comment.Printer{
		HeadingLevel: 4, DocLinkBaseURL: "https://pkg.go.dev", TextWidth: 80,
		HeadingID: func(*comment.Heading) string { return "" },
	}
	return string(printer.Markdown(d)), string(printer.HTML(d)), strings.TrimRight(string(printer.Text(d)), "\n")
}
