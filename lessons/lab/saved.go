package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// resultsEnv names a folder for results other than the usual one.
const resultsEnv = "SPINDLE_RESULTS"

// ResultsDir is where results are kept between lessons: $SPINDLE_RESULTS, or
// spindle/results in the user's cache folder.
func ResultsDir() (string, error) {
	if d := os.Getenv(resultsEnv); d != "" {
		return d, nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %w", err)
	}
	return filepath.Join(d, "spindle", "results"), nil
}

// Save keeps the result for later lessons, in place of an older one of the
// same experiment.
func (r *Result) Save() error {
	dir, err := ResultsDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, r.Name+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	if _, err := f.WriteString(r.JSON() + "\n"); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, r.Name+".json"))
}

// Saved returns the kept result of an experiment from an earlier cell or
// lesson, or nil where it has not run on this machine yet.
func Saved(name string) *Result {
	dir, err := ResultsDir()
	if err != nil {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)+".json"))
	if err != nil {
		return nil
	}
	r, err := ParseResult(b)
	if err != nil {
		return nil
	}
	return r
}

// strictJSON decodes data into v and refuses unknown fields: a misspelt
// parameter must not be a silent default.
func strictJSON(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
