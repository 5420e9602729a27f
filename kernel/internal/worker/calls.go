package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"spindle/kernel/display"
	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/interp"
)

// Methods that every worker answers.
const (
	MethodEvaluate   = "evaluate"   // EvaluateParams → EvaluateResult
	MethodProgram    = "program"    // → string
	MethodGoroutines = "goroutines" // → []trace.Goroutine, of cells
	MethodUsage      = "usage"      // → UsageResult
	MethodChdir      = "chdir"      // string → string, the new folder
	MethodSetenv     = "setenv"     // [2]string → null
	MethodEnviron    = "environ"    // → []string
	MethodComm       = "comm"       // frames.CommBody → bool: somebody takes it
	MethodComms      = "comms"      // → map[string]string: those open, id → target
)

// EvaluateParams asks for an expression's value.
type EvaluateParams struct {
	Source string `json:"source"`
}

// EvaluateResult is an expression's value, or why it has none.
type EvaluateResult struct {
	Value *display.Bundle   `json:"value,omitempty"`
	Err   *frames.ErrorBody `json:"err,omitempty"`
}

// UsageResult is what the worker's process uses.
type UsageResult struct {
	PID           int    `json:"pid"`
	Goroutines    int    `json:"goroutines"`
	HeapBytes     uint64 `json:"heap_bytes"`
	MemoryLimit   int64  `json:"memory_limit_bytes"`
	Processors    int    `json:"gomaxprocs"`
	LearnersCells []int  `json:"cells_with_goroutines"`
}

func (w *Worker) call(ctx context.Context, f frames.Frame) {
	var body frames.CallBody
	err := json.Unmarshal(f.Body, &body)
	var result any
	if err == nil {
		result, err = w.answer(ctx, body)
	}
	var reply frames.ReplyBody
	if err == nil {
		reply.Result, err = json.Marshal(result)
	}
	if err != nil {
		reply = frames.ReplyBody{Error: err.Error()}
	}
	if err := w.out.WriteJSON(frames.Reply, f.Number, reply); errors.Is(err, frames.ErrTooLarge) {
		_ = w.out.WriteJSON(frames.Reply, f.Number, frames.ReplyBody{Error: err.Error()})
	}
}

// answer runs a call. A panic in it, a bug of ours, must not cost the learner
// the session.
func (w *Worker) answer(ctx context.Context, body frames.CallBody) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v\n%s", body.Method, p, debug.Stack())
		}
	}()
	switch body.Method {
	case MethodEvaluate:
		return w.evaluate(body.Params)
	case MethodProgram:
		return w.eval.Program()
	case MethodGoroutines:
		return w.learners(), nil
	case MethodUsage:
		return w.usage(), nil
	case MethodChdir:
		var dir string
		if err := json.Unmarshal(body.Params, &dir); err != nil {
			return nil, err
		}
		if err := os.Chdir(dir); err != nil {
			return nil, err
		}
		return os.Getwd()
	case MethodSetenv:
		var pair [2]string
		if err := json.Unmarshal(body.Params, &pair); err != nil {
			return nil, err
		}
		return nil, os.Setenv(pair[0], pair[1])
	case MethodEnviron:
		return os.Environ(), nil
	case MethodComm:
		return w.comm(ctx, body.Params)
	case MethodComms:
		return w.comms.Open(), nil
	}
	if call, ok := w.cfg.Calls[body.Method]; ok {
		return call(ctx, w.eval, body.Params)
	}
	return nil, fmt.Errorf("unknown method %q", body.Method)
}

func (w *Worker) evaluate(params json.RawMessage) (any, error) {
	var p EvaluateParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	if !w.evalMu.TryLock() {
		return EvaluateResult{Err: &frames.ErrorBody{Name: "busy", Value: "a cell is running"}}, nil
	}
	defer w.evalMu.Unlock()
	o := outcome(w.eval.Eval(interp.Cell{Count: int(w.lastCell.Load()), Source: p.Source}))
	return EvaluateResult{Value: o.Value, Err: o.Err}, nil
}

func (w *Worker) usage() UsageResult {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return UsageResult{
		PID: os.Getpid(), Goroutines: runtime.NumGoroutine(), HeapBytes: m.HeapAlloc,
		MemoryLimit: debug.SetMemoryLimit(-1), Processors: runtime.GOMAXPROCS(0), LearnersCells: w.liveCells(),
	}
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
