// Command lessons runs, checks and renders the course.
//
//	go run ./lessons [run] [NN …]   execute the lessons and make pages of them
//	go run ./lessons help           say what else there is
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"spindle/lessons/internal/course"
	"spindle/lessons/lab"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1   // a cell failed, a check was not met
	exitUsage       = 2   // the command can't be carried out as it was given
	exitInterrupted = 130 // as shells have it for SIGINT
)

func main() {
	os.Exit(mainStatus())
}

func mainStatus() int {
	lab.ChildMain() // an experiment runs in a process of its own: this binary again

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first Ctrl-C ends the run in order; a second one ends it at once, and
	// the kernel with it, which doesn't outlive its parent.
	context.AfterFunc(ctx, stop)
	return (&app{out: os.Stdout, err: os.Stderr}).run(ctx, os.Args[1:])
}

// app is one call of the command.
type app struct {
	out, err io.Writer
	root     string // of the module
	lessons  string // the folder of the notebooks
}

type command struct {
	name, args, about string
	run               func(a *app, ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"run", "[NN …]", "execute the lessons (all, or those named) and make pages of them", (*app).cmdRun},
		{"capture", "[NN …]", "execute them and write the outputs into the notebooks of the repository", (*app).cmdCapture},
		{"verify", "[NN …]", "check the notebooks and try every exercise, rightly and wrongly", (*app).cmdVerify},
		{"strip", "[NN …]", "remove outputs from the notebooks of the repository", (*app).cmdStrip},
		{"html", "[NN …]", "make the course site of the notebooks as they are", (*app).cmdHTML},
		{"report", "", "set this machine's results beside what others published", (*app).cmdReport},
		{"lab", "[NAME]", "run one experiment of the lab, or list them", (*app).cmdLab},
	}
}

// errFailed is an error that has been told already.
var errFailed = errors.New("failed")

// exitError is the status of a process that ran in this one's place and has
// told its error itself.
type exitError struct{ status int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// usageError is a command line that isn't understood.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func (a *app) run(ctx context.Context, args []string) int {
	name := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	} else if len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		name = "help"
	}
	if name == "help" {
		a.help(a.out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == name {
			return a.status(ctx, c.name, a.start(ctx, c, args))
		}
	}
	fmt.Fprintf(a.err, "lessons: there is no command %q\n\n", name)
	a.help(a.err)
	return exitUsage
}

func (a *app) start(ctx context.Context, c command, args []string) error {
	wd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the course: %w", err)
	}
	if a.root, err = course.Root(wd); err != nil {
		return err
	}
	a.lessons = filepath.Join(a.root, "lessons")
	return c.run(a, ctx, args)
}

// status tells the error, unless that has been done, and picks the exit status.
func (a *app) status(ctx context.Context, name string, err error) int {
	var usage *usageError
	var exit *exitError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(a.err, "lessons: interrupted")
		return exitInterrupted
	case errors.As(err, &exit):
		return exit.status
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(a.err, "lessons %s: %v\n", name, err)
		return exitUsage
	}
	fmt.Fprintf(a.err, "lessons %s: %v\n", name, err)
	return exitUsage
}

func (a *app) help(w io.Writer) {
	fmt.Fprint(w, "go run ./lessons [COMMAND] [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-22s %s\n", c.name+" "+c.args, c.about)
	}
	fmt.Fprint(w, "\nWithout a command it is run. NN is a lesson's number or name. COMMAND -h lists its flags.\n")
}

// flags makes the flag set of a command.
func (a *app) flags(name, args string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(a.err)
	fs.Usage = func() {
		fmt.Fprintf(a.err, "go run ./lessons %s [flags] %s\n", name, args)
		fs.PrintDefaults()
	}
	return fs
}

// parse reads flags and arguments in any order and returns the arguments.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, &usageError{err.Error()}
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
}
