package engine

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
)

func programBench(t *testing.T) *bench {
	t.Helper()
	tc, err := program.Find(t.TempDir())
	if err != nil {
		t.Skipf("SKIP: %v", err)
	}
	e, err := New(Config{Toolchain: func() *program.Toolchain { return tc }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return &bench{t: t, e: e}
}

func TestWholeProgram(t *testing.T) {
	b := programBench(t)
	b.ok("var kept = 41", "")
	b.ok("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hi\") }", "stdout:hi\n")
	// The article's example without its sleep.
	b.ok("func speak(m string) { fmt.Println(m) }\nfunc main() { go speak(\"Hello World\") }", "")
	b.ok("func main() { var s string; fmt.Print(\"? \"); fmt.Scan(&s); fmt.Println(s) }", "stdout:? |input:\"\" false|stdout:ä\n", "ä")
	for _, c := range []struct{ source, ename, evalue, stderr string }{
		{"func main() { os.Exit(3) }", "exit status 3", "", ""},
		{"func main() {\n\tpanic(\"boom\")\n}", "exit status 2", "panic: boom", "cell %, line 2"},
		{"func main() {\n\tc := make(chan int)\n\t<-c\n}", "exit status 2", "fatal error: all goroutines are asleep - deadlock!", "cell %, line 3"},
		{"func main() { syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }", "signal: killed", "", ""},
	} {
		out, r := b.run(c.source)
		if r.Err == nil || r.Err.EName != c.ename || r.Err.EValue != c.evalue || r.WorkerLost {
			t.Errorf("%s: %+v", c.source, r)
		}
		if want := strings.ReplaceAll(c.stderr, "%", strconv.Itoa(b.n)); !strings.Contains(out.text(), want) {
			t.Errorf("%s: want %s in %s", c.source, want, out.text())
		}
	}
	b.ok("kept", "result:41")
}

func TestWholeProgramIsInterrupted(t *testing.T) {
	b := programBench(t)
	for name, c := range map[string]struct {
		source, ename, output string
		most                  time.Duration
	}{
		"loop": {"func main() { fmt.Println(\"on\"); for {} }", "interrupted", "stdout:on\n", 500 * time.Millisecond},
		"handler": {
			"func main() {\n\tc := make(chan os.Signal, 1)\n\tsignal.Notify(c, os.Interrupt)\n\tfmt.Println(\"on\")\n\t<-c\n\tfmt.Println(\"in order\")\n}",
			"interrupted", "stdout:on\nin order\n", 900 * time.Millisecond,
		},
		"deaf": {"func main() {\n\tsignal.Ignore(os.Interrupt)\n\tfmt.Println(\"on\")\n\texec.Command(\"sleep\", \"1000\").Run()\n\tfor {}\n}", "interrupted", "stdout:on\n", 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			out := newRecorder()
			done := make(chan session.Result)
			go func() { done <- b.runTo(out, c.source) }()
			for !strings.Contains(out.text(), "on\n") {
				time.Sleep(5 * time.Millisecond)
			}
			began := time.Now()
			if err := b.e.Interrupt(context.Background()); err != nil {
				t.Fatal(err)
			}
			r := <-done
			if took := time.Since(began); took > c.most {
				t.Errorf("it took %v", took)
			}
			if r.Err == nil || r.Err.EName != c.ename || out.text() != c.output {
				t.Errorf("%+v, output %q", r, out.text())
			}
		})
	}
	tree, err := process.Descendants(b.e.worker.pid)
	if err != nil || len(tree) > 0 {
		t.Errorf("left: %+v, %v", tree, err)
	}
}

func TestProgramOfATest(t *testing.T) {
	b := programBench(t)
	out, r := b.run("%%go test -v\nfunc TestX(t *testing.T) {\n\tt.Error(\"bad\")\n}")
	if r.Err == nil || r.Err.EName != "exit status 1" || !strings.Contains(out.text(), "cell 1, line 3: bad") {
		t.Errorf("%+v %q", r, out.text())
	}
	out, r = b.run("%%go bench -benchtime=10x\nfunc BenchmarkX(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}")
	if r.Err != nil || !strings.Contains(out.text(), "display:benchmark") || !strings.Contains(out.text(), "ns/op") {
		t.Errorf("%+v %q", r, out.text())
	}
}

func TestWithoutAToolchain(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{})}
	_, r := b.run("%%go\nfunc main() {}")
	if r.Err == nil || !strings.Contains(r.Err.EValue, "no Go toolchain") {
		t.Errorf("%+v", r)
	}
}

func TestUnknownCommandNamesTheNearest(t *testing.T) {
	b := &bench{t: t, e: newEngine(t, Limits{})}
	_, r := b.run("%tiem 1")
	if r.Err == nil || !strings.Contains(r.Err.EValue, "did you mean %time?") {
		t.Errorf("%+v", r)
	}
}

func TestEveryListedCommandRuns(t *testing.T) {
	for _, m := range magic.All {
		if _, ok := commands[m.Name]; !ok {
			t.Errorf("%s is listed and can't be run", m.Name)
		}
	}
}
