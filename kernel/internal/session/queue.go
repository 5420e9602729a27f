package session

import (
	"context"
	"sync"
	"time"
)

const (
	// queueLimit bounds the requests that wait, queueLimitBytes their content.
	// Beyond it a request is refused with an error reply.
	queueLimit      = 10_000
	queueLimitBytes = 256 << 20
	// frontLimit is the share of one front end, so that one that floods leaves
	// room for the others.
	frontLimit = 2_500
	// besideAfter is how long a cell runs before requests that follow it are
	// served beside it: completion and documentation answer during a long cell,
	// but see the effects of a short one.
	besideAfter = 250 * time.Millisecond
	// inFlight is how long after an error a request may arrive that was sent
	// before it, and is aborted as if it had been in the queue.
	inFlight = 100 * time.Millisecond
)

// queue holds the shell requests that wait, in order.
type queue struct {
	wake chan struct{} // capacity 1

	mu     sync.Mutex // guards all below
	reqs   []*request
	bytes  int
	front  map[string]int // how many of each front end's session
	closed bool
	// abortSentBefore: an execute_request that was sent before this time and
	// arrives before abortUntil is aborted. Set when a cell fails.
	abortSentBefore, abortUntil time.Time
}

func (q *queue) init() {
	q.wake = make(chan struct{}, 1)
	q.front = make(map[string]int)
}

// put appends r; false where there is no room for it.
func (q *queue) put(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	sender := r.msg.Header.Session
	if q.closed || len(q.reqs) >= queueLimit || q.front[sender] >= frontLimit ||
		q.bytes+len(r.msg.Content) > queueLimitBytes && len(q.reqs) > 0 {
		return false
	}
	q.reqs = append(q.reqs, r)
	q.bytes += len(r.msg.Content)
	q.front[sender]++
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// head gives the first request without taking it.
func (q *queue) head() *request {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.reqs) == 0 {
		return nil
	}
	return q.reqs[0]
}

// pop takes r, the head, unless an abort was faster.
func (q *queue) pop(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.reqs) == 0 || q.reqs[0] != r {
		return false
	}
	q.drop(0)
	return true
}

// drop removes the i-th request. Called with mu held.
func (q *queue) drop(i int) *request {
	r := q.reqs[i]
	if i == 0 {
		q.reqs[0] = nil
		q.reqs = q.reqs[1:]
	} else {
		q.reqs = append(q.reqs[:i], q.reqs[i+1:]...)
	}
	q.bytes -= len(r.msg.Content)
	sender := r.msg.Header.Session
	if q.front[sender]--; q.front[sender] <= 0 {
		delete(q.front, sender)
	}
	return r
}

// abort takes all execute_requests out, and those that are still under way
// when they arrive.
func (q *queue) abort(now time.Time) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.abortSentBefore, q.abortUntil = now, now.Add(inFlight)
	var out, kept []*request
	for len(q.reqs) > 0 {
		r := q.drop(0)
		if r.isExecute() {
			out = append(out, r)
		} else {
			kept = append(kept, r)
		}
	}
	for _, r := range kept {
		q.reqs = append(q.reqs, r)
		q.bytes += len(r.msg.Content)
		q.front[r.msg.Header.Session]++
	}
	return out
}

// late says whether r was sent before the last abort, and arrives just after.
func (q *queue) late(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	sent := r.msg.Header.Time()
	return r.isExecute() && r.arrived.Before(q.abortUntil) && !sent.IsZero() && sent.Before(q.abortSentBefore)
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// work takes requests in order: cells one after another, and what stands at
// the head of the queue beside a cell that has been running for a while.
func (s *Session) work(ctx context.Context) {
	var cell sync.WaitGroup // the running cell's goroutine
	defer cell.Wait()
	cellDone := make(chan struct{}, 1)
	for {
		head := s.queue.head()
		s.mu.Lock()
		running := s.running
		s.mu.Unlock()
		var beside <-chan time.Time
		switch {
		case head == nil:
		case running == nil:
			if s.queue.pop(head) {
				if head.isExecute() && !s.queue.late(head) {
					s.begin(ctx, head, &cell, cellDone)
				} else {
					s.shell(ctx, head)
				}
			}
			continue
		case !head.isExecute():
			if wait := besideAfter - time.Since(running.started); wait > 0 {
				beside = time.After(wait)
			} else {
				if s.queue.pop(head) {
					s.shell(ctx, head)
				}
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.queue.wake:
		case <-cellDone:
		case <-beside:
		}
	}
}

// begin starts a cell on a goroutine of its own, which cell waits for.
func (s *Session) begin(ctx context.Context, req *request, cell *sync.WaitGroup, done chan<- struct{}) {
	r := &run{parent: req.msg.RawHeader, msgID: req.msg.Header.MsgID, started: time.Now(), done: make(chan struct{})}
	s.mu.Lock()
	s.running = r
	s.mu.Unlock()
	cell.Add(1)
	go func() {
		defer cell.Done()
		s.execute(ctx, req, r)
		select {
		case done <- struct{}{}:
		default:
		}
	}()
}
