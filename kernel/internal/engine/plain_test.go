package engine

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"io"
	"os"
	"reflect"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	yaegi "github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
	"github.com/traefik/yaegi/stdlib/unrestricted"

	"spindle/kernel/display"
	"spindle/kernel/internal/interp"
	"spindle/kernel/internal/worker"
)

// TestMain makes the test binary its own worker, with plain yaegi in it:
// these tests are about processes, not about the language.
func TestMain(m *testing.M) {
	if worker.Is(os.Args) {
		os.Exit(worker.Main(os.Args, worker.Config{New: newPlain}))
	}
	os.Exit(m.Run())
}

var importClause = regexp.MustCompile(`^import (\([^)]*\)|"[^"]*")[; \n]*`)

type plain struct {
	i        *yaegi.Interpreter
	cell     atomic.Int64
	stop     atomic.Pointer[context.CancelFunc]
	declared []string
}

func newPlain(cfg interp.Config) (interp.Evaluator, error) {
	p := &plain{}
	w := func(stderr bool) io.Writer {
		return writerFunc(func(b []byte) (int, error) { cfg.Output(int(p.cell.Load()), stderr, b); return len(b), nil })
	}
	p.i = yaegi.New(yaegi.Options{Stdout: w(false), Stderr: w(true), Unrestricted: true})
	if err := p.i.Use(stdlib.Symbols); err != nil {
		return nil, err
	}
	for _, symbols := range []yaegi.Exports{
		unrestricted.Symbols,
		{"probe/probe": {
			"Show":   reflect.ValueOf(display.Text),
			"Stderr": reflect.ValueOf(func(s string) { cfg.Output(int(p.cell.Load()), true, []byte(s)) }),
		}},
	} {
		if err := p.i.Use(symbols); err != nil {
			return nil, err
		}
	}
	return p, nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *plain) In(cell int, fn func()) *interp.Error { fn(); return nil }

func (p *plain) Locked() []string { return nil }

func (p *plain) Eval(c interp.Cell) (o interp.Outcome) {
	p.cell.Store(int64(c.Count))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.stop.Store(&cancel)
	// As package core does it.
	pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels("spindle_cell", strconv.Itoa(c.Count))))
	if c.Source == "hang" { // busy, as in a native call
		for spin := 0; ; spin++ {
			_ = spin
		}
	}
	// Plain yaegi takes declarations and statements apart only.
	var v reflect.Value
	var err error
	rest := c.Source
	for m := importClause.FindString(rest); m != "" && err == nil; m = importClause.FindString(rest) {
		_, err = p.i.EvalWithContext(ctx, strings.TrimRight(m, "; \n"))
		rest = rest[len(m):]
	}
	for _, part := range strings.Split(rest, "\n") {
		if err == nil && part != "" {
			v, err = p.i.EvalWithContext(ctx, part)
		}
	}
	_, notExpr := parser.ParseExpr(rest)
	switch {
	case errors.Is(err, context.Canceled):
		return interp.Outcome{Err: &interp.Error{Name: "interrupted", Value: "interrupted"}}
	case err != nil:
		return interp.Outcome{Err: &interp.Error{Name: "error", Value: err.Error()}}
	}
	if strings.HasPrefix(c.Source, "var ") || strings.HasPrefix(c.Source, "func ") {
		p.declared = append(p.declared, c.Source)
	}
	if notExpr == nil && v.IsValid() && v.CanInterface() && !c.Silent {
		o.Value = &display.Bundle{Data: map[string]any{"text/plain": fmt.Sprint(v.Interface())}}
	}
	return o
}

func (p *plain) Interrupt() {
	if stop := p.stop.Load(); stop != nil {
		(*stop)()
	}
}

func (p *plain) TimersPending() bool { return true }

func (p *plain) CellOf() int { return int(p.cell.Load()) }
func (p *plain) Declarations() (all []interp.Declaration) {
	for _, d := range p.declared {
		all = append(all, interp.Declaration{Source: d})
	}
	return all
}

func (p *plain) Program() (string, error) { return strings.Join(p.declared, "\n"), nil }
