package program

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/mod/modfile"

	"spindle/kernel/internal/process"
)

// Toolchain is the machine's Go toolchain with a cache of what it has built.
// It is safe for concurrent use.
type Toolchain struct {
	path    string // of the go command
	version string // "go1.26.8"
	cache   string // folder
	mu      sync.Mutex
}

// Find looks for a Go toolchain: on PATH, then where its installer puts it.
// cache is the folder to build in; "" is the user's cache folder.
func Find(cache string) (*Toolchain, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		path = "/usr/local/go/bin/go"
		if _, err2 := os.Stat(path); err2 != nil {
			return nil, fmt.Errorf("no Go toolchain: %w", err)
		}
	}
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			dir = os.TempDir()
		}
		cache = filepath.Join(dir, "spindle", "programs")
	}
	t := &Toolchain{path: path, cache: cache}
	out, err := t.goCommand(context.Background(), os.TempDir(), nil, "env", "GOVERSION")
	if err != nil {
		return nil, fmt.Errorf("run the Go toolchain: %w: %s", err, out)
	}
	t.version = strings.TrimSpace(out)
	return t, nil
}

// Version is the toolchain's, as `go env GOVERSION` has it.
func (t *Toolchain) Version() string { return t.version }

// Path is where its go command is.
func (t *Toolchain) Path() string { return t.path }

// Kind is what is to be built.
type Kind string

// The kinds of build.
const (
	Run   Kind = "run"   // package main
	Test  Kind = "test"  // a test binary
	Bench Kind = "bench" // the same, for its benchmarks
)

// Job is one cell to build.
type Job struct {
	Source string
	Cell   int
	Kind   Kind
	Flags  []string // of go build: -race, -tags=…
	State  string   // another file of the package: the session's declarations
	Env    []string // of the go command
}

// Built is an executable made of a cell.
type Built struct {
	Path    string
	Modules []string // "github.com/google/uuid v1.6.0": what its imports resolved to
	Cached  bool
}

// Build makes the executable of a job, or finds it. The error is a *Failure
// where the toolchain refused the cell.
func (t *Toolchain) Build(ctx context.Context, job Job) (Built, error) {
	p := parse(job.Source)
	if job.Kind == Run && p.err != nil && !p.declares("main") {
		if w := parse(wrap(job.Source)); w.err == nil {
			p = w
		}
	}
	for _, path := range p.imports() {
		if strings.HasPrefix(path, "spindle/") {
			return Built{}, &Failure{Name: "error", Lines: []string{
				fmt.Sprintf("package %s is part of the kernel, and a program of its own can't import it: use it in an ordinary cell, without func main", path),
			}}
		}
	}
	if job.State != "" {
		state, err := sessionFile(job.State)
		if err != nil {
			return Built{}, &Failure{Name: "error", Lines: []string{err.Error()}}
		}
		job.State = state
	}
	text := file(p)
	key := sha256.Sum256([]byte(strings.Join(append([]string{
		t.version, string(job.Kind), text, job.State,
	}, job.Flags...), "\x00")))
	dir := filepath.Join(t.cache, hex.EncodeToString(key[:12]))
	built := Built{Path: filepath.Join(dir, "program")}
	if mods, err := os.ReadFile(filepath.Join(dir, "modules")); err == nil {
		if _, err := os.Stat(built.Path); err == nil {
			built.Cached = true
			built.Modules = lines(string(mods))
			now := time.Now()
			_ = os.Chtimes(dir, now, now) // keeps it from being pruned
			return built, nil
		}
	}
	// One at a time: two builds of one cell would write the same files.
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune()
	if err := t.lay(dir, job, text); err != nil {
		return Built{}, err
	}
	external := external(append(p.imports(), parse(job.State).imports()...))
	var err error
	if len(external) > 0 {
		if built.Modules, err = t.resolve(ctx, dir, job, external); err != nil {
			return Built{}, err
		}
	}
	args := []string{"build"}
	if job.Kind != Run {
		args = []string{"test", "-c"}
	} else if !slices.ContainsFunc(job.Flags, func(f string) bool { return strings.HasPrefix(f, "-ldflags") }) {
		args = append(args, "-ldflags=-s -w") // as `go run` does
	}
	args = append(args, "-buildvcs=false", "-o", built.Path)
	args = append(args, job.Flags...)
	if out, err := t.goCommand(ctx, dir, job.Env, append(args, ".")...); err != nil {
		return Built{}, t.refused(ctx, out, err, job, dir)
	}
	if err := os.WriteFile(filepath.Join(dir, "modules"), []byte(strings.Join(built.Modules, "\n")), 0o600); err != nil {
		return Built{}, fmt.Errorf("write the program's folder: %w", err)
	}
	return built, nil
}

