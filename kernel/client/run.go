package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"spindle/kernel/internal/wire"
)

// Cell is code to run.
type Cell struct {
	Code string
	ID   string // cellId in the request's metadata, as JupyterLab sends it; may be ""

	Silent      bool // no execute_input, no value, not counted
	NoHistory   bool
	KeepQueue   bool // stop_on_error false: cells behind run although this one fails
	Expressions map[string]string

	// On gets each message that belongs to this cell, in order. Calls come from
	// goroutines that are in Wait or Execute, of whatever cell, one at a time:
	// output of goroutines that the cell started comes during later ones.
	On func(Message)
	// Input answers input_requests. Nil says that there is no stdin. It is
	// called on a goroutine of its own; an error sends no answer.
	Input func(prompt string, password bool) (string, error)
}

// Message is one IOPub message.
type Message struct {
	Type     string         // "stream", "display_data", "status", …
	Content  map[string]any // numbers are json.Number
	Metadata map[string]any
}

// Reply is an execute_reply.
type Reply struct {
	Status        string // "ok", "error" or "aborted"
	Count         int
	EName, EValue string
	Traceback     []string
	Expressions   map[string]any
	Payload       []map[string]any
}

// Run is a cell that was sent.
type Run struct {
	c    *Client
	id   string // msg_id of the execute_request
	cell Cell

	mu      sync.Mutex // guards all below
	reply   *Reply
	err     error
	idle    bool
	outputs []Output
	done    chan struct{} // closed when both reply and idle are there
}

// Submit sends a cell without waiting for it.
func (c *Client) Submit(cell Cell) (*Run, error) {
	content := map[string]any{
		"code": cell.Code, "silent": cell.Silent, "store_history": !cell.Silent && !cell.NoHistory,
		"user_expressions": orEmpty(cell.Expressions), "allow_stdin": cell.Input != nil,
		"stop_on_error": !cell.KeepQueue,
	}
	m, err := c.message("execute_request", content)
	if err != nil {
		return nil, err
	}
	if cell.ID != "" {
		m.Metadata, err = json.Marshal(map[string]string{"cellId": cell.ID})
		if err != nil {
			return nil, err
		}
	}
	r := &Run{c: c, id: m.Header.MsgID, cell: cell, done: make(chan struct{})}
	c.mu.Lock()
	c.runs[r.id] = r
	c.mu.Unlock()
	if err := c.send(c.shell, m); err != nil {
		return nil, err
	}
	return r, nil
}

// Execute runs a cell and waits for its end, as Wait does.
func (c *Client) Execute(ctx context.Context, cell Cell) (Reply, error) {
	r, err := c.Submit(cell)
	if err != nil {
		return Reply{}, err
	}
	return r.Wait(ctx)
}

// Wait returns when the kernel has replied and is idle again, and every message
// up to there went to its cell's On. The error is ctx's, or that the kernel is
// gone; a cell that failed is a Reply.
func (r *Run) Wait(ctx context.Context) (Reply, error) {
	for {
		select {
		case <-r.done:
			return r.result()
		case <-ctx.Done():
			return Reply{}, ctx.Err()
		case <-r.c.pump:
			err := r.take(ctx)
			r.c.pump <- struct{}{}
			if err != nil {
				return Reply{}, err
			}
		}
	}
}

// take hands on one IOPub message. The caller has the pump.
func (r *Run) take(ctx context.Context) error {
	// What has come is handed on before anything that says it is over.
	select {
	case m := <-r.c.messages:
		r.c.dispatch(m)
		return nil
	default:
	}
	select {
	case m := <-r.c.messages:
		r.c.dispatch(m)
	case <-r.done:
	case <-ctx.Done():
	case <-r.c.gone:
		select {
		case m := <-r.c.messages:
			r.c.dispatch(m)
			return nil
		case <-r.done:
			return nil
		case <-time.After(afterGone):
			return r.c.goneErr()
		}
	}
	return nil
}

func (r *Run) result() (Reply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return Reply{}, r.err
	}
	return *r.reply, nil
}

// Outputs gives what the cell has shown so far, late output included, in the
// form of nbformat: streams merged, displays updated, outputs cleared.
func (r *Run) Outputs() []Output {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Output(nil), r.outputs...)
}

func (r *Run) gotReply(m wire.Message) {
	var content struct {
		Status      string           `json:"status"`
		Count       int              `json:"execution_count"`
		EName       string           `json:"ename"`
		EValue      string           `json:"evalue"`
		Traceback   []string         `json:"traceback"`
		Expressions map[string]any   `json:"user_expressions"`
		Payload     []map[string]any `json:"payload"`
	}
	err := json.Unmarshal(m.Content, &content)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reply != nil || r.err != nil {
		return
	}
	if err != nil {
		r.err = fmt.Errorf("execute_reply: %w", err)
	}
	r.reply = &Reply{
		Status: content.Status, Count: content.Count, EName: content.EName, EValue: content.EValue,
		Traceback: content.Traceback, Expressions: content.Expressions, Payload: content.Payload,
	}
	if r.idle {
		close(r.done)
	}
}

