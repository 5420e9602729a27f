package pyenv

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"spindle/install/internal/progress"
)

func TestLocksPinEverything(t *testing.T) {
	for _, set := range []Set{Lab, FrontEnds} {
		pinned := 0
		for _, line := range strings.Split(string(lock(set)), "\n") {
			if line == "" || strings.HasPrefix(line, "    --hash=sha256:") {
				continue
			}
			if !regexp.MustCompile(`^[a-z0-9.\-]+==[0-9][^ ]*( ; .*)? \\$`).MatchString(line) {
				t.Errorf("%s: not an exact version with its hashes: %q", set, line)
			}
			pinned++
		}
		if pinned < 50 {
			t.Errorf("%s: only %d packages", set, pinned)
		}
	}
}

// What the tests drive is the JupyterLab that `lab` brings.
func TestLocksAgree(t *testing.T) {
	version := func(set Set) string {
		return regexp.MustCompile(`(?m)^jupyterlab==(\S+)`).FindStringSubmatch(string(lock(set)))[1]
	}
	if version(Lab) != version(FrontEnds) || !strings.HasPrefix(version(Lab), "4.") {
		t.Errorf("jupyterlab %s and %s", version(Lab), version(FrontEnds))
	}
}

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"3.9.18", "3.10", true},
		{"3.10.0", "3.10", false},
		{"3.11.7", "3.10", false},
		{"2.7.18", "3.10", true},
		{"4.0", "3.10", false},
		{"", "3.10", true},
		{"3", "3.10", true},
	} {
		if got := older(c.a, c.b); got != c.want {
			t.Errorf("older(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

// script puts a program into a folder that is then the whole PATH.
func script(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestNoPython(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"none":    {},
		"too old": {"python3": "echo 3.8.10"},
		"broken":  {"python3": "exit 1"},
	} {
		t.Run(name, func(t *testing.T) {
			script(t, files)
			own := t.TempDir()
			_, err := Ensure(t.Context(), own, Lab, progress.New(io.Discard))
			if !errors.Is(err, ErrNoPython) {
				t.Errorf("err = %v", err)
			}
			if _, ok := Whole(own, Lab); ok {
				t.Error("there is an environment all the same")
			}
		})
	}
}

// fakePython answers the version and makes a venv whose pip does what pip says.
func fakePython(pip string) string {
	return `case "$2" in
venv) /bin/mkdir -p "$3/bin"; /bin/cat >"$3/bin/python" <<'END'
#!/bin/sh
` + pip + `
END
/bin/chmod +x "$3/bin/python";;
*) echo 3.11.7;;
esac
`
}

func TestEnsure(t *testing.T) {
	script(t, map[string]string{"python3": fakePython(`echo Collecting x; echo "$@" >&2`)})
	own := t.TempDir()
	e, err := Ensure(t.Context(), own, Lab, progress.New(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	if again, ok := Whole(own, Lab); !ok || again != e {
		t.Errorf("Whole = %v, %v", again, ok)
	}
	script(t, nil) // a whole one needs no Python to be found again
	if _, err := Ensure(t.Context(), own, Lab, progress.New(io.Discard)); err != nil {
		t.Errorf("made anew: %v", err)
	}
}

func TestFailedPipLeavesNothing(t *testing.T) {
	script(t, map[string]string{"python3": fakePython(`echo "ERROR: No matching distribution found"; exit 1`)})
	own := t.TempDir()
	_, err := Ensure(t.Context(), own, Lab, progress.New(io.Discard))
	if err == nil || !strings.Contains(err.Error(), "No matching distribution found") {
		t.Errorf("pip's words are missing: %v", err)
	}
	if _, err := os.Stat(Dir(own, Lab)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half an environment is left: %v", err)
	}
}

func TestNoVenvModule(t *testing.T) {
	script(t, map[string]string{"python3": `case "$2" in venv) echo "ensurepip is not available" ; exit 1;; *) echo 3.11.7;; esac`})
	_, err := Ensure(t.Context(), t.TempDir(), Lab, progress.New(io.Discard))
	if err == nil || !strings.Contains(err.Error(), "python3-venv") {
		t.Errorf("err = %v", err)
	}
}

func TestInterruptedPipLeavesNothing(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("SKIP: there is no sleep command")
	}
	script(t, map[string]string{"python3": fakePython(`echo started; ` + sleep + ` 300`)})
	own := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begin := time.Now()
	_, err = Ensure(ctx, own, Lab, progress.New(io.Discard))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 20*time.Second {
		t.Errorf("err = %v after %v", err, time.Since(begin))
	}
	if _, err := os.Stat(Dir(own, Lab)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half an environment is left: %v", err)
	}
}
