package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/process"
)

// proc is one worker process. Three goroutines belong to it and are over when
// dead is closed: pump, wait and the one that watches for stops.
type proc struct {
	pid  int
	cmd  *exec.Cmd
	term *process.Terminal // its standard input; nil where there are none
	down *os.File
	send *frames.Writer

	stdout, stderr, up int // read ends, non-blocking
	wake               [2]int

	handle func(*proc, frames.Frame)            // of package engine; called by pump
	print  func(p *proc, name string, b []byte) // likewise
	mu     sync.Mutex                           // guards the following; held by pump but while it polls
	catch  catcher
	dec    frames.Decoder
	buf    []byte
	lost   error // the stream of frames is broken

	ready  atomic.Bool
	exited atomic.Bool
	reason atomic.Pointer[string] // why we ended it, nil where we did not
	cut    atomic.Bool            // we cut its last words short
	dead   chan struct{}          // closed when it has ended and all it said is handed out
	status syscall.WaitStatus     // valid when dead is closed
	trace  []byte                 // its last words; likewise

	callMu   sync.Mutex // guards the following
	calls    map[uint32]chan frames.ReplyBody
	lastCall uint32
}

// spawn starts a worker. handle and print get what it says, in order; died is
// called last.
func spawn(command, env []string, handle func(*proc, frames.Frame), print func(*proc, string, []byte), died func(*proc)) (_ *proc, err error) {
	p := &proc{
		handle: handle, print: print, buf: make([]byte, 256<<10),
		dead: make(chan struct{}), calls: map[uint32]chan frames.ReplyBody{},
	}
	var fds []int
	defer func() {
		if err != nil {
			for _, fd := range fds {
				_ = unix.Close(fd)
			}
			if p.term != nil {
				_ = p.term.Close()
			}
		}
	}()
	pipe := func() [2]int {
		var ends [2]int
		if err == nil {
			if err = unix.Pipe2(ends[:], unix.O_CLOEXEC); err == nil {
				fds = append(fds, ends[:]...)
			}
		}
		return ends
	}
	in, out, stdout, stderr := pipe(), pipe(), pipe(), pipe()
	p.wake = pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipes for the worker: %w", err)
	}
	p.up, p.stdout, p.stderr = out[0], stdout[0], stderr[0]
	for _, fd := range []int{p.up, p.stdout, p.stderr, p.wake[0]} {
		_ = unix.SetNonblock(fd, true)
		// Room for bursts; a refusal (pipe-user-pages-soft) costs only speed.
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, 1<<20)
	}
	// The child's ends, as files for exec; closed here once it has them.
	files := []*os.File{
		os.NewFile(uintptr(in[0]), "in"), os.NewFile(uintptr(out[1]), "out"),
		os.NewFile(uintptr(stdout[1]), "stdout"), os.NewFile(uintptr(stderr[1]), "stderr"),
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	cmd.ExtraFiles = files[:2]
	cmd.Stdout, cmd.Stderr = files[2], files[3]
	if p.term, err = process.OpenTerminal(); err != nil {
		p.term, err = nil, nil // input then is empty, as under /dev/null
	} else {
		cmd.Stdin = p.term.File()
	}
	// A worker that was stopped is woken when the kernel dies, to find its
	// pipe closed and end itself and what it started.
	if err = process.Start(cmd, unix.SIGCONT); err != nil {
		for _, f := range files {
			_ = f.Close()
		}
		fds = []int{in[1], out[0], stdout[0], stderr[0], p.wake[0], p.wake[1]}
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	for _, f := range files {
		_ = f.Close()
	}
	p.cmd, p.pid = cmd, cmd.Process.Pid
	p.down = os.NewFile(uintptr(in[1]), "frames")
	p.send = frames.NewWriter(p.down)
	go p.wait()
	go p.pump(died)
	return p, nil
}

func (p *proc) wait() {
	_ = process.Wait(p.cmd)
	p.exited.Store(true)
	_, _ = unix.Write(p.wake[1], []byte{1})
}

// When and for how long output may gather in its pipe.
const (
	gatherAfter = 8
	gatherTime  = 300 * time.Microsecond
)

// pump takes what the worker says, from its three pipes, and hands it on in
// one order: it alone reads them. What stands in the pipes of output goes
// before each frame, for the worker prints before it sends.
func (p *proc) pump(died func(*proc)) {
	polls := []unix.PollFd{
		{Fd: int32(p.stdout), Events: unix.POLLIN},
		{Fd: int32(p.stderr), Events: unix.POLLIN},
		{Fd: int32(p.up), Events: unix.POLLIN},
		{Fd: int32(p.wake[0]), Events: unix.POLLIN},
	}
	streak, before := 0, int16(0)
	for !p.exited.Load() {
		// A program that prints line by line would wake us for each: after a
		// few of one pipe and nothing else, let some gather.
		if streak > gatherAfter {
			time.Sleep(gatherTime)
		}
		timeout := -1
		p.mu.Lock()
		if p.catch.holding {
			timeout = int(holdTime / time.Millisecond)
		}
		p.mu.Unlock()
		if _, err := unix.Poll(polls, timeout); err != nil && !errors.Is(err, unix.EINTR) {
			break
		}
		if only := polls[0].Revents; only != 0 && only == before && polls[1].Revents|polls[2].Revents|polls[3].Revents == 0 {
			streak++
		} else {
			streak, before = 0, only
		}
		p.mu.Lock()
		p.drain()
		if b := p.catch.expire(time.Now()); len(b) > 0 {
			p.print(p, "stderr", b)
		}
		p.takeFrames()
		if p.catch.enough() && p.cut.CompareAndSwap(false, true) {
			_ = p.cmd.Process.Kill()
		}
		p.mu.Unlock()
		for i := range polls {
			// A pipe that was closed at its other end stays readable for ever.
			if polls[i].Revents&(unix.POLLHUP|unix.POLLNVAL|unix.POLLERR) != 0 && polls[i].Revents&unix.POLLIN == 0 {
				polls[i].Fd = -1
			}
		}
	}
	p.mu.Lock()
	p.drain()
	p.takeFrames()
	p.drain()
	p.trace = p.catch.take(time.Now())
	p.mu.Unlock()
	p.status, _ = p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	for _, fd := range []int{p.stdout, p.stderr, p.up, p.wake[0], p.wake[1]} {
		_ = unix.Close(fd)
	}
	_ = p.down.Close()
	if p.term != nil {
		_ = p.term.Close()
	}
	p.callMu.Lock()
	for id, c := range p.calls {
		close(c)
		delete(p.calls, id)
	}
	p.calls = nil
	p.callMu.Unlock()
	died(p)
	close(p.dead)
}

// drain hands out what stands in the pipes of stdout and stderr now: no more,
// or a program that prints without end would hold up the frames.
func (p *proc) drain() {
	p.drainOne(p.stdout, "stdout")
	p.drainOne(p.stderr, "stderr")
}

func (p *proc) drainOne(fd int, name string) {
	left, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return
	}
	for left > 0 {
		n, err := unix.Read(fd, p.buf[:min(left, len(p.buf))])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		left -= n
		b := p.buf[:n]
		if name == "stderr" {
			b = p.catch.feed(b, time.Now())
		}
		if len(b) > 0 {
			p.print(p, name, b)
		}
	}
}

