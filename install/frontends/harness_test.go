package frontends

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"spindle/install/internal/gobuild"
	"spindle/install/internal/kernelspec"
	"spindle/install/internal/procs"
)

// shared is what all tests use: a Jupyter data folder with the kernel in it.
var shared struct {
	dir   string // removed by TestMain
	root  string // of the module
	once  sync.Once
	err   error
	build time.Duration
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "spindle-frontends-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared.dir = dir
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// jupyterData installs the kernel, once, and returns the Jupyter data folder.
func jupyterData(t *testing.T) string {
	t.Helper()
	data := filepath.Join(shared.dir, "share", "jupyter")
	shared.once.Do(func() {
		module, err := gobuild.Find(context.Background())
		if err != nil {
			shared.err = err
			return
		}
		shared.root = module.Dir
		_, shared.err = kernelspec.Install(data, kernelspec.Metadata{Source: module.Dir}, func(path string) error {
			return module.Build(context.Background(), "spindle/kernel", path)
		})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return data
}

// environment is that of every front end: the kernel is found, and nothing of
// the person's own Jupyter is touched.
func environment(t *testing.T) []string {
	t.Helper()
	data := jupyterData(t)
	home := t.TempDir()
	return append(os.Environ(),
		"JUPYTER_PATH="+data, "JUPYTER_DATA_DIR="+filepath.Join(home, "data"), "JUPYTER_CONFIG_DIR="+filepath.Join(home, "config"),
		"JUPYTER_RUNTIME_DIR="+filepath.Join(home, "runtime"), "IPYTHONDIR="+filepath.Join(home, "ipython"),
		"XDG_DATA_HOME="+filepath.Join(home, "xdg"), "JUPYTER_PLATFORM_DIRS=1", "PYTHONWARNINGS=ignore")
}

// lessons are the names of the course's notebooks.
func lessons(t *testing.T) []string {
	t.Helper()
	jupyterData(t)
	paths, err := filepath.Glob(filepath.Join(shared.root, "lessons", "*.ipynb"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no lessons: %v", err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return names
}

// lessonCopy copies a lesson into a folder of the test's own.
func lessonCopy(t *testing.T, name, folder string) string {
	t.Helper()
	jupyterData(t)
	b, err := os.ReadFile(filepath.Join(shared.root, "lessons", name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// notebook is what the tests ask of a notebook's file.
type notebook struct {
	Cells []struct {
		ID    string `json:"id"`
		Type  string `json:"cell_type"`
		Count *int   `json:"execution_count"`
		Meta  struct {
			Tags []string `json:"tags"`
		} `json:"metadata"`
		Outputs []struct {
			Type  string `json:"output_type"`
			EName string `json:"ename"`
		} `json:"outputs"`
	} `json:"cells"`
}

// readNotebook reads the notebook at path.
func readNotebook(t *testing.T, path string) (nb notebook) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &nb); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return nb
}

// command runs a program to its end, at most timeout, with all that it
// started, and returns what it wrote.
func command(t *testing.T, timeout time.Duration, env []string, dir, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = env, dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	err := procs.Run(ctx, cmd)
	return out.String(), err
}

// artifact is where a build output of CI goes: build/ of the module.
func artifact(t *testing.T, name string) string {
	t.Helper()
	jupyterData(t)
	dir := filepath.Join(shared.root, "build", "frontends")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}
