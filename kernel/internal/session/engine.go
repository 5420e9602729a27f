package session

import (
	"context"

	"spindle/kernel/display"
)

// Engine runs cells in a worker that can die without taking the session with it.
// engine.Engine implements it; session never sees processes or yaegi.
type Engine interface {
	// Execute runs one cell to its end. Everything the cell printed before it
	// ended has been handed to out when Execute returns. out stays in use
	// afterwards: goroutines that the cell started keep printing to it.
	// Only one Execute runs at a time; the other methods may run beside it.
	Execute(ctx context.Context, cell Cell, out Output) Result
	// Interrupt ends the running cell: by asking first, then by ending the
	// worker. It returns as soon as it is under way; Execute's Result says
	// which it was.
	Interrupt(ctx context.Context) error
	// Complete lists completions of code at the byte offset cursor.
	Complete(ctx context.Context, code string, cursor int) (Completions, error)
	// Inspect documents what stands at the byte offset cursor.
	// detail 0 is signature and doc, 1 adds source.
	Inspect(ctx context.Context, code string, cursor, detail int) (display.Bundle, bool, error)
	// IsComplete says whether code is a whole cell.
	IsComplete(ctx context.Context, code string) (Completeness, error)
	// Evaluate computes one user_expression in the session's scope.
	Evaluate(ctx context.Context, expr string) (display.Bundle, *CellError)
	// Comm delivers a comm message (comm_open, comm_msg, comm_close) to cells.
	// It reports false where no target is registered under that name, and for
	// a comm that is not open.
	Comm(ctx context.Context, c CommMessage) bool
	// Comms lists the open comms, whichever side opened them: id → target.
	Comms(ctx context.Context) (map[string]string, error)
	// Usage reports the resources of the worker and of what it started.
	Usage(ctx context.Context) (map[string]any, error)
	// Restart replaces the worker by a fresh one; all state is lost.
	Restart(ctx context.Context) error
	// Close ends the worker and every process the session started.
	Close(ctx context.Context) error
}

// Cell is one execute_request as the engine needs it.
type Cell struct {
	// Count is the execution counter: it names the cell in errors ("cell 3, line
	// 2"). Cells that are silent or not stored repeat the last one.
	Count  int
	ID     string // front end's cellId from metadata, "" where it gives none
	Source string
	Silent bool // run, but show no value of the last expression
	Stdin  bool // allow_stdin: Output.Input may be called
}

// Output receives what one cell shows. All methods are safe for concurrent
// use and order is kept per cell. Implemented by session, used by engine.
type Output interface {
	Stream(name, text string) // name is "stdout" or "stderr"
	Display(b display.Bundle) // display_data, or update_display_data when b.Update
	ExecuteResult(b display.Bundle)
	ClearOutput(wait bool)
	// Input asks the front end for a line (input_request). It fails where
	// the front end allows no stdin and when the cell is interrupted.
	Input(ctx context.Context, prompt string, password bool) (string, error)
	Comm(c CommMessage)
	// Page shows text in the front end's pager (execute_reply payload).
	Page(b display.Bundle)
	// SetNextInput puts text into the next cell (execute_reply payload).
	SetNextInput(text string, replace bool)
}

// Result is the end of one cell. Err is nil where it went well.
type Result struct {
	Err *CellError
	// WorkerLost says that the worker died or was ended: live values and
	// goroutines are gone. The error's traceback already tells the learner.
	WorkerLost bool
}

// CellError is what a front end shows for a failed cell.
type CellError struct {
	EName     string   // "compile error", "panic", "interrupted", "exit status 2", …
	EValue    string   // Go's own words: "index out of range [5] with length 3"
	Traceback []string // lines for people, with "cell N, line L"; may carry ANSI colours
}

func (e *CellError) Error() string { return e.EName + ": " + e.EValue }

// Completions answers complete_request; Start and End are byte offsets in code.
type Completions struct {
	Start, End int
	Items      []Completion
}

// Completion is one proposal.
type Completion struct {
	Text      string // what replaces code[Start:End]
	Type      string // "function", "method", "field", "var", "const", "type", "package", "keyword", "snippet", "magic"
	Signature string // "(a ...any) (n int, err error)", "" where it has none
}

// Completeness answers is_complete_request.
type Completeness struct {
	Status string // "complete", "incomplete", "invalid" or "unknown"
	Indent string
}

// CommMessage is one message of the comm protocol, in either direction.
type CommMessage struct {
	Type       string // "comm_open", "comm_msg" or "comm_close"
	ID         string
	TargetName string // comm_open only
	Data       map[string]any
	Metadata   map[string]any
}
