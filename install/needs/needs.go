// Package needs is for tests that need more of a machine than Go: they skip
// where it isn't there, with the reason, and fail where SPINDLE_REQUIRE says
// that it has to be ("python,chromium,cc", as in CI).
package needs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"spindle/install/internal/jupyterdirs"
	"spindle/install/internal/pyenv"
)

// requireEnv names, with commas between them, what has to be there.
const requireEnv = "SPINDLE_REQUIRE"

// pythonEnv may name the Python of the tests.
const pythonEnv = "SPINDLE_PYTHON"

// Python is the path of a Python that has the modules: $SPINDLE_PYTHON, the one
// that `go run ./install env --frontends` made, or python3 on the PATH.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	var candidates []string
	if p := os.Getenv(pythonEnv); p != "" {
		candidates = []string{p}
	} else {
		home, _ := os.UserHomeDir()
		own := jupyterdirs.Machine{GOOS: runtime.GOOS, Home: home, Getenv: os.Getenv}.Own()
		if env, ok := pyenv.Whole(own, pyenv.FrontEnds); ok {
			candidates = append(candidates, env.Bin("python"))
		}
		if p, err := exec.LookPath("python3"); err == nil {
			candidates = append(candidates, p)
		}
	}
	for _, p := range candidates {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := exec.CommandContext(ctx, p, "-c", "import "+strings.Join(append([]string{"sys"}, modules...), ", ")).Run()
		cancel()
		if err == nil {
			return p
		}
	}
	missing(t, "python", "no Python here has "+strings.Join(modules, ", ")+": `go run ./install env --frontends` makes one that has")
	return ""
}

// Program is a command of a Python's environment, such as "jupyter".
func Program(t testing.TB, python, name string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(python), name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "python", "there is no "+name+" beside "+python)
	}
	return path
}

// Chromium is the path of a Chromium or Chrome.
func Chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "chromium", "there is no Chromium on the PATH")
	return ""
}

// CC is the path of a C compiler, which the race detector needs.
func CC(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("cc")
	if err != nil {
		missing(t, "cc", "there is no C compiler on the PATH")
	}
	return path
}

func missing(t testing.TB, what, reason string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv(requireEnv), ","), what) {
		t.Fatalf("%s, and %s=%s", reason, requireEnv, os.Getenv(requireEnv))
	}
	t.Skip("SKIP: " + reason)
}
