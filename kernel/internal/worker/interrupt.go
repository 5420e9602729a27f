package worker

import (
	"strings"
	"time"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/trace"
)

const (
	lookEvery = 5 * time.Millisecond // at a cell that was asked to stop and has not

	// nativeTime is the processor time that native code gets to return by
	// itself: by the clock, a busy machine would cost values that it need not.
	nativeTime = 10 * time.Millisecond
	// unseenTime is by the clock, where there are too many goroutines to look at.
	unseenTime = 25 * time.Millisecond
	// askTime is how long interpreted code may take: it stops as soon as it has
	// a processor, for which others may contend.
	askTime = 500 * time.Millisecond
	// termTime is how long a shell command may take to end in order.
	termTime = 12 * time.Millisecond
)

// ask asks r to stop. It does not wait.
func (w *Worker) ask(r *run) {
	r.asked.Store(true)
	if r.stop.Load() == nil {
		w.eval.Interrupt()
	}
}

// interrupt stops r, which was asked to: where its goroutine is parked, in a
// channel operation or a sleep, by leaving it there. A cell in native code that
// goes on is reported stuck, and the engine ends the process.
func (w *Worker) interrupt(r *run) {
	if w.cfg.Interrupted != nil {
		w.cfg.Interrupted()
	}
	var stop *func()
	asked, wasNative := timesNow(), false
	for wait := lookEvery; ; {
		if stop == nil {
			if stop = r.stop.Load(); stop != nil { // a shell command, perhaps just begun
				(*stop)()
			}
		}
		select {
		case <-r.over:
			return
		case <-time.After(wait):
		}
		looking := time.Now()
		g, found := w.cellGoroutine(r)
		if found && isParked(g.State) && stop == nil {
			w.abandon(r, &frames.ErrorBody{
				Name: "interrupted", Value: "interrupted",
				Traceback: []string{"interrupted: the cell's goroutine was left where it waits [" + g.State + "]"},
			})
			return
		}
		took := asked.until(timesNow())
		isNative := found && inNative(g)
		switch {
		case isNative && wasNative && took.UserNanos+took.SystemNanos >= nativeTime.Nanoseconds(),
			!found && stop == nil && took.WallNanos >= unseenTime.Nanoseconds(),
			took.WallNanos >= askTime.Nanoseconds():
			_ = w.out.Write(frames.Stuck, uint32(r.cell), nil)
			return
		}
		wasNative = isNative
		wait = max(lookEvery, 2*time.Since(looking)) // many goroutines take their time
	}
}

// cellGoroutine finds the goroutine that runs r; it is not looked for among
// very many.
func (w *Worker) cellGoroutine(r *run) (trace.Goroutine, bool) {
	for _, g := range tracebacks(mostGoroutines) {
		if g.ID == r.goroutine.Load() {
			return g, true
		}
	}
	return trace.Goroutine{}, false
}

// isParked tells whether a goroutine in this state waits, for whatever reason.
func isParked(state string) bool {
	return asleep(state) || state == "sleep" || state == "IO wait" || state == "syscall"
}

// inNative tells whether g runs compiled code that a cell has called, a
// library's. Interpreted code looks at each turn and call whether it is to stop.
func inNative(g trace.Goroutine) bool {
	if len(g.Places) == 0 {
		return false // the cell is being compiled
	}
	for _, f := range g.Functions {
		if strings.HasPrefix(f, "runtime.") || strings.HasPrefix(f, "internal/runtime/") {
			continue // on behalf of the one below
		}
		for _, p := range []string{"github.com/traefik/yaegi/", "spindle/kernel/internal/", "reflect."} {
			if strings.HasPrefix(f, p) {
				return false
			}
		}
		return true
	}
	return false
}
