package lab

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// runPipe is P4: the same message with and without a pipe between the two.
func runPipe(b *bench, p PipeParams) error {
	msg := p.Message
	if msg == "" {
		msg = "hello from the other process"
	}
	if len(msg) > 32<<10 { // must fit the pipe's buffer: nobody reads meanwhile
		return fmt.Errorf("message: %d bytes, at most 32768", len(msg))
	}
	b.fact("message", "%q", msg)

	// Nothing set up: the writer has a pipe of its own; the reader tries the
	// writer's descriptor number.
	w, err := launch("write pipe", pipeOrder{Message: msg}, launchOptions{})
	if err != nil {
		return err
	}
	defer w.kill()
	var at pipeOrder
	if err := w.recv(&at); err != nil {
		return err
	}
	got, err := readPipeIn(pipeOrder{FD: at.FD}, nil)
	if err != nil {
		return err
	}
	b.fact("writer without a shared pipe", "PID %d wrote %d bytes into its own pipe, descriptors %d and %d", w.pid(), len(msg), at.FD, at.FD+1)
	b.fact("reader without a shared pipe", "reading descriptor %d: %s", at.FD, got.Error)
	b.fact("arrived without a pipe", "%t", got.Message == msg)
	b.progress(1, 2, "now with a pipe")

	r, wr, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer wr.Close()
	w2, err := launch("write pipe", pipeOrder{Message: msg, FD: fdExtra}, launchOptions{extra: []*os.File{wr}})
	if err != nil {
		return err
	}
	defer w2.kill()
	if err := w2.recv(&at); err != nil {
		return err
	}
	got, err = readPipeIn(pipeOrder{FD: fdExtra}, r)
	if err != nil {
		return err
	}
	b.fact("writer with a pipe", "PID %d wrote into descriptor %d", w2.pid(), fdExtra)
	b.fact("reader with a pipe", "PID %d read %q (%s)", got.PID, got.Message, orNone(got.Error))
	b.fact("arrived with a pipe", "%t", got.Message == msg)
	if n, err := unix.FcntlInt(r.Fd(), unix.F_GETPIPE_SZ, 0); err == nil {
		b.fact("pipe buffer in the kernel", "%s", format(float64(n), "B"))
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "no error"
	}
	return s
}

type pipeOrder struct {
	Message string `json:"message,omitempty"`
	FD      int    `json:"fd,omitempty"`
	PID     int    `json:"pid,omitempty"`
	Error   string `json:"error,omitempty"`
}

// readPipeIn starts a reader, with or without a pipe, and returns what it got.
func readPipeIn(o pipeOrder, pipe *os.File) (pipeOrder, error) {
	var extra []*os.File
	if pipe != nil {
		extra = []*os.File{pipe}
	}
	s, err := launch("read pipe", o, launchOptions{extra: extra})
	if err != nil {
		return o, err
	}
	defer s.kill()
	var got pipeOrder
	err = s.recv(&got)
	return got, err
}

// playWritePipe writes into the descriptor that it was given, or into a pipe
// of its own, and says which.
func playWritePipe(p *peer) error {
	var o pipeOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	fd := o.FD
	var fds [2]int
	if fd == 0 {
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return err
		}
		// High numbers, so that the reader cannot have something else there.
		for i := range fds {
			if err := unix.Dup3(fds[i], 100+i, unix.O_CLOEXEC); err != nil {
				return err
			}
		}
		o.FD, fd = 100, 101
	}
	if _, err := unix.Write(fd, []byte(o.Message)); err != nil {
		return err
	}
	if err := p.send(o); err != nil {
		return err
	}
	return p.recv(nil)
}

// playReadPipe reads what is there; with nothing there it says so after a
// while instead of waiting for ever.
func playReadPipe(p *peer) error {
	var o pipeOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	o.PID = os.Getpid()
	poll := []unix.PollFd{{Fd: int32(o.FD), Events: unix.POLLIN}}
	for end := time.Now().Add(2 * time.Second); ; {
		n, err := unix.Poll(poll, 500)
		if n > 0 || err != unix.EINTR || time.Now().After(end) {
			break
		}
	}
	buf := make([]byte, 64<<10)
	n, err := unix.Read(o.FD, buf)
	if err != nil {
		o.Error = err.Error()
	} else {
		o.Message = string(bytes.Clone(buf[:n]))
		if n == 0 {
			o.Error = io.EOF.Error()
		}
	}
	return p.send(o)
}
