// Command install builds the kernel and makes it known to Jupyter, brings up
// JupyterLab with the course open, and says what is wrong where something is.
//
//	go run ./install [--user | --prefix DIR | --sys-prefix]
//	go run ./install lab [--dir DIR] [--port N] [--no-browser] [--private] [--fresh]
//	go run ./install doctor [--prefix DIR | --sys-prefix]
//	go run ./install uninstall [--user | --prefix DIR | --sys-prefix]
//	go run ./install env [--frontends]
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
	"runtime"
	"syscall"

	"spindle/install/internal/jupyterdirs"
	"spindle/install/internal/procs"
	"spindle/install/internal/progress"
	"spindle/install/internal/pyenv"
)

func main() {
	procs.DieWithGoRun()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

const usage = `usage: go run ./install [COMMAND] [flags]

  (none)      build the kernel and tell Jupyter of it
  lab         open the course in JupyterLab
  doctor      say what is wrong, and how to mend it
  uninstall   remove the kernel from Jupyter
  env         make the private Python environment and print its python

"go run ./install COMMAND -h" tells a command's flags.
`

// errUsage is a wrong command line; what was wrong has been said.
var errUsage = errors.New("usage")

// errUnwell is the doctor's: what is wrong has been said.
var errUnwell = errors.New("something is wrong")

// app is what every command works with.
type app struct {
	out, err io.Writer
	report   *progress.Reporter // to err: out is for results
	machine  jupyterdirs.Machine
}

// run is main with its surroundings given. It returns the exit status: 0, 1
// after a failure, 2 for a wrong command line, 130 when interrupted.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command := "install"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	commands := map[string]func(*app, context.Context, []string) error{
		"install": (*app).install, "uninstall": (*app).uninstall, "doctor": (*app).doctor, "lab": (*app).lab, "env": (*app).env,
	}
	do, ok := commands[command]
	if !ok {
		if command != "help" {
			fmt.Fprintf(stderr, "install: there is no command %q\n", command)
		}
		fmt.Fprint(stderr, usage)
		return map[bool]int{true: 0, false: 2}[command == "help"]
	}
	a, err := newApp(stdout, stderr)
	if err == nil {
		err = do(a, ctx, args)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	case errors.Is(err, errUnwell):
		return 1
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "interrupted; nothing is left running")
		return 130
	default:
		fmt.Fprintln(stderr, "install:", err)
		return 1
	}
}

func newApp(stdout, stderr io.Writer) (*app, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("find the home folder: %w", err)
	}
	return &app{
		out: stdout, err: stderr, report: progress.New(stderr),
		machine: jupyterdirs.Machine{GOOS: runtime.GOOS, Home: home, Getenv: os.Getenv},
	}, nil
}

// parse parses a command's flags; it takes no other arguments.
func (a *app) parse(name, what string, args []string, define func(*flag.FlagSet)) error {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(a.err)
	fs.Usage = func() {
		fmt.Fprintf(a.err, "%s\n\n", what)
		fs.PrintDefaults()
	}
	define(fs)
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return errUsage
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(a.err, "%s takes no argument %q\n", name, fs.Arg(0))
		return errUsage
	}
	return nil
}

// target is where a kernelspec goes.
type target struct {
	user, sysPrefix bool
	prefix          string
}

func (t *target) define(fs *flag.FlagSet) {
	fs.BoolVar(&t.user, "user", false, "in the user's Jupyter folder (the default; JUPYTER_DATA_DIR and XDG_DATA_HOME count)")
	fs.StringVar(&t.prefix, "prefix", "", "in `DIR`/share/jupyter/kernels/spindle")
	fs.BoolVar(&t.sysPrefix, "sys-prefix", false, "in the Python environment of the python3 on the PATH")
}

// data is the Jupyter data folder that the flags mean, absolute.
func (t *target) data(ctx context.Context, a *app) (string, error) {
	if n := btoi(t.user) + btoi(t.sysPrefix) + btoi(t.prefix != ""); n > 1 {
		fmt.Fprintln(a.err, "--user, --prefix and --sys-prefix exclude each other")
		return "", errUsage
	}
	switch {
	case t.prefix != "":
		return filepath.Abs(filepath.Join(t.prefix, "share", "jupyter"))
	case t.sysPrefix:
		python, _ := pyenv.Python(ctx)
		if python == "" {
			return "", fmt.Errorf("find sys.prefix: %w", pyenv.ErrNoPython)
		}
		prefix, err := pyenv.SysPrefix(ctx, python)
		if err != nil {
			return "", fmt.Errorf("find sys.prefix: %w", err)
		}
		return filepath.Join(prefix, "share", "jupyter"), nil
	}
	return filepath.Abs(a.machine.Data())
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
