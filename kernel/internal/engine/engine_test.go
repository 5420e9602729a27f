package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spindle/kernel/display"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/session"
)

// recorder is an Output that keeps everything in order.
type recorder struct {
	mu     sync.Mutex
	events []string // "stdout:text", "display:…", adjacent streams joined
	inputs []string // answers to Input
	wrote  chan struct{}
}

func newRecorder(inputs ...string) *recorder {
	return &recorder{inputs: inputs, wrote: make(chan struct{}, 1)}
}

func (r *recorder) add(kind, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.events); n > 0 && strings.HasPrefix(r.events[n-1], kind+":") && strings.HasPrefix(kind, "std") {
		r.events[n-1] += text
	} else {
		r.events = append(r.events, kind+":"+text)
	}
	select {
	case r.wrote <- struct{}{}:
	default:
	}
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.events...)
}

func (r *recorder) text() string { return strings.Join(r.all(), "|") }

func (r *recorder) Stream(name, text string) { r.add(name, text) }
func (r *recorder) Display(b display.Bundle) { r.add("display", fmt.Sprint(b.Data["text/plain"])) }
func (r *recorder) ExecuteResult(b display.Bundle) {
	r.add("result", fmt.Sprint(b.Data["text/plain"]))
}
func (r *recorder) ClearOutput(wait bool)            { r.add("clear", strconv.FormatBool(wait)) }
func (r *recorder) Comm(c session.CommMessage)       { r.add("comm", c.Type) }
func (r *recorder) Page(b display.Bundle)            { r.add("page", fmt.Sprint(b.Data["text/plain"])) }
func (r *recorder) SetNextInput(text string, _ bool) { r.add("next", text) }

func (r *recorder) Input(ctx context.Context, prompt string, password bool) (string, error) {
	r.add("input", fmt.Sprintf("%q %v", prompt, password))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.inputs) == 0 {
		return "", errors.New("no stdin")
	}
	line := r.inputs[0]
	r.inputs = r.inputs[1:]
	return line, nil
}

func newEngine(t *testing.T, limits Limits) *Engine {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{t}, nil))
	// The stand-in for the evaluator is plain yaegi, whose own races are not
	// what these tests are about: its worker keeps its reports to itself.
	env := append(os.Environ(), "GORACE=log_path="+filepath.Join(t.TempDir(), "worker"))
	e, err := New(Config{Limits: limits, Log: log, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error("close:", err)
		}
	})
	return e
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) { w.t.Logf("%s", p); return len(p), nil }

// bench runs cells one after the other.
type bench struct {
	t *testing.T
	e *Engine
	n int
}

func (b *bench) run(source string, inputs ...string) (*recorder, session.Result) {
	b.t.Helper()
	out := newRecorder(inputs...)
	return out, b.runTo(out, source)
}

func (b *bench) runTo(out *recorder, source string) session.Result {
	b.n++
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return b.e.Execute(ctx, session.Cell{Count: b.n, Source: source, Stdin: true}, out)
}

func (b *bench) ok(source, want string, inputs ...string) {
	b.t.Helper()
	out, r := b.run(source, inputs...)
	if r.Err != nil {
		b.t.Fatalf("%s\n%v\n%s", source, r.Err, strings.Join(r.Err.Traceback, "\n"))
	}
	if got := out.text(); got != want {
		b.t.Fatalf("%s\ngot  %q\nwant %q", source, got, want)
	}
}

func TestOutputIsInOrder(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{})}
	b.ok(`import ("fmt"; "os"; "os/exec"; "probe")`, "")
	b.ok(`1+1`, "result:2")
	b.ok(`for i := 0; i < 3; i++ { fmt.Println(i); os.Stdout.WriteString("raw\n"); c := exec.Command("echo", "child"); c.Stdout = os.Stdout; c.Run() }`,
		"stdout:0\nraw\nchild\n1\nraw\nchild\n2\nraw\nchild\n")
	var want strings.Builder
	for i := range 50 {
		fmt.Fprintf(&want, "stdout:o%d\n|stderr:e%d\n|", i, i)
	}
	b.ok(`for i := 0; i < 50; i++ { fmt.Printf("o%d\n", i); probe.Stderr(fmt.Sprintf("e%d\n", i)) }`, strings.TrimSuffix(want.String(), "|"))
	b.ok(`for i := 0; i < 20; i++ { os.Stderr.WriteString("e\n"); fmt.Println("o"); probe.Show("shown"); os.Stdout.WriteString("raw\n"); probe.Show("again") }`,
		strings.TrimSuffix(strings.Repeat("stderr:e\n|stdout:o\n|display:shown|stdout:raw\n|display:again|", 20), "|"))
}

