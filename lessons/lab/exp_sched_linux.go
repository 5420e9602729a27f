package lab

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// runOneAtATime is M2.
func runOneAtATime(b *bench, p OneAtATimeParams) error {
	n, procs := defaulted(p.Goroutines, 16), p.Procs
	if procs == nil {
		procs = []int{1, 2}
	}
	if n < 2 || n > 10_000 {
		return fmt.Errorf("goroutines: %d is not in 2…10,000", n)
	}
	for i, P := range procs {
		if P < 1 || P > 64 {
			return fmt.Errorf("procs: %d is not in 1…64", P)
		}
		var share []float64
		var out bytes.Buffer
		// Without asynchronous preemption nobody is put aside between two points
		// of its own code, so that the count is exact.
		s, err := launchTraced("one at a time", schedOrder{Procs: P, Tasks: n}, "schedtrace=5,asyncpreemptoff=1", &out)
		if err != nil {
			return err
		}
		err = s.recv(&share)
		s.kill()
		if err != nil {
			return err
		}
		most := 0
		for k, v := range share {
			if v > 0.005 {
				most = k
			}
			if k > 0 {
				b.add(fmt.Sprintf("oneatatime/p%d-%d", P, k), fmt.Sprintf("share of looks, P = %d", P), fmt.Sprintf("%d executing", k), "", v)
			}
		}
		b.addAt("oneatatime/most", "goroutines seen executing at the same moment", "at most (in over 0.5 % of looks)", "", "P", float64(P), float64(most))
		var local, global []float64
		for _, l := range parseSchedTrace(out.Bytes()) {
			if l.Procs != P || len(l.Local) == 0 {
				continue
			}
			local = append(local, float64(sum(l.Local)))
			global = append(global, float64(l.Global))
		}
		if len(local) > 0 {
			b.addAt("oneatatime/local", "waiting in queues (schedtrace)", "in local queues", "", "P", float64(P), local...)
			b.addAt("oneatatime/global", "waiting in queues (schedtrace)", "in the global queue", "", "P", float64(P), global...)
		}
		b.progress(i+1, len(procs), "P = %d", P)
	}
	b.fact("goroutines that wanted to run", "%d", n)
	b.note("Asynchronous preemption is off here: nobody is put aside while it counts as executing.")
	return nil
}

func sum(vs []int) (s int) {
	for _, v := range vs {
		s += v
	}
	return s
}

// launchTraced launches a role whose runtime reports its queues to out, as
// GODEBUG says.
func launchTraced(role string, arg any, godebug string, out io.Writer) (*sub, error) {
	return launch(role, arg, launchOptions{env: []string{"GODEBUG=" + godebug}, stderr: out})
}

type schedOrder struct {
	Procs int  `json:"procs"`
	Tasks int  `json:"tasks"`
	Micro int  `json:"micro,omitempty"`
	Hand  bool `json:"hand,omitempty"`
	N     int  `json:"n,omitempty"`
}

// playOneAtATime lets goroutines compute for 150 ms and counts how many are
// at it at the same moment: share[k] of looks saw k.
func playOneAtATime(p *peer) error {
	var o schedOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	runtime.GOMAXPROCS(o.Procs)
	quiet()
	var executing atomic.Int64
	seen := make([]atomic.Int64, o.Procs+3)
	var wg sync.WaitGroup
	end := now() + 150e6
	for range o.Tasks {
		wg.Go(func() {
			for now() < end {
				k := executing.Add(1)
				seen[min(int(k), len(seen)-1)].Add(1)
				x := spin(20_000)
				executing.Add(-1)
				sink.Add(x)
				// Not Gosched: that would queue it globally. A goroutine that
				// wakes another puts it in the local queue.
				yieldLocally()
			}
		})
	}
	wg.Wait()
	total := 0.0
	for i := range seen {
		total += float64(seen[i].Load())
	}
	share := make([]float64, len(seen))
	for i := range seen {
		share[i] = float64(seen[i].Load()) / max(total, 1)
	}
	return p.send(share)
}

// yieldLocally lets the others of this P go first: a goroutine started here
// stands in the local queue, and this one waits for it.
func yieldLocally() {
	c := make(chan struct{})
	go func() { close(c) }()
	<-c
}

