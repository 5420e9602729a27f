package check

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

func lesson00() []exercise {
	return []exercise{
		{
			id: "00-1", title: "A function that doubles",
			hints: []string{
				"The function takes n and hands back a number: which line hands it back?",
				"Replace what stands after return by an expression that uses n.",
			},
			praise: "The check ran your function with numbers of its own. That is how every exercise here works.",
			check: func(a answer) string {
				double, problem := take[func(int) int](a, 0)
				if problem != "" {
					return problem
				}
				for _, n := range []int{1, 21, 0, -4} {
					if got := double(n); got != 2*n {
						return fmt.Sprintf("double(%d) gave %d, and twice %d is %d", n, got, n, 2*n)
					}
				}
				return ""
			},
		},
		{
			id: "00-2", title: "The median",
			hints: []string{
				"Sort first: the median is the value in the middle of the sorted samples.",
				"slices.Sort changes the slice it is given. Sort a copy: slices.Clone(xs).",
				"With an even number of samples there are two in the middle: take the mean of those two.",
			},
			praise: "One wild sample moves the mean as far as it likes, and the median not at all: hence the course reports medians.",
			check:  checkMedian,
		},
	}
}

func checkMedian(a answer) string {
	f, problem := take[func([]float64) float64](a, 0)
	if problem != "" {
		return problem
	}
	for _, c := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{5}, 5},
		{[]float64{3, 1, 2}, 2},
		{[]float64{1, 2, 3, 1000}, 2.5},
		{[]float64{9, 7, 8, 1, 100}, 8},
	} {
		in := slices.Clone(c.in)
		got := f(in)
		if got != c.want {
			mean := 0.0
			for _, x := range c.in {
				mean += x / float64(len(c.in))
			}
			if got == mean {
				return fmt.Sprintf("median(%v) gave %v: that is the mean, which the largest sample pulls along; the median is %v", c.in, got, c.want)
			}
			return fmt.Sprintf("median(%v) gave %v; the median is %v", c.in, got, c.want)
		}
		if !slices.Equal(in, c.in) {
			return fmt.Sprintf("the value is right, but your function changed the caller's samples: %v became %v", c.in, in)
		}
	}
	return ""
}

func lesson01() []exercise {
	return []exercise{
		{
			id: "01-1", title: "How did it end?",
			hints: []string{
				"Two stories are in one number: the low 7 bits hold a signal, the byte above them an exit code.",
				"status & 0x7f is the signal. Where that is 0 the process ended by itself, with the code (status >> 8) & 0xff.",
				"Bit 0x80 says that a core was dumped. It belongs to neither number, so mask it off.",
			},
			praise: "That is what your shell does when it prints “Killed” or “Segmentation fault”.",
			check:  checkStatus,
		},
		{
			id: "01-2", title: "A pipe on purpose",
			hints: []string{
				"exec.Command makes the process; its Stdin and Stdout are where the two pipes go in and out.",
				"A pipe holds only so much (64 KiB on Linux). If you write everything before you read anything, both sides may end up waiting.",
				"Let the package do both at once: cmd.Stdin = strings.NewReader(in), then out, err := cmd.Output().",
			},
			praise: "Nothing reached the other process but the bytes that you sent, and nothing came back but what it wrote.",
			check:  checkPipe,
		},
		{
			id: "01-3", title: "Whose child is it?",
			hints: []string{
				"The kernel shows each process as a folder: /proc/PID. Read its file status with os.ReadFile.",
				"One of its lines begins with PPid: and ends with the number that you want.",
				"for line := range strings.Lines(string(text)) and strings.CutPrefix(line, \"PPid:\"); then strconv.Atoi(strings.TrimSpace(rest)).",
			},
			praise: "ps, top and pstree do the same: they only read /proc.",
			check:  checkParent,
		},
	}
}

