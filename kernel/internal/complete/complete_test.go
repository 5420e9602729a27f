package complete_test

import (
	"go/token"
	"go/types"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"spindle/kernel/internal/complete"
)

const declared = `
import "fmt"
import "sync"
import "time"

// Point is a place.
type Point struct {
	X, Y int
	note string // for us
}

// Move shifts p.
func (p *Point) Move(dx, dy int) { p.X += dx; p.Y += dy }
func (p Point) Norm() int        { return p.X*p.X + p.Y*p.Y }
func (p Point) hidden()          {}

type Circle struct {
	Point
	*sync.Mutex
	Radius int
	Inner  struct{ Deep map[string][]*Point }
}

type Shape interface{ Area() float64 }

type List[T any] struct{ items []T }

func (l *List[T]) Push(v T) {}
func (l *List[T]) Pop() T   { return l.items[0] }

var (
	p       Point
	pp      = &p
	c       Circle
	points  []Point
	byName  map[string]*Point
	shape   Shape
	ints    List[int]
	started time.Time
	x       = 1
	done    chan Circle
	fn      func() *Circle
)

const Limit = 10

// double is twice.
func double(n int) int      { return 2 * n }
func two() (Point, error)   { return p, nil }
func take(p Point, n int)   {}
func Map[T, U any](xs []T, f func(T) U) []U { return nil }

var _ = fmt.Sprint
`

// complete at the | in code.
func at(t testing.TB, code string) (string, int) {
	t.Helper()
	i := strings.Index(code, "|")
	if i < 0 {
		t.Fatalf("no | in %q", code)
	}
	return code[:i] + code[i+1:], i
}

func texts(items []complete.Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.Text)
	}
	return out
}

