package magic

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []Part
	}{
		"go":            {"x := 1\n", []Part{{Go: "x := 1\n"}}},
		"empty":         {"", []Part{{}}},
		"line":          {"%cd /tmp", []Part{{Name: "%cd", Args: "/tmp", Line: 1}}},
		"shell":         {"!ls -l", []Part{{Name: "!", Args: "ls -l", Line: 1}}},
		"shell, blank":  {"  ! ls", []Part{{Name: "!", Args: "ls", Line: 1}}},
		"mixed":         {"x := 1\n!ls\ny := 2", []Part{{Go: "x := 1\n"}, {Name: "!", Args: "ls", Line: 2}, {Go: "\n\ny := 2"}}},
		"cell":          {"\n%%go test -v\nfunc f() {}\n", []Part{{Name: "%%go", Args: "test -v", Line: 2, Body: "\n\nfunc f() {}\n"}}},
		"not first":     {"x := 1\n%%go", []Part{{Go: "x := 1\n"}, {Name: "%%go", Line: 2}}},
		"raw string":    {"s := `\n%cd\n!x`", []Part{{Go: "s := `\n%cd\n!x`"}}},
		"comment":       {"/*\n!x\n*/", []Part{{Go: "/*\n!x\n*/"}}},
		"continued not": {"ok := a &&\n!b", []Part{{Go: "ok := a &&\n!b"}}},
		"in brackets":   {"f(\n!b,\n)", []Part{{Go: "f(\n!b,\n)"}}},
		"in a block":    {"if x {\n!ls\n}", []Part{{Go: "if x {\n!ls\n}"}}},
		"lone mark":     {"%", []Part{{Go: "%"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, Split(c.in)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	for in, want := range map[string]string{
		"%tiem": "%time", "%goroutine": "%goroutines", "%%golang": "%%go", "%version": "%go-version",
	} {
		if got := Nearest(in).Name; got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("x := 1\n!ls\n`\n%cd")
	f.Add("%%go\n")
	f.Fuzz(func(t *testing.T, source string) { Split(source) })
}
