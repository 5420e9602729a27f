package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// runTimeout bounds one compiled program; the corpus' slowest takes well under
// a second.
const runTimeout = 30 * time.Second

// Judge builds all programs with the go command in one module below dir and
// runs each. The outcomes stand at the programs' indexes.
func Judge(ctx context.Context, dir string, programs []Program) ([]Outcome, error) {
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module judge\n\ngo 1.26\n"), 0o644); err != nil {
		return nil, err
	}
	for i, p := range programs {
		d := filepath.Join(dir, pkg(i))
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(d, "main.go"), []byte(p.Source), 0o644); err != nil {
			return nil, err
		}
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	// Compile first, so that a program that doesn't is found before linking:
	// with -o a single failure would leave some binaries out.
	refused, err := compile(ctx, dir, len(programs))
	if err != nil {
		return nil, err
	}
	args := []string{"build", "-ldflags=-s -w", "-o", bin + string(filepath.Separator)}
	any := false
	for i := range programs {
		if refused[i] == nil {
			args = append(args, "./"+pkg(i))
			any = true
		}
	}
	if any {
		if out, err := goCommand(ctx, dir, args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building the corpus: %w\n%s", err, out)
		}
	}

	outcomes := make([]Outcome, len(programs))
	errs := make([]error, len(programs))
	limit := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for i := range programs {
		if refused[i] != nil {
			outcomes[i] = Outcome{Compile: refused[i]}
			continue
		}
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			outcomes[i], errs[i] = Run(ctx, exec.Command(filepath.Join(bin, pkg(i))), runTimeout)
			if errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", programs[i].Name, errs[i])
			}
		})
	}
	wg.Wait()
	return outcomes, errors.Join(errs...)
}

func pkg(i int) string { return fmt.Sprintf("p%04d", i) }

func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false -trimpath", "CGO_ENABLED=0")
	return c
}

var compileError = regexp.MustCompile(`^(?:\./)?p(\d{4})/main\.go:(\d+:\d+: .*)$`)

// pkgPath is a program's folder where an error names a second place.
var pkgPath = regexp.MustCompile(`\b(?:\./)?p\d{4}/`)

// notInStd is the go command's error for an import that it can't find. It is
// reported before anything compiles.
var notInStd = regexp.MustCompile(`(package \S+ is not in std) \(.*\)$`)

// compile type-checks and compiles every package and returns, by index, the
// errors of those that the compiler refused.
func compile(ctx context.Context, dir string, n int) ([][]string, error) {
	refused := make([][]string, n)
	for {
		args := []string{"build", "-gcflags=-e", "-o", os.DevNull}
		for i := range n {
			if refused[i] == nil {
				args = append(args, "./"+pkg(i))
			}
		}
		if len(args) == 4 {
			return refused, nil
		}
		out, err := goCommand(ctx, dir, args...).CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return nil, fmt.Errorf("running the go command: %w", err)
		}
		last, again := -1, false
		for line := range strings.SplitSeq(string(out), "\n") {
			m := compileError.FindStringSubmatch(line)
			switch {
			case m != nil:
				_, _ = fmt.Sscanf(m[1], "%d", &last)
				text := notInStd.ReplaceAllString(m[2], "$1")
				again = again || text != m[2]
				refused[last] = append(refused[last], pkgPath.ReplaceAllString(text, ""))
			case strings.HasPrefix(line, "\t") && last >= 0: // the same error goes on
				k := len(refused[last]) - 1
				refused[last][k] += " / " + pkgPath.ReplaceAllString(strings.TrimSpace(line), "")
			}
		}
		if err != nil && last < 0 {
			return nil, fmt.Errorf("compiling the corpus: %w\n%s", err, out)
		}
		if !again {
			return refused, nil
		}
	}
}

// Run runs c to its end, or for limit at most, and says what it came to.
func Run(ctx context.Context, c *exec.Cmd, limit time.Duration) (Outcome, error) {
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		return Outcome{}, err
	}
	timer := time.AfterFunc(limit, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	defer stop()
	err := c.Wait()
	o := Outcome{Stdout: stdout.String(), Exit: c.ProcessState.ExitCode()}
	o.Stderr, o.Panic = SplitStderr(stderr.String())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return o, err
	}
	if o.Exit < 0 {
		return o, fmt.Errorf("ended by a signal, or after %v: %v", limit, c.ProcessState)
	}
	return o, nil
}
