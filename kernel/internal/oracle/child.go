package oracle

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"spindle/kernel/internal/interp"
)

// childEnv, set, makes the test binary a child that runs one task on the
// interpreter. A program may end or wreck the process that it runs in, so
// each has one of its own.
const childEnv = "SPINDLE_ORACLE_CHILD"

// task is what a child reads from its standard input.
type task struct {
	Cells []string
	// Transcript asks for a session's transcript on standard output: what the
	// cells print, "=> value" and "!! error".
	Transcript bool
}

// report is what a child writes to its file descriptor 3 when it lives to the
// end: the error of the last cell, if any.
type report struct {
	Name, Value string
	Traceback   []string
}

// newEvaluator makes the interpreter under test.
func newEvaluator() (interp.Evaluator, error) { return interp.New(interp.Config{}) }

// ChildMain runs a task where the process is a child, and does not return then.
func ChildMain() {
	if os.Getenv(childEnv) == "" {
		return
	}
	os.Unsetenv(childEnv)
	flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError) // without the test's flags
	var t task
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		fmt.Fprintln(os.Stderr, "oracle child:", err)
		os.Exit(90)
	}
	eval, err := newEvaluator()
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle child:", err)
		os.Exit(91)
	}
	var r report
	for i, src := range t.Cells {
		o := eval.Eval(interp.Cell{Count: i + 1, Source: src})
		if t.Transcript {
			fmt.Fprint(os.Stdout, transcript(o))
		} else if o.Err != nil {
			r = report{o.Err.Name, o.Err.Value, o.Err.Traceback}
			break
		}
	}
	out := os.NewFile(3, "report")
	if err := json.NewEncoder(out).Encode(r); err != nil {
		os.Exit(92)
	}
	// Like main returning: what still runs ends here.
	os.Exit(0)
}

func transcript(o interp.Outcome) string {
	var b strings.Builder
	if o.Value != nil {
		fmt.Fprintf(&b, "=> %v\n", o.Value.Data["text/plain"])
	}
	if o.Err != nil {
		text := o.Err.Value
		if o.Err.Name != "compile error" {
			text = o.Err.Name + ": " + text
		}
		fmt.Fprintf(&b, "!! %s\n", text)
	}
	return b.String()
}
