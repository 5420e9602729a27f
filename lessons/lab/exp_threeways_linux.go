package lab

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// job is one of the three that runThreeWays does each way.
type job struct {
	Kind  string `json:"kind"` // "compute", "wait", "crash"
	Tasks int    `json:"tasks"`
	// Rounds of spin that one computing task takes; WaitUS how long one waits.
	Rounds int `json:"rounds,omitempty"`
	WaitUS int `json:"wait_us,omitempty"`
	// In is process, thread or goroutine; a process does one task.
	In string `json:"in"`
}

type jobReport struct {
	TookNS float64 `json:"took_ns"`
	Peak   float64 `json:"peak"` // bytes resident more than before
	Done   int     `json:"done"`
}

// runThreeWays is U1 and U3.
func runThreeWays(b *bench, p ThreeWaysParams) error {
	cpuTasks, ioTasks, samples := defaulted(p.CPUTasks, 8), defaulted(p.IOTasks, 24), max(10, defaulted(p.Samples, 10))
	if cpuTasks < 1 || cpuTasks > 200 || ioTasks < 1 || ioTasks > 500 {
		return fmt.Errorf("tasks: %d is not in 1…200, or %d not in 1…500", cpuTasks, ioTasks)
	}
	rounds := spinRounds(3 * time.Millisecond)
	jobs := []struct {
		job
		name string
	}{
		{job{Kind: "compute", Tasks: cpuTasks, Rounds: rounds}, fmt.Sprintf("%d tasks that compute", cpuTasks)},
		{job{Kind: "wait", Tasks: ioTasks, WaitUS: 10_000}, fmt.Sprintf("%d tasks that wait 10 ms", ioTasks)},
		{job{Kind: "crash", Tasks: 6, WaitUS: 5000}, "6 tasks, of which one has a bug"},
	}
	ways := []string{inProcess, inThread, inGoroutine}
	total, done := len(jobs)*(samples+1), 0
	for _, j := range jobs {
		took, peak, finished := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
		for s := range samples + 1 {
			for _, way := range ways {
				one := j.job
				one.In = way
				r, err := doJob(one)
				if err != nil {
					return fmt.Errorf("%s as %ss: %w", j.name, way, err)
				}
				if s > 0 {
					took[way], peak[way], finished[way] = append(took[way], r.TookNS), append(peak[way], r.Peak), append(finished[way], float64(r.Done))
				}
			}
			done++
			b.progress(done, total, "%s", j.name)
		}
		for _, way := range ways {
			name := way
			if j.Kind == "crash" {
				b.add("threeways/done-"+way, "tasks that brought their result home: "+j.name, name, "tasks", finished[way]...).Warmup = 1
				continue
			}
			b.add("threeways/"+j.Kind+"-"+way, "time of the job: "+j.name, name, "ns", took[way]...).Warmup = 1
		}
		if j.Kind == "wait" {
			for _, way := range ways {
				b.add("threeways/memory-"+way, "memory of all tasks: "+j.name, way, "B", peak[way]...).Warmup = 1
			}
		}
	}
	b.note("A task that is a process is a whole Go program, brought up for it. Each job as threads or goroutines begins in a fresh process, whose start is not counted.")
	return nil
}

// doJob does a job one way.
func doJob(j job) (r jobReport, err error) {
	if j.In == inProcess {
		return doJobInProcesses(j)
	}
	s, err := launch("do job", j, launchOptions{})
	if err != nil {
		return r, err
	}
	defer s.kill()
	if err := s.recv(&r); err != nil {
		if j.Kind == "crash" { // the results died with the process
			return jobReport{}, nil
		}
		return r, err
	}
	return r, nil
}

func doJobInProcesses(j job) (r jobReport, err error) {
	began := time.Now()
	subs := make([]*sub, 0, j.Tasks)
	defer func() {
		for _, s := range subs {
			s.kill()
		}
	}()
	for i := range j.Tasks {
		one := j
		one.Tasks = 1
		if j.Kind == "crash" && i > 0 {
			one.Kind = "wait" // one has the bug
		}
		s, err := launch("do job", one, launchOptions{})
		if err != nil {
			return r, err
		}
		subs = append(subs, s)
	}
	for i, s := range subs {
		var one jobReport
		if err := s.recv(&one); err != nil {
			if j.Kind == "crash" && i == 0 {
				continue
			}
			return r, err
		}
		r.Done += one.Done
	}
	r.TookNS = float64(time.Since(began).Nanoseconds())
	if j.Kind == "wait" {
		m, err := memoryOf(subs[0].pid())
		if err != nil {
			return r, err
		}
		r.Peak = (m.Private + m.PTE) * float64(j.Tasks)
	}
	return r, nil
}