func TestLargeOutputIsWhole(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{})}
	b.ok(`import "fmt"; import "strings"`, "")
	out, r := b.run(`for i := 0; i < 20000; i++ { fmt.Println("line", i) }; fmt.Print(strings.Repeat("x", 3000000))`)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	text := out.text()
	if n := strings.Count(text, "\n"); n != 20000 || !strings.HasSuffix(text, strings.Repeat("x", 3000000)) {
		t.Errorf("%d lines, %d bytes", n, len(text))
	}
}

func TestDeathIsTheCellsError(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{StackBytes: 32 << 20})}
	for _, c := range []struct{ name, source, ename, evalue string }{
		{"exit", `import "os"; os.Exit(3)`, "exit status 3", "os.Exit(3)"},
		{"exit 0", `import "os"; os.Exit(0)`, "exit status 0", "os.Exit(0)"},
		{"panic in a goroutine", `import "time"; go func() { var m map[string]int; m["a"] = 1 }(); time.Sleep(time.Second)`, "panic", ""},
		{"SIGKILL", `import ("os"; "os/exec"; "strconv"; "time"); exec.Command("kill", "-KILL", strconv.Itoa(os.Getpid())).Run(); time.Sleep(time.Second)`, "signal: killed", "killed"},
		{"SIGSEGV", `import ("os"; "os/exec"; "strconv"; "time"); exec.Command("kill", "-SEGV", strconv.Itoa(os.Getpid())).Run(); time.Sleep(time.Second)`, "", ""},
		{"recursion", "func f(n int) int { return f(n+1) + 1 }\nf(0)", "fatal error", "stack overflow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			b.ok(`var x = 1`, "")
			began := time.Now()
			out, r := b.run(c.source)
			toError := time.Since(began)
			if r.Err == nil || !r.WorkerLost {
				t.Fatalf("no error; output %q, %+v", out.text(), r.Err)
			}
			if c.ename != "" && (r.Err.EName != c.ename || !strings.Contains(r.Err.EValue, c.evalue)) {
				t.Errorf("%s: %s", r.Err.EName, r.Err.EValue)
			}
			trace := strings.Join(r.Err.Traceback, "\n")
			if !strings.Contains(trace, "%restore makes the 1 declaration again") {
				t.Errorf("no word of what was lost:\n%s", trace)
			}
			if strings.Contains(out.text(), "goroutine ") || strings.Contains(trace, "yaegi") {
				t.Errorf("the interpreter's innards are shown: %s\n%s", out.text(), trace)
			}
			began = time.Now()
			b.ok(`1+1`, "result:2")
			t.Logf("%v to the error, %v to the next cell; %s: %s", toError.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), r.Err.EName, r.Err.EValue)
		})
	}
}

func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name, source string
		lost         bool
	}{
		{"loop", `for {}`, false},
		{"select", `select {}`, false},
		{"child", `import "os/exec"; exec.Command("sleep", "1000").Run()`, false},
		{"native call", "hang", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t, Limits{})
			b := &bench{t: t, e: e}
			b.ok("var kept = 41", "")
			done := make(chan session.Result)
			go func() { _, r := b.run(c.source); done <- r }()
			time.Sleep(120 * time.Millisecond)
			began := time.Now()
			if err := e.Interrupt(context.Background()); err != nil {
				t.Fatal(err)
			}
			r := <-done
			took := time.Since(began)
			if r.Err == nil || r.Err.EName != "interrupted" {
				t.Fatalf("%+v", r)
			}
			t.Logf("%v, lost %v: %s", took.Round(time.Millisecond), r.WorkerLost, r.Err.EValue)
			if took > time.Second {
				t.Errorf("it took %v", took)
			}
			if r.WorkerLost != c.lost {
				t.Errorf("worker lost: %v", r.WorkerLost)
			}
			if r.WorkerLost {
				b.ok("1+1", "result:2")
			} else {
				b.ok("kept+1", "result:42")
			}
		})
	}
}

func TestStdin(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{})}
	b.ok(`import ("fmt"; "bufio"; "os"; "os/exec"; "io")`, "")
	b.ok(`var a, b int`+"\n"+`fmt.Print("two: "); fmt.Scan(&a, &b); fmt.Println(a + b)`, "stdout:two: |input:\"\" false|stdout:5\n", "2 3")
	b.ok(`var s string`+"\n"+`fmt.Scanln(&s); fmt.Println(s)`, "input:\"\" false|stdout:ä\n", "ä")
	b.ok(`line, err := bufio.NewReader(os.Stdin).ReadString('\n'); fmt.Printf("%q %v\n", line, err)`, "input:\"\" false|stdout:\"hello world\\n\" <nil>\n", "hello world")
	b.ok(`c := exec.Command("head", "-n1"); c.Stdin = os.Stdin; o, err := c.Output(); fmt.Printf("%q %v\n", o, err)`, "input:\"\" false|stdout:\"to a child\\n\" <nil>\n", "to a child")
	// The front end allows no input: an end of file, once.
	out, r := b.run(`_, err2 := bufio.NewReader(os.Stdin).ReadString('\n'); fmt.Println(err2 == io.EOF)`)
	if r.Err != nil || !strings.HasSuffix(out.text(), "stdout:true\n") {
		t.Errorf("%v %q", r.Err, out.text())
	}
	b.ok(`fmt.Scanln(&s); fmt.Println(s)`, "input:\"\" false|stdout:again\n", "again")
}

