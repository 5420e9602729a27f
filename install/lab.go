package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"spindle/install/internal/course"
	"spindle/install/internal/gobuild"
	"spindle/install/internal/kernelspec"
	"spindle/install/internal/labserver"
	"spindle/install/internal/pyenv"
)

// lab opens the course in JupyterLab and stays until it is ended.
func (a *app) lab(ctx context.Context, args []string) error {
	var (
		folder           string
		port             int
		noBrowser        bool
		private, fresh   bool
		defaultFolder    = filepath.Join(a.machine.Home, "spindle-course")
		openFirst        string
		describeTheWhole = "Opens the course in JupyterLab: the one on the PATH if it is 4 or newer, else a private one."
	)
	if err := a.parse("lab", describeTheWhole, args, func(fs *flag.FlagSet) {
		fs.StringVar(&folder, "dir", defaultFolder, "your working copy of the lessons is in `DIR`")
		fs.IntVar(&port, "port", 0, "listen on this port of 127.0.0.1 (default 8888, or the next that is free)")
		fs.BoolVar(&noBrowser, "no-browser", false, "don't open a browser")
		fs.BoolVar(&private, "private", false, "use the private JupyterLab even where there is another")
		fs.BoolVar(&fresh, "fresh", false, "begin with fresh lessons; your old folder is moved aside, not removed")
		fs.StringVar(&openFirst, "open", "", "open this `notebook` first (default the first lesson)")
	}); err != nil {
		return err
	}
	if port < 0 || port > 65535 {
		fmt.Fprintf(a.err, "--port %d: a port is a number from 1 to 65535\n", port)
		return errUsage
	}
	// Before the long work: a port in use is told at once.
	port, err := labserver.ChoosePort(port)
	if err != nil {
		return err
	}
	folder, err = filepath.Abs(folder)
	if err != nil {
		return err
	}
	own, err := filepath.Abs(a.machine.Own())
	if err != nil {
		return err
	}
	module, err := gobuild.Find(ctx)
	if err != nil {
		return err
	}
	jupyter, err := a.jupyterLab(ctx, own, private)
	if errors.Is(err, pyenv.ErrNoPython) {
		return fmt.Errorf("JupyterLab needs Python, and %w\n`go run ./lessons` runs the course without it and writes pages for your browser", err)
	} else if err != nil {
		return err
	}
	data := filepath.Join(own, "share", "jupyter")
	if err := a.freshKernel(ctx, module, data); err != nil {
		return err
	}
	report, err := course.Sync(filepath.Join(module.Dir, "lessons"), folder, fresh, time.Now())
	if err != nil {
		return err
	}
	a.tell(folder, report)
	if openFirst == "" {
		openFirst = report.First
	}
	step := a.report.Step("starting JupyterLab")
	server, err := labserver.Start(ctx, labserver.Options{
		Jupyter: jupyter, Folder: folder, Open: openFirst, Port: port, Browser: !noBrowser && canBrowse(), Data: data, Own: own,
	})
	if err != nil {
		step.Fail()
		return err
	}
	step.Done()
	fmt.Fprintf(a.out, "\nThe course is open at\n\n    %s\n\nCtrl-C ends JupyterLab and every kernel that it started.\n", server.URL())
	select {
	case <-ctx.Done():
		step := a.report.Step("ending JupyterLab and its kernels")
		server.End()
		step.Done()
		fmt.Fprintf(a.out, "Your work is in %s.\n", folder)
		return nil // ended as it was asked to
	case <-server.Exited():
		server.End() // what it may have left behind
		return fmt.Errorf("JupyterLab ended by itself; its log (%s) says:\n%s", server.Log, server.Tail())
	}
}

// jupyterLab finds a JupyterLab that is new enough, or makes one.
func (a *app) jupyterLab(ctx context.Context, own string, private bool) (string, error) {
	if jupyter, err := exec.LookPath("jupyter"); err == nil && !private {
		switch version, err := labserver.Version(ctx, jupyter); {
		case err != nil:
			a.report.Printf("%s has no JupyterLab", jupyter)
		case labserver.Major(version) < 4:
			a.report.Printf("JupyterLab %s (%s) is older than 4", version, jupyter)
		default:
			a.report.Printf("JupyterLab %s (%s)", version, jupyter)
			return jupyter, nil
		}
	}
	env, err := pyenv.Ensure(ctx, own, pyenv.Lab, a.report)
	if err != nil {
		return "", err
	}
	return env.Bin("jupyter"), nil
}

// freshKernel makes sure that the kernel in data is built from these sources.
// One that is, stays: a session may be using it.
func (a *app) freshKernel(ctx context.Context, m gobuild.Module, data string) error {
	built, err := a.describe(ctx, m)
	if err != nil {
		return err
	}
	if s, err := kernelspec.Read(kernelspec.Dir(data)); err == nil && s.Metadata == built &&
		len(s.Argv) > 0 && exists(s.Argv[0]) {
		return nil
	}
	_, err = a.installInto(ctx, data)
	return err
}

// tell says what became of the learner's copy of the lessons.
func (a *app) tell(folder string, r course.Report) {
	if r.Moved != "" {
		a.report.Printf("your old course is now %s", r.Moved)
	}
	for _, line := range []struct {
		names []string
		what  string
	}{
		{r.New, "new"},
		{r.Updated, "brought up to date"},
		{r.Kept, "yours, unchanged"},
		{r.Beside, "the lesson's new version, beside yours"},
	} {
		switch n := len(line.names); {
		case n > 4:
			a.report.Printf("%s: %s: %d files", folder, line.what, n)
		case n > 0:
			a.report.Printf("%s: %s: %s", folder, line.what, strings.Join(line.names, " "))
		}
	}
}

// canBrowse reports whether a browser of this machine can show anything: over
// ssh, Python would open one that takes the terminal.
func canBrowse() bool {
	return runtime.GOOS != "linux" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}
