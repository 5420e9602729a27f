package lab

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// conduit hands the turn from one party to another and back. Both calls are
// raw system calls: the Go scheduler must not notice that the thread blocks,
// or its own work would be measured too. So whoever waits holds a P
// meanwhile, and nothing may stop the world.
type conduit interface {
	give()      // the other's turn
	take() bool // waits for mine; false when the other is gone
}

// pipeConduit passes one byte.
type pipeConduit struct{ r, w int }

func (c pipeConduit) give() {
	b := byte(1)
	for {
		_, _, e := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(c.w), uintptr(unsafe.Pointer(&b)), 1)
		if e != syscall.EINTR {
			return
		}
	}
}

func (c pipeConduit) take() bool {
	var b byte
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(c.r), uintptr(unsafe.Pointer(&b)), 1)
		if e != syscall.EINTR {
			return e == 0 && n == 1
		}
	}
}

// futexConduit passes the turn by a word that both see (futex(2)).
type futexConduit struct {
	word *atomic.Uint32
	mine uint32 // the word's value when it is this party's turn
}

const (
	futexWait = 0 // shared between processes: without FUTEX_PRIVATE_FLAG
	futexWake = 1
	futexGone = 2 // the word's value when the pair is to end
)

func (c futexConduit) give() {
	c.word.Store(1 - c.mine)
	syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(c.word)), futexWake, 1, 0, 0, 0)
}

func (c futexConduit) take() bool {
	for {
		switch v := c.word.Load(); v {
		case c.mine:
			return true
		case futexGone:
			return false
		default:
			syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(c.word)), futexWait, uintptr(v), 0, 0, 0)
		}
	}
}

// close ends the pair.
func (c futexConduit) close() {
	c.word.Store(futexGone)
	syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(c.word)), futexWake, 2, 0, 0, 0)
}

// workingSet is memory that a party reads through in each turn.
type workingSet []uint64

func newWorkingSet(bytes int) workingSet {
	ws := make(workingSet, bytes/8)
	for i := range ws {
		ws[i] = uint64(i)
	}
	return ws
}

//go:noinline
func (ws workingSet) sum() (s uint64) {
	for _, v := range ws {
		s += v
	}
	return s
}

var sink atomic.Uint64 // keeps sums from being optimised away

// turnsTaken is what one party saw of its rounds.
type turnsTaken struct {
	elapsed time.Duration
	rounds  int
	// How often the kernel took the measuring thread off its CPU, a round:
	// because it waited, or because another went first.
	voluntary, involuntary float64
}

// leadTurns gives the turn and waits for it back, rounds times, and measures.
// The caller has locked its thread.
func leadTurns(c conduit, ws workingSet, rounds int) (turnsTaken, error) {
	for range 10 { // warm up, and let the other side arrive
		c.give()
		if !c.take() {
			return turnsTaken{}, errGone
		}
	}
	var ru0, ru1 syscall.Rusage
	_ = syscall.Getrusage(unix.RUSAGE_THREAD, &ru0)
	began := time.Now()
	for range rounds {
		c.give()
		if !c.take() {
			return turnsTaken{}, errGone
		}
		sink.Add(ws.sum())
	}
	t := turnsTaken{elapsed: time.Since(began), rounds: rounds}
	_ = syscall.Getrusage(unix.RUSAGE_THREAD, &ru1)
	t.voluntary = float64(ru1.Nvcsw-ru0.Nvcsw) / float64(rounds)
	t.involuntary = float64(ru1.Nivcsw-ru0.Nivcsw) / float64(rounds)
	return t, nil
}

var errGone = fmt.Errorf("the other side of a pair is gone")

// followTurns takes the turn and gives it back until the other is gone.
func followTurns(c conduit, ws workingSet) {
	for c.take() {
		sink.Add(ws.sum())
		c.give()
	}
}

// pair is two parties on given CPUs; lead runs the first on this goroutine,
// whose thread it locks and binds for the time being.
type pair struct {
	by            string // "pipe" or "futex"
	leadOn, other int    // CPUs
	bytes         int    // working set of each
}

// ownThread runs f on a thread bound to cpu, and waits for it. The thread
// ends with it: its affinity must not be another goroutine's.
func ownThread(cpu int, f func() error) error {
	errc := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := pinThread(cpu); err != nil {
			errc <- err
			return
		}
		errc <- f()
	}()
	return <-errc
}

// threadTurns measures a pair of threads of this process. It needs three Ps.
func threadTurns(p pair, rounds int) (t turnsTaken, err error) {
	lead, follow, end, err := threadConduits(p.by)
	if err != nil {
		return t, err
	}
	ready, gone := make(chan error), make(chan error, 1)
	go func() {
		gone <- ownThread(p.other, func() error {
			ws := newWorkingSet(p.bytes)
			ready <- nil
			followTurns(follow, ws)
			return nil
		})
	}()
	select {
	case <-ready:
	case err := <-gone:
		return t, err
	}
	err = ownThread(p.leadOn, func() error {
		var err error
		t, err = leadTurns(lead, newWorkingSet(p.bytes), rounds)
		end() // here: the follower holds a P until it is told
		return err
	})
	if err2 := <-gone; err == nil {
		err = err2
	}
	return t, err
}

