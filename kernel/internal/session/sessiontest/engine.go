// Package sessiontest is an Engine and a Transport in memory, for tests of
// session and of what speaks to it.
package sessiontest

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"spindle/kernel/display"
	"spindle/kernel/internal/session"
)

// Engine runs cells of a little language, one command a line:
//
//	print TEXT        a line on stdout; stderr TEXT on stderr; raw TEXT without newline, with Go escapes
//	lines N           N lines, fast
//	bytes N           N bytes in lines of 100
//	sleep DURATION    interruptible
//	block             until interrupted
//	value TEXT        the value of the last expression
//	fail TEXT         ends the cell with an error
//	panic TEXT        panics in the engine itself
//	display TEXT, show ID TEXT, update ID TEXT, clear, clear wait
//	late DURATION TEXT   a goroutine prints a line later
//	input PROMPT, password PROMPT    prints what was answered
//	careless PROMPT   asks, and goes on whatever comes
//	comm TARGET ID    opens a comm
//	page TEXT, next TEXT
type Engine struct {
	mu        sync.Mutex
	interrupt chan struct{}     // of the running cell
	running   chan struct{}     // closed when the last cell has ended
	open      map[string]string // comms: id → target
	Cells     []session.Cell
	Closed    int
	late      sync.WaitGroup
}

// Execute implements session.Engine.
func (e *Engine) Execute(ctx context.Context, c session.Cell, out session.Output) session.Result {
	stop := make(chan struct{})
	e.mu.Lock()
	if e.Closed > 0 {
		e.mu.Unlock()
		return session.Result{Err: &session.CellError{EName: "closed", EValue: "the engine is closed"}}
	}
	e.interrupt = stop
	running := make(chan struct{})
	e.running = running
	e.Cells = append(e.Cells, c)
	e.mu.Unlock()
	defer func() {
		close(running)
		e.mu.Lock()
		e.interrupt = nil
		e.mu.Unlock()
	}()
	for i, line := range strings.Split(c.Source, "\n") {
		if err := e.command(ctx, line, out, stop); err != nil {
			err.Traceback = []string{fmt.Sprintf("cell %d, line %d: %s", c.Count, i+1, err.EValue)}
			return session.Result{Err: err}
		}
	}
	return session.Result{}
}

func (e *Engine) command(ctx context.Context, line string, out session.Output, stop <-chan struct{}) *session.CellError {
	name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	text := func(s string) display.Bundle { return display.Bundle{Data: map[string]any{"text/plain": s}} }
	wait := func(d time.Duration) *session.CellError {
		select {
		case <-time.After(d):
			return nil
		case <-stop:
		case <-ctx.Done():
		}
		return &session.CellError{EName: "interrupted", EValue: "the cell was interrupted"}
	}
	switch name {
	case "":
	case "print":
		out.Stream("stdout", arg+"\n")
	case "stderr":
		out.Stream("stderr", arg+"\n")
	case "raw":
		s, err := strconv.Unquote(`"` + arg + `"`)
		if err != nil {
			return &session.CellError{EName: "error", EValue: err.Error()}
		}
		out.Stream("stdout", s)
	case "lines":
		n, _ := strconv.Atoi(arg)
		for i := range n {
			out.Stream("stdout", fmt.Sprintf("line %d\n", i))
		}
	case "bytes":
		n, _ := strconv.Atoi(arg)
		chunk := strings.Repeat(strings.Repeat("x", 99)+"\n", 100)
		for ; n > 0; n -= len(chunk) {
			out.Stream("stdout", chunk[:min(n, len(chunk))])
		}
	case "sleep":
		d, _ := time.ParseDuration(arg)
		return wait(d)
	case "block":
		return wait(time.Hour)
	case "value":
		out.ExecuteResult(text(arg))
	case "fail":
		return &session.CellError{EName: "error", EValue: arg}
	case "panic":
		panic(arg)
	case "display":
		out.Display(text(arg))
	case "show", "update":
		id, s, _ := strings.Cut(arg, " ")
		b := text(s)
		b.ID, b.Update = id, name == "update"
		out.Display(b)
	case "clear":
		out.ClearOutput(arg == "wait")
	case "late":
		after, s, _ := strings.Cut(arg, " ")
		d, _ := time.ParseDuration(after)
		e.late.Go(func() {
			time.Sleep(d)
			out.Stream("stdout", s+"\n")
		})
	case "careless": // asks for input, and goes on without
		_, _ = out.Input(ctx, arg, false)
	case "input", "password":
		line, err := out.Input(ctx, arg, name == "password")
		if err != nil {
			return &session.CellError{EName: "input", EValue: err.Error()}
		}
		out.Stream("stdout", "got "+line+"\n")
	case "comm":
		target, id, _ := strings.Cut(arg, " ")
		e.mu.Lock()
		e.openLocked(id, target)
		e.mu.Unlock()
		out.Comm(session.CommMessage{Type: "comm_open", ID: id, TargetName: target, Metadata: map[string]any{"version": "1"}})
	case "page":
		out.Page(text(arg))
	case "next":
		out.SetNextInput(arg, false)
	default:
		return &session.CellError{EName: "compile error", EValue: "undefined: " + name}
	}
	return nil
}

