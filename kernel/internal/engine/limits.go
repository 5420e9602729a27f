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
	var nextShared time.Time // sharedBytes takes its time: not at every turn
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
		var using []process.Info
		if p != nil {
			kill = p.end
			using = appendStat(using, p.pid)
		}
		if x != nil {
			wait = watchBusy
			kill = x.kill
			if p == nil || x.pid != p.pid {
				using = appendStat(using, x.pid)
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
		if n%20 == 0 || err == nil && load.Tasks > quiet+e.cfg.Limits.Processes/4 || residentBytes(using) > e.cfg.Limits.MemoryBytes/4 {
			family := e.family(anyProcess)
			for _, i := range family {
				if x == nil || i.PID != x.pid {
					using = append(using, i)
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
		if residentBytes(using) <= e.cfg.Limits.MemoryBytes || time.Now().Before(nextShared) {
			continue
		}
		began := time.Now()
		memory := sharedBytes(using)
		nextShared = time.Now().Add(5 * time.Since(began))
		if memory > e.cfg.Limits.MemoryBytes {
			kill(fmt.Sprintf("fatal error: out of memory: the session uses %s, and its limit is %s",
				size(memory), size(e.cfg.Limits.MemoryBytes)))
		}
	}
}

// appendStat appends a process, if it is there.
func appendStat(list []process.Info, pid int) []process.Info {
	if i, err := process.Stat(pid); err == nil {
		list = append(list, i)
	}
	return list
}

// residentBytes is at least what the processes use: what they share counts as
// often as it is shared.
func residentBytes(list []process.Info) (n int64) {
	for _, i := range list {
		n += i.RSSBytes
	}
	return n
}

// sharedBytes is what the processes use, where that can be read: a server with
// many forks has most of its memory but once.
func sharedBytes(list []process.Info) (n int64) {
	for _, i := range list {
		if share, err := process.ShareBytes(i.PID); err == nil {
			n += share
		} else {
			n += i.RSSBytes
		}
	}
	return n
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
