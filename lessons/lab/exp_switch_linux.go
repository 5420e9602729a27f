package lab

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// runSwitch hands over to a process whose runtime sends no signals for
// preemption: its threads sit in raw system calls.
func runSwitch(b *bench, p SwitchParams) error { return forward(b, "switch", p) }

// forward lets a role with another runtime setting do the measuring.
func forward(b *bench, role string, params any) error {
	s, err := launch(role, params, launchOptions{env: []string{noAsyncPreempt}})
	if err != nil {
		return err
	}
	defer s.kill()
	for {
		var m message
		if err := s.recv(&m); err != nil {
			return err
		}
		switch {
		case m.Error != "":
			return fmt.Errorf("%s", m.Error)
		case m.Progress != nil:
			b.progress(m.Progress.Done, m.Progress.Total, "%s", m.Progress.Note)
		case m.Result != nil && m.Result.Skipped != "":
			return skip(m.Result.Skipped)
		case m.Result != nil:
			env := b.Env
			*b.Result = *m.Result
			b.Env = env
			return nil
		}
	}
}

// switching is one way to go from one party to another.
type switching struct {
	kind, id, name string
	by             string // whose own time is subtracted: "pipe", "futex" or nothing
	measure        func() (switched, error)
}

// switched is the mean of one sample: a switch, with the calls around it, and
// the kernel's count of switches of one side, a round trip.
type switched struct{ ns, voluntary, involuntary float64 }

func measureSwitch(b *bench, p SwitchParams) error {
	samples, rounds := max(10, defaulted(p.Samples, 12)), defaulted(p.Rounds, 1000)
	if rounds < 10 || rounds > 1_000_000 {
		return fmt.Errorf("rounds: %d is not in 10…1,000,000", rounds)
	}
	kinds := p.Kinds
	if kinds == nil {
		kinds = []string{inProcess, inThread, inGoroutine}
	}
	for _, k := range kinds {
		if k != inProcess && k != inThread && k != inGoroutine {
			return fmt.Errorf("kind %q is none of process, thread, goroutine", k)
		}
	}
	quiet()
	cpus := usableCPUs()
	one, two := cpus[0], -1
	if len(cpus) > 1 {
		two = cpus[1]
	} else {
		b.note("This machine lets us use one CPU: switches across CPUs are left out.")
	}
	var ways []switching
	base := map[string][]float64{}
	for _, by := range []string{"pipe", "futex"} {
		for _, place := range []string{"same", "cross"} {
			pr, name, n := pair{by: by, leadOn: one, other: one}, "by "+by+", one CPU", rounds
			if place == "cross" {
				if two < 0 {
					continue
				}
				pr.other, name, n = two, "by "+by+", across CPUs", max(10, rounds/5)
			}
			// Half a round trip is one switch and one give and take.
			half := func(t turnsTaken, err error) (switched, error) {
				return switched{float64(t.elapsed.Nanoseconds()) / float64(2*max(t.rounds, 1)), t.voluntary, t.involuntary}, err
			}
			if slices.Contains(kinds, inProcess) {
				partner, err := newTurnPartner(pr)
				if err != nil {
					return err
				}
				defer partner.stop()
				ways = append(ways, switching{inProcess, "process-" + by + "-" + place, "process " + name, by, func() (switched, error) {
					return half(processTurns(partner, pr, n))
				}})
			}
			if slices.Contains(kinds, inThread) {
				ways = append(ways, switching{inThread, "thread-" + by + "-" + place, "thread " + name, by, func() (switched, error) {
					return half(threadTurns(pr, n))
				}})
			}
		}
	}
	if slices.Contains(kinds, inGoroutine) {
		for _, g := range []struct {
			name string
			run  func(int) time.Duration
		}{{"channel", channelTurns}, {"mutex", mutexTurns}, {"Gosched", goschedTurns}} {
			ways = append(ways, switching{inGoroutine, "goroutine-" + g.name, "goroutine by " + g.name, "", func() (switched, error) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
				n := 10 * rounds
				var ru0, ru1 syscall.Rusage
				_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru0)
				d := g.run(n)
				_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru1)
				return switched{float64(d.Nanoseconds()) / float64(2*n), float64(ru1.Nvcsw-ru0.Nvcsw) / float64(n), float64(ru1.Nivcsw-ru0.Nivcsw) / float64(n)}, nil
			}})
		}
	}
	runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0))) // two threads hold a P each while they wait
	got, counted, unasked := make([][]float64, len(ways)), make([][]float64, len(ways)), make([][]float64, len(ways))
	for round := range samples + 1 {
		for _, by := range []string{"pipe", "futex"} {
			d, err := noSwitch(by, one, 0, rounds)
			if err != nil {
				return err
			}
			base[by] = append(base[by], float64(d.Nanoseconds()))
		}
		for i, w := range ways {
			m, err := w.measure()
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			if round == 0 {
				continue
			}
			got[i], counted[i], unasked[i] = append(got[i], m.ns), append(counted[i], m.voluntary+m.involuntary), append(unasked[i], m.involuntary)
		}
		b.progress(round+1, samples+1, "round %d", round)
	}
	for i, w := range ways {
		if w.by != "" {
			calls := Samples{Values: base[w.by][1:]}.Summary().Median
			for k := range got[i] {
				got[i][k] = max(got[i][k]-calls, 1)
			}
		}
		b.add("switch/"+w.id, "time of one switch, the calls' own time subtracted", w.name, "ns", got[i]...).Warmup = 1
	}
	for i, w := range ways {
		b.add("kernelswitches/"+w.id, "switches of one side that the kernel counted, a round trip", w.name, "switches", counted[i]...)
	}
	for i, w := range ways {
		b.add("unasked/"+w.id, "of these involuntary: another went first", w.name, "switches", unasked[i]...)
	}
	for _, by := range []string{"pipe", "futex"} {
		b.add("switch/calls-"+by, "give and take without a switch", by, "ns", base[by][1:]...)
	}
	b.note("One side of a pair is bound to CPU %d, the other to the same or to CPU %d; goroutines run with GOMAXPROCS 1.", one, two)
	b.note("The kernel's count is ru_nvcsw and ru_nivcsw of the side that measures: once a round trip it must leave the CPU.")
	b.note("Across CPUs the time has in it that a sleeping CPU must be woken; nothing is subtracted from goroutine switches, which need no system call.")
	return nil
}

// channelTurns passes a turn n times there and back over channels.
func channelTurns(n int) time.Duration {
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		for range there {
			back <- struct{}{}
		}
	}()
	began := time.Now()
	for range n {
		there <- struct{}{}
		<-back
	}
	d := time.Since(began)
	close(there)
	return d
}

// mutexTurns does so with two locks: each side opens the other's.
func mutexTurns(n int) time.Duration {
	var theirs, mine sync.Mutex
	theirs.Lock()
	mine.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range n {
			theirs.Lock()
			mine.Unlock()
		}
	}()
	began := time.Now()
	for range n {
		theirs.Unlock()
		mine.Lock()
	}
	d := time.Since(began)
	<-done
	return d
}

// goschedTurns lets two goroutines yield to each other.
func goschedTurns(n int) time.Duration {
	var wg sync.WaitGroup
	began := time.Now()
	for range 2 {
		wg.Go(func() {
			for range n {
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}
