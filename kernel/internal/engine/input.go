package engine

import (
	"context"
	"time"
)

// inputEvery is how often a running cell is looked at for a read of its input.
const (
	inputEvery = 25 * time.Millisecond
	scanEvery  = 150 * time.Millisecond // for reads of its children
)

// watchInput answers the reads of standard input of x: whatever reads there,
// fmt.Scan, bufio, a child process, is seen waiting in the system call, and
// the front end is asked for a line. It returns when ctx is done.
func (e *Engine) watchInput(ctx context.Context, x *execution, allowed bool) {
	t := x.term
	if t == nil {
		return
	}
	var rest []byte
	tick := time.NewTicker(inputEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			// A read that is still there would take the next cell's line.
			if why := x.reason.Load(); why != nil && e.reads(x) {
				_ = t.EndOfFile()
			}
			return
		}
		if !e.reads(x) {
			continue
		}
		if len(rest) == 0 {
			if !allowed {
				_ = t.EndOfFile()
				continue
			}
			line, err := x.sink.out.Input(ctx, "", t.Secret())
			if err != nil {
				_ = t.EndOfFile()
				if ctx.Err() == nil {
					allowed = false
				}
				continue
			}
			rest = append([]byte(line), '\n')
		}
		rest, _ = t.Type(rest)
	}
}

// reads tells whether x's process or one that it started waits for input.
func (e *Engine) reads(x *execution) bool {
	if x.term.Waiting(x.pid) {
		return true
	}
	// Listing all processes is dear: less often.
	if time.Now().Before(x.nextScan) {
		return false
	}
	x.nextScan = time.Now().Add(scanEvery)
	for _, i := range e.family(anyProcess) {
		if x.term.Waiting(i.PID) {
			return true
		}
	}
	return false
}
