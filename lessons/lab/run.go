package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Progress is how far an experiment has come.
type Progress struct {
	Experiment string `json:"experiment"`
	Done       int    `json:"done"`
	Total      int    `json:"total"`
	Note       string `json:"note,omitempty"` // what is being measured now
}

// Experiment is one entry of the lab.
type Experiment struct {
	Name   string   // "creation"
	Title  string   // one line
	Claims []string // ids of ARTICLE.md that its result has verdicts on
	params func() any
	judge  func(*Result)
}

// Experiments lists all of them in the order of the article.
func Experiments() []Experiment { return experiments() }

// Find returns the experiment with this name.
func Find(name string) (Experiment, bool) {
	for _, e := range experiments() {
		if e.Name == name {
			return e, true
		}
	}
	return Experiment{}, false
}

// Params is the JSON of the default parameters.
func (e Experiment) Params() string {
	b, err := json.Marshal(e.params())
	if err != nil { // plain structs of numbers and strings
		return "{}"
	}
	return string(b)
}

// Run runs the experiment in a fresh process. params is a JSON object, or
// empty for the defaults; progress may be nil and is called on this
// goroutine. When ctx is done the process and all that it started are killed,
// and the error is ctx's. A process that dies makes a *CrashError.
func (e Experiment) Run(ctx context.Context, params []byte, progress func(Progress)) (*Result, error) {
	if len(params) == 0 {
		params = []byte("{}")
	}
	p := e.params()
	if err := strictJSON(params, p); err != nil {
		return nil, fmt.Errorf("parameters of %s: %w", e.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &Result{Name: e.Name, Title: e.Title, Params: json.RawMessage(params), Env: here()}
	if _, ok := roles()[roleOf(e.Name)]; !ok {
		r.Skipped = "this experiment reads what only Linux has"
		e.conclude(r)
		return r, nil
	}
	began := time.Now()
	s, err := launch(roleOf(e.Name), json.RawMessage(params), launchOptions{group: true})
	if err != nil {
		return nil, fmt.Errorf("experiment %s: %w", e.Name, err)
	}
	stop := s.stopOnDone(ctx)
	defer s.kill()
	defer stop()
	for {
		var m message
		if err := s.recv(&m); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("experiment %s: %w", e.Name, err)
		}
		if m.Progress != nil && progress != nil {
			m.Progress.Experiment = e.Name
			progress(*m.Progress)
		}
		if m.Error != "" {
			return nil, fmt.Errorf("experiment %s: %s", e.Name, m.Error)
		}
		if m.Result == nil {
			continue
		}
		got := m.Result
		got.Name, got.Title, got.Params = r.Name, r.Title, r.Params
		got.Env.Load1, got.Env.Date = r.Env.Load1, r.Env.Date
		got.ElapsedNS = time.Since(began).Nanoseconds()
		e.conclude(got)
		return got, nil
	}
}

// conclude adds the verdicts, one for each claim of the experiment.
func (e Experiment) conclude(r *Result) {
	r.Verdicts = nil
	if r.Skipped == "" {
		e.judge(r)
	}
	for _, c := range e.Claims {
		if !slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Claim == c }) {
			reason := r.Skipped
			if reason == "" {
				reason = "this run measured too little to tell"
			}
			r.verdict(c, Skip, "%s", reason)
		}
	}
}

// message is what an experiment's process sends.
type message struct {
	Progress *Progress `json:"progress,omitempty"`
	Result   *Result   `json:"result,omitempty"`
	Error    string    `json:"error,omitempty"`
}

func roleOf(experiment string) string { return "experiment " + experiment }

// bench is an experiment's side of its process: where it reports.
type bench struct {
	*Result
	peer *peer
}

// progress reports; a parent that is gone ends the process, so errors are not
// looked at.
func (b *bench) progress(done, total int, format string, args ...any) {
	_ = b.peer.send(message{Progress: &Progress{Done: done, Total: total, Note: fmt.Sprintf(format, args...)}})
}

// skip ends the experiment because this machine can't run it.
type skip string

func (s skip) Error() string { return string(s) }

func skipf(format string, args ...any) error { return skip(fmt.Sprintf(format, args...)) }

// usage is how often this process lost a CPU unasked, and the CPU time of it
// and of the children that it has waited for.
func usage() (involuntary int64, cpu time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		_ = syscall.Getrusage(who, &r)
		cpu += time.Duration(r.Utime.Nano() + r.Stime.Nano())
		if who == syscall.RUSAGE_SELF {
			involuntary = int64(r.Nivcsw)
		}
	}
	return involuntary, cpu
}

// experimentRole makes the role of an experiment from its function.
func experimentRole[P any](run func(*bench, P) error) role {
	return func(p *peer) error {
		var params P
		if err := p.arg(&params); err != nil {
			return err
		}
		b := &bench{Result: &Result{Env: here()}, peer: p}
		began, before := time.Now(), readCPUTimes()
		lost, own := usage()
		err := run(b, params)
		lostNow, ownNow := usage()
		b.Env.Involuntary = lostNow - lost
		b.Env.meanwhile(before, ownNow-own, time.Since(began))
		var why skip
		switch {
		case errors.As(err, &why):
			b.Skipped = string(why)
		case err != nil:
			return p.send(message{Error: err.Error()})
		}
		if err := p.send(message{Result: b.Result}); err != nil {
			return err
		}
		select {} // the parent kills the group, and this process with it
	}
}

// Host is what a program that runs cells gives the lab, so that an experiment
// started in a cell shows its progress there and ends when the cell is
// interrupted. Both functions may be nil.
type Host struct {
	// Context is that of the cell that the calling goroutine belongs to.
	Context func() context.Context
	// Progress starts to show the progress of an experiment; update is called
	// as it goes on, and done when it ends.
	Progress func(title string) (update func(Progress), done func())
}

var host atomic.Pointer[Host]

// Connect makes h the host of the experiments that cells start.
func Connect(h Host) { host.Store(&h) }

// inCell runs the experiment for a cell: with the host's context and
// progress, published figures beside it, and its result kept for later lessons.
func inCell(name string, params any) *Result {
	e, ok := Find(name)
	if !ok {
		panic("lab: no experiment " + name)
	}
	b, err := json.Marshal(params)
	if err != nil {
		panic(fmt.Errorf("lab: parameters of %s: %w", name, err))
	}
	ctx := context.Background()
	var update func(Progress)
	if h := host.Load(); h != nil {
		if h.Context != nil {
			ctx = h.Context()
		}
		if h.Progress != nil {
			u, done := h.Progress(e.Title)
			update = u
			defer done()
		}
	}
	r, err := e.Run(ctx, b, update)
	if err != nil {
		panic(fmt.Errorf("lab: %w", err))
	}
	r.Beside(Figures()...)
	if err := r.Save(); err != nil {
		r.note("This result could not be kept for later lessons: %v", err)
	}
	return r
}

// optional returns the only one of p, or the zero value.
func optional[P any](p []P) P {
	var zero P
	if len(p) == 0 {
		return zero
	}
	return p[0]
}
