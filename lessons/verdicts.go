package main

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"spindle/lessons/internal/course"
)

// printVerdicts prints the table of claims: all of them, or those judged.
func (a *app) printVerdicts(verdicts []course.Verdict, all bool) {
	width := 0 // 0: whole lines
	if f, ok := a.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			width = w
		}
	}
	tally := map[string]int{}
	missing := 0
	fmt.Fprintln(a.out)
	for _, r := range course.Table(verdicts) {
		if r.Verdict == nil {
			if !all {
				continue
			}
			missing++
			fmt.Fprintln(a.out, cut(fmt.Sprintf("%-3s %-14s %s", r.ID, "not run", r.Text), width))
			continue
		}
		tally[r.Verdict.Verdict]++
		number, _, _ := strings.Cut(r.Verdict.Lesson, "-")
		fmt.Fprintln(a.out, cut(fmt.Sprintf("%-3s %-14s %s  %s", r.ID, r.Verdict.Verdict, number, oneLine(r.Verdict.Reason)), width))
	}
	var sums []string
	for _, name := range course.Outcomes() {
		if tally[name] > 0 {
			sums = append(sums, fmt.Sprintf("%d %s", tally[name], name))
		}
	}
	if missing > 0 {
		sums = append(sums, fmt.Sprintf("%d not run", missing))
	}
	if len(sums) > 0 {
		fmt.Fprintf(a.out, "claims: %s\n", strings.Join(sums, ", "))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cut shortens a line to width cells; 0 leaves it.
func cut(s string, width int) string {
	if width == 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
