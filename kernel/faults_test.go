package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"spindle/kernel/client"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/worker"
)

// fault is something that a learner, or the world, does to a session.
type fault struct {
	name   string
	fine   bool   // it is no error: the output matches want
	before string // a cell that runs first
	cell   string // line numbers in want are its own
	// What happens while the cell runs, after a moment.
	interrupt bool
	signal    syscall.Signal // to the worker, from outside
	idle      bool           // the fault comes when the cell is over: the news goes to its output

	ename  string // of the error
	want   string // regexp that the error or, for idle, the output matches
	lost   bool   // values are gone; else they must still be there
	within time.Duration
}

const soon = 2 * time.Second // a wide margin: CI's machines are busy

// place matches a line of the cell that runs.
func place(line int) string { return fmt.Sprintf(`cell \d+, line %d\b`, line) }

var faults = []fault{
	{name: "panic in the cell", cell: "x := 0\npanic(fmt.Sprint(\"boom\", x))", ename: "panic", want: "boom0.*" + place(2)},
	{name: "nil map", cell: "var m map[string]int\nm[\"a\"] = 1", ename: "panic", want: "assignment to entry in nil map.*" + place(2)},
	{name: "index out of range", cell: "s := []int{1, 2, 3}\ni := 5\ns[i]++", ename: "panic", want: `index out of range \[5\] with length 3.*` + place(3)},
	{name: "nil pointer", cell: "type T struct{ n int }\nvar p *T\np.n = 1", ename: "panic", want: "nil pointer dereference.*" + place(3)},
	{name: "close of closed channel", cell: "c := make(chan int)\nclose(c)\nclose(c)", ename: "panic", want: "close of closed channel.*" + place(3)},
	{name: "panic in a goroutine", cell: "go func() {\n\tvar m map[string]int\n\tm[\"a\"] = 1\n}()\ntime.Sleep(5 * time.Second)", ename: "panic", want: "nil map.*" + place(3) + ".*created by main.*" + place(1), lost: true},
	{name: "panic in an earlier cell's goroutine", before: "go func() {\n\ttime.Sleep(300 * time.Millisecond)\n\tpanic(\"late\")\n}()", cell: "time.Sleep(10 * time.Second)", ename: "panic", want: "late.*" + place(3), lost: true},
	{name: "panic while no cell runs", cell: "go func() {\n\ttime.Sleep(100 * time.Millisecond)\n\tpanic(\"later\")\n}()", idle: true, want: "panic: later.*" + place(3) + ".*Lost: ", lost: true},
	{name: "concurrent map writes", cell: "m := map[int]int{}\nfor range 8 {\n\tgo func() {\n\t\tfor i := 0; ; i++ {\n\t\t\tm[i%64] = i\n\t\t}\n\t}()\n}\ntime.Sleep(20 * time.Second)", ename: "fatal error", want: "concurrent map writes.*" + place(5) + ".*created by main.*" + place(3), lost: true, within: 10 * time.Second},
	{name: "unlock of an unlocked mutex", cell: "var mu sync.Mutex\nmu.Unlock()", ename: "fatal error", want: "sync: unlock of unlocked mutex.*" + place(2), lost: true},
	{name: "runaway recursion", cell: "func f(n int) int {\n\treturn f(n+1) + 1\n}\nf(0)", ename: "fatal error", want: `stack overflow.*main\.f\(\.\.\.\).*` + place(2) + `.*frames elided.*` + place(4), lost: true},
	{name: "os.Exit", cell: "os.Exit(3)", ename: "exit status 3", want: `os\.Exit\(3\)`, lost: true},
	{name: "os.Exit in a goroutine", cell: "go func() { os.Exit(4) }()\ntime.Sleep(5 * time.Second)", ename: "exit status 4", want: `os\.Exit\(4\)`, lost: true},
	{name: "log.Fatal", cell: "log.Fatal(\"that is it\")", ename: "exit status 1", want: "ended itself", lost: true},
	{name: "log.Fatal in a goroutine", cell: "go log.Fatal(\"that is it\")\ntime.Sleep(5 * time.Second)", ename: "exit status 1", want: "ended itself", lost: true},
	{name: "SIGKILL from outside", cell: "time.Sleep(10 * time.Second)", signal: syscall.SIGKILL, ename: "signal: killed", want: "was killed", lost: true},
	{name: "SIGSEGV from outside", cell: "time.Sleep(10 * time.Second)", signal: syscall.SIGSEGV, want: "SIGSEGV|segmentation", lost: true},
	{name: "SIGSTOP from outside", cell: "time.Sleep(10 * time.Second)", signal: syscall.SIGSTOP, ename: "signal: stopped", want: "Nothing was lost"},
	{name: "SIGTERM from outside", cell: "time.Sleep(10 * time.Second)", signal: syscall.SIGTERM, ename: "signal: terminated", want: "signal: terminated", lost: true},
	{name: "for {}, interrupted", cell: "for {\n}", interrupt: true, ename: "interrupted", want: place(1)},
	{name: "recursion without end, interrupted", before: "func fib(n int) int {\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn fib(n-1) + fib(n-2)\n}", cell: "fib(80)", interrupt: true, ename: "interrupted", want: "Nothing was lost"},
	{name: "select {}", cell: "select {}", ename: "fatal error", want: "all goroutines are asleep - deadlock!.*" + place(1)},
	{name: "select {} with another goroutine, interrupted", before: "go func() { for { time.Sleep(time.Second) } }()", cell: "select {}", interrupt: true, ename: "interrupted", want: "left where it waits"},
	{name: "time.Sleep(time.Hour), interrupted", cell: "time.Sleep(time.Hour)", interrupt: true, ename: "interrupted", want: "left where it waits"},
	{name: "a native call that calls back, interrupted", cell: "sort.Slice(make([]int, 10), func(i, j int) bool {\n\tfor {\n\t}\n})", interrupt: true, ename: "interrupted", want: "interrupted"},
	{name: "a native call, interrupted", before: "re, text := regexp.MustCompile(`(x+x+)+y`), strings.Repeat(\"x\", 50_000_000)", cell: "re.MatchString(text)", interrupt: true, ename: "interrupted", want: "did not stop when asked", lost: true},
	{name: "all goroutines asleep", cell: "c := make(chan int)\nvar mu sync.Mutex\ngo func() {\n\tmu.Lock()\n\tmu.Lock()\n}()\n<-c", ename: "fatal error", want: `all goroutines are asleep - deadlock!.*goroutine \d+ \[.*` + place(7)},
	{name: "all goroutines asleep, after timers", before: "ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)\nselect {\ncase <-ctx.Done():\ncase <-time.After(time.Second):\n}\ncancel()", cell: "<-make(chan int)", ename: "fatal error", want: "all goroutines are asleep - deadlock!.*" + place(1), within: 5 * time.Second},
	{name: "1<<40 bytes", cell: "b := make([]byte, 1<<40)\nb[0] = 1", ename: "fatal error", want: "out of memory|cannot allocate memory", lost: true},
	{name: "a goroutine that eats memory", cell: "var hold [][]byte\ngo func() {\n\tfor {\n\t\thold = append(hold, bytes.Repeat([]byte{1}, 8<<20))\n\t}\n}()\ntime.Sleep(20 * time.Second)", ename: "fatal error", want: "out of memory|cannot allocate memory", lost: true, within: 15 * time.Second},
	{name: "a fork bomb", cell: "exec.Command(\"sh\", \"-c\", `b() { sleep 100 & sleep 100 & b; }; b`).Run()\ntime.Sleep(20 * time.Second)", want: "its limit is 60", lost: true, within: 15 * time.Second},
	{name: "one million goroutines in 700 MB", cell: "var wg sync.WaitGroup\nstop := make(chan bool)\nfor range 1_000_000 {\n\twg.Add(1)\n\tgo func() {\n\t\tdefer wg.Done()\n\t\t<-stop\n\t}()\n}\nclose(stop)\nwg.Wait()", want: "out of memory|cannot allocate memory|SIGSEGV", lost: true, within: 30 * time.Second},
	{name: "1 GB of output", cell: "line := strings.Repeat(\"x\", 1<<20-1) + \"\\n\"\nfor range 1024 {\n\tfmt.Print(line)\n}\nfmt.Println(\"the last line\")", fine: true, want: "left out.*the last line\\n$", within: 20 * time.Second},
	{name: "output without newline", cell: "for range 100_000 {\n\tfmt.Print(\"0123456789\")\n}", fine: true, want: "^(0123456789)+$", within: 10 * time.Second},
	{name: "invalid UTF-8", cell: "os.Stdout.Write([]byte{'a', 0xff, 0xc3, 'b', 0xe2, 0x82, '\\n'})", fine: true, want: "^a\ufffd\ufffdb\ufffd+\n$"},
	{name: "a child process left behind", cell: "exec.Command(\"sh\", \"-c\", \"sleep 1000 & setsid sleep 1000 & sleep 1000\").Start();", fine: true, want: "^$"},
	{name: "a child process, interrupted", cell: "exec.Command(\"sleep\", \"1000\").Run()", interrupt: true, ename: "interrupted", want: "Nothing was lost"},
}

