package process

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo-terminal that stands in for standard input: unlike a
// pipe it can be told an end of file that isn't for ever, and it shows when a
// program turns the echo off to read a password. Nothing is ever printed on it.
type Terminal struct {
	master *os.File
	slave  *os.File
	name   string
	drain  sync.WaitGroup

	mu     sync.Mutex // guards both below
	waits  reader     // the last that Waiting found
	served reader     // the one that Type or EndOfFile was for
}

// reader is one wait of one thread: the thread gives up the CPU once for each.
type reader struct {
	task     string // /proc/PID/task/TID
	switches string // its voluntary context switches so far (proc_pid_status(5))
}

// OpenTerminal makes a terminal. The caller closes it.
func OpenTerminal() (*Terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	t := &Terminal{master: master}
	if err := t.openSlave(); err != nil {
		_ = master.Close()
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	// The echo of what we type has to be read, or writing stalls.
	t.drain.Go(func() { _, _ = io.Copy(io.Discard, master) })
	return t, nil
}

func (t *Terminal) openSlave() error {
	raw, err := t.master.SyscallConn()
	if err != nil {
		return err
	}
	var number int
	var ioctlErr error
	err = raw.Control(func(fd uintptr) {
		if ioctlErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); ioctlErr == nil {
			number, ioctlErr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil {
		return err
	}
	if ioctlErr != nil {
		return ioctlErr
	}
	t.name = "/dev/pts/" + strconv.Itoa(number)
	fd, err := unix.Open(t.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	attr, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == nil {
		// Bytes are data, never signals or flow control.
		attr.Lflag &^= unix.ISIG
		attr.Lflag |= unix.IEXTEN | unix.ICANON | unix.ECHO
		attr.Iflag &^= unix.IXON | unix.ICRNL
		attr.Iflag |= unix.IUTF8
		err = unix.IoctlSetTermios(fd, unix.TCSETS, attr)
	}
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	t.slave = os.NewFile(uintptr(fd), t.name)
	return nil
}

// File is what to give a process as its standard input.
func (t *Terminal) File() *os.File { return t.slave }

// Close ends the terminal; its readers get an error.
func (t *Terminal) Close() error {
	err := t.master.Close()
	t.drain.Wait()
	_ = t.slave.Close()
	return err
}

// chunkBytes is below N_TTY's limit of a line (4095 bytes, termios(3)).
const chunkBytes = 4000

// Type gives the reader as much of text as it takes at once and returns the
// rest, to be typed when the reader waits again.
func (t *Terminal) Type(text []byte) (rest []byte, err error) {
	n := len(text)
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		n = i + 1
	}
	n = min(n, chunkBytes)
	var out []byte
	for _, c := range text[:n] {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			out = append(out, 0x16) // literal next: the byte is no editing key
		}
		out = append(out, c)
	}
	if text[n-1] != '\n' {
		out = append(out, 4) // hands over what there is, without a line end
	}
	t.serve()
	_, err = t.master.Write(out)
	return text[n:], err
}

// serve notes that the reader found last is being given what it waits for:
// until it runs and takes it, it looks as if it waited for more.
func (t *Terminal) serve() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.served = t.waits
}

// EndOfFile makes one read return the end of the file.
func (t *Terminal) EndOfFile() error {
	t.serve()
	_, err := t.master.Write([]byte{4})
	return err
}

// Secret tells whether a program has turned the echo off.
func (t *Terminal) Secret() bool {
	attr, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	return err == nil && attr.Lflag&unix.ECHO == 0
}

// maxThreads bounds what Waiting looks at in one process.
const maxThreads = 512

// Waiting tells whether a thread of pid is in a read of the terminal, as its
// standard input (proc_pid_syscall(5)), and has not been given anything since
// it went to sleep there.
func (t *Terminal) Waiting(pid int) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	if target, err := os.Readlink(proc + "/fd/0"); err != nil || target != t.name {
		return false
	}
	tasks, err := filepath.Glob(proc + "/task/*")
	if err != nil || len(tasks) > maxThreads {
		return false
	}
	want := []byte(readFromStdin)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, task := range tasks {
		data, err := os.ReadFile(task + "/syscall")
		if err != nil || !bytes.HasPrefix(data, want) {
			continue
		}
		r := reader{task, switches(task)}
		if r.switches == "" || r == t.served {
			continue
		}
		t.waits = r
		return true
	}
	return false
}

// switches is how often a sleeping thread gave up the CPU, "" for one that
// isn't asleep.
func switches(task string) string {
	status, err := os.ReadFile(task + "/status")
	if err != nil || !bytes.Contains(status, []byte("\nState:\tS")) {
		return ""
	}
	_, rest, _ := bytes.Cut(status, []byte("\nvoluntary_ctxt_switches:\t"))
	n, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(n)
}

// readFromStdin is how /proc/PID/syscall begins in read(0, …).
var readFromStdin = map[string]string{
	"amd64": "0 0x0 ", "arm64": "63 0x0 ", "riscv64": "63 0x0 ", "386": "3 0x0 ",
	"loong64": "63 0x0 ", "ppc64le": "3 0x0 ", "s390x": "3 0x0 ", "arm": "3 0x0 ",
}[runtime.GOARCH]
