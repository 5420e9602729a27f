package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/notebook"
)

func tagged(id, source string, tags ...string) *notebook.Cell {
	list := make([]any, len(tags))
	for i, t := range tags {
		list[i] = t
	}
	c := &notebook.Cell{Type: notebook.Code, ID: id, Source: source, Metadata: map[string]any{"tags": list}}
	c.Spindle()["source_sha256"] = c.SourceHash()
	return c
}

// good is a lesson with nothing to find fault with.
func good() *notebook.Notebook {
	n := &notebook.Notebook{
		Metadata: map[string]any{
			"kernelspec":    map[string]any{"name": "spindle", "display_name": "Go (Spindle)", "language": "go"},
			"language_info": map[string]any{"name": "go", "file_extension": ".go"},
			"spindle": map[string]any{"minutes": 20, "captured": map[string]any{
				"cpu": "x", "cpus": 2, "date": "2026-11-24T12:00:00Z", "go": "go1.26", "kernel_release": "Linux 6", "memory_bytes": 1, "os": "linux/amd64", "spindle": "0.1",
			}},
		},
		Cells: []*notebook.Cell{
			{Type: notebook.Markdown, ID: "title", Source: "# T"},
			tagged("imports", "import \"spindle/check\"", "setup"),
			tagged("p1-file", "1", "P1"),
			tagged("stub-1", "func answer() {}", "exercise:01-1"),
			tagged("check-1", "check.Exercise(\"01-1\")", "check:01-1"),
			tagged("stub-2", "func other() {}", "exercise:01-2"),
			tagged("check-2", "check.Exercise(\"01-2\")", "check:01-2"),
		},
	}
	for i, c := range n.CodeCells() {
		c.ExecutionCount = i + 1
	}
	n.Cells[2].Outputs = []*notebook.Output{{
		Type: notebook.ExecuteResult, ExecutionCount: 2,
		Data: map[string]any{"text/plain": "P1 holds", course.VerdictMIME: map[string]any{"claim": "P1", "verdict": "holds", "reason": "it does"}},
	}}
	n.Cells[4].Outputs = []*notebook.Output{{
		Type: notebook.DisplayData,
		Data: map[string]any{"text/plain": "not yet", CheckMIME: map[string]any{"exercise": "01-1", "pass": false, "reason": "x", "hint": "y", "hints": json.Number("2")}},
	}}
	return n
}

func read(t *testing.T, b []byte) *Lesson {
	t.Helper()
	path := filepath.Join(t.TempDir(), "01-one.ipynb")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(course.Lesson{Number: "01", Name: "01-one", Path: path})
}

