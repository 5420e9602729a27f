package interp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// An interrupt ends what the cell runs, whether loops or functions that call
// each other, and what is deferred still runs to its end.
func TestInterrupt(t *testing.T) {
	i, err := New(Config{Output: func(int, bool, []byte) {}})
	if err != nil {
		t.Fatal(err)
	}
	eval := func(n int, src string) Outcome { return i.Eval(Cell{Count: n, Source: src}) }
	if o := eval(1, "cleaned := 0\nfunc fib(n int) int {\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn fib(n-1) + fib(n-2)\n}"); o.Err != nil {
		t.Fatal(o.Err)
	}
	for n, src := range []string{
		"for {\n}",
		"fib(80)",
		"func() {\n\tdefer func() { cleaned += fib(10) }()\n\tfib(80)\n}()",
		"go fib(80)\nfib(80)",
	} {
		done := make(chan Outcome, 1)
		go func() { done <- eval(n+2, src) }()
		time.Sleep(50 * time.Millisecond)
		i.Interrupt()
		select {
		case o := <-done:
			if o.Err == nil || o.Err.Name != "interrupted" {
				t.Errorf("%s: %+v", src, o.Err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: does not stop", src)
		}
	}
	if o := eval(100, "cleaned"); o.Value == nil || fmt.Sprint(o.Value.Data["text/plain"]) != "55" {
		t.Errorf("the deferred function did not run to its end: %+v", o)
	}
}

// A cell that is left where it waits, for it was interrupted there, ends when
// it wakes up, whatever other cells have run meanwhile.
func TestLeftCellEnds(t *testing.T) {
	on := make(chan bool, 10)
	i, err := New(Config{Output: func(int, bool, []byte) { on <- true }})
	if err != nil {
		t.Fatal(err)
	}
	eval := func(n int, src string) Outcome { return i.Eval(Cell{Count: n, Source: src}) }
	if o := eval(1, "wake := make(chan int)\nturns := 0"); o.Err != nil {
		t.Fatal(o.Err)
	}
	left := make(chan Outcome, 1)
	go func() { left <- eval(2, "print(\"on\")\nfor range wake {\n\tturns++\n}") }()
	<-on
	i.Interrupt()
	// The worker would give the session back to other cells now.
	if o := eval(3, "for range 1000 {\n\tturns += 0\n}\nwake <- 1"); o.Err != nil {
		t.Error(o.Err)
	}
	select {
	case o := <-left:
		if o.Err == nil || o.Err.Name != "interrupted" {
			t.Errorf("%+v", o.Err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the cell goes on")
	}
	// Its end takes nothing from others: the next interrupt works.
	done := make(chan Outcome, 1)
	go func() { done <- eval(4, "print(\"on\")\nfor {\n}") }()
	<-on
	i.Interrupt()
	if o := <-done; o.Err == nil || !strings.Contains(o.Err.Name, "interrupted") {
		t.Errorf("%+v", o.Err)
	}
}