// Interrupt implements session.Engine.
func (e *Engine) Interrupt(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.interrupt != nil {
		close(e.interrupt)
		e.interrupt = nil
	}
	return nil
}

// Complete proposes the commands that begin as the word at cursor does.
func (e *Engine) Complete(_ context.Context, code string, cursor int) (session.Completions, error) {
	start := strings.LastIndexAny(code[:cursor], " \n") + 1
	c := session.Completions{Start: start, End: cursor}
	for _, name := range []string{"print", "panic", "page"} {
		if strings.HasPrefix(name, code[start:cursor]) {
			c.Items = append(c.Items, session.Completion{Text: name, Type: "function", Signature: "(text)"})
		}
	}
	return c, nil
}

// Inspect documents the word print.
func (e *Engine) Inspect(_ context.Context, code string, cursor, detail int) (display.Bundle, bool, error) {
	if !strings.HasSuffix(code[:cursor], "print") {
		return display.Bundle{}, false, nil
	}
	return display.Bundle{Data: map[string]any{"text/plain": fmt.Sprintf("print TEXT (detail %d)", detail)}}, true, nil
}

// IsComplete takes a trailing \ for a line that goes on.
func (e *Engine) IsComplete(_ context.Context, code string) (session.Completeness, error) {
	if strings.HasSuffix(code, `\`) {
		return session.Completeness{Status: "incomplete", Indent: "\t"}, nil
	}
	return session.Completeness{Status: "complete"}, nil
}

// Evaluate knows one expression, "one".
func (e *Engine) Evaluate(_ context.Context, expr string) (display.Bundle, *session.CellError) {
	if expr != "one" {
		return display.Bundle{}, &session.CellError{EName: "compile error", EValue: "undefined: " + expr}
	}
	return display.Bundle{Data: map[string]any{"text/plain": "1"}}, nil
}

// Comm knows the target "echo".
func (e *Engine) Comm(_ context.Context, c session.CommMessage) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, known := e.open[c.ID]
	switch c.Type {
	case "comm_open":
		known = c.TargetName == "echo"
		if known {
			e.openLocked(c.ID, c.TargetName)
		}
	case "comm_close":
		delete(e.open, c.ID)
	}
	return known
}

// Comms implements session.Engine.
func (e *Engine) Comms(context.Context) (map[string]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.open), nil
}

func (e *Engine) openLocked(id, target string) {
	if e.open == nil {
		e.open = map[string]string{}
	}
	e.open[id] = target
}

// Usage implements session.Engine.
func (e *Engine) Usage(context.Context) (map[string]any, error) {
	return map[string]any{"kernel_memory": 1 << 20}, nil
}

// Restart implements session.Engine.
func (e *Engine) Restart(context.Context) error { return nil }

// Close ends the running cell and waits for what is late.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.Closed++
	running := e.running
	e.mu.Unlock()
	_ = e.Interrupt(ctx)
	if running != nil {
		<-running
	}
	e.late.Wait()
	return nil
}

var _ session.Engine = (*Engine)(nil)
