package complete_test

import (
	"go/types"
	"strings"
	"testing"

	"spindle/kernel/internal/complete"
)

// checker stands in for package cell's session, with real types.
type checker struct {
	*session
	cells    []string
	declared map[string]struct {
		src  string
		cell int
		line int
	}
}

func (c checker) Scope() map[string]types.Object {
	m := map[string]types.Object{}
	for n, o := range c.names {
		if _, ok := o.(*types.PkgName); !ok {
			m[n] = o
		}
	}
	return m
}

func (c checker) Imports() map[string]string {
	return map[string]string{"fmt": "fmt", "str": "strings", ".math": "math", "gone": "no/such/package"}
}

func (c checker) Declared(name string) (string, int, int, bool) {
	d, ok := c.declared[name]
	return d.src, d.cell, d.line, ok
}

func (c checker) CellSource(n int) (string, bool) {
	if n < 1 || n > len(c.cells) {
		return "", false
	}
	return c.cells[n-1], true
}

func TestScopeOfASession(t *testing.T) {
	point := "type Point struct {\n\tX int // to the right\n\t// Y goes up.\n\tY int\n}"
	move := "func (p *Point) Move(dx int) { p.X += dx }"
	cell := "// Point is a place.\n" + point + "\n\n// Move shifts\n// p.\n" + move + "\nvar p Point\n"
	ck := checker{session: newSession(t, cell), cells: []string{cell}}
	ck.declared = map[string]struct {
		src        string
		cell, line int
	}{
		"Point": {point, 1, 2}, "Point.Move": {move, 1, 10}, "p": {"var p Point", 1, 11},
	}
	scope := complete.ScopeOf(ck, stdPackages)
	c := newCompleter(t)
	inspect := []struct{ code, want string }{
		{"Poin|t{}", "Point is a place."},
		{"p.Mov|e(1)", "Move shifts p.\n\ndeclared in cell 1, line 10"},
		{"p.X|", "to the right\n\ndeclared in cell 1, line 3"},
		{"Point{Y|: 1}", "Y goes up.\n\ndeclared in cell 1, line 5"},
		{"p|", "var p Point\n\nPoint is a place.\n\ndeclared in cell 1, line 11"},
	}
	for _, test := range inspect {
		code, cursor := at(t, test.code)
		b, _ := c.Inspect(scope, code, cursor, 0)
		if plain := b.Plain; !strings.Contains(plain, test.want) {
			t.Errorf("%s: lacks %q:\n%s", test.code, test.want, plain)
		}
	}
	for code, want := range map[string]string{"p.M|": "Move", "str.HasPre|": "HasPrefix", "MaxInt1|": "MaxInt16", "Poi|": "Point"} {
		code, cursor := at(t, code)
		if r := c.Complete(scope, code, cursor); len(r.Items) == 0 || r.Items[0].Text != want {
			t.Errorf("%s: %q, want %s first", code, texts(r.Items), want)
		}
	}
	if scope.Lookup("gone") != nil {
		t.Error("a package that can't be imported has a name")
	}
}