// runStealing is W1 to W4.
func runStealing(b *bench, p StealingParams) error {
	procs, tasks := p.Procs, defaulted(p.Tasks, 200)
	micros, samples := defaulted(p.TaskMicros, 300), max(10, defaulted(p.Samples, 10))
	if procs == nil {
		for k := 1; k <= runtime.NumCPU(); k *= 2 {
			procs = append(procs, k)
		}
		if len(procs) == 1 {
			procs = append(procs, 2)
		}
	}
	if tasks < 10 || tasks > 1_000_000 || micros < 1 || micros > 1_000_000 {
		return fmt.Errorf("tasks %d or microseconds %d out of range", tasks, micros)
	}
	most := slices.Max(procs)
	const x = "P"
	ran := 0
	for i, P := range procs {
		if P < 1 || P > 64 {
			return fmt.Errorf("procs: %d is not in 1…64", P)
		}
		var out bytes.Buffer
		s, err := launchTraced("steal", schedOrder{Procs: P, Tasks: tasks, Micro: micros, N: samples}, "schedtrace=2", &out)
		if err != nil {
			return err
		}
		var rs []stealReport
		err = s.recv(&rs)
		s.kill()
		if err != nil {
			return err
		}
		var took, hand, away, busiest []float64
		for _, r := range rs {
			ran += r.Ran
			took, hand = append(took, r.TookNS), append(hand, r.HandNS)
			away, busiest = append(away, r.Away), append(busiest, r.Busiest)
			if P == most && len(busiest) == len(rs) {
				for k, n := range r.PerThread {
					b.fact(fmt.Sprintf("P = %d, thread %d ran", P, k+1), "%d of %d tasks", n, tasks)
				}
			}
		}
		b.addAt("stealing/away", "share of tasks run on another thread than the one that started them", "stolen", "", x, float64(P), away...)
		b.addAt("stealing/busiest", "share of tasks that the busiest thread ran", "busiest", "", x, float64(P), busiest...)
		b.addAt("stealing/time", "time for all tasks", "left to the scheduler", "ns", x, float64(P), took...)
		b.addAt("stealing/hand", "time for all tasks", "dealt out by hand", "ns", x, float64(P), hand...)
		var global []float64
		alive := 0
		var example string
		for _, l := range parseSchedTrace(out.Bytes()) {
			if l.Procs != P {
				continue
			}
			global = append(global, float64(l.Global))
			busy := 0
			for _, q := range l.Local {
				if q > 0 {
					busy++
				}
			}
			if busy > 1 {
				alive++
			}
			if sum(l.Local)+l.Global > 0 && (example == "" || busy > 1) {
				example = fmt.Sprintf("global %d, local %v", l.Global, l.Local)
			}
		}
		if len(global) > 0 {
			b.fact(fmt.Sprintf("P = %d, queues in one of %d looks", P, len(global)), "%s", example)
			if P > 1 {
				b.fact(fmt.Sprintf("P = %d, looks with work in more than one local queue", P), "%d of %d", alive, len(global))
			}
			b.addAt("stealing/global", "waiting in the global queue (schedtrace), at most", fmt.Sprintf("%d tasks, for which the local one has room", tasks), "", x, float64(P), slices.Max(global))
		}
		b.progress(i, len(procs)+1, "P = %d", P)
	}
	b.fact("tasks that ran", "%d of %d", ran, tasks*samples*len(procs))
	b.note("One goroutine starts all tasks, so all begin in one queue. The local one holds 256; half of a full one goes to the global one (runtime/proc.go, runqput).")
	b.note("By hand means one goroutine for each P with its share of the work set beforehand.")
	return b.spill(most, max(3*localQueue, tasks))
}

// localQueue is how many goroutines a P's queue holds (runtime/runtime2.go).
const localQueue = 256

// spill starts more tasks than a local queue holds, and sees the global one.
func (b *bench) spill(procs, tasks int) error {
	const samples = 4
	var out bytes.Buffer
	s, err := launchTraced("steal", schedOrder{Procs: procs, Tasks: tasks, Micro: 50, N: samples}, "schedtrace=2", &out)
	if err != nil {
		return err
	}
	defer s.kill()
	var rs []stealReport
	if err := s.recv(&rs); err != nil {
		return err
	}
	s.kill() // and so the trace is whole
	global, ran := 0, 0
	for _, l := range parseSchedTrace(out.Bytes()) {
		if l.Procs == procs {
			global = max(global, l.Global)
		}
	}
	for _, r := range rs {
		ran += r.Ran
	}
	b.addAt("stealing/spilled", "waiting in the global queue (schedtrace), at most", fmt.Sprintf("%d tasks, for which it has not", tasks), "", "P", float64(procs), float64(global))
	b.fact("of more tasks than the local queue holds ran", "%d of %d", ran, tasks*samples)
	return nil
}

