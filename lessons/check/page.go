package check

import (
	"fmt"
	"html"
	"strings"

	"spindle/kernel/display"
	"spindle/lessons/lab"
)

// Page shows one page about the learner's machine: what it is, what a process,
// a thread and a goroutine take on it, what became of the article's claims,
// and how good the guesses were. It is made of the results that earlier cells
// and lessons left, says what is missing, and prints on a page of its own.
func Page() {
	machine, text := "", ""
	for _, name := range []string{"creation", "memory", "switch", "ladder"} {
		if r := lab.Saved(name); r != nil {
			machine = r.Env.String()
		}
	}
	if machine == "" {
		machine = "nothing was measured yet: run a lesson first"
	}
	numbers := numbersGrid()
	verdictText, verdictPage := verdicts(findings())
	guesses, guessed := guessGrid()
	text = machine + "\n\n" + numbers.String() + "\n\n" + verdictText
	page := `<div style="break-before:page;break-after:page;font-size:.8em;line-height:1.3">` +
		`<p style="margin:0"><b style="font-size:1.3em">Process, thread, goroutine: this machine</b><br><small>` + html.EscapeString(machine) + `</small></p>` +
		numbers.HTML() + verdictPage
	if guessed {
		text += "\n\n" + guesses.String()
		page += guesses.HTML()
	}
	display.Show(display.Bundle{Data: map[string]any{"text/plain": text, "text/html": page + "</div>"}})
}

// numbersGrid is the medians of what the three take, as far as they are known.
func numbersGrid() display.Grid {
	grid := display.Grid{Headers: []string{"median of", "process", "thread", "goroutine"}}
	for _, row := range []struct {
		what, experiment, unit string
		ids                    [3]string
	}{
		{"start one (a Go program)", "creation", "ns", [3]string{"creation/process", "creation/thread", "creation/goroutine"}},
		{"end one", "creation", "ns", [3]string{"destruction/process", "destruction/thread", "destruction/goroutine"}},
		{"a switch, on one CPU", "switch", "ns", [3]string{"switch/process-pipe-same", "switch/thread-pipe-same", "switch/goroutine-channel"}},
		{"a switch, across CPUs", "switch", "ns", [3]string{"switch/process-pipe-cross", "switch/thread-pipe-cross", ""}},
		{"memory of one more", "memory", "B", [3]string{"memory/process", "memory/thread", "memory/goroutine"}},
		{"kernel stacks of one more", "memory", "B", [3]string{"kernelstack/process", "kernelstack/thread", ""}},
	} {
		r := lab.Saved(row.experiment)
		cells := []any{row.what}
		for _, id := range row.ids {
			cell := ""
			if id != "" {
				cell = "–"
				if r != nil && r.Median(id) > 0 {
					cell = number(r.Median(id), row.unit)
				}
			}
			cells = append(cells, cell)
		}
		grid.Rows = append(grid.Rows, cells)
	}
	crash := []any{"bystanders that survive a nil dereference"}
	r := lab.Saved("crash")
	for _, unit := range []string{"process", "thread", "goroutine"} {
		seen := "–"
		if r != nil {
			if fact := r.Fact("nil dereference in a " + unit); fact != "" {
				seen = strings.TrimSuffix(strings.TrimSpace(fact[strings.LastIndex(fact, ";")+1:]), " siblings go on")
			}
		}
		crash = append(crash, seen)
	}
	grid.Rows = append(grid.Rows, crash)
	return grid
}

// guessGrid is the learner's guesses beside what was measured, and whether
// there are any.
func guessGrid() (display.Grid, bool) {
	rows := guessRows()
	return display.Grid{Headers: []string{"of", "your guess", "your machine", "how far off"}, Rows: rows}, len(rows) > 0
}

// Guesses shows every guess that the learner made beside what was measured.
func Guesses() {
	grid, any := guessGrid()
	if !any {
		display.Text(fmt.Sprintf("No guesses kept yet in %s: each lesson asks for some before it measures.", where()))
		return
	}
	display.Show(grid)
}

// where is the journal's file, for messages.
func where() string {
	b, err := book()
	if err != nil {
		return "no place"
	}
	return b.Path()
}
