package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	times := fs.Int("times", 1, "run so often and compare the verdicts; no pages are made")
	fs.BoolVar(&x.keepGoing, "keep-going", false, "go on after a cell or a lesson that failed")
	out := a.outFlag(fs)
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	if *times < 1 {
		return &usageError{fmt.Sprintf("-times %d: run at least once", *times)}
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
	clear := func() error {
		if len(names) > 0 {
			return nil
		}
		// Every number of a whole run is measured in it: nothing from before.
		if err := os.RemoveAll(x.state); err != nil {
			return fmt.Errorf("clear the last run's results: %w", err)
		}
		return nil
	}
	if *times > 1 {
		return a.repeat(ctx, x, lessons, *times, clear)
	}
	if err := clear(); err != nil {
		return err
	}
	var outcomes []outcome
	runErr := x.run(ctx, lessons, func(o outcome) error {
		outcomes = append(outcomes, o)
		if !o.ran {
			return nil
		}
		return notebook.WriteFile(filepath.Join(*out, o.Name+".ipynb"), o.notebook)
	})
	if err := a.present(*out, outcomes, len(names) == 0); err != nil {
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

// present makes pages of this run and of what earlier ones left in out, prints
// the verdicts and says where to look.
func (a *app) present(out string, outcomes []outcome, whole bool) error {
	s := &site.Site{Title: courseTitle, Notebooks: true}
	var verdicts []course.Verdict
	last := ""
	for _, o := range outcomes {
		if !o.ran {
			continue
		}
		s.Lessons = append(s.Lessons, site.Lesson{Lesson: o.Lesson, Notebook: o.notebook, Pictures: filepath.Dir(o.Path), Problem: o.problem})
		v, err := course.Verdicts(o.Name, o.notebook)
		if err != nil {
			fmt.Fprintf(a.err, "%s: %v\n", o.Name, err)
		}
		verdicts = append(verdicts, v...)
		last = o.Name
	}
	if last == "" {
		return nil // nothing was executed: why has been told
	}
	ran := len(s.Lessons)
	earlier, _ := course.Lessons(out) // without any there is nothing to add
	for _, l := range earlier {
		if slices.ContainsFunc(outcomes, func(o outcome) bool { return o.ran && o.Name == l.Name }) {
			continue
		}
		n, err := notebook.ReadFile(l.Path)
		if err != nil {
			fmt.Fprintf(a.err, "left out of the index: %v\n", err)
			continue
		}
		s.Lessons = append(s.Lessons, site.Lesson{Lesson: l, Notebook: n, Pictures: a.lessons})
	}
	slices.SortStableFunc(s.Lessons, func(x, y site.Lesson) int { return strings.Compare(x.Name, y.Name) })
	look, err := s.Write(out)
	if err != nil {
		return err
	}
	a.printVerdicts(verdicts, whole)
	if ran == 1 {
		look = filepath.Join(out, last+".html")
	}
	fmt.Fprintf(a.out, "\nLook at %s\nThe executed notebooks are beside it.\n", look)
	return nil
}
