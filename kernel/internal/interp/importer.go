package interp

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"runtime"
	"strings"
	"sync"

	"spindle/kernel/internal/std"
)

// importer finds the types of the standard library in embedded export data,
// and those of the packages in Config in their embedded source.
type importer struct {
	std  *std.Importer
	mu   sync.Mutex // guards done; held while a package is checked
	pkgs map[string]Package
	done map[string]*types.Package
}

func newImporter(pkgs []Package) (*importer, error) {
	s, err := std.NewImporter()
	if err != nil {
		return nil, err
	}
	im := &importer{std: s, pkgs: map[string]Package{}, done: map[string]*types.Package{}}
	for _, p := range pkgs {
		im.pkgs[p.Path] = p
		im.pkgs[realPath(p)] = p
	}
	return im, nil
}

// realPath is where a package of Config stands in the module, as its source
// imports it from others.
func realPath(p Package) string {
	switch p.Name {
	case "display":
		return "spindle/kernel/display"
	}
	return "spindle/lessons/" + p.Name
}

// Import implements types.Importer.
func (im *importer) Import(path string) (*types.Package, error) {
	p, ok := im.pkgs[path]
	if !ok {
		return im.std.Import(path)
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	return im.own(path, p)
}

func (im *importer) own(path string, p Package) (*types.Package, error) {
	if t := im.done[p.Path]; t != nil {
		return t, nil
	}
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := fs.Glob(p.Source, "*.go")
	if err != nil {
		return nil, fmt.Errorf("reading the source of %s: %w", path, err)
	}
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") || !forThisSystem(n) {
			continue
		}
		src, err := fs.ReadFile(p.Source, n)
		if err != nil {
			return nil, fmt.Errorf("reading the source of %s: %w", path, err)
		}
		f, err := parser.ParseFile(fset, n, src, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("reading the source of %s: %w", path, err)
		}
		files = append(files, f)
	}
	// Only declarations matter; what they import from elsewhere may be missing.
	conf := types.Config{
		Importer: lenient{im}, IgnoreFuncBodies: true, FakeImportC: true, Error: func(error) {},
		Sizes: types.SizesFor("gc", runtime.GOARCH),
	}
	pkg, _ := conf.Check(p.Path, fset, files, nil)
	pkg.MarkComplete()
	im.done[p.Path] = pkg
	return pkg, nil
}

func forThisSystem(name string) bool {
	for _, os := range []string{"darwin", "windows", "freebsd", "other", "linux"} {
		if strings.HasSuffix(name, "_"+os+".go") {
			return os == runtime.GOOS
		}
	}
	return true
}

// lenient gives an empty package for what is not there.
type lenient struct{ im *importer }

func (l lenient) Import(path string) (*types.Package, error) {
	if own, ok := l.im.pkgs[path]; ok {
		return l.im.own(path, own)
	}
	if p, err := l.im.std.Import(path); err == nil {
		return p, nil
	}
	name := path[strings.LastIndex(path, "/")+1:]
	p := types.NewPackage(path, name)
	p.MarkComplete()
	return p, nil
}
