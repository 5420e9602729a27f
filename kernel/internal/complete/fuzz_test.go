package complete_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"spindle/kernel/internal/complete"
)

// patience is what no cell of a fuzzer's size may take; the fuzzer itself
// slows the machine.
const patience = 5 * time.Second

var fuzzSeeds = []string{
	"", "fmt.Pri", "x.", "xs[0].fi", "func f() {\n\tx := 1\n\tx.", "q := &Point{", "import \"net/", "import (\n\t\"fmt\"\n)\n",
	"for i, v := range points {\n\tv.\n}", "switch x := shape.(type) {\ncase nil:\n\tx.", "%time p.", "%%go -race\npackage main\nfunc main() { os.",
	"!ls\np.", "x := `a\n{", "/* a", "x := x\nx := x\nx := &x\nx.", "type T[P any] struct{ a P }\nvar t T[int]\nt.", "L:\nfor {\nbreak L\n}",
	"func (p Point) f[T any](x T) (", "const (\na = iota\nb\n)\nb", "type T struct { T }\nvar t T\nt.", "type A = B\ntype B = A\nvar a A\na.",
	"var x = y\nvar y = x\nx.", "x, y := y, x\nx.", "\xef\xbb\xbfx", "\x00", "größe.", "if v := p; v.", "select {\ncase v := <-done:\n\tv.", "a.b.c.d(e.f[g.",
	"func f() { goto ", "Point{X: ", "[]Point{{", "map[string]*Point{\"a\": {", "import . \"strings\"\nHas", "import \"fmt\nfmt.", "//line x:1\np.",
	"cursorꓸ.x", "xꓸ0.", "}}}}((((", "p.(", "func(){", "type T interface { ~int | p.", "%", "!", "%%", "%time", "%%writefile a\np.",
}

func add(f *testing.F) {
	for _, s := range fuzzSeeds {
		for _, at := range []int{0, len(s) / 2, len(s)} {
			f.Add(s, at)
		}
	}
}

func FuzzComplete(f *testing.F) {
	s, c := newSession(f, declared), newCompleter(f)
	add(f)
	f.Fuzz(func(t *testing.T, code string, cursor int) {
		begin := time.Now()
		r := c.Complete(s, code, cursor)
		if took := time.Since(begin); took > patience {
			t.Errorf("took %v", took)
		}
		if r.Start < 0 || r.Start > r.End || r.End > len(code) {
			t.Fatalf("replaces %d…%d of %d bytes", r.Start, r.End, len(code))
		}
		if utf8.ValidString(code) && cursor >= 0 && cursor <= len(code) && utf8.ValidString(code[:cursor]) && !utf8.ValidString(code[:r.Start]) {
			t.Errorf("begins inside a character, at %d", r.Start)
		}
		seen := map[string]bool{}
		for _, it := range r.Items {
			if it.Text == "" || it.Kind == "" || seen[it.Text] || strings.Contains(it.Text, "cursorꓸ") {
				t.Errorf("proposes %+v", it)
			}
			seen[it.Text] = true
		}
	})
}

func FuzzInspect(f *testing.F) {
	s, c := newSession(f, declared), newCompleter(f)
	add(f)
	f.Fuzz(func(t *testing.T, code string, cursor int) {
		begin := time.Now()
		b, ok := c.Inspect(s, code, cursor, len(code)%2)
		if took := time.Since(begin); took > patience {
			t.Errorf("took %v", took)
		}
		if text := b.Plain; ok == (text == "") {
			t.Errorf("found %v, text %q", ok, text)
		}
	})
}

func FuzzIsComplete(f *testing.F) {
	c := complete.New(complete.Config{Magics: magics})
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, code string) {
		begin := time.Now()
		status, indent := c.IsComplete(code)
		if took := time.Since(begin); took > patience {
			t.Errorf("took %v", took)
		}
		switch status {
		case complete.Complete, complete.Invalid:
			if indent != "" {
				t.Errorf("%s, yet indents by %q", status, indent)
			}
		case complete.Incomplete:
			if strings.Trim(indent, "\t") != "" {
				t.Errorf("indents by %q", indent)
			}
		default:
			t.Errorf("status %q", status)
		}
	})
}
