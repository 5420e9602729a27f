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

// held is what holding n of a kind added to a process, for each of the n.
type held struct {
	RSS, Size, PTE, KernelStack float64
	Stack                       float64 // of the Go runtime's own books: StackInuse
	Start                       float64 // ns until all had started, together
	Threads                     int
}

type holdOrder struct {
	Kind string `json:"kind"`
	N    int    `json:"n"`
}

// runMemory measures P7, H1, L1 and L5. Each sample of goroutines and threads
// is a fresh process: what was resident once tends to stay.
func runMemory(b *bench, p MemoryParams) error {
	samples := max(10, defaulted(p.Samples, 10))
	kinds := []holdOrder{{inGoroutine, defaulted(p.Goroutines, 10_000)}, {inThread, defaulted(p.Threads, 200)}}
	for _, k := range kinds {
		if k.N < 10 || k.N > 1_000_000 || k.Kind == inThread && k.N > 5000 {
			return fmt.Errorf("%ss: %d at a time is too few or too many", k.Kind, k.N)
		}
	}
	got := map[string][]held{}
	var procs, small []memory
	var forkPrivate, forkPTE, procStacks []float64
	cat, err := exec.LookPath("cat")
	if err != nil {
		cat = ""
		b.note("No program cat on this machine: the small C program is left out.")
	}
	for round := range samples + 1 {
		for _, k := range kinds {
			s, err := launch("hold", k, launchOptions{})
			if err != nil {
				return err
			}
			var h held
			err = s.recv(&h)
			s.kill()
			if err != nil {
				return err
			}
			if round > 0 {
				got[k.Kind] = append(got[k.Kind], h)
			}
		}
		stacks := kernelStacks()
		m, err := memoryOfProgram("", true)
		if err != nil {
			return err
		}
		if round > 0 {
			procs = append(procs, m)
			procStacks = append(procStacks, max(0, float64(m.Threads)*kernelStackBytes(got[inThread], stacks)))
		}
		if cat != "" {
			m, err := memoryOfProgram(cat, false)
			if err != nil {
				return err
			}
			if round > 0 {
				small = append(small, m)
			}
		}
		pid, err := forkOnly(true)
		if err != nil {
			return err
		}
		fm, err := memoryOf(pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
		if e := reap(pid); e != nil && err == nil {
			err = e
		}
		if err != nil {
			return err
		}
		if round > 0 {
			forkPrivate = append(forkPrivate, fm.Private)
			forkPTE = append(forkPTE, fm.PTE)
		}
		b.progress(round+1, samples+1, "round %d", round)
	}
	each := func(hs []held, f func(held) float64) (vs []float64) {
		for _, h := range hs {
			vs = append(vs, f(h))
		}
		return vs
	}
	eachMemory := func(ms []memory, f func(memory) float64) (vs []float64) {
		for _, m := range ms {
			vs = append(vs, f(m))
		}
		return vs
	}
	g, t := got[inGoroutine], got[inThread]
	resident, reserved, tables, kernel := "resident memory of one more", "reserved addresses of one more", "page tables of one more", "kernel stacks of one more"
	rss := func(h held) float64 { return h.RSS }
	b.add("memory/goroutine", resident, "goroutine", "B", each(g, rss)...).Warmup = 1
	b.add("memory/goroutine-stack", resident, "goroutine's stack alone", "B", each(g, func(h held) float64 { return h.Stack })...).Warmup = 1
	b.add("memory/thread", resident, "thread (Go's)", "B", each(t, rss)...).Warmup = 1
	b.add("memory/fork", resident, "process (fork only), private", "B", forkPrivate...).Warmup = 1
	if len(small) > 0 {
		b.add("memory/cat", resident, "process (cat), private", "B", eachMemory(small, func(m memory) float64 { return m.Private })...).Warmup = 1
	}
	b.add("memory/process", resident, "process (Go program), private", "B", eachMemory(procs, func(m memory) float64 { return m.Private })...).Warmup = 1
	b.add("memory/process-pss", resident, "process (Go program), PSS", "B", eachMemory(procs, func(m memory) float64 { return m.PSS })...).Warmup = 1
	b.add("memory/process-rss", resident, "process (Go program), RSS", "B", eachMemory(procs, func(m memory) float64 { return m.RSS })...).Warmup = 1
	size := func(h held) float64 { return h.Size }
	b.add("reserved/goroutine", reserved, "goroutine", "B", each(g, size)...)
	b.add("reserved/thread", reserved, "thread (Go's)", "B", each(t, size)...)
	b.add("reserved/process", reserved, "process (Go program)", "B", eachMemory(procs, func(m memory) float64 { return m.Size })...)
	pte := func(h held) float64 { return h.PTE }
	b.add("pagetables/goroutine", tables, "goroutine", "B", each(g, pte)...)
	b.add("pagetables/thread", tables, "thread (Go's)", "B", each(t, pte)...)
	b.add("pagetables/fork", tables, "process (fork only)", "B", forkPTE...)
	b.add("pagetables/process", tables, "process (Go program)", "B", eachMemory(procs, func(m memory) float64 { return m.PTE })...)
	b.add("kernelstack/goroutine", kernel, "goroutine", "B", each(g, func(h held) float64 { return h.KernelStack })...)
	b.add("kernelstack/thread", kernel, "thread (Go's)", "B", each(t, func(h held) float64 { return h.KernelStack })...)
	b.add("kernelstack/process", kernel, "process (Go program), all its threads", "B", procStacks...)
	b.add("mappings/process", "mappings", "process (Go program)", "mappings", eachMemory(procs, func(m memory) float64 { return float64(m.Mappings) })...)
	b.fact("threads of the process that held the threads", "%d for %d locked goroutines", t[0].Threads, kinds[1].N)
	b.fact("threads of the process that held the goroutines", "%d for %d goroutines", g[0].Threads, kinds[0].N)
	b.note("Private is what no other process shares; PSS shares out the rest by its users; RSS counts shared pages in full.")
	b.note("Kernel stacks come from the whole machine's count (/proc/meminfo): what other programs do meanwhile is in it.")
	return nil
}

// kernelStackBytes is one thread's kernel stack, as the threads' samples had it.
func kernelStackBytes(hs []held, _ float64) float64 {
	var vs []float64
	for _, h := range hs {
		vs = append(vs, h.KernelStack)
	}
	return Samples{Values: vs}.Summary().Median
}

// memoryOfProgram starts this binary or another that waits, and reads its
// memory.
func memoryOfProgram(path string, own bool) (memory, error) {
	pid, stop, err := startWaiting(path, own)
	if err != nil {
		return memory{}, err
	}
	defer stop()
	return memoryOf(pid)
}

// playHold holds n goroutines or threads, and says what they added.
func playHold(p *peer) error {
	var o holdOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	h, release, err := hold(o)
	if err != nil {
		return err
	}
	if err := p.send(h); err != nil {
		return err
	}
	err = p.recv(nil)
	release()
	return err
}

// hold starts n of a kind and measures what each added.
func hold(o holdOrder) (h held, release func(), err error) {
	quiet()
	self := os.Getpid()
	var ms0, ms1 runtime.MemStats
	runtime.ReadMemStats(&ms0)
	m0, err := memoryOf(self)
	if err != nil {
		return h, nil, err
	}
	k0 := kernelStacks()
	done := make(chan struct{})
	var up sync.WaitGroup
	up.Add(o.N)
	began := time.Now()
	for range o.N {
		go func() {
			if o.Kind == inThread {
				runtime.LockOSThread()
			}
			up.Done()
			<-done
		}()
	}
	up.Wait()
	start := time.Since(began)
	runtime.ReadMemStats(&ms1)
	m1, err := memoryOf(self)
	if err != nil {
		return h, nil, err
	}
	n := float64(o.N)
	h = held{
		RSS: (m1.RSS - m0.RSS) / n, Size: (m1.Size - m0.Size) / n, PTE: (m1.PTE - m0.PTE) / n,
		KernelStack: max(0, kernelStacks()-k0) / n, Stack: (float64(ms1.StackInuse) - float64(ms0.StackInuse)) / n,
		Threads: m1.Threads, Start: float64(start.Nanoseconds()),
	}
	return h, sync.OnceFunc(func() { close(done) }), nil
}
