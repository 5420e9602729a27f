// Package pyenv makes private Python environments with exactly the packages
// that the lock files beside it pin, and finds the Python to make them with.
package pyenv

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"spindle/install/internal/procs"
	"spindle/install/internal/progress"
)

// Locks are made from the .in files by
// uv pip compile --universal --python-version 3.10 --generate-hashes.
//
//go:embed requirements/lab.txt requirements/frontends.txt
var locks embed.FS

// Set is a set of packages.
type Set string

// The sets.
const (
	Lab       Set = "lab"       // JupyterLab, what `lab` needs
	FrontEnds Set = "frontends" // and the front ends and tools that the tests drive
)

// oldest is the oldest Python that the locks hold for.
const oldest = "3.10"

// ErrNoPython is returned where there is no Python to make an environment with.
var ErrNoPython = errors.New("there is no python3 " + oldest + " or newer on the PATH")

// Env is a Python environment.
type Env struct {
	Dir string
}

// Bin is a program of the environment.
func (e Env) Bin(name string) string { return filepath.Join(e.Dir, "bin", name) }

// Dir is where the environment of a set lies under own, Spindle's own folder:
// another lock is another folder, so that an environment never changes.
func Dir(own string, set Set) string {
	sum := sha256.Sum256(lock(set))
	return filepath.Join(own, "python", string(set)+"-"+hex.EncodeToString(sum[:6]))
}

func lock(set Set) []byte {
	b, err := locks.ReadFile("requirements/" + string(set) + ".txt")
	if err != nil {
		panic(err) // the two sets are embedded
	}
	return b
}

// marker is written when an environment is whole.
const marker = ".spindle-complete"

// Whole finds the environment of a set where it has been made.
func Whole(own string, set Set) (Env, bool) {
	e := Env{Dir(own, set)}
	if _, err := os.Stat(filepath.Join(e.Dir, marker)); err != nil {
		return e, false
	}
	_, err := os.Stat(e.Bin("python")) // a link that dangles once its Python is gone
	return e, err == nil
}

// Ensure returns the environment of a set, which it makes where there is none.
// It fails with ErrNoPython, with pip's own words, or when ctx ends; what was
// half made is removed.
func Ensure(ctx context.Context, own string, set Set, r *progress.Reporter) (Env, error) {
	if e, ok := Whole(own, set); ok {
		return e, nil
	}
	e := Env{Dir(own, set)}
	if err := os.MkdirAll(filepath.Dir(e.Dir), 0o755); err != nil {
		return e, fmt.Errorf("make the Python environment: %w", err)
	}
	unlock, err := lockFile(ctx, e.Dir+".lock", r)
	if err != nil {
		return e, fmt.Errorf("make the Python environment: %w", err)
	}
	defer unlock()
	if e, ok := Whole(own, set); ok {
		return e, nil // another one made it while we waited
	}
	if err := e.make(ctx, set, r); err != nil {
		return e, errors.Join(err, os.RemoveAll(e.Dir))
	}
	return e, nil
}

