package complete_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"spindle/kernel/internal/complete"
	"spindle/kernel/internal/std"
)

// everything is a Scope without a session: the standard library as cells have it.
type everything struct {
	complete.Scope
	imp   *std.Importer
	paths []string
}

func (e everything) Names() []string                                    { return nil }
func (e everything) Lookup(string) types.Object                         { return nil }
func (e everything) Source(types.Object) (src complete.Source, ok bool) { return }
func (e everything) Packages() []string                                 { return e.paths }
func (e everything) Import(path string) (*types.Package, error)         { return e.imp.Import(path) }

// TestEveryNameIsProposedWhereItStands takes programs that others wrote, cuts
// them off within a name, and asks for it back: once with what follows the
// cursor still there, once without.
func TestEveryNameIsProposedWhereItStands(t *testing.T) {
	imp, err := std.NewImporter()
	if err != nil {
		t.Fatal(err)
	}
	scope := everything{imp: imp}
	for _, paths := range std.Names() {
		scope.paths = append(scope.paths, paths...)
	}
	slices.Sort(scope.paths)
	c := newCompleter(t)
	programs, names, asked := 0, 0, 0
	const every = 29 // a sample: each of some 30,000 places takes about a millisecond
	err = filepath.WalkDir("../oracle/testdata/corpus", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txtar") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, file := range txtar.Parse(data).Files {
			if file.Name != "main.go" {
				continue
			}
			src := string(file.Data)
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
			if err != nil {
				continue // a program about its own compile error
			}
			info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
			conf := types.Config{Importer: imp, Error: func(error) {}}
			if _, err := conf.Check("main", fset, []*ast.File{f}, info); err != nil {
				continue
			}
			programs++
			ast.Inspect(f, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok || info.Uses[id] == nil || id.Name == "_" {
					return true
				}
				if info.Uses[id].Pos() == id.Pos() {
					return true // a receiver's type parameter is a new name
				}
				names++
				if names%every != 0 {
					return true
				}
				at := fset.Position(id.Pos()).Offset
				cursor := at + (len(id.Name)+1)/2
				for _, code := range []string{src[:cursor] + src[at+len(id.Name):], src[:cursor]} {
					if obj := info.Uses[id]; len(code) == cursor && obj.Pkg() == nil || obj.Pkg() != nil && obj.Pkg().Path() == "main" && obj.Pos() > id.Pos() {
						continue // it is declared in what was cut off
					}
					asked++
					r := c.Complete(scope, code, cursor)
					if !slices.ContainsFunc(r.Items, func(it complete.Item) bool {
						return it.Text == id.Name || strings.TrimSuffix(it.Text, ": ") == id.Name
					}) {
						t.Errorf("%s: %s is not proposed in line %q, at its end %v", path, id.Name, lineAt(src, at), len(code) == cursor)
					}
				}
				if names%(every*2) == 0 {
					if _, ok := c.Inspect(scope, src, at, 0); !ok {
						t.Errorf("%s: nothing known of %s in line %q", path, id.Name, lineAt(src, at))
					}
				}
				return true
			})
			if status, _ := c.IsComplete(src); status != complete.Complete {
				t.Errorf("%s: the program is %s", path, status)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d programs, %d names, %d questions", programs, names, asked)
	if programs < 200 || asked < 500 {
		t.Errorf("only %d programs and %d questions: the corpus is not where it was", programs, asked)
	}
}

func lineAt(src string, at int) string {
	start := strings.LastIndexByte(src[:at], '\n') + 1
	line, _, _ := strings.Cut(src[start:], "\n")
	return strings.TrimSpace(line)
}
