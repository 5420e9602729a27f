package wire

import "sync"

// replayWindow is how many signatures are remembered, as many as
// jupyter_client's Session keeps (digest_history_size, 2^16). Only valid ones
// enter, so whoever lacks the key cannot push others out.
const replayWindow = 1 << 16

// replayGuard remembers the last signatures, oldest out first.
type replayGuard struct {
	mu   sync.Mutex
	seen map[string]struct{}
	ring []string // insertion order; next is the oldest once full
	next int
	size int
}

func newReplayGuard(size int) *replayGuard {
	return &replayGuard{seen: make(map[string]struct{}), size: size}
}

// add reports whether sig is new, and remembers it.
func (g *replayGuard) add(sig []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, old := g.seen[string(sig)]; old {
		return false
	}
	s := string(sig)
	g.seen[s] = struct{}{}
	if len(g.ring) < g.size {
		g.ring = append(g.ring, s)
		return true
	}
	delete(g.seen, g.ring[g.next])
	g.ring[g.next] = s
	g.next = (g.next + 1) % g.size
	return true
}
