package core

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// What a goroutine belongs to is in its pprof labels, which the runtime hands
// down to every goroutine that it starts, in native code too, and which
// goroutine profiles show.
const (
	LabelCell = "spindle_cell" // the cell that a goroutine belongs to
	LabelSite = "spindle_site" // where it was started: "cell 3, line 4, main.worker"
)

//go:linkname profLabel runtime/pprof.runtime_getProfLabel
func profLabel() unsafe.Pointer

// Host is what core needs of the process it runs in.
type Host struct {
	Output  func(cell int, stderr bool, p []byte) // nil: file descriptors 1 and 2
	Started func(cell int) (ended func())         // may be nil
	Show    func(values []any)
	// Crash is called for a panic that ends the process; it must not return.
	Crash func(p *Panicking, goid int64)
}

var (
	host   Host
	owners sync.Map // label set → owner
	sets   sync.Map // owner → *labels
)

// Connect sets what core runs in. It is called once, before any cell runs.
func Connect(h Host) { host = h }

// owner is what a set of labels stands for.
type owner struct {
	cell int
	site Site
}

// labels are the pprof labels of one owner. The runtime knows a set of labels
// by its address, which the first goroutine to have it makes known.
type labels struct {
	ctx   context.Context
	known sync.Once
}

// label gives the calling goroutine the labels of an owner, made once.
func label(cell int, site Site) {
	o := owner{cell, site}
	l, ok := sets.Load(o)
	if !ok {
		kv := []string{LabelCell, strconv.Itoa(cell)}
		if site.Func != "" {
			kv = append(kv, LabelSite, site.String())
		}
		l, _ = sets.LoadOrStore(o, &labels{ctx: pprof.WithLabels(context.Background(), pprof.Labels(kv...))})
	}
	set := l.(*labels)
	pprof.SetGoroutineLabels(set.ctx)
	set.known.Do(func() { owners.Store(profLabel(), o) })
}

// CellOf is the cell that the calling goroutine belongs to; 0 is none.
func CellOf() int { return ownerOf().cell }

// ownerOf is what the calling goroutine belongs to.
func ownerOf() owner {
	o, _ := owners.Load(profLabel())
	of, _ := o.(owner)
	return of
}

// Go is the go statement at a place of the learner's code.
func Go(fn func(), cell, line int, in string) {
	if fn == nil {
		panic(Fault("go of nil func value"))
	}
	if !started.Load() {
		started.Store(true)
	}
	go Adopt(fn, true, cell, line, in)()
}

// started tells that a go statement ran since the last Gosched.
var started atomic.Bool

// Gosched is runtime.Gosched. Compiled, a goroutine just started has all but
// always run to its first wait when Gosched returns, and textbooks lean on it;
// interpreted, it needs a moment more.
func Gosched() {
	runtime.Gosched()
	if started.CompareAndSwap(true, false) {
		time.Sleep(100 * time.Microsecond)
	}
}

// Adopt is fn for a goroutine that a function of the standard library starts
// at a place of the learner's code: it belongs to the calling goroutine's cell,
// as a go statement's does. begun says that the goroutine starts now, and not
// later or never.
func Adopt(fn func(), begun bool, cell, line int, in string) func() {
	of := CellOf()
	start := func() (ended func()) {
		if host.Started == nil {
			return nil
		}
		return host.Started(of)
	}
	var ended func()
	if begun {
		ended = start()
	}
	return func() {
		if !begun {
			ended = start()
		}
		site := Site{cell, line, in}
		label(of, site)
		if trace.IsEnabled() { // package timeline reads it
			trace.Log(context.Background(), LabelSite, site.String())
		}
		if ended != nil {
			defer ended()
		}
		defer func() {
			if r := recover(); r != nil {
				p := AsPanicking(r)
				if _, ok := p.Value.(Interrupted); ok {
					return
				}
				p.Trace = append(p.Trace, Site{cell, line, "created by " + in})
				host.crash(p)
			}
		}()
		fn()
	}
}

func (h Host) crash(p *Panicking) {
	if h.Crash != nil {
		h.Crash(p, goid())
	}
	fmt.Fprintf(os.Stderr, "panic: %s\n", p.Text())
	os.Exit(2)
}

// Goid is the calling goroutine's number.
func Goid() int64 { return goid() }

// realStdout is what os.Stdout was before a cell could put another file there.
var realStdout = os.Stdout

func write(stderr bool, p []byte) {
	if host.Output != nil && (stderr || os.Stdout == realStdout) {
		host.Output(CellOf(), stderr, p)
		return
	}
	if stderr {
		os.Stderr.Write(p)
	} else {
		os.Stdout.Write(p)
	}
}

// Show takes the values of a cell's last expression.
func Show(values ...any) {
	if host.Show != nil {
		host.Show(values)
	}
}

// MapIter is a range over a map.
type MapIter struct{ it *reflect.MapIter }

// NewMapIter begins a range over the map m.
func NewMapIter(m any) *MapIter {
	v := reflect.ValueOf(m)
	if !v.IsValid() || v.IsNil() {
		return &MapIter{}
	}
	return &MapIter{v.MapRange()}
}

// Next goes on to the next entry, and reports whether there is one.
func (m *MapIter) Next() bool { return m.it != nil && m.it.Next() }

// Key is the current key.
func (m *MapIter) Key() reflect.Value { return m.it.Key() }

// Value is the current value.
func (m *MapIter) Value() reflect.Value { return m.it.Value() }

// Select is a select statement being made.
type Select struct {
	cases  []reflect.SelectCase
	def    bool
	recv   reflect.Value
	recvOK bool
	few    [4]reflect.SelectCase // room for what most have
}

// NewSelect begins a select statement.
func NewSelect(hasDefault bool) *Select {
	s := &Select{def: hasDefault}
	s.cases = s.few[:0]
	return s
}

// Send adds a send clause.
func (s *Select) Send(ch, v reflect.Value) {
	s.cases = append(s.cases, reflect.SelectCase{Dir: reflect.SelectSend, Chan: ch, Send: v})
}

// Recv adds a receive clause.
func (s *Select) Recv(ch reflect.Value) {
	s.cases = append(s.cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: ch})
}

// Do waits, and returns the number of the clause that went, -1 for default.
func (s *Select) Do() int {
	cases := s.cases
	if s.def {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectDefault})
	} else if len(cases) == 0 {
		select {}
	}
	i, v, ok := reflect.Select(cases)
	if s.def && i == len(cases)-1 {
		return -1
	}
	s.recv, s.recvOK = v, ok
	return i
}

// OK is the second value of the receive that went.
func (s *Select) OK() bool { return s.recvOK }

// Received is the value received.
func (s *Select) Received() reflect.Value { return s.recv }
