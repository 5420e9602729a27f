package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"spindle/kernel/display"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/trace"
	"spindle/kernel/internal/worker"
)

// lookTime bounds how long listing goroutines may take: ten thousand deep
// stacks take a while.
const lookTime = 30 * time.Second

// goroutines shows the learner's goroutines, like ones in one row: once, or
// for some seconds, moving in place.
func goroutines(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	seconds := 0
	if part.Args != "" {
		n, err := strconv.Atoi(part.Args)
		if err != nil || n < 1 {
			return failed("error", "%goroutines: want a number of seconds to watch them for, not "+part.Args)
		}
		seconds = n
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x := &execution{number: cell.Count, sink: s, began: process.NowTicks(), cancel: cancel, press: func() {}, kill: func(string) { cancel() }}
	e.begin(x)
	defer e.end(x)
	id := ""
	if seconds > 0 {
		id = "spindle-goroutines-" + rand.Text()
	}
	for until, update := time.Now().Add(time.Duration(seconds)*time.Second), false; ; update = true {
		var all []trace.Goroutine
		if err := e.askWithin(ctx, lookTime, worker.MethodGoroutines, nil, &all); err != nil {
			if ctx.Err() != nil {
				return failed("interrupted", "%goroutines")
			}
			return failed("error", "%goroutines: "+err.Error())
		}
		b := quiet("No goroutine of any cell is alive.")
		if len(all) > 0 {
			b = goroutineTable(all).Bundle()
		}
		b.ID, b.Update = id, update
		s.out.Display(b)
		if !time.Now().Before(until) {
			return session.Result{}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return failed("interrupted", "%goroutines")
		}
	}
}

// goroutineTable has a row for each group of goroutines that were started at
// the same place and are in the same state at the same place.
func goroutineTable(all []trace.Goroutine) display.Grid {
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
	grid := display.Grid{Headers: []string{"goroutines", "ids", "state", "for", "started at", "stands at"}}
	for _, k := range order {
		gs := groups[k]
		grid.Rows = append(grid.Rows, []any{len(gs), ids(gs), k.state, since(gs), k.site, k.at})
	}
	grid.Note = count(len(all), "goroutine", "goroutines") + " of cells. “for”: seen so at each look, the first at the end of its cell; in minutes, as the runtime counts, without a break. %goroutines 10 watches them for ten seconds."
	return grid
}

// since is how long the goroutines of a group have been doing what they do,
// from the shortest to the longest.
func since(gs []trace.Goroutine) string {
	least, most := time.Duration(1<<62), time.Duration(0)
	for _, g := range gs {
		// The runtime counts whole minutes, from the first collection on.
		d := max(g.SeenFor, time.Duration(g.Minutes)*time.Minute)
		least, most = min(least, d), max(most, d)
	}
	words := func(d time.Duration) string {
		switch {
		case d < time.Second:
			return "< 1 s"
		case d < time.Minute:
			return fmt.Sprintf("%d s", d/time.Second)
		}
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	if words(least) == words(most) {
		return words(most)
	}
	return words(least) + " – " + words(most)
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
	grid := display.Grid{Headers: []string{"process", "pid", "state", "threads", "RSS", "stack", "switches: waited", "preempted", "command"}, Note: "Switches: how often it gave a processor up because it had to wait, and how often it was made to."}
	var add func(i process.Info, depth int)
	add = func(i process.Info, depth int) {
		status := process.Status(i.PID)
		what, command := i.Command, ""
		switch i.PID {
		case root:
			what = "kernel"
		case workerPID:
			what = "worker: runs the cells"
		default:
			command = commandLine(i.PID)
		}
		grid.Rows = append(grid.Rows, []any{
			"└" + strings.Repeat("──", depth) + " " + what, i.PID, states[i.State], i.Threads, size(i.RSSBytes),
			status["VmStk"], number(status["voluntary_ctxt_switches"]), number(status["nonvoluntary_ctxt_switches"]), command,
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

// number is text as a number, where it is one.
func number(text string) any {
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return n
	}
	return text
}

// commandLine is how a process was started, the program without its folder.
func commandLine(pid int) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return ""
	}
	program, args, _ := bytes.Cut(bytes.TrimRight(data, "\x00"), []byte{0})
	line := strings.TrimSpace(filepath.Base(string(program)) + " " + string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
	if r := []rune(line); len(r) > 60 {
		line = string(r[:59]) + "…"
	}
	return line
}
