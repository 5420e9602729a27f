// Package kernelspec writes, reads and removes the folder by which Jupyter
// knows the kernel: kernel.json, the logos and the kernel's binary itself.
// The folder appears whole or not at all.
package kernelspec

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Name is the kernel's name, and that of its folder.
const Name = "spindle"

// Binary is the kernel's file name in its folder.
const Binary = "spindle-kernel"

//go:embed logos/logo-32x32.png logos/logo-64x64.png logos/logo-svg.svg
var logos embed.FS

// Spec is kernel.json
// (https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs).
type Spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Env           map[string]string `json:"env,omitempty"`
	Metadata      Metadata          `json:"metadata"`
}

// Metadata is ours: what the kernel was built from, so that a stale one is seen.
type Metadata struct {
	Source    string `json:"spindle_source"`         // the module's folder
	Sources   string `json:"spindle_sources_sha256"` // of what was built: gobuild.Digest
	GoVersion string `json:"spindle_go"`             // "go1.26.8"
}

// New is the spec of a kernel whose folder is dir, an absolute path.
func New(dir string, m Metadata) Spec {
	return Spec{
		Argv:          []string{filepath.Join(dir, Binary), "{connection_file}"},
		DisplayName:   "Go (Spindle)",
		Language:      "go",
		InterruptMode: "message",
		Metadata:      m,
	}
}

// Dir is the kernel's folder under a Jupyter data folder.
func Dir(data string) string { return filepath.Join(data, "kernels", Name) }

// Install makes the folder Dir(data), an absolute path, with the kernel that
// build writes to the path it is given. A folder that was there is replaced in one
// step; when anything fails, it stays as it was.
func Install(data string, m Metadata, build func(path string) error) (dir string, err error) {
	dir = Dir(data)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", cantWrite(parent, err)
	}
	// Jupyter takes any folder of kernels/ for a kernel whose name has only
	// letters, digits, "-", "_" and ".": "~" hides the unfinished one.
	sweep(parent)
	stage, err := os.MkdirTemp(parent, Name+"~")
	if err != nil {
		return "", cantWrite(parent, err)
	}
	defer os.RemoveAll(stage)
	if err := os.Chmod(stage, 0o755); err != nil {
		return "", cantWrite(stage, err)
	}
	if err := build(filepath.Join(stage, Binary)); err != nil {
		return "", err
	}
	if err := fill(stage, New(dir, m)); err != nil {
		return "", cantWrite(parent, err)
	}
	if err := replace(stage, dir); err != nil {
		return "", cantWrite(dir, err)
	}
	return dir, nil
}

func fill(stage string, s Spec) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := write(filepath.Join(stage, "kernel.json"), append(text, '\n')); err != nil {
		return err
	}
	return fs.WalkDir(logos, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := logos.ReadFile(path)
		if err != nil {
			return err
		}
		return write(filepath.Join(stage, filepath.Base(path)), b)
	})
}

// write writes a file and waits for the disk, so that a machine that stops
// right after the rename doesn't come up with an empty kernel.json.
func write(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// replace puts stage where dir is, and what was there is gone afterwards.
func replace(stage, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(stage, dir)
	}
	if err := exchange(stage, dir); err == nil {
		return os.RemoveAll(stage) // now the old one
	}
	// No exchange on this system: for an instant there is neither.
	old := stage + "-old"
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	if err := os.Rename(stage, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}

// sweep removes what an install that was killed left behind.
func sweep(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, Name+"~*"))
	for _, dir := range left {
		_ = os.RemoveAll(dir)
	}
}

// Read reads the kernel.json of a kernel's folder. It errors where there is
// none (fs.ErrNotExist), or one that isn't JSON.
func Read(dir string) (Spec, error) {
	var s Spec
	path := filepath.Join(dir, "kernel.json")
	f, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	return s, nil
}

// Remove removes the kernel's folder. It refuses a folder that isn't Spindle's.
func Remove(dir string) error {
	s, err := Read(dir)
	if err != nil {
		return err
	}
	if len(s.Argv) == 0 || !strings.Contains(filepath.Base(s.Argv[0]), Name) {
		return fmt.Errorf("%s isn't Spindle's: its kernel.json starts %q", dir, s.Argv)
	}
	// First out of sight, so that a removal that stops halfway leaves no
	// half a kernel for Jupyter to find.
	gone := filepath.Join(filepath.Dir(dir), Name+"~gone")
	_ = os.RemoveAll(gone)
	if err := os.Rename(dir, gone); err != nil {
		return cantWrite(dir, err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return cantWrite(gone, err)
	}
	return nil
}

// WriteError says that the folder can't be written, and why.
type WriteError struct {
	Path string
	Err  error
}

func cantWrite(path string, err error) error { return &WriteError{path, err} }

func (e *WriteError) Error() string {
	return fmt.Sprintf("can't write the kernelspec folder %s: %v", e.Path, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }
