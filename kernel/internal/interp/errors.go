package interp

import (
	"errors"
	"fmt"
	"go/token"
	"os"
	"strings"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
)

func position(fset *token.FileSet, pos int) int { return fset.Position(token.Pos(pos)).Line }

// staticError shows what is wrong with a cell before it runs: Go's words, the
// cell's line, the line itself and a caret under the column.
func staticError(c Cell, err error) *Error {
	var list cell.ErrorList
	var refusal *cell.Refusal
	name := "compile error"
	switch {
	case errors.As(err, &refusal):
		name = "refused"
		list = cell.ErrorList{refusal.Fault}
	case !errors.As(err, &list):
		return &Error{Name: name, Value: err.Error(), Traceback: strings.Split(err.Error(), "\n")}
	}
	lines := strings.Split(c.Source, "\n")
	var tb []string
	for _, e := range list {
		tb = append(tb, e.Error())
		if e.Cell == c.Count && e.Line >= 1 && e.Line <= len(lines) {
			src := strings.ReplaceAll(lines[e.Line-1], "\t", " ")
			tb = append(tb, "    "+src)
			if e.Col >= 1 && e.Col <= len(src)+1 {
				tb = append(tb, "    "+strings.Repeat(" ", len([]rune(src[:e.Col-1])))+"^")
			}
		}
	}
	value := list[0].Msg
	if refusal != nil {
		tb = append(tb, "What to do: "+refusal.Instead+".")
	} else if len(list) > 1 {
		value += fmt.Sprintf(" (and %d more)", len(list)-1)
	}
	return &Error{Name: name, Value: value, Traceback: tb}
}

// panicError shows a panic of the cell's own goroutine.
func panicError(p *core.Panicking) *Error {
	if _, ok := p.Value.(core.Interrupted); ok {
		return &Error{Name: "interrupted", Value: "interrupted", Traceback: append([]string{"interrupted"}, frames(p)...)}
	}
	text := p.Text()
	tb := strings.Split("panic: "+text, "\n")
	if p.Signalled() {
		tb = append(tb, signalLine)
	}
	tb = append(tb, "")
	tb = append(tb, fmt.Sprintf("goroutine %d [running]:", core.Goid()))
	tb = append(tb, frames(p)...)
	return &Error{Name: "panic", Value: firstLine(text), Traceback: tb}
}

const signalLine = "[signal SIGSEGV: segmentation violation]"

// most is how many frames of a trace are shown at each end.
const most = 50

// frames are the learner's frames as the runtime prints them, innermost first.
func frames(p *core.Panicking) []string {
	var out []string
	trace := mergeFrames(p.Trace)
	for i, s := range trace {
		if len(trace) > 2*most && i == most {
			out = append(out, fmt.Sprintf("...%d frames elided...", len(trace)-2*most))
		}
		if len(trace) > 2*most && i >= most && i < len(trace)-most {
			continue
		}
		if strings.HasPrefix(s.Func, "created by ") {
			out = append(out, s.Func, fmt.Sprintf("\tcell %d, line %d", s.Cell, s.Line))
			continue
		}
		out = append(out, s.Func+"(...)", fmt.Sprintf("\tcell %d, line %d", s.Cell, s.Line))
	}
	return out
}

// mergeFrames drops what is not a call of its own: places without a line.
func mergeFrames(trace []core.Site) []core.Site {
	var out []core.Site
	for _, s := range trace {
		if s.Cell == 0 || s.Line == 0 {
			continue
		}
		out = append(out, s)
	}
	return out
}

// crash ends the process as the runtime does for a panic that nobody recovered.
func crash(p *core.Panicking, goid int64) {
	var b strings.Builder
	fmt.Fprintf(&b, "panic: %s\n", p.Text())
	if p.Signalled() {
		b.WriteString(signalLine + "\n")
	}
	fmt.Fprintf(&b, "\ngoroutine %d [running]:\n", goid)
	for _, l := range frames(p) {
		b.WriteString(l + "\n")
	}
	os.Stderr.WriteString(b.String())
	os.Exit(2)
}
