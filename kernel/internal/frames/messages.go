package frames

import (
	"encoding/json"

	"spindle/kernel/display"
)

// Mode is what an Execute runs.
type Mode string

// The modes of Execute.
const (
	ModeCell    Mode = ""        // a cell, in the session's scope
	ModeShell   Mode = "shell"   // a command line for sh(1), in the worker's folder
	ModeProgram Mode = "program" // a whole program; the worker exits as it does
)

// ExecuteBody is the body of Execute.
type ExecuteBody struct {
	Source string `json:"source"`
	Silent bool   `json:"silent,omitempty"`
	Mode   Mode   `json:"mode,omitempty"`
	// Trace is a file to write an execution trace to, "" for none.
	Trace string `json:"trace,omitempty"`
}

// ShowBody is the body of Show: one thing for the front end, in its place
// among the output. Exactly one field beside Cell is set.
type ShowBody struct {
	Cell   int             `json:"cell"`
	Bundle *display.Bundle `json:"bundle,omitempty"`
	Clear  *ClearBody      `json:"clear,omitempty"`
	Comm   *CommBody       `json:"comm,omitempty"`
	Note   string          `json:"note,omitempty"` // a quiet remark of the kernel's
}

// ClearBody is clear_output.
type ClearBody struct {
	Wait bool `json:"wait"`
}

// CommBody is one message of the comm protocol.
type CommBody struct {
	Type     string         `json:"type"`
	ID       string         `json:"id"`
	Target   string         `json:"target,omitempty"`
	Data     map[string]any `json:"data,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// DoneBody is the body of Done.
type DoneBody struct {
	Value *display.Bundle `json:"value,omitempty"`
	Err   *ErrorBody      `json:"err,omitempty"`
	// Live lists the cells that still have goroutines; output of others that
	// are over will not come any more.
	Live  []int     `json:"live,omitempty"`
	Times TimesBody `json:"times"`
	// Goroutine is the one that ran the cell, as a trace names it.
	Goroutine uint64 `json:"goroutine"`
	// Declared is how the list of what is declared has changed.
	Declared *DeclaredBody `json:"declared,omitempty"`
}

// TimesBody is what a cell took, the process's other goroutines included.
type TimesBody struct {
	WallNanos   int64 `json:"wall"`
	UserNanos   int64 `json:"user"`
	SystemNanos int64 `json:"system"`
}

// DeclaredBody changes a list: its first Keep entries stay, Add follows.
type DeclaredBody struct {
	Keep int           `json:"keep"`
	Add  []Declaration `json:"add,omitempty"`
}

// Declaration is something that cells have declared: Go that declares it
// again, and the variable that is zero then.
type Declaration struct {
	Source string `json:"source,omitempty"`
	Zero   string `json:"zero,omitempty"`
}

// ErrorBody is a cell's failure.
type ErrorBody struct {
	Name      string   `json:"name"`
	Value     string   `json:"value"`
	Traceback []string `json:"traceback,omitempty"`
}

// CallBody is the body of Call.
type CallBody struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

// ReplyBody is the body of Reply.
type ReplyBody struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}
