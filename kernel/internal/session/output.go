package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"spindle/kernel/display"
)

const (
	// flushAfter is how long printed text waits for more of it.
	flushAfter = 15 * time.Millisecond
	// Where that brings bulkBytes or more it waits once more, for bulkAfter:
	// 20,000 lines make a handful of messages, and none is late.
	bulkBytes = 8 << 10
	bulkAfter = 30 * time.Millisecond
	// flushBytes is the size of a message of printed text.
	flushBytes = 256 << 10
	// tailBytes of what exceeds the limit are kept, for the cell's end.
	tailBytes = 16 << 10
)

// output is one cell's Output. It outlives its cell: goroutines that the cell
// started print to it, under the cell's header, for as long as they live.
type output struct {
	s      *Session
	req    *request
	count  int
	silent bool
	stdin  bool
	limit  int // bytes of printed text shown

	mu      sync.Mutex // guards all below, and the order of the cell's messages
	name    string     // of the stream in buf
	buf     []byte     // printed, not yet sent
	timer   *time.Timer
	bulk    bool // timer is bulkAfter's
	shown   int  // bytes of printed text sent or in buf
	tail    []byte
	tailOf  string // the stream of tail
	left    int    // bytes beyond the limit
	ended   bool
	payload []any
	result  string // text/plain of the execute_result, for the history
	// unanswered says that the cell was interrupted while it asked for input.
	unanswered bool
}

// Stream implements Output.
func (o *output) Stream(name, text string) {
	if text == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if room := o.limit - o.shown; len(text) > room {
		o.overflow(name, text[room:])
		text = text[:room]
		if text == "" {
			return
		}
	}
	if o.name != name {
		o.flush(true)
		o.name = name
	}
	o.buf = append(o.buf, text...)
	o.shown += len(text)
	if len(o.buf) >= flushBytes {
		o.flush(false)
	}
	o.arm()
}

// overflow keeps the end of what is not shown. Called with mu held.
func (o *output) overflow(name, text string) {
	if o.left == 0 {
		o.flush(true)
		o.stream("stderr", fmt.Sprintf("\n[spindle: this cell has printed %s; the rest is left out, but for its last lines]\n", bytesText(o.limit)))
	}
	o.left += len(text)
	if o.tailOf != name {
		o.tail, o.tailOf = nil, name
	}
	if len(text) > tailBytes {
		text = text[len(text)-tailBytes:]
	}
	if len(o.tail)+len(text) > 2*tailBytes {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-tailBytes:]...)
	}
	o.tail = append(o.tail, text...)
}

// showTail ends an overflow: how much is missing, and the last of it. Called
// with mu held.
func (o *output) showTail() {
	if o.left == 0 {
		return
	}
	tail := o.tail[max(0, len(o.tail)-tailBytes):]
	// From the start of a line, where there is one.
	for i, b := range tail {
		if b == '\n' && i+1 < len(tail) && o.left > len(tail) {
			tail = tail[i+1:]
			break
		}
	}
	if n := o.left - len(tail); n > 0 {
		o.stream("stderr", fmt.Sprintf("[spindle: %s left out]\n", bytesText(n)))
	}
	o.stream(o.tailOf, string(tail))
	o.tail, o.left = nil, 0
}

// arm starts the flush timer where there is something to flush. Called with mu
// held.
func (o *output) arm() {
	if len(o.buf) == 0 || o.timer != nil {
		return
	}
	o.timer = time.AfterFunc(flushAfter, o.due)
	o.s.outputs.add(o)
}

// due is the timer's.
func (o *output) due() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bulk = !o.bulk && len(o.buf) >= bulkBytes
	if o.bulk {
		o.timer = time.AfterFunc(bulkAfter, o.due)
		return
	}
	o.timer = nil
	before := len(o.buf)
	o.flush(false)
	if len(o.buf) == before { // half a character, and its other half does not come
		o.flush(true)
	}
	o.arm()
}

// flush sends what was printed. Unless all is set, the beginning of a
// character that is not whole yet waits. Called with mu held.
func (o *output) flush(all bool) {
	n := len(o.buf)
	if !all {
		n -= incomplete(o.buf)
	}
	if n > 0 {
		o.stream(o.name, string(o.buf[:n]))
		rest := copy(o.buf, o.buf[n:])
		o.buf = o.buf[:rest]
		if cap(o.buf) > 2*flushBytes {
			o.buf = append([]byte(nil), o.buf...)
		}
	}
	if len(o.buf) == 0 {
		if o.timer != nil {
			o.timer.Stop()
			o.timer, o.bulk = nil, false
		}
		o.s.outputs.remove(o)
	}
}

