package cell_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/std"
)

func newSession(t testing.TB) *cell.Session {
	t.Helper()
	imp, err := std.NewImporter()
	if err != nil {
		t.Fatal(err)
	}
	return cell.New(imp, std.Names())
}

// lower lowers and commits cells, the last of which may fail.
func lower(t testing.TB, s *cell.Session, cells ...string) (*cell.Unit, error) {
	t.Helper()
	for i, src := range cells {
		u, err := s.Lower(i+1, src)
		if i == len(cells)-1 {
			if err == nil {
				s.Commit(u)
			}
			return u, err
		}
		if err != nil {
			t.Fatalf("cell %d: %v", i+1, err)
		}
		s.Commit(u)
	}
	return nil, nil
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cells []string
		want  []string
	}{
		{"undefined, twice", []string{"x := y + 1\nz"}, []string{"cell 1:1:6: undefined: y", "cell 1:2:1: undefined: z"}},
		{"unused in a function", []string{"func f() {\n\tx := 1\n}"}, []string{"cell 1:2:2: declared and not used: x"}},
		{"unused in a block", []string{"if true {\n\tx := 1\n}"}, []string{"cell 1:2:2: declared and not used: x"}},
		{"unused at the top", []string{"x := 1"}, nil},
		{"unused import", []string{"import \"os\"\nx := 1"}, nil},
		{"a value in the middle", []string{"6 * 7\nx := 1"}, []string{"cell 1:1:1: 6 * 7 (untyped int constant 42) is not used"}},
		{"a value at the end", []string{"6 * 7"}, nil},
		{"missing return", []string{"func f() int {\n}"}, []string{"cell 1:2:1: missing return"}},
		{"no new variables", []string{"x := 1\nx := 2"}, []string{"cell 1:2:3: no new variables on left side of :="}},
		{"one new variable", []string{"x, err := 1, error(nil)\ny, err := 2, error(nil)\nx + y"}, nil},
		{"assigned the wrong type", []string{"x := 1", "x = \"a\""}, []string{"cell 2:1:5: cannot use \"a\" (untyped string constant) as int value in assignment"}},
		{"redeclared with another type", []string{"x := 1", "x := \"a\"", "x + \"b\""}, nil},
		{"unexported fields of the session's types", []string{"type P struct{ a, b int }", "P{1, 2}"}, nil},
		{"a package by another name", []string{"import str \"strings\"", "str.ToUpper(\"a\")"}, nil},
		{"a package never imported", []string{"strings.ToUpper(\"a\")"}, nil},
		{"rand by what is asked of it", []string{"rand.Intn(3)"}, nil},
		{"a module", []string{"import \"github.com/x/y\""}, []string{"cell 1:1:8: could not import github.com/x/y: only the standard library and spindle's own packages work in an interpreted cell; begin the cell with %%go to build it with the Go toolchain, third-party modules included"}},
		{"syntax", []string{"x := (1 + \ny := 2"}, []string{"cell 1:2:3: expected ')', found ':='"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := lower(t, newSession(t), tt.cells...)
			var got []string
			var list cell.ErrorList
			if errors.As(err, &list) {
				for _, e := range list {
					got = append(got, e.Error())
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"the words of an interface", "import \"unsafe\"\ntype I interface{ M() }\nvar i I\n_ = *(*[2]uintptr)(unsafe.Pointer(&i))", "unsafe access to the cell's own interface I"},
		{"an embedded file", "import _ \"embed\"\n//go:embed notes.txt\nvar notes string", "//go:embed"},
		{"an interface's methods by reflection", "type I interface{ M() }\nreflect.TypeOf((*I)(nil)).Elem()", "reflection on the cell's own interface I"},
		{"an interface's type", "type I interface{ M() }\nreflect.TypeFor[I]()", "reflection on the cell's own interface I"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := lower(t, newSession(t), tt.src)
			var r *cell.Refusal
			if !errors.As(err, &r) {
				t.Fatalf("want a refusal, got %v", err)
			}
			if !strings.Contains(r.Error(), tt.want) || r.Instead == "" {
				t.Errorf("refusal %q, instead %q", r, r.Instead)
			}
		})
	}
}

// TestNotes: what a redefinition breaks is named, and gone.
func TestNotes(t *testing.T) {
	s := newSession(t)
	u, err := lower(t, s, "type T struct{ a int }\nfunc f(t T) int { return t.a }", "type T struct{ b int }")
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Notes) != 1 || !strings.HasPrefix(u.Notes[0], "f (cell 1) no longer compiles: ") {
		t.Errorf("notes: %q", u.Notes)
	}
	if _, ok := s.Scope()["f"]; ok {
		t.Error("f is still in scope")
	}
	if _, ok := s.Scope()["T"]; !ok {
		t.Error("T is not in scope")
	}
}

