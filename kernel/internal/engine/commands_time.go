package engine

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"slices"
	"time"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/session"
)

// timed runs %time and %%time.
func timed(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	source := part.Args
	if part.Name == "%%time" {
		source = part.Body
	}
	e.lastTimes = frames.TimesBody{}
	began := time.Now()
	r := e.runGo(ctx, cell, s, source)
	t := e.lastTimes
	if t.WallNanos == 0 { // a program of its own
		s.remark("Took " + short(time.Since(began)) + ", building included.")
		return r
	}
	s.remark(fmt.Sprintf("Took %s; processor time %s user, %s system. Interpreted code is for behaviour: %%%%go bench measures.",
		short(time.Duration(t.WallNanos)), short(time.Duration(t.UserNanos)), short(time.Duration(t.SystemNanos))))
	return r
}

// Bounds of %timeit.
const (
	timeitEnough = 100 * time.Millisecond // one run is at least this long
	timeitRuns   = 7
	timeitMost   = 1 << 30 // turns of the loop
)

func timeit(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	statement := part.Args
	if x, err := parser.ParseExpr(statement); err == nil {
		if _, call := x.(*ast.CallExpr); !call {
			statement = "_ = " + statement
		}
	}
	run := func(n int) (time.Duration, session.Result) {
		r := e.runCell(ctx, cell, s, frames.ExecuteBody{
			Source: fmt.Sprintf("for range %d { %s }", n, statement), Silent: true,
		})
		return time.Duration(e.lastTimes.WallNanos), r
	}
	n := 1
	for {
		took, r := run(n)
		if r.Err != nil {
			return r
		}
		if took >= timeitEnough || n >= timeitMost {
			break
		}
		// Aim a little beyond, and never more than a hundredfold at once.
		next := int(float64(n) * 1.2 * float64(timeitEnough) / float64(max(took, time.Microsecond)))
		n = min(max(next, n+1), 100*n)
	}
	var each []float64
	for range timeitRuns {
		took, r := run(n)
		if r.Err != nil {
			return r
		}
		each = append(each, float64(took)/float64(n))
	}
	slices.Sort(each)
	at := func(i int) string { return short(time.Duration(each[i])) }
	s.remark(fmt.Sprintf("%s a turn (median of %d runs of %d turns; least %s, most %s). Interpreted: compiled code may be hundreds of times faster, and %%%%go bench measures it.",
		at(len(each)/2), len(each), n, at(0), at(len(each)-1)))
	return session.Result{}
}

// short is a duration with three significant digits.
func short(d time.Duration) string {
	for unit := time.Duration(1); unit < time.Hour; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.Round(time.Second).String()
}
