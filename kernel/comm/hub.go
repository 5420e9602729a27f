package comm

import (
	"slices"
	"sync"
)

// Message is one message of the comm protocol.
type Message struct {
	Type     string // "comm_open", "comm_msg" or "comm_close"
	ID       string
	Target   string // of comm_open only
	Data     map[string]any
	Metadata map[string]any
}

// Host is what a Hub needs of the process that cells run in.
type Host interface {
	// Send sends m to the front ends, as output of the cell that the calling
	// goroutine belongs to.
	Send(m Message)
	// Cell is the cell that the calling goroutine belongs to.
	Cell() int
	// Run runs a handler on the calling goroutine, which is cell's as long as
	// that takes. A panic of it is Run's to show.
	Run(cell int, handler func())
}

// Hub knows the targets that cells have registered and the comms that are
// open, and gives each message that arrives to its handler.
type Hub struct {
	host Host

	mu      sync.Mutex // guards the following
	targets map[string]target
	comms   map[string]*Comm
}

type target struct {
	opened func(c *Comm, data map[string]any)
	cell   int
}

// event is a message in its turn.
type event struct {
	m    Message
	done chan struct{} // closed when its handler has returned
}

// NewHub makes a Hub in which nothing is registered.
func NewHub(host Host) *Hub {
	return &Hub{host: host, targets: map[string]target{}, comms: map[string]*Comm{}}
}

func (h *Hub) register(name string, opened func(c *Comm, data map[string]any)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if opened == nil {
		delete(h.targets, name)
		return
	}
	h.targets[name] = target{opened, h.host.Cell()}
}

func (h *Hub) add(c *Comm) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.comms[c.id] = c
}

func (h *Hub) remove(c *Comm) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.comms[c.id] == c {
		delete(h.comms, c.id)
	}
}

// Deliver hands m, which a front end has sent, to its handler. It returns at
// once: done is closed when the handler has returned. taken is false for a
// target that nobody has registered and for a comm that is not open.
func (h *Hub) Deliver(m Message) (done <-chan struct{}, taken bool) {
	h.mu.Lock()
	c := h.comms[m.ID]
	if m.Type == "comm_open" {
		t, ok := h.targets[m.Target]
		if !ok || c != nil {
			h.mu.Unlock()
			return nil, false
		}
		c = &Comm{hub: h, id: m.ID, target: m.Target, cell: t.cell}
		h.comms[m.ID] = c
	}
	h.mu.Unlock()
	if c == nil {
		return nil, false
	}
	e := event{m, make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, e)
	if !c.turning {
		c.turning = true
		go c.turns() // ends when nothing waits any more
	}
	return e.done, true
}

// turns runs the handlers of what waits, in order.
func (c *Comm) turns() {
	for {
		c.mu.Lock()
		if len(c.waiting) == 0 {
			c.turning = false
			c.mu.Unlock()
			return
		}
		e := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.mu.Unlock()
		if f := c.handler(e.m); f != nil {
			c.hub.host.Run(c.cell, f)
		}
		close(e.done)
	}
}

// handler is what answers m, nil where nobody wants to.
func (c *Comm) handler(m Message) func() {
	if m.Type == "comm_open" {
		c.hub.mu.Lock()
		t, ok := c.hub.targets[m.Target]
		c.hub.mu.Unlock()
		if !ok {
			return nil
		}
		return func() { t.opened(c, m.Data) }
	}
	c.mu.Lock()
	f := c.onMsg
	if m.Type == "comm_close" {
		f = c.onClose
	}
	c.mu.Unlock()
	if m.Type == "comm_close" {
		c.forget()
	}
	if f == nil {
		return nil
	}
	return func() { f(m.Data) }
}

// Open lists the comms that are open: id → target.
func (h *Hub) Open() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	open := make(map[string]string, len(h.comms))
	for id, c := range h.comms {
		open[id] = c.target
	}
	return open
}

// Cells lists the cells that have handlers here, and so may still show
// something.
func (h *Hub) Cells() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	var cells []int
	for _, c := range h.comms {
		cells = append(cells, c.cell)
	}
	for _, t := range h.targets {
		cells = append(cells, t.cell)
	}
	slices.Sort(cells)
	return slices.Compact(cells)
}
