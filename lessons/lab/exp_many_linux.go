package lab

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// manyBudgetNS is how long one step of runMany may be expected to take.
const manyBudgetNS = 5e9

// runMany is H4 and L5.
func runMany(b *bench, p ManyParams) error {
	free := available()
	if p.Goroutines == nil {
		p.Goroutines = []int{10, 100, 1000, 10_000, 100_000}
		if free > 8<<30 {
			p.Goroutines = append(p.Goroutines, 1_000_000)
		} else {
			b.note("1,000,000 goroutines are left out: %s of memory are free, and they want some 3 GiB.", format(free, "B"))
		}
	}
	if p.Threads == nil {
		p.Threads = []int{10, 100, 1000, 2000}
	}
	if p.Processes == nil {
		p.Processes = []int{10, 100, 300}
	}
	for _, c := range []struct {
		kind   string
		ns     []int
		each   float64 // bytes, roughly: what a run is checked for beforehand
		atMost int
	}{{inGoroutine, p.Goroutines, 3 << 10, 5_000_000}, {inThread, p.Threads, 48 << 10, 9000}, {inProcess, p.Processes, 512 << 10, 5000}} {
		for _, n := range c.ns {
			if n < 1 || n > c.atMost {
				return fmt.Errorf("%s: %d is not in 1…%s", c.kind, n, group(int64(c.atMost)))
			}
			if float64(n)*c.each > free/2 {
				return fmt.Errorf("%s: %s of them would take more than half of the %s that are free", c.kind, group(int64(n)), format(free, "B"))
			}
		}
	}
	total, done := len(p.Goroutines)+len(p.Threads)+len(p.Processes)+3, 0
	step := func(kind string, n int) {
		b.progress(done, total, "%s × %s", group(int64(n)), kind)
		done++
	}
	const mem, dur, x = "memory of all, kernel stacks and page tables included", "time until all have started", "at a time"
	for _, kind := range []string{inGoroutine, inThread} {
		ns := p.Goroutines
		if kind == inThread {
			ns = p.Threads
		}
		last := 0.0 // ns for each of the last step
		for _, n := range ns {
			step(kind, n)
			if n > 10_000 && n > ns[0] && kind == inGoroutine && last*float64(n) > manyBudgetNS {
				b.note("%s goroutines are left out: at the pace of the last step they would take %s.", group(int64(n)), format(last*float64(n), "ns"))
				continue
			}
			var h held
			err := ask("hold", holdOrder{kind, n}, &h, nil)
			var crash *CrashError
			if n > ns[0] && errors.As(err, &crash) {
				// A limit of this machine or of this user's, which is a finding, too.
				b.note("%s %ss at a time were refused: %s", group(int64(n)), kind, crash.Status+causeIn(crash.Stderr))
				break
			}
			if err != nil {
				return err
			}
			b.addAt("many/"+kind, mem, kind, "B", x, float64(n), max(1, float64(n)*(h.RSS+h.KernelStack+h.PTE)))
			b.addAt("many/time-"+kind, dur, kind, "ns", x, float64(n), h.Start)
			last = h.Start / float64(n)
		}
	}
	for _, n := range p.Processes {
		step(inProcess, n)
		bytes, d, err := holdForks(n)
		if n > p.Processes[0] && errors.Is(err, syscall.EAGAIN) {
			b.note("%s processes at a time were refused: %v", group(int64(n)), err)
			break
		}
		if err != nil {
			return err
		}
		b.addAt("many/process", mem, "process (fork only)", "B", x, float64(n), bytes)
		b.addAt("many/time-process", dur, "process (fork only)", "ns", x, float64(n), float64(d.Nanoseconds()))
	}
	step("where threads end", 0)
	if err := b.failThreads(defaulted(p.ThreadLimit, 1000)); err != nil {
		return err
	}
	step("where processes end", 0)
	if err := b.failProcesses(defaulted(p.ProcessLimit, 50)); err != nil {
		return err
	}
	step("where goroutines end", 0)
	return b.failGoroutines(defaulted(p.MemoryLimitMB, 128))
}

// holdForks holds n copies of this process and sums their memory by one in ten.
func holdForks(n int) (bytes float64, d time.Duration, err error) {
	pids := make([]int, 0, n)
	defer func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		for _, pid := range pids {
			_ = reap(pid)
		}
	}()
	began := time.Now()
	for range n {
		pid, err := forkOnly(true)
		if err != nil {
			return 0, 0, err
		}
		pids = append(pids, pid)
	}
	d = time.Since(began)
	k0, looked := 16<<10, 0 // a kernel stack on 64-bit Linux (THREAD_SIZE)
	for i := 0; i < n; i += 10 {
		m, err := memoryOf(pids[i])
		if err != nil {
			return 0, 0, err
		}
		bytes += m.Private + m.PTE + float64(k0)
		looked++
	}
	return bytes * float64(n) / float64(looked), d, nil
}