// lay writes the package's files.
func (t *Toolchain) lay(dir string, job Job, text string) error {
	name := "cell.go"
	if job.Kind != Run {
		name = "cell_test.go"
	}
	files := map[string]string{
		name:     text,
		"go.mod": "module cell\n\ngo " + strings.TrimPrefix(languageVersion(t.version), "go") + "\n",
	}
	if job.State != "" {
		files["session.go"] = job.State
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the program's folder: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the program's folder: %w", err)
		}
	}
	return nil
}

// languageVersion cuts "go1.26.8-custom" to "go1.26.8".
func languageVersion(v string) string {
	v, _, _ = strings.Cut(v, "-")
	v, _, _ = strings.Cut(v, " ")
	return v
}

// resolve finds the modules of the imports, in the folder that earlier cells
// with the same imports have left or by `go mod tidy`.
func (t *Toolchain) resolve(ctx context.Context, dir string, job Job, imports []string) ([]string, error) {
	key := sha256.Sum256([]byte(t.version + strings.Join(imports, "\x00")))
	known := filepath.Join(t.cache, "modules-"+hex.EncodeToString(key[:12]))
	if copyFiles(known, dir, "go.mod", "go.sum") != nil {
		if out, err := t.goCommand(ctx, dir, job.Env, "mod", "tidy"); err != nil {
			return nil, t.refused(ctx, out, err, job, dir)
		}
		if err := os.MkdirAll(known, 0o700); err == nil {
			_ = copyFiles(dir, known, "go.mod", "go.sum") // a cache: may fail
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("read the program's go.mod: %w", err)
	}
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, fmt.Errorf("read the program's go.mod: %w", err)
	}
	var modules []string
	for _, r := range mod.Require {
		if !r.Indirect {
			modules = append(modules, r.Mod.Path+" "+r.Mod.Version)
		}
	}
	return modules, nil
}

func copyFiles(from, to string, names ...string) error {
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// external lists the imports that are not the standard library's.
func external(imports []string) []string {
	var out []string
	for _, p := range imports {
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// goCommand runs the go command in dir, in a process group of its own that
// ends with ctx, and returns what it printed.
func (t *Toolchain) goCommand(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command(t.path, args...)
	cmd.Dir = dir
	if env == nil {
		env = os.Environ()
	}
	cmd.Env = append(env[:len(env):len(env)], "PWD="+dir, "GOWORK=off")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := process.Start(cmd, syscall.SIGKILL); err != nil {
		return "", fmt.Errorf("run the Go toolchain: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = process.KillGroup(cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	err := process.Wait(cmd)
	return out.String(), err
}

// refused turns a failed go command into what the learner is told.
func (t *Toolchain) refused(ctx context.Context, out string, err error, job Job, dir string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	f := failure(out, job.Cell, dir)
	if len(f.Lines) == 0 {
		f.Lines = []string{"go: " + err.Error()}
	}
	return f
}

// Bounds of the cache.
const (
	keepBuilds = 200
	keepTime   = 30 * 24 * time.Hour
)

// prune removes the builds that were longest unused. Callers hold mu.
func (t *Toolchain) prune() {
	entries, err := os.ReadDir(t.cache)
	if err != nil || len(entries) <= keepBuilds {
		return
	}
	type build struct {
		name string
		used time.Time
	}
	var builds []build
	for _, e := range entries {
		var info fs.FileInfo
		if info, err = e.Info(); err == nil {
			builds = append(builds, build{e.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(builds, func(a, b build) int { return b.used.Compare(a.used) })
	for i, b := range builds {
		if i >= keepBuilds || time.Since(b.used) > keepTime {
			_ = os.RemoveAll(filepath.Join(t.cache, b.name))
		}
	}
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
