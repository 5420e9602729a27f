package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"spindle/kernel/internal/session"
	"spindle/kernel/internal/session/sessiontest"
	"spindle/kernel/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// bench is a running session with one front end, "front".
type bench struct {
	*testing.T
	*sessiontest.Transport
	engine *sessiontest.Engine
	s      *session.Session
	end    chan error
}

func start(t *testing.T, opts session.Options) *bench {
	t.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	b := &bench{T: t, Transport: sessiontest.NewTransport(), engine: &sessiontest.Engine{}, end: make(chan error, 1)}
	b.s = session.New(b.Transport, b.engine, opts)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.end <- b.s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("session does not end")
		}
	})
	return b
}

func (b *bench) ask(msgType string, content any) string {
	ch := wire.Shell
	if msgType == "interrupt_request" || msgType == "shutdown_request" || msgType == "usage_request" {
		ch = wire.Control
	}
	return b.Ask("front", ch, msgType, content)
}

func (b *bench) execute(code string, more ...any) string {
	content := map[string]any{"code": code}
	for i := 0; i+1 < len(more); i += 2 {
		content[more[i].(string)] = more[i+1]
	}
	return b.ask("execute_request", content)
}

// finish waits for a request's idle and gives all that belongs to it.
func (b *bench) finish(id string) []sessiontest.Sent {
	b.Helper()
	if _, ok := b.Wait(patience, func(s sessiontest.Sent) bool {
		return s.ParentHeader().MsgID == id && s.Field("execution_state") == "idle"
	}); !ok {
		b.Fatalf("no idle for %s; there is %v", id, tell(b.Of(id)))
	}
	return b.Of(id)
}

