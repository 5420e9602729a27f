package frontends

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/features.md claims nothing without a test, and each test that it names
// is there.
func TestFeatureTable(t *testing.T) {
	table, err := os.ReadFile("../../docs/features.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder // all tests of the module
	err = filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == ".git" || name == "build" || name == "out") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "test_") && strings.HasSuffix(name, ".py") {
			b, err := os.ReadFile(path)
			tests.Write(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := tests.String()
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+)(?:/([^`]+))?`").FindAllStringSubmatch(string(table), -1)
	if len(names) < 40 {
		t.Errorf("only %d tests are named", len(names))
	}
	for _, n := range names {
		if !strings.Contains(all, "func "+n[1]+"(t *testing.T)") {
			t.Errorf("there is no test %s", n[1])
		}
		if n[2] != "" && !strings.Contains(all, "def "+n[2]+"(") && !strings.Contains(all, `"`+n[2]+`"`) {
			t.Errorf("%s has no test %s", n[1], n[2])
		}
	}
	for _, line := range strings.Split(string(table), "\n") {
		if cols := strings.Split(line, "|"); len(cols) > 4 && strings.HasPrefix(strings.TrimSpace(cols[2]), "yes") && !strings.Contains(cols[3], "`Test") {
			t.Errorf("claimed without a test: %s", line)
		}
	}
}
