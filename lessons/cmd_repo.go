package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"spindle/lessons/internal/notebook"
	"spindle/lessons/internal/site"
)

// cmdCapture runs lessons and writes the outputs of each that ran to its end
// into the repository's notebook. One that failed stays as it was there.
func (a *app) cmdCapture(ctx context.Context, args []string) error {
	fs := a.flags("capture", "[NN …]")
	x := &execution{app: a}
	x.runFlags(fs)
	fs.BoolVar(&x.keepGoing, "keep-going", false, "go on with the next lesson after one that failed")
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	lessons, err := a.load(names)
	if err != nil {
		return err
	}
	if x.state, err = os.MkdirTemp("", "spindle-capture-"); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	defer os.RemoveAll(x.state)
	captured := 0
	runErr := x.run(ctx, lessons, func(o outcome) error {
		if !o.ran || o.problem != "" {
			fmt.Fprintf(a.err, "%s is left as it was\n", o.Path)
			return nil
		}
		now, err := notebook.ReadFile(o.Path)
		if err != nil {
			return err
		}
		if !sameSources(now, o.notebook) {
			return fmt.Errorf("%s was changed during the run; it is left as it is", o.Path)
		}
		captured++
		return notebook.WriteFile(o.Path, o.notebook)
	})
	fmt.Fprintf(a.out, "captured %d of %d lessons into %s\n", captured, len(lessons), a.lessons)
	return runErr
}

// sameSources tells whether two notebooks have the same cells, outputs aside.
func sameSources(a, b *notebook.Notebook) bool {
	if len(a.Cells) != len(b.Cells) {
		return false
	}
	for i := range a.Cells {
		if a.Cells[i].Type != b.Cells[i].Type || a.Cells[i].ID != b.Cells[i].ID || a.Cells[i].Source != b.Cells[i].Source {
			return false
		}
	}
	return true
}

// cmdStrip removes what runs left in notebooks, and writes them canonically.
func (a *app) cmdStrip(_ context.Context, args []string) error {
	fs := a.flags("strip", "[NN …]")
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	lessons, err := a.load(names)
	if err != nil {
		return err
	}
	changed := 0
	for _, l := range lessons {
		before, err := os.ReadFile(l.Path)
		if err != nil {
			return fmt.Errorf("strip: %w", err)
		}
		l.notebook.Strip()
		after, err := l.notebook.Encode()
		if err != nil {
			return fmt.Errorf("strip %s: %w", l.Path, err)
		}
		if bytes.Equal(before, after) {
			continue
		}
		if err := notebook.Replace(l.Path, after); err != nil {
			return err
		}
		changed++
	}
	fmt.Fprintf(a.out, "%d of %d notebooks changed\n", changed, len(lessons))
	return nil
}

// cmdHTML makes the course site of the notebooks as they are in the
// repository, with the outputs that were captured.
func (a *app) cmdHTML(_ context.Context, args []string) error {
	fs := a.flags("html", "[NN …]")
	out := fs.String("out", filepath.Join(a.lessons, "out", "site"), "folder for the site")
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	lessons, err := a.load(names)
	if err != nil {
		return err
	}
	if err := prepareOut(*out); err != nil {
		return err
	}
	s := &site.Site{Title: courseTitle, Notebooks: true}
	for _, l := range lessons {
		s.Lessons = append(s.Lessons, site.Lesson{Lesson: l.Lesson, Notebook: l.notebook, Pictures: filepath.Dir(l.Path)})
		err = errors.Join(err, notebook.WriteFile(filepath.Join(*out, l.Name+".ipynb"), l.notebook))
	}
	if err != nil {
		return err
	}
	index, err := s.Write(*out)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Look at %s\n", index)
	return nil
}
