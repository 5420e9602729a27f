package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"spindle/kernel/display"
	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/worker"
)

func help(_ *Engine, _ context.Context, _ session.Cell, s *sink, _ magic.Part) session.Result {
	g := display.Grid{Headers: []string{"command", "what it does"}}
	for _, m := range magic.All {
		g.Rows = append(g.Rows, []any{strings.TrimSpace(m.Name + " " + m.Args), m.Doc})
	}
	g.Note = "Everything else in a cell is Go. Shift-Tab shows the documentation of what the cursor stands on."
	return showValue(s, g)
}

func showValue(s *sink, v any) session.Result {
	b, ok := display.Of(v)
	if !ok {
		b = display.OfText(fmt.Sprint(v))
	}
	s.out.Display(b)
	return session.Result{}
}

func doc(e *Engine, ctx context.Context, _ session.Cell, s *sink, part magic.Part) session.Result {
	if part.Args == "" {
		return failed("error", "%doc: of what? A package, function, type, variable or method")
	}
	b, found, err := e.Inspect(ctx, part.Args, len(part.Args), 1)
	if err != nil {
		return failed("error", "%doc: "+err.Error())
	}
	if !found {
		return failed("error", "%doc: nothing is known of "+part.Args)
	}
	s.out.Page(b)
	return session.Result{}
}

func who(e *Engine, ctx context.Context, _ session.Cell, s *sink, _ magic.Part) session.Result {
	var all []Declared
	if err := e.askWorker(ctx, MethodWho, nil, &all); err != nil {
		return failed("error", "%who: "+err.Error())
	}
	if len(all) == 0 {
		s.remark("The session has declared nothing yet.")
		return session.Result{}
	}
	g := display.Grid{Headers: []string{"name", "kind", "type", "declared in"}}
	for _, d := range all {
		g.Rows = append(g.Rows, []any{d.Name, d.Kind, d.Type, d.Where})
	}
	return showValue(s, g)
}

func reset(e *Engine, ctx context.Context, _ session.Cell, s *sink, _ magic.Part) session.Result {
	e.lastProgram = ""
	if err := e.Restart(ctx); err != nil {
		return failed("error", "%reset: "+err.Error())
	}
	s.remark("Everything is forgotten.")
	return session.Result{}
}

// restore makes the declarations again that a dead worker took along, each on
// its own: what one of them needs may be gone for good.
func restore(e *Engine, ctx context.Context, cell session.Cell, s *sink, _ magic.Part) session.Result {
	e.mu.Lock()
	work := e.lostWork
	e.lostWork = nil
	e.mu.Unlock()
	if len(work) == 0 {
		s.remark("Nothing was lost: there is nothing to restore.")
		return session.Result{}
	}
	var made int
	var zero, missing []string
	// What is declared may use what is declared again later: it gets another
	// turn as long as that helps.
	for left := work; len(left) > 0; {
		var failed []frames.Declaration
		missing = nil
		for i, d := range left {
			if d.Source == "" {
				failed, missing = append(failed, d), append(missing, d.Zero+": its type has no name")
				continue
			}
			r := e.runCell(ctx, cell, s, frames.ExecuteBody{Source: d.Source, Silent: true})
			switch {
			case r.WorkerLost || r.Err != nil && r.Err.EName == "interrupted":
				e.keepLost(append(failed, left[i:]...))
				r.Err.Traceback = append(r.Err.Traceback, "while restoring:", d.Source)
				return r
			case r.Err != nil:
				first, _, _ := strings.Cut(d.Source, "\n")
				failed, missing = append(failed, d), append(missing, first+" ("+r.Err.EValue+")")
			case d.Zero != "":
				zero = append(zero, d.Zero)
			default:
				made++
			}
		}
		if len(failed) == len(left) {
			break
		}
		left = failed
	}
	text := "Restored: " + count(made, "declaration", "declarations") + ", variables as they were declared; what later cells put into them is not back."
	if len(zero) > 0 {
		text += "\nZero, for computing them again might do more than that: " + strings.Join(zero, ", ") + ". Run their cells again for their values."
	}
	if len(missing) > 0 {
		text += "\nNot restored: " + strings.Join(missing, "; ") + "."
	}
	s.remark(text)
	return session.Result{}
}

// keepLost leaves work for another %restore.
func (e *Engine) keepLost(work []frames.Declaration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range work {
		if !slices.Contains(e.lostWork, d) {
			e.lostWork = append(e.lostWork, d)
		}
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func goVersion(e *Engine, _ context.Context, _ session.Cell, s *sink, _ magic.Part) session.Result {
	text := "cells: Go " + strings.TrimPrefix(runtime.Version(), "go") + " (" + runtime.GOOS + "/" + runtime.GOARCH + "), checked by go/types, run by yaegi " + moduleVersion("github.com/traefik/yaegi")
	if t := e.cfg.Toolchain(); t != nil {
		text += "\nprograms and %%go: " + t.Version() + ", " + t.Path()
	} else {
		text += "\nprograms: the interpreter too, for this machine has no Go toolchain"
	}
	return showValue(s, text)
}

func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return ""
}

func changeFolder(e *Engine, ctx context.Context, _ session.Cell, s *sink, part magic.Part) session.Result {
	dir := part.Args
	if dir == "" {
		return showValue(s, e.folder())
	}
	if dir == "~" || strings.HasPrefix(dir, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return failed("error", "%cd: "+err.Error())
		}
		dir = filepath.Join(home, dir[1:])
	}
	var now string
	if err := e.askWorker(ctx, worker.MethodChdir, dir, &now); err != nil {
		return failed("error", "%cd: "+err.Error())
	}
	return showValue(s, now)
}

func environment(e *Engine, ctx context.Context, _ session.Cell, s *sink, part magic.Part) session.Result {
	name, value, set := strings.Cut(part.Args, "=")
	name = strings.TrimSpace(name)
	if set {
		pair := [2]string{name, strings.TrimSpace(value)}
		if err := e.askWorker(ctx, worker.MethodSetenv, pair, nil); err != nil {
			return failed("error", "%env: "+err.Error())
		}
		return session.Result{}
	}
	env := e.environ(ctx)
	if name == "" {
		slices.Sort(env)
		return showValue(s, strings.Join(env, "\n"))
	}
	for _, v := range env {
		if n, val, _ := strings.Cut(v, "="); n == name {
			return showValue(s, val)
		}
	}
	return failed("error", "%env: "+name+" is not set")
}

func writeFile(e *Engine, _ context.Context, _ session.Cell, s *sink, part magic.Part) session.Result {
	name, appending := part.Args, false
	if rest, ok := strings.CutPrefix(name, "-a "); ok {
		name, appending = strings.TrimSpace(rest), true
	}
	if name == "" {
		return failed("error", "%%writefile: which file?")
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(e.folder(), path)
	}
	text := part.Body[part.Line:] // it has a line end for each line up to the command
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	flags, verb := os.O_CREATE|os.O_WRONLY|os.O_TRUNC, "Wrote"
	if appending {
		flags, verb = os.O_CREATE|os.O_WRONLY|os.O_APPEND, "Appended"
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if err == nil {
		_, err = f.WriteString(text)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return failed("error", "%%writefile: "+err.Error())
	}
	s.remark(fmt.Sprintf("%s %d bytes to %s.", verb, len(text), path))
	return session.Result{}
}