func TestComplete(t *testing.T) {
	s := newSession(t, declared)
	c := newCompleter(t)
	tests := []struct {
		name string
		code string
		has  string // blank separated
		not  string
		only bool // nothing but has
	}{
		{"package member", "fmt.Pri|", "Print Printf Println", "", true},
		{"package member, lower case", "fmt.pri|", "Print Printf Println", "", true},
		{"all members", "fmt.|", "Println Errorf Stringer", "newPrinter", false},
		{"within a call", "fmt.Println(fmt.Spr|", "Sprint Sprintf Sprintln", "", true},
		{"inside a word", "fmt.Pri|ntln(1)", "Print Printf Println", "", true},
		{"standard package not imported", "strings.Spl|", "Split SplitN SplitAfter SplitSeq", "", false},
		{"imported by this cell", "import str \"strings\"\nstr.HasP|", "HasPrefix", "", true},
		{"imported by this cell, in parens", "import (\n\t\"math\"\n)\nmath.MaxInt1|", "MaxInt16", "", true},
		{"dot import", "import . \"strings\"\nHasPre|", "HasPrefix", "", true},
		{"ambiguous package", "rand.Int63|", "Int63 Int63n", "", false},
		{"package name", "stri|", "strings string", "", false},
		{"session names", "poi|", "points Point", "", true},
		{"session function", "dou|", "double", "", true},
		{"nothing typed", "|", "p points double fmt for", "", false},
		{"new statement", "x := 1\n|", "p points double fmt for x", "", false},
		{"constant", "Lim|", "Limit", "", true},
		{"builtin", "app|", "append", "", true},
		{"universe", "tru|", "true", "", true},
		{"keyword", "ret|", "return", "", true},
		{"snippet", "defe|", "defer", "", false},
		{"no keyword in an expression", "x = 1 + ret|", "", "return", true},
		{"func in an expression", "x = fu|", "func", "", false},

		{"fields and methods", "p.|", "X Y note Move Norm hidden", "", true},
		{"through a pointer", "pp.|", "X Y note Move Norm hidden", "", true},
		{"prefix", "p.No|", "Norm", "", false},
		{"embedded", "c.|", "Point Mutex Radius Inner X Y note Move Norm hidden Lock Unlock TryLock", "state sema", false},
		{"map element", "byName[\"a\"].Mo|", "Move", "", true},
		{"slice element", "points[0].M|", "Move", "", true},
		{"slice of a slice", "points[1:][0].M|", "Move", "", true},
		{"call result", "fn().Ra|", "Radius", "", true},
		{"receive", "(<-done).Ra|", "Radius", "", true},
		{"deep", "c.Inner.Deep[\"k\"][0].No|", "Norm", "", false},
		{"interface", "shape.|", "Area", "", true},
		{"any's methods", "var a any\na.|", "", "", true},
		{"error", "var err error\nerr.|", "Error", "", true},
		{"type assertion", "shape.(interface{ Foo() }).F|", "Foo", "", true},
		{"generic type", "ints.|", "Push Pop items", "", true},
		{"generic call's result", "Map(points, func(p Point) *Point { return nil })[0].Mo|", "Move", "", true},
		{"method expression", "Point.|", "Norm hidden", "Move X", true},
		{"pointer method expression", "(*Point).|", "Move Norm hidden", "X", true},
		{"standard type", "started.Su|", "Sub", "", false},
		{"chain of calls", "started.Add(time.Second).Sub(started).Sec|", "Seconds", "", true},
		{"literal's member", "Point{1, 2}.No|", "Norm", "", false},
		{"address of literal", "(&Point{}).Mo|", "Move", "", true},
		{"conversion", "time.Duration(5).Str|", "String", "", true},
		{"string index has no members", "\"abc\".|", "", "", true},
		{"number", "x = 1.|", "", "", true},
		{"unknown", "nonsense.|", "", "", true},

		{"type in a declaration", "var q Poi|", "Point", "", false},
		{"qualified type in a declaration", "var mu sync.Mut|", "Mutex", "", true},
		{"type in a parameter", "func f(a Cir|", "Circle", "", true},
		{"qualified type in a parameter", "func f(ctx context.Con|) {}", "Context", "", true},
		{"type in a struct", "type T struct {\n\ta Cir|\n}", "Circle", "", true},
		{"type in a composite", "q := []Poi|", "Point", "", false},
		{"name of a function", "func dou|", "", "", true},
		{"name of a variable", "var poi|", "", "", true},
		{"name of a type", "type Poi|", "", "", true},
		{"method name", "func (p Point) No|", "", "", true},
		{"receiver", "func (q Poi|", "Point", "", false},

		{"local", "func f() {\n\tlocal := 1\n\tloc|\n}", "local", "", true},
		{"local's member", "func f() {\n\tlocal := Point{}\n\tlocal.Mo|\n}", "Move", "", true},
		{"parameter", "func f(param *Point) {\n\tparam.M|", "Move", "", true},
		{"named result", "func f() (result Circle) {\n\tresult.Ra|\n\treturn\n}", "Radius", "", true},
		{"receiver's member", "func (c *Circle) g() { c.Ra|", "Radius", "", true},
		{"loop variable", "for _, v := range points {\n\tv.Mo|\n}", "Move", "", true},
		{"three clauses", "for i := 0; i < 3; i++ {\n\tpoints[i].Mo|\n}", "Move", "", true},
		{"three clauses, second", "for i := 0; i < p.No|", "Norm", "", false},
		{"index variable", "for index := range points {\n\tind|\n}", "index", "", false},
		{"range expression", "for _, v := range poi|", "points Point", "", false},
		{"range expression's member", "for _, v := range c.Inner.De|", "Deep", "", true},
		{"if header", "if v := p; v.No|", "Norm", "", false},
		{"if condition", "if p.No|", "Norm", "", false},
		{"switch header", "switch p.No|", "Norm", "", false},
		{"case", "switch x {\ncase Lim|", "Limit", "", true},
		{"case's body", "switch q := shape.(type) {\ncase nil:\n\tq.Ar|\n}", "Area", "", true},
		{"select", "select {\ncase c := <-done:\n\tc.Ra|", "Radius", "", true},
		{"goroutine", "go func() {\n\tp.Mo|\n}()", "Move", "", true},
		{"closure's local", "f := func(n int) {\n\tnumber := n\n\tnum|\n}", "number", "", true},
		{"later local is not seen", "func f() {\n\tlat|\n\tlater := 1\n}", "", "later", true},
		{"inner shadows", "func f() {\n\tx := Circle{}\n\tx.Ra|\n}", "Radius", "", true},

		{"declared above, :=", "q := Circle{}\nq.Ra|", "Radius", "", true},
		{"declared above, several", "a, err := two()\na.No|", "Norm", "", false},
		{"declared above, var", "var q Circle\nq.Ra|", "Radius", "", true},
		{"declared above, comma ok", "q, ok := byName[\"a\"]\nq.No|", "Norm", "", false},
		{"declared above, type with methods", "type T struct{ Field int }\nfunc (t T) Method() {}\nT{}.Me|", "Method", "", true},
		{"declared below", "func f() { later.M|  }\n\nvar later Point", "Move", "", true},
		{"redefined from itself", "x := fmt.Sprint(x)\nstrings.ToUpper(x).|", "", "", true},
		{"redefined with another type", "x := Circle{}\nx.Ra|", "Radius", "", true},
		{"redefined twice", "y := 1\ny := Circle{}\ny.Ra|", "Radius", "", true},
		{"chain of redefinitions", "x := &p\nx := *x\nx := []Point{x}\nx[0].No|", "Norm", "", false},
		{"behind a broken function", "func broken( {\n\tx :=\n\nfunc g() {\n\tp.Mo|", "Move", "", true},
		{"before a broken function", "p.Mo|\n\nfunc broken( {\n\tx := \n", "Move", "", true},
		{"amid a statement below", "p.|\nq := 1", "X Y note Move Norm hidden", "", true},
		{"open brackets", "fmt.Println(double(p.|", "X Y note Move Norm hidden", "", true},
		{"open literal", "q := []Point{{p.X|", "X", "", true},
		{"in a func literal argument", "sort.Slice(points, func(i, j int) bool { return points[i].No|", "Norm", "", false},

		{"struct literal", "q := Point{|", "X: Y: note:", "Move", true},
		{"pointer to struct literal", "q := &Point{|}", "X: Y: note:", "", true},
		{"second field", "q := Point{X: 1, |}", "Y: note:", "X:", true},
		{"half a field", "q := Circle{Ra|", "Radius:", "Point: range", false},
		{"field before its colon", "q := Point{|: 1}", "X: Y: note:", "", true},
		{"field value", "q := Point{X: Lim|", "Limit", "", true},
		{"elided type", "q := []Point{{|}}", "X: Y: note:", "", true},
		{"elided pointer type", "q := map[string]*Point{\"a\": {|}}", "X: Y: note:", "", true},
		{"standard struct", "time.Time{|", "", "wall:", false},
		{"several lines", "q := Circle{\n\tRadius: 1,\n\tIn|\n}", "Inner:", "", true},
		{"unkeyed", "q := Point{1, Lim|}", "Limit", "", true},
		{"slice literal", "q := []int{Lim|", "Limit", "", true},

		{"import path", "import \"net/|", "net/http\" net/url\"", "", true},
		{"import path, closed", "import \"os|\"", "os os/exec", "", true},
		{"import path in parens", "import (\n\t\"fmt\"\n\t\"ti|\n)", "time\"", "", true},
		{"import path by its end", "import \"js|\"", "encoding/json", "", true},
		{"named import", "import r \"math/r|\"", "math/rand math/rand/v2", "", true},
		{"in a string", "x := \"fmt.Pri|", "", "", true},
		{"in a closed string", "x := \"fmt.Pri|\"", "", "", true},
		{"in a raw string", "x := `fmt.Pri|", "", "", true},
		{"in a line comment", "// fmt.Pri|", "", "", true},
		{"in a block comment", "/* fmt.Pri| */", "", "", true},
		{"in an open comment", "/* fmt.Pri|", "", "", true},
		{"behind a block comment", "/* a */ fmt.Printl|", "Println", "", true},
		{"label", "outer:\nfor {\n\tbreak out|\n}", "outer", "", true},

		{"magic", "%ti|", "%time %timeit", "", true},
		{"cell magic", "%%|", "%%go", "", true},
		{"any magic", "%|", "%time %timeit %who %%go", "", true},
		{"cell magic not below", "x := 1\n%|", "%time %timeit %who", "%%go", true},
		{"cell magic behind blank lines", "\n\n%%g|", "%%go", "", true},
		{"cell magic's flags", "%%go p|", "", "", true},
		{"no commands in a cell magic's text", "%%go\n!p.No|", "Norm", "", false},
		{"magic's Go", "%time dou|", "double", "", true},
		{"magic's member", "%time p.No|", "Norm", "", false},
		{"magic without Go", "%who p.|", "", "", true},
		{"below a magic", "%time double(1)\np.No|", "Norm", "", false},
		{"remainder is no magic", "x = 7\n%dou|", "", "", true},
		{"shell", "!ls p.|", "", "", true},
		{"below a shell line with quotes", "!echo \"it's `x\np.No|", "Norm", "", false},
		{"shell line after one with quotes", "!echo `x\n%ti|", "%time %timeit", "", true},
		{"in a raw string", "x := `\n!p.No|\n`", "", "", true},
		{"below a cell magic", "%%go -race\npackage main\n\nimport \"os\"\n\nfunc main() {\n\tos.Exi|\n}", "Exit", "", true},
		{"writefile's text", "%%writefile a.go\nfmt.Pri|", "", "", true},

		{"whole program", "package main\n\nimport \"strings\"\n\nfunc main() {\n\tvar b strings.Builder\n\tb.WriteS|\n}", "WriteString", "", true},
		{"method value of a package variable", "os.Stdout.WriteS|", "WriteString", "", true},
		{"blank", "_|", "", "_", true},
		{"non-ASCII", "größe := Circle{}\ngröße.Ra|", "Radius", "", true},
		{"non-ASCII prefix", "größe := 1\ngrö|", "größe", "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, cursor := at(t, test.code)
			r := c.Complete(s, code, cursor)
			got := texts(r.Items)
			for i := range got {
				got[i] = strings.TrimSpace(got[i])
			}
			want := strings.Fields(test.has)
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("lacks %q; has %q", w, got)
				}
			}
			for _, w := range strings.Fields(test.not) {
				if slices.Contains(got, w) {
					t.Errorf("proposes %q", w)
				}
			}
			if test.only && len(got) != len(want) {
				t.Errorf("proposes %q, want only %q", got, want)
			}
			if r.Start < 0 || r.Start > r.End || r.End > len(code) || r.End != cursor {
				t.Errorf("replaces %d…%d, cursor at %d", r.Start, r.End, cursor)
			}
			for _, it := range r.Items {
				if typed := code[r.Start:r.End]; !strings.EqualFold(it.Text[:min(len(typed), len(it.Text))], typed) && it.Kind != "package" {
					t.Errorf("%q does not go on from %q", it.Text, typed)
				}
			}
		})
	}
}

