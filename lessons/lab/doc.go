// Package lab holds the course's experiments: compiled code that measures
// processes, threads and goroutines, and says of each claim of the article
// whether it holds here.
//
// Each experiment is a function that takes at most one Params and returns a
// Result, which draws itself:
//
//	r := lab.Creation()
//	r := lab.Creation(lab.CreationParams{Samples: 30})
//
// The zero Params means good defaults. An experiment that can't run on this
// machine (no C compiler, one CPU, another system than Linux) returns a Result
// whose Skipped says why. One that fails panics with its error, so that the
// cell stops there; Run returns the error instead.
//
// Every experiment runs in a fresh process: GOMAXPROCS, CPU affinity, threads
// and resident memory stick to a process, and a crash must not take the
// caller along. That process is the calling binary, executed again: a binary
// that embeds lab calls ChildMain first thing in main.
//
// Times are in nanoseconds and sizes in bytes, whatever the tables show.
package lab
