package engine

import (
	"fmt"
	"time"

	"spindle/kernel/internal/process"
)

const (
	watchBusy = 50 * time.Millisecond  // while a cell runs
	watchIdle = 250 * time.Millisecond // between cells: goroutines may go on
)

// watchLimits holds the session to its memory and its number of processes.
// The worker holds its own memory down too (package worker); this counts its
// children in. It returns when the engine is closed.
func (e *Engine) watchLimits() {
	quiet := 0 // tasks on the machine when the session had no children to speak of
	wait := watchIdle
	for n := 0; ; n++ {
		select {
		case <-e.stop:
			return
		case <-time.After(wait):
		}
		e.mu.Lock()
		p, x := e.worker, e.running
		e.mu.Unlock()
		wait = watchIdle
		if x != nil {
			wait = watchBusy
			if x.proc != nil {
				p = x.proc
			}
		}
		if p == nil {
			continue
		}
		memory := int64(0)
		if i, err := process.Stat(p.pid); err == nil {
			memory = i.RSSBytes
		}
		// A list of all processes is dear: only now and then, or when there
		// are suddenly more of them.
		load, err := process.ReadLoad()
		if err == nil && quiet == 0 {
			quiet = load.Tasks
		}
		if n%20 == 0 || err == nil && load.Tasks > quiet+e.cfg.Limits.Processes/4 || memory > e.cfg.Limits.MemoryBytes/4 {
			family := e.family(anyProcess)
			for _, i := range family {
				memory += i.RSSBytes
			}
			if len(family) < 8 {
				quiet = load.Tasks
			}
			if len(family) > e.cfg.Limits.Processes {
				e.tooMany(p, len(family))
				continue
			}
		}
		if memory > e.cfg.Limits.MemoryBytes {
			p.end(fmt.Sprintf("fatal error: out of memory: the session uses %s, and its limit is %s",
				size(memory), size(e.cfg.Limits.MemoryBytes)))
		}
	}
}

// tooMany ends a fork bomb: its processes, and the worker that lit it.
func (e *Engine) tooMany(p *proc, n int) {
	why := fmt.Sprintf("fork: resource temporarily unavailable: the session has %d processes, and its limit is %d",
		n, e.cfg.Limits.Processes)
	p.reason.CompareAndSwap(nil, &why) // or it would be woken: see stopped
	process.Stop(p.pid)
	_, err := process.KillAll(func() []process.Info { return e.family(anyProcess) }, 5*time.Second)
	if err != nil {
		e.log.Error("fork bomb", "err", err)
	}
	p.end(why)
}
