package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// interpretTimeout bounds one program on the interpreter.
const interpretTimeout = 60 * time.Second

// Variant is a way to hand a program to the interpreter.
type Variant string

// The variants.
const (
	// Session gives the declarations in one cell and main() in the next.
	Session Variant = "session"
	// Whole gives the program with its package clause in one cell, then main().
	Whole Variant = "whole"
)

// cells are p's cells in the given way. Lines keep their numbers.
func cells(p Program, v Variant) []string {
	src := p.Source
	if v == Session {
		src = packageClause.ReplaceAllString(src, "")
	}
	return []string{src, "main()"}
}

var packageClause = regexp.MustCompile(`(?m)^package main$`)

// Interpret runs cells on the interpreter in a child process.
// refused holds the interpreter's reason where it would not run them.
func Interpret(ctx context.Context, t task) (o Outcome, refused string, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, "", err
	}
	in, err := json.Marshal(t)
	if err != nil {
		return o, "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return o, "", err
	}
	defer r.Close()
	c := exec.Command(self)
	c.Env = append(os.Environ(), childEnv+"=1")
	c.Stdin = bytes.NewReader(in)
	c.ExtraFiles = []*os.File{w}
	reports := make(chan report, 1)
	go func() {
		var rep report
		_ = json.NewDecoder(r).Decode(&rep) // a child that died sent none
		reports <- rep
	}()
	o, err = Run(ctx, c, interpretTimeout)
	w.Close()
	rep := <-reports
	switch rep.Name {
	case "":
	case "compile error":
		return Outcome{Compile: compileLines(rep.Traceback)}, "", err
	case "panic":
		o.Exit = 2
		o.Panic = panicText(rep.Traceback)
	case "refused":
		return o, rep.Value, err
	default:
		o.Panic = rep.Name + ": " + rep.Value
		o.Exit = 2
	}
	return o, "", err
}

// panicText is a traceback up to the first goroutine.
func panicText(traceback []string) string {
	_, text := SplitStderr(strings.Join(traceback, "\n"))
	return text
}

var cellError = regexp.MustCompile(`^cell \d+:(\d+:\d+: .*)$`)

// compileLines are the errors in a compile error's traceback, which also
// shows the lines that they are on.
func compileLines(traceback []string) []string {
	var out []string
	for l := range strings.SplitSeq(strings.Join(traceback, "\n"), "\n") {
		if m := cellError.FindStringSubmatch(l); m != nil {
			out = append(out, m[1])
		} else if strings.HasPrefix(l, "\t") && len(out) > 0 {
			out[len(out)-1] += " / " + strings.TrimSpace(l)
		}
	}
	if out == nil {
		out = []string{fmt.Sprint("unreadable: ", strings.Join(traceback, " | "))}
	}
	for i := range out {
		out[i] = cellPlace.ReplaceAllString(out[i], "main.go:$1")
	}
	return out
}

// cellPlace is a second place in an error.
var cellPlace = regexp.MustCompile(`\bcell \d+:(\d+:\d+)`)