func (e Env) make(ctx context.Context, set Set, r *progress.Reporter) error {
	if err := os.RemoveAll(e.Dir); err != nil {
		return fmt.Errorf("remove the unfinished Python environment: %w", err)
	}
	uv, _ := exec.LookPath("uv")
	python, version := Python(ctx)
	switch {
	case python == "" && uv == "":
		return ErrNoPython
	case python == "":
		python = ">=" + oldest // uv looks further than the PATH
	}
	r.Printf("a private Python environment in %s, packages pinned (Python %s)", e.Dir, version)
	step := r.Step("making the environment")
	var venv *exec.Cmd
	if uv != "" {
		venv = exec.Command(uv, "venv", "--quiet", "--python", python, e.Dir)
	} else {
		venv = exec.Command(python, "-m", "venv", e.Dir)
	}
	if out, err := output(ctx, venv, nil); err != nil {
		step.Fail()
		return venvError(err, out)
	}
	step.Done()

	file := filepath.Join(e.Dir, "requirements.txt")
	if err := os.WriteFile(file, lock(set), 0o644); err != nil {
		return fmt.Errorf("make the Python environment: %w", err)
	}
	step = r.Step("installing %s (about %d packages)", map[Set]string{Lab: "JupyterLab", FrontEnds: "Jupyter's front ends"}[set],
		strings.Count(string(lock(set)), "=="))
	var pip *exec.Cmd
	if uv != "" {
		pip = exec.Command(uv, "pip", "install", "--python", e.Bin("python"), "--require-hashes", "-r", file)
	} else {
		pip = exec.Command(e.Bin("python"), "-m", "pip", "install", "--disable-pip-version-check",
			"--no-input", "--progress-bar", "off", "--require-hashes", "-r", file)
	}
	seen := 0
	out, err := output(ctx, pip, func(line string) {
		switch {
		case strings.HasPrefix(line, "Collecting "):
			seen++
			name, _, _ := strings.Cut(strings.TrimPrefix(line, "Collecting "), "=")
			step.Detail("%d %s", seen, name)
		case strings.HasPrefix(line, "Installing collected packages"):
			step.Detail("unpacking %d packages", seen)
		}
	})
	if err != nil {
		step.Fail()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("install the pinned packages: %w\n%s", err, lastLines(out, 12))
	}
	step.Done()
	if err := os.WriteFile(filepath.Join(e.Dir, marker), nil, 0o644); err != nil {
		return fmt.Errorf("make the Python environment: %w", err)
	}
	return nil
}

// venvError explains the one failure that is common: Debian ships venv apart.
func venvError(err error, out string) error {
	if strings.Contains(out, "ensurepip") {
		return fmt.Errorf("make the Python environment: this Python lacks its venv module; "+
			"on Debian and Ubuntu `apt install python3-venv` brings it, or install uv\n%s", lastLines(out, 4))
	}
	return fmt.Errorf("make the Python environment: %w\n%s", err, lastLines(out, 12))
}

// Python finds a Python that is new enough: its path and version, or "".
func Python(ctx context.Context) (path, version string) {
	for _, name := range []string{"python3", "python"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		v, err := Version(ctx, path)
		if err == nil && !older(v, oldest) {
			return path, v
		}
	}
	return "", ""
}

// Version asks a Python for its version, "3.11.7".
func Version(ctx context.Context, python string) (string, error) {
	return Ask(ctx, python, "import platform; print(platform.python_version())")
}

// SysPrefix is where a Python keeps its environment's files.
func SysPrefix(ctx context.Context, python string) (string, error) {
	return Ask(ctx, python, "import sys; print(sys.prefix)")
}

// Ask runs a line of Python and returns what it printed.
func Ask(ctx context.Context, python, code string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "-c", code).Output()
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", python, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// older compares "3.9.2" and "3.10" by their first two numbers.
func older(a, b string) bool {
	var a1, a2, b1, b2 int
	if n, _ := fmt.Sscanf(a, "%d.%d", &a1, &a2); n != 2 {
		return true
	}
	if n, _ := fmt.Sscanf(b, "%d.%d", &b1, &b2); n != 2 {
		return true
	}
	return a1 < b1 || a1 == b1 && a2 < b2
}

// output runs cmd as a family and returns all that it wrote; each line goes to
// line too, where it isn't nil.
func output(ctx context.Context, cmd *exec.Cmd, line func(string)) (string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = write, write
	var all strings.Builder
	done := make(chan struct{})
	go func() { // ends with the last writer of the pipe; waited for below
		defer close(done)
		lines := bufio.NewScanner(io.TeeReader(read, &all))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if line != nil {
				line(lines.Text())
			}
		}
		_, _ = io.Copy(io.Discard, read)
	}()
	err = procs.Run(ctx, cmd)
	write.Close()
	<-done
	read.Close()
	return all.String(), err
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
