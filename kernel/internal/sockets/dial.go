package sockets

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
)

// Conn is a front end's end of one socket: a single connection to a kernel.
// Send is safe for concurrent use; Recv is for one reader.
type Conn struct {
	p      *peer
	writer chan struct{} // closed when the writer goroutine has ended
}

// Dial connects to endpoint as a socket of typ (DEALER, SUB, REQ) with the
// identity id, which a kernel uses to route replies. It tries until ctx is
// done, since a kernel that starts does not listen yet. A SUB is subscribed to
// everything.
func Dial(ctx context.Context, endpoint string, typ zmq4.SocketType, id string) (*Conn, error) {
	network, addr, _ := strings.Cut(endpoint, "://")
	if network == "ipc" {
		network = "unix"
	}
	const pause = 5 * time.Millisecond
	for {
		c, err := dialOnce(ctx, network, addr, typ, id)
		if err == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to %s: %w (%w)", endpoint, err, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

func dialOnce(ctx context.Context, network, addr string, typ zmq4.SocketType, id string) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if _, err := handshake(conn, typ, id, false, defaultLimits.handshake); err != nil {
		conn.Close()
		return nil, err
	}
	// A front end trusts its kernel more than a kernel its peers, but not to
	// the end of memory.
	lim := defaultLimits
	lim.queueBytes = 2 * maxMessageBytes
	c := &Conn{
		p:      newPeer(conn, id, newBudget(2*maxMessageBytes), lim),
		writer: make(chan struct{}),
	}
	go func() { // ends on Close, or when the kernel goes
		defer close(c.writer)
		c.p.write()
	}()
	if typ == zmq4.Sub {
		if err := c.Send([][]byte{{1}}); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Send queues one message.
func (c *Conn) Send(frames [][]byte) error {
	select {
	case <-c.p.done:
		return net.ErrClosed
	default:
	}
	return c.p.out.put(encode(frames))
}

// Recv waits for the next message. io.EOF is the kernel's orderly end.
func (c *Conn) Recv() ([][]byte, error) {
	for {
		m, err := c.p.in.next()
		if err != nil {
			return nil, err
		}
		c.p.in.budget.release(m.charged)
		if !c.p.control(m) {
			return m.frames, nil
		}
	}
}

// Close ends the connection, and a Recv that waits.
func (c *Conn) Close() {
	c.p.close()
	<-c.writer
}
