package complete_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"spindle/kernel/internal/complete"
)

func TestInspect(t *testing.T) {
	s := newSession(t, declared)
	c := newCompleter(t)
	tests := []struct {
		name   string
		code   string
		detail int
		has    []string // in text/plain
		not    []string
	}{
		{"function", "fmt.Print|ln(1)", 0, []string{"func Println(a ...any) (n int, err error)", "Spaces are always added", "package fmt, print.go, line ", "https://pkg.go.dev/fmt#Println"}, []string{"Fprintln(os.Stdout"}},
		{"its source", "fmt.Println|(1)", 1, []string{"return Fprintln(os.Stdout, a...)"}, nil},
		{"the call around", "fmt.Println(|", 0, []string{"func Println"}, nil},
		{"the call around, later argument", "fmt.Println(1, 2, |)", 0, []string{"func Println"}, nil},
		{"the inner call", "fmt.Println(double(|))", 0, []string{"func double"}, []string{"Println"}},
		{"past an inner call", "fmt.Println(double(1), |)", 0, []string{"func Println"}, nil},
		{"generic call with its types", "Map[Point, int](|", 0, []string{"func Map[T, U any](xs []T, f func(T) U) []U"}, nil},
		{"in a string argument", "fmt.Println(\"a|b\")", 0, []string{"func Println"}, nil},
		{"package", "fm|t.Println()", 0, []string{`package fmt // import "fmt"`, "formatted I/O", "https://pkg.go.dev/fmt"}, nil},
		{"package by its path", "import \"net/ht|tp\"", 0, []string{"HTTP client and server implementations"}, nil},
		{"package not imported", "string|s.Split", 0, []string{"package strings"}, nil},
		{"member of a package not imported", "strings.SplitSe|q", 0, []string{"func SplitSeq(s, sep string) iter.Seq[string]"}, nil},
		{"method of a standard type", "started.Su|b(started)", 0, []string{"func (t Time) Sub(u Time) Duration", "duration t-u", "https://pkg.go.dev/time#Time.Sub"}, nil},
		{"promoted method", "c.Loc|k()", 0, []string{"func (m *Mutex) Lock()", "If the lock is already in use"}, nil},
		{"interface method", "var w io.Writer\nw.Wri|te(nil)", 0, []string{"Write(p []byte) (n int, err error)", "package io"}, nil},
		{"type", "var m sync.Mut|ex", 0, []string{"type Mutex struct", "mutual exclusion lock", "func (m *Mutex) TryLock() bool"}, []string{"sema"}},
		{"constant", "time.Secon|d", 0, []string{"package time"}, nil},
		{"variable of a package", "os.Stdou|t", 0, []string{"Stdout", "package os"}, nil},
		{"field of a standard struct", "var cl http.Client\ncl.Timeo|ut", 0, []string{"field Timeout time.Duration", "Timeout specifies a time limit"}, nil},
		{"field in a literal", "http.Client{Timeo|ut: 1}", 0, []string{"field Timeout", "Timeout specifies a time limit"}, nil},
		{"field in a literal, before its colon", "q := Circle{Radiu|s", 0, []string{"field Radius int"}, nil},
		{"builtin", "appen|d", 0, []string{"func append(slice []Type, elems ...Type) []Type", "appends elements", "predeclared"}, nil},
		{"builtin type", "var e erro|r", 0, []string{"type error interface", "predeclared"}, nil},
		{"keyword", "sele|ct {}", 0, []string{"select waits until one of several channel operations", "https://go.dev/ref/spec#Select_statements"}, nil},

		{"own function", "doub|le(1)", 0, []string{"func double(n int) int", "double is twice.", "declared in cell 1, line 48"}, []string{"return 2 * n"}},
		{"own function's source", "doub|le(1)", 1, []string{"{ return 2 * n }"}, nil},
		{"own method", "p.Mov|e(1, 2)", 0, []string{"func (p *Point) Move(dx int, dy int)", "Move shifts p.", "declared in cell 1"}, nil},
		{"own type", "Poin|t{}", 0, []string{"type Point struct {", "note string // for us", "Point is a place.", "func (p *Point) Move(dx int, dy int)"}, nil},
		{"own variable, with its type's doc", "_ = p|", 0, []string{"var p Point", "Point is a place."}, nil},
		{"own generic method", "ints.Pus|h(1)", 0, []string{"func (l *List[T]) Push(v T)"}, nil},
		{"field of an own struct", "p.X| = 1", 0, []string{"field X int"}, nil},

		{
			"this cell's function", "// triple is thrice.\n// Really.\nfunc triple(n int) int { return 3 * n }\n\ntripl|e(2)", 0,
			[]string{"func triple(n int) int", "triple is thrice. Really.", "declared in this cell, line 3"},
			nil,
		},
		{"this cell's type", "// T is t.\ntype T struct {\n\t// F is f.\n\tF int\n}\nvar q T|\n", 0, []string{"type T struct", "T is t."}, nil},
		{"this cell's field", "type T struct {\n\t// F is f.\n\tF int\n}\nvar q T\nq.F|\n", 0, []string{"field F int", "F is f.", "declared in this cell, line 3"}, nil},
		{"this cell's method", "type T struct{}\n\n// M does.\nfunc (T) M() {}\n\nT{}.M|()", 0, []string{"func (T) M()", "M does.", "declared in this cell, line 4"}, nil},
		{"this cell's variable", "q := Circle{}\n\nq|.Radius", 0, []string{"var q Circle", "declared in this cell, line 1"}, nil},
		{"local", "func f() {\n\tloc := 1\n\t_ = lo|c\n}", 0, []string{"var loc int", "declared in this cell, line 2"}, nil},
		{"parameter", "func f(par *Point) { pa|r.Move(1, 2) }", 0, []string{"var par *Point"}, nil},
		{"before what is broken", "doub|le(1) +\n)\n", 0, []string{"func double"}, nil},
		{"in a call that is being written", "take(p|, ", 0, []string{"var p Point"}, nil},

		{"magic", "%ti|me f()", 0, []string{"%time statement", "Runs a statement"}, nil},
		{"magic's Go", "%time dou|ble(1)", 0, []string{"func double"}, nil},
		{"below a magic", "%time f()\ndou|ble(1)", 0, []string{"func double"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, cursor := at(t, test.code)
			b, ok := c.Inspect(s, code, cursor, test.detail)
			if !ok {
				t.Fatal("nothing found")
			}
			plain := b.Plain
			flat := strings.Join(strings.Fields(plain), " ")
			for _, want := range test.has {
				if !strings.Contains(plain, want) && !strings.Contains(flat, want) {
					t.Errorf("lacks %q:\n%s", want, plain)
				}
			}
			for _, bad := range test.not {
				if strings.Contains(plain, bad) {
					t.Errorf("has %q:\n%s", bad, plain)
				}
			}
			md := b.Markdown
			page := b.HTML
			if !strings.HasPrefix(md, "```go\n") || !strings.HasPrefix(page, "<pre><code>") {
				t.Errorf("Markdown %q, HTML %q", md, page)
			}
		})
	}
}

