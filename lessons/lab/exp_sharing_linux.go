package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// runContention is F6.
func runContention(b *bench, p ContentionParams) error {
	numbers, samples, ops := p.Goroutines, max(10, defaulted(p.Samples, 10)), defaulted(p.Operations, 40_000)
	if numbers == nil {
		numbers = []int{1, 2, 4, 8, 16}
	}
	for _, n := range numbers {
		if n < 1 || n > 10_000 {
			return fmt.Errorf("goroutines: %d is not in 1…10,000", n)
		}
	}
	if ops < 1000 || ops > 100_000_000 {
		return fmt.Errorf("operations: %d is not in 1,000…100,000,000", ops)
	}
	quiet()
	ways := []struct {
		id, name string
		run      func(goroutines, each int) (counted int, d time.Duration)
	}{
		{"atomic", "atomic operation", countAtomic},
		{"mutex", "mutex", countMutex},
		{"channel", "channel to one owner", countChannel},
		{"own", "a counter each, added up at the end", countOwn},
	}
	buffers := []struct {
		id, name string
		run      func(goroutines, each int) time.Duration
	}{
		{"pool", "buffer from sync.Pool", buffersPooled},
		{"make", "buffer made anew", buffersMade},
	}
	right, runs := 0, 0
	for i, n := range numbers {
		got, bufs := make([][]float64, len(ways)), make([][]float64, len(buffers))
		each := max(1, ops/n)
		for s := range samples + 1 {
			for k, w := range ways {
				counted, d := w.run(n, each)
				if s > 0 {
					runs++
					if counted == n*each {
						right++
					}
					got[k] = append(got[k], perUnit(d, n*each))
				}
			}
			for k, w := range buffers {
				d := w.run(n, max(1, each/20))
				if s > 0 {
					bufs[k] = append(bufs[k], perUnit(d, n*max(1, each/20)))
				}
			}
			runtime.GC()
		}
		for k, w := range ways {
			b.addAt("contention/"+w.id, "time of one addition to a shared counter", w.name, "ns", "goroutines", float64(n), got[k]...)
		}
		for k, w := range buffers {
			b.addAt("contention/"+w.id, "time to get a buffer of 4 KiB and write to it", w.name, "ns", "goroutines", float64(n), bufs[k]...)
		}
		b.progress(i+1, len(numbers), "%d goroutines", n)
	}
	b.fact("right totals", "%d of %d", right, runs)
	b.fact("GOMAXPROCS", "%d", runtime.GOMAXPROCS(0))
	return nil
}

func together(n int, f func()) time.Duration {
	var wg sync.WaitGroup
	began := time.Now()
	for range n {
		wg.Go(f)
	}
	wg.Wait()
	return time.Since(began)
}

func countAtomic(n, each int) (int, time.Duration) {
	var c atomic.Int64
	d := together(n, func() {
		for range each {
			c.Add(1)
		}
	})
	return int(c.Load()), d
}

func countMutex(n, each int) (int, time.Duration) {
	var mu sync.Mutex
	c := 0
	d := together(n, func() {
		for range each {
			mu.Lock()
			c++
			mu.Unlock()
		}
	})
	return c, d
}

func countChannel(n, each int) (int, time.Duration) {
	add, total := make(chan int), make(chan int)
	go func() { // the owner: no other goroutine touches c
		c := 0
		for v := range add {
			c += v
		}
		total <- c
	}()
	d := together(n, func() {
		for range each {
			add <- 1
		}
	})
	close(add)
	return <-total, d
}

func countOwn(n, each int) (int, time.Duration) {
	var total atomic.Int64
	d := together(n, func() {
		c := 0
		for range each {
			c++
		}
		total.Add(int64(c))
	})
	return int(total.Load()), d
}

const bufferBytes = 4096

func buffersPooled(n, each int) time.Duration {
	pool := sync.Pool{New: func() any { return new([bufferBytes]byte) }}
	return together(n, func() {
		for i := range each {
			buf := pool.Get().(*[bufferBytes]byte)
			buf[i%bufferBytes]++
			pool.Put(buf)
		}
	})
}

var bufferSink atomic.Pointer[[bufferBytes]byte] // makes buffers escape to the heap

func buffersMade(n, each int) time.Duration {
	return together(n, func() {
		for i := range each {
			buf := new([bufferBytes]byte)
			buf[i%bufferBytes]++
			bufferSink.Store(buf)
		}
	})
}