func TestStopFromOutside(t *testing.T) {
	e := newEngine(t, Limits{})
	b := &bench{t: t, e: e}
	b.ok("var kept = 41", "")
	p, err := e.current()
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Kill(p.pid, unix.SIGSTOP) // between cells
	time.Sleep(100 * time.Millisecond) // it is woken before the next one begins
	b.ok("kept", "result:41")
	done := make(chan session.Result)
	go func() { _, r := b.run("for {}"); done <- r }()
	time.Sleep(200 * time.Millisecond)
	_ = unix.Kill(p.pid, unix.SIGSTOP)
	r := <-done
	if r.Err == nil || r.Err.EName != "signal: stopped" || r.WorkerLost {
		t.Fatalf("%+v", r)
	}
	b.ok("kept+1", "result:42")
}

func TestOutOfMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector's shadow memory is beyond any limit")
	}
	b := &bench{t: t, e: newEngine(t, Limits{MemoryBytes: 400 << 20})}
	for _, source := range []string{
		`x := make([]byte, 1<<40); x[0] = 1`,
		`import "time"; var hold [][]byte` + "\n" + `go func() { for { b := make([]byte, 8<<20); for i := 0; i < len(b); i += 4096 { b[i] = 1 }; hold = append(hold, b) } }(); time.Sleep(20*time.Second)`,
	} {
		began := time.Now()
		_, r := b.run(source)
		if r.Err == nil || !r.WorkerLost || !strings.Contains(r.Err.EName+r.Err.EValue, "memory") {
			t.Fatalf("%+v", r)
		}
		t.Logf("%v: %s: %s", time.Since(began).Round(time.Millisecond), r.Err.EName, r.Err.EValue)
		b.ok("1+1", "result:2")
	}
}

func TestForkBomb(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{Processes: 20})}
	marker := filepath.Join(t.TempDir(), "bomb.sh")
	if err := os.WriteFile(marker, []byte("#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do sleep 1000 & done\nsh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do setsid sleep 1000 & done; wait'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	out, r := b.run(fmt.Sprintf(`import "os/exec"; exec.Command(%q).Run()`, marker))
	if r.Err == nil || !strings.Contains(r.Err.EValue, "its limit is 20") {
		t.Fatalf("%+v %q", r, out.text())
	}
	t.Logf("%v: %s: %s", time.Since(began).Round(time.Millisecond), r.Err.EName, r.Err.EValue)
	b.ok("1+1", "result:2")
}

func TestCloseEndsTheWholeTree(t *testing.T) {
	e := newEngine(t, Limits{})
	b := &bench{t: t, e: e}
	b.ok(`import ("os/exec"; "fmt"); exec.Command("sh", "-c", "sleep 1000 & sleep 1000").Start(); fmt.Print("x")`, "stdout:x")
	p, err := e.current()
	if err != nil {
		t.Fatal(err)
	}
	var tree []process.Info
	for len(tree) < 3 {
		tree, _ = process.Descendants(p.pid)
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// Its processes sleep for 1000 seconds. What takes time where the machine is
	// busy is the exit of the worker: a killed process needs a processor to die,
	// each of its threads does, and to give its memory back, which under the
	// race detector is much. Orphans of this engine, which does not own the
	// process, may die of their signal a moment later.
	deadline := began.Add(5 * time.Second)
	for _, i := range tree {
		for {
			now, err := process.Stat(i.PID)
			if err != nil || now.StartTicks != i.StartTicks || now.State == 'Z' {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("still there: %+v", now)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func TestLateOutputGoesToItsCell(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{})}
	first, r := b.run(`import ("fmt"; "time"; "os/exec"; "os"); c := exec.Command("sh", "-c", "sleep 0.2; echo late"); c.Stdout = os.Stdout; c.Start()`)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for end := time.Now().Add(5 * time.Second); first.text() != "stdout:late\n"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %q", first.text())
		}
	}
}

func TestDeathBetweenCellsIsToldToTheLastOne(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{})}
	out, r := b.run(`import "time"; go func() { time.Sleep(100*time.Millisecond); panic("late") }()`)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for end := time.Now().Add(5 * time.Second); !strings.Contains(out.text(), "Lost: "); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %q", out.text())
		}
	}
	b.ok("1+1", "result:2")
}