type stealReport struct {
	Ran            int     `json:"ran"`
	TookNS, HandNS float64 // all tasks, left to the scheduler and dealt out
	Away           float64 // share run on another thread than the producer's
	Busiest        float64 // share of the busiest thread
	PerThread      []int
}

// playSteal starts all tasks from one goroutine, samples times.
func playSteal(p *peer) error {
	var o schedOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	runtime.GOMAXPROCS(o.Procs)
	quiet()
	rounds := spinRounds(time.Duration(o.Micro) * time.Microsecond)
	var reports []stealReport
	for i := range o.N + 1 {
		by := make([]int, o.Tasks)
		var wg sync.WaitGroup
		producer := 0
		began := time.Now()
		wg.Go(func() {
			producer = unix.Gettid()
			for k := range o.Tasks {
				wg.Go(func() {
					sink.Add(spin(rounds))
					by[k] = unix.Gettid()
				})
			}
		})
		wg.Wait()
		r := stealReport{TookNS: float64(time.Since(began).Nanoseconds())}
		per := map[int]int{}
		for _, tid := range by {
			per[tid]++
			if tid != 0 {
				r.Ran++
			}
			if tid != producer {
				r.Away++
			}
		}
		for _, n := range per {
			r.Busiest = max(r.Busiest, float64(n)/float64(o.Tasks))
			r.PerThread = append(r.PerThread, n)
		}
		r.Away /= float64(o.Tasks)
		slices.Sort(r.PerThread)
		began = time.Now()
		for w := range o.Procs {
			wg.Go(func() {
				for k := w; k < o.Tasks; k += o.Procs {
					sink.Add(spin(rounds))
				}
			})
		}
		wg.Wait()
		r.HandNS = float64(time.Since(began).Nanoseconds())
		if i > 0 {
			reports = append(reports, r)
		}
	}
	return p.send(reports)
}

// spinRounds is how many rounds of spin take d on this machine, by the
// quickest of several tries.
func spinRounds(d time.Duration) int {
	best := time.Hour
	const n = 100_000
	for range 8 {
		began := time.Now()
		sink.Add(spin(n))
		best = min(best, time.Since(began))
	}
	return max(1, int(float64(n)*float64(d)/float64(max(best, 1))))
}

// runPreemption measures how long a loop that never yields keeps others waiting.
func runPreemption(b *bench, p PreemptionParams) error {
	samples, ms := max(10, defaulted(p.Samples, 10)), defaulted(p.SpinMS, 60)
	if ms < 5 || ms > 5000 {
		return fmt.Errorf("spin: %d ms is not in 5…5,000", ms)
	}
	for i, w := range []struct{ id, name, env string }{
		{"on", "with asynchronous preemption", "GODEBUG=asyncpreemptoff=0"},
		{"off", "without (asyncpreemptoff=1)", "GODEBUG=asyncpreemptoff=1"},
	} {
		b.progress(i, 2, "%s", w.name)
		var waited [2][]float64
		if err := ask("preempt", schedOrder{N: samples, Micro: ms * 1000}, &waited, []string{w.env}); err != nil {
			return err
		}
		b.add("preemption/wait-"+w.id, "how long another goroutine waits for a loop that never yields, on one P", w.name, "ns", waited[0]...).Warmup = 1
		b.add("preemption/loop-"+w.id, "how long the loop takes", w.name, "ns", waited[1]...).Warmup = 1
	}
	return nil
}

// playPreempt starts a loop without calls on the only P and waits to run again.
func playPreempt(p *peer) error {
	var o schedOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	quiet()
	rounds := spinRounds(time.Duration(o.Micro) * time.Microsecond)
	var waited [2][]float64
	for i := range o.N + 1 {
		var took time.Duration
		done := make(chan struct{})
		go func() {
			t := time.Now()
			sink.Add(spin(rounds))
			took = time.Since(t)
			close(done)
		}()
		began := time.Now()
		runtime.Gosched() // the loop runs; this goroutine is runnable all the while
		w := time.Since(began)
		<-done
		if i > 0 {
			waited[0] = append(waited[0], float64(w.Nanoseconds()))
			waited[1] = append(waited[1], float64(took.Nanoseconds()))
		}
	}
	return p.send(waited)
}
