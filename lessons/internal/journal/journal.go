// Package journal keeps what a learner found out, across lessons and days:
// guesses, measured numbers and the claims' verdicts, in one JSON file of
// theirs. The last lessons are made of it.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Env names the variable that moves the journal's file, for tests and for
// machines with many learners under one account.
const Env = "SPINDLE_JOURNAL"

// Number is a measured quantity. Low and High are the smallest and the largest
// sample, 0 where it was a single reading.
type Number struct {
	Title string    `json:"title,omitempty"` // of the quantity, for people
	Value float64   `json:"value"`
	Low   float64   `json:"low,omitempty"`
	High  float64   `json:"high,omitempty"`
	Unit  string    `json:"unit"`
	N     int       `json:"n,omitempty"` // samples
	When  time.Time `json:"when"`
}

// Verdict is what the data of a run said about a claim.
type Verdict struct {
	Verdict string    `json:"verdict"`
	Reason  string    `json:"reason"`
	When    time.Time `json:"when"`
}

// Pages is the journal's content: guesses and measured numbers by quantity, as
// in "switch.thread", verdicts by the claim's id.
type Pages struct {
	Guesses  map[string]Number  `json:"guesses"`
	Measured map[string]Number  `json:"measured"`
	Claims   map[string]Verdict `json:"claims"`
	Passed   map[string]bool    `json:"passed"` // exercises
}

// Book is a journal in a file.
type Book struct {
	path string
	mu   sync.Mutex // held over a read, change and write
}

// Open returns the journal at path, or the learner's own where path is "":
// $SPINDLE_JOURNAL, else $XDG_DATA_HOME/spindle/journal.json, else the same
// under ~/.local/share. The file need not be there.
func Open(path string) (*Book, error) {
	if path == "" {
		path = os.Getenv(Env)
	}
	if path == "" {
		dir := os.Getenv("XDG_DATA_HOME")
		if dir == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return nil, fmt.Errorf("find the journal: %w", err)
			}
			dir = filepath.Join(home, ".local", "share")
		}
		path = filepath.Join(dir, "spindle", "journal.json")
	}
	return &Book{path: path}, nil
}

// Path is the journal's file.
func (b *Book) Path() string { return b.path }

// Read returns the journal's content, empty where nothing was kept yet.
func (b *Book) Read() (Pages, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read()
}

// Change reads the journal, lets change edit it and writes it back. Another
// process sees the old content or the new, never a part; of two that change
// it at the same moment the later wins, which costs a learner one line.
func (b *Book) Change(change func(*Pages)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, err := b.read()
	if err != nil {
		return err
	}
	change(&p)
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	dir := filepath.Dir(b.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	tmp, err := os.CreateTemp(dir, ".journal-*")
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already where the rename went well
	_, err = tmp.Write(append(text, '\n'))
	if err := errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := os.Rename(tmp.Name(), b.path); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

func (b *Book) read() (Pages, error) {
	var p Pages
	text, err := os.ReadFile(b.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return p, fmt.Errorf("read the journal: %w", err)
	default:
		if err := json.Unmarshal(text, &p); err != nil {
			return p, fmt.Errorf("read the journal %s: %w; move it away to begin a new one", b.path, err)
		}
	}
	if p.Guesses == nil {
		p.Guesses = map[string]Number{}
	}
	if p.Measured == nil {
		p.Measured = map[string]Number{}
	}
	if p.Claims == nil {
		p.Claims = map[string]Verdict{}
	}
	if p.Passed == nil {
		p.Passed = map[string]bool{}
	}
	return p, nil
}
