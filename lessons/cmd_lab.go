package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/kernel"
	"spindle/lessons/internal/notebook"
	"spindle/lessons/internal/progress"
	"spindle/lessons/internal/report"
	"spindle/lessons/internal/site"
	"spindle/lessons/lab"
)

// cmdLab runs one experiment of the lab, or lists them.
func (a *app) cmdLab(ctx context.Context, args []string) error {
	fs := a.flags("lab", "[NAME]")
	asJSON := fs.Bool("json", false, "print the result as JSON")
	params := fs.String("params", "", "parameters as a JSON object; without them the experiment's own")
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	switch len(names) {
	case 0:
		return a.listExperiments(*asJSON)
	case 1:
	default:
		return &usageError{"one experiment at a time: they would disturb each other"}
	}
	e, ok := lab.Find(names[0])
	if !ok {
		var have []string
		for _, e := range lab.Experiments() {
			have = append(have, e.Name)
		}
		return &usageError{fmt.Sprintf("there is no experiment %q; there are: %s", names[0], strings.Join(have, ", "))}
	}
	if done, err := a.withoutCgo(ctx, "lab", args); done {
		return err
	}
	r, err := a.measure(ctx, e, []byte(*params))
	if err != nil {
		return err
	}
	if *asJSON {
		fmt.Fprintln(a.out, r.JSON())
		return nil
	}
	fmt.Fprint(a.out, r.Beside(report.Published()...).String())
	return nil
}

// noCgoEnv tells the command that it was built without cgo already.
const noCgoEnv = "SPINDLE_LESSONS_NOCGO"

// withoutCgo runs this command again, with args, as a binary built without
// cgo where this one has it (`go run` has, where there is a C compiler): an
// experiment runs in a process of the same binary, and its threads are to be
// Go's own. It reports whether that was done, and how it went. Where no such
// binary is to be had the experiment runs here; its result says "cgo on".
func (a *app) withoutCgo(ctx context.Context, name string, args []string) (done bool, err error) {
	if !lab.Here().Cgo || os.Getenv(noCgoEnv) != "" {
		return false, nil
	}
	bar := progress.New(a.err)
	bar.Start("building the lab without cgo", 0)
	binary, clean, err := kernel.Build(ctx, a.root, "./lessons")
	bar.Close()
	if err != nil {
		return ctx.Err() != nil, err
	}
	defer clean()
	cmd := exec.CommandContext(ctx, binary, append([]string{name}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, a.out, a.err
	cmd.Env = append(os.Environ(), noCgoEnv+"=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return true, &exitError{cmd.ProcessState.ExitCode()}
	}
	return true, nil
}

func (a *app) listExperiments(asJSON bool) error {
	type listed struct {
		Name   string          `json:"name"`
		Title  string          `json:"title"`
		Claims []string        `json:"claims"`
		Params json.RawMessage `json:"params"`
	}
	var all []listed
	for _, e := range lab.Experiments() {
		all = append(all, listed{e.Name, e.Title, e.Claims, json.RawMessage(e.Params())})
	}
	if asJSON {
		b, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return fmt.Errorf("list experiments: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
		return nil
	}
	for _, e := range all {
		fmt.Fprintf(a.out, "%-12s %-40s %-16s %s\n", e.Name, e.Title, strings.Join(e.Claims, " "), e.Params)
	}
	return nil
}

// measure runs an experiment under the progress bar.
func (a *app) measure(ctx context.Context, e lab.Experiment, params []byte) (*lab.Result, error) {
	bar := progress.New(a.err)
	defer bar.Close()
	bar.Start(e.Title, 0)
	return e.Run(ctx, params, func(p lab.Progress) {
		bar.Of(p.Done, p.Total, strings.TrimSpace(e.Title+": "+p.Note))
	})
}

// cmdReport sets this machine's results beside the published ones.
func (a *app) cmdReport(ctx context.Context, args []string) error {
	fs := a.flags("report", "")
	out := a.outFlag(fs)
	asJSON := fs.Bool("json", false, "print JSON instead of tables")
	measure := fs.Bool("measure", false, "run the experiments that have no result yet")
	if rest, err := parse(fs, args); err != nil {
		return err
	} else if len(rest) > 0 {
		return &usageError{"it takes no arguments"}
	}
	own, err := lab.ResultsDir()
	if err != nil {
		own = "" // without a home folder there are only the runs' results
	}
	if *measure {
		if done, err := a.withoutCgo(ctx, "report", args); done {
			return err
		}
	}
	results, err := report.Load(filepath.Join(*out, "state", "results"), own)
	if err != nil {
		fmt.Fprintf(a.err, "lessons report: left out: %v\n", err)
	}
	if *measure {
		for _, e := range lab.Experiments() {
			if results[e.Name] != nil {
				continue
			}
			r, err := a.measure(ctx, e, nil)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fmt.Fprintf(a.err, "lessons report: left out: %v\n", err)
				continue
			}
			results[e.Name] = r
			if err := r.Save(); err != nil {
				fmt.Fprintf(a.err, "lessons report: %s isn't kept: %v\n", e.Name, err)
			}
		}
	}
	if len(results) == 0 {
		return errors.New("nothing has been measured on this machine yet: `go run ./lessons` does, or `report -measure`")
	}
	return a.writeReport(report.Make(results), *out, *asJSON)
}

func (a *app) writeReport(r *report.Report, out string, asJSON bool) error {
	b, err := r.JSON()
	if err != nil {
		return err
	}
	if err := prepareOut(out); err != nil {
		return err
	}
	if err := notebook.Replace(filepath.Join(out, "report.json"), b); err != nil {
		return err
	}
	s := &site.Site{Title: courseTitle, Lessons: []site.Lesson{{Lesson: course.Lesson{Name: "report"}, Notebook: r.Notebook()}}}
	page, err := s.Page(0)
	if err != nil {
		return err
	}
	path := filepath.Join(out, "report.html")
	if err := notebook.Replace(path, page); err != nil {
		return err
	}
	if asJSON {
		_, err := a.out.Write(b)
		return err
	}
	fmt.Fprint(a.out, r.Text())
	fmt.Fprintf(a.out, "\nLook at %s (and report.json beside it)\n", path)
	return nil
}
