package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/session"
)

// graceTime is how long the worker gets to say whether an interrupted cell
// stops or is stuck (package worker: askTime). It ends a process that says
// nothing at all, so it may be long: neither a busy machine nor a hundred busy
// goroutines of earlier cells are to cost the session.
const graceTime = time.Second

// Why a cell is ended before its time.
const (
	reasonInterrupt = "interrupt"
	reasonStopped   = "stopped" // a SIGSTOP that we have answered by SIGCONT
)

// execution is one thing that Execute has running: a cell in a worker or,
// where proc is nil, a program in a process that the engine started itself.
type execution struct {
	number int
	sink   *sink
	proc   *proc
	pid    int
	term   *process.Terminal // standard input of pid; may be nil
	unseen bool              // nobody is shown what comes of it
	began  uint64            // ticks since boot: processes started later are the cell's own
	done   chan frames.DoneBody
	cancel context.CancelFunc     // ends waiting for input
	reason atomic.Pointer[string] // why we end it, nil where we don't
	asked  sync.Once
	press  func() // asks a program to end, each time more firmly
	kill   func(reason string)

	nextScan time.Time // watchInput's own
}

// hiddenCells is the first number of cells that have none of their own.
const hiddenCells = 1 << 30

// Execute runs one cell.
func (e *Engine) Execute(ctx context.Context, cell session.Cell, out session.Output) session.Result {
	e.execMu.Lock()
	defer e.execMu.Unlock()
	s := &sink{cell: cell.Count, out: out}
	if cell.Silent || cell.Count <= e.lastCount {
		// It shares its number with another cell, whose goroutines may still
		// be printing: it gets one of its own here, which nobody sees.
		e.hidden++
		cell.Count = hiddenCells + e.hidden
	} else {
		e.lastCount = cell.Count
	}
	e.sources.put(cell.Count, cell.Source)
	r := e.dispatch(ctx, cell, s)
	if r.Err != nil && cell.Count != s.cell {
		for i, line := range r.Err.Traceback {
			r.Err.Traceback[i] = strings.ReplaceAll(line, fmt.Sprintf("cell %d", cell.Count), fmt.Sprintf("cell %d", s.cell))
		}
	}
	return r
}

// runCell runs source in the session's worker.
func (e *Engine) runCell(ctx context.Context, cell session.Cell, s *sink, body frames.ExecuteBody) session.Result {
	p, err := e.current()
	if err != nil {
		return session.Result{Err: &session.CellError{
			EName: "error", EValue: err.Error(), Traceback: []string{"error: " + err.Error()},
		}, WorkerLost: true}
	}
	return e.runIn(ctx, p, cell, s, body)
}

// runIn runs source in p to its end, or to p's.
func (e *Engine) runIn(ctx context.Context, p *proc, cell session.Cell, s *sink, body frames.ExecuteBody) session.Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inputs, stopInputs := context.WithCancel(ctx)
	x := &execution{
		number: cell.Count, sink: s, proc: p, pid: p.pid, term: p.term, unseen: cell.Silent && cell.Count >= hiddenCells, began: process.NowTicks(),
		done: make(chan frames.DoneBody, 1), cancel: stopInputs, kill: p.end,
	}
	// What stands in the pipes was printed before this cell: under the lock
	// the pump can't hand it to the wrong one.
	p.mu.Lock()
	select {
	case <-p.dead:
	default:
		p.drain()
	}
	e.begin(x)
	p.mu.Unlock()
	var owned sync.WaitGroup
	owned.Go(func() { e.watchInput(inputs, x, cell.Stdin) })
	defer owned.Wait()
	defer stopInputs()
	defer e.end(x)

	if err := p.send.WriteJSON(frames.Execute, uint32(cell.Count), body); err != nil {
		e.log.Debug("execute", "err", err) // p has died: below
	}
	canceled := ctx.Done()
	for {
		select {
		case d := <-x.done:
			return e.result(x, d)
		case <-p.dead:
			select {
			case d := <-x.done: // its end came through before its death
				return e.result(x, d)
			default:
			}
			return session.Result{Err: e.deathErrorLocked(p, x.number, true, x), WorkerLost: true}
		case <-canceled:
			canceled = nil
			e.ask(x, reasonInterrupt)
		}
	}
}

