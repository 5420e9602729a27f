package sockets

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"
)

// limits bound what peers can cost one socket.
type limits struct {
	peers      int           // connections that finished their handshake
	halfOpen   int           // connections that have not
	handshake  time.Duration // until when they must
	queueBytes int           // outbound, per peer
	queueItems int
	stall      time.Duration // how long one write may make no progress
}

var defaultLimits = limits{
	peers:      256,
	halfOpen:   64,
	handshake:  5 * time.Second,
	queueBytes: 64 << 20,
	queueItems: 1 << 16,
	stall:      60 * time.Second,
}

// listener accepts the connections of one socket, shakes hands with each in a
// goroutine of its own, and runs serve for every peer. wait returns when all
// of that has ended.
type listener struct {
	typ    zmq4.SocketType
	ln     net.Listener
	lim    limits
	budget *budget
	known  *identities
	log    *slog.Logger
	// serve reads the peer until it ends. It is called on the peer's reader
	// goroutine, after joined; left is called when it is over.
	joined func(*peer)
	serve  func(*peer)
	left   func(*peer)

	wg     sync.WaitGroup
	mu     sync.Mutex // guards all below, and peer.proven
	closed bool
	half   []net.Conn // oldest first
	peers  []*peer    // oldest first
}

// listen opens the endpoint: tcp://host:port or ipc://path.
func listen(endpoint string) (net.Listener, error) {
	network, addr, ok := strings.Cut(endpoint, "://")
	if !ok {
		return nil, fmt.Errorf("endpoint %q has no transport", endpoint)
	}
	switch network {
	case "tcp":
		return net.Listen("tcp", strings.TrimPrefix(addr, "*")) // ZeroMQ's every address
	case "ipc":
		ln, err := net.Listen("unix", addr)
		if errors.Is(err, syscall.EADDRINUSE) && abandoned(addr) {
			ln, err = net.Listen("unix", addr)
		}
		if err != nil {
			return nil, err
		}
		// Whoever can open the socket can fill its queues: the owner alone.
		if err := os.Chmod(addr, 0o600); err != nil {
			ln.Close()
			return nil, err
		}
		return ln, nil
	}
	return nil, fmt.Errorf("transport %q is not known", network)
}

// abandoned removes the socket file of a kernel that was killed: a restarted
// one gets the same path. It reports false where somebody listens.
func abandoned(path string) bool {
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}

func (l *listener) start() {
	l.wg.Add(1)
	go func() {
		defer l.wg.Done()
		l.accept()
	}()
}

// accept runs until the listener is closed. An error, such as no file
// descriptors left, is waited out: it is often a peer's doing and passes.
func (l *listener) accept() {
	const shortest, longest = 5 * time.Millisecond, time.Second
	pause := shortest
	for {
		conn, err := l.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			l.log.Warn("accept failed", "err", err)
			l.dropOldestHalfOpen() // the likely holders of what ran out
			time.Sleep(pause)
			pause = min(2*pause, longest)
			continue
		}
		pause = shortest
		if !l.admit(conn) {
			conn.Close()
			continue
		}
		go func() {
			defer l.wg.Done()
			l.run(conn)
		}()
	}
}

// admit enters conn among the half-open ones, and counts its goroutine in wg.
// The oldest one goes when there are too many: an honest peer's handshake takes
// milliseconds.
func (l *listener) admit(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if len(l.half) >= l.lim.halfOpen {
		l.half[0].Close()
		l.half = l.half[1:]
		l.log.Warn("too many connections without handshake: dropped the oldest")
	}
	l.half = append(l.half, conn)
	l.wg.Add(1)
	return true
}

func (l *listener) dropOldestHalfOpen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.half) > 0 {
		l.half[0].Close()
		l.half = l.half[1:]
	}
}

// run is one connection's life.
func (l *listener) run(conn net.Conn) {
	id, err := handshake(conn, l.typ, "", true, l.lim.handshake)
	l.mu.Lock()
	l.half = remove(l.half, conn)
	if err != nil || l.closed {
		l.mu.Unlock()
		conn.Close()
		if err != nil {
			l.log.Debug("handshake failed", "err", err)
		}
		return
	}
	if id == "" {
		id = newIdentity()
	}
	p := newPeer(conn, id, l.budget, l.lim)
	if !l.makeRoom() {
		l.mu.Unlock()
		conn.Close()
		l.log.Warn("too many peers: refused one")
		return
	}
	l.peers = append(l.peers, p)
	l.mu.Unlock()

	var writer sync.WaitGroup
	writer.Add(1)
	go func() { // owned by this function; ends with the peer
		defer writer.Done()
		p.write()
	}()
	l.joined(p)
	l.serve(p)
	p.close()
	l.left(p)
	writer.Wait()
	l.mu.Lock()
	l.peers = remove(l.peers, p)
	l.mu.Unlock()
}

// makeRoom drops a stranger if the socket is full; false where there are only
// known peers. Any stranger: the oldest may be a front end that has not spoken
// yet, and the youngest the one that is about to. Called with mu held.
func (l *listener) makeRoom() bool {
	open := 0
	var strangers []*peer
	for _, p := range l.peers {
		select {
		case <-p.done:
			continue // on its way out
		default:
		}
		open++
		if !p.proven && !l.known.has(p.id) {
			strangers = append(strangers, p)
		}
	}
	if open < l.lim.peers {
		return true
	}
	if len(strangers) == 0 {
		return false
	}
	strangers[mathrand.IntN(len(strangers))].close()
	return true
}

// prove marks p as a known peer.
func (l *listener) prove(p *peer) {
	l.mu.Lock()
	p.proven = true
	l.mu.Unlock()
}

// snapshot gives the peers of this moment.
func (l *listener) snapshot() []*peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*peer(nil), l.peers...)
}

// stop refuses new connections; those that are there stay.
func (l *listener) stop() {
	l.mu.Lock()
	l.closed = true
	half := l.half
	l.half = nil
	l.mu.Unlock()
	l.ln.Close() // removes an ipc socket's file
	for _, c := range half {
		c.Close()
	}
}

// wait ends all peers and returns when every goroutine of the socket has.
func (l *listener) wait() {
	for _, p := range l.snapshot() {
		p.close()
	}
	l.wg.Wait()
}

// newIdentity is what a ROUTER gives a peer without one: as in libzmq, a zero
// byte and then anything, so that it cannot be one that a peer chose.
func newIdentity() string {
	var b [17]byte
	rand.Read(b[1:])
	return string(b[:])
}

// identities are those of peers that have the key, of all sockets together: a
// front end has one on all of its connections, and does not speak on each.
type identities struct {
	mu sync.Mutex
	n  map[string]int // connections that proved it
}

func (ids *identities) add(id string, n int) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if ids.n == nil {
		ids.n = make(map[string]int)
	}
	if ids.n[id] += n; ids.n[id] <= 0 {
		delete(ids.n, id)
	}
}

func (ids *identities) has(id string) bool {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	return ids.n[id] > 0
}

func remove[T comparable](list []T, x T) []T {
	for i := range list {
		if list[i] == x {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}
