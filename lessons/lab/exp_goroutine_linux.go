package lab

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// runManaged is G1 and M1: threads under ever more goroutines.
func runManaged(b *bench, p ManagedParams) error {
	numbers := p.Goroutines
	if numbers == nil {
		numbers = []int{1, 10, 100, 1000, 10_000}
	}
	samples := max(1, defaulted(p.Samples, 10))
	for _, n := range numbers {
		if n < 1 || n > 2_000_000 {
			return fmt.Errorf("goroutines: %d is not in 1…2,000,000", n)
		}
	}
	before := threads()
	b.fact("threads before", "%d", before)
	for i, n := range numbers {
		var counts []float64
		for range samples {
			counts = append(counts, float64(threadsUnder(n)))
		}
		b.addAt("managed/threads", "OS threads under so many goroutines", "threads", "", "goroutines", float64(n), counts...)
		b.progress(i+1, len(numbers), "%d goroutines", n)
	}
	n := slices.Max(numbers)
	b.addAt("managed/goroutines", "OS threads under so many goroutines", "goroutines", "", "goroutines", float64(n), float64(n))
	for _, m := range numbers {
		if m != n {
			b.addAt("managed/goroutines", "OS threads under so many goroutines", "goroutines", "", "goroutines", float64(m), float64(m))
		}
	}
	b.note("Each goroutine computes a little, yields, and waits. The line of goroutines is there to compare with: it is the count itself.")
	return nil
}

// threadsUnder starts n goroutines that run, then wait, and returns the
// threads of the process meanwhile.
func threadsUnder(n int) int {
	var up, down sync.WaitGroup
	up.Add(n)
	done := make(chan struct{})
	for range n {
		down.Go(func() {
			s := 0
			for i := range 100 {
				s += i
			}
			sink.Add(uint64(s))
			runtime.Gosched()
			up.Done()
			<-done
		})
	}
	up.Wait()
	t := threads()
	close(done)
	down.Wait()
	return t
}

// runGo is G2.
func runGo(b *bench, p GoParams) error {
	n := max(10, defaulted(p.Samples, 200))
	var call, stmt, wait []float64
	later := 0
	for i := range n + 1 {
		var ran time.Time
		speak := func() { ran = time.Now() }
		t0 := time.Now()
		speak()
		t1 := time.Now()
		var wg sync.WaitGroup
		wg.Add(1)
		t2 := time.Now()
		go func() {
			defer wg.Done()
			speak()
		}()
		t3 := time.Now()
		wg.Wait()
		if i == 0 {
			continue
		}
		call = append(call, float64(t1.Sub(t0).Nanoseconds()))
		stmt = append(stmt, float64(t3.Sub(t2).Nanoseconds()))
		wait = append(wait, float64(ran.Sub(t2).Nanoseconds()))
		if ran.After(t3) {
			later++
		}
		if i%20 == 0 {
			b.progress(i, n, "go statements")
		}
	}
	b.add("go/call", "until control is back, and until the function ran", "a plain call returns after", "ns", call...).Warmup = 1
	b.add("go/statement", "until control is back, and until the function ran", "a go statement returns after", "ns", stmt...).Warmup = 1
	b.add("go/ran", "until control is back, and until the function ran", "the function runs after", "ns", wait...).Warmup = 1
	b.fact("go statements", "%d", n)
	b.fact("functions that ran", "%d", len(wait))
	b.fact("functions that ran after the go statement had returned", "%d of %d", later, n)
	own, other := idOfGoroutine(), make(chan string)
	go func() { other <- idOfGoroutine() }()
	o := <-other
	b.fact("goroutine of the caller", "%s", own)
	b.fact("goroutine of the function", "%s", o)
	b.fact("runs in a goroutine of its own", "%t", own != o)
	return nil
}

// idOfGoroutine reads "goroutine 7" off the head of a stack trace.
func idOfGoroutine() string {
	buf := make([]byte, 64)
	head, _, _ := bytes.Cut(buf[:runtime.Stack(buf, false)], []byte(" ["))
	return string(head)
}

