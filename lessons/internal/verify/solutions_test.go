package verify

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const solutions = "# Solutions: 04\n\n## 04-1 Wait for `it`\n\n### Solution\n\nWhy.\n\n```go\nfunc answer() {\n\t// right\n}\n```\n\n" +
	"### Wrong: sleeps and hopes\n\n```go\nfunc answer() {}\n```\n\n> it slept\n> too long\n\n```go\nnot this\n```\n\n## 04-2 Two\n\n### Solution\n\n```go\nb\n```\n\n### Wrong: x\n\n```go\nc\n```\n\n> no\n"

func TestParseSolutions(t *testing.T) {
	got, err := parseSolutions([]byte(solutions))
	if err != nil {
		t.Fatal(err)
	}
	want := &Solutions{Exercises: []Exercise{
		{"04-1", "Wait for it", "func answer() {\n\t// right\n}", []Wrong{{"sleeps and hopes", "func answer() {}", "it slept too long"}}},
		{"04-2", "Two", "b", []Wrong{{"x", "c", "no"}}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseSolutionsRefuses(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"nothing", solutions, "# Solutions", "no exercise"},
		{"no solution", "```go\nfunc answer() {\n\t// right\n}\n```\n\n", "", "exercise 04-1 has no solution"},
		{"no wrong answer", "### Wrong: x\n\n```go\nc\n```\n\n> no\n", "", "exercise 04-2 has no wrong answer"},
		{"no reason", "> no\n", "", `wrong answer "x" has no quote`},
		{"no code", "```go\nc\n```", "", `wrong answer "x" has no code`},
		{"two solutions", "### Wrong: x", "### Solution", "exercise 04-2 has two solutions"},
		{"twice", "## 04-2 Two", "## 04-1 Two", "exercise 04-1 comes twice"},
		{"another heading", "### Wrong: x", "### Wrong x", "neither Solution nor Wrong"},
		{"an orphan", "## 04-1 Wait for `it`", "", "stands under no exercise"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.Replace(solutions, tt.from, tt.to, 1)
			if in == solutions {
				t.Fatal("the table changes nothing")
			}
			_, err := parseSolutions([]byte(in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// The course's own files must at least be readable; verify runs what is in them.
func TestSolutionsOfTheCourse(t *testing.T) {
	files, err := filepath.Glob("../../solutions/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no solutions found (%v)", err)
	}
	for _, f := range files {
		if _, err := ReadSolutions(f); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseSolutions(f *testing.F) {
	f.Add([]byte(solutions))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSolutions(b)
		if err != nil {
			return
		}
		for _, e := range s.Exercises {
			if e.Solution == "" || len(e.Wrong) == 0 || s.Get(e.ID) == nil {
				t.Fatalf("an exercise that isn't whole was taken: %+v", e)
			}
		}
	})
}
