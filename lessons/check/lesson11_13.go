package check

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

func lesson11() []exercise {
	return []exercise{
		{
			id: "11-1", title: "Is it worth splitting?",
			hints: []string{
				"Splitting costs something for each part, whatever is used: starting it and joining it.",
				"Alone it takes work. Split it takes work divided by the workers, plus the start of each of them, one after the other.",
				"return work/time.Duration(workers)+start*time.Duration(workers) < work",
			},
			praise: "Put your machine's own start costs in: what pays as goroutines may not pay as processes.",
			check: func(a answer) string {
				pays, problem := take[func(work, start time.Duration, workers int) bool](a, 0)
				if problem != "" {
					return problem
				}
				for _, c := range []struct {
					work, start time.Duration
					workers     int
				}{
					{time.Second, time.Millisecond, 4},
					{time.Millisecond, time.Millisecond, 2},
					{100 * time.Microsecond, 300 * time.Nanosecond, 4},
					{100 * time.Microsecond, 30 * time.Microsecond, 4},
					{time.Second, time.Millisecond, 1},
				} {
					split := c.work/time.Duration(c.workers) + c.start*time.Duration(c.workers)
					want := split < c.work
					if got := pays(c.work, c.start, c.workers); got != want {
						return fmt.Sprintf("%v of work for %d workers that cost %v each to start takes %v when split: worth it is %v, and yours says %v",
							c.work, c.workers, c.start, split, want, got)
					}
				}
				return ""
			},
		},
		{
			id: "11-2", title: "How many at a time, and how much memory?",
			hints: []string{
				"Little's law: how many are inside = how many arrive a second × how many seconds each stays.",
				"A day has the same requests whether each takes a second or a millisecond, but not the same number at a time.",
				"return int(perSecond * stay.Seconds() * float64(bytesEach))",
			},
			praise: "So the cost of one waiting request decides: put in what you measured for a process, a thread and a goroutine.",
			check: func(a answer) string {
				memory, problem := take[func(perSecond float64, stay time.Duration, bytesEach int) int](a, 0)
				if problem != "" {
					return problem
				}
				for _, c := range []struct {
					rate  float64
					stay  time.Duration
					bytes int
				}{{1000, time.Second, 4096}, {1000, 100 * time.Millisecond, 10_000}, {20_000, 2 * time.Second, 3000}} {
					want := int(c.rate * c.stay.Seconds() * float64(c.bytes))
					got := memory(c.rate, c.stay, c.bytes)
					if got >= want-1 && got <= want+1 {
						continue
					}
					if got == int(c.rate*float64(c.bytes)) {
						return fmt.Sprintf("%v a second staying %v each: you counted a second's arrivals, %d bytes; at one moment there are %v × %v of them, %d bytes", c.rate, c.stay, got, c.rate, c.stay.Seconds(), want)
					}
					return fmt.Sprintf("%v a second staying %v each, %d bytes apiece, hold %d bytes; yours says %d", c.rate, c.stay, c.bytes, want, got)
				}
				return ""
			},
		},
	}
}

func lesson12() []exercise {
	return []exercise{
		{
			id: "12-1", title: "Choose",
			hints: []string{
				"Ask in this order: must it survive a crash or hostile code? Then must it be a particular OS thread? Else?",
				"A crash takes all goroutines and threads of the process along, so untrusted or crash-prone code needs a process.",
				"if mayCrash || untrusted { return \"process\" }; if needsOneThread { return \"thread\" }; return \"goroutine\"",
			},
			praise: "Isolation is the only reason to pay for a process, and it is a good one.",
			check: func(a answer) string {
				choose, problem := take[func(mayCrash, untrusted, needsOneThread bool) string](a, 0)
				if problem != "" {
					return problem
				}
				for _, c := range []struct {
					job               string
					crash, hostile, t bool
					want              string
				}{
					{"ten thousand chat connections", false, false, false, "goroutine"},
					{"a decoder for uploaded images, in C", true, true, false, "process"},
					{"students' programs, run for marking", false, true, false, "process"},
					{"an OpenGL window, whose calls must come from one thread", false, false, true, "thread"},
					{"a plugin that needs one thread, and crashes now and then", true, false, true, "process"},
				} {
					if got := choose(c.crash, c.hostile, c.t); got != c.want {
						return fmt.Sprintf("%s: yours says %q; what happens to the rest of the program when it goes wrong? A %s it is", c.job, got, c.want)
					}
				}
				return ""
			},
		},
		{
			id: "12-2", title: "A supervisor",
			hints: []string{
				"Call start; where it returns nil you are done, where it doesn't you may try again, up to the number of attempts.",
				"When all attempts failed, the caller wants to know why: return the last error.",
				"for range attempts { if err = start(); err == nil { return nil } }; return err",
			},
			praise: "Let it crash, look at how it ended, start it again: processes make that possible, and your kernel does it with its worker.",
			check:  checkSupervise,
		},
	}
}

