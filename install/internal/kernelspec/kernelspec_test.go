package kernelspec

import (
	"encoding/json"
	"errors"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

func fake(text string) func(string) error {
	return func(path string) error { return os.WriteFile(path, []byte(text), 0o755) }
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestInstallThenReplace(t *testing.T) {
	data := t.TempDir()
	for _, text := range []string{"first", "second"} {
		dir, err := Install(data, Metadata{Sources: text, GoVersion: "go1.26"}, fake(text))
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg", Binary}; !slices.Equal(names(t, dir), want) {
			t.Errorf("the folder has %q, want %q", names(t, dir), want)
		}
		s, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.DisplayName != "Go (Spindle)" || s.Language != "go" || s.InterruptMode != "message" || s.Metadata.Sources != text {
			t.Errorf("%+v", s)
		}
		if len(s.Argv) != 2 || !filepath.IsAbs(s.Argv[0]) || s.Argv[1] != "{connection_file}" {
			t.Errorf("argv %q", s.Argv)
		}
		if b, err := os.ReadFile(s.Argv[0]); err != nil || string(b) != text {
			t.Errorf("argv[0] holds %q, %v", b, err)
		}
		if got := names(t, filepath.Dir(dir)); !slices.Equal(got, []string{Name}) {
			t.Errorf("kernels/ has %q", got)
		}
	}
}

func TestFailedInstallKeepsTheOldOne(t *testing.T) {
	data := t.TempDir()
	dir, err := Install(data, Metadata{}, fake("old"))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("doesn't compile")
	if _, err := Install(data, Metadata{}, func(path string) error {
		_ = os.WriteFile(path, []byte("half"), 0o755)
		return broken
	}); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	if got := names(t, filepath.Dir(dir)); !slices.Equal(got, []string{Name}) {
		t.Errorf("kernels/ has %q", got)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, Binary)); string(b) != "old" {
		t.Errorf("the kernel is %q", b)
	}
}

// While the kernel is being built, no folder is there that Jupyter would list.
func TestUnfinishedIsHidden(t *testing.T) {
	listed := regexp.MustCompile(`(?i)^[a-z0-9._\-]+$`) // jupyter_client.kernelspec._kernel_name_pat
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, "kernels", Name+"~left"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Install(data, Metadata{}, func(path string) error {
		for _, n := range names(t, filepath.Join(data, "kernels")) {
			if listed.MatchString(n) {
				t.Errorf("Jupyter would list %q", n)
			}
			if n == Name+"~left" {
				t.Errorf("what a killed install left is still there")
			}
		}
		return fake("k")(path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCantWrite(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "kernels"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Install(data, Metadata{}, fake("k"))
	var w *WriteError
	if !errors.As(err, &w) || w.Path != filepath.Join(data, "kernels") {
		t.Errorf("err = %v", err)
	}
}

func TestReplaceLink(t *testing.T) {
	data, elsewhere := t.TempDir(), t.TempDir()
	keep := filepath.Join(elsewhere, "keep")
	if err := errors.Join(os.WriteFile(keep, nil, 0o644), os.MkdirAll(filepath.Join(data, "kernels"), 0o755),
		os.Symlink(elsewhere, Dir(data))); err != nil {
		t.Fatal(err)
	}
	dir, err := Install(data, Metadata{}, fake("k"))
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Lstat(dir); err != nil || !fi.IsDir() {
		t.Errorf("%v %v", fi, err)
	}
	if _, err := os.Stat(keep); err != nil {
		t.Errorf("the link's target was touched: %v", err)
	}
}

func TestRemove(t *testing.T) {
	data := t.TempDir()
	if err := Remove(Dir(data)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: err = %v", err)
	}
	dir, err := Install(data, Metadata{}, fake("k"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Dir(dir)); len(got) != 0 {
		t.Errorf("left %q", got)
	}
	// Somebody else's kernel of the same name stays.
	other, _ := json.Marshal(Spec{Argv: []string{"/usr/bin/python3", "-m", "other"}})
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "kernel.json"), other, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir); err == nil {
		t.Error("removed a kernel that isn't Spindle's")
	}
}

func TestLogos(t *testing.T) {
	for name, px := range map[string]int{"logo-32x32.png": 32, "logo-64x64.png": 64} {
		f, err := logos.Open("logos/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c, err := png.DecodeConfig(f)
		if err != nil || c.Width != px || c.Height != px {
			t.Errorf("%s is %d×%d, %v", name, c.Width, c.Height, err)
		}
	}
}
