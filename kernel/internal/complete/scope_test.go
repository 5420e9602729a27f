package complete_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"spindle/kernel/internal/complete"
)

// toolchain answers go env and go list once for all tests: a binary built with
// -trimpath doesn't know where Go is.
var toolchain = sync.OnceValues(func() (t struct {
	types.Importer
	src string
}, err error,
) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return t, err
	}
	t.src = filepath.Join(strings.TrimSpace(string(root)), "src")
	list, err := exec.Command("go", append([]string{"list", "-deps", "-export", "-f", "{{.ImportPath}} {{.Export}}"}, stdPackages...)...).Output()
	if err != nil {
		return t, err
	}
	export := map[string]string{}
	for _, line := range strings.Split(string(list), "\n") {
		path, file, _ := strings.Cut(line, " ")
		export[path] = file
	}
	t.Importer = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if export[path] == "" {
			return nil, fs.ErrNotExist
		}
		return os.Open(export[path])
	})
	return t, nil
})

// importing guards the importer, which tests share.
var importing sync.Mutex

var stdPackages = []string{
	"bytes", "context", "crypto/rand", "encoding/json", "errors", "fmt", "go/scanner", "html/template", "io", "math",
	"math/rand", "math/rand/v2", "net/http", "net/url", "os", "os/exec", "sort", "strings", "sync", "sync/atomic",
	"text/scanner", "text/template", "time",
}

// session is a Scope made of Go sources, each one "cell".
type session struct {
	pkg     *types.Package
	names   map[string]types.Object
	sources map[types.Object]complete.Source
}

func newSession(t testing.TB, cells ...string) *session {
	t.Helper()
	if _, err := toolchain(); err != nil {
		t.Skipf("SKIP: no Go toolchain to read the standard library with: %v", err)
	}
	s := &session{names: map[string]types.Object{}, sources: map[types.Object]complete.Source{}}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, src := range cells {
		f, err := parser.ParseFile(fset, "", "package main\n"+src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: s, DisableUnusedImportCheck: true}
	pkg, err := conf.Check("main", fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	s.pkg = pkg
	for _, n := range pkg.Scope().Names() {
		s.names[n] = pkg.Scope().Lookup(n)
	}
	for i, f := range files {
		for _, imp := range f.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			p, err := s.Import(path)
			if err != nil {
				t.Fatal(err)
			}
			s.names[p.Name()] = types.NewPkgName(0, pkg, p.Name(), p)
		}
		src := "package main\n" + cells[i]
		for _, d := range f.Decls {
			doc, name := "", (*ast.Ident)(nil)
			switch d := d.(type) {
			case *ast.FuncDecl:
				doc, name = d.Doc.Text(), d.Name
			case *ast.GenDecl:
				doc = d.Doc.Text()
				if ts, ok := d.Specs[0].(*ast.TypeSpec); ok {
					name = ts.Name
				}
			}
			if name != nil {
				s.sources[info.Defs[name]] = complete.Source{
					Where: "cell " + string(rune('1'+i)), Line: fset.Position(name.Pos()).Line - 1, Doc: doc,
					Text: src[fset.Position(d.Pos()).Offset:fset.Position(d.End()).Offset],
				}
			}
		}
	}
	return s
}

func (s *session) Names() []string {
	var names []string
	for n := range s.names {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
func (s *session) Lookup(name string) types.Object { return s.names[name] }
func (s *session) Source(obj types.Object) (complete.Source, bool) {
	src, ok := s.sources[obj]
	return src, ok
}

func (s *session) Import(path string) (*types.Package, error) {
	importing.Lock()
	defer importing.Unlock()
	t, err := toolchain()
	if err != nil {
		return nil, err
	}
	return t.Import(path)
}

func (s *session) Packages() []string { return append([]string{"spindle/lab"}, stdPackages...) }

var magics = []complete.Magic{
	{Name: "%time", Args: "statement", Doc: "Runs a statement and says how long it took.", Go: true},
	{Name: "%timeit", Args: "statement", Doc: "Runs a statement many times.", Go: true},
	{Name: "%who", Doc: "Lists what is declared."},
	{Name: "%%go", Args: "[run|test|bench] [-race]", Doc: "Runs the cell by the Go toolchain."},
}

func newCompleter(t testing.TB) *complete.Completer {
	t.Helper()
	tool, err := toolchain()
	if err != nil {
		t.Skipf("SKIP: no Go toolchain to read the standard library with: %v", err)
	}
	return complete.New(complete.Config{Std: os.DirFS(tool.src), Magics: magics})
}
