// Package comm is what cells import, as "spindle/comm", to speak with the page
// that shows them: widgets, and whatever else a front end has open.
//
// A comm is a conversation between a cell and a front end. Either side opens
// it, naming a target; then both send messages, JSON objects, until one closes
// it:
//
//	comm.Register("adder", func(c *comm.Comm, data map[string]any) {
//		c.OnMsg(func(data map[string]any) {
//			c.Send(map[string]any{"sum": data["a"].(float64) + data["b"].(float64)})
//		})
//	})
//
// A handler runs on a goroutine that belongs to the cell that registered it,
// between cells and beside a running one, and what it prints is shown there.
// The handlers of one comm run one after another, those of different comms at
// the same time: what they share wants a lock, as anywhere in Go. Numbers of a
// message are float64, as encoding/json has it. Binary buffers are not carried.
//
// Source of the protocol: Jupyter's messaging specification, "Custom Messages".
package comm

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// ErrClosed is the error of a message to a comm that is closed.
var ErrClosed = errors.New("the comm is closed")

// connected is the Hub of this process. As in package display it is the one
// piece of package state: cells call plain functions.
var connected atomic.Pointer[Hub]

// Connect makes h the hub of this process. The worker calls it once, before
// the first cell.
func Connect(h *Hub) { connected.Store(h) }

// Register makes opened answer front ends that open a comm with target; a
// later Register of the same target takes its place, and nil takes it away.
// Front ends that open what nobody has registered are told that it is closed.
func Register(target string, opened func(c *Comm, data map[string]any)) {
	if h := connected.Load(); h != nil {
		h.register(target, opened)
	}
}

// Open opens a comm to what the front end knows as target. A front end that
// does not know it closes it. Under `go run`, where there is none, the comm is
// closed from the start.
func Open(target string, data map[string]any) *Comm {
	return OpenWithMetadata(target, data, nil)
}

// OpenWithMetadata is Open for a target that wants metadata, too.
func OpenWithMetadata(target string, data, metadata map[string]any) *Comm {
	c := &Comm{id: uuid.NewString(), target: target}
	h := connected.Load()
	if h == nil {
		c.closed = true
		return c
	}
	c.hub, c.cell = h, h.host.Cell()
	h.add(c)
	err := c.send(Message{Type: "comm_open", ID: c.id, Target: target, Data: data, Metadata: metadata})
	if err != nil {
		c.forget()
	}
	return c
}

// Comm is one conversation. Its methods are safe for concurrent use.
type Comm struct {
	hub        *Hub // nil where there is no front end
	id, target string
	cell       int // whose handlers these are

	mu      sync.Mutex // guards the following
	onMsg   func(data map[string]any)
	onClose func(data map[string]any)
	closed  bool
	waiting []event // for their turn
	turning bool    // a goroutine takes them
}

// ID is the comm's id, under which both sides know it.
func (c *Comm) ID() string { return c.id }

// Target is the name it was opened with.
func (c *Comm) Target() string { return c.target }

// OnMsg makes f take the messages that the front end sends.
func (c *Comm) OnMsg(f func(data map[string]any)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onMsg = f
}

// OnClose makes f hear that the front end has closed the comm.
func (c *Comm) OnClose(f func(data map[string]any)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onClose = f
}

// Send sends a message to the front end. It fails where the comm is closed
// and where data is no JSON.
func (c *Comm) Send(data map[string]any) error {
	return c.send(Message{Type: "comm_msg", ID: c.id, Data: data})
}

// Close closes the comm, with a last message. A closed one stays closed.
func (c *Comm) Close(data map[string]any) error {
	err := c.send(Message{Type: "comm_close", ID: c.id, Data: data})
	if err == nil {
		c.forget()
	}
	return err
}

func (c *Comm) send(m Message) error {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return ErrClosed
	}
	// Here, for the caller is to know, and the stream takes only JSON.
	if _, err := json.Marshal(m.Data); err != nil {
		return fmt.Errorf("data of a comm message: %w", err)
	}
	c.hub.host.Send(m)
	return nil
}

// forget marks c closed and takes it out of its hub's list.
func (c *Comm) forget() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.hub.remove(c)
}
