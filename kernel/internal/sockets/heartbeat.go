package sockets

import (
	"net"

	"github.com/go-zeromq/zmq4"
)

// newHeartbeat answers whatever comes with the same frames, on the peer's own
// goroutines: it needs nobody else to be alive.
func newHeartbeat(ln net.Listener, sh shared) *listener {
	l := &listener{
		typ: zmq4.Rep, ln: ln, lim: sh.lim, budget: sh.budget, known: sh.known, log: sh.log.With("socket", "heartbeat"),
		joined: func(*peer) {},
		left:   func(*peer) {},
	}
	l.serve = func(p *peer) {
		// A ping is a few bytes: no more is echoed, or kept.
		p.in.limit = freeBytes
		for first := true; ; first = false {
			m, err := p.in.next()
			if err != nil {
				l.logEnd(err)
				return
			}
			if p.control(m) {
				continue
			}
			if first {
				l.prove(p)
			}
			if err := p.out.put(encode(m.frames)); err != nil {
				l.log.Warn("dropped a peer", "err", err)
				return
			}
		}
	}
	return l
}