// tell gives messages as short lines.
func tell(messages []sessiontest.Sent) []string {
	var lines []string
	for _, m := range messages {
		line := m.Channel + " " + m.Header.MsgType
		for _, field := range []string{"execution_state", "status", "name", "text", "data", "ename", "execution_count", "wait"} {
			if v := m.Field(field); v != nil {
				line += fmt.Sprintf(" %v", v)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (b *bench) want(id string, want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, tell(b.finish(id))); diff != "" {
		b.Error(diff)
	}
}

func TestExecute(t *testing.T) {
	for _, c := range []struct {
		name, code string
		more       []any
		want       []string
	}{
		{"streams in order", "print a\nstderr b\nprint c", nil, []string{
			"iopub status busy", "iopub execute_input 1", "iopub stream stdout a\n", "iopub stream stderr b\n",
			"iopub stream stdout c\n", "shell execute_reply ok 1", "iopub status idle",
		}},
		{"printed text stands before what is shown", "print a\ndisplay d\nprint b\nvalue v", nil, []string{
			"iopub status busy", "iopub execute_input 1", "iopub stream stdout a\n",
			"iopub display_data map[text/plain:d]", "iopub stream stdout b\n",
			"iopub execute_result map[text/plain:v] 1", "shell execute_reply ok 1", "iopub status idle",
		}},
		{"error after output", "print a\nfail boom", nil, []string{
			"iopub status busy", "iopub execute_input 1", "iopub stream stdout a\n", "iopub error error",
			"shell execute_reply error error 1", "iopub status idle",
		}},
		{"silent", "print a\nvalue v", []any{"silent", true}, []string{
			"iopub status busy", "iopub stream stdout a\n", "shell execute_reply ok 0", "iopub status idle",
		}},
		{"not stored", "value v", []any{"store_history", false}, []string{
			"iopub status busy", "iopub execute_input 0", "iopub execute_result map[text/plain:v] 0",
			"shell execute_reply ok 0", "iopub status idle",
		}},
		{"clear and update", "show p one\nclear wait\nupdate p two", nil, []string{
			"iopub status busy", "iopub execute_input 1", "iopub display_data map[text/plain:one]",
			"iopub clear_output true", "iopub update_display_data map[text/plain:two]",
			"shell execute_reply ok 1", "iopub status idle",
		}},
		{"engine panics", "panic oops", nil, []string{
			"iopub status busy", "iopub execute_input 1", "iopub error kernel error",
			"shell execute_reply error kernel error 1", "iopub status idle",
		}},
		{"characters in pieces", `raw h\xc3` + "\nsleep 150ms\n" + `raw \xa9!`, nil, []string{
			"iopub status busy", "iopub execute_input 1", "iopub stream stdout h", "iopub stream stdout \ufffd",
			"iopub stream stdout \ufffd!", "shell execute_reply ok 1", "iopub status idle",
		}},
		{"characters in pieces, soon", `raw h\xc3` + "\n" + `raw \xa9!`, nil, []string{
			"iopub status busy", "iopub execute_input 1", "iopub stream stdout hé!",
			"shell execute_reply ok 1", "iopub status idle",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, session.Options{})
			b.T = t
			b.want(b.execute(c.code, c.more...), c.want...)
		})
	}
}

func TestMessagesAreComplete(t *testing.T) {
	b := start(t, session.Options{})
	id := b.execute("print a\nshow x y\nvalue v")
	for _, m := range b.finish(id) {
		if m.Header.Session != b.s.ID() || m.Header.Version != wire.ProtocolVersion || m.Header.Time().IsZero() || m.Header.MsgID == "" {
			t.Errorf("header of %s: %+v", m.Header.MsgType, m.Header)
		}
		if m.Channel == "shell" && string(m.Identities[0]) != "front" {
			t.Errorf("identities of reply: %q", m.Identities)
		}
	}
	for _, m := range b.Sent() {
		if m.Field("execution_state") == "starting" && m.Parent != nil {
			t.Errorf("starting has a parent: %s", m.Parent)
		}
	}
	welcome := b.Greet("topic")
	if welcome.Header.MsgType != "iopub_welcome" || string(welcome.Content) != `{"subscription":"topic"}` {
		t.Errorf("welcome: %+v %s", welcome.Header, welcome.Content)
	}
}

func TestCounter(t *testing.T) {
	b := start(t, session.Options{})
	for i, c := range []struct {
		more []any
		want float64
	}{{nil, 1}, {[]any{"silent", true}, 1}, {[]any{"store_history", false}, 1}, {nil, 2}} {
		id := b.execute("print x", c.more...)
		for _, m := range b.finish(id) {
			if m.Channel == "shell" && m.Field("execution_count") != c.want {
				t.Errorf("cell %d: count %v, want %v", i, m.Field("execution_count"), c.want)
			}
		}
	}
}

func TestUserExpressionsAndPayload(t *testing.T) {
	b := start(t, session.Options{})
	id := b.execute("page help\nnext more", "user_expressions", map[string]string{"a": "one", "b": "two"})
	for _, m := range b.finish(id) {
		if m.Channel != "shell" {
			continue
		}
		got, _ := json.Marshal(map[string]any{"e": m.Field("user_expressions"), "p": m.Field("payload")})
		want := `{"e":{"a":{"data":{"text/plain":"1"},"metadata":{},"status":"ok"},` +
			`"b":{"ename":"compile error","evalue":"undefined: two","status":"error","traceback":[]}},` +
			`"p":[{"data":{"text/plain":"help"},"source":"page","start":0},{"replace":false,"source":"set_next_input","text":"more"}]}`
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func replyStatus(messages []sessiontest.Sent) any {
	for _, m := range messages {
		if m.Channel == "shell" {
			return m.Field("status")
		}
	}
	return nil
}

func TestErrorAbortsQueue(t *testing.T) {
	b := start(t, session.Options{})
	fails := b.execute("sleep 50ms\nfail boom")
	behind := b.execute("print never")
	between := b.ask("kernel_info_request", struct{}{})
	also := b.execute("print never")
	b.finish(fails)
	b.want(behind, "iopub status busy", "shell execute_reply aborted 1", "iopub status idle")
	b.want(also, "iopub status busy", "shell execute_reply aborted 1", "iopub status idle")
	if got := replyStatus(b.finish(between)); got != "ok" {
		t.Errorf("kernel_info behind a failed cell: %v", got)
	}
	if got := replyStatus(b.finish(b.execute("print again"))); got != "ok" {
		t.Errorf("a cell sent after the error: %v", got)
	}
	if n := len(b.engine.Cells); n != 2 {
		t.Errorf("%d cells ran, want 2", n)
	}
}

func TestErrorKeepsQueueWhereAsked(t *testing.T) {
	b := start(t, session.Options{})
	fails := b.execute("sleep 20ms\nfail boom", "stop_on_error", false)
	behind := b.execute("print yes")
	b.finish(fails)
	if got := replyStatus(b.finish(behind)); got != "ok" {
		t.Errorf("the cell behind: %v", got)
	}
}

// A request that was sent before the error and comes after it is aborted too:
// "Run all" sends all cells at once, and the first may fail within a
// millisecond.
func TestErrorAbortsWhatIsUnderWay(t *testing.T) {
	b := start(t, session.Options{})
	before := wire.NewHeader("front", "execute_request")
	b.finish(b.execute("sleep 1ms\nfail boom"))
	raw, _ := json.Marshal(before)
	b.Put(wire.Shell, wire.Message{
		Identities: [][]byte{[]byte("front")}, Header: before, RawHeader: raw, Content: json.RawMessage(`{"code":"print never"}`),
	})
	if got := replyStatus(b.finish(before.MsgID)); got != "aborted" {
		t.Errorf("status %v, want aborted", got)
	}
}

func TestInterrupt(t *testing.T) {
	b := start(t, session.Options{})
	cell := b.execute("print a\nblock", "stop_on_error", false)
	behind := b.execute("print never")
	b.Wait(patience, func(s sessiontest.Sent) bool { return s.Field("text") == "a\n" })
	asked := time.Now()
	id := b.ask("interrupt_request", struct{}{})
	b.Wait(patience, func(s sessiontest.Sent) bool { return s.Header.MsgType == "interrupt_reply" })
	if d := time.Since(asked); d > time.Second {
		t.Errorf("interrupt_reply after %v", d)
	}
	b.finish(id)
	if got := replyStatus(b.finish(cell)); got != "error" {
		t.Errorf("interrupted cell: %v", got)
	}
	if got := replyStatus(b.finish(behind)); got != "aborted" {
		t.Errorf("cell behind: %v", got)
	}
	var replies []string
	for _, m := range b.Sent() {
		if m.Channel == "shell" {
			replies = append(replies, m.ParentHeader().MsgID)
		}
	}
	if diff := cmp.Diff([]string{cell, behind}, replies); diff != "" {
		t.Errorf("order of replies: %s", diff)
	}
	if got := replyStatus(b.finish(b.execute("print b"))); got != "ok" {
		t.Errorf("next cell: %v", got)
	}
}

func TestRequestsBesideALongCell(t *testing.T) {
	b := start(t, session.Options{})
	cell := b.execute("block")
	info := b.ask("kernel_info_request", struct{}{})
	b.finish(info)
	var states []string
	for _, m := range b.Sent() {
		if m.Header.MsgType == "status" && m.Parent != nil {
			states = append(states, fmt.Sprint(m.Field("execution_state")))
		}
	}
	// busy cell, busy info, idle info, and busy again for the cell.
	if _, ok := b.Wait(patience, func(s sessiontest.Sent) bool { return s.ParentHeader().MsgID == info }); !ok {
		t.Fatal("no answer beside the cell")
	}
	last, ok := b.Wait(patience, func() func(sessiontest.Sent) bool {
		idle := false
		return func(s sessiontest.Sent) bool {
			if idle {
				return s.Header.MsgType == "status"
			}
			idle = s.ParentHeader().MsgID == info && s.Field("execution_state") == "idle"
			return false
		}
	}())
	if !ok || last.Field("execution_state") != "busy" || last.ParentHeader().MsgID != cell {
		t.Errorf("after %v comes %v of %s", states, last.Field("execution_state"), last.ParentHeader().MsgID)
	}
	b.ask("interrupt_request", struct{}{})
	b.finish(cell)
}

func TestLateOutputGoesToItsCell(t *testing.T) {
	b := start(t, session.Options{})
	first := b.execute("late 200ms from the first")
	b.finish(first)
	second := b.execute("print second\nsleep 400ms\nprint second still")
	b.finish(second)
	if got := strings.Join(tell(b.Of(first)), "\n"); !strings.Contains(got, "iopub status idle\niopub stream stdout from the first") {
		t.Errorf("messages of the first cell:\n%s", got)
	}
	if got := strings.Join(tell(b.Of(second)), "\n"); strings.Contains(got, "first") {
		t.Errorf("messages of the second cell:\n%s", got)
	}
}

func TestStreamsAreBatched(t *testing.T) {
	b := start(t, session.Options{})
	id := b.execute("lines 20000")
	var text strings.Builder
	n := 0
	for _, m := range b.finish(id) {
		if m.Header.MsgType == "stream" {
			n++
			s, _ := m.Field("text").(string)
			text.WriteString(s)
		}
	}
	if n > 20 {
		t.Errorf("%d messages", n)
	}
	if lines := strings.Count(text.String(), "\n"); lines != 20000 || !strings.HasSuffix(text.String(), "line 19999\n") {
		t.Errorf("%d lines", lines)
	}
}

func TestStreamIsNotLate(t *testing.T) {
	b := start(t, session.Options{})
	id := b.execute("print now\nblock")
	begun := time.Now()
	if _, ok := b.Wait(patience, func(s sessiontest.Sent) bool { return s.Field("text") == "now\n" }); !ok {
		t.Fatal("no output while the cell runs")
	}
	if d := time.Since(begun); d > time.Second {
		t.Errorf("output after %v", d)
	}
	b.ask("interrupt_request", struct{}{})
	b.finish(id)
}

func TestOutputIsBounded(t *testing.T) {
	b := start(t, session.Options{StreamLimitBytes: 1 << 20})
	id := b.execute("bytes 50000000\nprint the very last line")
	var stdout, stderr strings.Builder
	for _, m := range b.finish(id) {
		s, _ := m.Field("text").(string)
		switch m.Field("name") {
		case "stdout":
			stdout.WriteString(s)
		case "stderr":
			stderr.WriteString(s)
		}
	}
	if n := stdout.Len(); n > 1<<20+64<<10 || n < 1<<20 {
		t.Errorf("%d bytes shown", n)
	}
	if !strings.HasSuffix(stdout.String(), "the very last line\n") {
		t.Error("the last line is missing")
	}
	if s := stderr.String(); !strings.Contains(s, "has printed 1.0 MiB") || !strings.Contains(s, "left out") {
		t.Errorf("notice: %q", s)
	}
}

func TestStdin(t *testing.T) {
	b := start(t, session.Options{})
	for _, c := range []struct {
		name   string
		parent func(request wire.Header) json.RawMessage
	}{
		{"with parent", func(h wire.Header) json.RawMessage { p, _ := json.Marshal(h); return p }},
		{"without parent, as jupyter_client", func(wire.Header) json.RawMessage { return nil }},
	} {
		cell := b.execute("print question\npassword who?")
		req, ok := b.Wait(patience, func(s sessiontest.Sent) bool {
			return s.Header.MsgType == "input_request" && s.ParentHeader().MsgID == cell
		})
		if !ok {
			t.Fatal("no input_request")
		}
		if req.Channel != "stdin" || req.Field("prompt") != "who?" || req.Field("password") != true || string(req.Identities[0]) != "front" {
			t.Errorf("input_request: %s %s %q", req.Channel, req.Content, req.Identities)
		}
		stale, _ := json.Marshal(wire.NewHeader("kernel", "input_request"))
		for _, m := range []wire.Message{
			{Parent: stale, Content: json.RawMessage(`{"value":"stale"}`)},
			{Content: json.RawMessage(`{"value":7}`)},
			{Parent: c.parent(req.Header), Content: json.RawMessage(`{"value":"ann"}`)},
		} {
			m.Header = wire.NewHeader("front", "input_reply")
			b.Put(wire.Stdin, m)
		}
		got := strings.Join(tell(b.finish(cell)), "\n")
		if !strings.Contains(got, "stream stdout question\n\nstdin input_request\niopub stream stdout got ann") {
			t.Errorf("%s:\n%s", c.name, got)
		}
	}
}

func TestStdinRefusedAndInterrupted(t *testing.T) {
	b := start(t, session.Options{})
	got := strings.Join(tell(b.finish(b.execute("input x", "allow_stdin", false))), "\n")
	if strings.Contains(got, "input_request") || !strings.Contains(got, "error input") {
		t.Errorf("allow_stdin false:\n%s", got)
	}
	cell := b.execute("input x")
	b.Wait(patience, func(s sessiontest.Sent) bool { return s.Header.MsgType == "input_request" })
	b.ask("interrupt_request", struct{}{})
	for _, m := range b.finish(cell) {
		if m.Header.MsgType == "error" && m.Field("evalue") != session.ErrInterrupted.Error() {
			t.Errorf("error: %s", m.Content)
		}
	}
	cell = b.execute("careless x")
	b.Wait(patience, func(s sessiontest.Sent) bool {
		return s.Header.MsgType == "input_request" && s.ParentHeader().MsgID == cell
	})
	b.ask("interrupt_request", struct{}{})
	if got := replyStatus(b.finish(cell)); got != "error" {
		t.Errorf("a cell that goes on without its input: %v", got)
	}
	b.execute("input y")
	b.Wait(patience, func(s sessiontest.Sent) bool { return s.Field("prompt") == "y" })
}

func TestComms(t *testing.T) {
	b := start(t, session.Options{})
	unknown := b.ask("comm_open", map[string]any{"comm_id": "u", "target_name": "nobody", "data": map[string]any{}})
	got := tell(b.finish(unknown))
	if diff := cmp.Diff([]string{"iopub status busy", "iopub comm_close map[]", "iopub status idle"}, got); diff != "" {
		t.Error(diff)
	}
	b.finish(b.ask("comm_open", map[string]any{"comm_id": "c1", "target_name": "echo", "data": map[string]any{"k": 1}}))
	b.finish(b.ask("comm_msg", map[string]any{"comm_id": "c1", "data": map[string]any{"k": 2}}))
	b.finish(b.execute("comm plot c2"))
	comms := func(content any) string {
		for _, m := range b.finish(b.ask("comm_info_request", content)) {
			if m.Channel == "shell" {
				s, _ := json.Marshal(m.Field("comms"))
				return string(s)
			}
		}
		return ""
	}
	if got := comms(struct{}{}); got != `{"c1":{"target_name":"echo"},"c2":{"target_name":"plot"}}` {
		t.Errorf("comms: %s", got)
	}
	if got := comms(map[string]string{"target_name": "plot"}); got != `{"c2":{"target_name":"plot"}}` {
		t.Errorf("comms of plot: %s", got)
	}
	b.finish(b.ask("comm_close", map[string]any{"comm_id": "c1"}))
	if got := comms(struct{}{}); got != `{"c2":{"target_name":"plot"}}` {
		t.Errorf("after close: %s", got)
	}
}

func TestQuestions(t *testing.T) {
	b := start(t, session.Options{})
	for _, c := range []struct {
		msgType string
		content any
		want    string
	}{
		{"complete_request", map[string]any{"code": "é pri", "cursor_pos": 4}, `{"cursor_end":4,"cursor_start":2,"matches":["print"],"metadata":{"_jupyter_types_experimental":[{"end":4,"signature":"(text)","start":2,"text":"print","type":"function"}]},"status":"ok"}`},
		{"complete_request", map[string]any{"code": "zz", "cursor_pos": 99}, `{"cursor_end":2,"cursor_start":0,"matches":[],"metadata":{"_jupyter_types_experimental":[]},"status":"ok"}`},
		{"inspect_request", map[string]any{"code": "é print", "cursor_pos": 7, "detail_level": 1}, `{"data":{"text/plain":"print TEXT (detail 1)"},"found":true,"metadata":{},"status":"ok"}`},
		{"inspect_request", map[string]any{"code": "no", "cursor_pos": -5}, `{"data":{},"found":false,"metadata":{},"status":"ok"}`},
		{"is_complete_request", map[string]any{"code": `a\`}, `{"indent":"\t","status":"incomplete"}`},
		{"is_complete_request", map[string]any{"code": `a`}, `{"status":"complete"}`},
		{"complete_request", map[string]any{"code": 7}, `{"ename":"bad request","evalue":"content of complete_request: json: cannot unmarshal number into Go struct field .code of type string","status":"error","traceback":[]}`},
		{"juggle_request", map[string]any{}, `{"ename":"unknown request","evalue":"juggle_request is not known on the shell channel","status":"error","traceback":[]}`},
		{"history_request", map[string]any{"hist_access_type": "odd"}, `{"ename":"history failed","evalue":"hist_access_type \"odd\" is not known (tail, range and search are)","status":"error","traceback":[]}`},
		{"execute_request", map[string]any{"code": []int{1}}, `{"ename":"bad request","evalue":"content of execute_request: json: cannot unmarshal array into Go struct field executeRequest.code of type string","execution_count":0,"payload":[],"status":"error","traceback":[]}`},
	} {
		messages := b.finish(b.ask(c.msgType, c.content))
		if first, last := messages[0], messages[len(messages)-1]; first.Field("execution_state") != "busy" || last.Field("execution_state") != "idle" {
			t.Errorf("%s: not between busy and idle: %v", c.msgType, tell(messages))
		}
		var content any
		for _, m := range messages {
			if m.Channel != "iopub" {
				_ = json.Unmarshal(m.Content, &content)
			}
		}
		if got, _ := json.Marshal(content); string(got) != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.msgType, got, c.want)
		}
	}
}

func TestUsage(t *testing.T) {
	b := start(t, session.Options{})
	for _, m := range b.finish(b.ask("usage_request", struct{}{})) {
		if n, _ := m.Field("kernel_goroutines").(float64); m.Channel == "control" && (n < 4 || m.Field("kernel_memory") != 1048576.) {
			t.Errorf("%s", m.Content)
		}
	}
}

func TestKernelInfo(t *testing.T) {
	b := start(t, session.Options{Version: "1.2", LanguageVersion: "1.26.8"})
	for _, ch := range []wire.Channel{wire.Shell, wire.Control} {
		id := b.Ask("front", ch, "kernel_info_request", struct{}{})
		for _, m := range b.finish(id) {
			if m.Channel != ch.String() {
				continue
			}
			lang, _ := json.Marshal(m.Field("language_info"))
			want := `{"codemirror_mode":"go","file_extension":".go","mimetype":"text/x-go","name":"go","nbconvert_exporter":"script","pygments_lexer":"go","version":"1.26.8"}`
			if string(lang) != want || m.Field("protocol_version") != "5.5" || m.Field("implementation") != "spindle" {
				t.Errorf("%s", m.Content)
			}
		}
	}
}

func TestShutdown(t *testing.T) {
	for _, ch := range []wire.Channel{wire.Control, wire.Shell} {
		b := start(t, session.Options{})
		cell := b.execute("late 30ms last words\ndisplay x\nblock")
		b.Wait(patience, func(s sessiontest.Sent) bool {
			return s.ParentHeader().MsgID == cell && s.Header.MsgType == "display_data"
		})
		behind := b.execute("print never")
		id := b.Ask("front", ch, "shutdown_request", map[string]any{"restart": true})
		select {
		case err := <-b.end:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(patience):
			t.Fatal("session does not end")
		}
		if !b.s.Restarting() {
			t.Error("Restarting is false")
		}
		var got []string
		for _, m := range b.Of(id) {
			got = append(got, m.Channel+" "+m.Header.MsgType)
		}
		want := []string{"iopub status", ch.String() + " shutdown_reply", "iopub shutdown_reply", "iopub status"}
		if diff := cmp.Diff(want, got[:4]); diff != "" {
			t.Error(diff)
		}
		if got := replyStatus(b.Of(cell)); got != "error" {
			t.Errorf("the running cell: %v", got)
		}
		if ch == wire.Shell { // on control, the shutdown may overtake it
			if got := replyStatus(b.Of(behind)); got != "aborted" {
				t.Errorf("the cell behind: %v", got)
			}
		}
		if !strings.Contains(strings.Join(tell(b.Of(cell)), "\n"), "last words") {
			t.Error("late output is lost")
		}
		if b.engine.Closed != 1 {
			t.Errorf("engine closed %d times", b.engine.Closed)
		}
	}
}

func TestFloodOfOneFrontEnd(t *testing.T) {
	b := start(t, session.Options{})
	cell := b.execute("block")
	for range 6000 {
		b.Ask("flood", wire.Shell, "execute_request", map[string]any{"code": "print x"})
	}
	if _, ok := b.Wait(patience, func(s sessiontest.Sent) bool { return s.Field("ename") == "refused" }); !ok {
		t.Fatal("nothing is refused")
	}
	other := b.Ask("other", wire.Shell, "execute_request", map[string]any{"code": "print mine", "stop_on_error": false})
	b.Wait(time.Second, func(s sessiontest.Sent) bool { return s.ParentHeader().MsgID == other })
	for _, m := range b.Of(other) {
		if m.Field("ename") == "refused" {
			t.Error("another front end is refused")
		}
	}
	b.ask("interrupt_request", struct{}{})
	b.finish(cell)
}

func TestTransportEnds(t *testing.T) {
	b := start(t, session.Options{})
	b.Close()
	select {
	case err := <-b.end:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(patience):
		t.Fatal("session does not end")
	}
}
