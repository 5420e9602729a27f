package core

import (
	"context"
	"math"
	"testing"
	"time"
)

func TestTimersPending(t *testing.T) {
	reset := func() { lastFire.Store(0); repeats.Store(false) }
	t.Cleanup(reset)
	s := TimerSymbols()
	if TimersPending() {
		t.Error("none was made")
	}
	s["time"]["After"].Interface().(func(time.Duration) <-chan time.Time)(10 * time.Millisecond)
	for began := time.Now(); TimersPending(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("a timer that has fired is pending")
		}
	}
	for name, makes := range map[string]func(){
		"After, for a second": func() { s["time"]["After"].Interface().(func(time.Duration) <-chan time.Time)(time.Second) },
		"NewTimer, for ever": func() {
			s["time"]["NewTimer"].Interface().(func(time.Duration) *time.Timer)(math.MaxInt64)
		},
		"AfterFunc, at once": func() {
			s["time"]["AfterFunc"].Interface().(func(time.Duration, func()) *time.Timer)(-1, func() {})
		},
		"WithDeadline": func() {
			_, cancel := s["context"]["WithDeadline"].Interface().(func(context.Context, time.Time) (context.Context, context.CancelFunc))(context.Background(), time.Now().Add(time.Hour))
			cancel()
		},
		"NewTicker": func() { s["time"]["NewTicker"].Interface().(func(time.Duration) *time.Ticker)(time.Hour).Stop() },
	} {
		reset()
		if makes(); !TimersPending() {
			t.Errorf("%s: nothing is pending", name)
		}
	}
}
