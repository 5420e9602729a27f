// Package engine is the parent's handle on the worker process: it starts it,
// runs cells in it, keeps its output in order, interrupts it, replaces it when
// it dies and turns the death into the cell's error, and ends every process
// that the session started. It implements session.Engine.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/worker"
)

// Config is what an Engine is made of.
type Config struct {
	// Command starts a worker. Nil is this executable with the worker's
	// private argument.
	Command []string
	// Env is the worker's environment; nil is this process's own.
	Env    []string
	Limits Limits
	// OwnsProcess says that this process is the kernel and nothing else:
	// every descendant of it is the session's, orphans included, and is ended
	// with it.
	OwnsProcess bool
	// Toolchain returns what builds whole programs and %%go cells, nil where
	// there is none and the interpreter runs programs. It is called when one
	// is to be built. Nil is a function that returns nil.
	Toolchain func() *program.Toolchain
	Log       *slog.Logger
}

// Limits bound what a session may use. 0 is the default.
type Limits struct {
	MemoryBytes int64 // of the worker and its children; half of the machine's
	StackBytes  int   // of one goroutine; 32 MiB, about 100,000 calls of an interpreted function
	Processes   int   // that the session may have at once; 512
}

func (l *Limits) setDefaults() {
	if l.MemoryBytes == 0 {
		l.MemoryBytes = process.MemoryLimitBytes() / 2
	}
	if l.StackBytes == 0 {
		l.StackBytes = 32 << 20
	}
	if l.Processes == 0 {
		l.Processes = 512
	}
}

// debugSettings are the runtime's settings of a worker (runtime,
// Environment Variables).
const debugSettings = "tracebacklabels=1"

// Engine is one session's worker, and the next one when it dies.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	started time.Time

	execMu sync.Mutex // held by the one Execute that runs

	mu       sync.Mutex // guards the following
	worker   *proc      // nil before the first and when it could not be started
	startErr error
	closed   bool
	running  *execution    // what Interrupt ends; nil between cells
	sinks    map[int]*sink // by cell: the running one, the last, and those with goroutines
	last     *sink
	declared []frames.Declaration // what is live
	lostWork []frames.Declaration // what %restore re-runs: declared, as it was at deaths since the last one

	cpu cpuClock // between usage requests

	sources sources // for the names in tracebacks

	// Guarded by execMu.
	lastCount     int              // highest number of a cell so far
	hidden        int              // cells so far that had none of their own
	lastProgram   string           // source of the last whole-program cell
	lastTimes     frames.TimesBody // of the last cell that ended
	lastGoroutine uint64           // that ran it

	stop  chan struct{}  // closed by Close
	owned sync.WaitGroup // the watch goroutine

	relays sync.WaitGroup // of programs' output: over when nobody holds their pipes
}

var _ session.Engine = (*Engine)(nil)

// New starts a worker. It fails where not even the first can be started.
func New(cfg Config) (*Engine, error) {
	cfg.Limits.setDefaults()
	if cfg.Command == nil {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the worker's executable: %w", err)
		}
		limits, err := json.Marshal(worker.Limits{StackBytes: cfg.Limits.StackBytes, MemoryBytes: cfg.Limits.MemoryBytes})
		if err != nil {
			return nil, fmt.Errorf("encode limits: %w", err)
		}
		cfg.Command = []string{exe, worker.Argument, string(limits)}
	}
	if cfg.Env == nil {
		cfg.Env = os.Environ()
	}
	// Tracebacks then name the cell that a goroutine belongs to.
	cfg.Env = append(cfg.Env[:len(cfg.Env):len(cfg.Env)], "GODEBUG="+debugSettings)
	if cfg.Toolchain == nil {
		cfg.Toolchain = func() *program.Toolchain { return nil }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OwnsProcess {
		if err := process.BecomeSubreaper(); err != nil {
			cfg.Log.Warn("orphans of the session may escape it", "err", err)
		}
	}
	e := &Engine{
		cfg: cfg, log: cfg.Log, started: time.Now(),
		sinks: map[int]*sink{}, stop: make(chan struct{}),
	}
	e.mu.Lock()
	e.start()
	err := e.startErr
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	e.owned.Go(e.watchLimits)
	return e, nil
}

// start spawns a worker. Callers hold mu.
func (e *Engine) start() {
	if e.closed {
		return
	}
	e.worker, e.startErr = spawn(e.cfg.Command, e.cfg.Env, e.frame, e.printed, e.died)
	if e.startErr != nil {
		e.log.Error("worker", "err", e.startErr)
		return
	}
	p := e.worker
	go process.WatchStops(p.pid, func() { e.stopped(p) }) // ends with the process
}

