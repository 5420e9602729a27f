package interp

import (
	"go/types"
	"sort"
	"sync"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/std"
)

// scope is what the session has declared, as of the last cell that was
// loaded, for completion and inspection beside a running cell.
type scope struct {
	mu       sync.RWMutex
	objects  map[string]types.Object
	imports  map[string]string
	declared map[string]cell.Declaration
	sources  map[int]string
}

func (s *scope) update(session *cell.Session, c Cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects, s.imports, s.declared = session.Scope(), session.Imports(), session.Declared()
	if s.sources == nil {
		s.sources = map[int]string{}
	}
	s.sources[c.Count] = c.Source
}

// Scope returns the live package-level objects by name.
func (i *Interp) Scope() map[string]types.Object {
	i.scope.mu.RLock()
	defer i.scope.mu.RUnlock()
	return i.scope.objects
}

// Imports returns import paths by the name they have in cells; a dot import
// has "." before its path for a name.
func (i *Interp) Imports() map[string]string {
	i.scope.mu.RLock()
	defer i.scope.mu.RUnlock()
	return i.scope.imports
}

// Import resolves an import path.
func (i *Interp) Import(path string) (*types.Package, error) { return i.imp.Import(path) }

// Declared tells where name, or "T.M", was declared.
func (i *Interp) Declared(name string) (src string, cell, line int, ok bool) {
	i.scope.mu.RLock()
	defer i.scope.mu.RUnlock()
	d, ok := i.scope.declared[name]
	return d.Source, d.Cell, d.Line, ok
}

// CellSource returns the text of a cell that was loaded.
func (i *Interp) CellSource(cell int) (string, bool) {
	i.scope.mu.RLock()
	defer i.scope.mu.RUnlock()
	s, ok := i.scope.sources[cell]
	return s, ok
}

// Packages lists the paths that cells may import.
func (i *Interp) Packages() []string {
	var out []string
	for _, paths := range std.Names() {
		out = append(out, paths...)
	}
	for _, p := range i.cfg.Packages {
		out = append(out, p.Path)
	}
	sort.Strings(out)
	return out
}
