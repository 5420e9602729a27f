// Package verify holds the course to its promises: that the notebooks in the
// repository carry the outputs of a real run of the cells that they show, that
// every claim of the article has its experiment, and that every exercise can
// be failed, helped with and solved. docs/lesson-format.md says what is held.
package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/notebook"
)

// CheckMIME marks an output that carries the result of an exercise's check.
const CheckMIME = "application/vnd.spindle.check+json"

// ResultMIME marks an output that carries an experiment's result.
const ResultMIME = "application/vnd.spindle.result+json"

// minExercises is how many exercises a lesson has at least.
const minExercises = 2

// Problem is one promise that isn't kept.
type Problem struct {
	Lesson string // its name
	Cell   string // its id, "" where the whole lesson or course is meant
	Text   string
}

func (p Problem) String() string {
	if p.Cell != "" {
		return p.Lesson + ", cell " + p.Cell + ": " + p.Text
	}
	return p.Lesson + ": " + p.Text
}

// Lesson is a lesson as verify has found it.
type Lesson struct {
	course.Lesson
	Notebook  *notebook.Notebook // nil where it can't be read
	Claims    []string           // ids that cells are tagged with, in order
	Exercises []string           // ids of exercises that have a stub, in order
	Captured  string             // date of the run, "" for none
	Problems  []Problem
}

func (l *Lesson) problem(cell *notebook.Cell, format string, args ...any) {
	p := Problem{Lesson: l.Name, Text: fmt.Sprintf(format, args...)}
	if cell != nil {
		p.Cell = cell.ID
	}
	l.Problems = append(l.Problems, p)
}

// Read reads a lesson and checks all that can be seen without running it.
func Read(c course.Lesson) *Lesson {
	l := &Lesson{Lesson: c}
	b, err := os.ReadFile(c.Path)
	if err != nil {
		l.problem(nil, "%v", err)
		return l
	}
	n, err := notebook.Read(b)
	if err != nil {
		l.problem(nil, "%v", err)
		return l
	}
	l.Notebook = n
	if canonical, err := n.Encode(); err != nil {
		l.problem(nil, "%v", err)
	} else if !bytes.Equal(b, canonical) {
		l.problem(nil, "the file isn't canonical: line %d is the first to differ from what `go run ./lessons strip` and `capture` write", differ(b, canonical))
	}
	l.frame()
	l.stamp()
	l.code()
	l.claims()
	l.exercises()
	return l
}

// differ is the first line, from 1, in which a and b differ.
func differ(a, b []byte) int {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return i + 1
		}
	}
	return min(len(x), len(y))
}

// frame checks what every lesson has.
func (l *Lesson) frame() {
	n := l.Notebook
	spec, _ := n.Metadata["kernelspec"].(map[string]any)
	if spec["name"] != "spindle" || spec["language"] != "go" {
		l.problem(nil, "metadata.kernelspec isn't that of the kernel spindle, language go")
	}
	info, _ := n.Metadata["language_info"].(map[string]any)
	if info["name"] != "go" || info["file_extension"] != ".go" {
		l.problem(nil, "metadata.language_info isn't that of Go")
	}
	s, _ := n.Metadata["spindle"].(map[string]any)
	minutes, _ := s["minutes"].(json.Number)
	if m, err := minutes.Int64(); err != nil || m < 1 {
		l.problem(nil, "metadata.spindle.minutes isn't a number of minutes")
	}
	if first := n.Cells[0]; first.Type != notebook.Markdown || !strings.HasPrefix(first.Source, "# ") {
		l.problem(first, "the first cell isn't Markdown that begins with the title")
	}
	for _, c := range n.Cells {
		if randomID.MatchString(c.ID) {
			l.problem(c, "the id doesn't speak")
		}
		if c.Type == notebook.Markdown {
			if m := remotePicture.FindString(c.Source); m != "" {
				l.problem(c, "a picture is fetched from elsewhere: %s", m)
			}
		}
	}
}

