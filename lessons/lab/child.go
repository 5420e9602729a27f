package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// childArg marks a process that was executed to play a role: os.Args is
// {binary, childArg, role}.
const childArg = "spindle-lab-child"

// File descriptors of a role's process, after stdin, stdout and stderr.
const (
	fdFromParent = 3 // JSON messages; the first is the role's argument; EOF ends the process
	fdToParent   = 4 // JSON messages
	fdExtra      = 5 // what launch was given in extra
)

// role is what a fresh process is executed for.
type role func(*peer) error

// peer is a role's end of the two pipes to the process that launched it.
type peer struct {
	first json.RawMessage
	in    chan json.RawMessage // closed never: EOF ends the process
	mu    sync.Mutex           // guards enc
	enc   *json.Encoder
}

// ChildMain plays a role of an experiment, where this process was executed
// for one, and then ends the process; otherwise it returns at once. A binary
// that embeds lab calls it first thing in main.
func ChildMain() {
	if len(os.Args) != 3 || os.Args[1] != childArg {
		return
	}
	play, ok := roles()[os.Args[2]]
	if !ok {
		fmt.Fprintf(os.Stderr, "lab: no role %q\n", os.Args[2])
		os.Exit(2)
	}
	p, err := newPeer()
	if err == nil {
		err = play(p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func newPeer() (*peer, error) {
	for fd := 0; fd < 64; fd++ { // a role's own children get only what they are given
		if fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	// Non-blocking, so that waiting for the parent holds no thread.
	if err := syscall.SetNonblock(fdFromParent, true); err != nil {
		return nil, fmt.Errorf("opening the parent's pipe: %w", err)
	}
	p := &peer{in: make(chan json.RawMessage), enc: json.NewEncoder(os.NewFile(fdToParent, "to-parent"))}
	dec := json.NewDecoder(os.NewFile(fdFromParent, "from-parent"))
	if err := dec.Decode(&p.first); err != nil {
		return nil, fmt.Errorf("reading the argument: %w", err)
	}
	go p.listen(dec) // lives as long as the process
	return p, nil
}

// listen takes the parent's messages. Without a parent nobody wants the
// results: the process ends, and its process group with it where it leads one.
func (p *peer) listen(dec *json.Decoder) {
	for {
		var m json.RawMessage
		if err := dec.Decode(&m); err != nil {
			if syscall.Getpgrp() == os.Getpid() {
				_ = syscall.Kill(0, syscall.SIGKILL)
			}
			os.Exit(1)
		}
		p.in <- m
	}
}

// arg decodes the role's argument.
func (p *peer) arg(v any) error { return json.Unmarshal(p.first, v) }

// recv waits for the parent's next message; v may be nil.
func (p *peer) recv(v any) error {
	m := <-p.in
	if v == nil {
		return nil
	}
	return json.Unmarshal(m, v)
}

func (p *peer) send(v any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.enc.Encode(v)
}

// launchOptions of a role's process.
type launchOptions struct {
	env      []string   // added to this process's
	extra    []*os.File // descriptors fdExtra and up
	group    bool       // a process group of its own
	stdout   io.Writer  // nil discards
	stderr   io.Writer  // nil keeps its head and tail, for CrashError
	cred     *syscall.Credential
	cpus     []int // inherited affinity; nil keeps this process's
	ownStdin *os.File
}

// sub is the launcher's handle on a role's process.
type sub struct {
	name   string
	cmd    *exec.Cmd
	enc    *json.Encoder
	dec    *json.Decoder
	to     *os.File
	from   *os.File
	stderr *headTail
	group  bool
	once   sync.Once
	err    error // of Wait, set in once
}

// launch executes this binary again to play role with arg.
func launch(name string, arg any, o launchOptions) (*sub, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this binary: %w", err)
	}
	if strings.HasSuffix(exe, " (deleted)") || !exists(exe) {
		exe = "/proc/self/exe" // rebuilt while running
	}
	childR, parentW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	parentR, childW, err := os.Pipe()
	if err != nil {
		childR.Close()
		parentW.Close()
		return nil, err
	}
	s := &sub{
		name: name, to: parentW, from: parentR, group: o.group, stderr: &headTail{},
		enc: json.NewEncoder(parentW), dec: json.NewDecoder(parentR),
	}
	s.cmd = exec.Command(exe, childArg, name)
	s.cmd.Env = append(childEnv(), o.env...)
	s.cmd.ExtraFiles = append([]*os.File{childR, childW}, o.extra...)
	s.cmd.Stdout = o.stdout
	s.cmd.Stderr = s.stderr
	if o.stderr != nil {
		s.cmd.Stderr = o.stderr
	}
	s.cmd.Stdin = nil
	if o.ownStdin != nil {
		s.cmd.Stdin = o.ownStdin
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: o.group, Credential: o.cred}
	s.cmd.WaitDelay = 2 * time.Second // a grandchild may hold stderr open
	err = startOn(o.cpus, s.cmd.Start)
	childR.Close()
	childW.Close()
	if err != nil {
		parentW.Close()
		parentR.Close()
		return nil, fmt.Errorf("starting a process for %s: %w", name, err)
	}
	if err := s.enc.Encode(arg); err != nil {
		return nil, s.died(err) // before it read its argument
	}
	return s, nil
}

// childEnv is this process's environment without what would change the
// runtime that is measured.
func childEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		switch k, _, _ := strings.Cut(kv, "="); k {
		case "GOMAXPROCS", "GODEBUG", "GOGC", "GOMEMLIMIT", "GOTRACEBACK":
		default:
			env = append(env, kv)
		}
	}
	return env
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s *sub) pid() int { return s.cmd.Process.Pid }

// send hands the role a message.
func (s *sub) send(v any) error {
	if err := s.enc.Encode(v); err != nil {
		return s.died(err)
	}
	return nil
}

// recv waits for the role's next message; v may be nil.
func (s *sub) recv(v any) error {
	var m json.RawMessage
	if err := s.dec.Decode(&m); err != nil {
		return s.died(err)
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(m, v)
}

// kill ends the process, and its group where it leads one, and reaps it.
func (s *sub) kill() {
	s.killGroup()
	_ = s.cmd.Process.Kill()
	_ = s.wait()
}

// killGroup leaves the leader unreaped, so that its id cannot be another's.
func (s *sub) killGroup() {
	if s.group {
		_ = syscall.Kill(-s.pid(), syscall.SIGKILL)
	}
}

// wait reaps the process and returns how it ended, as exec.Cmd.Wait does.
func (s *sub) wait() error {
	s.once.Do(func() {
		s.err = s.cmd.Wait()
		s.to.Close()
		s.from.Close()
	})
	return s.err
}

// died says in its own words why the process is gone.
func (s *sub) died(cause error) error {
	if !errors.Is(cause, io.EOF) && !errors.Is(cause, io.ErrUnexpectedEOF) && !errors.Is(cause, syscall.EPIPE) {
		s.kill()
		return fmt.Errorf("talking to %s: %w", s.name, cause)
	}
	s.kill()
	return &CrashError{Role: s.name, Status: describeExit(s.cmd.ProcessState), Stderr: s.stderr.String()}
}

// CrashError is the death of an experiment's process.
type CrashError struct {
	Role   string // what it was executed for
	Status string // how it ended, decoded
	Stderr string // the head and the tail of what it said
}

// Error is one line, then what the process said.
func (e *CrashError) Error() string {
	s := fmt.Sprintf("the process of %s died: %s", e.Role, e.Status)
	if t := strings.TrimSpace(e.Stderr); t != "" {
		s += "\n" + t
	}
	return s
}

// describeExit decodes a wait status (wait(2)).
func describeExit(ps *os.ProcessState) string {
	if ps == nil {
		return "not reaped"
	}
	ws, ok := ps.Sys().(syscall.WaitStatus)
	if !ok {
		return ps.String()
	}
	switch {
	case ws.Exited():
		return fmt.Sprintf("exit status %d", ws.ExitStatus())
	case ws.Signaled():
		s := fmt.Sprintf("signal %d (%s)", int(ws.Signal()), ws.Signal())
		if ws.CoreDump() {
			s += ", core dumped"
		}
		return s
	}
	return ps.String()
}

// headTail keeps the first and the last bytes written to it: Go prints the
// cause of a crash first and the goroutines after it.
type headTail struct {
	mu         sync.Mutex // guards the rest
	head, tail []byte
	dropped    int
}

const headTailBytes = 4 << 10

func (h *headTail) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(p)
	if room := headTailBytes - len(h.head); room > 0 {
		k := min(room, len(p))
		h.head = append(h.head, p[:k]...)
		p = p[k:]
	}
	h.tail = append(h.tail, p...)
	if over := len(h.tail) - headTailBytes; over > 0 {
		h.dropped += over
		h.tail = append(h.tail[:0], h.tail[over:]...)
	}
	return n, nil
}

func (h *headTail) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dropped > 0 {
		return fmt.Sprintf("%s\n… %d bytes left out …\n%s", h.head, h.dropped, h.tail)
	}
	return string(h.head) + string(h.tail)
}

// stopOnDone kills s when ctx is done, until the returned function is called;
// that function waits for the watching goroutine.
func (s *sub) stopOnDone(ctx context.Context) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-ctx.Done():
			s.killGroup()
			_ = s.cmd.Process.Kill()
		case <-done:
		}
	}()
	return func() { close(done); <-gone }
}
