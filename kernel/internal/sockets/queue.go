package sockets

import (
	"errors"
	"sync"
)

// errQueueFull means that a peer does not read what it is sent.
var errQueueFull = errors.New("the peer does not read: its queue is full")

// queue is the bounded outbound queue of one peer. Messages in it are shared
// with other peers' queues and never written to.
type queue struct {
	mu      sync.Mutex
	items   [][]byte
	bytes   int // queued, not yet taken
	writing int // taken by the writer, not yet written
	closed  bool
	wake    chan struct{} // capacity 1: something was put, or closed
	idle    chan struct{} // closed when empty and nothing is being written; nil if nobody asked

	maxBytes int
	maxItems int
}

func newQueue(maxBytes, maxItems int) *queue {
	return &queue{wake: make(chan struct{}, 1), maxBytes: maxBytes, maxItems: maxItems}
}

// put appends b, or reports errQueueFull. It never blocks. An empty queue
// takes any one message, whatever its size.
func (q *queue) put(b []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil // the peer is going; what is sent to it is nobody's loss
	}
	if len(q.items) > 0 && (q.bytes+len(b) > q.maxBytes || len(q.items) >= q.maxItems) {
		return errQueueFull
	}
	q.items = append(q.items, b)
	q.bytes += len(b)
	q.signal()
	return nil
}

// load gives the share of the queue that is in use, 0 to 1 and above.
func (q *queue) load() float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(float64(q.bytes)/float64(q.maxBytes), float64(len(q.items))/float64(q.maxItems))
}

// take waits for messages and gives a run of up to about maxBytes; false after
// close. The caller calls wrote when they are out.
func (q *queue) take(dst [][]byte, maxBytes int) ([][]byte, bool) {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return nil, false
		}
		n := 0
		for len(q.items) > 0 && (len(dst) == 0 || n+len(q.items[0]) <= maxBytes) && len(dst) < 512 {
			n += len(q.items[0])
			dst = append(dst, q.items[0])
			q.items[0] = nil
			q.items = q.items[1:]
		}
		if len(q.items) == 0 {
			q.items = nil // gives the backing array back
		}
		q.bytes -= n
		q.writing += n
		q.mu.Unlock()
		if len(dst) > 0 {
			return dst, true
		}
		<-q.wake
	}
}

// wrote says that what take gave is on its way.
func (q *queue) wrote() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = 0
	q.checkIdle()
}

func (q *queue) checkIdle() {
	if q.idle != nil && (q.closed || len(q.items) == 0 && q.writing == 0) {
		close(q.idle)
		q.idle = nil
	}
}

// drained is closed once everything queued so far is written, or on close.
func (q *queue) drained() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	ch := q.idle
	q.checkIdle()
	return ch
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.items, q.bytes = nil, 0
	q.checkIdle()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
