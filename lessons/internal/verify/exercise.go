package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"spindle/lessons/internal/notebook"
	"spindle/lessons/internal/run"
)

// minHints is how many steps of hints an exercise has at least.
const minHints = 2

// check is what an exercise's check says of an answer.
type check struct {
	Exercise string
	Pass     bool
	Reason   string
	Hint     string
	Hints    int
}

func readCheck(v any) (check, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return check{}, fmt.Errorf("a check's result is a %T, not a JSON object", v)
	}
	var c check
	pass, ok := o["pass"].(bool)
	if !ok {
		return check{}, errors.New("a check's result without pass")
	}
	c.Pass = pass
	c.Exercise, _ = o["exercise"].(string)
	c.Reason, _ = o["reason"].(string)
	c.Hint, _ = o["hint"].(string)
	n, _ := o["hints"].(json.Number)
	hints, _ := n.Int64()
	c.Hints = int(hints)
	if c.Exercise == "" {
		return check{}, errors.New("a check's result without the exercise")
	}
	return c, nil
}

// Answers is what came of the answers to one exercise.
type Answers struct {
	ID       string
	Stub     string // "" where the check fails it as it should, else what is wrong
	Solution string // "" where the check passes it
	Wrong    []Answer
	Hints    int
}

// Answer is what came of one wrong answer.
type Answer struct {
	Name   string
	Reason string // what the check said
	Err    string // "" where it failed with the reason it should
}

// Problems lists what isn't as it should be.
func (a *Answers) Problems(lesson string) []Problem {
	var all []Problem
	add := func(what, text string) {
		if text != "" {
			all = append(all, Problem{Lesson: lesson, Text: "exercise " + a.ID + ", " + what + ": " + text})
		}
	}
	add("the stub", a.Stub)
	add("the solution", a.Solution)
	for _, w := range a.Wrong {
		add(fmt.Sprintf("wrong answer %q", w.Name), w.Err)
	}
	return all
}

// Starter starts a fresh kernel and gives it to use; it ends the kernel.
type Starter func(ctx context.Context, use func(run.Kernel) error) error

// Runner gives answers to exercises on fresh kernels.
type Runner struct {
	Start   Starter
	Timeout time.Duration // for each cell
	Began   func(what string)
}

// Exercise tries the stub, the solution and every wrong answer of one
// exercise. The error is ctx's, or a kernel's that didn't start.
func (r *Runner) Exercise(ctx context.Context, l *Lesson, e *Exercise) (*Answers, error) {
	a := &Answers{ID: e.ID}
	r.began(e.ID + ", the stub")
	c, err := r.try(ctx, l, e.ID, "")
	switch {
	case fatal(err):
		return nil, err
	case err != nil:
		a.Stub = err.Error()
	case c.Pass:
		a.Stub = "it passes"
	default:
		a.Hints = c.Hints
		a.Stub = useful(c)
		if a.Stub == "" && c.Hints < minHints {
			a.Stub = fmt.Sprintf("there are %d hints; an exercise has %d or more", c.Hints, minHints)
		}
		if a.Stub == "" && strings.TrimSpace(c.Hint) == "" {
			a.Stub = "the check gives no hint"
		}
	}
	r.began(e.ID + ", the solution")
	c, err = r.try(ctx, l, e.ID, e.Solution)
	switch {
	case fatal(err):
		return nil, err
	case err != nil:
		a.Solution = err.Error()
	case !c.Pass:
		a.Solution = "it doesn't pass: " + c.Reason
	}
	for _, w := range e.Wrong {
		r.began(e.ID + ", " + w.Name)
		c, err := r.try(ctx, l, e.ID, w.Source)
		answer := Answer{Name: w.Name, Reason: c.Reason}
		switch {
		case fatal(err):
			return nil, err
		case err != nil:
			answer.Err = err.Error()
		case c.Pass:
			answer.Err = "it passes"
		case !strings.Contains(strings.ToLower(c.Reason), strings.ToLower(w.Reason)):
			answer.Err = fmt.Sprintf("the reason doesn't say %q: %s", w.Reason, c.Reason)
		}
		a.Wrong = append(a.Wrong, answer)
	}
	return a, nil
}

func (r *Runner) began(what string) {
	if r.Began != nil {
		r.Began(what)
	}
}

// useful says what is lacking in the reason for "not yet".
func useful(c check) string {
	if len(strings.Fields(c.Reason)) < 3 {
		return fmt.Sprintf("the check's reason is no help: %q", c.Reason)
	}
	return ""
}

// startError is a kernel that didn't start, which ends the whole verification.
type startError struct{ err error }

func (e *startError) Error() string { return "start a kernel: " + e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func fatal(err error) bool {
	var start *startError
	return errors.As(err, &start) || errors.Is(err, context.Canceled)
}

// try runs, on a fresh kernel, the lesson's setup cells, the exercise's cell
// with the answer in place of the stub ("" leaves it) and its check.
func (r *Runner) try(ctx context.Context, l *Lesson, id, answer string) (check, error) {
	n := &notebook.Notebook{Metadata: l.Notebook.Clone().Metadata}
	var checked *notebook.Cell
	for _, c := range l.Notebook.Clone().Cells {
		switch {
		case c.HasTag("exercise:" + id):
			if answer != "" {
				c.Source = answer
			}
		case c.HasTag("check:" + id):
			checked = c
		case !c.HasTag("setup"):
			continue
		}
		n.Cells = append(n.Cells, c)
	}
	if checked == nil {
		return check{}, errors.New("it has no check")
	}
	started := false
	err := r.Start(ctx, func(k run.Kernel) error {
		started = true
		return run.Notebook(ctx, k, n, run.Options{Timeout: r.Timeout})
	})
	switch {
	case ctx.Err() != nil:
		return check{}, ctx.Err()
	case !started:
		return check{}, &startError{err}
	case err != nil:
		return check{}, err
	}
	for _, o := range checked.Outputs {
		if v, ok := o.Data[CheckMIME]; ok {
			c, err := readCheck(v)
			if err == nil && c.Exercise != id {
				err = fmt.Errorf("the check is of exercise %s", c.Exercise)
			}
			return c, err
		}
	}
	return check{}, errors.New("the check says nothing (" + CheckMIME + ")")
}
