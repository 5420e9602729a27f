// Package timeline makes a picture of an execution trace (runtime/trace): which
// goroutine ran on which P, on which thread, and what each waited for, as one
// static SVG with titles under the pointer. It is pure.
package timeline

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"golang.org/x/exp/trace"
)

// State is what a goroutine is doing.
type State uint8

// The states that the picture tells apart.
const (
	Running State = iota
	Runnable
	Waiting
	Syscall
	states
)

var stateNames = [states]string{"running", "runnable, waiting for a P", "waiting", "in a system call"}

// Span is a time in one state. Times are nanoseconds since the trace's start.
type Span struct {
	From, To int64
	State    State
	Proc     int64  // while running or in a system call; -1 where unknown
	Thread   int64  // likewise
	Reason   string // of waiting: "chan receive", "sync", "sleep", …
	Moved    bool   // runs on another P than it was made runnable on: stolen or handed over
}

// Goroutine is one goroutine of the learner's.
type Goroutine struct {
	ID    int64
	Site  string // where it was started
	Spans []Span
}

// Occupancy is one goroutine's turn on a P.
type Occupancy struct {
	From, To  int64
	Goroutine int64 // 0: none of the learner's
	Thread    int64
	Moved     bool
	HandedOn  bool // another thread than in the turn before runs the P
}

// Timeline is what the picture is made of.
type Timeline struct {
	EndNanos   int64
	Goroutines []Goroutine           // by number
	Procs      map[int64][]Occupancy // by P
	GC         [][2]int64            // times in which the collector was at work
	Pauses     [][2]int64            // times in which it stopped the world
	Moves      int                   // turns on another P than that on which it was made runnable
	HandOns    int                   // times a P went on with another thread
}

// SiteCategory is the category of log events that tell where a goroutine was
// started; package core writes them.
const SiteCategory = "spindle_site"

// Parse reads a trace. root is the goroutine that ran the cell: it and those
// that it started, and those started by these, are shown.
func Parse(r io.Reader, root int64) (*Timeline, error) {
	tr, err := trace.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	p := parser{
		t:    &Timeline{Procs: map[int64][]Occupancy{}},
		gs:   map[int64]*tracked{root: {mine: true, g: Goroutine{ID: root, Site: "the cell itself"}}},
		gone: map[int64]bool{},
	}
	for {
		ev, err := tr.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the trace: %w", err)
		}
		p.event(ev)
	}
	return p.finish(), nil
}

// tracked is a goroutine while the trace is read.
type tracked struct {
	g       Goroutine
	mine    bool
	open    Span
	isOpen  bool
	readyOn int64 // P on which it was last made runnable, -1 for none
}

type parser struct {
	t       *Timeline
	gs      map[int64]*tracked
	gone    map[int64]bool
	start   trace.Time
	begun   bool
	now     int64
	gc, stw int64 // begun at, 0 for not
}

func (p *parser) event(ev trace.Event) {
	if !p.begun {
		p.start, p.begun = ev.Time(), true
	}
	p.now = int64(ev.Time() - p.start)
	switch ev.Kind() {
	case trace.EventStateTransition:
		st := ev.StateTransition()
		if st.Resource.Kind == trace.ResourceGoroutine {
			p.goroutine(ev, st)
		}
	case trace.EventLog:
		if l := ev.Log(); l.Category == SiteCategory {
			if g, ok := p.gs[int64(ev.Goroutine())]; ok {
				g.g.Site, g.mine = l.Message, true // a timer's, perhaps: nobody's child
			}
		}
	case trace.EventRangeBegin, trace.EventRangeActive:
		switch name := ev.Range().Name; {
		case strings.HasPrefix(name, "stop-the-world"):
			p.stw = max(p.now, 1)
		case name == "GC concurrent mark phase":
			p.gc = max(p.now, 1)
		}
	case trace.EventRangeEnd:
		switch name := ev.Range().Name; {
		case strings.HasPrefix(name, "stop-the-world") && p.stw > 0:
			p.t.Pauses = append(p.t.Pauses, [2]int64{p.stw, p.now})
			p.stw = 0
		case name == "GC concurrent mark phase" && p.gc > 0:
			p.t.GC = append(p.t.GC, [2]int64{p.gc, p.now})
			p.gc = 0
		}
	}
}

func (p *parser) goroutine(ev trace.Event, st trace.StateTransition) {
	id := int64(st.Resource.Goroutine())
	from, to := st.Goroutine()
	g := p.gs[id]
	if g == nil {
		g = &tracked{g: Goroutine{ID: id}, readyOn: -1}
		// Who is started by one of the learner's is one too.
		if from == trace.GoNotExist {
			if parent, ok := p.gs[int64(ev.Goroutine())]; ok && parent.mine {
				g.g.Site = function(st.Stack) // until it says more
				g.mine = !ours(g.g.Site)
			}
		}
		p.gs[id] = g
	}
	p.close(g)
	proc := int64(ev.Proc())
	s := Span{From: p.now, Proc: -1, Thread: -1, Reason: st.Reason}
	switch to {
	case trace.GoRunnable:
		s.State = Runnable
		g.readyOn = proc
	case trace.GoRunning:
		s.State, s.Proc, s.Thread = Running, proc, int64(ev.Thread())
		s.Moved = from == trace.GoRunnable && g.readyOn >= 0 && g.readyOn != proc
		g.readyOn = -1
	case trace.GoSyscall:
		s.State, s.Proc, s.Thread = Syscall, proc, int64(ev.Thread())
	case trace.GoWaiting:
		s.State = Waiting
	default: // it has ended
		return
	}
	g.open, g.isOpen = s, true
}