func TestKindsAndSignatures(t *testing.T) {
	s := newSession(t, declared)
	c := newCompleter(t)
	tests := []struct{ code, text, kind, signature string }{
		{"fmt.Println|", "Println", "function", "(a ...any) (n int, err error)"},
		{"fmt.Stringer|", "Stringer", "type", "interface"},
		{"math.MaxInt16|", "MaxInt16", "const", "untyped int = 32767"},
		{"os.Stdout|", "Stdout", "var", "*os.File"},
		{"os.File|", "File", "type", "struct"},
		{"os.FileMode|", "FileMode", "type", "= fs.FileMode"},
		{"time.Duration|", "Duration", "type", "int64"},
		{"p.Move|", "Move", "method", "(dx int, dy int)"},
		{"p.X|", "X", "field", "int"},
		{"pp|", "pp", "var", "*Point"},
		{"byName|", "byName", "var", "map[string]*Point"},
		{"Limit|", "Limit", "const", "untyped int = 10"},
		{"double|", "double", "function", "(n int) int"},
		{"Map|", "Map", "function", "[T any, U any](xs []T, f func(T) U) []U"},
		{"ints.Push|", "Push", "method", "(v int)"},
		{"Point|", "Point", "type", "struct"},
		{"fmt|", "fmt", "package", `"fmt"`},
		{"append|", "append", "function", "(slice []Type, elems ...Type) []Type"},
		{"return|", "return", "keyword", ""},
		{"int|", "int", "type", ""},
		{"%time|", "%time", "magic", "statement"},
	}
	for _, test := range tests {
		code, cursor := at(t, test.code)
		r := c.Complete(s, code, cursor)
		i := slices.IndexFunc(r.Items, func(it complete.Item) bool { return it.Text == test.text })
		if i < 0 {
			t.Errorf("%s: no %q in %q", test.code, test.text, texts(r.Items))
			continue
		}
		if got := r.Items[i]; got.Kind != test.kind || got.Signature != test.signature {
			t.Errorf("%s: %s %q, want %s %q", test.code, got.Kind, got.Signature, test.kind, test.signature)
		}
	}
}

