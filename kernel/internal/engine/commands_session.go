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

// restore runs the cells again whose declarations a dead worker took along.
func restore(e *Engine, ctx context.Context, cell session.Cell, s *sink, _ magic.Part) session.Result {
	e.mu.Lock()
	work := e.lostWork
	e.lostWork = nil
	e.mu.Unlock()
	if len(work) == 0 {
		s.remark("Nothing was lost: there is nothing to restore.")
		return session.Result{}
	}
	for i, source := range work {
		r := e.runCell(ctx, cell, s, frames.ExecuteBody{Source: source, Silent: true})
		if r.Err == nil {
			continue
		}
		e.mu.Lock()
		for _, rest := range work[i:] {
			if !slices.Contains(e.lostWork, rest) {
				e.lostWork = append(e.lostWork, rest)
			}
		}
		e.mu.Unlock()
		r.Err.Traceback = append(r.Err.Traceback, fmt.Sprintf("while restoring cell %d of %d:", i+1, len(work)), source)
		return r
	}
	s.remark(fmt.Sprintf("Restored: %s run again. Values that were computed later are not back.", count(len(work), "cell was", "cells were")))
	return session.Result{}
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
