package lab

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// unit is the time that it took to create and to end one thing.
type unit struct{ create, end float64 }

// maker makes n things of a kind, all alive at once where they can be, ends
// them, and returns the time for each.
type maker struct {
	name, id string
	n        int
	make     func(n int) (unit, error)
}

// runCreation measures P7, H2 and G1's cost. The kinds take turns, so that a
// disturbance hits all of them.
func runCreation(b *bench, p CreationParams) error {
	samples := max(10, defaulted(p.Samples, 15))
	makers := []maker{
		{"goroutine", "goroutine", defaulted(p.Goroutines, 5000), makeGoroutines},
		{"thread", "thread", defaulted(p.Threads, 50), makeThreads},
		{"process (fork only)", "fork", defaulted(p.Processes, 4), makeForks},
		{"process (Go program)", "process", defaulted(p.Processes, 4), makePrograms},
	}
	if path, err := exec.LookPath("true"); err == nil {
		makers = append(makers, maker{"process (true, a small C program)", "true", defaulted(p.Processes, 4), func(n int) (unit, error) {
			return makeCommands(n, path)
		}})
	} else {
		b.note("No program true on this machine: the small C program is left out.")
	}
	for _, m := range makers {
		if m.n < 1 || m.n > 100_000 {
			return fmt.Errorf("%s: %d at a time is not in 1…100,000", m.name, m.n)
		}
	}
	create, end := make([][]float64, len(makers)), make([][]float64, len(makers))
	quiet()
	for round := range samples + 1 {
		for i, m := range makers {
			u, err := m.make(m.n)
			if err != nil {
				return fmt.Errorf("making %s: %w", m.name, err)
			}
			if round == 0 { // warm-up: page faults, caches, the first threads
				continue
			}
			create[i] = append(create[i], u.create)
			if u.end > 0 {
				end[i] = append(end[i], u.end)
			}
		}
		runtime.GC()
		b.progress(round+1, samples+1, "round %d", round)
	}
	for i, m := range makers {
		b.add("creation/"+m.id, "time to create one, started", m.name, "ns", create[i]...).Warmup = 1
	}
	for i, m := range makers {
		if len(end[i]) > 0 {
			b.add("destruction/"+m.id, "time to end one, gone", m.name, "ns", end[i]...).Warmup = 1
		}
	}
	if exe, err := os.Executable(); err == nil {
		b.note("The Go program is this binary of %s with its runtime and packages brought up; fork only is a copy of the measuring process that runs nothing.", format(fileSize(exe), "B"))
	}
	b.note("Threads are made by runtime.LockOSThread, a fresh one for each goroutine, and end with it.")
	return nil
}

func defaulted(v, other int) int {
	if v == 0 {
		return other
	}
	return v
}

// makeGoroutines starts n that wait for a signal, until all have run.
func makeGoroutines(n int) (unit, error) {
	var up, down sync.WaitGroup
	up.Add(n)
	down.Add(n)
	release := make(chan struct{})
	began := time.Now()
	for range n {
		go func() {
			up.Done()
			<-release
			down.Done()
		}()
	}
	up.Wait()
	created := time.Since(began)
	began = time.Now()
	close(release)
	down.Wait()
	return unit{perUnit(created, n), perUnit(time.Since(began), n)}, nil
}

// makeThreads starts n goroutines that each hold a thread, and ends the
// threads with them. It fails where the kernel shows fewer threads than that.
func makeThreads(n int) (unit, error) {
	before := threads()
	var up sync.WaitGroup
	up.Add(n)
	release := make(chan struct{})
	began := time.Now()
	for range n {
		go func() {
			runtime.LockOSThread()
			up.Done()
			<-release // ends locked: the runtime ends the thread
		}()
	}
	up.Wait()
	created := time.Since(began)
	if made := threads(); made < n {
		return unit{}, fmt.Errorf("%d threads for %d locked goroutines", made, n)
	}
	began = time.Now()
	close(release)
	// The runtime keeps a few threads more than before, for what they carried;
	// on a busy machine one for every fifth was seen.
	if !eventually(5*time.Second, func() bool { return threads() <= before+max(8, n/5) }) {
		return unit{}, fmt.Errorf("%d threads still there, %d before", threads(), before)
	}
	return unit{perUnit(created, n), perUnit(time.Since(began), n)}, nil
}

// makeForks copies this process n times; the copies wait to be killed.
func makeForks(n int) (unit, error) {
	pids := make([]int, 0, n)
	began := time.Now()
	var err error
	for range n {
		var pid int
		if pid, err = forkOnly(true); err != nil {
			break
		}
		pids = append(pids, pid)
	}
	created := time.Since(began)
	began = time.Now()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, pid := range pids {
		if e := reap(pid); e != nil && err == nil {
			err = e
		}
	}
	return unit{perUnit(created, n), perUnit(time.Since(began), n)}, err
}

// makePrograms executes this binary n times, until each says that it is up.
func makePrograms(n int) (unit, error) {
	subs := make([]*sub, 0, n)
	var err error
	began := time.Now()
	for range n {
		var s *sub
		if s, err = launch("wait", nil, launchOptions{}); err != nil {
			break
		}
		subs = append(subs, s)
		if err = s.recv(nil); err != nil {
			break
		}
	}
	created := time.Since(began)
	began = time.Now()
	for _, s := range subs {
		s.kill()
	}
	return unit{perUnit(created, n), perUnit(time.Since(began), n)}, err
}

// makeCommands runs a program to its end n times; it ends by itself, so that
// the time is that of its whole life.
func makeCommands(n int, path string) (unit, error) {
	began := time.Now()
	for range n {
		if err := exec.Command(path).Run(); err != nil {
			return unit{}, err
		}
	}
	return unit{create: perUnit(time.Since(began), n)}, nil
}

func perUnit(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / float64(n) }
