package main

import (
	"context"
	"fmt"
	"html"
	"sync"
	"time"

	"spindle/kernel/comm"
	"spindle/kernel/display"
	"spindle/kernel/internal/interp"
	"spindle/kernel/internal/worker"
	"spindle/lessons/check"
	"spindle/lessons/lab"
	"spindle/lessons/refs"
)

// workerConfig is what cells get: the evaluator and the packages that they may
// import beside the standard library.
func workerConfig() worker.Config {
	packages := []interp.Package{
		{Path: "spindle/comm", Name: "comm", Symbols: commSymbols(), Source: comm.Source},
		{Path: "spindle/display", Name: "display", Symbols: displaySymbols(), Source: display.Source},
		{Path: "spindle/check", Name: "check", Symbols: checkSymbols(), Source: check.Source},
		{Path: "spindle/lab", Name: "lab", Symbols: labSymbols(), Source: lab.Source},
		{Path: "spindle/refs", Name: "refs", Symbols: refsSymbols(), Source: refs.Source},
	}
	return worker.Config{
		New: evaluator, Packages: packages, Calls: inspectionCalls(packages),
		Interrupted: connectLab(),
	}
}

// connectLab lets the lab's experiments show their progress in the cell, and
// returns what ends those that are running.
func connectLab() (interrupt func()) {
	var mu sync.Mutex // guards ctx and cancel
	ctx, cancel := context.WithCancel(context.Background())
	lab.Connect(lab.Host{
		Context: func() context.Context {
			mu.Lock()
			defer mu.Unlock()
			return ctx
		},
		Progress: showProgress,
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		cancel()
		ctx, cancel = context.WithCancel(context.Background())
	}
}

// showProgress shows how far an experiment is, and in the end how long it took:
// an output that is there can't be taken away, and an empty one is a riddle.
func showProgress(title string) (update func(lab.Progress), done func()) {
	const least = 300 * time.Millisecond // a bar that only flashes up disturbs
	h := display.NewHandle()
	began := time.Now()
	var last time.Time
	shown := false
	update = func(p lab.Progress) {
		now := time.Now()
		if now.Sub(began) < least || now.Sub(last) < least/3 || p.Total <= 0 {
			return
		}
		last, shown = now, true
		h.HTML(fmt.Sprintf(`<label style="font-size:.9em">%s <progress value="%d" max="%d"></progress> %s</label>`,
			html.EscapeString(title), p.Done, p.Total, html.EscapeString(p.Note)))
	}
	done = func() {
		if shown {
			took := fmt.Sprintf("%s: measured in %.1f s", title, time.Since(began).Seconds())
			h.Show(display.Bundle{Data: map[string]any{
				"text/html": `<span style="font-size:.9em;opacity:.65">` + html.EscapeString(took) + `</span>`, "text/plain": took,
			}})
		}
	}
	return update, done
}

func evaluator(c interp.Config) (interp.Evaluator, error) { return interp.New(c) }