// dispatch gives m to the cell it belongs to. The caller has the pump.
func (c *Client) dispatch(m wire.Message) {
	c.mu.Lock()
	r := c.runs[m.ParentHeader().MsgID]
	c.mu.Unlock()
	if r == nil {
		return // of another front end, or of a request without a cell
	}
	msg := Message{Type: m.Header.MsgType, Content: object(m.Content), Metadata: object(m.Metadata)}
	if msg.Type == "update_display_data" {
		c.update(msg)
	}
	r.collect(msg)
	if r.cell.On != nil {
		r.cell.On(msg)
	}
	if msg.Type == "status" && msg.Content["execution_state"] == "idle" {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.idle {
			r.idle = true
			if r.reply != nil {
				close(r.done)
			}
		}
	}
}

func (c *Client) gotInputRequest(m wire.Message) {
	c.mu.Lock()
	r := c.runs[m.ParentHeader().MsgID]
	c.mu.Unlock()
	if m.Header.MsgType != "input_request" || r == nil || r.cell.Input == nil {
		return
	}
	var content struct {
		Prompt   string `json:"prompt"`
		Password bool   `json:"password"`
	}
	if err := json.Unmarshal(m.Content, &content); err != nil {
		c.log.Warn("dropped an input_request", "err", err)
		return
	}
	go func() { // ends when the caller's Input does
		value, err := r.cell.Input(content.Prompt, content.Password)
		if err != nil {
			return
		}
		reply, err := c.message("input_reply", map[string]string{"value": value})
		if err != nil {
			return
		}
		reply.Parent = m.RawHeader
		_ = c.send(c.stdin, reply) // a kernel that is gone asks no more
	}()
}

// object reads a JSON object with its numbers as they are written.
func object(b []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	m := map[string]any{}
	_ = d.Decode(&m) // Codec has checked that it is an object
	return m
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// Output is one output of a cell, as nbformat 4.5 has it.
type Output struct {
	Type      string // "stream", "display_data", "execute_result" or "error"
	Name      string // of a stream
	Text      string // of a stream
	Data      map[string]any
	Metadata  map[string]any
	Count     int    // of an execute_result
	EName     string // of an error
	EValue    string
	Traceback []string

	id    string // display_id
	clear bool   // goes when the next output comes
}

// collect applies m to the cell's outputs.
func (r *Run) collect(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var o Output
	switch o.Type = m.Type; m.Type {
	case "stream":
		o.Name, _ = m.Content["name"].(string)
		o.Text, _ = m.Content["text"].(string)
	case "display_data", "execute_result":
		o.Data, _ = m.Content["data"].(map[string]any)
		o.Metadata, _ = m.Content["metadata"].(map[string]any)
		transient, _ := m.Content["transient"].(map[string]any)
		o.id, _ = transient["display_id"].(string)
		o.Count = integer(m.Content["execution_count"])
	case "error":
		o.EName, _ = m.Content["ename"].(string)
		o.EValue, _ = m.Content["evalue"].(string)
		lines, _ := m.Content["traceback"].([]any)
		for _, l := range lines {
			text, _ := l.(string)
			o.Traceback = append(o.Traceback, text)
		}
	case "clear_output":
		if wait, _ := m.Content["wait"].(bool); wait {
			if n := len(r.outputs); n > 0 {
				r.outputs[n-1].clear = true
			}
			return
		}
		r.outputs = nil
		return
	default:
		return
	}
	n := len(r.outputs)
	if n > 0 && r.outputs[n-1].clear {
		r.outputs, n = nil, 0
	}
	if n > 0 && o.Type == "stream" && r.outputs[n-1].Type == "stream" && r.outputs[n-1].Name == o.Name {
		r.outputs[n-1].Text += o.Text
		return
	}
	r.outputs = append(r.outputs, o)
}

// update replaces what is shown under a display id, in every cell.
func (c *Client) update(m Message) {
	transient, _ := m.Content["transient"].(map[string]any)
	id, _ := transient["display_id"].(string)
	data, _ := m.Content["data"].(map[string]any)
	metadata, _ := m.Content["metadata"].(map[string]any)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.runs {
		r.mu.Lock()
		for i := range r.outputs {
			if id != "" && r.outputs[i].id == id {
				r.outputs[i].Data, r.outputs[i].Metadata = maps.Clone(data), maps.Clone(metadata)
			}
		}
		r.mu.Unlock()
	}
}

// Text is everything that the outputs show as plain text, streams and values,
// for tests and terminals.
func Text(outputs []Output) string {
	var b strings.Builder
	for _, o := range outputs {
		switch o.Type {
		case "stream":
			b.WriteString(o.Text)
		case "error":
			b.WriteString(strings.Join(o.Traceback, "\n"))
		default:
			text, _ := o.Data["text/plain"].(string)
			b.WriteString(text)
		}
	}
	return b.String()
}

func integer(v any) int {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return int(i)
}
