// Package worker is the child process that cells run in: it owns the
// evaluator, runs one cell at a time, keeps output in order and attributed to
// its cell, and watches for deadlock. Everything the learner's code can break
// breaks here, and the engine in the parent lives to tell.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	rtrace "runtime/trace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"spindle/kernel/comm"
	"spindle/kernel/display"
	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/interp"
	"spindle/kernel/internal/process"
)

// Argument is the first argument of a process that is a worker; the second is
// its Limits as JSON. File descriptor 3 brings frames, 4 takes them, 1 and 2
// are pipes to the engine.
const Argument = "spindle-worker-process"

// Limits bound what a worker may use; 0 is Go's own default.
type Limits struct {
	StackBytes  int   `json:"stack,omitempty"`  // of one goroutine
	MemoryBytes int64 `json:"memory,omitempty"` // of the process
}

// Config is what a worker is made of.
type Config struct {
	// New makes the evaluator.
	New      func(interp.Config) (interp.Evaluator, error)
	Packages []interp.Package
	// Calls answers the engine's calls beside the worker's own, by method.
	// They may run at the same time as a cell and as each other.
	Calls map[string]Call
	// Interrupted is called when the running cell is to stop, before it is
	// asked: for native code that a cell waits for. May be nil.
	Interrupted func()
}

// Call answers one method. What it returns goes back as JSON.
type Call func(ctx context.Context, e interp.Evaluator, params json.RawMessage) (any, error)

// Is tells whether this process was started to be a worker.
func Is(args []string) bool { return len(args) > 1 && args[1] == Argument }

// Main runs the worker until its parent closes the stream, and returns the
// exit status. args are the process's own.
func Main(args []string, cfg Config) int {
	var limits Limits
	if len(args) > 2 {
		if err := json.Unmarshal([]byte(args[2]), &limits); err != nil {
			fmt.Fprintln(os.Stderr, "spindle worker: limits:", err)
			return 2
		}
	}
	// The learner's programs see a process of their own, not this one's innards.
	os.Args = args[:1]
	for _, fd := range []int{3, 4} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			fmt.Fprintln(os.Stderr, "spindle worker: started by hand: file descriptors 3 and 4 are missing")
			return 2
		}
	}
	applyLimits(limits)
	// Non-blocking, so that the goroutine that reads parks: in a system call it
	// would keep its processor for a while, and a goroutine that it has started
	// would not run beside a busy cell.
	_ = unix.SetNonblock(3, true)
	in, out := os.NewFile(3, "frames in"), os.NewFile(4, "frames out")
	w := &Worker{cfg: cfg, out: frames.NewWriter(out), acks: map[uint32]chan struct{}{}}
	w.comms = comm.NewHub(commHost{w})
	eval, err := cfg.New(interp.Config{Packages: cfg.Packages, Output: w.output, Started: w.started})
	if err != nil {
		fmt.Fprintln(os.Stderr, "spindle worker:", err)
		return 2
	}
	w.eval = eval
	display.Connect(sink{w})
	comm.Connect(w.comms)
	if err := w.serve(in); err != nil {
		fmt.Fprintln(os.Stderr, "spindle worker:", err)
	}
	leave()
	return 0
}

// applyLimits holds the process to its limits in Go's own way: the runtime
// itself then says "out of memory" and "stack exceeds". RLIMIT_DATA counts
// memory that may be written, so unlike RLIMIT_AS it leaves the runtime's
// reservations alone. Only the soft limit: a child may lift it again.
func applyLimits(l Limits) {
	if l.StackBytes > 0 {
		debug.SetMaxStack(l.StackBytes)
	}
	if l.MemoryBytes > 0 {
		debug.SetMemoryLimit(l.MemoryBytes / 10 * 9)
		var now unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_DATA, &now) == nil {
			now.Cur = min(now.Max, uint64(l.MemoryBytes))
			_ = unix.Setrlimit(unix.RLIMIT_DATA, &now)
		}
	}
}

// leave ends everything this process started, and this process: its parent is
// gone and nobody else will.
func leave() {
	self := os.Getpid()
	_, _ = process.KillAll(func() []process.Info {
		tree, err := process.Descendants(self)
		if err != nil {
			return nil
		}
		live := tree[:0]
		for _, p := range tree {
			if p.State != 'Z' {
				live = append(live, p)
			}
		}
		return live
	}, 200*time.Millisecond)
	if unix.Getpgrp() == self {
		_ = process.KillGroup(self, unix.SIGKILL)
	}
}