// checkStatus feeds statuses of real children beside made-up ones.
func checkStatus(a answer) string {
	ended, problem := take[func(int) (bool, int)](a, 0)
	if problem != "" {
		return problem
	}
	for _, c := range []struct {
		status  int
		story   string
		signal  bool
		meaning int
	}{
		{0, "a clean exit", false, 0},
		{3 << 8, "os.Exit(3)", false, 3},
		{255 << 8, "os.Exit(255)", false, 255},
		{9, "killed by SIGKILL (9)", true, 9},
		{11 | 0x80, "killed by SIGSEGV (11), with a core dump", true, 11},
		{15, "killed by SIGTERM (15)", true, 15},
	} {
		signal, meaning := ended(c.status)
		if signal != c.signal || meaning != c.meaning {
			return fmt.Sprintf("the status %#04x is that of %s: ended should return (%v, %d), and returned (%v, %d)",
				c.status, c.story, c.signal, c.meaning, signal, meaning)
		}
	}
	cmd := exec.Command("sh", "-c", "kill -KILL $$")
	_ = cmd.Run() // it dies by design
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
		if signal, n := ended(int(ws)); !signal || n != int(syscall.SIGKILL) {
			return fmt.Sprintf("a real child killed by SIGKILL has the status %#x; ended returned (%v, %d)", int(ws), signal, n)
		}
	}
	return ""
}

func checkPipe(a answer) string {
	through, problem := take[func(string, []string, string) (string, error)](a, 0)
	if problem != "" {
		return problem
	}
	big := strings.Repeat("0123456789abcdef", 20_000) // several times what a pipe holds
	for _, c := range []struct {
		name string
		args []string
		in   string
		want string
	}{
		{"tr", []string{"a-z", "A-Z"}, "hello", "HELLO"},
		{"sort", nil, "b\na\n", "a\nb\n"},
		{"cat", nil, big, big},
	} {
		var out string
		var err error
		if problem := call(5*time.Second, func() { out, err = through(c.name, c.args, c.in) }); problem != "" {
			return fmt.Sprintf("with %d bytes through %s: %s", len(c.in), c.name, problem)
		}
		if err != nil {
			return fmt.Sprintf("through %s: the error %v", c.name, err)
		}
		if out != c.want {
			return fmt.Sprintf("through %s %s, %q came back as %q; %q is what the process answers",
				c.name, strings.Join(c.args, " "), short(c.in), short(out), short(c.want))
		}
	}
	var err error
	if problem := call(5*time.Second, func() { _, err = through("false", nil, "") }); problem != "" {
		return "a process that fails at once: " + problem
	}
	if err == nil {
		return "the process false exits with code 1, and your function returned no error: its caller would never know"
	}
	return ""
}

func checkParent(a answer) string {
	parent, problem := take[func(int) (int, error)](a, 0)
	if problem != "" {
		return problem
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		return "this machine has no /proc, which is Linux's: the exercise can't be checked here"
	}
	if got, err := parent(os.Getpid()); err != nil || got != os.Getppid() {
		return fmt.Sprintf("the parent of this process (%d) is %d; parentOf returned %d, %v", os.Getpid(), os.Getppid(), got, err)
	}
	child := exec.Command("sleep", "30")
	if err := child.Start(); err != nil {
		return "no child could be started to check with: " + err.Error()
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	if got, err := parent(child.Process.Pid); err != nil || got != os.Getpid() {
		return fmt.Sprintf("a child of this process has the parent %d; parentOf(%d) returned %d, %v", os.Getpid(), child.Process.Pid, got, err)
	}
	if got, err := parent(1 << 30); err == nil {
		return fmt.Sprintf("there is no process %d, and parentOf returned %d without an error", 1<<30, got)
	}
	return ""
}

// short is s cut for a message.
func short(s string) string {
	if len(s) > 40 {
		return s[:40] + fmt.Sprintf("… (%d bytes)", len(s))
	}
	return s
}