// pileOrder is for a process that makes ever more of a kind until it is
// stopped or dies; it counts in shared memory, which outlives it.
type pileOrder struct {
	Kind  string `json:"kind"`
	Limit int    `json:"limit"`
}

// pile lets a process pile up a kind, and returns how far it came and how it
// ended.
func pile(o pileOrder) (count int, end string, err error) {
	fd, err := unix.MemfdCreate("spindle-count", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, "", fmt.Errorf("making shared memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "spindle-count")
	defer f.Close()
	mem, err := sharedPage(f)
	if err != nil {
		return 0, "", err
	}
	defer unix.Munmap(mem) //nolint:errcheck // gone with the process anyway
	s, err := launch("pile up", o, launchOptions{extra: []*os.File{f}})
	if err != nil {
		return 0, "", err
	}
	defer s.kill()
	var said string
	if err := s.recv(&said); err != nil {
		var crash *CrashError
		if !errors.As(err, &crash) {
			return 0, "", err
		}
		said = crash.Status + causeIn(crash.Stderr)
	}
	return int((*atomic.Int64)(unsafe.Pointer(&mem[0])).Load()), said, nil
}

func (b *bench) failThreads(limit int) error {
	if limit < 20 || limit > 20_000 {
		return fmt.Errorf("thread limit: %d is not in 20…20,000", limit)
	}
	n, end, err := pile(pileOrder{inThread, limit})
	if err != nil {
		return err
	}
	b.add("many/end-thread", "where it ended", "threads, under the runtime's limit", "", float64(n))
	b.fact("threads", "ended at %s, under a limit of %s (Go's default is 10,000): %s", group(int64(n)), group(int64(limit)), end)
	return nil
}

func (b *bench) failProcesses(limit int) error {
	if limit < 5 || limit > 2000 {
		return fmt.Errorf("process limit: %d is not in 5…2,000", limit)
	}
	n, end, err := pile(pileOrder{inProcess, limit})
	if err != nil {
		return err
	}
	b.add("many/end-process", "where it ended", "processes, under RLIMIT_NPROC", "", float64(n))
	b.fact("processes", "ended at %s, under a limit of %d: %s", group(int64(n)), limit, end)
	return nil
}

func (b *bench) failGoroutines(mb int) error {
	if mb < 16 || mb > 4096 {
		return fmt.Errorf("memory limit: %d MB is not in 16…4,096", mb)
	}
	n, end, err := pile(pileOrder{inGoroutine, mb})
	if err != nil {
		return err
	}
	b.add("many/end-goroutine", "where it ended", fmt.Sprintf("goroutines, in %d MiB", mb), "", float64(n))
	b.fact("goroutines", "ended at %s, in %d MiB more (RLIMIT_AS): %s", group(int64(n)), mb, end)
	return nil
}

// playPileUp makes more and more until the limit that it sets itself stops it.
func playPileUp(p *peer) error {
	var o pileOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	mem, err := sharedPage(os.NewFile(fdExtra, "count"))
	if err != nil {
		return err
	}
	n := (*atomic.Int64)(unsafe.Pointer(&mem[0]))
	switch o.Kind {
	case inThread:
		debug.SetMaxThreads(o.Limit)
		for {
			up := make(chan struct{})
			go func() {
				runtime.LockOSThread()
				n.Add(1)
				close(up)
				select {}
			}()
			<-up
		}
	case inProcess:
		return p.send(pileProcesses(o.Limit, n))
	}
	m, err := memoryOf(os.Getpid())
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1)
	lim := uint64(m.Size) + uint64(o.Limit)<<20
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: lim, Max: lim}); err != nil {
		return fmt.Errorf("limiting memory: %w", err)
	}
	for {
		go func() {
			n.Add(1)
			select {}
		}()
		if n.Load()%64 == 0 {
			runtime.Gosched()
		}
	}
}

// pileProcesses forks until the system says no.
func pileProcesses(limit int, n *atomic.Int64) string {
	// The limit counts all processes of the user, and root has none.
	if os.Geteuid() == 0 {
		const nobodyElse = 64_123 // a user id that nothing else here has
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobodyElse, nobodyElse, nobodyElse), syscall.Setresuid(nobodyElse, nobodyElse, nobodyElse)); err != nil {
			return "not tried: " + err.Error()
		}
	} else {
		limit += tasksOfUser(os.Getuid())
	}
	lim := unix.Rlimit{Cur: uint64(limit), Max: uint64(limit)}
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &lim); err != nil {
		return "not tried: " + err.Error()
	}
	var pids []int
	defer func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_ = reap(pid)
		}
	}()
	for range limit + 10 {
		pid, err := forkOnly(true)
		if err != nil {
			return err.Error()
		}
		pids = append(pids, pid)
		n.Add(1)
	}
	return "not refused"
}

// tasksOfUser counts the threads of all processes of a user.
func tasksOfUser(uid int) (n int) {
	es, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range es {
		var pid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Stat("/proc/"+e.Name(), &st) == nil && int(st.Uid) == uid {
			n += len(threadIDs(pid))
		}
	}
	return n
}