// Worker is one worker process.
type Worker struct {
	cfg  Config
	eval interp.Evaluator
	out  *frames.Writer

	// gate is held for reading while something is printed, for writing while
	// the running cell changes: what a cell prints before its end mark goes
	// out before it, and what it prints later goes out under its own number.
	gate    sync.RWMutex
	running atomic.Pointer[run] // nil between cells

	evalMu sync.Mutex           // held by whoever runs the evaluator; guards told and locked
	told   []frames.Declaration // that the engine knows of
	locked []string             // variables that the learner knows to be locked

	seenMu sync.Mutex // guards seen
	seen   map[uint64]sighting

	ackMu   sync.Mutex // guards acks and lastAck
	acks    map[uint32]chan struct{}
	lastAck uint32

	live     sync.Map // cell (int) → *atomic.Int64: its goroutines
	lastCell atomic.Int64
	comms    *comm.Hub
	wakers   atomic.Bool // see watchDeadlock
}

// run is one cell being run.
type run struct {
	cell      int
	goroutine atomic.Uint64          // id of the goroutine that runs it
	over      chan struct{}          // closed when its end has been reported
	ended     atomic.Bool            // somebody reports the end, or has
	asked     atomic.Bool            // to stop
	release   sync.Once              // of the evaluator
	stop      atomic.Pointer[func()] // ends a shell command; nil for cells
}

// serve reads frames until the stream ends, which is the parent's end.
func (w *Worker) serve(in io.Reader) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := frames.NewReader(in)
	if err := w.out.Write(frames.Ready, 0, nil); err != nil {
		return err
	}
	for {
		f, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		// Cells and calls run on goroutines of their own: they may never end,
		// and an interrupt has to get through. They end with the process.
		switch f.Kind {
		case frames.Execute:
			var body frames.ExecuteBody
			if err := json.Unmarshal(f.Body, &body); err != nil {
				return fmt.Errorf("decode execute: %w", err)
			}
			r := &run{cell: int(f.Number), over: make(chan struct{})}
			w.begin(r)
			go w.execute(r, body)
		case frames.Interrupt:
			if r := w.running.Load(); r != nil && r.cell == int(f.Number) {
				w.ask(r)
				go w.interrupt(r)
			}
		case frames.Call:
			go w.call(ctx, f)
		case frames.Ack:
			w.acknowledge(f.Number)
		default:
			return fmt.Errorf("frame of unknown kind %d", f.Kind)
		}
	}
}

func (w *Worker) begin(r *run) {
	w.gate.Lock()
	w.running.Store(r)
	w.lastCell.Store(int64(r.cell))
	w.gate.Unlock()
}

// execute runs r to its end and reports it. Where r was left behind meanwhile
// nobody wants to know any more.
func (w *Worker) execute(r *run, body frames.ExecuteBody) {
	r.goroutine.Store(goroutineID())
	began := timesNow()
	gone := &frames.ErrorBody{Name: "goroutine exited", Value: "the cell ended its own goroutine (runtime.Goexit)"}
	end := frames.DoneBody{Err: gone}
	// Deferred, for runtime.Goexit runs nothing else.
	defer func() {
		if body.Mode == frames.ModeProgram && end.Err == gone {
			end.Err = w.outlived(r)
		}
		if !r.ended.CompareAndSwap(false, true) {
			return
		}
		if body.Mode != frames.ModeShell {
			end.Declared = w.declared()
			w.letGo(r)
		}
		if r.asked.Load() && end.Err == nil {
			end.Err = &frames.ErrorBody{Name: "interrupted", Value: "interrupted"}
		}
		end.Goroutine = r.goroutine.Load()
		end.Times = began.until(timesNow())
		w.finish(r, end)
	}()
	if body.Mode == frames.ModeShell {
		end = w.shell(r, body.Source)
		return
	}
	w.evalMu.Lock()
	go w.watchDeadlock(r, body.Source)
	if body.Trace != "" {
		stop, err := record(body.Trace)
		if err != nil {
			end = frames.DoneBody{Err: &frames.ErrorBody{Name: "error", Value: err.Error()}}
			return
		}
		defer stop()
	}
	end = outcome(w.eval.Eval(interp.Cell{Count: r.cell, Source: body.Source, Silent: body.Silent}))
	if body.Mode == frames.ModeProgram && end.Err == nil {
		// Its declarations are in; main's return ends the program.
		end.Err = gone
		end = outcome(w.eval.Eval(interp.Cell{Count: r.cell, Source: "main()", Silent: true}))
	}
	if body.Mode == frames.ModeCell && !body.Silent && end.Err == nil {
		w.noteLeft(r.cell)
	}
}

