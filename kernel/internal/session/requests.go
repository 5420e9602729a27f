package session

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"spindle/kernel/internal/wire"
)

// askLimit bounds what completion, inspection and the like may take: the
// requests behind them wait.
const askLimit = 5 * time.Second

// shell serves one request that is not a cell's.
func (s *Session) shell(ctx context.Context, req *request) {
	if req.isExecute() { // sent before the cell ahead of it failed
		s.abortOne(req)
		return
	}
	s.serve(ctx, req)
}

// control is control's reader: it serves at once, beside any cell.
func (s *Session) control(ctx context.Context, m wire.Message) {
	s.serve(ctx, &request{msg: m, ch: wire.Control, arrived: time.Now()})
}

// serve answers req between its busy and idle. A panic is a bug of the kernel,
// and costs that one request.
func (s *Session) serve(ctx context.Context, req *request) {
	s.busy(req)
	defer s.idle(req)
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("request panicked", "type", req.msg.Header.MsgType, "panic", p, "stack", string(debug.Stack()))
			s.fail(req, "kernel error", fmt.Sprint(p))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	switch t := req.msg.Header.MsgType; t {
	case "kernel_info_request":
		s.reply(req, "kernel_info_reply", s.kernelInfo())
	case "interrupt_request":
		s.interrupt(ctx, req)
	case "shutdown_request":
		s.shutdown(req)
	case "complete_request":
		s.complete(ctx, req)
	case "inspect_request":
		s.inspect(ctx, req)
	case "is_complete_request":
		s.isComplete(ctx, req)
	case "history_request":
		s.historyRequest(req)
	case "comm_info_request":
		s.commInfo(ctx, req)
	case "comm_open", "comm_msg", "comm_close":
		s.comm(ctx, req)
	case "usage_request":
		s.usage(ctx, req)
	case "connect_request":
		s.fail(req, "not supported", "connect_request is deprecated, and its answer is in the connection file")
	default:
		s.log.Warn("unknown request", "type", t, "channel", req.ch.String())
		if strings.HasSuffix(t, "_request") {
			s.fail(req, "unknown request", fmt.Sprintf("%s is not known on the %s channel", t, req.ch))
		}
	}
}

// fail answers req with an error reply of its type.
func (s *Session) fail(req *request, ename, evalue string) {
	name, ok := strings.CutSuffix(req.msg.Header.MsgType, "_request")
	if !ok {
		return // comm messages have no reply
	}
	s.reply(req, name+"_reply", struct {
		Status string `json:"status"`
		*errorContent
	}{"error", &errorContent{EName: ename, EValue: evalue, Traceback: []string{}}})
}

// refuse answers a request that there is no room for.
func (s *Session) refuse(req *request, why string) {
	s.log.Warn("refused a request", "type", req.msg.Header.MsgType, "why", why)
	s.busy(req)
	s.fail(req, "refused", why)
	s.idle(req)
}

func (s *Session) kernelInfo() map[string]any {
	version := s.opts.LanguageVersion
	if version == "" {
		version = strings.TrimPrefix(runtime.Version(), "go")
	}
	banner := s.opts.Banner
	if banner == "" {
		banner = "Spindle: Go " + version + " in Jupyter, for learning how processes, threads and goroutines work.\nType %help for help."
	}
	kernelVersion := s.opts.Version
	if kernelVersion == "" {
		kernelVersion = "0"
	}
	link := func(text, url string) map[string]string { return map[string]string{"text": text, "url": url} }
	return map[string]any{
		"status":                 "ok",
		"protocol_version":       wire.ProtocolVersion,
		"implementation":         "spindle",
		"implementation_version": kernelVersion,
		"language_info": map[string]any{
			"name":               "go",
			"version":            version,
			"mimetype":           "text/x-go",
			"file_extension":     ".go",
			"pygments_lexer":     "go",
			"codemirror_mode":    "go",
			"nbconvert_exporter": "script",
		},
		"banner":             banner,
		"debugger":           false,
		"supported_features": []string{},
		"help_links": []map[string]string{
			link("A Tour of Go", "https://go.dev/tour/"),
			link("Effective Go", "https://go.dev/doc/effective_go"),
			link("Standard library", "https://pkg.go.dev/std"),
			link("The Go memory model", "https://go.dev/ref/mem"),
			link("Language specification", "https://go.dev/ref/spec"),
		},
	}
}

// interrupt ends the running cell and aborts the cells that wait.
func (s *Session) interrupt(ctx context.Context, req *request) {
	if err := s.Interrupt(ctx); err != nil {
		s.fail(req, "interrupt failed", err.Error())
		return
	}
	s.reply(req, "interrupt_reply", map[string]string{"status": "ok"})
}

// Interrupt does what an interrupt_request does, for a process that gets
// SIGINT. It returns once the interrupt is under way. The cells that wait are
// aborted once the running one has its reply.
func (s *Session) Interrupt(ctx context.Context) error {
	s.mu.Lock()
	if s.running == nil {
		s.mu.Unlock()
		s.abortQueue(time.Now())
		return nil
	}
	s.running.interrupted = true
	s.mu.Unlock()
	err := s.engine.Interrupt(ctx)
	s.input.interrupt() // after the engine knows: the cell's error is the interrupt
	return err
}

