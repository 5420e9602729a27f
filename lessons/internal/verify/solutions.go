package verify

import (
	"fmt"
	"os"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Solutions is one file of lessons/solutions: answers to the exercises of a
// lesson, right and wrong. docs/lesson-format.md gives its form.
type Solutions struct {
	Exercises []Exercise
}

// Exercise has the answers to one exercise.
type Exercise struct {
	ID       string // "04-1"
	Title    string
	Solution string // the whole source of the exercise's cell
	Wrong    []Wrong
}

// Wrong is a wrong answer that a learner may well give.
type Wrong struct {
	Name   string
	Source string
	// Reason has words that the check's reason must contain, letter case aside.
	Reason string
}

// ReadSolutions reads a file of solutions.
func ReadSolutions(path string) (*Solutions, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read solutions: %w", err)
	}
	s, err := parseSolutions(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Get returns the exercise of that id, nil where the file has none.
func (s *Solutions) Get(id string) *Exercise {
	for i := range s.Exercises {
		if s.Exercises[i].ID == id {
			return &s.Exercises[i]
		}
	}
	return nil
}

// parseSolutions walks the blocks of the file: "## ID title" opens an
// exercise, "### Solution" and "### Wrong: name" an answer of it, whose first
// code block is the answer; a quote after it has the words of the reason.
func parseSolutions(src []byte) (*Solutions, error) {
	s := &Solutions{}
	var e *Exercise
	var code *string // where the next code block goes
	var wrong *Wrong
	doc := goldmark.DefaultParser().Parse(text.NewReader(src))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			words := strings.TrimSpace(blockText(n, src))
			code, wrong = nil, nil
			switch n.Level {
			case 1:
				e = nil
			case 2:
				id, title, _ := strings.Cut(words, " ")
				if s.Get(id) != nil {
					return nil, fmt.Errorf("exercise %s comes twice", id)
				}
				s.Exercises = append(s.Exercises, Exercise{ID: id, Title: title})
				e = &s.Exercises[len(s.Exercises)-1]
			case 3:
				if e == nil {
					return nil, fmt.Errorf("%q stands under no exercise", words)
				}
				if words == "Solution" {
					if e.Solution != "" {
						return nil, fmt.Errorf("exercise %s has two solutions", e.ID)
					}
					code = &e.Solution
					continue
				}
				name, ok := strings.CutPrefix(words, "Wrong:")
				if !ok {
					return nil, fmt.Errorf("exercise %s: %q is neither Solution nor Wrong: …", e.ID, words)
				}
				e.Wrong = append(e.Wrong, Wrong{Name: strings.TrimSpace(name)})
				wrong = &e.Wrong[len(e.Wrong)-1]
				code = &wrong.Source
			}
		case *ast.FencedCodeBlock:
			if code != nil && *code == "" {
				*code = strings.TrimRight(linesText(n, src), "\n")
			}
		case *ast.Blockquote:
			if wrong != nil && wrong.Source != "" && wrong.Reason == "" {
				wrong.Reason = strings.TrimSpace(blockText(n, src))
			}
		}
	}
	return s, s.complete()
}

func (s *Solutions) complete() error {
	if len(s.Exercises) == 0 {
		return fmt.Errorf("it has no exercise (## ID)")
	}
	for _, e := range s.Exercises {
		if e.Solution == "" {
			return fmt.Errorf("exercise %s has no solution with code", e.ID)
		}
		if len(e.Wrong) == 0 {
			return fmt.Errorf("exercise %s has no wrong answer", e.ID)
		}
		for _, w := range e.Wrong {
			if w.Source == "" {
				return fmt.Errorf("exercise %s: wrong answer %q has no code", e.ID, w.Name)
			}
			if w.Reason == "" {
				return fmt.Errorf("exercise %s: wrong answer %q has no quote with the words of its reason", e.ID, w.Name)
			}
		}
	}
	return nil
}

func linesText(n ast.Node, src []byte) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(src))
	}
	return b.String()
}

// blockText is the text of a block without its markup, line ends as spaces.
func blockText(n ast.Node, src []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Segment.Value(src))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