// limits are low, so that no test fills the machine.
var lowLimits = []string{"-memory", fmt.Sprint(700 << 20), "-processes", "60"}

// TestFaults does everything to a session that must not end it. Run it with
// -v to see the table.
func TestFaults(t *testing.T) {
	path, err := buildKernel()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	k, err := client.Start(ctx, client.Options{Argv: append([]string{path}, lowLimits...), Env: append(os.Environ(), "XDG_DATA_HOME="+t.TempDir())})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\terror\tto the error\tto the next answer\tvalues")
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			runCell(t, ctx, k, "kept := 41")
			if f.before != "" {
				runCell(t, ctx, k, f.before)
			}
			name, toError := suffer(t, ctx, k, f)
			began := time.Now()
			if got := value(t, ctx, k, "1 + 1"); got != "2" {
				t.Errorf("the next cell answers %q", got)
			}
			toNext := time.Since(began)
			values := "kept"
			if f.lost {
				values = "lost, and said so"
				if r, err := k.Execute(ctx, client.Cell{Code: "kept"}); err != nil || r.Status != "error" {
					t.Errorf("values should be gone: %+v, %v", r, err)
				}
			} else if got := value(t, ctx, k, "kept"); got != "41" {
				t.Errorf("a value that was to be kept: %q", got)
			}
			if within := max(f.within, soon); toError > within {
				t.Errorf("%v to the error", toError)
			}
			if toNext > soon {
				t.Errorf("%v to the next answer", toNext)
			}
			fmt.Fprintf(w, "%s\t%s\t%v\t%v\t%s\n", f.name, name, ms(toError), ms(toNext), values)
		})
	}
	_ = w.Flush()
	t.Logf("\n%s", table.String())
	if i, err := process.Stat(k.PID()); err != nil || i.RSSBytes > 400<<20 {
		t.Errorf("the kernel's own memory: %d bytes, %v", i.RSSBytes, err)
	} else {
		t.Logf("the kernel itself after all that: %d MB resident", i.RSSBytes>>20)
	}
	tree, err := process.Descendants(k.PID())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := k.Shutdown(ctx); err != nil {
		t.Error("shutdown:", err)
	}
	<-k.Exited()
	took := time.Since(began)
	t.Logf("shutdown with %d processes below the kernel: %v", len(tree), ms(took))
	if took > soon {
		t.Errorf("shutdown took %v", took)
	}
	for _, p := range tree {
		if now, err := process.Stat(p.PID); err == nil && now.StartTicks == p.StartTicks && now.State != 'Z' {
			t.Errorf("left running: %d %s", p.PID, p.Command)
		}
	}
}

