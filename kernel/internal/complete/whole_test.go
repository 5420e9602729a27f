package complete_test

import (
	"testing"

	"spindle/kernel/internal/complete"
)

func TestIsComplete(t *testing.T) {
	c := complete.New(complete.Config{Magics: magics})
	tests := []struct {
		name, code, status, indent string
	}{
		{"empty", "", "complete", ""},
		{"blank", "  \n\n", "complete", ""},
		{"comment", "// nothing", "complete", ""},
		{"block comment", "/* a\nb */", "complete", ""},
		{"expression", "1 + 1", "complete", ""},
		{"define", "x := 1", "complete", ""},
		{"comment behind", "x := 1 // one", "complete", ""},
		{"semicolon", "x := 1;", "complete", ""},
		{"two statements", "x := 1; y := 2\nz := 3", "complete", ""},
		{"import", "import \"fmt\"", "complete", ""},
		{"mixed", "import \"fmt\"\nx := 1\nfunc f() int { return x }\nfmt.Println(f())\nimport \"os\"\n", "complete", ""},
		{"type", "type T struct{ a int }", "complete", ""},
		{"method", "func (t T) M() {}\n", "complete", ""},
		{"literal called", "func() { println(1) }()", "complete", ""},
		{"if else", "if x {\n} else {\n}", "complete", ""},
		{"if with a statement", "if v, ok := m[1]; ok {\n}", "complete", ""},
		{"three clauses", "for i := 0; i < 3; i++ {\n}", "complete", ""},
		{"label", "outer:\nfor {\n\tbreak outer\n}", "complete", ""},
		{"whole program", "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println()\n}\n", "complete", ""},
		{"raw string", "x := `a\n{(`", "complete", ""},
		{"generic", "func F[T any](x T) T { return x }", "complete", ""},
		{"increment", "x++", "complete", ""},
		{"return", "return", "complete", ""},
		{"address and not", "&x\n!y", "complete", ""},

		{"open brace", "func f() {", "incomplete", "\t"},
		{"open brace and newline", "func f() {\n", "incomplete", "\t"},
		{"nested", "func f() {\n\tfor {\n\t\tx := 1", "incomplete", "\t\t"},
		{"nested, one closed", "func f() {\n\tfor {\n\t}\n", "incomplete", "\t"},
		{"two on a line", "wg.Go(func() {", "incomplete", "\t"},
		{"open paren", "fmt.Println(1,", "incomplete", "\t"},
		{"open import", "import (\n\t\"fmt\"", "incomplete", "\t"},
		{"open literal", "x := []int{\n\t1,\n", "incomplete", "\t"},
		{"open struct", "type T struct {\n\ta int", "incomplete", "\t"},
		{"open raw string", "x := `a\n{", "incomplete", ""},
		{"open comment", "/* a", "incomplete", ""},
		{"open comment inside", "func f() {\n\t/* a", "incomplete", "\t"},
		{"operator", "x := 1 +", "incomplete", "\t"},
		{"operator and newline", "x := 1 +\n", "incomplete", "\t"},
		{"operator inside", "func f() {\n\tx := 1 +", "incomplete", "\t\t"},
		{"define without value", "x :=", "incomplete", "\t"},
		{"dot", "strings.NewReplacer().", "incomplete", "\t"},
		{"comma", "a,", "incomplete", "\t"},
		{"arrow", "ch <-", "incomplete", "\t"},
		{"logical", "ok &&\n", "incomplete", "\t"},
		{"struct without brace", "type T struct", "incomplete", "\t"},
		{"func", "func", "incomplete", "\t"},
		{"else", "if x {\n} else", "incomplete", "\t"},
		{"go", "go", "incomplete", "\t"},
		{"half a header", "for i := 0;", "incomplete", "\t"},
		{"switch", "switch x {", "incomplete", ""},
		{"case", "switch x {\ncase 1:", "incomplete", "\t"},
		{"case's statement", "switch x {\ncase a[1:2]:\n\tf()", "incomplete", "\t"},
		{"behind an inner switch", "switch x {\ncase 1:\n\tswitch y {\n\tcase 2:\n\t}\n", "incomplete", "\t"},
		{"inner switch", "func f() {\n\tswitch x {\n", "incomplete", "\t"},
		{"select", "select {\ncase v := <-ch:\n", "incomplete", "\t"},
		{"default", "select {\ndefault:", "incomplete", "\t"},
		{"literal in a case", "switch x {\ncase 1:\n\ty := T{\n", "incomplete", "\t\t"},

		{"closes nothing", "}", "invalid", ""},
		{"closes another", "f(]", "invalid", ""},
		{"closes too much", "func f() {}}", "invalid", ""},
		{"open string", "x := \"a", "invalid", ""},
		{"open string inside", "func f() {\n\tx := \"a\n", "invalid", ""},
		{"rune", "x := 'ab", "invalid", ""},
		{"nonsense", "x := := 1", "invalid", ""},
		{"two words", "foo bar", "invalid", ""},
		{"header without block", "if x > 1", "invalid", ""},
		{"nonsense inside", "func f() {\n\tx := := 1\n", "invalid", ""},
		{"nonsense before", "foo bar\nfunc f() {", "invalid", ""},
		{"character", "x := #", "invalid", ""},
		{"var without type", "var x", "invalid", ""},

		{"line magic", "%time f()", "complete", ""},
		{"line magic and Go", "%time f()\nx := 1", "complete", ""},
		{"line magic and open Go", "%time f()\nfunc g() {", "incomplete", "\t"},
		{"a line of %", "x = 7\n% 2", "complete", ""},
		{"shell", "!ls -l | grep \"x", "complete", ""},
		{"shell goes on", "!ls \\", "incomplete", ""},
		{"cell magic", "%%go", "incomplete", ""},
		{"cell magic and newline", "%%go -race\n", "incomplete", ""},
		{"cell magic, open", "%%go\nfunc main() {\n", "incomplete", "\t"},
		{"cell magic, whole", "%%go\nfunc main() {\n}", "complete", ""},
		{"writefile", "%%writefile a.txt\n}{", "incomplete", ""},
		{"writefile, ended", "%%writefile a.txt\n}{\n", "complete", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, indent := c.IsComplete(test.code)
			if status != test.status || indent != test.indent {
				t.Errorf("%q is %s, indent %q; want %s, %q", test.code, status, indent, test.status, test.indent)
			}
		})
	}
}