func TestLesson(t *testing.T) {
	tests := []struct {
		name   string
		change func(n *notebook.Notebook)
		want   string // of the only problem; "" for none
	}{
		{"good", func(*notebook.Notebook) {}, ""},
		{"another kernel", func(n *notebook.Notebook) { n.Metadata["kernelspec"].(map[string]any)["name"] = "gophernotes" }, "metadata.kernelspec"},
		{"another language", func(n *notebook.Notebook) { n.Metadata["language_info"].(map[string]any)["name"] = "python" }, "metadata.language_info"},
		{"no minutes", func(n *notebook.Notebook) { delete(n.Spindle(), "minutes") }, "minutes"},
		{"no title", func(n *notebook.Notebook) { n.Cells[0].Source = "T" }, "cell title: the first cell"},
		{"an id by chance", func(n *notebook.Notebook) { n.Cells[0].ID = "0f3a77c2" }, "cell 0f3a77c2: the id doesn't speak"},
		{"an id of hex letters that speaks", func(n *notebook.Notebook) { n.Cells[0].ID = "facade" }, ""},
		{"a remote picture", func(n *notebook.Notebook) { n.Cells[0].Source += "\n![x](https://example.com/x.png)" }, "fetched from elsewhere"},
		{"a remote img", func(n *notebook.Notebook) { n.Cells[0].Source += "\n<img width=3 src='//example.com/x.png'>" }, "fetched from elsewhere"},
		{"a link is no picture", func(n *notebook.Notebook) { n.Cells[0].Source += "\n[x](https://example.com/x.png)" }, ""},
		{"never captured", func(n *notebook.Notebook) { n.Strip() }, "no outputs of a real run"},
		{"half a stamp", func(n *notebook.Notebook) { delete(n.Spindle()["captured"].(map[string]any), "cpu") }, `lacks "cpu"`},
		{"a date in words", func(n *notebook.Notebook) { n.Spindle()["captured"].(map[string]any)["date"] = "today" }, "the date of its run"},
		{"changed since", func(n *notebook.Notebook) { n.Cells[1].Source += " // more" }, "cell imports: the cell has changed since"},
		{"run in JupyterLab", func(n *notebook.Notebook) { delete(n.Cells[1].Metadata, "spindle") }, "cell imports: its outputs aren't from"},
		{"a count out of order", func(n *notebook.Notebook) { n.Cells[1].ExecutionCount = 9 }, "cell imports: execution count 9"},
		{"times of a run", func(n *notebook.Notebook) { n.Cells[1].Metadata["execution"] = map[string]any{} }, "metadata.execution"},
		{"a blank cell", func(n *notebook.Notebook) {
			n.Cells = append(n.Cells, &notebook.Cell{Type: notebook.Code, ID: "blank"})
		}, "cell blank: the cell is blank"},
		{"an error", func(n *notebook.Notebook) {
			n.Cells[1].Outputs = []*notebook.Output{{Type: notebook.Error, EName: "panic", EValue: "boom"}}
		}, "it is an error (panic: boom)"},
		{"an error that is meant", func(n *notebook.Notebook) {
			n.Cells[1].Outputs = []*notebook.Output{{Type: notebook.Error, EName: "panic", EValue: "boom"}}
			n.Cells[1].Metadata["tags"] = []any{"setup", "raises-exception"}
		}, ""},
		{"a result's count", func(n *notebook.Notebook) { n.Cells[2].Outputs[0].ExecutionCount = 1 }, "its count is 1, the cell's 2"},
		{"no text", func(n *notebook.Notebook) { delete(n.Cells[4].Outputs[0].Data, "text/plain") }, "no text/plain"},
		{"a check without pass", func(n *notebook.Notebook) {
			n.Cells[4].Outputs[0].Data[CheckMIME] = map[string]any{"exercise": "01-1"}
		}, "without pass"},
		{"a result without env", func(n *notebook.Notebook) {
			n.Cells[4].Outputs[0].Data[ResultMIME] = map[string]any{"name": "x"}
		}, "without name and env"},
		{"a verdict of no kind", func(n *notebook.Notebook) {
			n.Cells[2].Outputs = append(n.Cells[2].Outputs, &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{
				"text/plain": "x", course.VerdictMIME: map[string]any{"claim": "P1", "verdict": "perhaps", "reason": "x"},
			}})
		}, `"perhaps" is none of`},
		{"a tag without a verdict", func(n *notebook.Notebook) { n.Cells[2].Outputs = nil }, "tagged P1, and its outputs give no verdict"},
		{"a verdict without a tag", func(n *notebook.Notebook) { n.Cells[2].Metadata["tags"] = []any{} }, "a verdict on P1 without the tag"},
		{"a tag on prose", func(n *notebook.Notebook) { n.Cells[0].Metadata = map[string]any{"tags": []any{"P2"}} }, "tagged P2, and no code cell"},
		{"no check", func(n *notebook.Notebook) { n.Cells[6].Metadata["tags"] = []any{} }, "exercise 01-2 has no check"},
		{"two stubs", func(n *notebook.Notebook) { n.Cells[1].Metadata["tags"] = []any{"exercise:01-1"} }, "a second stub of exercise 01-1"},
		{"two checks", func(n *notebook.Notebook) { n.Cells[5].Metadata["tags"] = []any{"exercise:01-2", "check:01-1"} }, "a second check of exercise 01-1"},
		{"a check before its stub", func(n *notebook.Notebook) { n.Cells[1].Metadata["tags"] = []any{"check:01-9"} }, "the check of exercise 01-9 has no stub"},
		{"an exercise of another lesson", func(n *notebook.Notebook) {
			n.Cells[5].Metadata["tags"], n.Cells[6].Metadata["tags"] = []any{"exercise:02-2"}, []any{"check:02-2"}
		}, "exercise 02-2 isn't of this lesson"},
		{"one exercise", func(n *notebook.Notebook) { n.Cells = n.Cells[:5] }, "1 exercises"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := good()
			tt.change(n)
			b, err := n.Encode()
			if err != nil {
				t.Fatal(err)
			}
			l := read(t, b)
			switch {
			case tt.want == "" && len(l.Problems) > 0:
				t.Errorf("found fault: %v", l.Problems)
			case tt.want != "" && (len(l.Problems) != 1 || !strings.Contains(l.Problems[0].String(), tt.want)):
				t.Errorf("got %v, want one problem with %q", l.Problems, tt.want)
			}
		})
	}
}

func TestNotCanonical(t *testing.T) {
	b, err := good().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"\n \"metadata\"", "\n  \"metadata\""},                                                  // indent
		{"\"id\": \"title\",\n   \"metadata\": {},", "\"metadata\": {},\n   \"id\": \"title\","}, // order of keys
		{"[\n    \"# T\"\n   ]", "\"# T\""},                                                      // text not split
	} {
		in := strings.Replace(string(b), change[0], change[1], 1)
		if in == string(b) {
			t.Fatalf("%q isn't there", change[0])
		}
		l := read(t, []byte(in))
		if len(l.Problems) != 1 || !strings.Contains(l.Problems[0].Text, "isn't canonical") {
			t.Errorf("got %v", l.Problems)
		}
	}
}

func TestUnreadable(t *testing.T) {
	l := read(t, []byte("{"))
	if len(l.Problems) != 1 || !strings.Contains(l.Problems[0].Text, "not a notebook") {
		t.Errorf("got %v", l.Problems)
	}
	l = Read(course.Lesson{Name: "x", Path: filepath.Join(t.TempDir(), "none")})
	if len(l.Problems) != 1 {
		t.Errorf("got %v", l.Problems)
	}
}

func TestCoverage(t *testing.T) {
	missing := Coverage([]*Lesson{{Claims: []string{"P1", "E2"}}, {Claims: []string{"P2"}}})
	if want := len(course.Claims()) - 3; len(missing) != want {
		t.Errorf("%d claims are missing, want %d", len(missing), want)
	}
}