// shutdown answers first, on the channel that asked and for all on IOPub, and
// then lets Run end.
func (s *Session) shutdown(req *request) {
	var content struct {
		Restart bool `json:"restart"`
	}
	_ = req.decode(&content) // an empty content means: no restart
	reply := map[string]any{"status": "ok", "restart": content.Restart}
	s.reply(req, "shutdown_reply", reply)
	s.publish("shutdown_reply", req.msg.RawHeader, reply)
	s.stop.Do(func() {
		s.restart = content.Restart
		close(s.stopped)
	})
}

func (s *Session) complete(ctx context.Context, req *request) {
	var content struct {
		Code      string `json:"code"`
		CursorPos *int   `json:"cursor_pos"`
	}
	if err := req.decode(&content); err != nil {
		s.fail(req, "bad request", err.Error())
		return
	}
	c, err := s.engine.Complete(ctx, content.Code, byteOffset(content.Code, content.CursorPos))
	if err != nil {
		s.fail(req, "completion failed", err.Error())
		return
	}
	start, end := runeOffset(content.Code, c.Start), runeOffset(content.Code, c.End)
	matches := make([]string, 0, len(c.Items))
	types := make([]map[string]any, 0, len(c.Items))
	for _, item := range c.Items {
		matches = append(matches, item.Text)
		t := map[string]any{"text": item.Text, "type": item.Type, "start": start, "end": end}
		if item.Signature != "" {
			t["signature"] = item.Signature
		}
		types = append(types, t)
	}
	s.reply(req, "complete_reply", map[string]any{
		"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end,
		"metadata": map[string]any{"_jupyter_types_experimental": types},
	})
}

func (s *Session) inspect(ctx context.Context, req *request) {
	var content struct {
		Code        string `json:"code"`
		CursorPos   *int   `json:"cursor_pos"`
		DetailLevel int    `json:"detail_level"`
	}
	if err := req.decode(&content); err != nil {
		s.fail(req, "bad request", err.Error())
		return
	}
	b, found, err := s.engine.Inspect(ctx, content.Code, byteOffset(content.Code, content.CursorPos), content.DetailLevel)
	if err != nil {
		s.fail(req, "inspection failed", err.Error())
		return
	}
	s.reply(req, "inspect_reply", map[string]any{
		"status": "ok", "found": found, "data": orEmpty(b.Data), "metadata": orEmpty(b.Metadata),
	})
}

func (s *Session) isComplete(ctx context.Context, req *request) {
	var content struct {
		Code string `json:"code"`
	}
	if err := req.decode(&content); err != nil {
		s.fail(req, "bad request", err.Error())
		return
	}
	c, err := s.engine.IsComplete(ctx, content.Code)
	if err != nil {
		s.log.Warn("is_complete", "err", err)
		c = Completeness{Status: "unknown"}
	}
	reply := map[string]string{"status": c.Status}
	if c.Status == "incomplete" {
		reply["indent"] = c.Indent
	}
	s.reply(req, "is_complete_reply", reply)
}

func (s *Session) historyRequest(req *request) {
	var q HistoryQuery
	if err := req.decode(&q); err != nil {
		s.fail(req, "bad request", err.Error())
		return
	}
	entries, err := s.history.Query(q)
	if err != nil {
		s.fail(req, "history failed", err.Error())
		return
	}
	rows := make([][3]any, 0, len(entries))
	for _, e := range entries {
		row := [3]any{e.Session, e.Line, e.Source}
		if q.Output {
			var out any // null where the cell showed no value
			if e.Output != "" {
				out = e.Output
			}
			row[2] = [2]any{e.Source, out}
		}
		rows = append(rows, row)
	}
	s.reply(req, "history_reply", map[string]any{"status": "ok", "history": rows})
}

func (s *Session) commInfo(ctx context.Context, req *request) {
	var content struct {
		TargetName string `json:"target_name"`
	}
	if err := req.decode(&content); err != nil {
		s.fail(req, "bad request", err.Error())
		return
	}
	open, err := s.engine.Comms(ctx)
	if err != nil {
		s.fail(req, "comms unknown", err.Error())
		return
	}
	list := make(map[string]map[string]string, len(open))
	for id, target := range open {
		if content.TargetName == "" || content.TargetName == target {
			list[id] = map[string]string{"target_name": target}
		}
	}
	s.reply(req, "comm_info_reply", map[string]any{"status": "ok", "comms": list})
}

func (s *Session) usage(ctx context.Context, req *request) {
	u, err := s.engine.Usage(ctx)
	if err != nil {
		s.fail(req, "usage unknown", err.Error())
		return
	}
	u = orEmpty(u)
	u["kernel_goroutines"] = runtime.NumGoroutine() // of this process; the worker's are its own
	s.reply(req, "usage_reply", u)
}
