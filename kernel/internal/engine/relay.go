package engine

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"spindle/kernel/internal/program"
)

// relay carries a program's output to its cell, with the cell's lines in the
// place of file names, until everybody who holds the pipes is gone: that may
// be children that the program left behind.
type relay struct {
	fds  [2]int // read ends of stdout and stderr
	sink *sink

	mu    sync.Mutex // guards the following; held while reading and handing on
	open  [2]bool
	maps  [2]program.Mapper
	errs  []byte // the beginning of stderr, and its end: where the cause stands
	tail  []byte
	buf   []byte
	names [2]string
}

const causeBytes = 16 << 10

func newRelay(stdout, stderr int, s *sink, m program.Mapper) *relay {
	r := &relay{
		fds: [2]int{stdout, stderr}, sink: s, open: [2]bool{true, true},
		buf: make([]byte, 64<<10), names: [2]string{"stdout", "stderr"},
	}
	for i, fd := range r.fds {
		_ = unix.SetNonblock(fd, true)
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, 1<<20)
		r.maps[i] = m
	}
	return r
}

// run relays until both pipes are at their end.
func (r *relay) run() {
	for {
		var polls []unix.PollFd
		r.mu.Lock()
		for i, fd := range r.fds {
			if r.open[i] {
				polls = append(polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			}
		}
		r.mu.Unlock()
		if len(polls) == 0 {
			return
		}
		if _, err := unix.Poll(polls, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		r.mu.Lock()
		r.take()
		r.mu.Unlock()
	}
}

// take hands on what stands in the pipes. Callers hold mu.
func (r *relay) take() {
	for i, fd := range r.fds {
		if !r.open[i] {
			continue
		}
		// No more than stood there at first: the other pipe has its turn.
		for left := len(r.buf) * 16; left > 0; {
			n, err := unix.Read(fd, r.buf)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if n <= 0 {
				r.sink.write(r.names[i], r.maps[i].Rest())
				_ = unix.Close(fd)
				r.open[i] = false
				break
			}
			left -= n
			b := r.maps[i].Feed(r.buf[:n])
			r.sink.write(r.names[i], b)
			if i == 1 {
				r.note(b)
			}
		}
	}
}

func (r *relay) note(b []byte) {
	if room := causeBytes - len(r.errs); room > 0 {
		r.errs = append(r.errs, b[:min(room, len(b))]...)
	}
	r.tail = append(r.tail, b...)
	if len(r.tail) > 2*causeBytes {
		r.tail = append([]byte(nil), r.tail[len(r.tail)-causeBytes:]...)
	}
}

// settle hands on everything that the program wrote: it has ended.
func (r *relay) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.take()
	for i := range r.maps {
		if r.open[i] {
			r.sink.write(r.names[i], r.maps[i].Rest())
		}
	}
}

// cause returns the line in which Go says what a program died of.
func (r *relay) cause() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range [][]byte{r.tail, r.errs} {
		if m := cause.Find(text); m != nil {
			return string(m)
		}
	}
	return ""
}
