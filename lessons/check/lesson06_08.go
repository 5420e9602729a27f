package check

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

func lesson06() []exercise {
	return []exercise{
		{
			id: "06-1", title: "How large does the stack get?",
			hints: []string{
				"When the stack is too small the runtime doesn't add a piece: it moves to a new one, twice as large.",
				"Start at 2048 and double until need fits.",
				"size := 2048; for size < need { size *= 2 }; return size",
			},
			praise: "Doubling makes growth cheap in the long run: all the copying together costs no more than the last stack twice.",
			check: func(a answer) string {
				stackFor, problem := take[func(int) int](a, 0)
				if problem != "" {
					return problem
				}
				for _, c := range []struct{ need, want int }{{1, 2048}, {2048, 2048}, {2049, 4096}, {5000, 8192}, {100_000, 131_072}, {1 << 20, 1 << 20}} {
					got := stackFor(c.need)
					if got == c.want {
						continue
					}
					if got == (c.need+2047)/2048*2048 {
						return fmt.Sprintf("for %d bytes you add pieces of 2 KiB and get %d; the runtime doubles, and gets %d", c.need, got, c.want)
					}
					return fmt.Sprintf("a need of %d bytes ends in a stack of %d; yours is %d", c.need, c.want, got)
				}
				return ""
			},
		},
		{
			id: "06-2", title: "A goroutine that can be stopped",
			hints: []string{
				"A goroutine that waits to send on a channel waits for ever if nobody receives: cheap, but never free.",
				"select waits for several channels at once: one case sends n, the other receives from stop.",
				"for n := 0; ; n++ { select { case out <- n: case <-stop: return } }, in a goroutine; close(out) when it returns.",
			},
			praise: "Cheap goroutines are easy to lose. Who starts one decides how it ends.",
			check:  checkNumbers,
		},
	}
}

func checkNumbers(a answer) string {
	numbers, problem := take[func(<-chan struct{}) <-chan int](a, 0)
	if problem != "" {
		return problem
	}
	base := runtime.NumGoroutine()
	const rounds = 5
	for range rounds {
		stop := make(chan struct{})
		var got []int
		var out <-chan int
		problem := call(3*time.Second, func() {
			out = numbers(stop)
			for range 4 {
				got = append(got, <-out)
			}
		})
		if problem != "" {
			return "asked for its first four numbers: " + problem
		}
		if !slices.Equal(got, []int{0, 1, 2, 3}) {
			return fmt.Sprintf("its first four numbers were %v", got)
		}
		close(stop)
		ended := make(chan struct{})
		go func() {
			for range 2 { // one number may be on its way already
				if _, ok := <-out; !ok {
					close(ended)
					return
				}
			}
		}()
		select {
		case <-ended:
		case <-time.After(500 * time.Millisecond):
		}
	}
	// One goroutine more or less may be somebody else's in this process.
	if extra := settled(base); extra >= rounds-1 {
		return fmt.Sprintf("after stop was closed, goroutines were still there: %d of %d rounds left one behind, or left out open, so that a reader waits for ever", min(extra, rounds), rounds)
	}
	return ""
}

func lesson07() []exercise {
	return []exercise{
		{
			id: "07-1", title: "Steal half",
			hints: []string{
				"Half of an odd number: the runtime writes n - n/2. What is that for 1? What would n/2 be?",
				"The thief takes from the head, the goroutines that waited longest; what is left stays in order.",
				"k := len(victim) - len(victim)/2; return victim[k:], victim[:k]",
			},
			praise: "That is runqgrab in runtime/proc.go. Rounding up matters: with n/2 a queue of one could never be stolen from.",
			check: func(a answer) string {
				steal, problem := take[func([]int) ([]int, []int)](a, 0)
				if problem != "" {
					return problem
				}
				for _, n := range []int{8, 5, 1, 0} {
					var victim []int
					for i := range n {
						victim = append(victim, 10+i)
					}
					k := n - n/2
					left, loot := steal(slices.Clone(victim))
					if slices.Equal(left, victim[k:]) && slices.Equal(loot, victim[:k]) {
						continue
					}
					switch {
					case len(loot) == n/2 && n%2 == 1:
						return fmt.Sprintf("of %v you took %d; half of an odd number is rounded up, or a lone goroutine could never be stolen", victim, len(loot))
					case len(loot) == k && n > 1:
						return fmt.Sprintf("of %v you took %v and left %v: the right number, but take those that waited longest, at the head", victim, loot, left)
					}
					return fmt.Sprintf("of %v the thief gets %v and %v stays; yours gives %v and %v", victim, victim[:k], victim[k:], loot, left)
				}
				return ""
			},
		},
		{
			id: "07-2", title: "Where does the next one come from?",
			hints: []string{
				"Read findRunnable in runtime/proc.go, or the list in the lesson: own queue, global queue, then the others.",
				"Once every 61 schedules the global queue comes first, so that two goroutines that wake each other can't starve it.",
				"if tick%61 == 0 && global > 0 { return \"global\" }, and only then the local queue.",
			},
			praise: "Stealing is the last resort and not the first: a lock taken rarely is cheaper than a neighbour disturbed often.",
			check:  checkNext,
		},
	}
}

