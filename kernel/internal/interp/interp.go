package interp

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	yaegi "github.com/traefik/yaegi/interp"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
	"spindle/kernel/internal/named"
	"spindle/kernel/internal/std"
)

// Interp is the Evaluator of this process: there can be one, for goroutines
// and output belong to the process.
type Interp struct {
	cfg     Config
	imp     *importer
	session *cell.Session
	real    *realizer
	yaegi   *yaegi.Interpreter
	layout  *layout
	loaded  map[string]bool          // compiled packages that yaegi knows
	globals map[string]reflect.Value // pointers to the session's variables, by slot
	shown   []any
	places  map[string]map[string]reflect.Value // symbols of compiled packages by path
	scope   scope

	runMu   sync.Mutex // guards running
	running int        // the cell being evaluated; 0 is none
}

// New makes the evaluator.
func New(cfg Config) (*Interp, error) {
	imp, err := newImporter(cfg.Packages)
	if err != nil {
		return nil, err
	}
	l, err := newLayout()
	if err != nil {
		return nil, err
	}
	if err := named.Check(); err != nil {
		return nil, err
	}
	names := std.Names()
	for _, p := range cfg.Packages {
		names[p.Name] = append(names[p.Name], p.Path)
	}
	for g := range core.Generics {
		cell.Generics[g] = true
	}
	i := &Interp{
		cfg: cfg, imp: imp, layout: l, session: cell.New(imp, names), loaded: map[string]bool{}, globals: map[string]reflect.Value{},
		places: map[string]map[string]reflect.Value{},
	}
	i.real = newRealizer(i.session, i.symbols)
	i.yaegi = yaegi.New(yaegi.Options{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
	if err := i.yaegi.Use(yaegi.Exports{"spindle/core/core/core": coreSymbols()}); err != nil {
		return nil, fmt.Errorf("loading core: %w", err)
	}
	core.Connect(core.Host{
		Output: cfg.Output, Started: cfg.Started,
		Show:  func(v []any) { i.shown = v },
		Crash: crash,
	})
	return i, nil
}

// symbols are a compiled package's, with core's own where core must come
// between.
func (i *Interp) symbols(path string) map[string]reflect.Value {
	if s, ok := i.places[path]; ok {
		return s
	}
	s := std.Symbols(path)
	for _, p := range i.cfg.Packages {
		if p.Path == path {
			s = p.Symbols
		}
	}
	if s != nil {
		addUnexported(s, path)
		maps.Copy(s, overrides[path])
		maps.Copy(s, timers[path])
	}
	i.places[path] = s
	return s
}

// addUnexported adds the unexported types that a package's variables and
// functions have values of.
func addUnexported(s map[string]reflect.Value, path string) {
	found := map[string]reflect.Value{}
	add := func(t reflect.Type) {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.PkgPath() == path && t.Name() != "" && !ast.IsExported(t.Name()) {
			found[cell.TypeSymbol(t.Name())] = reflect.Zero(reflect.PointerTo(t))
		}
	}
	for _, v := range s {
		switch {
		case v.CanAddr():
			add(v.Type())
		case v.Kind() == reflect.Func:
			for out := range v.Type().Outs() {
				add(out)
			}
		}
	}
	maps.Copy(s, found)
}

// timers are the functions that make timers, which core notes.
var timers = core.TimerSymbols()

// overrides are other functions of the standard library that core does itself.
var overrides = map[string]map[string]reflect.Value{
	"fmt": {
		"Print": reflect.ValueOf(core.FmtPrint), "Printf": reflect.ValueOf(core.Printf), "Println": reflect.ValueOf(core.FmtPrintln),
		"Fprint": reflect.ValueOf(core.Fprint), "Fprintf": reflect.ValueOf(core.Fprintf), "Fprintln": reflect.ValueOf(core.Fprintln),
	},
	"runtime": {"Gosched": reflect.ValueOf(core.Gosched), "NumGoroutine": reflect.ValueOf(core.NumGoroutine)},
}

func coreSymbols() map[string]reflect.Value {
	m := map[string]reflect.Value{
		"Frame": reflect.ValueOf((*core.Frame)(nil)), "Panicking": reflect.ValueOf((*core.Panicking)(nil)),
		"AtomicPointer": reflect.ValueOf((*core.AtomicPointer)(nil)), "Select": reflect.ValueOf((*core.Select)(nil)),
		"MapIter": reflect.ValueOf((*core.MapIter)(nil)), "Handle": reflect.ValueOf((*core.Handle)(nil)), "UnsafePointer": reflect.ValueOf((*core.UnsafePointer)(nil)),
	}
	for name, f := range map[string]any{
		"In": core.In, "Decoded": core.Decoded, "WithMethods": core.WithMethods,
		"Log": core.Log, "Logf": core.Logf, "LogDefault": core.LogDefault, "LogDefaultf": core.LogDefaultf,
		"Caller": core.Caller, "FuncForPC": core.FuncForPC, "FuncName": core.FuncName, "FuncEntry": core.FuncEntry, "FuncFileLine": core.FuncFileLine,
		"UnsafeAdd": core.UnsafeAdd, "UnsafeString": core.UnsafeString, "UnsafeStringData": core.UnsafeStringData, "Words": core.Words, "NotNil": core.NotNil, "Register": core.Register, "Eq": core.Eq, "ShiftCount": core.ShiftCount,
		"Complex": core.Complex, "Real": core.Real, "Imag": core.Imag, "CopyString": core.CopyString, "DecodeRune": core.DecodeRune,
		"Panic": core.Panic, "NewFrame": core.NewFrame, "Run": core.Run, "Recover": core.Recover,
		"RecoverDirect": core.RecoverDirect, "RecoverNow": core.RecoverNow, "Deferred": core.Deferred, "IterDone": core.IterDone, "Key": core.Key, "IterSwallowed": core.IterSwallowed,
		"Print": core.Print, "Println": core.Println, "Poll": core.Poll, "Go": core.Go, "Adopt": core.Adopt, "Show": core.Show,
		"NewMapIter": core.NewMapIter, "NewSelect": core.NewSelect,
	} {
		m[name] = reflect.ValueOf(f)
	}
	return m
}

// Eval implements Evaluator.
func (i *Interp) Eval(c Cell) Outcome {
	i.begin(c.Count)
	defer i.end(c.Count)
	unit, err := i.session.Lower(c.Count, c.Source)
	if err != nil {
		return Outcome{Err: staticError(c, err)}
	}
	run, err := i.load(unit)
	if err != nil {
		i.session.Abandon(unit)
		return Outcome{Err: &Error{
			Name: "refused", Value: "the interpreter cannot run this cell as Go does: " + firstLine(err.Error()),
			Traceback: []string{fmt.Sprintf("cell %d: the interpreter cannot run this cell as Go does: %s", c.Count, firstLine(err.Error())), adviceGo},
		}}
	}
	i.session.Commit(unit)
	i.scope.update(i.session, c)
	for _, n := range unit.Notes {
		i.note(c.Count, n)
	}
	i.shown = nil
	leave := core.Enter(c.Count)
	failed := i.run(run)
	leave()
	if failed != nil {
		return Outcome{Err: panicError(failed)}
	}
	if c.Silent || len(unit.Value) == 0 || i.shown == nil {
		return Outcome{}
	}
	return Outcome{Value: show(unit.Value, i.shown)}
}

// begin makes an interrupt from now on count's.
func (i *Interp) begin(count int) {
	i.runMu.Lock()
	defer i.runMu.Unlock()
	i.running = count
}

// end is begin's end. A cell that was left where it waits may end while
// another one runs.
func (i *Interp) end(count int) {
	i.runMu.Lock()
	defer i.runMu.Unlock()
	if i.running == count {
		i.running = 0
	}
	core.Ended(count)
}

const adviceGo = "Begin the cell with %%go to run it with the Go toolchain."

func (i *Interp) note(count int, text string) {
	if i.cfg.Output != nil {
		i.cfg.Output(count, true, []byte(text+"\n"))
	}
}

// run calls the cell's entry and catches what it panics with.
func (i *Interp) run(entry func()) (p *core.Panicking) {
	defer func() {
		if r := recover(); r != nil {
			p = core.AsPanicking(r)
		}
	}()
	entry()
	return nil
}

// load makes what the unit needs natively, compiles it, and returns its entry.
func (i *Interp) load(u *cell.Unit) (entry func(), err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
			slog.Debug("loading a cell", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	ex := yaegi.Exports{}
	t, d, n, g := map[string]reflect.Value{}, map[string]reflect.Value{}, map[string]reflect.Value{}, map[string]reflect.Value{}
	for _, def := range u.Types {
		t[def.Name] = reflect.Zero(reflect.PointerTo(i.real.structType(def.Type)))
	}
	i.real.renew(u.Renewed)
	for _, def := range u.Descs {
		d[def.Name] = reflect.ValueOf(i.real.desc(def.Type))
	}
	for _, def := range u.Natives {
		v, err := i.real.native(def)
		if err != nil {
			return nil, err
		}
		n[def.Name] = v.value
		i.layout.natives[def.Name] = v
	}
	for _, def := range u.Vars {
		g[def.Name] = reflect.New(i.real.rtype(def.Type))
		i.globals[def.Name] = g[def.Name]
	}
	ex["spindle/core/t/t"], ex["spindle/core/d/d"], ex["spindle/core/n/n"], ex["spindle/core/g/g"] = t, d, n, g
	for _, p := range u.Imports {
		if !i.loaded[p] {
			s := i.symbols(p)
			if s == nil {
				return nil, fmt.Errorf("package %s is not there", p)
			}
			pkg, err := i.imp.Import(p)
			if err != nil {
				return nil, err
			}
			ex[cell.StdPrefix+p+"/"+pkg.Name()] = s
			i.loaded[p] = true
		}
	}
	if err := i.yaegi.Use(ex); err != nil {
		return nil, err
	}
	// A file name of its own: yaegi keeps imports by file.
	file, err := parser.ParseFile(i.yaegi.FileSet(), u.Entry+".go", u.Code, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parsing core code: %w", err)
	}
	prog, err := i.yaegi.CompileAST(file)
	if err != nil {
		return nil, err
	}
	i.layout.wrap(prog, i.placer(u))
	defer i.layout.forget()
	if _, err := i.yaegi.Execute(prog); err != nil {
		var p yaegi.Panic
		if errors.As(err, &p) {
			slog.Debug("loading a cell", "panic", p.Value, "stack", string(p.Stack))
		}
		return nil, err
	}
	if u.Setup != "" {
		setup, err := i.function(u.Setup)
		if err != nil {
			return nil, err
		}
		setup()
	}
	return i.function(u.Entry)
}

func (i *Interp) function(name string) (func(), error) {
	v, err := i.yaegi.Eval(name)
	if err != nil {
		return nil, err
	}
	f, ok := v.Interface().(func())
	if !ok {
		return nil, errors.New("the cell's entry is a " + v.Type().String())
	}
	return f, nil
}

// placer maps a position in core code to the learner's.
func (i *Interp) placer(u *cell.Unit) func(pos int) cell.Place {
	fset := i.yaegi.FileSet()
	return func(pos int) cell.Place {
		line := position(fset, pos)
		if line > 0 && line <= len(u.Lines) {
			return u.Lines[line-1]
		}
		return cell.Place{}
	}
}

// Interrupt implements Evaluator.
func (i *Interp) Interrupt() {
	i.runMu.Lock()
	defer i.runMu.Unlock()
	if i.running != 0 {
		core.Interrupt(i.running)
	}
}

// TimersPending implements Evaluator.
func (i *Interp) TimersPending() bool { return core.TimersPending() }

// CellOf implements Evaluator.
func (i *Interp) CellOf() int { return core.CellOf() }

// In implements Evaluator.
func (i *Interp) In(cell int, fn func()) *Error {
	leave := core.Enter(cell)
	defer leave()
	if p := i.run(fn); p != nil {
		return panicError(p)
	}
	return nil
}

// Declarations implements Evaluator.
func (i *Interp) Declarations() []Declaration {
	var out []Declaration
	for _, r := range i.session.Restorable() {
		out = append(out, Declaration(r))
	}
	return out
}

// Program implements Evaluator.
func (i *Interp) Program() (string, error) {
	return "package main\n\n" + strings.Join(i.session.Declarations(), "\n\n") + "\n", nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
