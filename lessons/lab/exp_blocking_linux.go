package lab

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Ways to wait for a byte.
const (
	waitRaw  = "raw"  // a blocking read(2): the thread waits
	waitPoll = "poll" // the runtime's poller: the goroutine waits
)

type waitOrder struct {
	Way     string `json:"way"`
	N       int    `json:"n"`
	Samples int    `json:"samples"`
}

type waitReport struct {
	Threads  []float64 `json:"threads"`  // with all N waiting, each sample
	Before   int       `json:"before"`   // threads
	Times    []float64 `json:"times"`    // ms since the first began to wait, first sample
	Counts   []float64 `json:"counts"`   // threads at Times
	Arrived  int       `json:"arrived"`  // bytes that came through, of N × samples
	Sleeping int       `json:"sleeping"` // threads asleep in read(2), last sample
	CPU      float64   `json:"cpu"`      // ns that those threads ran while they waited
}

// runBlocking is M3, H3 and B1–B6.
func runBlocking(b *bench, p BlockingParams) error {
	numbers := p.Goroutines
	if numbers == nil {
		numbers = []int{1, 10, 50, 100}
	}
	samples := max(1, defaulted(p.Samples, 10))
	for _, n := range numbers {
		if n < 1 || n > 4000 {
			return fmt.Errorf("goroutines: %d is not in 1…4,000", n)
		}
	}
	ways := []struct{ way, name string }{{waitRaw, "in raw system calls"}, {waitPoll, "in the runtime's poller"}}
	total := 2*len(numbers) + 3
	for i, n := range numbers {
		for j, w := range ways {
			var r waitReport
			if err := ask("wait for bytes", waitOrder{w.way, n, samples}, &r, nil); err != nil {
				return err
			}
			b.addAt("blocking/threads-"+w.way, "OS threads while goroutines wait", w.name, "threads", "goroutines that wait", float64(n), r.Threads...)
			if i == len(numbers)-1 {
				for k, t := range r.Times {
					b.addAt("blocking/timeline-"+w.way, fmt.Sprintf("OS threads over time, %s goroutines begin to wait, later get their byte", group(int64(n))), w.name, "threads", "milliseconds", t, r.Counts[k])
				}
				b.fact("bytes that arrived, "+w.name, "%d of %d", r.Arrived, n*samples)
				if w.way == waitRaw {
					b.fact("threads asleep in read(2)", "%d of %d goroutines", r.Sleeping, n)
					b.add("blocking/asleep", "threads asleep in read(2), a waiting goroutine", "share", "", float64(r.Sleeping)/float64(n))
					b.add("blocking/cpu", "time that the sleeping threads ran, together", "raw", "ns", r.CPU)
				}
			}
			b.progress(2*i+j+1, total, "%d goroutines %s", n, w.name)
		}
	}
	for _, w := range ways {
		var h handoffReport
		if err := ask("hand off", waitOrder{w.way, 1, 20}, &h, nil); err != nil {
			return err
		}
		b.add("blocking/handoff-"+w.way, "until another goroutine runs, on one P", "one waits "+w.name, "ns", h.Delays...).Warmup = 1
		b.add("blocking/same-thread-"+w.way, "share in which it ran on the same thread", "one waits "+w.name, "", float64(h.SameThread)/float64(len(h.Delays)))
		b.fact("the next goroutine's thread, one waits "+w.name, "the same in %d of %d, another in %d", h.SameThread, len(h.Delays), len(h.Delays)-h.SameThread)
		b.add("blocking/work-"+w.way, "work of another goroutine beside 20 that wait, of what it does alone", "wait "+w.name, "", h.Work...)
	}
	b.progress(total-1, total, "who polls")
	return watchPoller(b)
}

// ask plays a role to its answer.
func ask(role string, arg, answer any, env []string) error {
	s, err := launch(role, arg, launchOptions{env: env})
	if err != nil {
		return err
	}
	defer s.kill()
	return s.recv(answer)
}

// waiter is a pipe or socket on which one goroutine waits for one byte.
type waiter struct {
	in   io.Reader
	wake func()
	free func()
}

// rawReader reads by the system call itself; the descriptor blocks.
type rawReader int

func (r rawReader) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(r), p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

func newWaiter(way string) (waiter, error) {
	typ := unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	if way == waitPoll {
		typ |= unix.SOCK_NONBLOCK
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, typ, 0)
	if err != nil {
		return waiter{}, fmt.Errorf("making a socket pair: %w", err)
	}
	w := waiter{wake: func() { _, _ = unix.Write(fds[1], []byte{1}) }}
	if way == waitRaw {
		w.in, w.free = rawReader(fds[0]), func() { unix.Close(fds[0]); unix.Close(fds[1]) }
		return w, nil
	}
	f := os.NewFile(uintptr(fds[0]), "socket")
	c, err := net.FileConn(f) // duplicates the descriptor and gives it to the poller
	f.Close()
	if err != nil {
		unix.Close(fds[1])
		return waiter{}, fmt.Errorf("giving a socket to the poller: %w", err)
	}
	w.in, w.free = c, func() { c.Close(); unix.Close(fds[1]) }
	return w, nil
}