func threadConduits(by string) (lead, follow conduit, end func(), err error) {
	if by == "futex" {
		w := new(atomic.Uint32)
		l := futexConduit{w, 0}
		return l, futexConduit{w, 1}, l.close, nil
	}
	var there, back [2]int
	if err := unix.Pipe2(there[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, nil, err
	}
	if err := unix.Pipe2(back[:], unix.O_CLOEXEC); err != nil {
		unix.Close(there[0])
		unix.Close(there[1])
		return nil, nil, nil, err
	}
	// The follower reads end of file once the leader's writing end is closed,
	// and writes no more then; its own ends are closed with the leader's.
	end = func() {
		unix.Close(there[1])
		unix.Close(back[0])
	}
	return pipeConduit{back[0], there[1]}, &closingPipe{pipeConduit{there[0], back[1]}}, end, nil
}

// closingPipe closes its descriptors when the other side is gone.
type closingPipe struct{ pipeConduit }

func (c *closingPipe) take() bool {
	if c.pipeConduit.take() {
		return true
	}
	unix.Close(c.r)
	unix.Close(c.w)
	return false
}

// turnPartner is a process that follows the leader's turns.
type turnPartner struct {
	sub  *sub
	lead conduit
	free func()
}

func (t *turnPartner) stop() {
	t.sub.kill()
	t.free()
}

type followOrder struct {
	By    string `json:"by"`
	CPU   int    `json:"cpu"`
	Bytes int    `json:"bytes"`
}

// newTurnPartner starts the follower of p as a process.
func newTurnPartner(p pair) (*turnPartner, error) {
	o := followOrder{p.by, p.other, p.bytes}
	t := &turnPartner{}
	var extra []*os.File
	if p.by == "futex" {
		fd, err := unix.MemfdCreate("spindle-turn", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("making shared memory: %w", err)
		}
		f := os.NewFile(uintptr(fd), "spindle-turn")
		defer f.Close()
		mem, err := sharedPage(f)
		if err != nil {
			return nil, err
		}
		extra = []*os.File{f}
		t.lead = futexConduit{(*atomic.Uint32)(unsafe.Pointer(&mem[0])), 0}
		t.free = func() { _ = unix.Munmap(mem) }
	} else {
		var there, back [2]int
		if err := unix.Pipe2(there[:], unix.O_CLOEXEC); err != nil {
			return nil, err
		}
		if err := unix.Pipe2(back[:], unix.O_CLOEXEC); err != nil {
			return nil, err
		}
		theirR, theirW := os.NewFile(uintptr(there[0]), "turn"), os.NewFile(uintptr(back[1]), "turn")
		defer theirR.Close()
		defer theirW.Close()
		extra = []*os.File{theirR, theirW}
		t.lead = pipeConduit{back[0], there[1]}
		t.free = func() { unix.Close(back[0]); unix.Close(there[1]) }
	}
	s, err := launch("follow turns", o, launchOptions{extra: extra, env: []string{noAsyncPreempt}})
	if err != nil {
		t.free()
		return nil, err
	}
	t.sub = s
	if err := s.recv(nil); err != nil {
		t.free()
		return nil, err
	}
	return t, nil
}

// noAsyncPreempt keeps the runtime's signals away from threads that sit in
// raw system calls.
const noAsyncPreempt = "GODEBUG=asyncpreemptoff=1"

func sharedPage(f *os.File) ([]byte, error) {
	if err := f.Truncate(pageSize); err != nil {
		return nil, fmt.Errorf("sizing shared memory: %w", err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping shared memory: %w", err)
	}
	return mem, nil
}

// playFollowTurns is the other process of a pair.
func playFollowTurns(p *peer) error {
	var o followOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	runtime.GOMAXPROCS(4)
	var c conduit = pipeConduit{fdExtra, fdExtra + 1}
	if o.By == "futex" {
		mem, err := sharedPage(os.NewFile(fdExtra, "turn"))
		if err != nil {
			return err
		}
		c = futexConduit{(*atomic.Uint32)(unsafe.Pointer(&mem[0])), 1}
	}
	ws := newWorkingSet(o.Bytes)
	quiet()
	return ownThread(o.CPU, func() error {
		if err := p.send("ready"); err != nil {
			return err
		}
		followTurns(c, ws)
		return nil
	})
}

// processTurns measures a pair of processes, of which this one leads.
func processTurns(t *turnPartner, p pair, rounds int) (got turnsTaken, err error) {
	err = ownThread(p.leadOn, func() error {
		got, err = leadTurns(t.lead, newWorkingSet(p.bytes), rounds)
		return err
	})
	return got, err
}

// noSwitch measures a turn given and taken by one thread: what the calls and
// the working sets of both cost without any switch.
func noSwitch(by string, cpu, bytes, rounds int) (perTurn time.Duration, err error) {
	err = ownThread(cpu, func() error {
		a, b := newWorkingSet(bytes), newWorkingSet(bytes)
		var turn func()
		if by == "futex" {
			w := new(atomic.Uint32)
			turn = func() {
				syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(w)), futexWake, 1, 0, 0, 0)
				syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(w)), futexWait, 7, 0, 0, 0)
			}
		} else {
			var fds [2]int
			if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
				return err
			}
			defer unix.Close(fds[0])
			defer unix.Close(fds[1])
			c := pipeConduit{fds[0], fds[1]}
			turn = func() { c.give(); c.take() }
		}
		turn()
		began := time.Now()
		for range rounds {
			turn()
			sink.Add(a.sum())
			turn()
			sink.Add(b.sum())
		}
		perTurn = time.Since(began) / time.Duration(2*rounds)
		return nil
	})
	return perTurn, err
}
