package oracle

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"spindle/kernel/client"
)

// wholeRuns says which programs TestKernel runs besides those that deadlock:
// they end in every way that a program can.
var wholeRuns = regexp.MustCompile(`^(panics|defer)/|/(main-returns-early|panic-in-goroutine|unlock-of-unlocked|worker-pool|speak)$`)

// TestKernel runs whole programs through the kernel, `%%interp`: in a process
// of their own, where a deadlock, a crash and an exit status look as in Go.
func TestKernel(t *testing.T) {
	k, ctx := startKernel(t)
	n := 0
	for _, p := range corpus(t) {
		if p.Want.Compile != nil || stated[p.Name] != "" || !deadlocks(p) && !wholeRuns.MatchString(p.Name) {
			continue
		}
		n++
		run, err := k.Submit(client.Cell{Code: "%%interp\n" + p.Source})
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		r, err := run.Wait(ctx)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if d := Diff(p.Want, kernelOutcome(r, run.Outputs()), p.Unordered); d != "" {
			t.Errorf("%s:\n%s", p.Name, d)
		}
	}
	t.Logf("%d whole programs ran through the kernel", n)
	if *only == "" && n < 50 {
		t.Errorf("ran %d programs, want 50 at least", n)
	}
}

// TestOneSession runs every program that ends well in one session, one after
// the other: what the earlier ones have declared, imported and left behind must
// not show, nor make the later ones slow.
func TestOneSession(t *testing.T) {
	k, ctx := startKernel(t)
	n := 0
	for _, p := range corpus(t) {
		if p.Want.Compile != nil || p.Want.Exit != 0 || stated[p.Name] != "" || leavesOrCounts.MatchString(p.Name) {
			continue
		}
		n++
		var outputs []client.Output
		for _, code := range []string{
			callOfMain.ReplaceAllString(packageClause.ReplaceAllString(p.Source, ""), "program()"), "program()",
		} {
			run, err := k.Submit(client.Cell{Code: code})
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			r, err := run.Wait(ctx)
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			outputs = append(outputs, run.Outputs()...)
			if r.Status != "ok" {
				t.Errorf("%s: %s: %s", p.Name, r.EName, r.EValue)
				break
			}
		}
		got := kernelOutcome(client.Reply{Status: "ok"}, outputs)
		got.Stderr, got.Panic = p.Want.Stderr, "" // what a cell remarks goes there, too
		if d := Diff(p.Want, got, p.Unordered); d != "" {
			t.Errorf("%s:\n%s", p.Name, d)
		}
	}
	t.Logf("%d programs ran in one session", n)
	if *only == "" && n < 400 {
		t.Errorf("ran %d programs, want 400 at least", n)
	}
}

// callOfMain is main's name, declared or called.
var callOfMain = regexp.MustCompile(`\bmain\(\)`)

// leavesOrCounts are programs that end their process, or count what others left.
var leavesOrCounts = regexp.MustCompile(`^(corners/methods-through-compiled-types|concurrency/goroutine-count)`)

// startKernel starts a kernel, built from the tree, that ends with the test.
func startKernel(t *testing.T) (*client.Kernel, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	bin := filepath.Join(t.TempDir(), "spindle-kernel")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "spindle/kernel").CombinedOutput(); err != nil {
		t.Fatalf("building the kernel: %v\n%s", err, out)
	}
	var stderr bytes.Buffer
	k, err := client.Start(ctx, client.Options{Argv: []string{bin}, Env: os.Environ(), Stderr: &stderr})
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	t.Cleanup(k.Close)
	return k, ctx
}

// kernelOutcome reads a program's outcome off what a front end shows.
func kernelOutcome(r client.Reply, outputs []client.Output) Outcome {
	var o Outcome
	var stderr strings.Builder
	for _, out := range outputs {
		if out.Type != "stream" {
			continue
		}
		if out.Name == "stdout" {
			o.Stdout += out.Text
		} else {
			stderr.WriteString(out.Text)
		}
	}
	o.Stderr, o.Panic = SplitStderr(stderr.String())
	if r.Status != "ok" {
		o.Exit = -1
		if s, ok := strings.CutPrefix(r.EName, "exit status "); ok {
			o.Exit, _ = strconv.Atoi(s)
		}
	}
	return o
}
