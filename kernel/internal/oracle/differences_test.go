package oracle

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// stated are the programs that differ from go run, each with the heading of
// docs/differences.md that says why.
var stated = map[string]string{
	"compile/unused-import":         "Unused imports in a session cell",
	"mean/runtime-stack-and-caller": "What the runtime says of its own stack",
	"stdlib/weak-unique-runtime":    "When an object is freed",
}

// TestDifferences holds docs/differences.md to what the corpus shows.
func TestDifferences(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## \d+\. (.*)$`).FindAllStringSubmatch(string(doc), -1) {
		headings[m[1]] = true
	}
	if len(headings) >= 15 {
		t.Errorf("docs/differences.md has %d entries, want under 15", len(headings))
	}
	all, err := Load(os.DirFS("testdata/corpus"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range all {
		known[p.Name] = true
	}
	for name, heading := range stated {
		if !headings[heading] {
			t.Errorf("%s: docs/differences.md has no entry %q", name, heading)
		}
		if !known[name] {
			t.Errorf("%s is no program of the corpus", name)
		}
	}
	for _, word := range []string{"*Refused", "*Error"} {
		if !strings.Contains(string(doc), word) {
			t.Errorf("docs/differences.md names no %s…*", word)
		}
	}
}
