// Package labserver runs JupyterLab for one person: on the loopback address,
// behind a token, and with nothing left running when it ends.
package labserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"spindle/install/internal/procs"
)

// host is the only address that the server ever listens on.
const host = "127.0.0.1"

// firstPort is Jupyter's own default; portTries are looked through for a free one.
const (
	firstPort = 8888
	portTries = 50
)

// readyTimeout is how long a server may take to answer. A first start on a
// slow disk, with nothing compiled yet, takes tens of seconds.
const readyTimeout = 120 * time.Second

// endGrace is how long the server may take to shut its kernels down.
const endGrace = 15 * time.Second

// Options of Start.
type Options struct {
	Jupyter string // the jupyter command
	Folder  string // what is served, absolute
	Open    string // the notebook that is opened, relative to Folder
	Port    int    // 0: 8888 or the next that is free
	Browser bool   // open the person's browser
	// Data is a Jupyter data folder (with kernels/) that goes before all others.
	Data string
	// Own is a folder for the server's log and settings.
	Own string
}

// Server is a JupyterLab that runs.
type Server struct {
	Port   int
	Token  string // in hex
	Log    string // the path of its log
	open   string
	family *procs.Family
}

// Start starts JupyterLab and returns when it answers, or when ctx is done.
func Start(ctx context.Context, o Options) (*Server, error) {
	port, err := ChoosePort(o.Port)
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, Token: newToken(), open: o.Open}
	config := filepath.Join(o.Own, "jupyter-config")
	if err := writeSettings(config); err != nil {
		return nil, fmt.Errorf("start JupyterLab: %w", err)
	}
	s.Log = filepath.Join(o.Own, fmt.Sprintf("jupyterlab-%d.log", port))
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start JupyterLab: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(o.Jupyter, arguments(o, port)...)
	cmd.Dir = o.Folder
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = environment(os.Environ(), s.Token, o.Data, config)
	if s.family, err = procs.Start(cmd); err != nil {
		return nil, fmt.Errorf("start JupyterLab: %w", err)
	}
	if err := s.await(ctx); err != nil {
		s.End()
		return nil, fmt.Errorf("start JupyterLab: %w", err)
	}
	return s, nil
}

// arguments overrule what the person's own Jupyter configuration says of the
// address, the port and the token.
func arguments(o Options, port int) []string {
	args := []string{
		"lab",
		"--ServerApp.ip=" + host,
		"--ServerApp.port=" + strconv.Itoa(port),
		"--ServerApp.port_retries=0",
		"--ServerApp.allow_remote_access=False",
		"--ServerApp.base_url=/",
		"--ServerApp.certfile=",
		"--ServerApp.root_dir=" + o.Folder,
		"--ServerApp.open_browser=" + map[bool]string{true: "True", false: "False"}[o.Browser],
		"--LabApp.default_url=/lab/tree/" + o.Open,
	}
	if os.Geteuid() == 0 {
		args = append(args, "--ServerApp.allow_root=True") // as root it would refuse
	}
	return args
}

// environment hands on the token where `ps` doesn't show it, and puts our
// folders before the person's.
func environment(env []string, token, data, config string) []string {
	before := func(name, dir string) string {
		if v := os.Getenv(name); v != "" {
			dir += string(filepath.ListSeparator) + v
		}
		return name + "=" + dir
	}
	return append(env, "JUPYTER_TOKEN="+token, before("JUPYTER_PATH", data), before("JUPYTER_CONFIG_PATH", config))
}

// writeSettings keeps JupyterLab from asking whether it may fetch news, before
// the first lesson is on the screen.
func writeSettings(config string) error {
	dir := filepath.Join(config, "labconfig")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text := `{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}` + "\n"
	return os.WriteFile(filepath.Join(dir, "page_config.json"), []byte(text), 0o644)
}

// PortError says that the port that was asked for is taken.
type PortError struct {
	Port, Free int // Free is one that isn't, 0 where none was found
}

func (e *PortError) Error() string {
	hint := ""
	if e.Free != 0 {
		hint = fmt.Sprintf(": %d is free (--port %d)", e.Free, e.Free)
	}
	return fmt.Sprintf("port %d of %s is in use%s", e.Port, host, hint)
}

// ChoosePort returns the port that was asked for or, for 0, Jupyter's own or the
// next that is free. It fails with a *PortError where it is in use.
func ChoosePort(asked int) (int, error) {
	free := func(port int) bool {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return false
		}
		return l.Close() == nil
	}
	if asked != 0 && free(asked) {
		return asked, nil
	}
	found := 0
	for port := firstPort; port < firstPort+portTries && found == 0; port++ {
		if port != asked && free(port) {
			found = port
		}
	}
	if asked != 0 {
		return 0, &PortError{asked, found}
	}
	if found == 0 {
		return 0, fmt.Errorf("no port of %s from %d to %d is free: name one with --port", host, firstPort, firstPort+portTries-1)
	}
	return found, nil
}

func newToken() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// URL opens the notebook; it has the token in it.
func (s *Server) URL() string {
	return fmt.Sprintf("http://%s:%d/lab/tree/%s?token=%s", host, s.Port, s.open, s.Token)
}

// Exited is closed when the server has ended.
func (s *Server) Exited() <-chan struct{} { return s.family.Exited() }

// Tail is the end of the server's log.
func (s *Server) Tail() string {
	b, err := os.ReadFile(s.Log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// End ends the server and its kernels and returns when none of them is left.
func (s *Server) End() { s.family.End(endGrace) }

// await waits until the server answers to its token, and makes sure that it
// answers to nothing else.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("no answer within %v", readyTimeout))
	defer cancel()
	for {
		status, err := s.get(ctx, "/api/status", s.Token)
		if err == nil && status == http.StatusOK {
			break
		}
		select {
		case <-s.Exited():
			return fmt.Errorf("it ended at once (%v); its log (%s) says:\n%s", s.family.Err(), s.Log, s.Tail())
		case <-ctx.Done():
			return fmt.Errorf("%w; its log is %s", context.Cause(ctx), s.Log)
		case <-time.After(100 * time.Millisecond):
		}
	}
	status, err := s.get(ctx, "/api/contents", "")
	if err != nil {
		return fmt.Errorf("ask without the token: %w", err)
	}
	if status == http.StatusOK {
		return errors.New("your Jupyter configuration lets anybody on this machine in without the token " +
			"(c.IdentityProvider.token or c.ServerApp.token is \"\"): remove that setting, or use --private with another JUPYTER_CONFIG_DIR")
	}
	return nil
}

func (s *Server) get(ctx context.Context, path, token string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d%s", host, s.Port, path), nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		req.Header.Set("Authorization", "token "+token)
	}
	// A proxy of the environment has no business on the loopback.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, resp.Body.Close()
}

// Version asks a jupyter command for its JupyterLab's version, "4.6.6". It
// fails where it has none.
func Version(ctx context.Context, jupyter string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, jupyter, "lab", "--version")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its JupyterLab: %w: %s", jupyter, err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// Major is the first number of a version.
func Major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(first)
	return n
}

// Kernels lists the kernels that a jupyter command sees: name → folder.
func Kernels(ctx context.Context, jupyter string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, jupyter, "kernelspec", "list", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("list Jupyter's kernels: %w", err)
	}
	var list struct {
		Kernelspecs map[string]struct {
			ResourceDir string `json:"resource_dir"`
		} `json:"kernelspecs"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("list Jupyter's kernels: %w", err)
	}
	dirs := map[string]string{}
	for name, k := range list.Kernelspecs {
		dirs[name] = k.ResourceDir
	}
	return dirs, nil
}
