package lab

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// runGrowth is L2 and L1.
func runGrowth(b *bench, p GrowthParams) error {
	depths, samples := p.Depths, max(10, defaulted(p.Samples, 10))
	if depths == nil {
		depths = []int{1, 10, 100, 1000, 10_000, 100_000}
	}
	for _, d := range depths {
		if d < 1 || d > 3_000_000 {
			return fmt.Errorf("depth: %d is not in 1…3,000,000", d)
		}
	}
	quiet()
	debug.SetMaxStack(1 << 30)
	for i, d := range depths {
		var booked, used, moves, first, again []float64
		for range samples {
			g := growTo(d)
			var b float64
			if err := ask("grow", schedOrder{N: d, Tasks: min(256, max(1, int(32<<20/max(g.used, 1))))}, &b, nil); err != nil {
				return err
			}
			booked, used, moves = append(booked, b), append(used, g.used), append(moves, g.moves)
			first, again = append(first, g.firstNS), append(again, g.againNS)
		}
		const x = "calls deep"
		b.addAt("growth/stack", "a goroutine's stack at its deepest", "stack (the runtime's books)", "B", x, float64(d), booked...)
		b.addAt("growth/used", "a goroutine's stack at its deepest", "used by the calls", "B", x, float64(d), used...)
		b.addAt("growth/first", "time of a call chain, for each call", "the first time, while the stack grows", "ns", x, float64(d), first...)
		b.addAt("growth/again", "time of a call chain, for each call", "the second time, on the grown stack", "ns", x, float64(d), again...)
		b.addAt("growth/moves", "times that the stack moved to a larger place", "moves", "moves", x, float64(d), moves...)
		b.progress(i+1, len(depths), "%d calls deep", d)
	}
	var shrunk [2]float64
	// Many goroutines, since the books count small stacks in lots; and not the
	// deepest, or they would take gigabytes.
	if err := ask("shrink", schedOrder{N: min(depths[len(depths)-1], 10_000), Tasks: 64}, &shrunk, nil); err != nil {
		return err
	}
	b.add("growth/before-gc", "after the calls returned", "stack before a collection", "B", shrunk[0])
	b.add("growth/after-gc", "after the calls returned", "stack after some collections", "B", shrunk[1])
	b.note("A frame of this chain takes some hundred bytes. The stack is copied to twice the size when it is full, and halved by the garbage collector when it is mostly empty (runtime/stack.go). The books count small stacks in lots of 32 KiB, so a sample is the mean of up to 256 goroutines in a fresh process.")
	return nil
}

type grown struct {
	used             float64 // bytes
	moves            float64
	firstNS, againNS float64
}

// growTo recurses in a new goroutine, for each thing that is measured.
func growTo(depth int) (g grown) {
	inNewGoroutine(func() {
		t0 := now()
		chain(depth, nil, nil)
		t1 := now()
		chain(depth, nil, nil)
		t2 := now()
		g.firstNS, g.againNS = float64(t1-t0)/float64(depth), float64(t2-t1)/float64(depth)
	})
	inNewGoroutine(func() {
		// base must stay on the stack: the runtime mends pointers into a stack
		// that it moves, and so shows where it is now.
		base, w := 0, watch{}
		w.last = addressOf(&base)
		chain(depth, &base, &w)
		g.moves, g.used = float64(w.moves), float64(w.used)
	})
	return g
}

// playGrow lets goroutines recurse in a process where none has before, and
// tells what the runtime's books have for the stack of each: stacks that were
// used before are kept and used again.
func playGrow(p *peer) error {
	var o schedOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	quiet()
	debug.SetMaxStack(1 << 30)
	var deep sync.WaitGroup
	deep.Add(o.Tasks)
	end := make(chan struct{})
	s0 := stackInUse()
	for range o.Tasks {
		go func() {
			chain(o.N, nil, nil)
			deep.Done() // the stack stays as large until the next collection
			<-end
		}()
	}
	deep.Wait()
	booked := (stackInUse() - s0) / float64(o.Tasks)
	close(end)
	return p.send(max(0, booked))
}

func inNewGoroutine(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// watch counts how often a variable on a stack is found somewhere else.
type watch struct {
	last  uint64 // where it was seen last
	moves int
	used  uint64 // bytes from the variable down to the deepest frame
}

// chain calls itself depth times, with a frame of some hundred bytes.
//
//go:noinline
func chain(depth int, base *int, w *watch) int {
	var frame [8]int
	frame[depth%8] = depth
	if base != nil {
		if at := addressOf(base); at != w.last {
			w.last = at
			w.moves++
		}
		w.used = max(w.used, w.last-addressOf(&frame[0]))
	}
	if depth <= 1 {
		return frame[1]
	}
	return chain(depth-1, base, w) + frame[depth%8]
}

func stackInUse() float64 {
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return float64(ms.StackInuse)
}

// playShrink leaves goroutines on stacks that they no longer need, and
// collects: the mean of the stacks before and after.
func playShrink(p *peer) error {
	var o schedOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	quiet()
	const collections = 16 // a stack is halved once a collection: 2 MiB to 2 KiB
	for range collections {
		runtime.GC() // the stacks of this process's own goroutines are small from here on
	}
	var returned sync.WaitGroup
	end := make(chan struct{})
	s0 := stackInUse()
	for range o.Tasks {
		returned.Add(1)
		go func() {
			chain(o.N, nil, nil)
			returned.Done()
			<-end
		}()
	}
	returned.Wait()
	n := float64(o.Tasks)
	before := (stackInUse() - s0) / n
	for range collections {
		runtime.GC()
	}
	after := (stackInUse() - s0) / n
	close(end)
	return p.send([2]float64{max(0, before), max(0, after)})
}
