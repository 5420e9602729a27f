// Package interp evaluates cells in this process: it checks and lowers a cell
// (package cell), runs it on yaegi with the native half of the core language
// (package core), and says how it ended. It knows no file descriptors, frames
// or processes: those are the worker's.
package interp

import (
	"io/fs"
	"reflect"

	"spindle/kernel/display"
)

// Package is a compiled package that cells may import beside the standard
// library. Symbols has yaegi's form (name → value, type as nil pointer);
// Source holds its Go files, from which its types and docs are read.
type Package struct {
	Path    string // "spindle/lab"
	Name    string // "lab"
	Symbols map[string]reflect.Value
	Source  fs.FS
}

// Config is what an Interp is built from.
type Config struct {
	Packages []Package
	// Output takes what fmt.Print*, print, println and the log package write,
	// with the cell that the printing goroutine belongs to. It must not
	// keep p. Nil means file descriptors 1 and 2. What the learner writes to os.Stdout
	// itself, and what child processes write, goes to the descriptors.
	Output func(cell int, stderr bool, p []byte)
	// Started is called in the learner's goroutine when a goroutine of cell
	// begins, and its result when that goroutine ends. May be nil.
	Started func(cell int) (ended func())
}

// Cell is one cell to evaluate.
type Cell struct {
	Count  int
	Source string
	Silent bool
}

// Outcome is how a cell ended. Err is nil where it went well.
type Outcome struct {
	Value *display.Bundle // of the last expression; nil where none is shown
	Err   *Error
}

// Declaration is something that a cell has declared.
type Declaration struct {
	Source string // Go that declares it again; "" where none can
	Zero   string // the variable that then is zero, for its value was computed with effects
}

// Error is a cell's failure, in Go's words.
type Error struct {
	Name      string // "compile error", "panic", "refused", "interrupted"
	Value     string // first line, Go's own words
	Traceback []string
}

// Evaluator is what worker needs of this package; *Interp implements it.
type Evaluator interface {
	// Eval runs one cell to its end on the calling goroutine. A panic of the
	// cell's own goroutine is an Outcome; a panic in another goroutine ends
	// the process, as in Go, with core's trace on stderr.
	Eval(c Cell) Outcome
	// Interrupt asks the running cell to stop; Eval then returns with
	// Err.Name "interrupted". It reports at once; a cell stuck in a native
	// call does not stop, and the caller ends the process.
	Interrupt()
	// CellOf tells which cell the calling goroutine belongs to: the one that
	// started it, however many goroutines ago. 0 is none.
	CellOf() int
	// In runs fn, the learner's own, on the calling goroutine, which belongs to
	// cell as long as that takes. A panic of fn is its error.
	In(cell int, fn func()) *Error
	// Locked lists the variables that are locks, or have one, and are held.
	Locked() []string
	// TimersPending tells whether a timer that a cell has made, of package time
	// or by a context's deadline, may still fire.
	TimersPending() bool
	// Declarations returns, in order, what would declare anew what is live,
	// for %restore.
	Declarations() []Declaration
	// Program turns the session's types and functions into a Go file, for
	// `%%go -with-state`.
	Program() (src string, err error)
}