// readOne is the code that waits: the same for both ways.
func readOne(r io.Reader) bool {
	var one [1]byte
	n, err := r.Read(one[:])
	return n == 1 && err == nil
}

// playWaitForBytes lets n goroutines wait and counts the threads.
func playWaitForBytes(p *peer) error {
	var o waitOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	waiters := make([]waiter, o.N)
	for i := range waiters {
		w, err := newWaiter(o.Way)
		if err != nil {
			return err
		}
		defer w.free()
		waiters[i] = w
	}
	r := waitReport{Before: threads()}
	var arrived atomic.Int64
	for sample := range o.Samples {
		var up atomic.Int64
		var wg sync.WaitGroup
		began := time.Now()
		see := func(until time.Duration) {
			if sample > 0 {
				return
			}
			for end := time.Now().Add(until); time.Now().Before(end); time.Sleep(time.Millisecond) {
				r.Times = append(r.Times, float64(time.Since(began).Microseconds())/1000)
				r.Counts = append(r.Counts, float64(threads()))
			}
		}
		see(2 * time.Millisecond)
		for _, w := range waiters {
			wg.Go(func() {
				up.Add(1)
				if readOne(w.in) {
					arrived.Add(1)
				}
			})
		}
		eventually(2*time.Second, func() bool { return up.Load() == int64(o.N) })
		see(15 * time.Millisecond)
		if o.Way == waitRaw { // the last of them need a moment to be asleep
			eventually(time.Second, func() bool { return len(asleepInRead()) >= o.N })
		}
		r.Threads = append(r.Threads, float64(threads()))
		if o.Way == waitRaw && sample == o.Samples-1 {
			tids := asleepInRead()
			before := ranFor(tids)
			time.Sleep(20 * time.Millisecond)
			r.Sleeping, r.CPU = len(tids), ranFor(tids)-before
		}
		for _, w := range waiters {
			w.wake()
		}
		wg.Wait()
		see(10 * time.Millisecond)
	}
	r.Arrived = int(arrived.Load())
	return p.send(r)
}

// asleepInRead lists the threads of this process that sleep in read(2).
func asleepInRead() (tids []int) {
	for _, tid := range threadIDs(os.Getpid()) {
		call, _, _, ok := registers(os.Getpid(), tid)
		if !ok { // not ours to trace: the state alone
			if stateOf(os.Getpid(), tid) == "S" {
				tids = append(tids, tid)
			}
			continue
		}
		if call == unix.SYS_READ && stateOf(os.Getpid(), tid) == "S" {
			tids = append(tids, tid)
		}
	}
	return tids
}

// ranFor sums the time that threads have been on a CPU, in ns
// (/proc/PID/task/TID/schedstat).
func ranFor(tids []int) (ns float64) {
	for _, tid := range tids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/schedstat", tid))
		if err != nil {
			continue
		}
		var v float64
		fmt.Sscan(string(b), &v)
		ns += v
	}
	return ns
}

type handoffReport struct {
	Delays     []float64 `json:"delays"`
	SameThread int       `json:"same_thread"`
	Work       []float64 `json:"work"`
}

// playHandOff sees, with one P, when and where the next goroutine runs once
// one has begun to wait, and how much a working one gets done beside 20 that
// wait.
func playHandOff(p *peer) error {
	var o waitOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	var r handoffReport
	w, err := newWaiter(o.Way)
	if err != nil {
		return err
	}
	defer w.free()
	for i := range o.Samples + 1 {
		type place struct {
			at  time.Time
			tid int
		}
		next := make(chan place, 1)
		var wg sync.WaitGroup
		var from place
		wg.Go(func() {
			// The next in the queue runs as soon as this one lets go.
			go func() { next <- place{time.Now(), unix.Gettid()} }()
			from = place{time.Now(), unix.Gettid()}
			readOne(w.in)
		})
		to := <-next
		w.wake()
		wg.Wait()
		if i == 0 {
			continue
		}
		r.Delays = append(r.Delays, float64(to.at.Sub(from.at).Nanoseconds()))
		if to.tid == from.tid {
			r.SameThread++
		}
	}
	waiters := make([]waiter, 20)
	for i := range waiters {
		if waiters[i], err = newWaiter(o.Way); err != nil {
			return err
		}
		defer waiters[i].free()
	}
	var alone, beside []float64
	for range 10 {
		alone = append(alone, float64(workDone(10*time.Millisecond)))
		var wg sync.WaitGroup
		var up atomic.Int64
		for _, w := range waiters {
			wg.Go(func() { up.Add(1); readOne(w.in) })
		}
		eventually(time.Second, func() bool { return up.Load() == int64(len(waiters)) })
		time.Sleep(2 * time.Millisecond)
		beside = append(beside, float64(workDone(10*time.Millisecond)))
		for _, w := range waiters {
			w.wake()
		}
		wg.Wait()
	}
	usual := Samples{Values: alone}.Summary().Median
	for _, n := range beside {
		r.Work = append(r.Work, n/max(usual, 1))
	}
	return p.send(r)
}