// function names what a goroutine begins with.
func function(s trace.Stack) string {
	for f := range s.Frames() {
		return f.Func
	}
	return ""
}

// ours tells whether a new goroutine is the worker's or the runtime's own,
// started on a cell's goroutine.
func ours(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "runtime/") ||
		strings.HasPrefix(function, "spindle/kernel/internal/worker.")
}

// close ends the span that a goroutine is in.
func (p *parser) close(g *tracked) {
	if !g.isOpen {
		return
	}
	g.isOpen = false
	s := g.open
	s.To = p.now
	if s.To <= s.From {
		s.To = s.From + 1
	}
	if g.mine {
		g.g.Spans = append(g.g.Spans, s)
		if s.Moved {
			p.t.Moves++
		}
	}
	if s.State == Running && s.Proc >= 0 {
		o := Occupancy{From: s.From, To: s.To, Thread: s.Thread, Moved: s.Moved && g.mine}
		if g.mine {
			o.Goroutine = g.g.ID
		}
		p.t.Procs[s.Proc] = append(p.t.Procs[s.Proc], o)
	}
}

func (p *parser) finish() *Timeline {
	p.t.EndNanos = max(p.now, 1)
	for _, g := range p.gs {
		p.close(g)
		if g.mine && len(g.g.Spans) > 0 {
			p.t.Goroutines = append(p.t.Goroutines, g.g)
		}
	}
	if p.gc > 0 {
		p.t.GC = append(p.t.GC, [2]int64{p.gc, p.now})
	}
	p.t.crop()
	sort.Slice(p.t.Goroutines, func(i, j int) bool { return p.t.Goroutines[i].ID < p.t.Goroutines[j].ID })
	for _, o := range p.t.Procs {
		sort.Slice(o, func(i, j int) bool { return o[i].From < o[j].From })
		for i := range o {
			if o[i].HandedOn = i > 0 && o[i].Thread != o[i-1].Thread; o[i].HandedOn {
				p.t.HandOns++
			}
		}
	}
	return p.t
}

// crop lets the time begin with the first thing that a goroutine of the
// learner's did: what comes before is the making of the trace.
func (t *Timeline) crop() {
	from := t.EndNanos
	for _, g := range t.Goroutines {
		from = min(from, g.Spans[0].From)
	}
	if from <= 0 || from >= t.EndNanos {
		return
	}
	t.EndNanos -= from
	at := func(nanos int64) int64 { return max(0, nanos-from) }
	for _, g := range t.Goroutines {
		for i := range g.Spans {
			g.Spans[i].From, g.Spans[i].To = at(g.Spans[i].From), at(g.Spans[i].To)
		}
	}
	over := func(to int64) bool { return to <= from }
	for id, turns := range t.Procs {
		t.Procs[id] = slices.DeleteFunc(turns, func(o Occupancy) bool { return over(o.To) })
		for i := range t.Procs[id] {
			o := &t.Procs[id][i]
			o.From, o.To = at(o.From), at(o.To)
		}
	}
	for _, list := range []*[][2]int64{&t.GC, &t.Pauses} {
		*list = slices.DeleteFunc(*list, func(s [2]int64) bool { return over(s[1]) })
		for i := range *list {
			(*list)[i] = [2]int64{at((*list)[i][0]), at((*list)[i][1])}
		}
	}
}

// Times adds up the time of the learner's goroutines in each state.
func (t *Timeline) Times() (sum [states]int64) {
	for _, g := range t.Goroutines {
		for _, s := range g.Spans {
			sum[s.State] += s.To - s.From
		}
	}
	return sum
}

// Summary says in a few lines what the picture shows: its text twin.
func (t *Timeline) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %d goroutines on %d Ps; %d times one ran on another P than it was made runnable on, %d times a P went on with another thread.\n",
		span(t.EndNanos), len(t.Goroutines), len(t.Procs), t.Moves, t.HandOns)
	sum := t.Times()
	var parts []string
	for s := range states {
		parts = append(parts, stateNames[s]+" "+span(sum[s]))
	}
	b.WriteString("All goroutines together: " + strings.Join(parts, ", ") + ".")
	if len(t.GC) > 0 {
		fmt.Fprintf(&b, "\nThe garbage collector was at work %d times.", len(t.GC))
	}
	return b.String()
}