// checkSupervise uses real processes that fail for real.
func checkSupervise(a answer) string {
	supervise, problem := take[func(start func() error, attempts int) error](a, 0)
	if problem != "" {
		return problem
	}
	for _, c := range []struct{ good, attempts int }{{1, 5}, {3, 5}, {9, 4}} {
		n := 0
		start := func() error {
			n++
			if n > 50 {
				panic("started more than 50 times: does your loop ever give up?")
			}
			if n >= c.good {
				return exec.Command("true").Run()
			}
			return exec.Command("sh", "-c", fmt.Sprintf("exit %d", n)).Run()
		}
		var err error
		if problem := call(10*time.Second, func() { err = supervise(start, c.attempts) }); problem != "" {
			return fmt.Sprintf("a child that succeeds at its attempt %d of at most %d: %s", c.good, c.attempts, problem)
		}
		want := min(c.good, c.attempts)
		if n != want {
			return fmt.Sprintf("a child that succeeds at its attempt %d of at most %d was started %d times instead of %d", c.good, c.attempts, n, want)
		}
		var exit *exec.ExitError
		switch {
		case c.good <= c.attempts && err != nil:
			return fmt.Sprintf("the child succeeded at attempt %d, and supervise returned %v", c.good, err)
		case c.good > c.attempts && !errors.As(err, &exit):
			return fmt.Sprintf("every attempt failed, and supervise returned %v: return the child's last error", err)
		case c.good > c.attempts && exit.ExitCode() != c.attempts:
			return fmt.Sprintf("every attempt failed, the last with exit code %d, and the error you returned is of an earlier one, %d", c.attempts, exit.ExitCode())
		}
	}
	return ""
}

func lesson13() []exercise {
	return []exercise{
		{
			id: "13-1", title: "The ladder",
			hints: []string{
				"Who survives when one of them writes to a nil pointer?",
				"From the most isolated to the least: what has its own addresses comes first; what the kernel doesn't even know comes last.",
			},
			praise: "Read it downwards for efficiency and upwards for isolation: that is the whole article in three words.",
			check: func(a answer) string {
				order, problem := take[[]string](a, 0)
				if problem != "" {
					return problem
				}
				want := []string{"process", "thread", "goroutine"}
				reversed := []string{"goroutine", "thread", "process"}
				switch {
				case slices.Equal(order, want):
					return ""
				case slices.Equal(order, reversed):
					return "that is the order of efficiency; by isolation, most first, it is the other way round"
				case !slices.Equal(slices.Sorted(slices.Values(order)), []string{"goroutine", "process", "thread"}):
					return fmt.Sprintf("%q should hold process, thread and goroutine, each once", order)
				}
				return fmt.Sprintf("%q isn't in the order of isolation: which of them shares its addresses with its siblings?", order)
			},
		},
		{
			id: "13-2", title: "Who is still there?",
			hints: []string{
				"A nil dereference that nobody recovers ends one whole process. Who lives in that process?",
				"Threads and goroutines of the same process end with it. Another process doesn't notice.",
				"return sameProcess == false, whatever crashed",
			},
			praise: "The line that a crash doesn't cross is the process, whatever it was that crashed.",
			check: func(a answer) string {
				survives, problem := take[func(crashed string, sameProcess bool) bool](a, 0)
				if problem != "" {
					return problem
				}
				for _, crashed := range []string{"goroutine", "thread", "process"} {
					for _, same := range []bool{true, false} {
						if got := survives(crashed, same); got == same {
							where := "another process"
							if same {
								where = "the same process"
							}
							return fmt.Sprintf("a %s crashes, and the bystander is in %s: yours says that it survives is %v", crashed, where, got)
						}
					}
				}
				return ""
			},
		},
	}
}
