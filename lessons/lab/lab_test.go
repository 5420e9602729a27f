package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The race detector holds every process back for a second as it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	ChildMain()
	goleak.VerifyTestMain(m)
}

// marker is an environment variable that a test's processes inherit, and by
// which those left over are found.
const marker = "SPINDLE_LAB_TEST"

// marked lists the processes of this test that still run, without this one.
func marked(t *testing.T) (pids []int) {
	t.Helper()
	want := marker + "=" + os.Getenv(marker)
	es, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("the processes left over are looked up in /proc, which this system does not have")
	}
	for _, e := range es {
		var pid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && slices.Contains(strings.Split(string(env), "\x00"), want) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// alone marks this test's processes, and fails it where some are left.
func alone(t *testing.T) {
	t.Helper()
	t.Setenv(marker, fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano()))
	t.Cleanup(func() {
		var left []int
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if left = marked(t); len(left) == 0 {
				return
			}
		}
		t.Errorf("processes left over: %v", left)
	})
}

func run(t *testing.T, name, params string) *Result {
	t.Helper()
	alone(t)
	e, ok := Find(name)
	if !ok {
		t.Fatalf("no experiment %q", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	last := -1
	r, err := e.Run(ctx, []byte(params), func(p Progress) {
		if p.Experiment != name || p.Done < last || p.Done > p.Total {
			t.Errorf("progress %+v after %d", p, last)
		}
		last = p.Done
	})
	if err != nil {
		t.Fatalf("running %s: %v", name, err)
	}
	return r
}

// articleClaims are all ids of ARTICLE.md that an experiment of the lab tests.
const articleClaims = "P1 P2 P3 P4 P5 P6 P7 T1 T2 T3 T4 T5 T6 H1 H2 H3 H4 G1 G2 G3 G4 M1 M2 M3 L1 L2 L3 L4 L5 W1 W2 W3 W4 B1 B2 B3 B4 B5 B6 F1 F2 F3 F4 F5 F6 F7 U1 U2 U3 E1 E2"

func TestEveryClaimHasAnExperiment(t *testing.T) {
	have := map[string]bool{}
	names := map[string]bool{}
	for _, e := range Experiments() {
		if names[e.Name] || e.Title == "" {
			t.Errorf("experiment %q: no title, or twice", e.Name)
		}
		names[e.Name] = true
		for _, c := range e.Claims {
			have[c] = true
		}
		if !json.Valid([]byte(e.Params())) {
			t.Errorf("%s: parameters %s", e.Name, e.Params())
		}
	}
	for _, c := range strings.Fields(articleClaims) {
		if !have[c] {
			t.Errorf("no experiment on %s", c)
		}
		delete(have, c)
	}
	for c := range have {
		t.Errorf("%s is no claim of the article", c)
	}
}

// small makes the slower experiments quick enough to run each of them here.
var small = map[string]string{
	"creation":    `{"samples":10}`,
	"many":        `{"goroutines":[10,1000,100000],"threads":[10,200],"processes":[10,20],"thread_limit":100,"process_limit":20,"memory_limit_mb":32}`,
	"switch":      `{"samples":10,"rounds":200}`,
	"stealing":    `{"tasks":300,"task_micros":100}`,
	"preemption":  `{"spin_ms":60}`,
	"speak":       `{"runs":5,"sleep_ms":300}`,
	"threeways":   `{"cpu_tasks":2,"io_tasks":8}`,
	"workingset":  `{"kib":[0,64]}`,
	"contention":  `{"goroutines":[1,4],"operations":10000}`,
	"lostupdates": `{"goroutines":4}`,
	"blocking":    `{"goroutines":[1,50],"samples":3}`,
}

// Every experiment runs, measures what it says, and judges each of its
// claims; the verdicts are tested apart, but for those that no noise can move.
func TestExperiments(t *testing.T) {
	sure := map[string]string{ // claim in an experiment → verdict on any machine
		"load P1": "holds", "look P2": "holds", "isolation P3": "holds", "pipe P4": "holds", "ipc P4": "holds",
		"crash P5": "holds", "crash T5": "holds", "threads T1": "holds", "threads T2": "holds", "threads T3": "holds",
		"managed G1": "holds", "managed M1": "holds", "go G2": "holds", "main G3": "holds", "speak F5": "holds",
		"memory L1": "holds", "memory L5": "holds", "memory P7": "holds", "creation H2": "holds", "creation P7": "holds",
		"growth L1": "holds", "growth L2": "holds", "oneatatime M2": "holds", "switch L3": "holds", "switch P6": "holds",
		"blocking H3": "holds", "blocking B1": "holds", "blocking B3": "holds", "blocking B5": "holds", "blocking B6": "holds",
		"forkjoin F1": "holds", "forkjoin F3": "holds", "contention F6": "holds", "threeways U1": "holds", "threadonly U2": "holds",
		"ladder E1": "holds", "ladder E2": "holds in part", "stack H1": "fails here", "many L5": "holds", "stealing W3": "holds",
	}
	for _, e := range Experiments() {
		t.Run(e.Name, func(t *testing.T) {
			if testing.Short() && e.Name != "isolation" {
				t.Skip("-short: one experiment alone")
			}
			r := run(t, e.Name, small[e.Name])
			if r.Skipped != "" {
				t.Skip(r.Skipped)
			}
			if len(r.Samples)+len(r.Facts) == 0 {
				t.Error("nothing measured")
			}
			for _, s := range r.Samples {
				if s.ID == "" || s.Of == "" || s.Name == "" || len(s.Values) == 0 {
					t.Errorf("incomplete samples %+v", s)
				}
				for _, v := range s.Values {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Errorf("%s: %v", s.label(), s.Values)
					}
				}
			}
			for _, c := range e.Claims {
				v := r.Verdict(c)
				if v.Verdict == Skip || v.Reason == "" {
					t.Errorf("no verdict on %s: %s", c, v)
				}
				if raceEnabled {
					continue // it multiplies time and memory, of some things more than of others
				}
				if want := sure[e.Name+" "+c]; want != "" && string(v.Verdict) != want {
					t.Errorf("want %s %s: %s", c, want, v)
				}
			}
			if strings.Contains(r.String()+r.Markdown(), "%!") {
				t.Errorf("a broken format:\n%s", r)
			}
			again, err := ParseResult([]byte(r.JSON()))
			if err != nil {
				t.Fatal(err)
			}
			if again.JSON() != r.JSON() {
				t.Error("the JSON form does not survive reading and writing")
			}
			wellFormed(t, r.svg())
			if r.Env.Go == "" || r.Env.CPUs < 1 || r.Env.GOMAXPROCS < 1 || r.Env.Date.IsZero() || r.ElapsedNS <= 0 {
				t.Errorf("incomplete environment %+v", r.Env)
			}
			t.Logf("%s took %s", e.Name, r.Elapsed())
		})
	}
}

func TestUnknownParameterIsAnError(t *testing.T) {
	for _, params := range []string{`{"sample": 3}`, `{"samples": "many"}`, `[]`, `{`} {
		e, _ := Find("creation")
		if _, err := e.Run(t.Context(), []byte(params), nil); err == nil || !strings.Contains(err.Error(), "parameters of creation") {
			t.Errorf("%s: %v", params, err)
		}
	}
}

func TestParameterOutOfRangeIsAnError(t *testing.T) {
	for name, params := range map[string]string{
		"creation": `{"threads": 1000000}`, "many": `{"threads":[100000]}`, "isolation": `{"values":[1]}`, "crash": `{"ways":["old age"]}`,
		"blocking": `{"goroutines":[0]}`, "load": `{"path":"/no/such/program"}`, "forkjoin": `{"serial":[2]}`,
	} {
		alone(t)
		e, _ := Find(name)
		r, err := e.Run(t.Context(), []byte(params), nil)
		if err == nil {
			t.Errorf("%s %s ran: %s", name, params, r)
		}
	}
}

func TestCancelEndsAllProcesses(t *testing.T) {
	alone(t)
	e, _ := Find("switch")
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	var once bool
	_, err := e.Run(ctx, []byte(`{"samples":100000}`), func(Progress) {
		if !once { // partners of the experiment's are up by now
			once = true
			if n := len(marked(t)); n < 3 {
				t.Errorf("%d processes while it runs", n)
			}
			began = time.Now()
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("cancelling took %v", d)
	}
}

func TestDeadProcessIsAnError(t *testing.T) {
	alone(t)
	e, _ := Find("switch")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var once bool
	_, err := e.Run(ctx, []byte(`{"samples":100000}`), func(Progress) {
		if once {
			return
		}
		once = true
		for _, pid := range marked(t) {
			p, err := os.FindProcess(pid)
			if err == nil {
				_ = p.Kill()
			}
		}
	})
	var crash *CrashError
	if !errors.As(err, &crash) || !strings.Contains(err.Error(), "signal 9 (killed)") {
		t.Errorf("error %v", err)
	}
}

func TestCrashErrorHasGosOwnWords(t *testing.T) {
	alone(t)
	s, err := launch("crash", crashOrder{Way: "panic", In: inProcess}, launchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.recv(nil); err != nil {
		t.Fatal(err)
	}
	if err := s.send("now"); err != nil {
		t.Fatal(err)
	}
	var crash *CrashError
	if err := s.recv(nil); !errors.As(err, &crash) || crash.Status != "exit status 2" || !strings.Contains(crash.Stderr, "panic: a bug") {
		t.Errorf("error %v", err)
	}
}

func TestUnknownRoleIsAnError(t *testing.T) {
	alone(t)
	s, err := launch("no such role", nil, launchOptions{})
	if err == nil {
		err = s.recv(nil)
	}
	if err == nil || !strings.Contains(err.Error(), `no role "no such role"`) {
		t.Errorf("error %v", err)
	}
}

// A process that runs an experiment is killed; all that the experiment
// started ends with it.
func TestOrphansEnd(t *testing.T) {
	if os.Getenv("SPINDLE_LAB_TEST_PARENT") != "" {
		e, _ := Find("switch")
		_, err := e.Run(t.Context(), []byte(`{"samples":100000}`), func(Progress) { os.Stdout.WriteString("running\n") })
		t.Fatal("not killed", err)
	}
	alone(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := os.StartProcess(exe, []string{exe, "-test.run=^TestOrphansEnd$"}, &os.ProcAttr{
		Env: append(os.Environ(), "SPINDLE_LAB_TEST_PARENT=1"), Files: []*os.File{nil, w, w},
	})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if n := len(marked(t)); n < 3 {
		t.Errorf("%d processes while it runs", n)
	}
	_ = p.Kill()
	_, _ = p.Wait()
} // alone looks whether any are left

func TestNoCompilerIsSkipped(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("CC", "")
	for name, claim := range map[string]string{"pthread": "H2", "race": "F7"} {
		r := run(t, name, "")
		if r.Skipped == "" || r.Verdict(claim).Verdict != Skip || r.Verdict(claim).Reason != r.Skipped {
			t.Errorf("%s without a compiler or toolchain: %q, %s", name, r.Skipped, r.Verdict(claim))
		}
		if !strings.Contains(r.HTML(), "SKIP") || !strings.Contains(r.String(), "SKIP") {
			t.Error("the reason is not shown")
		}
	}
	r := run(t, "stack", "")
	if r.Skipped != "" || r.Verdict("H1").Verdict == Skip {
		t.Errorf("without C threads the main thread's stack is left: %q, %s", r.Skipped, r.Verdict("H1"))
	}
}

func TestInCellUsesHostAndKeepsResult(t *testing.T) {
	alone(t)
	t.Setenv(resultsEnv, t.TempDir())
	var updates int
	var done bool
	Connect(Host{
		Context: t.Context,
		Progress: func(title string) (func(Progress), func()) {
			return func(Progress) { updates++ }, func() { done = true }
		},
	})
	defer Connect(Host{})
	r := Pipe(PipeParams{Message: "kept"})
	if updates == 0 || !done {
		t.Errorf("%d updates, done %t", updates, done)
	}
	kept := Saved("pipe")
	if kept == nil || kept.JSON() != r.JSON() {
		t.Errorf("kept %v", kept)
	}
	if Saved("look") != nil {
		t.Error("a result that was never kept")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Connect(Host{Context: func() context.Context { return ctx }})
	defer func() {
		err, _ := recover().(error)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("an interrupted cell: %v", err)
		}
	}()
	Pipe()
}
