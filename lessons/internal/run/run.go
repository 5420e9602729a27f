// Package run executes a notebook on a kernel and keeps what it showed, as
// nbclient does: streams merged, displays updated by their id, outputs cleared.
package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"spindle/lessons/internal/notebook"
)

// Kernel runs code. The runner's real one is a process of its own, reached
// over its sockets.
type Kernel interface {
	// Execute runs code and returns once the kernel has replied and is idle
	// again. Every message that belongs to this request goes to on, in order,
	// from one goroutine, before Execute returns; later ones (of goroutines
	// the cell started) still do until the kernel is closed, as that
	// goroutine comes by them during later Executes.
	Execute(ctx context.Context, code, cellID string, on func(Message)) (Reply, error)
	// Interrupt asks the kernel to end the running cell.
	Interrupt(ctx context.Context) error
}

// Reply is the execute_reply: status is "ok", "error" or "aborted".
type Reply struct {
	Status        string
	Count         int
	EName, EValue string
	Traceback     []string
}

// Options says how to run.
type Options struct {
	// Timeout is for each cell; 0 is none.
	Timeout time.Duration
	// KeepGoing runs the cells after one that failed.
	KeepGoing bool
	// Began is called before each cell, with its number among the code cells
	// (from 1) and theirs in all. May be nil.
	Began func(i, of int, cell *notebook.Cell)
}

// CellError is a cell that failed.
type CellError struct {
	Index     int // among all cells of the notebook, from 1
	Cell      *notebook.Cell
	EName     string
	EValue    string
	Traceback []string
}

func (e *CellError) Error() string {
	return fmt.Sprintf("cell %d (%s): %s: %s", e.Index, e.Cell.ID, e.EName, e.EValue)
}

// TimeoutError is a cell that ran longer than it may. The kernel was asked to
// interrupt it; Ended tells whether it did.
type TimeoutError struct {
	Index int
	Cell  *notebook.Cell
	After time.Duration
	Ended bool
}

func (e *TimeoutError) Error() string {
	how := "it was interrupted"
	if !e.Ended {
		how = "it didn't stop when interrupted"
	}
	return fmt.Sprintf("cell %d (%s) ran longer than %v; %s", e.Index, e.Cell.ID, e.After, how)
}

// KernelError is a kernel that is gone, or no longer to be understood.
type KernelError struct {
	Index int
	Cell  *notebook.Cell
	Err   error
}

func (e *KernelError) Error() string {
	return fmt.Sprintf("cell %d (%s): the kernel failed: %v", e.Index, e.Cell.ID, e.Err)
}

func (e *KernelError) Unwrap() error { return e.Err }

// stopGrace is how long a cell that was interrupted has to end: the kernel
// asks first, then ends its worker and starts another.
const stopGrace = 10 * time.Second

// Notebook executes n on k in place: old outputs go, new ones come. Cells
// that were not reached are left without outputs.
//
// The error joins a *CellError, *TimeoutError or *KernelError for each failed
// cell, or is ctx's error where the run was interrupted. n holds in every case
// what was executed. A cell tagged raises-exception may fail.
func Notebook(ctx context.Context, k Kernel, n *notebook.Notebook, o Options) error {
	n.Strip()
	r := runner{kernel: k, options: o, collector: newCollector()}
	code := n.CodeCells()
	var failed []error
	for i, cell := range code {
		if err := ctx.Err(); err != nil {
			return err
		}
		if o.Began != nil {
			o.Began(i+1, len(code), cell)
		}
		err := r.cell(ctx, indexOf(n, cell), cell)
		var gone *KernelError
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			settleAll(code)
			return ctx.Err()
		case errors.As(err, &gone) || !o.KeepGoing:
			settleAll(code)
			return errors.Join(append(failed, err)...)
		}
		failed = append(failed, err)
	}
	settleAll(code)
	return errors.Join(failed...)
}

// settleAll comes at the end of a run, for goroutines of earlier cells go on
// printing into them.
func settleAll(cells []*notebook.Cell) {
	for _, c := range cells {
		settle(c)
	}
}

func indexOf(n *notebook.Notebook, cell *notebook.Cell) int {
	for i, c := range n.Cells {
		if c == cell {
			return i + 1
		}
	}
	return 0
}

type runner struct {
	kernel    Kernel
	options   Options
	collector *collector
}

// ended is how an execute request came out.
type ended struct {
	reply Reply
	err   error
}

// cell runs one cell and stamps it with the hash of the source that ran.
func (r *runner) cell(ctx context.Context, index int, cell *notebook.Cell) error {
	done := make(chan ended, 1)
	// The request outlives ctx and the cell's time, so that what an interrupted
	// cell printed still arrives; giveUp ends it, and this function waits for
	// its goroutine in every case.
	reqCtx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	go func() {
		reply, err := r.kernel.Execute(reqCtx, cell.Source, cell.ID, func(m Message) { r.collector.add(cell, m) })
		done <- ended{reply, err}
	}()

	var expired <-chan time.Time
	if r.options.Timeout > 0 {
		t := time.NewTimer(r.options.Timeout)
		defer t.Stop()
		expired = t.C
	}
	var e ended
	select {
	case e = <-done:
	case <-ctx.Done():
		r.stop(reqCtx, done, giveUp)
		cell.Spindle()["source_sha256"] = cell.SourceHash()
		return ctx.Err()
	case <-expired:
		timeout := &TimeoutError{Index: index, Cell: cell, After: r.options.Timeout}
		timeout.Ended = r.stop(reqCtx, done, giveUp)
		cell.Spindle()["source_sha256"] = cell.SourceHash()
		if !timeout.Ended {
			return &KernelError{Index: index, Cell: cell, Err: timeout}
		}
		return timeout
	}
	if e.err != nil {
		return &KernelError{Index: index, Cell: cell, Err: e.err}
	}
	cell.Spindle()["source_sha256"] = cell.SourceHash()
	if e.reply.Count > 0 {
		cell.ExecutionCount = e.reply.Count
	}
	if e.reply.Status == "ok" || cell.HasTag("raises-exception") {
		return nil
	}
	return &CellError{Index: index, Cell: cell, EName: e.reply.EName, EValue: e.reply.EValue, Traceback: e.reply.Traceback}
}

// stop interrupts the running cell and waits for its end, for stopGrace at
// most. It reports whether the kernel ended the cell.
func (r *runner) stop(ctx context.Context, done <-chan ended, giveUp func()) bool {
	ctx, cancel := context.WithTimeout(ctx, stopGrace)
	defer cancel()
	if err := r.kernel.Interrupt(ctx); err == nil {
		select {
		case e := <-done:
			return e.err == nil
		case <-ctx.Done():
		}
	}
	giveUp()
	<-done
	return false
}
