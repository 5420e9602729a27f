package lab

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// forkJoinItems is how many numbers runForkJoin sums.
const forkJoinItems = 1 << 18

// runForkJoin is F1, F2 and F3.
func runForkJoin(b *bench, p ForkJoinParams) error {
	procs, cutoffs, serial, samples := p.Procs, p.Cutoffs, p.Serial, max(10, defaulted(p.Samples, 10))
	cpus := runtime.NumCPU()
	if procs == nil {
		for k := 1; k < cpus; k *= 2 {
			procs = append(procs, k)
		}
		procs = append(procs, cpus, 2*cpus)
	}
	if cutoffs == nil {
		cutoffs = []int{16, 64, 256, 1024, 4096, 16_384, 65_536, forkJoinItems}
	}
	if serial == nil {
		serial = []float64{0, 0.25, 0.5}
	}
	for _, P := range procs {
		if P < 1 || P > 256 {
			return fmt.Errorf("procs: %d is not in 1…256", P)
		}
	}
	for _, c := range cutoffs {
		if c < 2 || c > forkJoinItems {
			return fmt.Errorf("cut-off: %d is not in 2…%d", c, forkJoinItems)
		}
	}
	for _, f := range serial {
		if f < 0 || f > 1 {
			return fmt.Errorf("serial share: %g is not in 0…1", f)
		}
	}
	quiet()
	total, done := len(procs)*len(serial)+len(cutoffs), 0

	// Who runs: a parent, its children, and the moment when all are joined.
	family, err := familyOf(8)
	if err != nil {
		return err
	}
	b.fact("children forked", "%d", family.children)
	b.fact("children that ran at the same time as another", "%d of %d", family.overlapping, family.children)
	b.fact("children started and not yet ended, at most", "%d", family.most)
	b.fact("sum joined by WaitGroup", "%d", family.byWaitGroup)
	b.fact("sum joined by channel", "%d", family.byChannel)
	b.fact("sum without children", "%d", family.plain)
	b.fact("children that had ended when the parent went on", "%d by WaitGroup, %d by channel", family.endedWaitGroup, family.endedChannel)

	// GOMAXPROCS beside Amdahl's law.
	before := runtime.GOMAXPROCS(0)
	rounds := spinRounds(6 * time.Millisecond)
	for _, f := range serial {
		times := make([][]float64, len(procs))
		for s := range samples + 1 {
			for i, P := range procs {
				runtime.GOMAXPROCS(P)
				d := amdahlJob(rounds, f, 4*max(P, cpus))
				if s > 0 {
					times[i] = append(times[i], float64(d.Nanoseconds()))
				}
			}
		}
		one := Samples{Values: times[0]}.Summary().Median * float64(procs[0])
		name := percent(f) + " serial"
		for i, P := range procs {
			var speedup []float64
			for _, t := range times[i] {
				speedup = append(speedup, one/t)
			}
			b.addAt(fmt.Sprintf("forkjoin/speedup-%g", f), "how many times as fast as on one P", name, "", "P", float64(P), speedup...)
			usable := float64(min(P, cpus))
			b.addAt(fmt.Sprintf("forkjoin/amdahl-%g", f), "how many times as fast as on one P", "Amdahl: "+name, "", "P", float64(P), 1/(f+(1-f)/usable))
			done++
			b.progress(done, total, "%s, P = %d", name, P)
		}
	}
	runtime.GOMAXPROCS(before)

	// The cut-off.
	numbers := make([]int, forkJoinItems)
	want := 0
	for i := range numbers {
		numbers[i] = i % 7
		want += numbers[i]
	}
	right := 0
	for _, c := range cutoffs {
		var took []float64
		for s := range samples + 1 {
			t := time.Now()
			got := splitSum(numbers, c)
			if d := time.Since(t); s > 0 {
				took = append(took, float64(d.Nanoseconds()))
				if got == want {
					right++
				}
			}
		}
		runtime.GC()
		b.addAt("forkjoin/cutoff", "time of a sum that is split in halves, each a goroutine", "sum of "+group(forkJoinItems), "ns", "not split below", float64(c), took...)
		done++
		b.progress(done, total, "not split below %d", c)
	}
	b.fact("right sums", "%d of %d", right, len(cutoffs)*samples)
	b.note("Amdahl's law is drawn for the CPUs that there are (%d): more Ps than CPUs add nothing to compute with.", cpus)
	return nil
}

// family is what was seen of a parent and its children.
type family struct {
	children, overlapping, most   int
	byWaitGroup, byChannel, plain int
	endedWaitGroup, endedChannel  int
}

// familyOf forks n children, joins them both ways, and sees who ran when.
func familyOf(n int) (f family, err error) {
	type span struct{ from, to int64 }
	f.children = n
	spans := make([]span, n)
	var alive, most, ended atomic.Int64
	rounds := spinRounds(2 * time.Millisecond)
	work := func(i int) int {
		for k, m := alive.Add(1), most.Load(); k > m && !most.CompareAndSwap(m, k); m = most.Load() {
		}
		from := now()
		sink.Add(spin(rounds))
		time.Sleep(time.Millisecond) // all are under way together even on one CPU
		spans[i] = span{from, now()}
		alive.Add(-1)
		ended.Add(1)
		return i + 1
	}
	for i := range n {
		f.plain += i + 1
	}
	results := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { results[i] = work(i) })
	}
	wg.Wait()
	f.endedWaitGroup = int(ended.Load())
	f.byWaitGroup = sum(results)
	f.most = int(most.Load())
	for i, s := range spans {
		if slices.ContainsFunc(spans, func(o span) bool { return o != spans[i] && o.from < s.to && s.from < o.to }) {
			f.overlapping++
		}
	}
	ended.Store(0)
	c := make(chan int)
	for i := range n {
		go func() { c <- work(i) }()
	}
	for range n {
		f.byChannel += <-c
	}
	f.endedChannel = int(ended.Load())
	return f, nil
}

// amdahlJob computes rounds, of which the share serial by the parent alone
// and the rest by children.
func amdahlJob(rounds int, serial float64, children int) time.Duration {
	began := time.Now()
	alone := int(serial * float64(rounds))
	sink.Add(spin(max(1, alone)))
	var wg sync.WaitGroup
	each := (rounds - alone) / children
	for range children {
		wg.Go(func() { sink.Add(spin(max(1, each))) })
	}
	wg.Wait()
	return time.Since(began)
}

// splitSum sums by halves, each half in a goroutine, down to the cut-off.
func splitSum(v []int, cutoff int) int {
	if len(v) <= cutoff {
		return sum(v)
	}
	var left int
	var wg sync.WaitGroup
	wg.Go(func() { left = splitSum(v[:len(v)/2], cutoff) })
	right := splitSum(v[len(v)/2:], cutoff)
	wg.Wait()
	return left + right
}
