package session

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"spindle/kernel/internal/wire"
)

// executeRequest is the content of an execute_request. The pointers are those
// fields whose default is not Go's zero.
type executeRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    *bool             `json:"store_history"` // default: !silent
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      *bool             `json:"allow_stdin"`   // default: true
	StopOnError     *bool             `json:"stop_on_error"` // default: true
}

// executeReply is the content of an execute_reply, of every status.
type executeReply struct {
	Status          string         `json:"status"` // "ok", "error" or "aborted"
	ExecutionCount  int            `json:"execution_count"`
	UserExpressions map[string]any `json:"user_expressions,omitempty"`
	Payload         []any          `json:"payload"`
	*errorContent
}

type errorContent struct {
	EName     string   `json:"ename"`
	EValue    string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

func contentOf(e *CellError) *errorContent {
	tb := e.Traceback
	if tb == nil {
		tb = []string{}
	}
	return &errorContent{EName: e.EName, EValue: e.EValue, Traceback: tb}
}

// execute runs one cell: busy, execute_input, outputs, reply, idle. It runs on
// the cell's goroutine, and frees the way for the next cell with its idle.
func (s *Session) execute(ctx context.Context, req *request, r *run) {
	defer close(r.done)
	failed := false     // with stop_on_error
	var ended time.Time // what was sent before, was sent without knowing how
	defer func() {
		s.mu.Lock()
		var aborted []*request
		if failed || r.interrupted {
			aborted = s.queue.abort(ended)
		}
		s.running = nil // with the idle, so that no other busy comes between
		s.publish("status", req.msg.RawHeader, status("idle"))
		s.mu.Unlock()
		for _, a := range aborted {
			s.abortOne(a)
		}
	}()
	s.busy(req)

	var content executeRequest
	if err := req.decode(&content); err != nil {
		s.reply(req, "execute_reply", executeReply{
			Status: "error", ExecutionCount: s.counter(false), Payload: []any{},
			errorContent: &errorContent{EName: "bad request", EValue: err.Error(), Traceback: []string{}},
		})
		return
	}
	store := !content.Silent && isTrue(content.StoreHistory, true)
	count := s.counter(store)
	if !content.Silent {
		s.publish("execute_input", req.msg.RawHeader, map[string]any{
			"code": content.Code, "execution_count": count,
		})
	}
	var meta struct {
		CellID string `json:"cellId"`
	}
	_ = json.Unmarshal(req.msg.Metadata, &meta) // metadata is the front end's own; none is fine
	out := &output{
		s: s, req: req, count: count, silent: content.Silent,
		stdin: isTrue(content.AllowStdin, true), limit: s.opts.StreamLimitBytes,
	}
	result := s.runCell(ctx, Cell{
		Count: count, ID: meta.CellID, Source: content.Code, Silent: content.Silent, Stdin: out.stdin,
	}, out)

	if result.Err == nil && out.wasUnanswered() {
		// The cell went on without its input, to its end.
		result.Err = &CellError{
			EName: "interrupted", EValue: "interrupted while it waited for input",
			Traceback: []string{"interrupted: interrupted while it waited for input"},
		}
	}
	reply := executeReply{Status: "ok", ExecutionCount: count, Payload: []any{}}
	if result.Err == nil {
		reply.UserExpressions = s.userExpressions(ctx, content.UserExpressions)
	} else {
		reply.Status = "error"
		reply.errorContent = contentOf(result.Err)
		out.fail(reply.errorContent)
	}
	out.end()
	if store {
		s.history.Add(count, content.Code, out.result)
	}
	reply.Payload = append(reply.Payload, out.payload...)
	failed = result.Err != nil && isTrue(content.StopOnError, true)
	ended = time.Now()
	m := s.message("execute_reply", req.msg.RawHeader, reply)
	m.Identities = req.msg.Identities
	m.Metadata, _ = json.Marshal(map[string]string{ // three strings
		"started": r.started.UTC().Format(time.RFC3339Nano), "status": reply.Status, "engine": s.id,
	})
	if err := s.t.Send(req.ch, m); err != nil {
		s.log.Error("send reply", "type", "execute_reply", "err", err)
	}
}

// runCell calls the engine. A panic there is a bug of the kernel, and must not
// take the session with it.
func (s *Session) runCell(ctx context.Context, c Cell, out *output) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("engine panicked", "panic", p, "stack", string(debug.Stack()))
			result = Result{Err: &CellError{EName: "kernel error", EValue: fmt.Sprint(p), Traceback: []string{
				fmt.Sprintf("kernel error: %v", p), "This is a bug of the kernel, not of your code.",
			}}}
		}
	}()
	return s.engine.Execute(ctx, c, out)
}

// userExpressions evaluates each; an error of one is its own value.
func (s *Session) userExpressions(ctx context.Context, exprs map[string]string) map[string]any {
	values := make(map[string]any, len(exprs))
	for name, expr := range exprs {
		b, err := s.engine.Evaluate(ctx, expr)
		if err != nil {
			values[name] = struct {
				Status string `json:"status"`
				*errorContent
			}{"error", contentOf(err)}
			continue
		}
		values[name] = map[string]any{"status": "ok", "data": orEmpty(b.Data), "metadata": orEmpty(b.Metadata)}
	}
	return values
}

// counter gives the execution count, one more where the cell is stored.
func (s *Session) counter(next bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next {
		s.count++
	}
	return s.count
}

// abortQueue answers the cells that wait.
func (s *Session) abortQueue(since time.Time) {
	for _, req := range s.queue.abort(since) {
		s.abortOne(req)
	}
}

func (s *Session) abortOne(req *request) {
	s.busy(req)
	s.reply(req, "execute_reply", executeReply{
		Status: "aborted", ExecutionCount: s.counter(false), Payload: []any{},
	})
	s.idle(req)
}

// shellArrived is shell's reader: it only queues, but for what must not wait
// behind a cell. Some front ends send a shutdown or an interrupt here.
func (s *Session) shellArrived(ctx context.Context, m wire.Message) {
	req := &request{msg: m, ch: wire.Shell, arrived: time.Now()}
	switch {
	case m.Header.MsgType == "shutdown_request" || m.Header.MsgType == "interrupt_request":
		s.serve(ctx, req)
	case s.queue.late(req):
		s.abortOne(req)
	case !s.queue.put(req):
		s.refuse(req, "too many requests wait already")
	}
}

func isTrue(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// orEmpty makes null, which no front end expects, an empty object.
func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
