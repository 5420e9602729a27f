package core

import (
	"context"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
)

// Which cells are asked to stop. One that was left where it waits stays asked:
// should its goroutine wake up, it is to end there and not to go on.
var (
	halts  sync.Map     // cell → *halt
	halted atomic.Int64 // how many there are
	// fresh is the cell that was asked last, until another one begins; 0 is none.
	fresh atomic.Int64
	// calm is the label set of the running cell's own goroutine while that cell
	// is not asked: its loops should not pay for a cell that was left.
	calm atomic.Uintptr
)

// halt is the request to one cell.
type halt struct {
	begun atomic.Bool // a call has ended the cell; loops still do
}

// Interrupted is the value of the panic that ends an interrupted cell.
type Interrupted struct{}

func (Interrupted) Error() string { return "interrupted" }

// NewInterrupted is the panic that ends it.
func NewInterrupted() *Panicking { return &Panicking{Value: Interrupted{}} }

// Interrupt asks the loops and calls of a cell to end it. It may come before
// Enter.
func Interrupt(cell int) {
	if _, again := halts.LoadOrStore(cell, &halt{}); !again {
		halted.Add(1)
	}
	calm.Store(0)
	fresh.Store(int64(cell))
}

// Ended takes the request back: the cell's own goroutine has ended.
func Ended(cell int) {
	if _, asked := halts.LoadAndDelete(cell); asked {
		halted.Add(-1)
	}
	fresh.CompareAndSwap(int64(cell), 0)
}

// Enter makes the calling goroutine cell's own; the result undoes it.
func Enter(cell int) (leave func()) {
	label(cell, Site{})
	if f := fresh.Load(); f != int64(cell) {
		fresh.CompareAndSwap(f, 0)
	}
	calm.Store(uintptr(profLabel()))
	if _, asked := halts.Load(cell); asked {
		calm.Store(0)
	}
	return func() { pprof.SetGoroutineLabels(context.Background()) }
}

// Poll is called once in each turn of every loop.
func Poll() {
	if Stopped() {
		panic(NewInterrupted())
	}
}

// Stopping tells whether any cell is asked to stop; it costs next to nothing.
func Stopping() bool { return halted.Load() != 0 }

// Stopped tells whether the calling goroutine's cell is asked to stop.
func Stopped() bool {
	if halted.Load() == 0 || uintptr(profLabel()) == calm.Load() {
		return false
	}
	if _, asked := halts.Load(CellOf()); asked {
		return true
	}
	if fresh.Load() != 0 {
		// A hundred busy goroutines of earlier cells would keep the processors
		// from the one that has yet to see that it is asked.
		runtime.Gosched()
	}
	return false
}

// StoppedAtCall is Stopped for the cell's own goroutine where it calls a
// function, for functions may call each other without a loop. It says so once:
// what deferred functions call is then to run.
func StoppedAtCall() bool {
	if halted.Load() == 0 || uintptr(profLabel()) == calm.Load() {
		return false
	}
	o := ownerOf()
	if o.site != (Site{}) {
		return false
	}
	h, asked := halts.Load(o.cell)
	return asked && h.(*halt).begun.CompareAndSwap(false, true)
}
