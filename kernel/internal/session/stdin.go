package session

import (
	"context"
	"errors"
	"sync"

	"spindle/kernel/internal/wire"
)

// ErrInterrupted is Input's error where the cell was interrupted meanwhile.
var ErrInterrupted = errors.New("interrupted")

// inputs lets one question at a time wait for its input_reply.
type inputs struct {
	mu      sync.Mutex // guards all below
	waiting *question
	turn    chan struct{} // closed when the question that waits is over
}

type question struct {
	requestID string // of the input_request
	answer    chan string
	abort     chan struct{}
}

// ask waits its turn, sends the question by send, which gives the msg_id of the
// input_request, and waits for the answer.
func (in *inputs) ask(ctx context.Context, send func() string) (string, error) {
	q := &question{answer: make(chan string, 1), abort: make(chan struct{})}
	for {
		in.mu.Lock()
		if in.waiting == nil {
			break
		}
		turn := in.turn
		in.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	in.waiting = q
	in.turn = make(chan struct{})
	q.requestID = send()
	in.mu.Unlock()
	defer func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.waiting = nil
		close(in.turn)
	}()
	select {
	case line := <-q.answer:
		return line, nil
	case <-q.abort:
		return "", ErrInterrupted
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// interrupt ends the question that waits.
func (in *inputs) interrupt() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.waiting == nil {
		return
	}
	select {
	case <-in.waiting.abort:
	default:
		close(in.waiting.abort)
	}
}

// deliver gives line to the question that waits. It reports false for an answer
// to another one: an older box that the user left open. jupyter_client sends
// its answers without a parent.
func (in *inputs) deliver(parentID, executeID, line string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.waiting
	if q == nil || parentID != "" && parentID != q.requestID && parentID != executeID {
		return false
	}
	select {
	case q.answer <- line:
		return true
	default: // answered already
		return false
	}
}

// askInput sends an input_request to the front end that sent req, and gives
// its msg_id.
func (s *Session) askInput(req *request, prompt string, password bool) string {
	m := s.message("input_request", req.msg.RawHeader, map[string]any{"prompt": prompt, "password": password})
	m.Identities = req.msg.Identities
	if err := s.t.Send(wire.Stdin, m); err != nil {
		s.log.Error("send input_request", "err", err)
	}
	return m.Header.MsgID
}

// stdinArrived is stdin's reader.
func (s *Session) stdinArrived(_ context.Context, m wire.Message) {
	req := &request{msg: m, ch: wire.Stdin}
	if m.Header.MsgType != "input_reply" {
		s.log.Warn("dropped a message on stdin", "type", m.Header.MsgType)
		return
	}
	var content struct {
		Value string `json:"value"`
	}
	if err := req.decode(&content); err != nil {
		s.log.Warn("dropped an input_reply", "err", err)
		return
	}
	executeID := ""
	s.mu.Lock()
	if s.running != nil {
		executeID = s.running.msgID
	}
	s.mu.Unlock()
	if !s.input.deliver(m.ParentHeader().MsgID, executeID, content.Value) {
		s.log.Info("dropped an input_reply that nobody waits for")
	}
}
