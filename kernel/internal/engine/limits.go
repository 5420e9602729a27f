package engine

import (
	"fmt"
	"time"

	"spindle/kernel/internal/process"
)

const (
	watchBusy = 50 * time.Millisecond  // while a cell runs
	watchIdle = 500 * time.Millisecond // between cells: goroutines may go on
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
		var kill func(string)
		memory := int64(0)
		if p != nil {
			kill = p.end
			memory = rss(p.pid)
		}
		if x != nil {
			wait = watchBusy
			kill = x.kill
			if p == nil || x.pid != p.pid {
				memory += rss(x.pid)
			}
		}
		if kill == nil {
			continue
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
				if x == nil || i.PID != x.pid {
					memory += i.RSSBytes
				}
			}
			if len(family) < 8 {
				quiet = load.Tasks
			}
			if len(family) > e.cfg.Limits.Processes {
				e.tooMany(p, x, kill, len(family))
				continue
			}
		}
		if memory > e.cfg.Limits.MemoryBytes {
			kill(fmt.Sprintf("fatal error: out of memory: the session uses %s, and its limit is %s",
				size(memory), size(e.cfg.Limits.MemoryBytes)))
		}
	}
}

func rss(pid int) int64 {
	i, err := process.Stat(pid)
	if err != nil {
		return 0
	}
	return i.RSSBytes
}

// tooMany ends a fork bomb: its processes, and the one that lit it.
func (e *Engine) tooMany(p *proc, x *execution, kill func(string), n int) {
	why := fmt.Sprintf("fork: resource temporarily unavailable: the session has %d processes, and its limit is %d",
		n, e.cfg.Limits.Processes)
	if p != nil && (x == nil || x.proc == p) {
		p.reason.CompareAndSwap(nil, &why) // or it would be woken: see stopped
		process.Stop(p.pid)
	} else if x != nil {
		x.reason.CompareAndSwap(nil, &why)
	}
	_, err := process.KillAll(func() []process.Info { return e.family(anyProcess) }, 5*time.Second)
	if err != nil {
		e.log.Error("fork bomb", "err", err)
	}
	kill(why)
}
