package std_test

import (
	"go/types"
	"testing"

	"spindle/kernel/internal/std"
)

// TestAgree: what the type checker sees of a package is what a cell gets, for
// every package that a cell may import.
func TestAgree(t *testing.T) {
	imp, err := std.NewImporter()
	if err != nil {
		t.Fatal(err)
	}
	packages, symbols := 0, 0
	for _, paths := range std.Names() {
		for _, path := range paths {
			pkg, err := imp.Import(path)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			packages++
			have := std.Symbols(path)
			for _, name := range pkg.Scope().Names() {
				o := pkg.Scope().Lookup(name)
				if !o.Exported() {
					continue
				}
				switch o := o.(type) {
				case *types.Func:
					if o.Signature().TypeParams().Len() > 0 {
						continue
					}
				case *types.Var:
				default:
					continue
				}
				symbols++
				if _, ok := have[name]; !ok {
					t.Errorf("%s.%s has a type and no symbol", path, name)
				}
			}
		}
	}
	if packages < 120 || symbols < 2000 {
		t.Errorf("only %d packages and %d symbols", packages, symbols)
	}
}

func TestUnknown(t *testing.T) {
	imp, err := std.NewImporter()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := imp.Import("no/such"); err == nil || err.Error() != "package no/such is not in std" {
		t.Errorf("importing a package that is not there: %v", err)
	}
	if std.Symbols("no/such") != nil {
		t.Error("symbols of a package that is not there")
	}
}
