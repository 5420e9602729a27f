package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"spindle/kernel/client"
)

// step is a cell, and what it must show: its output, its displays' text, its
// error with the traceback, in order. Places name cells as "cell N".
type step struct {
	code string
	want string // regexp; "" is no output
	fail string // the error's name, "" where there is none
}

// shows runs the steps, each of which sees what the ones before have left.
func shows(t *testing.T, ctx context.Context, k *client.Kernel, steps []step) {
	t.Helper()
	for _, s := range steps {
		r, err := k.Submit(client.Cell{Code: s.code})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := r.Wait(ctx)
		if err != nil {
			t.Fatalf("%s: %v", s.code, err)
		}
		var b strings.Builder
		for _, o := range r.Outputs() {
			b.WriteString(client.Text([]client.Output{o}) + "\n")
		}
		if reply.EName != s.fail {
			t.Errorf("%s\nfails with %q (%s), want %q", s.code, reply.EName, reply.EValue, s.fail)
		}
		got := strings.TrimSpace(b.String())
		if !regexp.MustCompile("(?s)^" + s.want + "$").MatchString(got) {
			t.Errorf("%s\nshows\n%s\nwant\n%s", s.code, got, s.want)
		}
	}
}

// begun is a session with some imports.
func begun(t *testing.T) (context.Context, *client.Kernel) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	k := startKernel(t)
	runCell(t, ctx, k, `import ("context"; "fmt"; "os"; "runtime"; "strings"; "sync"; "time")`)
	return ctx, k
}

func TestGoroutinesAndWhatIsLeftBehind(t *testing.T) {
	ctx, k := begun(t)
	shows(t, ctx, k, []step{
		{code: `%goroutines`, want: `No goroutine of any cell is alive\.`},
		{
			code: "block := make(chan int)\nfunc wait(n int) { block <- n }\nfor i := range 3 {\n\tgo wait(i)\n}\ngo func() { select {} }()",
			want: `4 goroutines of this cell go on: .*\[(chan send|runnable)\].*%goroutines shows where\.`,
		},
		// Also those that the standard library starts.
		{
			code: "var wg sync.WaitGroup\nfor range 2 {\n\twg.Go(func() { <-make(chan bool) })\n}\n" +
				"time.AfterFunc(50*time.Millisecond, func() { fmt.Println(\"timer\"); wait(9) })\n" +
				"ctx, cancel := context.WithCancel(context.Background())\nstop := context.AfterFunc(ctx, func() { wait(8) })\ncancel()",
			want: `\d goroutines of this cell go on: .*`,
		},
		{code: "time.Sleep(1200 * time.Millisecond)", want: ``},
		{
			code: `%goroutines`,
			want: `goroutines +ids +state +for +started at +stands at\n.*` +
				`select \(no cases\) +[1-9] s +cell \d+, line 6, main +cell \d+, line 6.*` +
				`8 goroutines of cells.*`,
		},
		{code: `%goroutines`, want: `.*chan send +[^\n]*cell \d+, line 5, main[^\n]*\n.*`},
		{code: `%goroutines`, want: `.*2 +\d+ \d+ +chan receive +[^\n]*cell \d+, line 3, main[^\n]*\n.*|.*chan receive.*cell \d+, line 3, main.*`},
		{code: `%goroutines`, want: `.*cell \d+, line 5, main +cell \d+, line 2\n.*`}, // the timer's, in wait
		{code: `%goroutines nonsense`, want: `.*want a number of seconds.*`, fail: "error"},
	})
	// Only the learner's own, and ten thousand of them.
	shows(t, ctx, k, []step{
		{code: `%reset`, want: `Everything is forgotten\.`},
		{code: "many := make(chan int)\nfor range 10_000 {\n\tgo func() { <-many }()\n}", want: `10000 goroutines of this cell go on: .*`},
		{code: `%goroutines`, want: `.*\n *10000 +\d+ [\d ]+… +chan receive +[^\n]*cell \d+, line 3, main +cell \d+, line 3\n10000 goroutines of cells.*`},
		{code: "close(many)", want: ``},
	})
}

func TestLockLeftHeldIsTold(t *testing.T) {
	ctx, k := begun(t)
	shows(t, ctx, k, []step{
		{code: "var mu sync.Mutex\nmu.Lock()\nmu.Unlock()", want: ``},
		{code: "mu.Lock()", want: `mu is locked: the cell has ended without unlocking\.`},
		{code: "1 + 1", want: `2`}, // once is enough
		{code: "mu.Unlock()", want: ``},
		{code: "type account struct {\n\tsync.RWMutex\n\tn int\n}\nvar a, b account\na.RLock()\nb.Lock()", want: `a, b are locked: .*`},
		{code: "go func() { mu.Lock(); time.Sleep(time.Hour) }()\ntime.Sleep(20 * time.Millisecond)", want: `1 goroutine of this cell goes on: 1 \[sleep\].*\nmu is locked, by this cell or by a goroutine that goes on\.`},
	})
}