func TestInspectFindsNothing(t *testing.T) {
	s := newSession(t, declared)
	c := newCompleter(t)
	for _, code := range []string{"|", "nonsense|", "p.nonsense|", "nonsense.x|", "1|", "x := \"a|\"", "// fmt.Prin|tln", "x = 1 +| 2", "%unknown| x", "!ls|", "double(1)\n|"} {
		code, cursor := at(t, code)
		if b, ok := c.Inspect(s, code, cursor, 1); ok {
			t.Errorf("%q at %d: %v", code, cursor, b.Plain)
		}
	}
}

func TestInspectWithoutSources(t *testing.T) {
	s := newSession(t, declared)
	c := complete.New(complete.Config{})
	code, cursor := at(t, "fmt.Println|")
	b, ok := c.Inspect(s, code, cursor, 0)
	if !ok {
		t.Fatal("nothing found")
	}
	plain := b.Plain
	for _, want := range []string{"func fmt.Println(a ...any) (n int, err error)", "Its source is not on this machine", "https://pkg.go.dev/fmt#Println"} {
		if !strings.Contains(plain, want) {
			t.Errorf("lacks %q:\n%s", want, plain)
		}
	}
}

func TestInspectOfOtherPackagesReadsTheirSource(t *testing.T) {
	s := newSession(t, declared)
	lab := fstest.MapFS{
		"doc.go":          {Data: []byte("// Package strings measures.\npackage strings\n\n// Split switches <b>.\nfunc Split(s, sep string) []string { return nil }\n")},
		"x_windows.go":    {Data: []byte("package strings\n\n// Split is for Windows.\nfunc Split(s, sep string) []string { return nil }\n")},
		"split_test.go":   {Data: []byte("package strings_test\n")},
		"broken.go":       {Data: []byte("package strings\nfunc {")},
		"notes/readme.md": {Data: []byte("x")},
	}
	c := complete.New(complete.Config{Packages: map[string]fs.FS{"strings": lab}})
	code, cursor := at(t, "strings.Split|")
	b, ok := c.Inspect(s, code, cursor, 0)
	if plain := b.Plain; !ok || !strings.Contains(plain, "Split switches <b>.") || !strings.Contains(plain, "doc.go, line 5") {
		t.Errorf("got %v", b)
	}
	if page := b.HTML; !strings.Contains(page, "&lt;b&gt;") {
		t.Errorf("HTML is %q", page)
	}
}