func TestWhatFitsComesFirst(t *testing.T) {
	s := newSession(t, declared)
	c := newCompleter(t)
	for code, want := range map[string]string{
		"take(p|":                        "p",      // a Point, before points
		"var q []Point = po|":            "points", // by type, before Point
		"func f() { pnt := 1; _ = p|":    "pnt",    // the nearest
		"fmt.print|":                     "Print",
		"q := Circle{Point: p|":          "p",
		"strings.Repeat(\"\", double(x|": "x",
	} {
		code, cursor := at(t, code)
		r := c.Complete(s, code, cursor)
		if len(r.Items) == 0 || strings.TrimSpace(r.Items[0].Text) != want {
			t.Errorf("%s: first is %q, want %q", code, texts(r.Items), want)
		}
	}
}

// The issue asks for 30 ms; the bound here leaves room for a busy machine.
func TestCompleteIsQuickOnceWarm(t *testing.T) {
	s := newSession(t, declared)
	c := newCompleter(t)
	code, cursor := at(t, strings.Repeat("func f() { fmt.Println(p.Norm(), started.Unix()) }\n", 30)+"net/http\nhttp.|")
	c.Complete(s, code, cursor)
	best := time.Hour
	for range 10 {
		begin := time.Now()
		c.Complete(s, code, cursor)
		best = min(best, time.Since(begin))
	}
	t.Logf("warm: %v", best)
	if best > 30*time.Millisecond {
		t.Errorf("warm completion took %v at best", best)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	s := newSession(t, declared)
	s.names["loose"] = types.NewVar(token.NoPos, s.pkg, "loose", types.Typ[types.Int])
	c := newCompleter(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if r := c.Complete(s, "c.Mo", 4); len(r.Items) == 0 {
					t.Error("nothing proposed")
				}
				if r := c.Complete(s, "loo", 3); len(r.Items) != 1 {
					t.Error("a variable in no scope is not proposed")
				}
				if _, ok := c.Inspect(s, "fmt.Println", 8, i%2); !ok {
					t.Error("nothing found")
				}
			}
		})
	}
	wg.Wait()
}