func (p *proc) takeFrames() {
	for p.lost == nil {
		n, err := unix.Read(p.up, p.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		p.dec.Feed(p.buf[:n])
		for {
			f, ok, err := p.dec.Next()
			if err != nil {
				// Only a learner who wrote to descriptor 4 gets here.
				p.lost = err
				p.end("its stream to the kernel is broken: " + err.Error())
				return
			}
			if !ok {
				break
			}
			p.drain()
			p.handle(p, f)
		}
	}
}

// end kills the worker, for a reason.
func (p *proc) end(reason string) {
	p.reason.CompareAndSwap(nil, &reason)
	_ = process.KillGroup(p.pid, unix.SIGKILL)
	_ = p.cmd.Process.Kill()
}

// errDied is the answer to a call that the worker did not live to answer.
var errDied = errors.New("the worker has died")

// call asks the worker and decodes its answer into result.
func (p *proc) call(ctx context.Context, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	answer := make(chan frames.ReplyBody, 1)
	p.callMu.Lock()
	if p.calls == nil {
		p.callMu.Unlock()
		return errDied
	}
	p.lastCall++
	id := p.lastCall
	p.calls[id] = answer
	p.callMu.Unlock()
	defer func() {
		p.callMu.Lock()
		delete(p.calls, id)
		p.callMu.Unlock()
	}()
	if err := p.send.WriteJSON(frames.Call, id, frames.CallBody{Method: method, Params: raw}); err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	select {
	case reply, ok := <-answer:
		if !ok {
			return errDied
		}
		if reply.Error != "" {
			return errors.New(reply.Error)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(reply.Result, result)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answered hands a reply to its caller.
func (p *proc) answered(f frames.Frame) {
	var reply frames.ReplyBody
	if err := json.Unmarshal(f.Body, &reply); err != nil {
		reply.Error = "decode reply: " + err.Error()
	}
	p.callMu.Lock()
	defer p.callMu.Unlock()
	if c, ok := p.calls[f.Number]; ok {
		c <- reply
		delete(p.calls, f.Number)
	}
}