func TestDeclarations(t *testing.T) {
	s := newSession(t)
	if _, err := lower(t, s, "import \"fmt\"\nfunc f() int { return 1 }\nx := 3", "func f() int { return 2 }\nfmt.Println(x)"); err != nil {
		t.Fatal(err)
	}
	want := []string{`import fmt "fmt"`, "func f() int { return 2 }"}
	if d := cmp.Diff(want, s.Declarations()); d != "" {
		t.Error(d)
	}
}

func TestRestorable(t *testing.T) {
	s := newSession(t)
	if _, err := lower(
		t, s, "import \"fmt\"\nimport \"os\"\nx := 5\nname, more := \"a\"+\"b\", []int{1, x}",
		"type T struct{ n int }\nfunc (t *T) get() int { return t.n + x }\nvar m, w = map[string]T{\"k\": {n: x}}, fmt.Sprint(x)\nc := make(chan *T, 3)",
		"got := f()\nfunc f() int { fmt.Println(); return 1 }",
		"after := got + 1\np := &T{n: 2}\nfile, err := os.Open(\"x\")\nx = 7\nvar zeroed int",
		"func hidden() any { type u int; return u(1) }\nx := 6",
		"name := \"newer\"",
	); err != nil {
		t.Fatal(err)
	}
	want := []cell.Restorable{
		{Source: `import fmt "fmt"`},
		{Source: `import os "os"`},
		{Source: "x := 5"},                             // more has it
		{Source: `name, more := "a"+"b", []int{1, x}`}, // more is still its own
		{Source: "type T struct{ n int }"},
		{Source: "func (t *T) get() int { return t.n + x }"},
		{Source: `var m, w = map[string]T{"k": {n: x}}, fmt.Sprint(x)`},
		{Source: "c := make(chan *T, 3)"},
		{Source: "var got int", Zero: "got"},
		{Source: "func f() int { fmt.Println(); return 1 }"},
		{Source: "var after int", Zero: "after"},
		{Source: "p := &T{n: 2}"},
		{Source: "var file *os.File", Zero: "file"},
		{Source: "var err error", Zero: "err"},
		{Source: "var zeroed int"},
		{Source: "func hidden() any { type u int; return u(1) }"},
		{Source: "x := 6"},
		{Source: `name := "newer"`},
	}
	if d := cmp.Diff(want, s.Restorable()); d != "" {
		t.Error(d)
	}
}

// FuzzLower: no cell makes lowering panic or run on for ever, and whatever
// it says is about a line of the cell.
func FuzzLower(f *testing.F) {
	for _, src := range []string{
		"", "1 + 1", "x := 1; x", "func f() {}\nf()", "type T struct{ next *T }\nvar t T", "for i := range 3 { defer func() { println(i) }() }",
		"select {}", "L:\nfor {\n\tbreak L\n}", "type F func(F) F\nvar f F", "func g[T any](x T) T { return g(x) }\ng(1)", "a, b := 1, 2\na, b = b, a",
		"import (\n\t\"fmt\"\n)\nfmt.Println(1)", "var x = y\nvar y = x", "type I interface{ M() I }\nvar i I\ni.M()", "goto L\nL:", "x.y.z()", "func", "}{", "\"", "`",
		"type T[P any] struct{ p P }\nfunc (t T[P]) M() P { return t.p }\nT[int]{1}.M()", "switch x := any(1).(type) { case int: _ = x }",
	} {
		f.Add(src)
	}
	s := newSession(f)
	count := 0
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 2000 {
			t.Skip("a cell longer than 2,000 bytes only makes this slower")
		}
		count++
		done := make(chan error, 1)
		go func() {
			_, err := s.Lower(count, src)
			done <- err
		}()
		select {
		case err := <-done:
			var list cell.ErrorList
			if errors.As(err, &list) {
				lines := strings.Count(src, "\n") + 1
				for _, e := range list {
					if e.Cell == count && (e.Line < 1 || e.Line > lines+1) {
						t.Errorf("line %d of %d: %s", e.Line, lines, e)
					}
				}
			}
		case <-time.After(20 * time.Second):
			t.Fatal("lowering does not end")
		}
	})
}