// current returns the live worker, starting one where there is none.
func (e *Engine) current() (*proc, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("the session is closed")
	}
	if e.worker == nil {
		e.start()
	}
	return e.worker, e.startErr
}

// frame takes what a worker sends. It runs on the worker's pump.
func (e *Engine) frame(p *proc, f frames.Frame) {
	switch f.Kind {
	case frames.Ready:
		p.ready.Store(true)
	case frames.Output:
		if len(f.Body) > 0 {
			name := "stdout"
			if f.Body[0] == 1 {
				name = "stderr"
			}
			e.sinkOf(p, int(f.Number)).write(name, f.Body[1:])
		}
	case frames.Show:
		e.shown(p, f)
	case frames.Stuck:
		e.mu.Lock()
		x := e.running
		e.mu.Unlock()
		if x != nil && x.proc == p && x.number == int(f.Number) && len(x.done) == 0 {
			p.end(reasonInterrupt)
		}
	case frames.Done:
		e.done(p, f)
	case frames.Reply:
		p.answered(f)
	default:
		e.log.Warn("frame of unknown kind", "kind", f.Kind)
	}
}

// printed takes what arrived on a worker's stdout or stderr: it belongs to
// the cell that runs there, else to the last one.
func (e *Engine) printed(p *proc, name string, b []byte) {
	e.sinkOf(p, 0).write(name, b)
}

// sinkOf finds a cell's sink; the running or last cell's where it is 0 or gone.
func (e *Engine) sinkOf(p *proc, cell int) *sink {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.running; x != nil && x.proc == p && (p != e.worker || cell == 0) {
		return x.sink // what runs there, in a worker of its own perhaps
	}
	if s, ok := e.sinks[cell]; ok {
		return s
	}
	if e.last == nil {
		e.last = &sink{out: discard{}}
	}
	return e.last
}

func (e *Engine) shown(p *proc, f frames.Frame) {
	// Whatever became of it, the worker must not wait for ever. Not on this
	// goroutine: the pipe may be full, and the worker waiting for this pump.
	defer func() { go func() { _ = p.send.Write(frames.Ack, f.Number, nil) }() }()
	var body frames.ShowBody
	if err := json.Unmarshal(f.Body, &body); err != nil {
		e.log.Warn("show", "err", err)
		return
	}
	s := e.sinkOf(p, body.Cell)
	switch {
	case body.Bundle != nil:
		s.out.Display(*body.Bundle)
	case body.Clear != nil:
		s.out.ClearOutput(body.Clear.Wait)
	case body.Comm != nil:
		c := body.Comm
		s.out.Comm(session.CommMessage{Type: c.Type, ID: c.ID, TargetName: c.Target, Data: c.Data, Metadata: c.Metadata})
	case body.Note != "":
		s.remark(body.Note)
	}
}

func (e *Engine) done(p *proc, f frames.Frame) {
	var body frames.DoneBody
	if err := json.Unmarshal(f.Body, &body); err != nil {
		body.Err = &frames.ErrorBody{Name: "error", Value: "the cell's end can't be read: " + err.Error()}
	}
	e.mu.Lock()
	x := e.running
	if d := body.Declared; d != nil && p == e.worker && d.Keep <= len(e.declared) {
		e.declared = append(e.declared[:d.Keep:d.Keep], d.Add...)
	}
	e.forget(body.Live)
	e.mu.Unlock()
	if x != nil && x.proc == p && x.number == int(f.Number) {
		select {
		case x.done <- body:
		default:
		}
	}
}

// recentCells keep their sinks, for what may come without a goroutine that is
// known: timers, and child processes that were left behind.
const recentCells = 100

// forget drops the sinks of cells that have nothing more to say. Callers hold mu.
func (e *Engine) forget(live []int) {
	keep := map[int]bool{}
	for _, c := range live {
		keep[c] = true
	}
	if e.last != nil {
		keep[e.last.cell] = true
	}
	for c := range e.sinks {
		if !keep[c] && (e.last == nil || c > e.last.cell || c <= e.last.cell-recentCells) {
			delete(e.sinks, c)
		}
	}
}

