package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/types"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"spindle/kernel/display"
	"spindle/kernel/internal/complete"
	"spindle/kernel/internal/engine"
	"spindle/kernel/internal/interp"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/worker"
)

// declarer is an evaluator that tells what its session has declared. Its
// methods are safe beside a running cell.
type declarer interface {
	complete.Session
	Packages() []string // that cells may import
}

// inspectionCalls answer, in the worker, what may be written at a place in a
// cell, what stands there, and whether the cell is whole.
func inspectionCalls(packages []interp.Package) map[string]worker.Call {
	cfg := complete.Config{Std: goSource(), Packages: map[string]fs.FS{}}
	for _, p := range packages {
		cfg.Packages[p.Path] = p.Source
	}
	for _, m := range magic.All {
		cfg.Magics = append(cfg.Magics, complete.Magic{Name: m.Name, Args: m.Args, Doc: m.Doc, Go: m.Go})
	}
	c := complete.New(cfg)
	return map[string]worker.Call{
		engine.MethodComplete: func(_ context.Context, e interp.Evaluator, raw json.RawMessage) (any, error) {
			p, err := codeParams(raw)
			if err != nil {
				return nil, err
			}
			r := c.Complete(scopeOf(e), p.Code, p.Cursor)
			out := session.Completions{Start: r.Start, End: r.End}
			for _, it := range r.Items {
				out.Items = append(out.Items, session.Completion{Text: it.Text, Type: it.Kind, Signature: it.Signature})
			}
			return out, nil
		},
		engine.MethodInspect: func(_ context.Context, e interp.Evaluator, raw json.RawMessage) (any, error) {
			p, err := codeParams(raw)
			if err != nil {
				return nil, err
			}
			d, found := c.Inspect(scopeOf(e), p.Code, p.Cursor, p.Detail)
			if !found {
				return engine.InspectResult{}, nil
			}
			return engine.InspectResult{Found: true, Bundle: display.Bundle{Data: map[string]any{
				"text/plain": d.Plain, "text/markdown": d.Markdown, "text/html": d.HTML,
			}}}, nil
		},
		engine.MethodWho: func(_ context.Context, e interp.Evaluator, _ json.RawMessage) (any, error) {
			return declaredBy(scopeOf(e)), nil
		},
		engine.MethodIsComplete: func(_ context.Context, _ interp.Evaluator, raw json.RawMessage) (any, error) {
			p, err := codeParams(raw)
			if err != nil {
				return nil, err
			}
			status, indent := c.IsComplete(p.Code)
			return session.Completeness{Status: status, Indent: indent}, nil
		},
	}
}

// declaredBy lists what a session has declared, by name.
func declaredBy(scope complete.Scope) []engine.Declared {
	var all []engine.Declared
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		if obj == nil {
			continue
		}
		d := engine.Declared{Name: name}
		bare := func(p *types.Package) string {
			if p == obj.Pkg() {
				return ""
			}
			return p.Name()
		}
		switch o := obj.(type) {
		case *types.PkgName:
			d.Kind, d.Type = "package", o.Imported().Path()
		case *types.TypeName:
			d.Kind, d.Type = "type", types.TypeString(o.Type().Underlying(), bare)
		default:
			d.Kind, d.Type = "var", types.TypeString(obj.Type(), bare)
			if _, ok := obj.(*types.Func); ok {
				d.Kind = "func"
			} else if _, ok := obj.(*types.Const); ok {
				d.Kind = "const"
			}
		}
		if src, ok := scope.Source(obj); ok {
			d.Where = src.Where
			if src.Line > 0 {
				d.Where += fmt.Sprintf(", line %d", src.Line)
			}
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b engine.Declared) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func codeParams(raw json.RawMessage) (p engine.CodeParams, err error) {
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("reading the code to look at: %w", err)
	}
	return p, nil
}

func scopeOf(e interp.Evaluator) complete.Scope {
	if d, ok := e.(declarer); ok {
		return complete.ScopeOf(d, d.Packages())
	}
	return complete.ScopeOf(nothing{}, nil)
}

// nothing is the session of an evaluator that doesn't tell.
type nothing struct{}

func (nothing) Scope() map[string]types.Object { return nil }
func (nothing) Imports() map[string]string     { return nil }
func (nothing) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("no package %s", path)
}
func (nothing) Declared(string) (string, int, int, bool) { return "", 0, 0, false }
func (nothing) CellSource(int) (string, bool)            { return "", false }

// goSource is the standard library's source on this machine, nil where there
// is none: beside the go command, for this executable knows only where Go was
// on the machine that built it.
func goSource() fs.FS {
	var roots []string
	if r := os.Getenv("GOROOT"); r != "" {
		roots = append(roots, r)
	}
	if tool, err := exec.LookPath("go"); err == nil {
		if real, err := filepath.EvalSymlinks(tool); err == nil {
			roots = append(roots, filepath.Dir(filepath.Dir(real)))
		}
	}
	roots = append(roots, "/usr/local/go", "/usr/lib/go", "/usr/lib/golang", "/opt/homebrew/opt/go/libexec")
	for _, r := range roots {
		src := filepath.Join(r, "src")
		if _, err := os.Stat(filepath.Join(src, "builtin", "builtin.go")); err == nil {
			return os.DirFS(src)
		}
	}
	return nil
}
