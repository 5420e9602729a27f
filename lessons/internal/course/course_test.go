package course

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spindle/lessons/internal/notebook"
)

func touch(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRoot(t *testing.T) {
	dir := t.TempDir()
	touch(t, filepath.Join(dir, "go.mod"), "// x\nmodule spindle\n\ngo 1.26\n")
	touch(t, filepath.Join(dir, "lessons", "other", "go.mod"), "module spindlework\n")
	for _, from := range []string{"", "lessons", "lessons/other"} {
		got, err := Root(filepath.Join(dir, from))
		if err != nil || got != dir {
			t.Errorf("from %q: %q, %v", from, got, err)
		}
	}
	if _, err := Root(t.TempDir()); err == nil {
		t.Error("a root was found where there is none")
	}
}

func TestLessons(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"04-goroutine.ipynb", "01-process.ipynb", "Untitled.ipynb", "12-a.md", "1-short.ipynb"} {
		touch(t, filepath.Join(dir, name), "")
	}
	elsewhere := filepath.Join(t.TempDir(), "mine.ipynb")
	touch(t, elsewhere, "")
	tests := []struct {
		names []string
		want  string // names found, or the error
	}{
		{nil, "01-process 04-goroutine"},
		{[]string{"04"}, "04-goroutine"},
		{[]string{"4", "1"}, "04-goroutine 01-process"},
		{[]string{"04-goroutine", "4"}, "04-goroutine"},
		{[]string{filepath.Join(dir, "01-process.ipynb")}, "01-process"},
		{[]string{elsewhere}, "mine"},
		{[]string{"7"}, `there is no lesson "7"; there are: 01-process, 04-goroutine`},
		{[]string{filepath.Join(dir, "none.ipynb")}, "no such file"},
	}
	for _, tt := range tests {
		lessons, err := Lessons(dir, tt.names...)
		var got []string
		for _, l := range lessons {
			got = append(got, l.Name)
		}
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q: %v, want %s", tt.names, err, tt.want)
			}
		} else if strings.Join(got, " ") != tt.want {
			t.Errorf("%q: %v, want %s", tt.names, got, tt.want)
		}
	}
	if _, err := Lessons(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there are no lessons") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestVerdicts(t *testing.T) {
	out := func(v any) *notebook.Output {
		return &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{VerdictMIME: v}}
	}
	verdict := func(claim, verdict, reason string) any {
		return map[string]any{"claim": claim, "verdict": verdict, "reason": reason}
	}
	n := &notebook.Notebook{Cells: []*notebook.Cell{
		{ID: "a", Outputs: []*notebook.Output{out(verdict("P2", "holds", "so")), {Type: notebook.Stream}}},
		{ID: "b", Outputs: []*notebook.Output{
			out(verdict("P1", "fails here", "not so")), out(verdict("X9", "holds", "so")), out(verdict("P1", "maybe", "so")),
			out(verdict("P1", "holds", " ")), out("text"),
		}},
	}}
	got, err := Verdicts("01-process", n)
	want := []Verdict{{"P2", "holds", "so", "01-process", "a"}, {"P1", "fails here", "not so", "01-process", "b"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, part := range []string{`"X9" is no claim`, `"maybe" is none of`, "gives no reason", "no JSON object"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}

	table := Table(append(got, Verdict{Claim: "P1", Verdict: "holds", Lesson: "02-thread"}))
	if len(table) != len(Claims())+1 {
		t.Fatalf("%d rows", len(table))
	}
	for i, want := range []string{"P1 01-process", "P1 02-thread", "P2 01-process", "P3"} {
		got := table[i].ID
		if v := table[i].Verdict; v != nil {
			got += " " + v.Lesson
		}
		if got != want {
			t.Errorf("row %d is %s, want %s", i, got, want)
		}
	}
}