// workDone counts rounds of computing within d.
func workDone(d time.Duration) (n int) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		sink.Add(spin(1000))
		n++
	}
	return n
}

// spin computes for n rounds without a call, an allocation or a yield.
//
//go:noinline
func spin(n int) (x uint64) {
	x = 88172645463325252
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// watchPoller looks from outside at a process whose goroutines wait for the
// network: which of its threads are in epoll_pwait(2), and which carry
// goroutines.
func watchPoller(b *bench) error {
	s, err := launch("serve", nil, launchOptions{})
	if err != nil {
		return err
	}
	defer s.kill()
	if err := s.recv(nil); err != nil {
		return err
	}
	polling := map[int]bool{}
	most, looks := 0, 0
	readable := false
	for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); time.Sleep(500 * time.Microsecond) {
		at := 0
		for _, tid := range threadIDs(s.pid()) {
			call, _, _, ok := registers(s.pid(), tid)
			readable = readable || ok
			if ok && call == unix.SYS_EPOLL_PWAIT {
				polling[tid] = true
				at++
			}
		}
		most = max(most, at)
		looks++
	}
	if err := s.send("done"); err != nil {
		return err
	}
	var carried []int
	if err := s.recv(&carried); err != nil {
		return err
	}
	if !readable {
		b.note("The kernel does not let us see the system calls of another process here: who polls is left out.")
		return nil
	}
	both := 0
	for _, tid := range carried {
		if polling[tid] {
			both++
		}
	}
	b.fact("looks at the threads of a server with 50 connections", "%d", looks)
	b.fact("threads seen in epoll_pwait at a time, at most", "%d", most)
	b.fact("different threads seen in epoll_pwait", "%d", len(polling))
	b.fact("of those, threads that also carried goroutines", "%d", both)
	b.add("blocking/pollers", "threads seen in epoll_pwait", "at a time, at most", "threads", float64(most))
	b.add("blocking/pollers-ever", "threads seen in epoll_pwait", "different ones over time", "threads", float64(len(polling)))
	b.add("blocking/pollers-carry", "threads seen in epoll_pwait", "that also carried goroutines", "threads", float64(both))
	return nil
}

// playServe has 50 connections, of which one after another gets a byte; it
// tells which threads carried their goroutines.
func playServe(p *peer) error {
	var mu sync.Mutex
	carried := map[int]bool{}
	var waiters []waiter
	for range 50 {
		w, err := newWaiter(waitPoll)
		if err != nil {
			return err
		}
		waiters = append(waiters, w)
		go func() { // serves until the process ends
			for readOne(w.in) {
				sink.Add(spin(20_000))
				mu.Lock()
				carried[unix.Gettid()] = true
				mu.Unlock()
			}
		}()
	}
	if err := p.send("ready"); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- p.recv(nil) }()
	for i := 0; ; i++ {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			var tids []int
			for tid := range carried {
				tids = append(tids, tid)
			}
			return p.send(tids)
		case <-time.After(time.Millisecond):
			for k := range 5 {
				waiters[(5*i+k)%len(waiters)].wake()
			}
		}
	}
}

// schedTrace parses the lines of GODEBUG=schedtrace (runtime/proc.go,
// schedtrace).
type schedLine struct {
	MS, Procs, Idle, Threads, Spinning, Global int
	Local                                      []int
}

func parseSchedTrace(out []byte) (lines []schedLine) {
	for line := range bytes.Lines(out) {
		var l schedLine
		s := string(line)
		if !strings.HasPrefix(s, "SCHED ") {
			continue
		}
		head, rest, ok := strings.Cut(s, "ms:")
		if !ok {
			continue
		}
		fmt.Sscanf(head, "SCHED %d", &l.MS)
		queues := ""
		if i := strings.IndexByte(rest, '['); i >= 0 {
			rest, queues = rest[:i], strings.Trim(strings.TrimSpace(rest[i:]), "[]")
			if j := strings.IndexByte(queues, ']'); j >= 0 {
				queues = queues[:j]
			}
		}
		for _, f := range strings.Fields(rest) {
			k, v, _ := strings.Cut(f, "=")
			var n int
			if _, err := fmt.Sscan(v, &n); err != nil {
				continue
			}
			switch k {
			case "gomaxprocs":
				l.Procs = n
			case "idleprocs":
				l.Idle = n
			case "threads":
				l.Threads = n
			case "spinningthreads":
				l.Spinning = n
			case "runqueue":
				l.Global = n
			}
		}
		for _, f := range strings.Fields(queues) {
			var n int
			if _, err := fmt.Sscan(f, &n); err == nil {
				l.Local = append(l.Local, n)
			}
		}
		lines = append(lines, l)
	}
	return lines
}
