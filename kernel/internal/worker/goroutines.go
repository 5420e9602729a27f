package worker

import (
	"runtime"

	"spindle/kernel/internal/trace"
)

// tracebacks lists every goroutine, or none where there are more than most.
// It stops the world for as long as that takes.
func tracebacks(most int) []trace.Goroutine {
	if runtime.NumGoroutine() > most {
		return nil
	}
	for size := 64 << 10; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= 256<<20 {
			return trace.Parse(string(buf[:n]))
		}
	}
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
