package sockets

import "time"

// Limits are defaultLimits with what a test shortens.
type Limits struct {
	Peers, HalfOpen  int
	Handshake, Stall time.Duration
	QueueBytes       int
}

// WithLimits gives Options with those of l that are set.
func (o Options) WithLimits(l Limits) Options {
	lim := defaultLimits
	set := func(to *int, v int) {
		if v != 0 {
			*to = v
		}
	}
	set(&lim.peers, l.Peers)
	set(&lim.halfOpen, l.HalfOpen)
	set(&lim.queueBytes, l.QueueBytes)
	if l.Handshake != 0 {
		lim.handshake = l.Handshake
	}
	if l.Stall != 0 {
		lim.stall = l.Stall
	}
	o.limits = &lim
	return o
}

// Peers counts the connections of all sockets that finished their handshake.
func (s *Set) Peers() int {
	n := 0
	for _, l := range s.listeners() {
		n += len(l.snapshot())
	}
	return n
}

// BudgetLeft is what large inbound messages may still take.
func (s *Set) BudgetLeft() int64 { return s.heartbeat.budget.left.Load() }

// InboundBudgetBytes is BudgetLeft of a Set that holds none.
const InboundBudgetBytes = inboundBudgetBytes

// MaxMessageBytes is the most of one inbound message.
const MaxMessageBytes = maxMessageBytes