// runLostUpdates is F7, with F6 beside it.
func runLostUpdates(b *bench, p LostUpdatesParams) error {
	n, each, samples := defaulted(p.Goroutines, 4), defaulted(p.Additions, 300_000), max(10, defaulted(p.Samples, 10))
	if n < 1 || n > 1000 || each < 1 || each > 100_000_000 {
		return fmt.Errorf("goroutines %d or additions %d out of range", n, each)
	}
	// On one P goroutines take turns every 10 ms or so, and hardly ever in the
	// middle of an addition; two Ps share the variable at all times.
	P := max(2, runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(P)
	ways := []struct {
		id, name string
		run      func(n, each int) int
	}{
		{"none", "nothing: a race", addRacing},
		{"atomic", "atomic operation", func(n, each int) int { c, _ := countAtomic(n, each); return c }},
		{"mutex", "mutex", func(n, each int) int { c, _ := countMutex(n, each); return c }},
		{"channel", "channel", func(n, each int) int { c, _ := countChannel(n, max(1, each/20)); return c * each / max(1, each/20) }},
	}
	lost := make([][]float64, len(ways))
	for s := range samples {
		for k, w := range ways {
			lost[k] = append(lost[k], 1-float64(w.run(n, each))/float64(n*each))
		}
		b.progress(s+1, samples, "round %d", s+1)
	}
	for more := each; slices.Max(lost[0]) == 0 && n > 1 && more < 50*each; { // luck, or little overlap: give it more time
		more *= 7
		b.progress(samples, samples, "%s additions each", group(int64(more)))
		for s := range samples {
			lost[0][s] = 1 - float64(addRacing(n, more))/float64(n*more)
		}
		b.note("Nothing got lost at first: the race was run again with %s additions of each goroutine.", group(int64(more)))
	}
	for k, w := range ways {
		b.add("lost/"+w.id, "share of additions that got lost", w.name, "", lost[k]...)
	}
	b.fact("additions", "%s goroutines × %s", group(int64(n)), group(int64(each)))
	b.fact("P", "%d", P)
	if len(usableCPUs()) < 2 {
		b.note("There is one CPU here: additions overlap only where the system takes the CPU away in the middle of one.")
	}
	return nil
}

// shared is added to by addRacing, without any synchronisation: that is the
// point. The detector is told to look away, for it is not under test here.
var shared int

// addRacing lets all begin at the same time: an addition is so quick that the
// first would be done before the second has started.
//
//go:norace
func addRacing(n, each int) int {
	shared = 0
	var ready atomic.Int64
	together(n, func() {
		ready.Add(1)
		for ready.Load() < int64(n) {
			runtime.Gosched()
		}
		addEach(each)
	})
	return shared
}

// addEach adds in two steps, read and write, with a call between them as in
// any addition that is more than one instruction.
//
//go:norace
//go:noinline
func addEach(each int) {
	for range each {
		v := shared
		v = oneMore(v)
		shared = v
	}
}

//go:norace
//go:noinline
func oneMore(v int) int { return v + 1 }

// raceProgram is what runRace builds: with a race, or mended.
func raceProgram(mended bool) string {
	lock, unlock := "", ""
	if mended {
		lock, unlock = "mu.Lock()", "mu.Unlock()"
	}
	return `package main

import "sync"

func main() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	for i := 0; i < 2; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 1000; k++ {
				` + lock + `
				n++
				` + unlock + `
			}
		}()
	}
	wg.Wait()
	mu.Lock()
	println(n)
	mu.Unlock()
}
`
}

// runRace is F7 by the race detector.
func runRace(b *bench, _ RaceParams) error {
	gotool, err := exec.LookPath("go")
	if err != nil {
		return skipf("there is no Go toolchain on this machine, and only it can build with the race detector")
	}
	dir, err := os.MkdirTemp("", "spindle-race-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	for i, prog := range []struct {
		id, name string
		mended   bool
	}{{"racy", "two goroutines add to one variable", false}, {"mended", "the same with a mutex", true}} {
		b.progress(i, 2, "building with -race")
		sub := filepath.Join(dir, prog.id)
		if err := os.Mkdir(sub, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(sub, "main.go"), []byte(raceProgram(prog.mended)), 0o600); err != nil {
			return err
		}
		bin := filepath.Join(sub, "prog")
		cmd := exec.CommandContext(ctx, gotool, "build", "-race", "-o", bin, "main.go")
		cmd.Dir = sub
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOWORK=off", "GO111MODULE=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			why := strings.TrimSpace(string(out))
			if ctx.Err() != nil {
				return fmt.Errorf("building with -race took more than 3 minutes")
			}
			return skipf("the toolchain cannot build with -race here, which needs cgo and a C compiler: %s", firstLine(why))
		}
		var reports []float64
		for range 10 {
			run := exec.CommandContext(ctx, bin)
			run.Env = append(os.Environ(), "GORACE=halt_on_error=0")
			out, err := run.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return fmt.Errorf("running the program: %w", err)
			}
			reports = append(reports, float64(strings.Count(string(out), "WARNING: DATA RACE")))
			if len(reports) == 1 {
				b.fact(prog.name, "exit status %d, %s", run.ProcessState.ExitCode(), orNothing(raceLines(string(out))))
			}
		}
		b.add("race/"+prog.id, "reports of the race detector, a run", prog.name, "reports", reports...)
	}
	return nil
}

func firstLine(s string) string {
	l, _, _ := strings.Cut(s, "\n")
	return l
}

func orNothing(s string) string {
	if s == "" {
		return "no report"
	}
	return s
}

// raceLines keeps of a report what it says happened.
func raceLines(out string) string {
	var keep []string
	for line := range strings.Lines(out) {
		l := strings.TrimSpace(line)
		if strings.HasPrefix(l, "WARNING: DATA RACE") || strings.HasPrefix(l, "Read at") || strings.HasPrefix(l, "Write at") || strings.HasPrefix(l, "Previous ") {
			keep = append(keep, strings.TrimSuffix(l, ":"))
		}
		if len(keep) == 3 {
			break
		}
	}
	return strings.Join(keep, "; ")
}