func TestVerify(t *testing.T) {
	ctx, k := begun(t)
	shows(t, ctx, k, []step{
		{
			code: "%%verify\nfunc main() {\n\tfmt.Println(\"same\")\n\tfmt.Fprintln(os.Stderr, \"too\")\n\tos.Exit(3)\n}",
			want: `Interpreter and toolchain agree\n.*stdout +same *\n? *same.*the same.*stderr +too.*the same.*exit +exit status 3 +exit status 3 +the same.*`,
		},
		{ // a difference that docs/differences.md lists
			code: "%%verify\nfunc main() {\n\tfmt.Println(strings.Contains(string(debug.Stack()), \"yaegi\"))\n}",
			want: `Interpreter and toolchain differ\n.*stdout +false +true +differs.*`,
		},
		{code: "%%verify\nfunc main() { undefined1() }", want: `.*undefined: undefined1.*`, fail: "compile error"},
		{code: "%%verify\n1 + 1", want: `.*want a whole program.*`, fail: "error"},
	})
}

func TestRestore(t *testing.T) {
	ctx, k := begun(t)
	shows(t, ctx, k, []step{
		{code: `%restore`, want: `Nothing was lost.*`},
		{code: "x := 5\nnames := strings.Fields(\"a b\")\nvar wg sync.WaitGroup\nch := make(chan int, 1)"},
		{code: "type point struct{ X, Y int }\nfunc (p point) sum() int { return p.X + p.Y + x }\np := &point{1, 2}\nfile, err := os.Open(os.DevNull)"},
		{code: "x = 100\nfunc double() int { return 2 * x }"},
		{code: "func double() int { return 2 * y }\ny := 1", want: `.*`, fail: ""},
		{code: "os.Exit(7)", want: `.*%restore makes the \d+ declarations again\.`, fail: "exit status 7"},
		{code: "x", want: `.*undefined: x.*`, fail: "compile error"},
		{code: `%restore`, want: `Restored: \d+ declarations, variables as they were declared; .*\nZero, for computing them again might do more than that: file, err\. Run their cells again for their values\.`},
		{code: "fmt.Println(x, names, len(names), cap(ch), p.sum(), file == nil, err, double())", want: `5 \[a b\] 2 1 8 true <nil> 2`},
		{code: `%restore`, want: `Nothing was lost.*`},
	})
}

func TestCommands(t *testing.T) {
	ctx, k := begun(t)
	dir := t.TempDir()
	shows(t, ctx, k, []step{
		{code: `%help`, want: `.*%goroutines \[SECONDS\].*%%writefile.*`},
		{code: `%timit 1`, want: `.*%timit: did you mean %timeit\?.*`, fail: "unknown command"},
		{code: `%timeit 1 + 1`, want: `\S+ a turn \(median of 7 runs.*`},
		{code: "%%time\ntime.Sleep(20 * time.Millisecond)", want: `Took \d+.*ms; .*`},
		{code: "kept := 3\ntype mine struct{}", want: ``},
		{code: `%who`, want: `.*kept +var +int +cell \d+, line 1.*mine +type.*`},
		{code: `%cd ` + dir, want: regexp.QuoteMeta(dir)},
		{code: `!pwd; printf '%s-' one; echo two >&2; exit 3`, want: regexp.QuoteMeta(dir) + `\none-\s+two\s+exit status 3`},
		{code: "%%writefile some.txt\nfirst\nsecond", want: `Wrote 13 bytes to .*some\.txt\.`},
		{code: "%%writefile -a some.txt\nthird", want: `Appended 6 bytes.*`},
		{code: `%env SPINDLE_TEST=yes`, want: ``},
		{code: `%env SPINDLE_TEST`, want: `yes`},
		{code: `fmt.Println(os.Getenv("SPINDLE_TEST"))`, want: `yes`},
		{code: `%env NOT_SET_AT_ALL`, want: `.*is not set.*`, fail: "error"},
		{code: `import "github.com/google/uuid"`, want: `.*%%go.*`, fail: "compile error"},
		{code: `%doc nothing.at.all`, want: `.*nothing is known of.*`, fail: "error"},
		{code: `%go-version`, want: `cells: Go 1\.\d+.*`},
		{code: `%reset`, want: `Everything is forgotten\.`},
		{code: `kept`, want: `.*undefined: kept.*`, fail: "compile error"},
	})
	b, err := os.ReadFile(filepath.Join(dir, "some.txt"))
	if err != nil || string(b) != "first\nsecond\nthird\n" {
		t.Errorf("the file has %q, %v", b, err)
	}
	// Commands print while they run.
	var first, last time.Time
	r, err := k.Execute(ctx, client.Cell{Code: "!echo a; sleep 1; echo b", On: func(m client.Message) {
		if text := fmt.Sprint(m.Content["text"]); strings.HasPrefix(text, "a") {
			first = time.Now()
		} else if strings.HasPrefix(text, "b") {
			last = time.Now()
		}
	}})
	if err != nil || r.Status != "ok" || last.Sub(first) < 500*time.Millisecond {
		t.Errorf("%v %+v: a came at %v, b at %v", err, r, first, last)
	}
}
