package worker

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"spindle/kernel/internal/frames"
)

// leaveTime is what goroutines that are just ending, and locks that are just
// being used, get before they count as left behind.
const leaveTime = 2 * time.Millisecond

// noteLeft tells, quietly, what a cell that went well has left behind:
// goroutines, and what they do, and locks that are held. It may be meant so,
// and it may be the leak that the learner is looking for.
func (w *Worker) noteLeft(cell int) {
	n := w.goroutinesOf(cell)
	locked := w.newlyLocked()
	if n == 0 && len(locked) == 0 {
		return
	}
	if w.liveCells() != nil { // somebody may be about to let go
		time.Sleep(leaveTime)
		n = w.goroutinesOf(cell)
		now := w.eval.Locked()
		locked = slices.DeleteFunc(locked, func(name string) bool { return !slices.Contains(now, name) })
	}
	w.locked = append(w.locked, locked...)
	var notes []string
	if n > 0 {
		notes = append(notes, w.leftGoroutines(cell, n))
	}
	if len(locked) > 0 {
		verb := " is locked"
		if len(locked) > 1 {
			verb = " are locked"
		}
		note := strings.Join(locked, ", ") + verb + ": the cell has ended without unlocking"
		if w.liveCells() != nil {
			note = strings.Join(locked, ", ") + verb + ", by this cell or by a goroutine that goes on"
		}
		notes = append(notes, note+".")
	}
	if len(notes) > 0 {
		w.show(frames.ShowBody{Cell: cell, Note: strings.Join(notes, "\n")})
	}
}

func (w *Worker) goroutinesOf(cell int) int64 {
	if n, ok := w.live.Load(cell); ok {
		return n.(*atomic.Int64).Load()
	}
	return 0
}

// newlyLocked lists the variables that are locked and were not when it was
// last told so. Called with evalMu held, which guards locked.
func (w *Worker) newlyLocked() []string {
	now := w.eval.Locked()
	w.locked = slices.DeleteFunc(w.locked, func(name string) bool { return !slices.Contains(now, name) })
	return slices.DeleteFunc(now, func(name string) bool { return slices.Contains(w.locked, name) })
}

// leftGoroutines says what the n goroutines that a cell left behind do.
func (w *Worker) leftGoroutines(cell int, n int64) string {
	text := plural(int(n), "goroutine") + " of this cell go on"
	if n == 1 {
		text = "1 goroutine of this cell goes on"
	}
	states := map[string]int{}
	for _, g := range w.learners() {
		if g.Cell == cell && g.Site != "" {
			states[g.State]++
			n--
		}
	}
	if n > 0 { // not seen yet under its own name: it has not had its first turn
		states["runnable"] += int(n)
	}
	var parts []string
	for state, k := range states {
		switch state {
		case "select (no cases)", "chan receive (nil chan)", "chan send (nil chan)":
			state += ", for good"
		}
		parts = append(parts, fmt.Sprintf("%d [%s]", k, state))
	}
	sort.Strings(parts)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text + ". %goroutines shows where."
}
