package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"spindle/install/needs"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"install": main})
}

// goEnv is what the go command needs, for scripts and children without a home.
func goEnv(t testing.TB) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOROOT", "GOPROXY", "GOSUMDB").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	if err := json.Unmarshal(out, &env); err != nil {
		t.Fatal(err)
	}
	return env
}

// onlyDir has these programs and this test's binary as the install command,
// and nothing else in it: for a PATH.
func onlyDir(t testing.TB, programs ...string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// testscript runs the binary as the command that its name says.
	if err := os.Symlink(self, filepath.Join(dir, "install")); err != nil {
		t.Fatal(err)
	}
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestScripts(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	env, only, none := goEnv(t), onlyDir(t, "go"), onlyDir(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			for k, v := range env {
				e.Setenv(k, v)
			}
			e.Setenv("ROOT", root)
			e.Setenv("ONLY_GO", only)
			e.Setenv("NO_GO", none)
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("JUPYTER_DATA_DIR", filepath.Join(e.WorkDir, "jupyter"))
			e.Setenv("SPINDLE_HOME", filepath.Join(e.WorkDir, "own"))
			return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"listen": listen},
	})
}

// listen NAME listens on a free port until the script ends, and puts the port
// into $NAME.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// marked lists the running processes that have mark in their environment.
func marked(t *testing.T, mark string) []string {
	t.Helper()
	var out []string
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(b, []byte(mark)) {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		out = append(out, filepath.Base(filepath.Dir(path))+" "+string(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
	}
	return out
}

// lab brings up JupyterLab with the course; a kernel runs a cell that has
// started a process; Ctrl-C leaves nothing of it all.
func TestLabLeavesNothingRunning(t *testing.T) {
	python := needs.Python(t, "jupyterlab")
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("SKIP: without /proc it can't be seen what is left running")
	}
	bin, home := onlyDir(t), t.TempDir()
	mark := fmt.Sprintf("SPINDLE_TEST_MARK=%d-%d", os.Getpid(), time.Now().UnixNano())
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd := exec.Command(filepath.Join(bin, "install"), "lab", "--no-browser")
			cmd.Env = append(os.Environ(), mark, "HOME="+home, "SPINDLE_HOME="+filepath.Join(home, "own"), "JUPYTER_DATA_DIR="+filepath.Join(home, "data"),
				"JUPYTER_CONFIG_DIR="+filepath.Join(home, "config"), "PATH="+filepath.Dir(python)+string(filepath.ListSeparator)+os.Getenv("PATH"))
			for k, v := range goEnv(t) {
				cmd.Env = append(cmd.Env, k+"="+v)
			}
			log, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			cmd.Stdout, cmd.Stderr = log, log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }() // the test waits for it below
			said := func() string { b, _ := os.ReadFile(log.Name()); return string(b) }
			url := regexp.MustCompile(`http://127\.0\.0\.1:(\d+)/lab/tree/(\S+)\?token=([0-9a-f]+)`)
			var at []string
			for deadline := time.Now().Add(5 * time.Minute); at == nil; time.Sleep(100 * time.Millisecond) {
				at = url.FindStringSubmatch(said())
				select {
				case err := <-ended:
					t.Fatalf("lab ended: %v\n%s", err, said())
				default:
				}
				if time.Now().After(deadline) {
					_ = cmd.Process.Kill()
					t.Fatalf("no address within 5 minutes:\n%s", said())
				}
			}
			if _, err := os.Stat(filepath.Join(home, "spindle-course", at[2])); err != nil {
				t.Errorf("the notebook that is opened isn't there: %v", err)
			}
			ask := func(method, path, body string) *http.Response {
				req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:"+at[1]+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "token "+at[3])
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				return resp
			}
			resp := ask("POST", "/api/kernels", `{"name": "spindle"}`)
			resp.Body.Close()
			if resp.StatusCode != http.StatusCreated {
				t.Errorf("start a kernel: %s", resp.Status)
			}
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
				if running := strings.Join(marked(t, mark), "\n"); strings.Contains(running, "spindle-kernel") && strings.Contains(running, "spindle-worker") {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("no kernel is running:\n%s", strings.Join(marked(t, mark), "\n"))
				}
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("exit: %v\n%s", err, said())
				}
			case <-time.After(time.Minute):
				_ = cmd.Process.Kill()
				t.Fatalf("still running a minute after the signal:\n%s", said())
			}
			if left := marked(t, mark); len(left) > 0 {
				t.Errorf("left running:\n%s", strings.Join(left, "\n"))
			}
		})
	}
}
