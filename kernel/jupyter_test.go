package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"spindle/install/needs"
)

// buildKernel builds the kernel once for all tests that want it as a process
// of its own, and gives its path. The path has the content's hash: a kernel
// that still runs, such as a long soak's, starts its workers from it.
var buildKernel = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "build", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	fresh := filepath.Join(dir, fmt.Sprintf("building-%d", os.Getpid()))
	cmd := exec.Command("go", "build", "-o", fresh, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the kernel: %w\n%s", err, out)
	}
	b, err := os.ReadFile(fresh)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	path := filepath.Join(dir, fmt.Sprintf("spindle-kernel-%x", sum[:6]))
	if err := os.Rename(fresh, path); err != nil {
		return "", err
	}
	old, _ := filepath.Glob(filepath.Join(dir, "spindle-kernel-*"))
	for _, o := range old {
		if info, err := os.Stat(o); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.Remove(o)
		}
	}
	return path, nil
})

// jupyterEnv is an environment in which Jupyter finds the kernel "spindle", and
// nothing of the user's.
func jupyterEnv(t *testing.T) []string {
	t.Helper()
	kernel, err := buildKernel()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	spec, err := json.Marshal(map[string]any{
		"argv": []string{kernel, "{connection_file}"}, "display_name": "Go (Spindle)",
		"language": "go", "interrupt_mode": "message",
	})
	if err != nil {
		t.Fatal(err)
	}
	specDir := filepath.Join(dir, "kernels", "spindle")
	if err := errors.Join(os.MkdirAll(specDir, 0o755), os.WriteFile(filepath.Join(specDir, "kernel.json"), spec, 0o644)); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(),
		"JUPYTER_PATH="+dir, "JUPYTER_RUNTIME_DIR="+filepath.Join(dir, "run"),
		"XDG_DATA_HOME="+filepath.Join(dir, "data"), "PYTHONDONTWRITEBYTECODE=1")
}

// outcome is one test's, as testdata/jupyter/run.py writes it.
type outcome struct {
	Test, Outcome, Detail string
	Seconds               float64
}

// runUnittest runs a module of testdata/jupyter, and makes each of its tests
// one of t. None may be skipped.
func runUnittest(t *testing.T, module string, timeout time.Duration) {
	py, env := needs.Python(t, "jupyter_client", "jupyter_kernel_test"), jupyterEnv(t)
	results := filepath.Join(t.TempDir(), "results.jsonl")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, py, "run.py", module, results)
	cmd.Dir, cmd.Env = filepath.Join("testdata", "jupyter"), env
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	lines, err := os.ReadFile(results)
	if err != nil {
		t.Fatalf("no test ran: %v\n%s", err, out)
	}
	n := 0
	for d := json.NewDecoder(bytes.NewReader(lines)); d.More(); n++ {
		var o outcome
		if err := d.Decode(&o); err != nil {
			t.Fatal(err)
		}
		t.Run(o.Test, func(t *testing.T) {
			if o.Outcome != "ok" {
				t.Errorf("%s: %s", o.Outcome, o.Detail)
			}
		})
	}
	if t.Failed() || n == 0 {
		t.Errorf("%d tests; what the kernels printed:\n%s", n, out)
	}
}

// TestJupyterKernelTest runs jupyter_kernel_test, every test of it, with all of
// its knobs set.
func TestJupyterKernelTest(t *testing.T) { runUnittest(t, "test_kernel", 5*time.Minute) }

// TestProtocol runs what jupyter_kernel_test leaves out, through jupyter_client
// and libzmq.
func TestProtocol(t *testing.T) { runUnittest(t, "test_protocol", 5*time.Minute) }
