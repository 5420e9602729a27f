package interp

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// session runs cells and returns what each printed, showed or failed with.
func session(t *testing.T, cells ...string) []string {
	t.Helper()
	var mu sync.Mutex
	printed := map[int]*strings.Builder{}
	i, err := New(Config{Output: func(cell int, _ bool, p []byte) {
		mu.Lock()
		defer mu.Unlock()
		if printed[cell] == nil {
			printed[cell] = &strings.Builder{}
		}
		printed[cell].Write(p)
	}})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n, src := range cells {
		o := i.Eval(Cell{Count: n + 1, Source: src})
		mu.Lock()
		s := ""
		if b := printed[n+1]; b != nil {
			s = b.String()
		}
		mu.Unlock()
		if o.Value != nil {
			s += fmt.Sprint("=> ", o.Value.Data["text/plain"])
		}
		if o.Err != nil {
			s += o.Err.Name + ": " + strings.Join(o.Err.Traceback, "\n")
		}
		out = append(out, s)
	}
	return out
}

// TestRedefinition is the rule for names declared again: the newest meaning
// holds everywhere, in earlier functions, too; a value stays as long as its
// type does; what no longer compiles is named and gone.
func TestRedefinition(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cells []string
		want  []string
	}{
		{
			"a function, and its earlier caller",
			[]string{"func f() int { return 1 }\nfunc g() int { return f() * 10 }", "g()", "func f() int { return 2 }", "g()"},
			[]string{"", "=> 10", "", "=> 20"},
		},
		{
			"a variable of the same type is the same variable",
			[]string{"x := 1\nshow := func() int { return x }\nfunc also() int { return x }", "x := 5", "show() * 10 + also()"},
			[]string{"", "", "=> 55"},
		},
		{
			"a variable of another type",
			[]string{"x := 1\nfunc f() string { return fmt.Sprint(x) }", "x := \"now a string\"", "f()"},
			[]string{"", "", "=> now a string"},
		},
		{
			"a constant",
			[]string{"const n = 3\nfunc f() int { return n * n }", "const n = 4", "f()"},
			[]string{"", "", "=> 16"},
		},
		{
			"a method added later, to values that live",
			[]string{"type P struct{ x int }\np := P{3}\nvar i any = p", "func (p P) String() string { return fmt.Sprint(\"P\", p.x) }", "fmt.Println(p, i)"},
			[]string{"", "", "P3 P3\n"},
		},
		{
			"a method added later, to a type that was printed, and to what holds it",
			[]string{
				"type P struct{ x int }\ntype Q struct{ p *P; Ps []P }\nvar before any = P{3}\nfmt.Println(before, []P{{3}}, Q{Ps: []P{{1}}})",
				"func (p P) String() string { return fmt.Sprint(\"P\", p.x) }",
				"fmt.Println(P{4}, []P{{3}}, Q{Ps: []P{{1}}}, map[string]P{\"k\": {2}})\n_, ok := before.(P)\nvar s fmt.Stringer = P{5}\nfmt.Println(ok, before == any(P{3}), s)",
			},
			[]string{"{3} [{3}] {<nil> [{1}]}\n", "", "P4 [P3] {<nil> [P1]} map[k:P2]\ntrue true P5\n"},
		},
		{
			"a method of another type, and one that is gone",
			[]string{
				"type P int\nfunc (p P) F() string { return \"f\" }\nfunc (p P) String() string { return \"P\" }\nvar old any = P(1)\nfmt.Println(old, old.(interface{ F() string }).F())",
				"func (p P) F(n int, s string) []string { return []string{s, fmt.Sprint(n)} }",
				"r := reflect.ValueOf(P(2)).MethodByName(\"F\").Call([]reflect.Value{reflect.ValueOf(7), reflect.ValueOf(\"x\")})\nfmt.Println(r[0], reflect.TypeOf(P(2)).Method(0).Type, P(3))",
				"type P int\nfmt.Println(P(4), reflect.TypeOf(P(4)).NumMethod())",
			},
			[]string{"P f\n", "", "[x 7] func(main.P, int, string) []string P\n", "4 1\n"},
		},
		{
			"a type with another shape",
			[]string{"type P struct{ x int }\np := P{3}", "type P struct{ x, y int }", "p"},
			[]string{"", "p is zero again: its type has changed\n", "=> {x:0 y:0}"},
		},
		{
			"what no longer compiles",
			[]string{"func f() int { return 1 }\nfunc g() int { return f() }", "func f() string { return \"s\" }", "g()"},
			[]string{
				"",
				"g (cell 1) no longer compiles: cannot use f() (value of type string) as int value in return statement\n",
				"compile error: cell 3:1:1: undefined: g\n    g()\n    ^",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, session(t, tt.cells...)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTracebacks(t *testing.T) {
	got := session(t,
		"type T struct{ xs []int }\nfunc (t *T) at(i int) int {\n\treturn t.xs[i]\n}",
		"func f(t *T) int {\n\tg := func(i int) int {\n\t\treturn t.at(i)\n\t}\n\treturn g(3)\n}",
		"f(&T{xs: []int{1, 2}})",
		"var t *T\n\nt.at(0)",
	)
	want := []string{"", "", `panic: panic: runtime error: index out of range [3] with length 2

goroutine N [running]:
main.(*T).at(...)
	cell 1, line 3
main.f.func1(...)
	cell 2, line 3
main.f(...)
	cell 2, line 5
main(...)
	cell 3, line 1`, `panic: panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation]

goroutine N [running]:
main.(*T).at(...)
	cell 1, line 3
main(...)
	cell 4, line 3`}
	for i := range got {
		if a, b, ok := strings.Cut(got[i], "goroutine "); ok {
			_, c, _ := strings.Cut(b, " ")
			got[i] = a + "goroutine N " + c
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestShownValues(t *testing.T) {
	got := session(t,
		"6 * 7", "x := 1", "x", "x;", "\"a\"", "[]string{\"a\", \"b\"}", "struct{ A int; b string }{1, \"s\"}", "nil", "error(nil)", "map[string]int(nil)",
		"func f() (int, error) { return 1, nil }\nf()", "fmt.Println(x)", "type C float64\nfunc (c C) String() string { return fmt.Sprintf(\"%g°\", float64(c)) }\nC(3)", "&struct{ A int }{1}",
	)
	want := []string{
		"=> 42", "", "=> 1", "", "=> a", "=> [a b]", "=> {A:1 b:s}", "=> nil", "=> nil", "=> nil",
		"=> 1 nil", "1\n", "=> 3°", "=> &{A:1}",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
