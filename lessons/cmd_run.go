package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/notebook"
	"spindle/lessons/internal/site"
)

// runFlags adds the flags of commands that execute lessons.
func (x *execution) runFlags(fs *flag.FlagSet) {
	fs.DurationVar(&x.timeout, "timeout", 5*time.Minute, "longest time for one cell; 0 is no limit")
	fs.StringVar(&x.binary, "kernel", "", "run this spindle-kernel instead of building one")
	fs.BoolVar(&x.verbose, "v", false, "show what the kernel logs")
}

func (a *app) outFlag(fs *flag.FlagSet) *string {
	return fs.String("out", filepath.Join(a.lessons, "out"), "folder for executed notebooks and pages")
}

func (a *app) cmdRun(ctx context.Context, args []string) error {
	fs := a.flags("run", "[NN …]")
	x := &execution{app: a}
	x.runFlags(fs)
	fs.BoolVar(&x.keepGoing, "keep-going", false, "go on after a cell or a lesson that failed")
	out := a.outFlag(fs)
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	lessons, err := a.load(names)
	if err != nil && (!x.keepGoing || len(lessons) == 0) {
		return err
	}
	bad := err
	if bad != nil {
		fmt.Fprintf(a.err, "lessons run: left out: %v\n", bad)
	}
	if err := prepareOut(*out); err != nil {
		return err
	}
	x.state = filepath.Join(*out, "state")
	if len(names) == 0 {
		// Every number of a whole run is measured in it: nothing from before.
		if err := os.RemoveAll(x.state); err != nil {
			return fmt.Errorf("clear the last run's results: %w", err)
		}
	}
	problems := map[string]string{}
	runErr := x.run(ctx, lessons, func(o outcome) error {
		problems[o.Name] = o.problem
		if !o.ran {
			return nil
		}
		return notebook.WriteFile(filepath.Join(*out, o.Name+".ipynb"), o.notebook)
	})
	if err := a.present(*out, names, problems); err != nil {
		return errors.Join(runErr, err)
	}
	if runErr == nil && bad != nil {
		runErr = errFailed
	}
	return runErr
}

// prepareOut makes the folder and finds out, before anything runs, whether
// files can be written there.
func prepareOut(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the folder for the results can't be made (--out names another): %w", err)
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("nothing can be written into the folder for the results (--out names another): %w", err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// present makes pages of all executed notebooks in out, those of earlier runs
// too, prints the verdicts and says where to look. Where nothing was executed
// it says nothing.
func (a *app) present(out string, names []string, problems map[string]string) error {
	executed, err := course.Lessons(out)
	if err != nil {
		return nil // no notebook was written: what went wrong has been told
	}
	s := &site.Site{Title: courseTitle, Notebooks: true}
	shown := map[string]bool{}
	var verdicts []course.Verdict
	for _, l := range executed {
		n, err := notebook.ReadFile(l.Path)
		if err != nil {
			return fmt.Errorf("read back: %w", err)
		}
		s.Lessons = append(s.Lessons, site.Lesson{Lesson: l, Notebook: n, Pictures: a.lessons, Problem: problems[l.Name]})
		if _, now := problems[l.Name]; !now {
			continue // of an earlier run
		}
		shown[l.Name] = true
		v, err := course.Verdicts(l.Name, n)
		if err != nil {
			fmt.Fprintf(a.err, "%s: %v\n", l.Name, err)
		}
		verdicts = append(verdicts, v...)
	}
	index, err := s.Write(out)
	if err != nil {
		return err
	}
	if len(shown) == 0 {
		return nil
	}
	a.printVerdicts(verdicts, len(names) == 0)
	look := index
	if len(shown) == 1 {
		for name := range shown {
			look = filepath.Join(out, name+".html")
		}
	}
	fmt.Fprintf(a.out, "\nLook at %s\nThe executed notebooks are beside it.\n", look)
	return nil
}
