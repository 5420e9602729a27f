package check

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func lesson04() []exercise {
	return []exercise{
		{
			id: "04-1", title: "Wait for the children",
			hints: []string{
				"Something has to count the children that are still speaking. A sync.WaitGroup does.",
				"wg.Go(func() { speak(name) }) starts a goroutine and counts it; wg.Wait() waits until the count is 0.",
				"Start all of them first, then wait once, after the loop. Waiting inside the loop would let them speak one by one.",
			},
			praise: "No sleep, no guess at how long is long enough: the join says it exactly.",
			check:  checkGreet,
		},
		{
			id: "04-2", title: "Answers in order",
			hints: []string{
				"Goroutines end in any order. What could tell you which number a result belongs to?",
				"Make the result slice before you start: results := make([]int, len(ns)). Each goroutine may write to its own index without a lock.",
				"for i, n := range ns { wg.Go(func() { results[i] = f(n) }) }, then wg.Wait().",
			},
			praise: "Each goroutine owned one place in the slice. Ownership is the cheapest lock there is.",
			check:  checkEach,
		},
	}
}

func checkGreet(a answer) string {
	greet, problem := take[func([]string, func(string))](a, 0)
	if problem != "" {
		return problem
	}
	names := []string{"Ada", "Grace", "Barbara", "Frances"}
	var mu sync.Mutex
	var spoke []string
	var now, most atomic.Int32
	returned := false
	speak := func(name string) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(250 * time.Millisecond)
		now.Add(-1)
		mu.Lock()
		defer mu.Unlock()
		if !returned {
			spoke = append(spoke, name)
		}
	}
	if problem := call(5*time.Second, func() { greet(names, speak) }); problem != "" {
		return problem
	}
	mu.Lock()
	returned = true
	got := slices.Sorted(slices.Values(spoke))
	mu.Unlock()
	if want := slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
		missing := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(got, n) })
		if len(got) > len(want) {
			return fmt.Sprintf("%d names were spoken of %d: %v", len(got), len(want), got)
		}
		return fmt.Sprintf("greet returned before everybody had spoken: %s had not. A speaker here takes a quarter of a second, and another one might take an hour", strings.Join(missing, ", "))
	}
	if most.Load() < 2 {
		return "everybody spoke, but one after the other: at no moment did two speak. Start all before you wait"
	}
	greet(nil, speak) // nobody to greet: must return
	return ""
}

func checkEach(a answer) string {
	each, problem := take[func([]int, func(int) int) []int](a, 0)
	if problem != "" {
		return problem
	}
	ns := []int{5, 4, 3, 2, 1}
	var running, most atomic.Int32
	f := func(n int) int { // the first number takes longest
		r := running.Add(1)
		for m := most.Load(); r > m && !most.CompareAndSwap(m, r); m = most.Load() {
		}
		time.Sleep(time.Duration(n) * 25 * time.Millisecond)
		running.Add(-1)
		return n * n
	}
	var got []int
	if problem := call(5*time.Second, func() { got = each(ns, f) }); problem != "" {
		return problem
	}
	want := []int{25, 16, 9, 4, 1}
	switch {
	case slices.Equal(got, want):
	case slices.Equal(slices.Sorted(slices.Values(got)), []int{1, 4, 9, 16, 25}):
		return fmt.Sprintf("all results are there, but in the order of arrival: %v for the numbers %v", got, ns)
	default:
		return fmt.Sprintf("for the numbers %v, squared, the results were %v", ns, got)
	}
	if most.Load() < 2 {
		return "the results are right, but no two calls of f ran at the same time"
	}
	return ""
}

func lesson05() []exercise {
	return []exercise{
		{
			id: "05-1", title: "At most n at a time",
			hints: []string{
				"You want a counter of free places: take one before a job starts, give it back when the job ends.",
				"A buffered channel is such a counter: places := make(chan struct{}, n). Sending takes a place and blocks when none is free; receiving gives it back.",
				"places <- struct{}{} before wg.Go, and inside it defer func() { <-places }(). After the loop, wg.Wait().",
			},
			praise: "You built in ten lines what GOMAXPROCS is to the scheduler: many jobs, few places.",
			check:  checkAtMost,
		},
		{
			id: "05-2", title: "Read the scheduler's own trace",
			hints: []string{
				"strings.Fields cuts the line at blanks; then strings.Cut(field, \"=\") gives name and value.",
				"threads= and idlethreads= are different fields: compare the whole name.",
				"spinningthreads are among the threads and not idle. What is busy is threads minus idlethreads.",
			},
			praise: "GODEBUG=schedtrace=100 prints this line for any Go program, without changing it.",
			check:  checkTraceLine,
		},
	}
}

func checkAtMost(a answer) string {
	atMost, problem := take[func(int, []func())](a, 0)
	if problem != "" {
		return problem
	}
	for _, n := range []int{3, 1} {
		var now, most, done atomic.Int32
		jobs := make([]func(), 12)
		for i := range jobs {
			jobs[i] = func() {
				k := now.Add(1)
				for m := most.Load(); k > m && !most.CompareAndSwap(m, k); m = most.Load() {
				}
				// A short job beside long ones: batches would leave places empty.
				d := 20 * time.Millisecond
				if i%3 == 0 {
					d = 80 * time.Millisecond
				}
				time.Sleep(d)
				now.Add(-1)
				done.Add(1)
			}
		}
		if problem := call(10*time.Second, func() { atMost(n, jobs) }); problem != "" {
			return fmt.Sprintf("with n = %d: %s", n, problem)
		}
		finished := done.Load()
		switch {
		case int(finished) < len(jobs):
			return fmt.Sprintf("with n = %d it returned when %d of %d jobs were done", n, finished, len(jobs))
		case int(most.Load()) > n:
			return fmt.Sprintf("with n = %d there were %d jobs running at one moment", n, most.Load())
		case int(most.Load()) < n:
			return fmt.Sprintf("with n = %d never more than %d ran at one moment: places stayed empty", n, most.Load())
		}
	}
	return ""
}

func checkTraceLine(a answer) string {
	read, problem := take[func(string) (int, int, int)](a, 0)
	if problem != "" {
		return problem
	}
	for _, c := range []struct{ p, threads, idle, queue int }{{2, 6, 3, 17}, {8, 12, 0, 0}, {1, 4, 2, 5}} {
		line := fmt.Sprintf("SCHED 100ms: gomaxprocs=%d idleprocs=1 threads=%d spinningthreads=1 needspinning=0 idlethreads=%d runqueue=%d [ 3 4 ] schedticks=[ 12 9 ]",
			c.p, c.threads, c.idle, c.queue)
		p, busy, queue := read(line)
		switch {
		case p == c.p && busy == c.threads-c.idle && queue == c.queue:
		case busy == c.threads:
			return fmt.Sprintf("%s\nthe %d threads include %d idle ones", line, c.threads, c.idle)
		case busy == c.idle && busy != c.threads-c.idle:
			return fmt.Sprintf("%s\nyou returned the idle threads, %d", line, busy)
		default:
			return fmt.Sprintf("%s\nshould read as P = %d, %d busy threads, %d in the global queue; yours says %d, %d, %d",
				line, c.p, c.threads-c.idle, c.queue, p, busy, queue)
		}
	}
	return ""
}

// settled waits until no more than base goroutines are left, and returns how
// many are too many after that.
func settled(base int) int {
	deadline := time.Now().Add(2500 * time.Millisecond)
	for {
		extra := runtime.NumGoroutine() - base
		if extra <= 0 || time.Now().After(deadline) {
			return max(extra, 0)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
