package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"spindle/lessons/internal/course"
)

// marks are the letters that stand for outcomes in the table of many runs.
var marks = map[string]string{"holds": "H", "holds in part": "P", "fails here": "F", "reasoned": "R", "skip": "S"}

// repeat runs the lessons several times, clearing before each run what the one
// before it measured, and prints each verdict of each run. A verdict that moved
// makes it fail: noise alone must not change what the course says.
func (a *app) repeat(ctx context.Context, x *execution, lessons []loaded, times int, clear func() error) error {
	done, err := x.prepare(ctx)
	if err != nil {
		return err
	}
	defer done()
	var runs [][]course.Verdict
	var failed error
	for i := range times {
		if err := clear(); err != nil {
			return err
		}
		fmt.Fprintf(a.err, "run %d of %d\n", i+1, times)
		var verdicts []course.Verdict
		err := x.all(ctx, lessons, func(o outcome) error {
			v, err := course.Verdicts(o.Name, o.notebook)
			verdicts = append(verdicts, v...)
			return err
		})
		runs = append(runs, verdicts)
		if err != nil {
			failed = err
			if ctx.Err() != nil || !x.keepGoing {
				break
			}
		}
	}
	if moved := a.printRuns(runs); moved > 0 && failed == nil {
		failed = errFailed
	}
	return failed
}

// printRuns prints a row for each verdict of the course and a column for each
// run, and returns how many verdicts were not the same in all.
func (a *app) printRuns(runs [][]course.Verdict) (moved int) {
	type key struct {
		claim, cell string
	}
	var order []key
	rows := map[key][]string{}
	for i, verdicts := range runs {
		for _, v := range verdicts {
			k := key{v.Claim, v.Lesson + " " + v.CellID}
			if rows[k] == nil {
				order = append(order, k)
				rows[k] = slices.Repeat([]string{"·"}, len(runs))
			}
			rows[k][i] = marks[v.Verdict]
		}
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, k := range order {
		note := ""
		if len(slices.Compact(slices.Clone(rows[k]))) > 1 {
			moved++
			note = "moved"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.claim, k.cell, strings.Join(rows[k], " "), note)
	}
	w.Flush()
	fmt.Fprintf(a.out, "%d verdicts in each of %d runs (H holds, P in part, F fails here, R reasoned, S skip, · none); %d moved\n", len(order), len(runs), moved)
	return moved
}
