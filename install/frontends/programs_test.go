package frontends

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spindle/install/needs"
)

// lessonTime is how long one lesson may take on a busy machine.
const lessonTime = 10 * time.Minute

// executed fails unless the notebook at path has run from its first code cell
// to its last without an error, but for those that are meant to fail.
func executed(t *testing.T, path string) {
	t.Helper()
	nb := readNotebook(t, path)
	code, outputs := 0, 0
	for _, c := range nb.Cells {
		if c.Type != "code" {
			continue
		}
		code++
		outputs += len(c.Outputs)
		if c.Count == nil || *c.Count != code {
			t.Errorf("%s: cell %s has the number %v, want %d", filepath.Base(path), c.ID, c.Count, code)
		}
		failed, meant := "", slices.Contains(c.Meta.Tags, "raises-exception")
		for _, o := range c.Outputs {
			if o.Type == "error" {
				failed = o.EName
			}
		}
		if (failed != "") != meant {
			t.Errorf("%s: cell %s: error %q, is meant to fail: %v", filepath.Base(path), c.ID, failed, meant)
		}
	}
	if code == 0 || outputs == 0 {
		t.Errorf("%s: %d code cells, %d outputs", filepath.Base(path), code, outputs)
	}
}

// stripped copies a lesson into folder without its outputs.
func stripped(t *testing.T, name, folder string) string {
	t.Helper()
	path := lessonCopy(t, name, folder)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var nb map[string]any
	if err := json.Unmarshal(b, &nb); err != nil {
		t.Fatal(err)
	}
	for _, c := range nb["cells"].([]any) {
		if c := c.(map[string]any); c["cell_type"] == "code" {
			c["outputs"], c["execution_count"] = []any{}, nil
		}
	}
	if b, err = json.Marshal(nb); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// jupyter nbconvert --execute, on the two lessons that everything began with.
func TestNbconvert(t *testing.T) {
	python := needs.Python(t, "nbconvert", "nbclient")
	env := environment(t)
	for _, name := range []string{"01-process.ipynb", "04-goroutine.ipynb"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			stripped(t, name, folder)
			for _, to := range []string{"notebook", "html"} {
				args := []string{"nbconvert", "--to", to, "--execute", "--output", "out", name}
				if to == "html" { // the same cells, from the executed notebook
					args = []string{"nbconvert", "--to", to, "--output", "out", "out.ipynb"}
				}
				if out, err := command(t, lessonTime, env, folder, needs.Program(t, python, "jupyter"), args...); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			executed(t, filepath.Join(folder, "out.ipynb"))
			page, err := os.ReadFile(filepath.Join(folder, "out.html"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{`class="highlight hl-go"`, "data:image/svg+xml"} {
				if !strings.Contains(string(page), want) {
					t.Errorf("the page lacks %s", want)
				}
			}
		})
	}
}

// nbclient, on every lesson.
func TestNbclient(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: short: the whole course takes minutes")
	}
	python := needs.Python(t, "nbclient", "nbformat")
	env := environment(t)
	for _, name := range lessons(t) {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := stripped(t, name, folder)
			const run = `import sys, nbformat, nbclient
nb = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(nb, timeout=300, resources={"metadata": {"path": "."}}).execute()
nbformat.validate(nb)
nbformat.write(nb, sys.argv[1])`
			if out, err := command(t, lessonTime, env, folder, python, "-c", run, path); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			executed(t, path)
		})
	}
}

// papermill puts a cell of parameters in; the lesson's own name for it wins.
func TestPapermill(t *testing.T) {
	python := needs.Python(t, "papermill")
	env := environment(t)
	folder := t.TempDir()
	stripped(t, "04-goroutine.ipynb", folder)
	out, err := command(t, lessonTime, env, folder, needs.Program(t, python, "papermill"), "--no-progress-bar", "04-goroutine.ipynb", "out.ipynb")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	executed(t, filepath.Join(folder, "out.ipynb"))
}

// nbval compares a run with the outputs that the notebook has.
func TestNbval(t *testing.T) {
	python := needs.Python(t, "nbval", "pytest")
	env := environment(t)
	folder := t.TempDir()
	nbval := func(name string, args ...string) (string, error) {
		args = append([]string{"-m", "pytest", "-p", "no:cacheprovider", "--nbval-cell-timeout=300", name}, args...)
		return command(t, lessonTime, env, folder, python, args...)
	}
	t.Run("lesson", func(t *testing.T) {
		lessonCopy(t, "04-goroutine.ipynb", folder)
		// Lax: that every cell runs; the figures differ from run to run.
		if out, err := nbval("04-goroutine.ipynb", "--nbval-lax"); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("outputs", func(t *testing.T) {
		// Strict: what is written is what comes, and what isn't is told.
		put(t, folder, "same.ipynb", `import "fmt"`, `for i := range 3 { fmt.Println(i) }`, `2 * 21`)
		script := `import sys, nbformat, nbclient
nb = nbformat.read("same.ipynb", as_version=4)
nbclient.NotebookClient(nb, timeout=120).execute()
nbformat.write(nb, "same.ipynb")
for c in nb.cells:
    for o in c.outputs:
        if o.output_type == "stream": o.text = o.text.replace("2", "7")
nbformat.write(nb, "other.ipynb")`
		if out, err := command(t, lessonTime, env, folder, python, "-c", script); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := nbval("same.ipynb", "--nbval"); err != nil {
			t.Errorf("the same outputs differ: %v\n%s", err, out)
		}
		if out, err := nbval("other.ipynb", "--nbval"); err == nil {
			t.Errorf("other outputs don't differ:\n%s", out)
		}
	})
}

// jupyter console, at a terminal.
func TestConsole(t *testing.T) {
	python := needs.Python(t, "jupyter_console", "pexpect")
	script, err := filepath.Abs("testdata/console.py")
	if err != nil {
		t.Fatal(err)
	}
	out, err := command(t, 5*time.Minute, environment(t), t.TempDir(), python, script, needs.Program(t, python, "jupyter"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(artifact(t, "console.txt"), []byte(out), 0o644); err != nil {
		t.Error(err)
	}
}
