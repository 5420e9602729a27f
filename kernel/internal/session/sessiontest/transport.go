package sessiontest

import (
	"context"
	"encoding/json"
	"net"
	"sync"
	"time"

	"spindle/kernel/internal/session"
	"spindle/kernel/internal/wire"
)

// Sent is a message of the kernel, and the channel it came by: "shell",
// "control", "stdin" or "iopub".
type Sent struct {
	Channel string
	wire.Message
}

// Field reads one field of the content, nil where there is none.
func (s Sent) Field(name string) any {
	var m map[string]any
	_ = json.Unmarshal(s.Content, &m) // messages of session are JSON
	return m[name]
}

// Transport hands messages to a session and keeps all that comes back, in
// order.
type Transport struct {
	in   [wire.Channels]chan wire.Message
	gone chan struct{}

	mu      sync.Mutex
	sent    []Sent
	more    chan struct{} // closed and made anew with each message
	welcome func(string) wire.Message
}

// NewTransport makes one without messages.
func NewTransport() *Transport {
	t := &Transport{gone: make(chan struct{}), more: make(chan struct{})}
	for i := range t.in {
		t.in[i] = make(chan wire.Message, 10_000)
	}
	return t
}

// Ask sends a request to the session, as the front end from, and gives its
// msg_id.
func (t *Transport) Ask(from string, ch wire.Channel, msgType string, content any) string {
	b, err := json.Marshal(content)
	if err != nil {
		panic(err) // a test's mistake
	}
	h := wire.NewHeader(from, msgType)
	raw, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	t.Put(ch, wire.Message{Identities: [][]byte{[]byte(from)}, Header: h, RawHeader: raw, Content: b})
	return h.MsgID
}

// Put sends any message to the session.
func (t *Transport) Put(ch wire.Channel, m wire.Message) { t.in[ch] <- m }

// Receive implements session.Transport.
func (t *Transport) Receive(ctx context.Context, ch wire.Channel) (wire.Message, error) {
	select {
	case m := <-t.in[ch]:
		return m, nil
	case <-ctx.Done():
		return wire.Message{}, ctx.Err()
	case <-t.gone:
		return wire.Message{}, net.ErrClosed
	}
}

// Send implements session.Transport.
func (t *Transport) Send(ch wire.Channel, m wire.Message) error {
	t.keep(Sent{ch.String(), m})
	return nil
}

// Publish implements session.Transport.
func (t *Transport) Publish(m wire.Message) error {
	t.keep(Sent{"iopub", m})
	return nil
}

// Welcome implements session.Transport.
func (t *Transport) Welcome(f func(string) wire.Message) { t.welcome = f }

// Greet gives what a new subscriber of topic would get.
func (t *Transport) Greet(topic string) wire.Message { return t.welcome(topic) }

// Close makes every Receive fail.
func (t *Transport) Close() { close(t.gone) }

func (t *Transport) keep(s Sent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, s)
	close(t.more)
	t.more = make(chan struct{})
}

// Sent gives all messages so far, in order.
func (t *Transport) Sent() []Sent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Sent(nil), t.sent...)
}

// Of gives the messages so far whose parent is id.
func (t *Transport) Of(id string) []Sent {
	var of []Sent
	for _, s := range t.Sent() {
		if s.ParentHeader().MsgID == id {
			of = append(of, s)
		}
	}
	return of
}

// Wait waits for a message that is what it looks for, among old ones too, and
// reports whether it came within limit.
func (t *Transport) Wait(limit time.Duration, is func(Sent) bool) (Sent, bool) {
	deadline := time.After(limit)
	seen := 0
	for {
		t.mu.Lock()
		fresh, more := t.sent[seen:], t.more
		seen = len(t.sent)
		t.mu.Unlock()
		for _, s := range fresh {
			if is(s) {
				return s, true
			}
		}
		select {
		case <-more:
		case <-deadline:
			return Sent{}, false
		}
	}
}

var _ session.Transport = (*Transport)(nil)
