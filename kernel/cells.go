package main

import (
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
		{Path: "spindle/display", Name: "display", Symbols: displaySymbols(), Source: display.Source},
		{Path: "spindle/check", Name: "check", Symbols: checkSymbols(), Source: check.Source},
		{Path: "spindle/lab", Name: "lab", Symbols: labSymbols(), Source: lab.Source},
		{Path: "spindle/refs", Name: "refs", Symbols: refsSymbols(), Source: refs.Source},
	}
	return worker.Config{New: evaluator, Packages: packages, Calls: inspectionCalls(packages)}
}

func evaluator(c interp.Config) (interp.Evaluator, error) { return interp.New(c) }
