package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"spindle/install/internal/doctor"
	"spindle/install/internal/gobuild"
	"spindle/install/internal/kernelspec"
	"spindle/install/internal/pyenv"
	"spindle/kernel/client"
)

// install builds the kernel and writes its kernelspec.
func (a *app) install(ctx context.Context, args []string) error {
	var t target
	if err := a.parse("install", "Builds the kernel and tells Jupyter of it.", args, t.define); err != nil {
		return err
	}
	data, err := t.data(ctx, a)
	if err != nil {
		return err
	}
	dir, err := a.installInto(ctx, data)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "installed %s\n", dir)
	fmt.Fprintf(a.out, "Jupyter's front ends now offer \"Go (Spindle)\"; `go run ./install lab` opens the course.\n")
	if _, err := exec.LookPath("jupyter"); err != nil && !t.sysPrefix && t.prefix == "" {
		fmt.Fprintln(a.out, "There is no jupyter on the PATH: `go run ./install lab` makes a private one.")
	}
	return nil
}

// installInto builds the kernel into a Jupyter data folder.
func (a *app) installInto(ctx context.Context, data string) (dir string, err error) {
	module, err := gobuild.Find(ctx)
	if err != nil {
		return "", err
	}
	built, err := a.describe(ctx, module)
	if err != nil {
		return "", err
	}
	dir, err = kernelspec.Install(data, built, func(path string) error {
		step := a.report.Step("building the kernel (the first time takes a minute or two)")
		if err := module.Build(ctx, "spindle/kernel", path); err != nil {
			step.Fail()
			return err
		}
		step.Done()
		return nil
	})
	return dir, explain(err)
}

// describe says what a kernel built now is built from.
func (a *app) describe(ctx context.Context, m gobuild.Module) (kernelspec.Metadata, error) {
	digest, err := m.Digest(ctx, "spindle/kernel")
	if err != nil {
		return kernelspec.Metadata{}, err
	}
	version, err := m.GoVersion(ctx)
	return kernelspec.Metadata{Source: m.Dir, Sources: digest, GoVersion: version}, err
}

// explain adds to a folder that can't be written what can be done about it.
func explain(err error) error {
	var w *kernelspec.WriteError
	if !errors.As(err, &w) {
		return err
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w\nchoose a folder that is yours: --user (the default) or --prefix DIR", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w\nchoose a folder on a file system that isn't read-only: --prefix DIR, or set JUPYTER_DATA_DIR", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w\nmake room (the kernel takes about 100 MB) and try again; what was installed before is unchanged", err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w\na file is in the way: move it, or choose another folder with --prefix DIR", err)
	}
	return err
}

// uninstall removes the kernelspec.
func (a *app) uninstall(ctx context.Context, args []string) error {
	var t target
	if err := a.parse("uninstall", "Removes the kernel from Jupyter.", args, t.define); err != nil {
		return err
	}
	data, err := t.data(ctx, a)
	if err != nil {
		return err
	}
	dir := kernelspec.Dir(data)
	if err := kernelspec.Remove(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no kernel in %s", dir)
	} else if err != nil {
		return explain(err)
	}
	fmt.Fprintf(a.out, "removed %s\n", dir)
	if own := a.machine.Own(); exists(own) {
		fmt.Fprintf(a.out, "%s, which `lab` made, is still there; it can be removed.\n", own)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// doctor looks the machine over.
func (a *app) doctor(ctx context.Context, args []string) error {
	var t target
	if err := a.parse("doctor", "Says what is wrong with the installation, and how to mend it.", args, t.define); err != nil {
		return err
	}
	exam := doctor.Exam{Machine: a.machine, Answer: answer}
	if t.prefix != "" || t.sysPrefix {
		data, err := t.data(ctx, a)
		if err != nil {
			return err
		}
		exam.Prefix = data
	}
	if python, _ := pyenv.Python(ctx); python != "" {
		if prefix, err := pyenv.SysPrefix(ctx, python); err == nil {
			exam.Machine.SysPrefix = prefix
		}
	}
	wrong := exam.Run(ctx, func(f doctor.Finding) {
		fmt.Fprintf(a.out, "%-6s %-11s %s\n", f.Status, f.About, strings.ReplaceAll(f.What, "\n", "\n       "))
		if f.Mend != "" {
			fmt.Fprintf(a.out, "%-6s %-11s → %s\n", "", "", f.Mend)
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrong > 0 {
		fmt.Fprintf(a.out, "\n%d to mend.\n", wrong)
		return errUnwell
	}
	fmt.Fprintln(a.out, "\nAll is well.")
	return nil
}

// answer starts a kernel and asks it who it is.
func answer(ctx context.Context, argv []string) (string, error) {
	k, err := client.Start(ctx, client.Options{Argv: argv})
	if err != nil {
		return "", err
	}
	defer k.Close()
	reply, err := k.Request(ctx, "kernel_info_request", map[string]any{})
	if err != nil {
		return "", err
	}
	var info struct {
		Implementation  string `json:"implementation"`
		Version         string `json:"implementation_version"`
		ProtocolVersion string `json:"protocol_version"`
	}
	if err := json.Unmarshal(reply, &info); err != nil {
		return "", fmt.Errorf("read kernel_info_reply: %w", err)
	}
	return fmt.Sprintf("%s %s, protocol %s", info.Implementation, info.Version, info.ProtocolVersion), k.Shutdown(ctx)
}

// env makes the private Python environment and prints its python.
func (a *app) env(ctx context.Context, args []string) error {
	set := pyenv.Lab
	err := a.parse("env", "Makes the private Python environment and prints the path of its python.", args, func(fs *flag.FlagSet) {
		fs.BoolFunc("frontends", "with the front ends and tools that the tests drive", func(string) error {
			set = pyenv.FrontEnds
			return nil
		})
	})
	if err != nil {
		return err
	}
	own, err := filepath.Abs(a.machine.Own())
	if err != nil {
		return err
	}
	env, err := pyenv.Ensure(ctx, own, set, a.report)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, env.Bin("python"))
	return nil
}