// JupyterLab names new cells by a UUID or 8 hexadecimal digits of one.
var randomID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?$`)

var remotePicture = regexp.MustCompile(`!\[[^\]]*\]\(\s*(?:https?:)?//[^)]*\)|(?i:<img[^>]+src\s*=\s*["']?(?:https?:)?//[^>]*>)`)

// stamped are the fields that say where outputs were measured.
var stamped = []string{"cpu", "cpus", "date", "go", "kernel_release", "memory_bytes", "os", "spindle"}

func (l *Lesson) stamp() {
	s, _ := l.Notebook.Metadata["spindle"].(map[string]any)
	captured, ok := s["captured"].(map[string]any)
	if !ok {
		l.problem(nil, "it carries no outputs of a real run (metadata.spindle.captured): `go run ./lessons capture %s`", l.Number)
		return
	}
	for _, f := range stamped {
		if v, ok := captured[f]; !ok || fmt.Sprint(v) == "" {
			l.problem(nil, "the stamp of its run lacks %q", f)
		}
	}
	date, _ := captured["date"].(string)
	if _, err := time.Parse(time.RFC3339, date); err != nil {
		l.problem(nil, "the date of its run: %v", err)
	}
	l.Captured = date
}

// code checks counts, hashes and shapes of outputs against the cells.
func (l *Lesson) code() {
	count := 0
	for _, c := range l.Notebook.Cells {
		if c.Type != notebook.Code {
			continue
		}
		if strings.TrimSpace(c.Source) == "" {
			l.problem(c, "the cell is blank")
			continue
		}
		count++
		s, _ := c.Metadata["spindle"].(map[string]any)
		hash, _ := s["source_sha256"].(string)
		switch {
		case l.Captured == "" && hash == "" && len(c.Outputs) == 0:
		case hash == "":
			l.problem(c, "its outputs aren't from `go run ./lessons capture`")
		case hash != c.SourceHash():
			l.problem(c, "the cell has changed since its outputs were captured")
		case c.ExecutionCount != count:
			l.problem(c, "execution count %d, and it is the code cell number %d", c.ExecutionCount, count)
		}
		if _, ok := c.Metadata["execution"]; ok {
			l.problem(c, "it carries the times of a run (metadata.execution)")
		}
		for i, o := range c.Outputs {
			if err := shape(c, o); err != nil {
				l.problem(c, "output %d: %v", i+1, err)
			}
		}
	}
}

// shape checks what the schema of nbformat leaves open.
func shape(c *notebook.Cell, o *notebook.Output) error {
	switch o.Type {
	case notebook.Error:
		if !c.HasTag("raises-exception") {
			return fmt.Errorf("it is an error (%s: %s), and the cell isn't tagged raises-exception", o.EName, o.EValue)
		}
		return nil
	case notebook.Stream:
		if o.Name != "stdout" && o.Name != "stderr" {
			return fmt.Errorf("a stream %q", o.Name)
		}
		return nil
	case notebook.ExecuteResult:
		if o.ExecutionCount != c.ExecutionCount {
			return fmt.Errorf("its count is %d, the cell's %d", o.ExecutionCount, c.ExecutionCount)
		}
	}
	if _, ok := o.Data["text/plain"].(string); !ok {
		return fmt.Errorf("it has no text/plain")
	}
	for mime, v := range o.Data {
		switch mime {
		case CheckMIME:
			if _, err := readCheck(v); err != nil {
				return err
			}
		case ResultMIME:
			if r, _ := v.(map[string]any); r["name"] == nil || r["env"] == nil {
				return fmt.Errorf("%s without name and env", mime)
			}
		}
	}
	return nil
}

// claims checks that a cell tagged with a claim ends in its verdict, and that
// a verdict comes out of a cell so tagged.
func (l *Lesson) claims() {
	verdicts, err := course.Verdicts(l.Name, l.Notebook)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			l.problem(nil, "%s", line)
		}
	}
	for _, c := range l.Notebook.Cells {
		for _, t := range c.Tags() {
			if !course.IsClaim(t) {
				continue
			}
			if c.Type != notebook.Code {
				l.problem(c, "tagged %s, and no code cell", t)
				continue
			}
			if !slices.Contains(l.Claims, t) {
				l.Claims = append(l.Claims, t)
			}
			if l.Captured != "" && !slices.ContainsFunc(verdicts, func(v course.Verdict) bool { return v.CellID == c.ID && v.Claim == t }) {
				l.problem(c, "tagged %s, and its outputs give no verdict on it", t)
			}
		}
		for _, v := range verdicts {
			if v.CellID == c.ID && !c.HasTag(v.Claim) {
				l.problem(c, "it gives a verdict on %s without the tag", v.Claim)
			}
		}
	}
}

// exercises checks that each stub has one check after it.
func (l *Lesson) exercises() {
	stubs, checks := map[string]bool{}, map[string]bool{}
	for _, c := range l.Notebook.Cells {
		if id, ok := c.TagValue("exercise:"); ok {
			if stubs[id] {
				l.problem(c, "a second stub of exercise %s", id)
			}
			if number, _, _ := strings.Cut(id, "-"); number != l.Number {
				l.problem(c, "exercise %s isn't of this lesson", id)
			}
			stubs[id] = true
			l.Exercises = append(l.Exercises, id)
		}
		if id, ok := c.TagValue("check:"); ok {
			if !stubs[id] {
				l.problem(c, "the check of exercise %s has no stub before it", id)
			}
			if checks[id] {
				l.problem(c, "a second check of exercise %s", id)
			}
			checks[id] = true
		}
	}
	for _, id := range l.Exercises {
		if !checks[id] {
			l.problem(nil, "exercise %s has no check", id)
		}
	}
	if len(l.Exercises) < minExercises {
		l.problem(nil, "%d exercises; a lesson has %d or more", len(l.Exercises), minExercises)
	}
}

// Coverage lists the claims of the article that no lesson has a cell for.
func Coverage(lessons []*Lesson) []Problem {
	var missing []Problem
	for _, c := range course.Claims() {
		if !slices.ContainsFunc(lessons, func(l *Lesson) bool { return slices.Contains(l.Claims, c.ID) }) {
			missing = append(missing, Problem{Lesson: "the course", Text: "no cell is tagged " + c.ID + ": " + c.Text})
		}
	}
	return missing
}
