// Package gobuild builds this module's programs with the Go toolchain and says
// what they were built from.
package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
)

// Module is the checked-out source of Spindle.
type Module struct {
	Dir  string // its root, absolute
	Path string // "spindle"
	goes string // the go command
}

// ErrNoGo is returned where there is no Go toolchain.
var ErrNoGo = errors.New("there is no go command on the PATH: install Go (https://go.dev/dl) and try again")

// Find finds the module that the current folder is part of, and the go command.
func Find(ctx context.Context) (Module, error) {
	goes, err := command()
	if err != nil {
		return Module{}, err
	}
	m := Module{goes: goes}
	out, err := m.run(ctx, "list", "-m", "-json")
	if err != nil {
		return m, fmt.Errorf("find the module: %w", err)
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&m); err != nil {
		return m, fmt.Errorf("find the module: %w", err)
	}
	if m.Dir == "" || m.Path != "spindle" {
		return m, fmt.Errorf("this isn't Spindle's folder (module %q): change into the clone and try again", m.Path)
	}
	return m, nil
}

// command finds go: on the PATH, or the one that runs this program.
func command() (string, error) {
	if path, err := exec.LookPath("go"); err == nil {
		return path, nil
	}
	if root := os.Getenv("GOROOT"); root != "" {
		path := filepath.Join(root, "bin", "go")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrNoGo
}

// Build builds the package at path, cgo off, into the file out.
func (m Module) Build(ctx context.Context, path, out string) error {
	// The stamp of the version control system would need git, and a clone that
	// git trusts; the digest says more.
	if _, err := m.run(ctx, "build", "-buildvcs=false", "-o", out, path); err != nil {
		return fmt.Errorf("build %s: %w", path, err)
	}
	return nil
}

// GoVersion is the toolchain's version, "go1.26.8".
func (m Module) GoVersion(ctx context.Context) (string, error) {
	out, err := m.run(ctx, "env", "GOVERSION")
	if err != nil {
		return "", fmt.Errorf("ask for Go's version: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Digest is a SHA-256, in hex, of the module's own files that the package at
// path is built from, of go.mod and of go.sum.
func (m Module) Digest(ctx context.Context, path string) (string, error) {
	out, err := m.run(ctx, "list", "-deps", "-json=Dir,GoFiles,EmbedFiles,Module", path)
	if err != nil {
		return "", fmt.Errorf("list what %s is built from: %w", path, err)
	}
	files := []string{filepath.Join(m.Dir, "go.mod"), filepath.Join(m.Dir, "go.sum")}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir                 string
			GoFiles, EmbedFiles []string
			Module              *struct{ Main bool }
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", fmt.Errorf("list what %s is built from: %w", path, err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, f := range append(p.GoFiles, p.EmbedFiles...) {
			files = append(files, filepath.Join(p.Dir, f))
		}
	}
	sort.Strings(files)
	sum := sha256.New()
	for _, f := range files {
		if err := add(sum, m.Dir, f); err != nil {
			return "", fmt.Errorf("read what %s is built from: %w", path, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// add hashes a file's name under root, its size and its content.
func add(sum hash.Hash, root, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "%s\x00%d\x00", filepath.ToSlash(name), len(b))
	sum.Write(b)
	return nil
}

// run runs the go command in the module's folder (or here, before it is
// known) and returns its standard output.
func (m Module) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, m.goes, args...)
	cmd.Dir = m.Dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	// An interrupt lets go remove its temporary files.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, text)
		}
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return stdout.Bytes(), nil
}