func (o *output) stream(name, text string) {
	o.publish("stream", map[string]string{"name": name, "text": text})
}

func (o *output) publish(msgType string, content any) {
	o.s.publish(msgType, o.req.msg.RawHeader, content)
}

// Display implements Output.
func (o *output) Display(b display.Bundle) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(true)
	content := map[string]any{"data": orEmpty(b.Data), "metadata": orEmpty(b.Metadata)}
	transient := map[string]string{}
	if b.ID != "" {
		transient["display_id"] = b.ID
	}
	content["transient"] = transient
	if b.Update {
		o.publish("update_display_data", content)
		return
	}
	o.publish("display_data", content)
}

// ExecuteResult implements Output.
func (o *output) ExecuteResult(b display.Bundle) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent {
		return
	}
	o.flush(true)
	if text, ok := b.Data["text/plain"].(string); ok {
		o.result = text
	}
	content := map[string]any{
		"data": orEmpty(b.Data), "metadata": orEmpty(b.Metadata), "execution_count": o.count,
	}
	if b.ID != "" {
		content["transient"] = map[string]string{"display_id": b.ID}
	}
	o.publish("execute_result", content)
}

// ClearOutput implements Output. What was shown is gone, so the cell may show
// as much again.
func (o *output) ClearOutput(wait bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(true)
	o.shown, o.left, o.tail = 0, 0, nil
	o.publish("clear_output", map[string]bool{"wait": wait})
}

// Input implements Output.
func (o *output) Input(ctx context.Context, prompt string, password bool) (string, error) {
	o.mu.Lock()
	o.flush(true) // the question that was printed comes before the box
	ended := o.ended
	o.mu.Unlock()
	switch {
	case !o.stdin:
		return "", errors.New("this front end cannot ask for input (allow_stdin is false)")
	case ended:
		return "", errors.New("the cell that asks for input has ended")
	}
	line, err := o.s.input.ask(ctx, func() string { return o.s.askInput(o.req, prompt, password) })
	if errors.Is(err, ErrInterrupted) {
		o.mu.Lock()
		o.unanswered = true
		o.mu.Unlock()
	}
	if err == nil && line == "\x04" { // how jupyter console says Ctrl-D
		return "", io.EOF
	}
	return line, err
}

func (o *output) wasUnanswered() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unanswered
}

// Comm implements Output.
func (o *output) Comm(c CommMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(true)
	m := o.s.message(c.Type, o.req.msg.RawHeader, commContent(c))
	if len(c.Metadata) > 0 {
		if b, err := json.Marshal(c.Metadata); err == nil {
			m.Metadata = b
		}
	}
	o.s.publishMessage(m)
}

// Page implements Output.
func (o *output) Page(b display.Bundle) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.payload = append(o.payload, map[string]any{"source": "page", "data": orEmpty(b.Data), "start": 0})
}

// SetNextInput implements Output.
func (o *output) SetNextInput(text string, replace bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.payload = append(o.payload, map[string]any{"source": "set_next_input", "text": text, "replace": replace})
}

// fail shows the cell's error, after all that it printed.
func (o *output) fail(e *errorContent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(true)
	o.showTail()
	o.publish("error", e)
}

// end sends the last of the cell's own output. What its goroutines print later
// is limited anew.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush(true)
	o.showTail()
	o.shown, o.ended = 0, true
}

// outputs are those that have something to flush, so that a session's end can
// send it.
type outputs struct {
	mu   sync.Mutex
	open map[*output]struct{}
}

func (os *outputs) add(o *output) {
	os.mu.Lock()
	defer os.mu.Unlock()
	if os.open == nil {
		os.open = make(map[*output]struct{})
	}
	os.open[o] = struct{}{}
}

func (os *outputs) remove(o *output) {
	os.mu.Lock()
	defer os.mu.Unlock()
	delete(os.open, o)
}

func (os *outputs) flush() {
	os.mu.Lock()
	open := make([]*output, 0, len(os.open))
	for o := range os.open {
		open = append(open, o)
	}
	os.mu.Unlock()
	for _, o := range open {
		o.mu.Lock()
		o.flush(true)
		o.mu.Unlock()
	}
}

// incomplete is how many bytes at the end of b begin a UTF-8 character that is
// not whole: 0 to 3.
func incomplete(b []byte) int {
	for n := 1; n <= min(3, len(b)); n++ {
		c := b[len(b)-n]
		if utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// bytesText gives a size for people.
func bytesText(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

var _ Output = (*output)(nil)