// playDoJob does the tasks as threads or goroutines of this process.
func playDoJob(p *peer) error {
	var j job
	if err := p.arg(&j); err != nil {
		return err
	}
	quiet()
	before, err := memoryOf(os.Getpid())
	if err != nil {
		return err
	}
	var finished atomic.Int64
	var wg, up sync.WaitGroup
	up.Add(j.Tasks)
	var during memory
	began := time.Now()
	for i := range j.Tasks {
		wg.Go(func() {
			if j.In == inThread {
				runtime.LockOSThread()
			}
			up.Done()
			switch {
			case j.Kind == "compute":
				sink.Add(spin(j.Rounds))
			case j.Kind == "crash" && i == 0:
				time.Sleep(time.Duration(j.WaitUS/2) * time.Microsecond)
				fault("nil dereference")
			case j.In == inThread: // the system call that blocks
				ts := unix.NsecToTimespec(int64(j.WaitUS) * 1000)
				for unix.Nanosleep(&ts, &ts) == unix.EINTR {
				}
			default:
				time.Sleep(time.Duration(j.WaitUS) * time.Microsecond)
			}
			finished.Add(1)
		})
	}
	if j.Kind == "wait" && j.In != inProcess {
		up.Wait()
		if during, err = memoryOf(os.Getpid()); err != nil {
			return err
		}
	}
	wg.Wait()
	r := jobReport{TookNS: float64(time.Since(began).Nanoseconds()), Done: int(finished.Load())}
	if during.RSS > 0 {
		r.Peak = max(0, during.RSS-before.RSS) + max(0, during.PTE-before.PTE)
		if j.In == inThread {
			r.Peak += float64(j.Tasks * 16 << 10) // their kernel stacks (THREAD_SIZE)
		}
	}
	if err := p.send(r); err != nil {
		return err
	}
	return p.recv(nil)
}

// runLadder is E1 and E2.
func runLadder(b *bench, p LadderParams) error {
	samples := max(10, defaulted(p.Samples, 10))
	self := os.Getpid()
	type place struct{ tid, tgid int }
	c := make(chan place)
	go func() {
		runtime.LockOSThread() // stays on this thread while we look
		defer runtime.UnlockOSThread()
		c <- place{unix.Gettid(), tgidOf(unix.Gettid())}
	}()
	at := <-c
	inside := false
	for _, tid := range threadIDs(self) {
		inside = inside || tid == at.tid
	}
	b.fact("a goroutine ran on thread", "%d", at.tid)
	b.fact("which is a thread of process", "%d", at.tgid)
	b.fact("this process", "%d, listed among its %d threads: %t", self, threads(), inside)
	b.fact("goroutine inside thread inside process", "%t", inside && at.tgid == self)

	quiet()
	var g, t, pr []float64
	var mg, mt, mp []float64
	for s := range samples + 1 {
		ug, err := makeGoroutines(2000)
		if err != nil {
			return err
		}
		ut, err := makeThreads(30)
		if err != nil {
			return err
		}
		up, err := makeForks(3)
		if err != nil {
			return err
		}
		var hg, ht held
		if err := ask("hold", holdOrder{inGoroutine, 5000}, &hg, nil); err != nil {
			return err
		}
		if err := ask("hold", holdOrder{inThread, 100}, &ht, nil); err != nil {
			return err
		}
		m, err := memoryOfProgram("", true)
		if err != nil {
			return err
		}
		b.progress(s+1, samples+1, "round %d", s)
		if s == 0 {
			continue
		}
		g, t, pr = append(g, ug.create), append(t, ut.create), append(pr, up.create)
		mg, mt, mp = append(mg, hg.RSS), append(mt, ht.RSS+ht.KernelStack), append(mp, m.Private+m.PTE)
	}
	b.add("creation/fork", "time to create one, started", inProcess, "ns", pr...).Warmup = 1
	b.add("creation/thread", "time to create one, started", inThread, "ns", t...).Warmup = 1
	b.add("creation/goroutine", "time to create one, started", inGoroutine, "ns", g...).Warmup = 1
	b.add("memory/process", "memory of one more", inProcess, "B", mp...).Warmup = 1
	b.add("memory/thread", "memory of one more", inThread, "B", mt...).Warmup = 1
	b.add("memory/goroutine", "memory of one more", inGoroutine, "B", mg...).Warmup = 1
	alive := map[string][]float64{}
	for _, way := range []string{"SIGKILL", "nil dereference", "concurrent map writes"} {
		for _, in := range []string{inProcess, inThread, inGoroutine} {
			crash := crashInside
			if in == inProcess {
				crash = crashProcess
			}
			_, left, err := crash(crashOrder{Way: way, In: in})
			if err != nil {
				return err
			}
			alive[in] = append(alive[in], float64(left))
		}
	}
	for _, in := range []string{inProcess, inThread, inGoroutine} {
		b.add("crash/survivors/"+in, "siblings that outlive a crash, of 2", in, "siblings", alive[in]...)
	}
	return nil
}
