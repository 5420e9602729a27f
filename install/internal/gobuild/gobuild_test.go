package gobuild

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module named spindle and changes into it.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

var small = map[string]string{
	"go.mod":        "module spindle\n\ngo 1.24\n",
	"go.sum":        "",
	"k/main.go":     "package main\n\nimport (\n\t_ \"embed\"\n\t\"spindle/dep\"\n)\n\n//go:embed data.txt\nvar data string\n\nfunc main() { println(dep.X, data) }\n",
	"k/data.txt":    "data",
	"k/k_test.go":   "package main\n",
	"dep/dep.go":    "package dep\n\nconst X = 1\n",
	"other/main.go": "package main\n\nfunc main() { nowhere() }\n",
}

func TestDigestFollowsWhatIsBuilt(t *testing.T) {
	dir := module(t, small)
	m, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	digest := func() string {
		d, err := m.Digest(t.Context(), "spindle/k")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := digest()
	if digest() != first {
		t.Error("the digest of the same files differs")
	}
	for name, counts := range map[string]bool{
		"k/main.go": true, "k/data.txt": true, "dep/dep.go": true, "go.mod": true,
		"k/k_test.go": false, "other/main.go": false,
	} {
		path := filepath.Join(dir, name)
		old, _ := os.ReadFile(path)
		if err := os.WriteFile(path, append(old, "\n\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
		if changed := digest() != first; changed != counts {
			t.Errorf("%s changed: digest changed = %v, want %v", name, changed, counts)
		}
		if err := os.WriteFile(path, old, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBuild(t *testing.T) {
	dir := module(t, small)
	m, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "bin")
	if err := m.Build(t.Context(), "spindle/k", out); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(out); err != nil || fi.Mode()&0o100 == 0 {
		t.Errorf("%v, %v", fi, err)
	}
	err = m.Build(t.Context(), "spindle/other", out)
	if err == nil || !strings.Contains(err.Error(), "undefined: nowhere") {
		t.Errorf("the compiler's own words are missing: %v", err)
	}
}

func TestFindElsewhere(t *testing.T) {
	module(t, map[string]string{"go.mod": "module other\n\ngo 1.24\n"})
	if _, err := Find(t.Context()); err == nil || !strings.Contains(err.Error(), "isn't Spindle's folder") {
		t.Errorf("err = %v", err)
	}
}
