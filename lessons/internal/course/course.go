// Package course knows the course: where its lessons are, which claims of the
// article they test, and what verdicts an executed lesson holds.
package course

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"spindle/lessons/internal/notebook"
)

// Lesson is one notebook of the course.
type Lesson struct {
	Number string // "04"
	Name   string // "04-goroutine": the file's name without .ipynb
	Path   string
}

// Root finds the module's folder from dir upwards.
func Root(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the course: %w", err)
	}
	for d := abs; ; d = filepath.Dir(d) {
		if b, err := os.ReadFile(filepath.Join(d, "go.mod")); err == nil && moduleLine.Match(b) {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("the course isn't in %s or above it: run this in the repository of Spindle", abs)
		}
	}
}

var moduleLine = regexp.MustCompile(`(?m)^module spindle\s*$`)

var lessonFile = regexp.MustCompile(`^(\d\d)-[a-z0-9-]+\.ipynb$`)

// Lessons lists the lessons in dir in order; with names, only those: each is
// a number ("4", "04"), a name ("04-goroutine") or a path to a notebook,
// which need not be in dir.
func Lessons(dir string, names ...string) ([]Lesson, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list lessons: %w", err)
	}
	var all []Lesson
	for _, e := range entries {
		if m := lessonFile.FindStringSubmatch(e.Name()); m != nil {
			all = append(all, Lesson{Number: m[1], Name: strings.TrimSuffix(e.Name(), ".ipynb"), Path: filepath.Join(dir, e.Name())})
		}
	}
	if len(names) == 0 {
		if len(all) == 0 {
			return nil, fmt.Errorf("there are no lessons (NN-name.ipynb) in %s", dir)
		}
		return all, nil
	}
	var chosen []Lesson
	for _, name := range names {
		l, err := find(all, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(chosen, l) {
			chosen = append(chosen, l)
		}
	}
	return chosen, nil
}

func find(all []Lesson, name string) (Lesson, error) {
	for _, l := range all {
		if l.Name == name || l.Number == name || l.Number == "0"+name {
			return l, nil
		}
	}
	if strings.HasSuffix(name, ".ipynb") {
		if _, err := os.Stat(name); err != nil {
			return Lesson{}, fmt.Errorf("find lesson: %w", err)
		}
		base := strings.TrimSuffix(filepath.Base(name), ".ipynb")
		l := Lesson{Name: base, Path: name}
		if m := lessonFile.FindStringSubmatch(filepath.Base(name)); m != nil {
			l.Number = m[1]
		}
		return l, nil
	}
	have := make([]string, len(all))
	for i, l := range all {
		have[i] = l.Name
	}
	return Lesson{}, fmt.Errorf("there is no lesson %q; there are: %s", name, strings.Join(have, ", "))
}

// VerdictMIME marks an output that carries a Verdict as a JSON object.
const VerdictMIME = "application/vnd.spindle.verdict+json"

// Verdict is what a run found of one claim.
type Verdict struct {
	Claim   string
	Verdict string // one of Outcomes
	Reason  string
	Lesson  string // the lesson's name
	CellID  string
}

// Outcomes lists what a verdict may say.
func Outcomes() []string {
	return []string{"holds", "holds in part", "fails here", "reasoned", "skip"}
}

// Verdicts reads the verdicts out of a lesson's outputs, in order. The error
// joins one for each that isn't of the right shape; the others are returned.
func Verdicts(lesson string, n *notebook.Notebook) ([]Verdict, error) {
	var all []Verdict
	var bad []error
	for _, c := range n.Cells {
		for _, o := range c.Outputs {
			raw, ok := o.Data[VerdictMIME]
			if !ok {
				continue
			}
			v, err := readVerdict(raw)
			if err != nil {
				bad = append(bad, fmt.Errorf("cell %s: verdict: %w", c.ID, err))
				continue
			}
			v.Lesson, v.CellID = lesson, c.ID
			all = append(all, v)
		}
	}
	return all, errors.Join(bad...)
}

func readVerdict(raw any) (Verdict, error) {
	o, ok := raw.(map[string]any)
	if !ok {
		return Verdict{}, fmt.Errorf("it is no JSON object but a %T", raw)
	}
	claim, _ := o["claim"].(string)
	verdict, _ := o["verdict"].(string)
	reason, _ := o["reason"].(string)
	switch {
	case !IsClaim(claim):
		return Verdict{}, fmt.Errorf("%q is no claim of the article", claim)
	case !slices.Contains(Outcomes(), verdict):
		return Verdict{}, fmt.Errorf("claim %s: %q is none of %s", claim, verdict, strings.Join(Outcomes(), ", "))
	case strings.TrimSpace(reason) == "":
		return Verdict{}, fmt.Errorf("claim %s: it gives no reason", claim)
	}
	return Verdict{Claim: claim, Verdict: verdict, Reason: reason}, nil
}

// Row is one line of the table of claims: a claim and one verdict on it.
type Row struct {
	Claim
	Verdict *Verdict // nil where no run of a lesson gave one
}

// Table sets the verdicts beside the article's claims, in its order; a claim
// that several lessons judge has several rows.
func Table(verdicts []Verdict) []Row {
	var rows []Row
	for _, c := range Claims() {
		before := len(rows)
		for i := range verdicts {
			if verdicts[i].Claim == c.ID {
				rows = append(rows, Row{Claim: c, Verdict: &verdicts[i]})
			}
		}
		if len(rows) == before {
			rows = append(rows, Row{Claim: c})
		}
	}
	return rows
}