// runMain is G3. Experiments are played by the main goroutine of their
// process: ChildMain is called by main.main.
func runMain(b *bench, _ MainParams) error {
	trace := make([]byte, 8<<10)
	trace = trace[:runtime.Stack(trace, false)]
	lines := strings.Split(string(trace), "\n")
	b.fact("stack trace begins", "%s", lines[0])
	bottom := ""
	for _, l := range lines {
		if strings.HasPrefix(l, "main.main") {
			bottom = l
		}
	}
	b.fact("stack trace ends in", "%s", bottom)
	b.fact("goroutines of the process", "%d", runtime.NumGoroutine())
	m := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(m)
	if m[0].Value.Kind() == metrics.KindUint64 {
		b.fact("goroutines created so far, the runtime's own among them", "%d", m[0].Value.Uint64())
	}
	// The thread under it changes, so it is no thread: while it is in a system
	// call busy goroutines take its P, and another thread carries it on.
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		})
	}
	tids := map[int]int{}
	for i := range 200 {
		tids[unix.Gettid()]++
		_ = unix.Nanosleep(&unix.Timespec{Nsec: 200_000}, nil)
		if i%50 == 0 {
			b.progress(i, 200, "watching its thread")
		}
	}
	close(stop)
	wg.Wait()
	b.fact("process id", "%d", os.Getpid())
	b.fact("threads that carried main", "%d", len(tids))
	var seen []int
	for t := range tids {
		seen = append(seen, t)
	}
	slices.Sort(seen)
	b.fact("their ids", "%v", seen)
	return nil
}

// runSpeak is G4 and F4: the article's program, as processes of their own.
func runSpeak(b *bench, p SpeakParams) error {
	runs, sleep := defaulted(p.Runs, 10), defaulted(p.SleepMS, 100)
	if runs < 1 || runs > 1000 || sleep < 0 || sleep > 60_000 {
		return fmt.Errorf("runs %d or sleep %d ms out of range", runs, sleep)
	}
	programs := []struct {
		id, name string
		order    speakOrder
	}{
		{"none", "main ends at once", speakOrder{}},
		{"sleep", fmt.Sprintf("main sleeps %d ms", sleep), speakOrder{SleepMS: sleep}},
		{"wait", "main waits for it", speakOrder{Wait: true}},
	}
	heard, took := make([]int, len(programs)), make([][]float64, len(programs))
	for i := range runs {
		for j, pr := range programs {
			var out bytes.Buffer
			began := time.Now()
			s, err := launch("speak", pr.order, launchOptions{stdout: &out})
			if err != nil {
				return err
			}
			if err := s.wait(); err != nil {
				return fmt.Errorf("the program ended badly: %w\n%s", err, s.stderr)
			}
			took[j] = append(took[j], float64(time.Since(began).Nanoseconds()))
			if strings.Contains(out.String(), helloWorld) {
				heard[j]++
			}
		}
		b.progress(i+1, runs, "run %d", i+1)
	}
	for j, pr := range programs {
		b.fact(pr.name, "%q printed in %d of %d runs", helloWorld, heard[j], runs)
		b.add("speak/heard-"+pr.id, "runs in which speak was heard", pr.name, "runs", float64(heard[j]))
	}
	for j, pr := range programs {
		b.add("speak/time-"+pr.id, "time of the whole program", pr.name, "ns", took[j]...)
	}
	b.fact("runs", "%d", runs)
	return nil
}

const helloWorld = "Hello World"

type speakOrder struct {
	SleepMS int  `json:"sleep_ms,omitempty"`
	Wait    bool `json:"wait,omitempty"`
}

func speak(msg string) { fmt.Println(msg) }

// playSpeak is the article's main.
func playSpeak(p *peer) error {
	var o speakOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	if o.Wait {
		var wg sync.WaitGroup
		wg.Go(func() { speak(helloWorld) })
		wg.Wait()
		return nil
	}
	go speak(helloWorld)
	if o.SleepMS > 0 {
		time.Sleep(time.Duration(o.SleepMS) * time.Millisecond)
	}
	return nil
}
