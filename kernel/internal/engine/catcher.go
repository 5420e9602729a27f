package engine

import (
	"bytes"
	"fmt"
	"regexp"
	"time"
)

// catcher holds back what looks like the Go runtime's last words on stderr,
// until the process has died of them or has gone on living. It is pure: time
// is handed in.
type catcher struct {
	held    []byte
	holding bool
	sure    bool      // a goroutine's traceback has followed
	since   time.Time // of the last byte held
	cut     int       // bytes left out of the middle of held

	// What was released last, and when: on a busy machine a process may take
	// its time to die of it.
	released   []byte
	releasedAt time.Time
}

const (
	holdTime   = 300 * time.Millisecond
	holdUnsure = 64 << 10  // bytes held without a traceback in them
	holdMost   = 256 << 10 // bytes held at all: half head, half tail
)

var (
	// They need not begin a line: what was printed before may have ended in one.
	lastWords = regexp.MustCompile(`panic: |fatal error: |runtime: (goroutine stack exceeds|out of memory|cannot|gp|program exceeds)|unexpected fault address |(?m:^SIG[A-Z]+: )|\[signal SIG`)
	traceHead = regexp.MustCompile(`(?m)^goroutine \d+ .*\[.*\]:$`)
)

// feed takes bytes of stderr and returns those that can be shown now.
func (c *catcher) feed(p []byte, now time.Time) (show []byte) {
	if !c.holding {
		m := lastWords.FindIndex(p)
		if m == nil {
			return p
		}
		show, p = p[:m[0]], p[m[0]:]
		c.holding, c.sure, c.cut = true, false, 0
	}
	c.since = now
	c.held = append(c.held, p...)
	c.sure = c.sure || traceHead.Match(c.held)
	if !c.sure && len(c.held) > holdUnsure {
		return append(show, c.release(now)...)
	}
	if len(c.held) > holdMost {
		half := holdMost / 2
		drop := len(c.held) - holdMost
		c.held = append(c.held[:half], c.held[half+drop:]...)
		c.cut += drop
	}
	return show
}

// enough tells that the process is dying and has said why: it would go on to
// print where each of its goroutines stands, and there may be a million.
func (c *catcher) enough() bool { return c.sure && c.cut > 0 }

// expire returns what was held in vain.
func (c *catcher) expire(now time.Time) []byte {
	if !c.holding || now.Sub(c.since) < holdTime {
		return nil
	}
	return c.release(now)
}

func (c *catcher) release(now time.Time) []byte {
	p := c.take(now)
	c.released, c.releasedAt = p, now
	return p
}

// dyingTime is how long after its last words a process may die of them.
const dyingTime = 5 * time.Second

// take returns what is held, the process having died, and forgets it.
func (c *catcher) take(now time.Time) []byte {
	p := c.held
	if len(p) == 0 && now.Sub(c.releasedAt) < dyingTime {
		p = c.released
	}
	if c.cut > 0 {
		half := holdMost / 2
		note := fmt.Appendf(nil, "\n… %d bytes left out …\n", c.cut)
		p = append(append(bytes.Clone(p[:half]), note...), p[half:]...)
	}
	*c = catcher{}
	return p
}
