// Package complete answers complete_request, inspect_request and
// is_complete_request: what may be written at a place in a cell, what stands
// there, and whether the cell is whole.
//
// It is pure: it reads the cell's text, the session's Scope and the Go sources
// that it is given, and changes none of them. Cells are broken while they are
// typed, so it cuts the cell into its top-level pieces, keeps what comes before
// the cursor, closes what is open, and lets go/types make what it can of that.
package complete

import (
	"go/types"
	"io/fs"
	"sync"
)

// Scope is what a session has declared and may import. Its methods are called
// from one goroutine at a time, within Complete and Inspect.
type Scope interface {
	// Names lists what the session's cells have declared, imports included.
	Names() []string
	// Lookup returns the object declared under name: a *types.Var, *types.Const,
	// *types.TypeName, *types.Func or *types.PkgName; nil where there is none.
	Lookup(name string) types.Object
	// Packages lists the import paths that a cell may import.
	Packages() []string
	// Import returns the types of a package. It should keep what it has read.
	Import(path string) (*types.Package, error)
	// Source tells where the session declared obj, a package-level object or a
	// field or method of one of its types.
	Source(obj types.Object) (Source, bool)
}

// Source is where and how something was declared.
type Source struct {
	Where string // "cell 3", "print.go"
	Line  int    // 1-based; 0 where unknown
	Doc   string // its doc comment as text, without comment marks
	Text  string // the declaration's source; "" where unknown
}

// Magic is one command that is not Go, for completion and inspection.
type Magic struct {
	Name string // with its mark: "%time", "%%go"
	Args string // "[run|test|bench] [-race]"
	Doc  string // one or two sentences
	Go   bool   // a Go expression or statement of the session follows on its line
}

// Config is what a Completer is built from. Its fields may be shared.
type Config struct {
	// Std is the source tree of the standard library ($GOROOT/src), from which
	// docs are read; nil where the machine has none.
	Std fs.FS
	// Packages has the source of other packages by import path.
	Packages map[string]fs.FS
	Magics   []Magic
}

// Completer completes, inspects and judges cells. It is safe for concurrent use.
type Completer struct {
	cfg Config

	mu   sync.Mutex // guards docs
	docs map[string]*packageDoc
}

// New returns a Completer.
func New(cfg Config) *Completer {
	return &Completer{cfg: cfg, docs: map[string]*packageDoc{}}
}

// Result is what may replace code[Start:End]; both are byte offsets.
type Result struct {
	Start, End int
	Items      []Item // best first
}

// Item is one proposal.
type Item struct {
	Text      string
	Kind      string // "function", "method", "field", "var", "const", "type", "package", "keyword", "snippet" or "magic"
	Signature string // "(a ...any) (n int, err error)", a type, or "" where it has none
}
