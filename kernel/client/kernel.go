package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"spindle/kernel/internal/process"
	"spindle/kernel/internal/wire"
)

// Options of Start.
type Options struct {
	// Argv is the kernel's command line, as in a kernelspec: an argument
	// "{connection_file}" is replaced; without one the file is the last.
	Argv []string
	Dir  string
	Env  []string // nil: this process's
	// Stderr gets what the kernel prints there; nil drops it. The end of it is
	// kept in any case, for the error of a kernel that dies.
	Stderr io.Writer
	// Transport is "tcp" (default) or "ipc".
	Transport string
}

// Kernel is a kernel process that this one started, and a Client of it.
type Kernel struct {
	*Client
	cmd    *exec.Cmd
	dir    string // holds the connection file
	file   string
	stderr *tail
	exited chan struct{} // closed when the process has ended
}

// Start runs a kernel and waits until it answers. The connection file is
// readable by this user alone, on the loopback address, and goes with Close.
// ctx bounds the start, not the kernel's life.
func Start(ctx context.Context, o Options) (*Kernel, error) {
	if len(o.Argv) == 0 {
		return nil, errors.New("start kernel: no command line")
	}
	for attempt := 1; ; attempt++ {
		dir, err := os.MkdirTemp("", "spindle-client-")
		if err != nil {
			return nil, fmt.Errorf("start kernel: %w", err)
		}
		k := &Kernel{dir: dir, stderr: &tail{to: o.Stderr}, exited: make(chan struct{})}
		if err = k.start(ctx, o); err == nil {
			return k, nil
		}
		k.Close()
		// Another process may have taken a port between us and the kernel.
		if attempt == portAttempts || !strings.Contains(k.stderr.String(), "in use") {
			return nil, err
		}
	}
}

// portAttempts is how often Start looks for free ports.
const portAttempts = 4

func (k *Kernel) start(ctx context.Context, o Options) error {
	conn := wire.Connection{
		Transport: o.Transport, Key: wire.NewKey(), SignatureScheme: "hmac-sha256", KernelName: "spindle",
	}
	if err := choosePorts(&conn, k.dir); err != nil {
		return fmt.Errorf("start kernel: %w", err)
	}
	k.file = filepath.Join(k.dir, "connection.json")
	if err := wire.WriteConnection(k.file, conn); err != nil {
		return fmt.Errorf("start kernel: %w", err)
	}
	argv, named := make([]string, 0, len(o.Argv)+1), false
	for _, a := range o.Argv {
		named = named || strings.Contains(a, "{connection_file}")
		argv = append(argv, strings.ReplaceAll(a, "{connection_file}", k.file))
	}
	if !named {
		argv = append(argv, k.file)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr = o.Dir, o.Env, k.stderr
	cmd.WaitDelay = time.Second // a child of the kernel may hold its stderr
	// With this process the kernel ends: nobody else knows its key.
	if err := process.Start(cmd, syscall.SIGKILL); err != nil {
		return fmt.Errorf("start kernel: %w", err)
	}
	k.cmd = cmd
	go func() { // ends with the process
		_ = cmd.Wait() // cmd.ProcessState tells how it ended
		close(k.exited)
	}()
	connecting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // ends with connecting
		select {
		case <-k.exited:
			cancel(k.died())
		case <-connecting.Done():
		}
	}()
	c, err := connect(connecting, conn)
	if err != nil {
		return fmt.Errorf("start kernel: %w", err)
	}
	k.Client = c
	return nil
}

// died says how the process ended, with the last that it printed.
func (k *Kernel) died() error {
	text := strings.TrimSpace(k.stderr.String())
	if text != "" {
		text = "; its last words:\n" + text
	}
	return fmt.Errorf("%w: %s%s", ErrGone, k.cmd.ProcessState, text)
}

// ConnectionFile is where Connect finds this kernel, until Close.
func (k *Kernel) ConnectionFile() string { return k.file }

// PID is the kernel's process.
func (k *Kernel) PID() int { return k.cmd.Process.Pid }

// Exited is closed when the process has ended, for whatever reason.
func (k *Kernel) Exited() <-chan struct{} { return k.exited }

// Died says how the process ended, or is nil while it runs.
func (k *Kernel) Died() error {
	select {
	case <-k.exited:
		return k.died()
	default:
		return nil
	}
}

// Execute is Client's; where the kernel dies its error says how.
func (k *Kernel) Execute(ctx context.Context, cell Cell) (Reply, error) {
	reply, err := k.Client.Execute(ctx, cell)
	if errors.Is(err, ErrGone) {
		select { // the connection ends a moment before the process
		case <-k.exited:
			return reply, k.died()
		case <-time.After(time.Second):
		}
	}
	return reply, err
}

// Shutdown asks the kernel to end, and waits for that until ctx is done. Close
// is still to be called.
func (k *Kernel) Shutdown(ctx context.Context) error {
	if _, err := k.Control(ctx, "shutdown_request", map[string]bool{"restart": false}); err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	select {
	case <-k.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the kernel does not end: %w", ctx.Err())
	}
}

// closeGrace is how long Close lets the kernel end in its own way.
const closeGrace = 3 * time.Second

// Close ends the kernel and every process below it, and removes the connection
// file. It is safe to call more than once.
func (k *Kernel) Close() {
	if k.cmd != nil && k.cmd.Process != nil {
		below, _ := process.Descendants(k.PID()) // none known where /proc isn't
		if k.Client != nil && k.Died() == nil {
			ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
			_ = k.Shutdown(ctx) // and if it doesn't, it is killed
			cancel()
		}
		if k.Died() == nil {
			more, _ := process.Descendants(k.PID())
			below = append(below, more...)
			_ = process.KillGroup(k.PID(), syscall.SIGKILL)
			<-k.exited
		}
		for _, p := range below {
			// Only the same process: the number may have been given anew.
			if now, err := process.Stat(p.PID); err == nil && now.StartTicks == p.StartTicks && now.State != 'Z' {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
	}
	if k.Client != nil {
		k.Client.Close()
	}
	os.RemoveAll(k.dir)
}

// choosePorts finds five free ports. Another process may take one before the
// kernel does; then the kernel says so and ends, and Start looks for others.
func choosePorts(c *wire.Connection, dir string) error {
	ports := []*int{&c.ShellPort, &c.IOPubPort, &c.StdinPort, &c.ControlPort, &c.HBPort}
	switch c.Transport {
	case "ipc":
		c.IP = filepath.Join(dir, "k")
		for i, p := range ports {
			*p = i + 1
		}
		return nil
	case "", "tcp":
		c.Transport, c.IP = "tcp", "127.0.0.1"
	default:
		return fmt.Errorf("transport %q is not known", c.Transport)
	}
	for _, p := range ports {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		defer ln.Close() // all at the end, so that they differ
		*p = ln.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// tail passes on what is written and keeps the end of it.
type tail struct {
	to io.Writer

	mu  sync.Mutex
	buf []byte
}

const tailKeep = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailKeep {
		t.buf = append([]byte(nil), t.buf[len(t.buf)-tailKeep:]...)
	}
	if t.to != nil {
		return t.to.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.ToValidUTF8(t.buf, []byte("?")))
}
