package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/kernel"
	"spindle/lessons/internal/run"
	"spindle/lessons/internal/verify"
)

// cmdVerify checks the notebooks of the repository and tries every exercise.
func (a *app) cmdVerify(ctx context.Context, args []string) error {
	fs := a.flags("verify", "[NN …]")
	x := &execution{app: a}
	x.runFlags(fs)
	static := fs.Bool("static", false, "check the files alone: try no exercise")
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	list, err := course.Lessons(a.lessons, names...)
	if err != nil {
		return &usageError{err.Error()}
	}
	var lessons []*verify.Lesson
	for _, l := range list {
		lessons = append(lessons, verify.Read(l))
	}
	var problems []verify.Problem
	if len(names) == 0 {
		problems = verify.Coverage(lessons)
	}
	answers := map[string][]*verify.Answers{}
	if !*static {
		if x.state, err = os.MkdirTemp("", "spindle-verify-"); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		defer os.RemoveAll(x.state)
		if answers, err = x.tryExercises(ctx, lessons); err != nil {
			return err
		}
	}
	for _, l := range lessons {
		problems = append(problems, l.Problems...)
		for _, e := range answers[l.Name] {
			problems = append(problems, e.Problems(l.Name)...)
		}
	}
	a.printVerified(lessons, answers, !*static)
	if len(problems) == 0 {
		fmt.Fprintln(a.out, "\nall is as it should be")
		return nil
	}
	fmt.Fprintf(a.out, "\n%d problems:\n", len(problems))
	for _, p := range problems {
		fmt.Fprintf(a.out, "  %s\n", p)
	}
	return errFailed
}

// tryExercises answers all exercises of the lessons, each answer on a kernel
// of its own. What a lesson lacks for that goes to its problems.
func (x *execution) tryExercises(ctx context.Context, lessons []*verify.Lesson) (map[string][]*verify.Answers, error) {
	done, err := x.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	all := map[string][]*verify.Answers{}
	for _, l := range lessons {
		if l.Notebook == nil || len(l.Exercises) == 0 {
			continue
		}
		s, err := verify.ReadSolutions(filepath.Join(x.app.lessons, "solutions", l.Number+".md"))
		if err != nil {
			l.Problems = append(l.Problems, verify.Problem{Lesson: l.Name, Text: err.Error()})
			continue
		}
		for _, e := range s.Exercises {
			if !slices.Contains(l.Exercises, e.ID) {
				l.Problems = append(l.Problems, verify.Problem{Lesson: l.Name, Text: "there are solutions of exercise " + e.ID + ", and no stub"})
			}
		}
		x.bar.Start(l.Name, len(l.Exercises))
		r := &verify.Runner{Timeout: x.timeout}
		r.Start = func(ctx context.Context, use func(run.Kernel) error) error {
			return x.onKernel(ctx, filepath.Dir(l.Path), func(k *kernel.Process, _ string) error { return use(k) })
		}
		for i, id := range l.Exercises {
			r.Began = func(what string) { x.bar.Step(i, l.Name+": "+what) }
			e := s.Get(id)
			if e == nil {
				l.Problems = append(l.Problems, verify.Problem{Lesson: l.Name, Text: "there are no solutions of exercise " + id})
				continue
			}
			a, err := r.Exercise(ctx, l, e)
			if err != nil {
				return nil, err
			}
			all[l.Name] = append(all[l.Name], a)
		}
		x.bar.Finish(fmt.Sprintf("%-24s %d exercises tried", l.Name, len(l.Exercises)))
	}
	return all, nil
}

// printVerified prints the table of lessons and that of exercises.
func (a *app) printVerified(lessons []*verify.Lesson, answers map[string][]*verify.Answers, tried bool) {
	fmt.Fprintf(a.out, "\n%-24s %-10s %-22s %s\n", "lesson", "exercises", "outputs of", "claims")
	for _, l := range lessons {
		captured := l.Captured
		if captured == "" {
			captured = "no run"
		}
		fmt.Fprintf(a.out, "%-24s %-10d %-22s %s\n", l.Name, len(l.Exercises), captured, strings.Join(l.Claims, " "))
	}
	if !tried {
		return
	}
	fmt.Fprintf(a.out, "\n%-9s %-10s %-10s %-14s %s\n", "exercise", "stub", "solution", "wrong answers", "hints")
	for _, l := range lessons {
		for _, e := range answers[l.Name] {
			right := 0
			for _, w := range e.Wrong {
				if w.Err == "" {
					right++
				}
			}
			fmt.Fprintf(a.out, "%-9s %-10s %-10s %-14s %d\n", e.ID, word(e.Stub, "not yet"), word(e.Solution, "passes"), fmt.Sprintf("%d of %d fail", right, len(e.Wrong)), e.Hints)
		}
	}
}

func word(problem, good string) string {
	if problem != "" {
		return "PROBLEM"
	}
	return good
}
