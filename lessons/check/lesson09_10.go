package check

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func lesson09() []exercise {
	return []exercise{
		{
			id: "09-1", title: "Fork, join, and report",
			hints: []string{
				"Forking is easy; joining means: every task has ended before all returns, those after the first failure too.",
				"Give each task a place of its own for its error: errs := make([]error, len(tasks)).",
				"After wg.Wait(), errors.Join(errs...) is nil where all are nil, and otherwise holds each of them.",
			},
			praise: "A join that loses an error, or returns while a child still works, is how programs end before their work does.",
			check:  checkAll,
		},
		{
			id: "09-2", title: "Amdahl's law",
			hints: []string{
				"Let the whole take 1 on one core. The part that can't be shared still takes 1-f on p cores.",
				"The other part takes f/p. The speedup is the old time over the new time.",
				"return 1 / ((1 - f) + f/float64(p))",
			},
			praise: "With a tenth that can't be shared, a thousand cores are not ten times as fast.",
			check: func(a answer) string {
				speedup, problem := take[func(float64, int) float64](a, 0)
				if problem != "" {
					return problem
				}
				for _, c := range []struct {
					f float64
					p int
				}{{0, 8}, {1, 8}, {0.5, 2}, {0.9, 10}, {0.9, 1000}} {
					want := 1 / ((1 - c.f) + c.f/float64(c.p))
					got := speedup(c.f, c.p)
					if math.Abs(got-want) < 1e-9 {
						continue
					}
					if math.Abs(got-c.f*float64(c.p)) < 1e-9 || math.Abs(got-((1-c.f)+c.f*float64(c.p))) < 1e-9 {
						return fmt.Sprintf("speedup(%v, %d) gave %.3g: you added up speeds; add up times, for the serial part has to be sat through: %.3g", c.f, c.p, got, want)
					}
					return fmt.Sprintf("speedup(%v, %d) gave %.3g; it is %.3g", c.f, c.p, got, want)
				}
				return ""
			},
		},
	}
}

func checkAll(a answer) string {
	all, problem := take[func([]func() error) error](a, 0)
	if problem != "" {
		return problem
	}
	errA, errB := errors.New("disk full"), errors.New("no route")
	var ended atomic.Int32
	after := func(d time.Duration, err error) func() error {
		return func() error { time.Sleep(d); ended.Add(1); return err }
	}
	const ms = time.Millisecond
	var err error
	run := func(tasks ...func() error) (took time.Duration, problem string) {
		ended.Store(0)
		began := time.Now()
		problem = call(5*time.Second, func() { err = all(tasks) })
		return time.Since(began), problem
	}
	took, problem := run(after(200*ms, nil), after(200*ms, nil), after(200*ms, nil), after(200*ms, nil))
	switch {
	case problem != "":
		return problem
	case err != nil:
		return fmt.Sprintf("no task failed, and all returned %v", err)
	case ended.Load() != 4:
		return fmt.Sprintf("all returned when %d of 4 tasks had ended", ended.Load())
	case took > 700*ms:
		return fmt.Sprintf("four tasks of 0.2 s took %v: they ran one after the other", took.Round(ms))
	}
	if _, problem = run(after(10*ms, errA), after(300*ms, nil), after(150*ms, errB)); problem != "" {
		return "with tasks that fail: " + problem
	}
	switch n := ended.Load(); {
	case err == nil:
		return "two of three tasks failed, and all returned no error"
	case n != 3:
		return fmt.Sprintf("one task failed early, and all returned at once: %d of 3 tasks had ended, and the others ran on with nobody waiting", n)
	case !errors.Is(err, errA) || !errors.Is(err, errB):
		return fmt.Sprintf("both “%v” and “%v” went wrong; the error that came back says only: %v", errA, errB, err)
	}
	return ""
}

func lesson10() []exercise {
	return []exercise{
		{
			id: "10-1", title: "A deposit that isn't lost",
			hints: []string{
				"Between reading the balance and writing it back, another goroutine may write: its deposit is then overwritten.",
				"Reading, adding and writing must happen as one: nobody else may come between. Which of the three parameters can see to that?",
				"lock.Lock(); defer lock.Unlock(); write(read() + amount)",
			},
			praise: "The lock has to cover the whole read-add-write. A lock around each half would have lost deposits as well.",
			check:  checkDeposit,
		},
		{
			id: "10-2", title: "Only once, and everybody waits",
			hints: []string{
				"A plain bool is read and written by several goroutines: two of them may both find it false.",
				"It isn't enough that f runs once. Whoever calls while it still runs must wait until it is done.",
				"sync.Once does both: var once sync.Once; return func() { once.Do(f) }. (sync.OnceFunc(f) is the same in a word.)",
			},
			praise: "Run once, and be done before anybody goes on: two promises, and code that keeps only the first breaks rarely, and at night.",
			check:  checkOnce,
		},
	}
}

// checkDeposit lends a shared balance whose read gives the processor away: a
// deposit that isn't guarded is lost for certain, not by chance.
func checkDeposit(a answer) string {
	deposit, problem := take[func(lock sync.Locker, read func() int, write func(int), amount int)](a, 0)
	if problem != "" {
		return problem
	}
	var mu sync.Mutex
	var inside, overlaps atomic.Int32
	balance := atomic.Int64{}
	read := func() int {
		if inside.Add(1) > 1 {
			overlaps.Add(1)
		}
		v := int(balance.Load())
		for range 3 {
			runtime.Gosched()
		}
		time.Sleep(50 * time.Microsecond)
		return v
	}
	write := func(v int) {
		inside.Add(-1)
		balance.Store(int64(v))
	}
	const people, times = 8, 20
	problem = call(20*time.Second, func() {
		var wg sync.WaitGroup
		for range people {
			wg.Go(func() {
				for range times {
					deposit(&mu, read, write, 5)
				}
			})
		}
		wg.Wait()
	})
	if problem != "" {
		return problem
	}
	want := int64(people * times * 5)
	if got := balance.Load(); got != want {
		return fmt.Sprintf("%d goroutines paid in 5 for %d times: %d should be there, and %d are; %d deposits began while another one was under way",
			people, times, want, got, overlaps.Load())
	}
	if !mu.TryLock() {
		return "the balance is right, but the lock is still held: the next depositor would wait for ever"
	}
	mu.Unlock()
	return ""
}

func checkOnce(a answer) string {
	once, problem := take[func(func()) func()](a, 0)
	if problem != "" {
		return problem
	}
	for range 3 {
		var runs, early atomic.Int32
		var done atomic.Bool
		f := once(func() {
			runs.Add(1)
			time.Sleep(40 * time.Millisecond)
			done.Store(true)
		})
		problem := call(5*time.Second, func() {
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					f()
					if !done.Load() {
						early.Add(1)
					}
				})
			}
			wg.Wait()
			f() // once more, when all is done
		})
		switch {
		case problem != "":
			return problem
		case runs.Load() > 1:
			return fmt.Sprintf("ten goroutines called it at the same time, and f ran %d times", runs.Load())
		case runs.Load() == 0:
			return "f never ran"
		case early.Load() > 0:
			return fmt.Sprintf("f ran once, but %d callers went on before it was done: they would use what isn't there yet", early.Load())
		}
	}
	return ""
}