// died is the end of a worker: called by its pump, all output handed out.
func (e *Engine) died(p *proc) {
	e.log.Debug("worker ended", "pid", p.pid, "how", ended(p.status),
		"user", p.cmd.ProcessState.UserTime(), "system", p.cmd.ProcessState.SystemTime())
	e.mu.Lock()
	defer e.mu.Unlock()
	if p != e.worker {
		return // one program's own, or replaced already
	}
	x, last := e.running, e.last
	e.worker = nil
	for _, d := range e.declared {
		if !slices.Contains(e.lostWork, d) {
			e.lostWork = append(e.lostWork, d)
		}
	}
	e.declared = nil
	if e.closed {
		return
	}
	reason := p.reason.Load()
	if (x == nil || x.unseen) && last != nil && (reason == nil || *reason != reasonRestart) {
		// Nobody who is seen waits for the news: tell the last cell.
		err := e.deathError(p, last.cell, false)
		text := ""
		for _, line := range err.Traceback {
			text += line + "\n"
		}
		last.write("stderr", []byte(text))
	}
	if p.ready.Load() {
		e.start() // at once: the next cell should not wait
	} else {
		e.startErr = fmt.Errorf("the worker ended as it started (%s): %s", ended(p.status), p.trace)
	}
	go e.endOrphans(p)
}

// endOrphans ends what a dead worker left behind.
func (e *Engine) endOrphans(p *proc) {
	_, err := process.KillAll(func() []process.Info {
		return e.family(func(i process.Info) bool { return i.Group == p.pid })
	}, time.Second)
	if err != nil {
		e.log.Warn("processes of the dead worker", "err", err)
	}
}

// family lists the living processes that the session started, workers and a
// running program excepted, of those that match.
func (e *Engine) family(match func(process.Info) bool) []process.Info {
	e.mu.Lock()
	var workers []int
	if e.worker != nil {
		workers = append(workers, e.worker.pid)
	}
	if x := e.running; x != nil && x.pid != 0 && !slices.Contains(workers, x.pid) {
		workers = append(workers, x.pid)
	}
	e.mu.Unlock()
	return e.familyBut(workers, match)
}

func (e *Engine) familyBut(workers []int, match func(process.Info) bool) []process.Info {
	var tree []process.Info
	if e.cfg.OwnsProcess {
		tree, _ = process.Descendants(os.Getpid())
	} else {
		for _, pid := range workers {
			more, _ := process.Descendants(pid)
			tree = append(tree, more...)
		}
	}
	own := map[int]bool{}
	for _, pid := range workers {
		own[pid] = true
	}
	if e.cfg.OwnsProcess {
		process.Reap(tree)
	}
	var found []process.Info
	for _, i := range tree {
		if !own[i.PID] && i.State != 'Z' && match(i) {
			found = append(found, i)
		}
	}
	return found
}

// reasonRestart is why a worker is ended that nobody need be told about.
const reasonRestart = "restart"

// Restart replaces the worker by a fresh one.
func (e *Engine) Restart(ctx context.Context) error {
	e.mu.Lock()
	p := e.worker
	if x := e.running; x != nil {
		x.reason.CompareAndSwap(nil, ptr(reasonRestart))
		x.cancel()
	}
	e.mu.Unlock()
	if p != nil {
		p.end(reasonRestart)
		select {
		case <-p.dead:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if _, err := process.KillAll(func() []process.Info { return e.family(anyProcess) }, 400*time.Millisecond); err != nil {
		e.log.Warn("restart", "err", err)
	}
	e.mu.Lock()
	e.declared, e.lostWork = nil, nil
	e.mu.Unlock()
	_, err := e.current()
	return err
}

// Close ends the worker and every process of the session.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	p, x := e.worker, e.running
	if x != nil {
		x.reason.CompareAndSwap(nil, ptr(reasonRestart))
		x.cancel()
	}
	e.mu.Unlock()
	close(e.stop)
	e.owned.Wait()
	var pids []int
	if p != nil {
		pids = append(pids, p.pid)
	}
	if x != nil && x.proc == nil && x.kill != nil {
		x.kill(reasonRestart)
	}
	// Stopped first, or it could start another while the tree is read.
	if p != nil {
		_ = unix.Kill(p.pid, unix.SIGSTOP)
	}
	_, err := process.KillAll(func() []process.Info { return e.familyBut(pids, anyProcess) }, 400*time.Millisecond)
	if p != nil {
		p.end(reasonRestart)
		select {
		case <-p.dead:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// What the worker's own death set free.
	if _, err2 := process.KillAll(func() []process.Info { return e.familyBut(nil, anyProcess) }, 400*time.Millisecond); err == nil {
		err = err2
	}
	if e.cfg.OwnsProcess && err == nil {
		e.relays.Wait() // all who held the pipes are gone
	}
	return err
}

func anyProcess(process.Info) bool { return true }

func ptr[T any](v T) *T { return &v }

func escape(s string) string { return html.EscapeString(s) }