// record begins an execution trace into a file.
func record(path string) (stop func(), err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	if err := rtrace.Start(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("trace: %w", err)
	}
	return func() { rtrace.Stop(); _ = f.Close() }, nil
}

// letGo gives the evaluator back, whether its cell has ended or was left.
func (w *Worker) letGo(r *run) { r.release.Do(w.evalMu.Unlock) }

// abandon ends r without its goroutine, which is parked somewhere and stays
// there. It reports false where r has ended meanwhile.
func (w *Worker) abandon(r *run, why *frames.ErrorBody) bool {
	if !r.ended.CompareAndSwap(false, true) {
		return false
	}
	w.letGo(r)
	w.finish(r, frames.DoneBody{Err: why})
	return true
}

// times is a point in time, and the processor time used up to then.
type times struct {
	wall time.Time
	use  unix.Rusage
}

func timesNow() (t times) {
	_ = unix.Getrusage(unix.RUSAGE_SELF, &t.use)
	t.wall = time.Now()
	return t
}

func (t times) until(end times) frames.TimesBody {
	return frames.TimesBody{
		WallNanos:   end.wall.Sub(t.wall).Nanoseconds(),
		UserNanos:   end.use.Utime.Nano() - t.use.Utime.Nano(),
		SystemNanos: end.use.Stime.Nano() - t.use.Stime.Nano(),
	}
}

// declared tells how the declarations have changed since it was last asked.
// The engine keeps them, for %restore after this process has died.
func (w *Worker) declared() *frames.DeclaredBody {
	before := w.told
	var now []frames.Declaration
	for _, d := range w.eval.Declarations() {
		now = append(now, frames.Declaration(d))
	}
	keep := 0
	for keep < min(len(now), len(before)) && now[keep] == before[keep] {
		keep++
	}
	if keep == len(now) && keep == len(before) {
		return nil
	}
	w.told = now
	return &frames.DeclaredBody{Keep: keep, Add: now[keep:]}
}

func outcome(o interp.Outcome) frames.DoneBody {
	d := frames.DoneBody{Value: o.Value}
	if o.Err != nil {
		d.Err = &frames.ErrorBody{Name: o.Err.Name, Value: o.Err.Value, Traceback: o.Err.Traceback}
	}
	return d
}

// finish reports r's end, after everything it printed. Only who has set ended
// calls it.
func (w *Worker) finish(r *run, end frames.DoneBody) {
	w.gate.Lock()
	w.running.CompareAndSwap(r, nil)
	w.gate.Unlock()
	end.Live = append(w.liveCells(), w.comms.Cells()...)
	err := w.out.WriteJSON(frames.Done, uint32(r.cell), end)
	if err != nil && end.Value != nil { // it is too large, or no JSON
		end.Value = &display.Bundle{Data: map[string]any{"text/plain": "(the value can't be shown: " + err.Error() + ")"}}
		_ = w.out.WriteJSON(frames.Done, uint32(r.cell), end)
	}
	close(r.over)
}

// started counts the goroutines of each cell.
func (w *Worker) started(cell int) (ended func()) {
	n, ok := w.live.Load(cell)
	if !ok {
		n, _ = w.live.LoadOrStore(cell, new(atomic.Int64))
	}
	count := n.(*atomic.Int64)
	count.Add(1)
	return func() { count.Add(-1) }
}

// liveCells lists the cells that have goroutines.
func (w *Worker) liveCells() []int {
	var cells []int
	w.live.Range(func(cell, n any) bool {
		if n.(*atomic.Int64).Load() > 0 {
			cells = append(cells, cell.(int))
		}
		return true
	})
	slices.Sort(cells)
	return cells
}

func (r *run) setStop(stop func()) { r.stop.Store(&stop) }

// goroutineID returns the calling goroutine's id, as tracebacks name it.
func goroutineID() uint64 {
	var buf [64]byte
	var id uint64
	_, _ = fmt.Sscanf(string(buf[:runtime.Stack(buf[:], false)]), "goroutine %d ", &id)
	return id
}
