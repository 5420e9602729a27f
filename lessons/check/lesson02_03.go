package check

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
)

func lesson02() []exercise {
	return []exercise{
		{
			id: "02-1", title: "Count the threads",
			hints: []string{
				"The kernel lists a process' threads as folders under /proc/PID/task.",
				"os.ReadDir gives the entries of a folder; each name is a thread's id.",
				"strconv.Atoi turns a name into a number. Return the error of ReadDir as it is.",
			},
			praise: "A process whose program never asked for a thread still has one: that first entry is the main thread, its id the process' own.",
			check:  checkThreads,
		},
		{
			id: "02-2", title: "One slice, many workers",
			hints: []string{
				"Each worker needs a part of xs and a place of its own for its result: no two may write to the same variable.",
				"With len(xs)/workers a remainder is left over when the division isn't even. Cut at i*len(xs)/workers and (i+1)*len(xs)/workers.",
				"Wait for all workers (a sync.WaitGroup) before you add up their results.",
			},
			praise: "The workers read the same memory without a copy being sent, and wrote to places that nobody shared: no lock needed.",
			check:  checkSum,
		},
	}
}

func checkThreads(a answer) string {
	threads, problem := take[func(int) ([]int, error)](a, 0)
	if problem != "" {
		return problem
	}
	if _, err := os.Stat("/proc/self/task"); err != nil {
		return "this machine has no /proc, which is Linux's: the exercise can't be checked here"
	}
	// Hold a few threads so that there is something to count.
	release, ready := make(chan struct{}), make(chan struct{})
	var held sync.WaitGroup
	for range 4 {
		held.Go(func() {
			runtime.LockOSThread()
			ready <- struct{}{}
			<-release
		})
	}
	for range 4 {
		<-ready
	}
	defer held.Wait()
	defer close(release)
	pid := os.Getpid()
	var before, after []string
	var got []int
	var err error
	for range 20 { // threads may come and go between two looks
		before = names(fmt.Sprintf("/proc/%d/task", pid))
		got, err = threads(pid)
		after = names(fmt.Sprintf("/proc/%d/task", pid))
		if slices.Equal(before, after) {
			break
		}
	}
	if err != nil {
		return fmt.Sprintf("threads(%d) returned the error %v", pid, err)
	}
	var seen []string
	for _, id := range got {
		seen = append(seen, fmt.Sprint(id))
	}
	slices.Sort(seen)
	if !slices.Equal(seen, after) {
		return fmt.Sprintf("this process has %d threads now, and threads found %d: %v; their ids are %v", len(after), len(got), got, after)
	}
	if !slices.Contains(got, pid) {
		return fmt.Sprintf("the main thread, %d, is missing", pid)
	}
	if _, err := threads(1 << 30); err == nil {
		return fmt.Sprintf("there is no process %d, and threads returned no error", 1<<30)
	}
	return ""
}

func names(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	slices.Sort(all)
	return all
}

func checkSum(a answer) string {
	sum, problem := take[func([]int, int) int](a, 0)
	if problem != "" {
		return problem
	}
	for _, c := range []struct{ n, workers int }{{10, 1}, {10, 2}, {10, 3}, {1000, 7}, {3, 8}, {0, 4}} {
		xs := make([]int, c.n)
		want := 0
		for i := range xs {
			xs[i] = rand.IntN(1000) + 1
			want += xs[i]
		}
		for range 5 {
			got := sum(xs, c.workers)
			switch {
			case got == want:
			case got < want:
				return fmt.Sprintf("with %d numbers and %d workers the sum came out %d too small: %d of %d; is a remainder left out, or an addition lost?", c.n, c.workers, want-got, got, want)
			default:
				return fmt.Sprintf("with %d numbers and %d workers the sum came out %d too large: %d of %d; is a number counted twice?", c.n, c.workers, got-want, got, want)
			}
		}
	}
	return ""
}

func lesson03() []exercise {
	return []exercise{
		{
			id: "03-1", title: "Reserved or resident?",
			hints: []string{
				"An entry of /proc/PID/smaps is lines of the form Name: number kB. Size: is what is reserved, Rss: what is in memory.",
				"strings.Fields(line) splits at blanks: the name first, then the number.",
				"Pss, KernelPageSize and MMUPageSize end in Size or look like it: compare the whole first field.",
			},
			praise: "The two numbers are what the argument about thread stacks is about: an address range costs nothing until it is touched.",
			check:  checkSmaps,
		},
		{
			id: "03-2", title: "How many would fit?",
			hints: []string{
				"Which of the three numbers takes memory away from others? An address range that nobody touched doesn't.",
				"Each thread costs what is resident of its stack and its kernel stack: memory / (resident + kernel).",
				"The addresses are limited too: no more than addresses / reserved threads have a place. The smaller number wins.",
			},
			praise: "On 64 bits memory runs out first, long after the reserved gigabytes look absurd; on 32 bits it was the addresses.",
			check:  checkFit,
		},
	}
}

func checkSmaps(a answer) string {
	read, problem := take[func(string) (int, int)](a, 0)
	if problem != "" {
		return problem
	}
	for _, c := range []struct{ reserved, resident, dirty int }{{8192, 12, 8}, {132, 132, 100}, {1024, 0, 0}, {67108864, 4, 4}} {
		entry := fmt.Sprintf(`7f2c8c000000-7f2c8c800000 rw-p 00000000 00:00 0
Size:           %8d kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:            %8d kB
Pss:            %8d kB
Private_Dirty:  %8d kB
VmFlags: rd wr mr mw me ac`, c.reserved, c.resident, c.resident/2, c.dirty)
		reserved, resident := read(entry)
		switch {
		case reserved == c.reserved && resident == c.resident:
		case reserved == 4:
			return fmt.Sprintf("reserved came out as 4 kB: that is the page size; the line Size: says %d", c.reserved)
		case resident == c.reserved:
			return fmt.Sprintf("resident came out as %d kB, which is what is reserved: only %d kB of it are in memory", resident, c.resident)
		default:
			return fmt.Sprintf("the entry reserves %d kB, of which %d are resident; yours says %d and %d", c.reserved, c.resident, reserved, resident)
		}
	}
	return ""
}

func checkFit(a answer) string {
	fit, problem := take[func(memory, addresses, reserved, resident, kernel int) int](a, 0)
	if problem != "" {
		return problem
	}
	const kib, gib = 1 << 10, 1 << 30
	for _, c := range []struct {
		what                                          string
		memory, addresses, reserved, resident, kernel int
	}{
		{"64 bits, 1 GiB free", gib, 1 << 47, 8 << 20, 8 * kib, 16 * kib},
		{"32 bits, 1 GiB free, 3 GiB of addresses", gib, 3 * gib, 8 << 20, 8 * kib, 8 * kib},
		{"64 bits, a whole stack used", gib, 1 << 47, 8 << 20, 8 << 20, 16 * kib},
	} {
		byMemory := c.memory / (c.resident + c.kernel)
		want := min(byMemory, c.addresses/c.reserved)
		got := fit(c.memory, c.addresses, c.reserved, c.resident, c.kernel)
		switch {
		case got == want:
		case got == c.memory/c.reserved:
			return fmt.Sprintf("%s: you divided the memory by what is reserved and got %d. Reserved is a range of addresses, not memory: %d fit", c.what, got, want)
		case got == byMemory:
			return fmt.Sprintf("%s: the memory would do for %d, but there are addresses for %d only", c.what, got, want)
		default:
			return fmt.Sprintf("%s: %d fit, and yours says %d", c.what, want, got)
		}
	}
	return ""
}
