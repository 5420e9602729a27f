package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"spindle/kernel/display"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/trace"
	"spindle/kernel/internal/worker"
)

// goroutines shows the learner's goroutines, like ones in one row.
func goroutines(e *Engine, ctx context.Context, _ session.Cell, s *sink, _ magic.Part) session.Result {
	var all []trace.Goroutine
	if err := e.askWorker(ctx, worker.MethodGoroutines, nil, &all); err != nil {
		return failed("error", "%goroutines: "+err.Error())
	}
	if len(all) == 0 {
		s.remark("No goroutine of any cell is alive.")
		return session.Result{}
	}
	type key struct{ state, site, at string }
	groups := map[key][]trace.Goroutine{}
	var order []key
	for _, g := range all {
		k := key{g.State, g.Site, stands(g)}
		if k.site == "" {
			k.site = "cell " + strconv.Itoa(g.Cell)
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], g)
	}
	sort.SliceStable(order, func(i, j int) bool { return len(groups[order[i]]) > len(groups[order[j]]) })
	grid := display.Grid{Headers: []string{"goroutines", "ids", "state", "waiting", "started at", "stands at"}}
	for _, k := range order {
		gs := groups[k]
		minutes := 0
		for _, g := range gs {
			minutes = max(minutes, g.Minutes)
		}
		waiting := ""
		switch {
		case minutes > 0:
			waiting = fmt.Sprintf("%d min", minutes)
		case k.state != "running" && k.state != "runnable":
			waiting = "< 1 min"
		}
		grid.Rows = append(grid.Rows, []any{len(gs), ids(gs), k.state, waiting, k.site, k.at})
	}
	grid.Note = count(len(all), "goroutine", "goroutines") + " of cells. The runtime counts waiting in whole minutes."
	return showValue(s, grid)
}

// stands is the innermost place of a goroutine, and what it calls there.
func stands(g trace.Goroutine) string {
	at := ""
	if len(g.Places) > 0 {
		at = g.Places[0].String()
	}
	for _, f := range g.Functions {
		if !strings.HasPrefix(f, "runtime.") && !strings.HasPrefix(f, "reflect.") && !strings.HasPrefix(f, "internal/") &&
			!strings.HasPrefix(f, "github.com/traefik/yaegi") && !strings.HasPrefix(f, "spindle/kernel/") {
			return strings.TrimPrefix(at+", in "+f, ", ")
		}
	}
	return at
}

// ids lists goroutine ids, the first few of many.
func ids(gs []trace.Goroutine) string {
	var b strings.Builder
	for i, g := range gs {
		if i == 6 {
			b.WriteString(" …")
			break
		}
		if i > 0 {
			b.WriteString(" ")
		}
		b.WriteString(strconv.FormatUint(g.ID, 10))
	}
	return b.String()
}

// states are what /proc calls them (proc_pid_stat(5)).
var states = map[byte]string{
	'R': "running", 'S': "sleeping", 'D': "waiting for the disk", 'T': "stopped",
	't': "traced", 'Z': "zombie", 'I': "idle", 'X': "dead",
}

// processes shows the tree of processes and threads under the session.
func processes(e *Engine, _ context.Context, _ session.Cell, s *sink, _ magic.Part) session.Result {
	root := os.Getpid()
	self, err := process.Stat(root)
	if err != nil {
		return failed("error", "%ps: "+err.Error())
	}
	list := []process.Info{self}
	e.mu.Lock()
	workerPID := 0
	if e.worker != nil {
		workerPID = e.worker.pid
	}
	e.mu.Unlock()
	if i, err := process.Stat(workerPID); err == nil {
		list = append(list, i)
	}
	list = append(list, e.family(anyProcess)...)
	children := map[int][]process.Info{}
	for _, i := range list[1:] {
		children[i.PPID] = append(children[i.PPID], i)
	}
	grid := display.Grid{Headers: []string{"process", "pid", "state", "threads", "RSS", "stack", "switches: waited", "preempted", "command"}}
	var add func(i process.Info, depth int)
	add = func(i process.Info, depth int) {
		status := process.Status(i.PID)
		what := i.Command
		switch i.PID {
		case root:
			what = "kernel"
		case workerPID:
			what = "worker: runs the cells"
		}
		grid.Rows = append(grid.Rows, []any{
			strings.Repeat("\u00a0\u00a0", depth) + "└ " + what, i.PID, states[i.State], i.Threads, size(i.RSSBytes),
			status["VmStk"], status["voluntary_ctxt_switches"], status["nonvoluntary_ctxt_switches"], commandLine(i.PID),
		})
		for _, c := range children[i.PID] {
			add(c, depth+1)
		}
	}
	add(self, 0)
	if r := showValue(s, grid); r.Err != nil {
		return r
	}
	threads := process.Threads(workerPID)
	if len(threads) == 0 {
		return session.Result{}
	}
	tg := display.Grid{Headers: []string{"thread of the worker", "state", "switches: waited", "preempted", "in"}, MaxRows: 64}
	for _, t := range threads {
		tg.Rows = append(tg.Rows, []any{t.TID, states[t.State], t.Waited, t.Preempted, t.Where})
	}
	tg.Note = "A thread is the kernel's; goroutines run on them. “in” is the kernel function that a sleeping thread waits in, where it may be read."
	return showValue(s, tg)
}

func commandLine(pid int) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return ""
	}
	line := string(bytes.ReplaceAll(bytes.TrimRight(data, "\x00"), []byte{0}, []byte{' '}))
	if i := strings.Index(line, worker.Argument); i >= 0 {
		line = line[:i] + worker.Argument
	}
	if len(line) > 60 {
		line = line[:59] + "…"
	}
	return line
}
