package worker

import (
	"fmt"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"spindle/kernel/internal/frames"
)

// leaveTime is what goroutines that are just ending get before they count as
// left behind.
const leaveTime = 2 * time.Millisecond

// noteLeft tells, quietly, that a cell which went well has left goroutines
// behind, and what they do. It may be meant so, and it may be the leak that
// the learner is looking for.
func (w *Worker) noteLeft(cell int) {
	left := func() int64 {
		if n, ok := w.live.Load(cell); ok {
			return n.(*atomic.Int64).Load()
		}
		return 0
	}
	if left() == 0 {
		return
	}
	time.Sleep(leaveTime)
	n := left()
	if n == 0 {
		return
	}
	states := map[string]int{}
	for _, g := range tracebacks(deadlockMost) {
		if g.Cell == cell && g.Site != "" {
			states[g.State]++
		}
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
	text := plural(int(n), "goroutine") + " of this cell go on"
	if n == 1 {
		text = "1 goroutine of this cell goes on"
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	w.show(frames.ShowBody{Cell: cell, Note: text + ". %goroutines shows where."})
}