func (e *Engine) begin(x *execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = x
	e.sinks[x.number] = x.sink
	if x.proc == e.worker && x.number < hiddenCells { // a program's output is its own
		e.last = x.sink
	}
}

func (e *Engine) end(x *execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running == x {
		e.running = nil
	}
}

// result is a cell's end as the worker reported it.
func (e *Engine) result(x *execution, d frames.DoneBody) session.Result {
	e.lastTimes, e.lastGoroutine = d.Times, d.Goroutine
	if d.Value != nil {
		x.sink.out.ExecuteResult(*d.Value)
	}
	why := x.reason.Load()
	if d.Err == nil && why != nil && (*why == reasonInterrupt || *why == reasonStopped) {
		// A cell that waited for input may end, told of the end of the file,
		// before it is told of the interrupt.
		d.Err = &frames.ErrorBody{Name: "interrupted", Value: "interrupted"}
	}
	if d.Err == nil {
		return session.Result{}
	}
	err := &session.CellError{EName: d.Err.Name, EValue: d.Err.Value, Traceback: e.named(d.Err.Traceback)}
	if len(err.Traceback) == 0 {
		err.Traceback = []string{err.EName + ": " + err.EValue}
	}
	if why != nil && err.EName == "interrupted" {
		if *why == reasonStopped {
			err.EName, err.EValue = "signal: stopped", "something stopped the worker (SIGSTOP); it goes on, and the cell was interrupted"
			err.Traceback[0] = err.EName + ": " + err.EValue
		}
		err.Traceback = append(err.Traceback, "Nothing was lost: values and the goroutines of earlier cells are kept.")
	}
	return session.Result{Err: err}
}

// Interrupt ends the running cell.
func (e *Engine) Interrupt(context.Context) error {
	e.mu.Lock()
	x := e.running
	e.mu.Unlock()
	if x != nil {
		e.ask(x, reasonInterrupt)
	}
	return nil
}

// ask asks x to end: politely, and after a while its process not.
func (e *Engine) ask(x *execution, reason string) {
	x.reason.CompareAndSwap(nil, &reason)
	if x.press != nil {
		x.cancel()
		x.press()
		return
	}
	x.asked.Do(func() {
		x.cancel()
		// These end with the cell, or with the process that the cell runs in.
		go func() { _ = x.proc.send.Write(frames.Interrupt, uint32(x.number), nil) }()
		go func() {
			_, err := process.KillAll(func() []process.Info {
				return e.family(func(i process.Info) bool { return i.StartTicks >= x.began })
			}, time.Second)
			if err != nil {
				e.log.Warn("processes of the interrupted cell", "err", err)
			}
		}()
		time.AfterFunc(graceTime, func() {
			e.mu.Lock()
			still := e.running == x && len(x.done) == 0
			e.mu.Unlock()
			if still {
				x.proc.end(reason)
			}
		})
	})
}

// stopped is called when something has stopped the worker: nobody else could
// wake it, so we do, and say so.
func (e *Engine) stopped(p *proc) {
	e.mu.Lock()
	x, closed := e.running, e.closed
	e.mu.Unlock()
	if closed || p.reason.Load() != nil {
		return
	}
	process.Continue(p.pid)
	if x != nil && x.proc == p {
		e.ask(x, reasonStopped)
	} else {
		e.log.Info("the worker was stopped from outside and goes on", "pid", p.pid)
	}
}

// freshWorker starts a worker of its own for one program.
func (e *Engine) freshWorker() (*proc, error) {
	p, err := spawn(e.cfg.Command, e.cfg.Env, e.frame, e.printed, e.died)
	if err != nil {
		return nil, fmt.Errorf("a worker for the program: %w", err)
	}
	return p, nil
}
