package worker

import (
	"runtime"
	"strconv"
	"strings"
	"time"

	"spindle/kernel/internal/trace"
)

// tracebacks lists every goroutine, or none where there are more than most.
// It stops the world for as long as that takes.
func tracebacks(most int) []trace.Goroutine {
	if runtime.NumGoroutine() > most {
		return nil
	}
	// Each try walks all stacks, also where it runs out of room: one should do.
	for size := 64<<10 + runtime.NumGoroutine()*8<<10; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= 256<<20 {
			return trace.Parse(string(buf[:n]))
		}
	}
}

// sighting is what a goroutine was doing when it was seen, each time since.
type sighting struct {
	doing string
	since time.Time
}

// learners lists the goroutines of cells, each with how long it has been seen
// doing the same.
func (w *Worker) learners() []trace.Goroutine {
	now := time.Now()
	var mine []trace.Goroutine
	all := tracebacks(mostGoroutines)
	w.seenMu.Lock()
	defer w.seenMu.Unlock()
	seen := make(map[uint64]sighting)
	for _, g := range all {
		if g.Cell == 0 {
			continue
		}
		s := sighting{doing(g), now}
		if before, ok := w.seen[g.ID]; ok && before.doing == s.doing {
			s.since = before.since
		}
		seen[g.ID] = s
		g.SeenFor = now.Sub(s.since)
		mine = append(mine, g)
	}
	w.seen = seen
	return mine
}

// doing is a goroutine's state and where it stands.
func doing(g trace.Goroutine) string {
	var b strings.Builder
	b.WriteString(g.State)
	for _, p := range g.Places {
		b.WriteString(" " + strconv.Itoa(p.Cell) + ":" + strconv.Itoa(p.Line))
	}
	return b.String()
}

// asleep tells whether only another goroutine can wake one in this state.
func asleep(state string) bool {
	switch state {
	case "chan receive", "chan send", "chan receive (nil chan)", "chan send (nil chan)",
		"select", "select (no cases)", "semacquire", "sync.Cond.Wait", "sync.Mutex.Lock",
		"sync.RWMutex.Lock", "sync.RWMutex.RLock", "sync.WaitGroup.Wait":
		return true
	}
	return false
}
