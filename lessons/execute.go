package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/kernel"
	"spindle/lessons/internal/notebook"
	"spindle/lessons/internal/progress"
	"spindle/lessons/internal/run"
	"spindle/lessons/lab"
)

// courseTitle heads the pages.
const courseTitle = "Processes, threads and goroutines, measured"

// execution is one run of lessons on kernels of their own.
type execution struct {
	app       *app
	binary    string        // of the kernel, "" to build it
	timeout   time.Duration // of a cell
	keepGoing bool
	verbose   bool // shows what kernels log
	// state is the folder in which the lessons' measured results and guesses
	// go from one to the next, apart from the learner's own.
	state string
	bar   *progress.Bar
}

// loaded is a lesson that was read and is to be run.
type loaded struct {
	course.Lesson
	notebook *notebook.Notebook
}

// load reads all lessons before any runs: a file that isn't a notebook is
// told at once, not after minutes.
func (a *app) load(names []string) ([]loaded, error) {
	lessons, err := course.Lessons(a.lessons, names...)
	if err != nil {
		return nil, &usageError{err.Error()}
	}
	var all []loaded
	var bad []error
	for _, l := range lessons {
		n, err := notebook.ReadFile(l.Path)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, loaded{l, n})
	}
	return all, errors.Join(bad...)
}

// outcome is how the run of a lesson ended.
type outcome struct {
	loaded         // the notebook holds the outputs
	ran     bool   // false where no kernel was to be had: the outputs are old
	problem string // one line, "" where all went well
	elapsed time.Duration
}

// run executes the lessons one after another, so that they don't disturb each
// other's measurements, and calls keep with each as it ends, whole or not.
// The error is errFailed where a lesson failed (told already), or ctx's.
func (x *execution) run(ctx context.Context, lessons []loaded, keep func(outcome) error) error {
	done, err := x.prepare(ctx)
	if err != nil {
		return err
	}
	defer done()
	return x.all(ctx, lessons, keep)
}

// all is run, once prepared.
func (x *execution) all(ctx context.Context, lessons []loaded, keep func(outcome) error) error {
	failed := false
	for _, l := range lessons {
		o, err := x.lesson(ctx, l)
		if keepErr := keep(o); keepErr != nil {
			return keepErr
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		failed = true
		if !x.keepGoing {
			break
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

// prepare opens the progress bar and builds the kernel where none is given.
// done ends both.
func (x *execution) prepare(ctx context.Context) (done func(), err error) {
	x.bar = progress.New(x.app.err)
	if x.binary != "" {
		// The kernel runs in the lessons' folder.
		if x.binary, err = filepath.Abs(x.binary); err != nil {
			x.bar.Close()
			return nil, fmt.Errorf("find the kernel: %w", err)
		}
		return x.bar.Close, nil
	}
	x.bar.Start("building the kernel", 0)
	binary, clean, err := kernel.Build(ctx, x.app.root, "./kernel")
	if err != nil {
		x.bar.Close()
		return nil, err
	}
	x.binary = binary
	return func() { clean(); x.bar.Close() }, nil
}

// lesson runs one lesson on a fresh kernel and tells how it went.
func (x *execution) lesson(ctx context.Context, l loaded) (outcome, error) {
	began := time.Now()
	code := l.notebook.CodeCells()
	x.bar.Start(l.Name, len(code))
	env, ran := lab.Here(), false
	err := x.onKernel(ctx, filepath.Dir(l.Path), func(k *kernel.Process, version string) error {
		ran = true
		defer func() { l.notebook.Spindle()["captured"] = stamp(env, version) }()
		return run.Notebook(ctx, k, l.notebook, run.Options{
			Timeout: x.timeout, KeepGoing: x.keepGoing,
			Began: func(i, of int, c *notebook.Cell) {
				x.bar.Step(i-1, fmt.Sprintf("%s: cell %d of %d, %s", l.Name, i, of, c.ID))
			},
		})
	})
	o := outcome{loaded: l, ran: ran, elapsed: time.Since(began)}
	took := o.elapsed.Round(100 * time.Millisecond)
	switch {
	case err == nil:
		x.bar.Finish(fmt.Sprintf("%-24s ok, %d cells in %v", l.Name, len(code), took))
	case ctx.Err() != nil:
		o.problem = "it was interrupted"
		x.bar.Finish(fmt.Sprintf("%-24s interrupted after %v; what was executed is kept", l.Name, took))
	default:
		o.problem, _, _ = strings.Cut(err.Error(), "\n")
		x.bar.Finish(fmt.Sprintf("%-24s failed after %v", l.Name, took))
		explain(x.app.err, l, err)
	}
	return o, err
}

// onKernel starts a kernel, gives it to use with its version, and ends it.
func (x *execution) onKernel(ctx context.Context, dir string, use func(k *kernel.Process, version string) error) error {
	log := io.Discard
	if x.verbose {
		log = x.app.err
	}
	k, err := kernel.Start(ctx, x.binary, dir, x.environ(), log)
	if err != nil {
		return err
	}
	defer k.Close()
	version, err := k.Version(ctx)
	if err != nil {
		return err
	}
	return use(k, version)
}

func (x *execution) environ() []string {
	return append(os.Environ(),
		"SPINDLE_RESULTS="+filepath.Join(x.state, "results"),
		"SPINDLE_JOURNAL="+filepath.Join(x.state, "journal.json"))
}

// stamp says where and when a notebook's outputs were measured.
func stamp(e lab.Env, spindle string) map[string]any {
	captured := map[string]any{
		"date": e.Date.UTC().Format(time.RFC3339), "go": e.Go, "os": e.OS, "kernel_release": e.Kernel,
		"cpu": e.CPU, "cpus": e.CPUs, "memory_bytes": e.MemoryB, "virtual_machine": e.Virtual, "spindle": spindle,
	}
	if noise := e.Noise(); noise != "" {
		captured["noise"] = noise
	}
	return captured
}

// explain prints each failed cell with its source and its error.
func explain(w io.Writer, l loaded, err error) {
	for _, e := range unjoin(err) {
		var cell *run.CellError
		var timeout *run.TimeoutError
		var gone *run.KernelError
		switch {
		case errors.As(e, &cell):
			fmt.Fprintf(w, "\n%s, cell %d (%s):\n%s\n", l.Path, cell.Index, cell.Cell.ID, numbered(cell.Cell.Source))
			if len(cell.Traceback) > 0 {
				fmt.Fprintf(w, "%s\n", strings.Join(cell.Traceback, "\n"))
			} else {
				fmt.Fprintf(w, "%s: %s\n", cell.EName, cell.EValue)
			}
		case errors.As(e, &gone):
			fmt.Fprintf(w, "\n%s, cell %d (%s):\n%s\n%v\n", l.Path, gone.Index, gone.Cell.ID, numbered(gone.Cell.Source), gone.Err)
		case errors.As(e, &timeout):
			fmt.Fprintf(w, "\n%s, cell %d (%s):\n%s\n%v (--timeout gives it longer)\n", l.Path, timeout.Index, timeout.Cell.ID, numbered(timeout.Cell.Source), timeout)
		default:
			fmt.Fprintf(w, "%s: %v\n", l.Path, e)
		}
	}
	fmt.Fprintln(w)
}

func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

func numbered(source string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimRight(source, "\n"), "\n") {
		fmt.Fprintf(&b, "%4d  %s\n", i+1, line)
	}
	return b.String()
}
