package lab

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

var sharedGlobal atomic.Int64 // what the threads of runThreads write

// runThreads is T1, T2 and T3.
func runThreads(b *bench, p ThreadsParams) error {
	n := defaulted(p.Threads, 3)
	if n < 1 || n > 100 {
		return fmt.Errorf("threads: %d is not in 1…100", n)
	}
	self := os.Getpid()
	b.fact("process id", "%d", self)
	b.fact("threads before", "%v", threadIDs(self))
	main := false
	for _, tid := range threadIDs(self) {
		main = main || tid == self
	}
	b.fact("one thread has the process's own id: the main thread", "%t", main)
	single, err := threadsOfSleep()
	if err != nil {
		b.note("A program with one thread is left out: %v", err)
	} else {
		b.fact("threads of a small C program that waits", "%d", single)
	}

	type view struct {
		tid           int
		global, local uint64
		value         int64
	}
	heap := new(atomic.Int64)
	views := make([]view, n)
	var up, down sync.WaitGroup
	// Each waits on a pipe of its own in a raw system call, so that the kernel
	// can be asked for its registers.
	wakes := make([]waiter, n)
	up.Add(n)
	for i := range n {
		w, err := newWaiter(waitRaw)
		if err != nil {
			return err
		}
		defer w.free()
		wakes[i] = w
		down.Go(func() {
			runtime.LockOSThread()
			local := i
			sharedGlobal.Add(1)
			heap.Add(10)
			views[i] = view{unix.Gettid(), addressOf(&sharedGlobal), addressOf(&local), 0}
			up.Done()
			readOne(w.in)
			views[i].value = sharedGlobal.Load()*1000 + heap.Load()
			sink.Add(uint64(local))
		})
	}
	up.Wait()
	proc, err := procfs.NewProc(self)
	if err != nil {
		return err
	}
	maps, err := proc.ProcMaps()
	if err != nil {
		return err
	}
	sps, locals, globals, inSame, readable := map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}, 0, 0
	for i, v := range views {
		var sp, pc uint64
		var ok bool
		eventually(time.Second, func() bool { _, sp, pc, ok = registers(self, v.tid); return ok })
		if ok {
			readable++
			b.fact(fmt.Sprintf("thread %d", i+1), "id %d of process %d, stack pointer %#x, program counter %#x, a local variable at %#x", v.tid, tgidOf(v.tid), sp, pc, v.local)
			sps[sp] = true
		} else {
			b.fact(fmt.Sprintf("thread %d", i+1), "id %d of process %d, a local variable at %#x", v.tid, tgidOf(v.tid), v.local)
		}
		locals[v.local], globals[v.global] = true, true
		if tgidOf(v.tid) == self {
			inSame++
		}
	}
	for _, w := range wakes {
		w.wake()
	}
	down.Wait()
	b.fact("the global variable", "at %#x for each of them, in %s", views[0].global, holder(maps, views[0].global))
	want := int64(n)*1000 + int64(n)*10
	agree := 0
	for _, v := range views {
		if v.value == want {
			agree++
		}
	}
	b.fact("threads", "%d", n)
	b.fact("threads in this process", "%d", inSame)
	b.fact("addresses of the global variable", "%d", len(globals))
	b.fact("threads that saw what all had written, in a global and on the heap", "%d", agree)
	b.fact("different stack pointers", "%d of %d read", len(sps), readable)
	b.fact("different addresses of the same local variable", "%d", len(locals))
	return nil
}

// threadsOfSleep counts the threads of a program that has no reason for more
// than one.
func threadsOfSleep() (int, error) {
	pid, stop, err := startWaiting("/bin/cat", false)
	if err != nil {
		return 0, err
	}
	defer stop()
	return len(threadIDs(pid)), nil
}

// tgidOf is the process that a thread belongs to.
func tgidOf(tid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", tid))
	if err != nil {
		return 0
	}
	var tgid int
	for i, l := 0, string(b); i < len(l); i++ {
		if _, err := fmt.Sscanf(l[i:], "Tgid: %d", &tgid); err == nil {
			return tgid
		}
		for i < len(l) && l[i] != '\n' {
			i++
		}
	}
	return 0
}

// runThreadOnly is U2: what the OS lets one thread have for itself.
func runThreadOnly(b *bench, _ ThreadOnlyParams) error {
	type state struct {
		CPUs, Nice, Umask string
	}
	look := func() state {
		var set unix.CPUSet
		_ = unix.SchedGetaffinity(0, &set)
		raw, _, _ := syscall.RawSyscall(syscall.SYS_GETPRIORITY, unix.PRIO_PROCESS, uintptr(unix.Gettid()), 0)
		return state{fmt.Sprint(set.Count()), fmt.Sprint(20 - int(raw)), fileMask()}
	}
	type report struct {
		before, after state
		tid           int
		errs          []error
	}
	change, changed, check := make(chan bool), make(chan report), make(chan bool)
	other := make(chan report)
	for _, victim := range []bool{true, false} {
		go func() {
			runtime.LockOSThread()
			r := report{before: look(), tid: unix.Gettid()}
			if victim {
				<-change
				r.errs = append(r.errs,
					unix.Unshare(unix.CLONE_FS), // file mask and working directory of its own
					pinThread(usableCPUs()[0]),
					syscall.Setpriority(unix.PRIO_PROCESS, r.tid, 7))
				syscall.Umask(0o077)
				r.after = look()
				changed <- r
				return
			}
			<-check
			r.after = look()
			other <- r
		}()
	}
	change <- true
	a := <-changed
	check <- true
	o := <-other
	say := func(s state) string { return fmt.Sprintf("%s CPUs, nice %s, file mask %s", s.CPUs, s.Nice, s.Umask) }
	b.fact("changed thread", "%d: %s, then %s", a.tid, say(a.before), say(a.after))
	b.fact("another thread of the process", "%d: %s, then %s", o.tid, say(o.before), say(o.after))
	for _, err := range a.errs {
		if err != nil {
			b.note("Not allowed here: %v", err)
		}
	}
	b.fact("the changed thread changed", "%t", a.before != a.after)
	b.fact("the other thread is as before", "%t", o.before == o.after)
	return nil
}

// fileMask is the calling thread's file mask. umask(2) can only be asked by
// setting it, which the threads that share it would see.
func fileMask() string {
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return "unknown"
	}
	_, rest, _ := strings.Cut(string(b), "\nUmask:")
	mask, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(mask)
}
