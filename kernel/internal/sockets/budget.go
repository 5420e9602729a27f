package sockets

import "sync/atomic"

// budget bounds the bytes of large inbound messages of all sockets together.
type budget struct{ left atomic.Int64 }

func newBudget(bytes int64) *budget {
	b := &budget{}
	b.left.Store(bytes)
	return b
}

// acquire takes n bytes, or none and reports false.
func (b *budget) acquire(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

func (b *budget) release(n int64) { b.left.Add(n) }
