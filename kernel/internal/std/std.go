// Package std is the standard library as cells see it: for each package its
// symbols for yaegi and its export data for the type checker, so that neither
// needs a Go toolchain. Both are made by gen from the toolchain that builds the
// kernel, and loaded a package at a time.
package std

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"go/token"
	"go/types"
	"io"
	"path"
	"reflect"
	"sort"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
)

//go:generate go run ./gen

//go:embed export.zip
var exportZip []byte

// Symbols is a package's symbols in yaegi's form; nil for one that is not there.
func Symbols(path string) map[string]reflect.Value {
	f, ok := packages[path]
	if !ok {
		return nil
	}
	return f()
}

// Names maps the name of each package to the paths that have it.
func Names() map[string][]string {
	m := map[string][]string{}
	for p := range packages {
		name := path.Base(p)
		if name == "v2" {
			continue // math/rand/v2: never guessed
		}
		m[name] = append(m[name], p)
	}
	for _, ps := range m {
		sort.Strings(ps)
	}
	return m
}

// Importer reads export data. It is safe for concurrent use.
type Importer struct {
	mu    sync.Mutex
	fset  *token.FileSet
	files map[string]*zip.File
	pkgs  map[string]*types.Package
}

// NewImporter opens the embedded export data.
func NewImporter() (*Importer, error) {
	r, err := zip.NewReader(bytes.NewReader(exportZip), int64(len(exportZip)))
	if err != nil {
		return nil, fmt.Errorf("opening the standard library's export data: %w", err)
	}
	im := &Importer{fset: token.NewFileSet(), files: map[string]*zip.File{}, pkgs: map[string]*types.Package{"unsafe": types.Unsafe}}
	for _, f := range r.File {
		im.files[f.Name] = f
	}
	return im, nil
}

// Import implements types.Importer.
func (im *Importer) Import(path string) (*types.Package, error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if p := im.pkgs[path]; p != nil && p.Complete() {
		return p, nil
	}
	f := im.files[path]
	if f == nil {
		return nil, fmt.Errorf("package %s is not in std", path)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("reading export data of %s: %w", path, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading export data of %s: %w", path, err)
	}
	p, err := gcexportdata.Read(bytes.NewReader(data), im.fset, im.pkgs, path)
	if err != nil {
		return nil, fmt.Errorf("reading export data of %s: %w", path, err)
	}
	return p, nil
}
