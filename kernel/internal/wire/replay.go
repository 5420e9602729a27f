package wire

import (
	"encoding/hex"
	"sync"
)

// replayWindow is how many signatures are remembered, as many as
// jupyter_client's Session keeps (digest_history_size, 2^16). Only valid ones
// enter, so whoever lacks the key cannot push others out.
const replayWindow = 1 << 16

// digest is the first half of a SHA-256 signature, or a third of a longer one:
// 128 bits tell them apart at a quarter of the memory of their hex form.
type digest [16]byte

// replayGuard remembers the last signatures, oldest out first.
type replayGuard struct {
	mu   sync.Mutex
	seen map[digest]struct{}
	ring []digest // insertion order; next is the oldest once full
	next int
	size int
}

func newReplayGuard(size int) *replayGuard {
	return &replayGuard{seen: make(map[digest]struct{}), size: size}
}

// add reports whether sig, a good signature in hex, is new, and remembers it.
func (g *replayGuard) add(sig []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	var s digest
	if _, err := hex.Decode(s[:], sig[:2*len(s)]); err != nil {
		return false // cannot be: it is equal to one that we made
	}
	if _, old := g.seen[s]; old {
		return false
	}
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
