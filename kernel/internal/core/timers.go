package core

import (
	"context"
	"math"
	"reflect"
	"sync/atomic"
	"time"
)

// Timers are what wakes a goroutine that tracebacks show asleep for good. Go's
// runtime has a list of them that nobody else can see, so here those that cells
// make are noted: when the last one fires, and whether one fires again.
var (
	began    = time.Now()
	lastFire atomic.Int64 // nanoseconds after began
	repeats  atomic.Bool
)

// TimerSymbols are the functions of the standard library that make timers, by
// package, each noting what it makes.
func TimerSymbols() map[string]map[string]reflect.Value {
	return map[string]map[string]reflect.Value{
		"time": {
			"After":     reflect.ValueOf(func(d time.Duration) <-chan time.Time { note(d); return time.After(d) }),
			"NewTimer":  reflect.ValueOf(func(d time.Duration) *time.Timer { note(d); return time.NewTimer(d) }),
			"AfterFunc": reflect.ValueOf(func(d time.Duration, f func()) *time.Timer { note(d); return time.AfterFunc(d, f) }),
			"Tick":      reflect.ValueOf(func(d time.Duration) <-chan time.Time { repeats.Store(true); return time.Tick(d) }),
			"NewTicker": reflect.ValueOf(func(d time.Duration) *time.Ticker { repeats.Store(true); return time.NewTicker(d) }),
		},
		"context": {
			"WithTimeout": reflect.ValueOf(func(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
				note(d)
				return context.WithTimeout(parent, d)
			}),
			"WithTimeoutCause": reflect.ValueOf(func(parent context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
				note(d)
				return context.WithTimeoutCause(parent, d, cause)
			}),
			"WithDeadline": reflect.ValueOf(func(parent context.Context, t time.Time) (context.Context, context.CancelFunc) {
				note(time.Until(t))
				return context.WithDeadline(parent, t)
			}),
			"WithDeadlineCause": reflect.ValueOf(func(parent context.Context, t time.Time, cause error) (context.Context, context.CancelFunc) {
				note(time.Until(t))
				return context.WithDeadlineCause(parent, t, cause)
			}),
		},
	}
}

// note notes a timer that fires once, after d.
func note(d time.Duration) {
	at := time.Since(began)
	if d > 0 {
		at += d
	}
	if at < 0 { // a time.Duration holds no more
		at = math.MaxInt64
	}
	for {
		last := lastFire.Load()
		if int64(at) <= last || lastFire.CompareAndSwap(last, int64(at)) {
			return
		}
	}
}

// fireTime is how late a timer may fire, and what it wakes begin, on a machine
// that is busy with other things.
const fireTime = time.Second

// TimersPending tells whether a timer that a cell has made may still fire. One
// that was stopped counts, too; one that was set anew (Reset) does not.
func TimersPending() bool {
	last := lastFire.Load()
	return repeats.Load() || last > 0 && (last > math.MaxInt64-int64(fireTime) || time.Since(began) < time.Duration(last)+fireTime)
}
