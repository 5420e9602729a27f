package oracle

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var (
	update = flag.Bool("update", false, "let the toolchain write the golden outcomes anew")
	only   = flag.String("only", "", "run or update only the programs whose names match this `regexp`")
	judge  = flag.Bool("judge", false, "judge the whole corpus with the toolchain, not a sample")
)

// sample is how many programs a run without -judge has judged anew.
const sample = 25

func TestMain(m *testing.M) {
	plainMain()
	ChildMain()
	os.Exit(m.Run())
}

func corpus(t *testing.T) []Program {
	t.Helper()
	programs, err := Load(os.DirFS("testdata/corpus"))
	if err != nil {
		t.Fatal(err)
	}
	return chosen(t, programs, func(p Program) string { return p.Name })
}

func scripts(t *testing.T) []Script {
	t.Helper()
	s, err := LoadScripts(os.DirFS("testdata/sessions"))
	if err != nil {
		t.Fatal(err)
	}
	return chosen(t, s, func(s Script) string { return s.Name })
}

func chosen[T any](t *testing.T, all []T, name func(T) string) []T {
	t.Helper()
	match, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	for _, x := range all {
		if match.MatchString(name(x)) {
			out = append(out, x)
		}
	}
	return out
}

func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("goldens are written only with -update")
	}
	programs, sessions := corpus(t), scripts(t)
	all := programs
	for _, s := range sessions {
		all = append(all, s.Equivalent)
	}
	outcomes, err := Judge(context.Background(), t.TempDir(), all)
	if err != nil {
		t.Error(err)
	}
	if outcomes == nil {
		t.FailNow()
	}
	for i, p := range programs {
		p.Want, p.Judged = outcomes[i], true
		if p.Unordered {
			p.Want.Stdout = sortLines(p.Want.Stdout)
		}
		if err := os.WriteFile(filepath.Join("testdata/corpus", p.Name+".txtar"), p.Format(), 0o644); err != nil {
			t.Error(err)
		}
	}
	for i, s := range sessions {
		o := outcomes[len(programs)+i]
		if o.Compile != nil || o.Exit != 0 {
			t.Errorf("%s: the equivalent program: %+v", s.Name, o)
			continue
		}
		s.Equivalent.Want, s.Equivalent.Judged = o, true
		if err := os.WriteFile(filepath.Join("testdata/sessions", s.Name+".txtar"), s.Format(), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// TestGoldens has the toolchain judge again: a sample, another in each run,
// or all of the corpus with -judge.
func TestGoldens(t *testing.T) {
	programs := corpus(t)
	for _, s := range scripts(t) {
		programs = append(programs, s.Equivalent)
	}
	for _, p := range programs {
		if !p.Judged {
			t.Errorf("%s: no golden outcome; run go test -update", p.Name)
		}
	}
	if !*judge && len(programs) > sample {
		rand.Shuffle(len(programs), func(i, j int) { programs[i], programs[j] = programs[j], programs[i] })
		programs = programs[:sample]
	}
	outcomes, err := Judge(context.Background(), t.TempDir(), programs)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range programs {
		if d := Diff(p.Want, outcomes[i], p.Unordered); d != "" {
			t.Errorf("%s: the golden differs from what the toolchain makes of it\n%s", p.Name, d)
		}
	}
	t.Logf("judged %d programs", len(programs))
}

// TestCorpus runs every program on the interpreter.
func TestCorpus(t *testing.T) {
	programs := corpus(t)
	if *only == "" && len(programs) < 420 {
		t.Errorf("the corpus has %d programs, want 420 at least", len(programs))
	}
	var mu sync.Mutex
	agreed, total := 0, 0
	differed := map[string]bool{}
	inParallel(programs, func(p Program) {
		for _, v := range []Variant{Session, Whole} {
			if deadlocks(p) {
				continue // package worker sees those: TestKernel
			}
			got, refused, err := Interpret(context.Background(), task{Cells: cells(p, v)})
			d := Diff(p.Want, got, p.Unordered)
			mu.Lock()
			total++
			switch {
			case refused == "" && err == nil && d == "":
				agreed++
			case stated[p.Name] != "":
				differed[p.Name] = true
			case refused != "":
				t.Errorf("%s (%s): refused: %s", p.Name, v, refused)
			default:
				t.Errorf("%s (%s): %v\n%s", p.Name, v, err, d)
			}
			mu.Unlock()
		}
	})
	for _, p := range programs {
		if stated[p.Name] != "" && !deadlocks(p) && !differed[p.Name] {
			t.Errorf("%s no longer differs: mend docs/differences.md (%s)", p.Name, stated[p.Name])
		}
	}
	t.Logf("%d of %d runs of %d programs agree with the toolchain; %d programs stand in docs/differences.md", agreed, total, len(programs), len(differed))
}

func deadlocks(p Program) bool {
	return strings.HasPrefix(p.Want.Panic, "fatal error: ") && strings.HasSuffix(p.Want.Panic, "deadlock!")
}

// TestSessions runs the sessions of several cells.
func TestSessions(t *testing.T) {
	var mu sync.Mutex
	inParallel(scripts(t), func(s Script) {
		got, _, err := Interpret(context.Background(), task{Cells: s.Cells, Transcript: true})
		mu.Lock()
		defer mu.Unlock()
		if d := Diff(s.Equivalent.Want, got, false); d != "" || err != nil {
			t.Errorf("%s: %v\n%s%s", s.Name, err, d, sideBySide(s.Equivalent.Want.Stdout, got.Stdout))
		}
	})
}

func sideBySide(want, got string) string {
	var b strings.Builder
	w, g := lines(want), lines(got)
	for i := range max(len(w), len(g)) {
		at := func(l []string) string {
			if i < len(l) {
				return l[i]
			}
			return "—"
		}
		if at(w) != at(g) {
			fmt.Fprintf(&b, "  line %d: want %q\n          got  %q\n", i+1, at(w), at(g))
		}
	}
	return b.String()
}

// inParallel calls f for each of xs, as many at once as there are CPUs.
func inParallel[T any](xs []T, f func(T)) {
	limit := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for _, x := range xs {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			f(x)
		})
	}
	wg.Wait()
}
