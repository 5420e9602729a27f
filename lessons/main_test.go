package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"spindle/lessons/internal/kernel"
	"spindle/lessons/internal/notebook"
	"spindle/lessons/lab"
)

func TestMain(m *testing.M) {
	lab.ChildMain() // the lab's experiments run this binary again
	testscript.Main(m, map[string]func(){
		"lessons": func() { os.Exit(mainStatus()) },
	})
}

func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("short: scripts build and run real kernels")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	path, clean, err := kernel.Build(t.Context(), root, "./kernel")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clean) // after the scripts, which are parallel subtests
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("KERNEL", path)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("SPINDLE_LESSONS_NOCGO", "1") // a build for each script would take too long
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"notebook": cmdNotebook,
			"valid":    cmdValid,
			"await":    cmdAwait,
			"alive":    cmdAlive,
		},
	})
}

// cmdNotebook writes a canonical notebook: notebook FILE CELL…, each cell's
// source in a file, Markdown where it ends in .md; FILE=TAG tags the cell.
func cmdNotebook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: notebook FILE CELL…")
	}
	n := &notebook.Notebook{Metadata: map[string]any{
		"kernelspec":    map[string]any{"display_name": "Go (Spindle)", "language": "go", "name": "spindle"},
		"language_info": map[string]any{"file_extension": ".go", "name": "go"},
		"spindle":       map[string]any{"minutes": 1},
	}}
	for _, a := range args[1:] {
		a, tag, tagged := strings.Cut(a, "=")
		name := filepath.Base(a)
		id := name[:len(name)-len(filepath.Ext(name))]
		c := &notebook.Cell{Type: notebook.Code, ID: id, Source: ts.ReadFile(a)}
		if tagged {
			c.Metadata = map[string]any{"tags": []any{tag}}
		}
		if filepath.Ext(a) == ".md" {
			c.Type = notebook.Markdown
		}
		n.Cells = append(n.Cells, c)
	}
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	ts.Check(notebook.WriteFile(ts.MkAbs(args[0]), n))
}

// cmdValid checks files against the official schema.
func cmdValid(ts *testscript.TestScript, neg bool, args []string) {
	for _, a := range args {
		err := notebook.Validate([]byte(ts.ReadFile(a)))
		if (err != nil) != neg {
			ts.Fatalf("%s: %v", a, err)
		}
	}
}

// cmdAwait waits until a file is there.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	for range 600 {
		if b, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && len(b) > 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("%s doesn't come", args[0])
}

// cmdAlive checks that the process whose id is in the file lives (or, with !,
// that it has gone, a second later at most).
func cmdAlive(ts *testscript.TestScript, neg bool, args []string) {
	pid := ts.ReadFile(args[0])
	var alive bool
	for range 50 {
		_, err := os.Stat("/proc/" + pid)
		if alive = err == nil; alive != neg {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("process %s: alive is %v", pid, alive)
}