func ms(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// runCell runs a cell that must go well.
func runCell(t *testing.T, ctx context.Context, k *client.Kernel, code string) {
	t.Helper()
	r, err := k.Execute(ctx, client.Cell{Code: code})
	if err != nil || r.Status != "ok" {
		t.Fatalf("%s: %v %+v", code, err, r)
	}
}

// value runs an expression and returns its text.
func value(t *testing.T, ctx context.Context, k *client.Kernel, code string) string {
	t.Helper()
	got := ""
	r, err := k.Execute(ctx, client.Cell{Code: code, On: func(m client.Message) {
		if d, ok := m.Content["data"].(map[string]any); ok {
			got = fmt.Sprint(d["text/plain"])
		}
	}})
	if err != nil || r.Status != "ok" {
		t.Fatalf("%s: %v %+v", code, err, r)
	}
	return got
}

// suffer runs the fault and checks what is said of it. The time is from the
// fault's beginning, which is the interrupt or the signal where there is one.
func suffer(t *testing.T, ctx context.Context, k *client.Kernel, f fault) (ename string, took time.Duration) {
	t.Helper()
	out := make(chan string, 1000)
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	type end struct {
		r   client.Reply
		err error
	}
	done := make(chan end, 1)
	sufferer := 0
	if f.idle {
		sufferer = workerOf(t, k.PID())
	}
	began := time.Now()
	go func() {
		r, err := k.Execute(ctx, client.Cell{Code: f.cell, On: func(m client.Message) {
			if text, ok := m.Content["text"].(string); ok {
				select {
				case out <- text:
				default:
				}
			}
		}})
		done <- end{r, err}
	}()
	if f.interrupt || f.signal != 0 {
		time.Sleep(150 * time.Millisecond) // the cell has to be under way
		began = time.Now()
		if f.interrupt {
			if err := k.Interrupt(ctx); err != nil {
				t.Fatal(err)
			}
		} else if err := syscall.Kill(workerOf(t, k.PID()), f.signal); err != nil {
			t.Fatal(err)
		}
	}
	e := <-done
	took = time.Since(began)
	if e.err != nil {
		t.Fatalf("no reply: %v", e.err)
	}
	said := strings.Join(e.r.Traceback, "\n") + "\n" + e.r.EName + ": " + e.r.EValue
	if f.idle {
		if e.r.Status != "ok" {
			t.Fatalf("%+v", e.r)
		}
		// A cell that ran meanwhile would get the news.
		for i, err := process.Stat(sufferer); err == nil && i.State != 'Z' && ctx.Err() == nil; i, err = process.Stat(sufferer) {
			time.Sleep(time.Millisecond)
		}
		began = time.Now()
		said = ""
		want := regexp.MustCompile("(?s)" + f.want)
		for !want.MatchString(said) {
			// Output of an earlier cell comes with a later one's, as with any front end.
			if _, err := k.Execute(ctx, client.Cell{Code: "1", Silent: true}); err != nil {
				t.Fatal(err)
			}
			select {
			case text := <-out:
				said += text
			case <-ctx.Done():
				t.Fatalf("nothing was said but %q", said)
			case <-time.After(10 * time.Millisecond):
			}
		}
		return "on the cell's stderr", time.Since(began)
	}
	if f.fine {
		close(out)
		said, messages := "", 0
		for text := range out {
			said += text
			messages++
		}
		if e.r.Status != "ok" || !regexp.MustCompile("(?s)"+f.want).MatchString(said) || len(said) > 32<<20 {
			t.Errorf("%s %s, %d bytes: %.200q", e.r.Status, e.r.EValue, len(said), said)
		}
		return fmt.Sprintf("none: %d bytes in %d messages", len(said), messages), took
	}
	if e.r.Status != "error" {
		t.Fatalf("status %s: %+v", e.r.Status, e.r)
	}
	if f.ename != "" && e.r.EName != f.ename {
		t.Errorf("ename %q, want %q", e.r.EName, f.ename)
	}
	if !regexp.MustCompile("(?s)" + f.want).MatchString(said) {
		t.Errorf("want %s in\n%s", f.want, said)
	}
	if strings.Contains(said, "yaegi") || strings.Contains(said, "spindle/") {
		t.Errorf("the kernel's innards are shown:\n%s", said)
	}
	if f.lost != strings.Contains(said, "Lost: ") {
		t.Errorf("what was lost is not said rightly:\n%s", said)
	}
	return e.r.EName, took
}

func workerOf(t *testing.T, kernel int) int {
	t.Helper()
	tree, err := process.Descendants(kernel)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range tree {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
		if err == nil && p.PPID == kernel && strings.Contains(string(line), worker.Argument) {
			return p.PID
		}
	}
	t.Fatal("the kernel has no worker")
	return 0
}
