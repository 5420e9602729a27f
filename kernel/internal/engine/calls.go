package engine

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"time"

	"spindle/kernel/display"
	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/worker"
)

// Methods that package worker leaves to the kernel's main: completion and
// inspection. Params are CodeParams.
const (
	MethodComplete   = "complete"    // → session.Completions
	MethodInspect    = "inspect"     // → InspectResult
	MethodIsComplete = "is_complete" // → session.Completeness
	MethodWho        = "who"         // no params → []Declared
)

// Declared is one name that the session has declared.
type Declared struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`  // "var", "func", "type", "const" or "package"
	Type  string `json:"type"`  // as Go writes it
	Where string `json:"where"` // "cell 3, line 1"; "" where unknown
}

// CodeParams is code with a place in it.
type CodeParams struct {
	Code   string `json:"code"`
	Cursor int    `json:"cursor"` // byte offset
	Detail int    `json:"detail,omitempty"`
}

// InspectResult is what is known of what stands there.
type InspectResult struct {
	Found  bool           `json:"found"`
	Bundle display.Bundle `json:"bundle"`
}

// askTime bounds a question to the worker: a front end would rather have no
// completions than wait.
const askTime = 2 * time.Second

func (e *Engine) askWorker(ctx context.Context, method string, params, result any) error {
	return e.askWithin(ctx, askTime, method, params, result)
}

func (e *Engine) askWithin(ctx context.Context, limit time.Duration, method string, params, result any) error {
	p, err := e.current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return p.call(ctx, method, params, result)
}

// Complete lists completions.
func (e *Engine) Complete(ctx context.Context, code string, cursor int) (session.Completions, error) {
	var c session.Completions
	err := e.askWorker(ctx, MethodComplete, CodeParams{Code: code, Cursor: cursor}, &c)
	return c, err
}

// Inspect documents what stands at cursor.
func (e *Engine) Inspect(ctx context.Context, code string, cursor, detail int) (display.Bundle, bool, error) {
	var r InspectResult
	err := e.askWorker(ctx, MethodInspect, CodeParams{Code: code, Cursor: cursor, Detail: detail}, &r)
	return r.Bundle, r.Found, err
}

// IsComplete says whether code is a whole cell.
func (e *Engine) IsComplete(ctx context.Context, code string) (session.Completeness, error) {
	var c session.Completeness
	err := e.askWorker(ctx, MethodIsComplete, CodeParams{Code: code}, &c)
	return c, err
}

// Evaluate computes one user_expression.
func (e *Engine) Evaluate(ctx context.Context, expr string) (display.Bundle, *session.CellError) {
	var r worker.EvaluateResult
	fail := func(name, value string, traceback []string) (display.Bundle, *session.CellError) {
		if len(traceback) == 0 {
			traceback = []string{name + ": " + value}
		}
		return display.Bundle{}, &session.CellError{EName: name, EValue: value, Traceback: traceback}
	}
	if err := e.askWorker(ctx, worker.MethodEvaluate, worker.EvaluateParams{Source: expr}, &r); err != nil {
		return fail("error", err.Error(), nil)
	}
	if r.Err != nil {
		return fail(r.Err.Name, r.Err.Value, r.Err.Traceback)
	}
	if r.Value == nil {
		return fail("error", "not an expression with a value: "+expr, nil)
	}
	return *r.Value, nil
}

// Comm delivers a comm message.
func (e *Engine) Comm(ctx context.Context, c session.CommMessage) bool {
	var taken bool
	err := e.askWorker(ctx, worker.MethodComm, frames.CommBody{Type: c.Type, ID: c.ID, Target: c.TargetName, Data: c.Data}, &taken)
	return err == nil && taken
}

// Comms lists the open comms.
func (e *Engine) Comms(ctx context.Context) (map[string]string, error) {
	open := map[string]string{}
	err := e.askWorker(ctx, worker.MethodComms, nil, &open)
	return open, err
}

// Usage reports what the session's processes use, under the names of
// ipykernel's usage_reply and a few more.
func (e *Engine) Usage(ctx context.Context) (map[string]any, error) {
	p, err := e.current()
	if err != nil {
		return nil, err
	}
	memory := int64(0)
	list := []map[string]any{}
	self, _ := process.Stat(os.Getpid())
	own, _ := process.Stat(p.pid)
	all := append([]process.Info{self, own}, e.family(anyProcess)...)
	for _, i := range all {
		memory += i.RSSBytes
		list = append(list, map[string]any{
			"pid": i.PID, "ppid": i.PPID, "command": i.Command, "state": string(rune(i.State)),
			"threads": i.Threads, "rss_bytes": i.RSSBytes,
		})
	}
	host, _ := os.Hostname()
	usage := map[string]any{
		"hostname": host, "pid": os.Getpid(), "kernel_memory": memory, "cpu_count": runtime.NumCPU(),
		"memory_limit_bytes": e.cfg.Limits.MemoryBytes, "processes": list,
	}
	usage["kernel_cpu"] = e.cpu.percent(all, time.Now())
	if m, err := hostMemory(); err == nil {
		usage["host_virtual_memory"] = m
	}
	var u worker.UsageResult
	if err := p.call(ctx, worker.MethodUsage, nil, &u); err == nil {
		var asMap map[string]any
		if raw, err := json.Marshal(u); err == nil && json.Unmarshal(raw, &asMap) == nil {
			usage["worker"] = asMap
		}
	}
	return usage, nil
}
