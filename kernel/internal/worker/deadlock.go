package worker

import (
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/trace"
)

// Go's runtime calls a deadlock when no goroutine can run and no timer is
// pending (runtime/proc.go, checkdead). It never does so here, where the
// worker's own goroutines wait for the engine, so the worker looks itself.
const (
	deadlockFirst = 150 * time.Millisecond // after the cell began
	deadlockEvery = 100 * time.Millisecond
	// mostGoroutines bounds what is looked at: more would cost too much.
	mostGoroutines = 20_000
)

// wakers are what can wake a sleeping goroutine from outside without being a
// goroutine that tracebacks show, or a timer that package core has noted. Once
// a session has used one it is no longer sure that a sleep is for ever.
var wakers = regexp.MustCompile(`\.Reset\b|\bsignal\.|\bsyscall\.|\bunix\.|\bhttp\.|\bnet\.|\bsynctest\.`)

// watchDeadlock ends r with Go's words when all the learner's goroutines are
// asleep. It returns when r is over.
func (w *Worker) watchDeadlock(r *run, source string) {
	if wakers.MatchString(source) {
		w.wakers.Store(true)
	}
	var before []uint64
	used := processorTime()
	for wait := deadlockFirst; ; {
		select {
		case <-r.over:
			return
		case <-time.After(wait):
		}
		// Somebody who computes is not asleep, and looking at thousands of
		// goroutines stops them all for a second.
		busy := processorTime()-used > wait/20
		used, wait = processorTime(), deadlockEvery
		if busy {
			before = nil
			continue
		}
		if w.wakers.Load() || len(w.comms.Cells()) > 0 { // a message may wake it
			return
		}
		if w.eval.TimersPending() {
			before = nil
			continue
		}
		began := time.Now()
		sleeping, ok := w.sleepers(r)
		wait = max(deadlockEvery, 10*time.Since(began))
		used = processorTime()
		if !ok {
			before = nil
			continue
		}
		ids := make([]uint64, len(sleeping))
		for i, g := range sleeping {
			ids[i] = g.ID
		}
		slices.Sort(ids)
		// Twice the same, or somebody was just between two channels.
		if before == nil || !slices.Equal(ids, before) {
			before = ids
			continue
		}
		w.abandon(r, w.deadlock(sleeping))
		return
	}
}

// outlived waits for the goroutines of a program whose main called
// runtime.Goexit, and says how the program ends then. What wakes them must be
// one of them: a timer of AfterFunc, say, is not waited for.
func (w *Worker) outlived(r *run) *frames.ErrorBody {
	main := r.goroutine.Load()
	for idle := 0; !r.asked.Load(); time.Sleep(20 * time.Millisecond) {
		others := slices.DeleteFunc(tracebacks(mostGoroutines), func(g trace.Goroutine) bool { return g.Cell == 0 || g.ID == main })
		if len(others) == 0 && runtime.NumGoroutine() < mostGoroutines {
			const words = "no goroutines (main called runtime.Goexit) - deadlock!"
			return &frames.ErrorBody{Name: "fatal error", Value: words, Traceback: []string{"fatal error: " + words}}
		}
		if slices.ContainsFunc(others, mayGoOn) || w.wakers.Load() {
			idle = 0
		} else if idle++; idle == 10 {
			return w.deadlock(others)
		}
	}
	return &frames.ErrorBody{Name: "interrupted", Value: "interrupted"}
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	t := timesNow()
	return time.Duration(t.use.Utime.Nano() + t.use.Stime.Nano())
}

// sleepers returns the learner's goroutines, and whether all are asleep.
func (w *Worker) sleepers(r *run) ([]trace.Goroutine, bool) {
	all := tracebacks(mostGoroutines)
	var learners []trace.Goroutine
	seen := false
	for _, g := range all {
		main := g.ID == r.goroutine.Load()
		if g.Cell == 0 && !main {
			continue
		}
		seen = seen || main
		if mayGoOn(g) {
			return nil, false
		}
		learners = append(learners, g)
	}
	return learners, seen
}

// mayGoOn tells whether a goroutine can go on without another one's help.
func mayGoOn(g trace.Goroutine) bool {
	return !asleep(g.State) || slices.ContainsFunc(g.Functions, wakeable)
}

// wakeable tells whether a function waits for something outside the learner's
// goroutines: the worker's own conversation with the engine, timers, processes.
func wakeable(function string) bool {
	for _, p := range []string{
		"spindle/kernel/internal/worker.(*Worker).show", "spindle/lessons/", "time.Sleep", // compiled lessons wait with timers of their own
		"os/exec.", "os/signal.", "net.", "net/http.", "os.(*Process)",
	} {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

func (w *Worker) deadlock(sleeping []trace.Goroutine) *frames.ErrorBody {
	e := &frames.ErrorBody{Name: "fatal error", Value: "all goroutines are asleep - deadlock!"}
	e.Traceback = append(e.Traceback, "fatal error: "+e.Value)
	const most = 20
	for i, g := range sleeping {
		if i == most {
			e.Traceback = append(e.Traceback, "", "… and "+plural(len(sleeping)-most, "more goroutine"))
			break
		}
		e.Traceback = append(e.Traceback, "")
		e.Traceback = append(e.Traceback, g.Lines(nil)...)
	}
	e.Traceback = append(e.Traceback, "",
		"In a program of its own Go would end the process here. Nothing was lost: values are kept, and the goroutines stay asleep.")
	return e
}
