// Package kernel builds the Spindle kernel from this repository and runs it for
// the lessons, as a process of its own behind its sockets.
package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"spindle/kernel/client"
	"spindle/lessons/internal/run"
)

// Build builds a command of the module at root ("./kernel"), without cgo, so
// that its threads are Go's own, and returns the path of the binary. It is kept
// in the user's cache folder, so that what is unchanged is not linked again.
// Call clean when it runs no more: the binary returned is this caller's own
// link to it, for another run may replace the kept one meanwhile.
func Build(ctx context.Context, root, pkg string) (path string, clean func(), err error) {
	what := strings.TrimPrefix(pkg, "./")
	gobin, err := exec.LookPath("go")
	if err != nil {
		return "", nil, fmt.Errorf("build %s: the go command isn't in PATH: %w", what, err)
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(cache, "spindle", "lessons")
		err = os.MkdirAll(cache, 0o755)
	}
	if err != nil {
		cache = os.TempDir()
	}
	own, err := os.MkdirTemp(cache, "run-")
	if err != nil {
		return "", nil, fmt.Errorf("build %s: %w", what, err)
	}
	clean = func() { os.RemoveAll(own) }
	kept, path := filepath.Join(cache, "spindle-"+what), filepath.Join(own, "spindle-"+what)
	if err := build(ctx, gobin, root, pkg, kept, path); err != nil {
		clean()
		return "", nil, err
	}
	return path, clean, nil
}

func build(ctx context.Context, gobin, root, pkg, kept, path string) error {
	// Under the kept name go build sees that nothing has changed; it writes to
	// a link of ours, for two runs may build at once.
	if err := os.Link(kept, path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("build %s: %w", pkg, err)
	}
	cmd := exec.CommandContext(ctx, gobin, "build", "-buildvcs=false", "-trimpath", "-o", path, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("build %s: %w\n%s", pkg, err, strings.TrimSpace(out.String()))
	}
	link := path + ".kept"
	if err := os.Link(path, link); err != nil {
		return nil // a file system without hard links only builds more often
	}
	_ = os.Rename(link, kept)
	return nil
}

// Process is a running kernel.
type Process struct {
	kernel *client.Kernel
}

var _ run.Kernel = (*Process)(nil)

// startTimeout bounds the time from the kernel's start to its first answer.
const startTimeout = 60 * time.Second

// Start runs the kernel binary in dir with env. What it logs goes to log.
func Start(ctx context.Context, binary, dir string, env []string, log io.Writer) (*Process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it didn't answer in %v", startTimeout))
	defer cancel()
	k, err := client.Start(ctx, client.Options{Argv: []string{binary}, Dir: dir, Env: env, Stderr: log})
	if err != nil {
		return nil, err
	}
	return &Process{k}, nil
}

// Version asks the kernel for its own version.
func (p *Process) Version(ctx context.Context) (string, error) {
	b, err := p.kernel.Request(ctx, "kernel_info_request", struct{}{})
	if err != nil {
		return "", fmt.Errorf("ask the kernel for its version: %w", err)
	}
	var info struct {
		Version string `json:"implementation_version"`
	}
	if err := json.Unmarshal(b, &info); err != nil {
		return "", fmt.Errorf("ask the kernel for its version: %w", err)
	}
	return info.Version, nil
}

// Execute implements run.Kernel.
func (p *Process) Execute(ctx context.Context, code, cellID string, on func(run.Message)) (run.Reply, error) {
	reply, err := p.kernel.Execute(ctx, client.Cell{
		Code: code, ID: cellID,
		On: func(m client.Message) { on(run.Message{Type: m.Type, Content: m.Content}) },
	})
	return run.Reply{Status: reply.Status, Count: reply.Count, EName: reply.EName, EValue: reply.EValue, Traceback: reply.Traceback}, err
}

// Interrupt implements run.Kernel.
func (p *Process) Interrupt(ctx context.Context) error { return p.kernel.Interrupt(ctx) }

// Close ends the kernel and everything below it.
func (p *Process) Close() { p.kernel.Close() }
