// Package course keeps the learner's working copy of the lessons: the folder
// that JupyterLab opens. What the learner changed is never overwritten, and the
// clone never gets dirty.
package course

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// record is the file that remembers what was copied: name → SHA-256 in hex.
const record = ".spindle-course.json"

// Report says what Sync did, by names relative to the folder, sorted.
type Report struct {
	New     []string // copied for the first time
	Updated []string // the lesson changed, the learner's copy was untouched
	Kept    []string // the learner's own
	Beside  []string // the lesson changed too: its new version, beside the learner's
	Moved   string   // where a fresh start moved the old folder, or ""
	First   string   // the first lesson
}

// Sync brings the working folder up to date with the lessons in from.
// With fresh, the folder that is there is first moved aside.
func Sync(from, folder string, fresh bool, now time.Time) (Report, error) {
	var r Report
	if fresh {
		if _, err := os.Lstat(folder); err == nil {
			r.Moved = folder + "." + now.Format("2006-01-02-150405")
			if err := os.Rename(folder, r.Moved); err != nil {
				return r, fmt.Errorf("move the old course aside: %w", err)
			}
		}
	}
	files, err := list(from)
	if err != nil {
		return r, fmt.Errorf("read the lessons: %w", err)
	}
	r.First = files[0]
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return r, fmt.Errorf("make the course's folder: %w", err)
	}
	copied, err := readRecord(folder)
	if err != nil {
		return r, err
	}
	for _, name := range files {
		if err := r.sync(from, folder, name, copied); err != nil {
			return r, fmt.Errorf("copy %s: %w", name, err)
		}
	}
	text, err := json.MarshalIndent(copied, "", " ")
	if err != nil {
		return r, err
	}
	if err := write(filepath.Join(folder, record), append(text, '\n')); err != nil {
		return r, fmt.Errorf("write the course's record: %w", err)
	}
	return r, nil
}

// sync brings one file up to date.
func (r *Report) sync(from, folder, name string, copied map[string]string) error {
	lesson, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		return err
	}
	if filepath.Ext(name) == ".ipynb" {
		lesson = unrun(lesson)
	}
	target := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	theirs, err := os.ReadFile(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.New = append(r.New, name)
	case err != nil:
		return err
	case bytes.Equal(theirs, lesson):
		copied[name] = sum(lesson)
		return nil
	case sum(theirs) == copied[name]:
		r.Updated = append(r.Updated, name)
	default:
		r.Kept = append(r.Kept, name)
		if copied[name] == sum(lesson) {
			return nil // the lesson is the one that the learner began with
		}
		beside := unused(folder, name)
		r.Beside = append(r.Beside, beside)
		copied[name] = sum(lesson)
		return write(filepath.Join(folder, beside), lesson)
	}
	copied[name] = sum(lesson)
	return write(target, lesson)
}

// unrun is a notebook without outputs: the lessons hold those of another
// machine, which would stand there before the learner has guessed. What is no
// notebook stays as it is, for JupyterLab to say so.
func unrun(lesson []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(lesson))
	d.UseNumber()
	var notebook map[string]any
	if d.Decode(&notebook) != nil {
		return lesson
	}
	cells, _ := notebook["cells"].([]any)
	for _, c := range cells {
		if cell, ok := c.(map[string]any); ok && cell["cell_type"] == "code" {
			cell["outputs"], cell["execution_count"] = []any{}, nil
		}
	}
	var out bytes.Buffer // sorted keys, one space: as Jupyter writes it
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if e.Encode(notebook) != nil {
		return lesson
	}
	return out.Bytes()
}

// unused is a name for the new version of a lesson that no file has yet: an
// earlier new version may be the one that the learner went on with.
func unused(folder, name string) string {
	ext := filepath.Ext(name)
	base := strings.TrimSuffix(name, ext)
	for i := 1; ; i++ {
		beside := base + ".new" + ext
		if i > 1 {
			beside = fmt.Sprintf("%s.new%d%s", base, i, ext)
		}
		if _, err := os.Lstat(filepath.Join(folder, beside)); errors.Is(err, fs.ErrNotExist) {
			return beside
		}
	}
}

// list names the files of the course under dir: the notebooks and the solutions.
func list(dir string) ([]string, error) {
	var out []string
	for _, pattern := range []string{"*.ipynb", "solutions/*.md"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return nil, err
			}
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no notebooks", dir)
	}
	return out, nil // Glob sorts; notebooks come first
}

func readRecord(folder string) (map[string]string, error) {
	copied := map[string]string{}
	b, err := os.ReadFile(filepath.Join(folder, record))
	if errors.Is(err, fs.ErrNotExist) {
		return copied, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the course's record: %w", err)
	}
	if json.Unmarshal(b, &copied) != nil || copied == nil {
		// Without it every file that differs counts as the learner's.
		return map[string]string{}, nil
	}
	return copied, nil
}

// write replaces a file in one step, so that it is never half a notebook.
func write(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".spindle-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
