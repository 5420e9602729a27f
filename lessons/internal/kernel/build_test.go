package kernel_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"spindle/lessons/internal/kernel"
)

// module makes a module whose command ./kernel prints text, and a home of its
// own for what Build keeps.
func module(t *testing.T, text string) string {
	t.Helper()
	root := t.TempDir()
	gocache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Skip("SKIP: no go command to build with")
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(gocache)))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	write(t, filepath.Join(root, "go.mod"), "module m\n\ngo 1.26\n")
	source(t, root, `print("`+text+`")`)
	return root
}

func source(t *testing.T, root, statement string) {
	t.Helper()
	write(t, filepath.Join(root, "kernel", "main.go"), "package main\n\nfunc main() { "+statement+" }\n")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func says(t *testing.T, binary string) string {
	t.Helper()
	out, err := exec.Command(binary).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestBuild(t *testing.T) {
	root := module(t, "one")
	first, cleanFirst, err := kernel.Build(t.Context(), root, "./kernel")
	if err != nil {
		t.Fatal(err)
	}
	defer cleanFirst()
	again, cleanAgain, err := kernel.Build(t.Context(), root, "./kernel")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := os.Stat(first)
	b, _ := os.Stat(again)
	if !os.SameFile(a, b) {
		t.Error("what had not changed was linked again")
	}
	cleanAgain()

	// A run that began before goes on with what it began with.
	source(t, root, `print("two")`)
	second, cleanSecond, err := kernel.Build(t.Context(), root, "./kernel")
	if err != nil {
		t.Fatal(err)
	}
	if one, two := says(t, first), says(t, second); one != "one" || two != "two" {
		t.Errorf("the first build says %q, the second %q", one, two)
	}
	cleanSecond()
	if _, err := os.Stat(second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("clean left %s (%v)", second, err)
	}

	source(t, root, "undefined()")
	if _, _, err := kernel.Build(t.Context(), root, "./kernel"); err == nil || !strings.Contains(err.Error(), "main.go:3") {
		t.Errorf("the compiler's words are lost: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(root, "cache", "spindle", "lessons", "run-*"))
	if len(left) != 1 { // the first's
		t.Errorf("left behind: %v", left)
	}
}

func TestBuildsAtOnce(t *testing.T) {
	root := module(t, "one")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			path, clean, err := kernel.Build(t.Context(), root, "./kernel")
			if err != nil {
				t.Error(err)
				return
			}
			defer clean()
			if out, err := exec.Command(path).CombinedOutput(); err != nil || string(out) != "one" {
				t.Errorf("it says %q (%v)", out, err)
			}
		})
	}
	wg.Wait()
}

func TestBuildIsCancelled(t *testing.T) {
	root := module(t, "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := kernel.Build(ctx, root, "./kernel"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(root, "cache", "spindle", "lessons", "run-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBuildWithoutGo(t *testing.T) {
	root := module(t, "one")
	t.Setenv("PATH", t.TempDir())
	if _, _, err := kernel.Build(t.Context(), root, "./kernel"); err == nil || !strings.Contains(err.Error(), "the go command isn't in PATH") {
		t.Errorf("got %v", err)
	}
}
