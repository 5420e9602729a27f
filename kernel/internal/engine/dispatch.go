package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
)

// dispatch runs a cell part by part, up to the first that fails.
func (e *Engine) dispatch(ctx context.Context, cell session.Cell, s *sink) session.Result {
	parts := magic.Split(cell.Source)
	for i, part := range parts {
		var r session.Result
		switch {
		case part.Name != "":
			r = e.command(ctx, cell, s, part)
		default:
			piece := cell
			piece.Silent = cell.Silent || i < len(parts)-1 // as in Go cells, the last value shows
			r = e.runGo(ctx, piece, s, part.Go)
		}
		if r.Err != nil || r.WorkerLost {
			return r
		}
	}
	return session.Result{}
}

// runGo runs Go: a whole program in a process of its own, anything else in
// the session.
func (e *Engine) runGo(ctx context.Context, cell session.Cell, s *sink, source string) session.Result {
	if program.Whole(source) {
		e.lastProgram = source
		return e.runWhole(ctx, cell, s, source)
	}
	if e.lastProgram != "" && strings.TrimSpace(source) == "main()" {
		// A program leaves nothing in the session; who calls its main there
		// means to have it in.
		load := frames.ExecuteBody{Source: program.Blank(e.lastProgram), Silent: true}
		if r := e.runCell(ctx, cell, s, load); r.Err != nil {
			return r
		}
	}
	return e.runCell(ctx, cell, s, frames.ExecuteBody{Source: source, Silent: cell.Silent})
}

// runWhole runs a whole program by the toolchain, else by the interpreter.
func (e *Engine) runWhole(ctx context.Context, cell session.Cell, s *sink, source string) session.Result {
	if e.cfg.Toolchain() == nil {
		s.remark("Run by the interpreter, in a process of its own: this machine has no Go toolchain.")
		return e.interpret(ctx, cell, s, source)
	}
	return e.build(ctx, cell, s, program.Job{Source: source, Cell: s.cell, Kind: program.Run}, nil)
}

// interpret runs a whole program in a worker of its own, and says how it
// ended in the way of a process.
func (e *Engine) interpret(ctx context.Context, cell session.Cell, s *sink, source string) session.Result {
	p, err := e.freshWorker()
	if err != nil {
		return failed("error", err.Error())
	}
	r := e.runIn(ctx, p, cell, s, frames.ExecuteBody{Source: program.Blank(source), Mode: frames.ModeProgram})
	p.end("over")
	<-p.dead
	if r.Err == nil {
		return session.Result{}
	}
	r.WorkerLost = false // its own one
	switch r.Err.EName {
	case "panic", "fatal error":
		// Like any program: the trace on stderr, then the exit status.
		trace := r.Err.Traceback
		if len(p.trace) > 0 {
			trace = trim(strings.Split(strings.TrimRight(string(p.trace), "\n"), "\n"))
		}
		s.write("stderr", []byte(asProgram(trace)))
		r = failed("exit status 2", r.Err.EName+": "+r.Err.EValue)
		r.Err.Traceback = []string{r.Err.EName}
		return r
	case "interrupted":
		return failed("interrupted", "signal: interrupt")
	}
	if p.status.Exited() && strings.HasPrefix(r.Err.EName, "exit status ") {
		if p.status.ExitStatus() == 0 {
			return session.Result{}
		}
		return failed(r.Err.EName, "")
	}
	return r
}

var (
	anyGoroutine     = regexp.MustCompile(`^goroutine \d+ \[`)
	anyGoroutineHead = regexp.MustCompile(`(?m)^goroutine \d+ \[`)
)

// asProgram gives the trace of an interpreted program the form that it would
// have of a compiled one: main is goroutine 1, and nobody called it.
func asProgram(lines []string) string {
	var out []string
	renamed := false
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case line == "main(...)" && i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t"):
			i++ // the call that we made
			continue
		case anyGoroutine.MatchString(line) && !renamed && !slices.ContainsFunc(lines, isCreated):
			line = anyGoroutine.ReplaceAllString(line, "goroutine 1 [")
			renamed = true
		case strings.HasPrefix(line, "In a program of its own"):
			continue
		}
		out = append(out, line)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return strings.Join(out, "\n") + "\n"
}

func isCreated(line string) bool { return strings.HasPrefix(line, "created by ") }

// failed is a cell's error of one line.
func failed(name, value string) session.Result {
	line := name
	if value != "" {
		line += ": " + value
	}
	return session.Result{Err: &session.CellError{EName: name, EValue: value, Traceback: []string{line}}}
}

// command runs one command.
func (e *Engine) command(ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	if run, ok := commands[part.Name]; ok {
		return run(e, ctx, cell, s, part)
	}
	near := magic.Nearest(part.Name)
	r := failed("unknown command", fmt.Sprintf("%s: did you mean %s? %%help lists the commands", part.Name, near.Name))
	r.Err.Traceback = append(r.Err.Traceback, fmt.Sprintf("cell %d, line %d", s.cell, part.Line))
	return r
}

// handler runs a command of a name.
type handler func(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result
