package engine

import (
	"context"
	"os"
	"sync"

	"spindle/kernel/display"
	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/timeline"
)

// maxTraceBytes bounds the trace that is read: beyond it a cell ran too long,
// or did too much, for one picture.
const maxTraceBytes = 256 << 20

// traced runs %trace and %%trace.
func traced(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	source := part.Args
	if part.Name == "%%trace" {
		source = part.Body
	}
	if program.Whole(source) {
		return failed("error", part.Name+": not for a whole program, which is a process of its own: use a cell without func main")
	}
	f, err := os.CreateTemp("", "spindle-trace-")
	if err != nil {
		return failed("error", part.Name+": "+err.Error())
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	r := e.runCell(ctx, cell, s, frames.ExecuteBody{Source: source, Silent: cell.Silent, Trace: f.Name()})
	if r.WorkerLost {
		return r
	}
	if info, err := f.Stat(); err != nil || info.Size() == 0 {
		return r // it did not get as far as running
	} else if info.Size() > maxTraceBytes {
		s.remark("The trace is too large to draw (" + size(info.Size()) + "): trace a shorter piece.")
		return r
	}
	t, err := timeline.Parse(f, int64(e.lastGoroutine))
	if err != nil {
		s.remark(part.Name + ": " + err.Error())
		return r
	}
	s.out.Display(display.Bundle{Data: map[string]any{"text/html": t.HTML(), "text/plain": t.Summary()}})
	return r
}

// verify runs a whole program both ways and shows where they differ.
func verify(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	if e.cfg.Toolchain() == nil {
		return failed("error", part.Name+": this machine has no Go toolchain to compare with")
	}
	source := part.Body
	if !program.Whole(source) {
		return failed("error", part.Name+": want a whole program, with func main")
	}
	run := func(how func(*sink) session.Result) (*capture, session.Result) {
		c := &capture{Output: s.out}
		r := how(&sink{cell: s.cell, out: c})
		if r.Err != nil {
			c.Stream("exit", r.Err.EName)
		}
		return c, r
	}
	compiled, r := run(func(s *sink) session.Result { return e.runWhole(ctx, cell, s, source) })
	if r.Err != nil && (r.Err.EName == "compile error" || r.Err.EName == "interrupted") {
		return r
	}
	interpreted, r := run(func(s *sink) session.Result { return e.interpret(ctx, cell, s, source) })
	if r.Err != nil && r.Err.EName == "interrupted" {
		return r
	}
	g := display.Grid{Headers: []string{"", "toolchain", "interpreter", ""}}
	same := true
	for _, name := range []string{"stdout", "stderr", "exit"} {
		a, b := compiled.text(name), interpreted.text(name)
		verdict := "the same"
		if name == "stderr" {
			a, b = firstLines(a), firstLines(b) // addresses and goroutine numbers are no one's promise
		}
		if a != b {
			verdict, same = "differs", false
		}
		g.Rows = append(g.Rows, []any{name, a, b, verdict})
	}
	g.Caption = "Interpreter and toolchain agree"
	if !same {
		g.Caption = "Interpreter and toolchain differ"
	}
	return showValue(s, g)
}

// firstLines is what a program said up to its first traceback.
func firstLines(s string) string {
	if i := anyGoroutineHead.FindStringIndex(s); i != nil {
		s = s[:i[0]]
	}
	return s
}

// capture keeps the streams of a program, and shows none.
type capture struct {
	session.Output
	mu    sync.Mutex
	texts map[string]string
}

func (c *capture) Stream(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts == nil {
		c.texts = map[string]string{}
	}
	if len(c.texts[name]) < 1<<20 {
		c.texts[name] += text
	}
}

func (c *capture) text(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.texts[name]
}