func checkNext(a answer) string {
	next, problem := take[func(tick, local, global, others int) string](a, 0)
	if problem != "" {
		return problem
	}
	for _, c := range []struct {
		tick, local, global, others int
		want, why                   string
	}{
		{1, 3, 5, 5, "local", "its own queue has work"},
		{1, 0, 5, 5, "global", "its own queue is empty, and the global one is looked at before a neighbour's"},
		{1, 0, 0, 5, "steal", "nothing is left but the neighbours"},
		{1, 0, 0, 0, "idle", "there is nothing anywhere"},
		{61, 3, 5, 5, "global", "every 61st schedule looks at the global queue first"},
		{122, 3, 0, 5, "local", "it is a 61st schedule, but the global queue is empty"},
		{60, 3, 5, 0, "local", "60 is no multiple of 61"},
	} {
		if got := next(c.tick, c.local, c.global, c.others); got != c.want {
			return fmt.Sprintf("tick %d with %d local, %d global and %d elsewhere: yours says %q, and it is %q, for %s",
				c.tick, c.local, c.global, c.others, got, c.want, c.why)
		}
	}
	return ""
}

func lesson08() []exercise {
	return []exercise{
		{
			id: "08-1", title: "Wait, but not for ever",
			hints: []string{
				"Run f in a goroutine that sends its result on a channel, and select between that channel and time.After(d).",
				"If you gave up, who receives what f sends in the end? With an unbuffered channel nobody, and its goroutine waits for ever.",
				"make(chan int, 1): a place for the result makes the send succeed whether or not somebody still listens.",
			},
			praise: "The blocked goroutine ended as soon as f did, listened to or not. That one place in the buffer is the whole trick.",
			check:  checkWithin,
		},
		{
			id: "08-2", title: "Fetch them all",
			hints: []string{
				"Written as a plain loop the waits add up. A goroutine for each name lets them overlap.",
				"A map may not be written to by two goroutines at once: guard it with a sync.Mutex, or send results over a channel to one collector.",
				"wg.Go(func() { v := get(name); mu.Lock(); defer mu.Unlock(); results[name] = v }): call get before you lock, or the waits queue up behind the lock.",
			},
			praise: "The code looks synchronous, one get after the other; the runtime overlapped the waiting.",
			check:  checkFetchAll,
		},
	}
}

func checkWithin(a answer) string {
	within, problem := take[func(time.Duration, func() int) (int, bool)](a, 0)
	if problem != "" {
		return problem
	}
	if v, ok := within(time.Second, func() int { return 42 }); !ok || v != 42 {
		return fmt.Sprintf("f answered 42 at once, and within returned %d, %v", v, ok)
	}
	base := runtime.NumGoroutine()
	const rounds = 3
	for range rounds {
		began := time.Now()
		v, ok := within(30*time.Millisecond, func() int { time.Sleep(600 * time.Millisecond); return 7 })
		took := time.Since(began)
		if ok {
			return fmt.Sprintf("f takes 0.6 s and the limit was 0.03 s; within returned %d, true after %v", v, took.Round(time.Millisecond))
		}
		if took > 450*time.Millisecond {
			return fmt.Sprintf("the limit was 0.03 s, and within came back after %v: it waited for f anyway", took.Round(time.Millisecond))
		}
	}
	if extra := settled(base); extra >= rounds-1 { // as above
		return fmt.Sprintf("the time-outs are right, but %d goroutines were left behind for good after f had ended: what are they waiting to do?", extra)
	}
	return ""
}

// checkFetchAll lets no get answer before all have been asked, so that all the
// answers come at one moment: a map that nothing guards is written to by many
// goroutines at once.
func checkFetchAll(a answer) string {
	fetchAll, problem := take[func([]string, func(string) string) map[string]string](a, 0)
	if problem != "" {
		return problem
	}
	want := map[string]string{}
	var names []string
	for i := range 64 {
		name := fmt.Sprintf("n%d", i)
		names = append(names, name)
		want[name] = name + name
	}
	for range 5 { // a race isn't lost every time
		if problem := checkFetchOnce(fetchAll, names, want); problem != "" {
			return problem
		}
	}
	return ""
}

func checkFetchOnce(fetchAll func([]string, func(string) string) map[string]string, names []string, want map[string]string) string {
	var asked atomic.Int32
	var apart atomic.Bool // those that were asked waited in vain for the others
	all, tired := make(chan struct{}), make(chan struct{})
	defer time.AfterFunc(2*time.Second, func() { apart.Store(true); close(tired) }).Stop()
	get := func(name string) string {
		if int(asked.Add(1)) == len(names) {
			close(all)
		}
		select {
		case <-all:
		case <-tired:
		}
		return name + name
	}
	var got map[string]string
	if problem := call(10*time.Second, func() { got = fetchAll(names, get) }); problem != "" {
		return problem
	}
	if !maps.Equal(got, want) {
		return fmt.Sprintf("%d names went in and %d results came out", len(names), len(got))
	}
	if apart.Load() {
		return fmt.Sprintf("the results are right, but %d names were never being fetched at the same moment: the waits add up", len(names))
	}
	return ""
}
