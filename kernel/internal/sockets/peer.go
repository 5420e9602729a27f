package sockets

import (
	"bufio"
	"net"
	"sync"
	"time"
)

// writeChunk is the most that one write, and so one deadline, covers.
const writeChunk = 1 << 20

// peer is one connection after its handshake. Its socket runs the reader; the
// writer goroutine is started by newPeer and ends on close.
type peer struct {
	conn   net.Conn
	id     string // ZMTP identity, never empty; peers may share one
	unique string // names this connection, in all sockets
	in     *frameReader
	out    *queue
	opened time.Time
	once   sync.Once
	done   chan struct{} // closed by close
	stall  time.Duration // see limits

	// proven says that the peer sent a message with a good signature or
	// subscribed: it is no stranger, and not the first to go when room is
	// short. Guarded by its listener's mu.
	proven bool
}

func newPeer(conn net.Conn, id string, budget *budget, lim limits) *peer {
	in := &frameReader{
		r: bufio.NewReaderSize(conn, 16<<10), budget: budget, limit: maxMessageBytes,
		// An error of these is one of the next read, too.
		inside:  func() { _ = conn.SetReadDeadline(time.Now().Add(lim.stall)) },
		outside: func() { _ = conn.SetReadDeadline(time.Time{}) },
	}
	return &peer{
		conn:   conn,
		id:     id,
		unique: newIdentity(),
		in:     in,
		out:    newQueue(lim.queueBytes, lim.queueItems),
		stall:  lim.stall,
		opened: time.Now(),
		done:   make(chan struct{}),
	}
}

// close may be called often and from anywhere.
func (p *peer) close() {
	p.once.Do(func() {
		close(p.done)
		p.out.close()
		p.conn.Close()
	})
}

// write is the writer goroutine: it owns the connection's sending side.
func (p *peer) write() {
	defer p.close()
	var batch [][]byte
	for {
		var ok bool
		batch, ok = p.out.take(batch[:0], writeChunk)
		if !ok {
			return
		}
		for len(batch) > 0 {
			var err error
			if batch, err = p.writeSome(batch); err != nil {
				return
			}
		}
		p.out.wrote()
	}
}

// writeSome writes up to about writeChunk bytes of batch under one deadline.
func (p *peer) writeSome(batch [][]byte) ([][]byte, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.stall)); err != nil {
		return nil, err
	}
	if first := batch[0]; len(first) > writeChunk {
		_, err := p.conn.Write(first[:writeChunk])
		batch[0] = first[writeChunk:]
		return batch, err
	}
	n, i := 0, 0
	for i < len(batch) && n+len(batch[i]) <= writeChunk {
		n += len(batch[i])
		i++
	}
	bufs := net.Buffers(batch[:i:i]) // WriteTo consumes the slice header, not ours
	_, err := bufs.WriteTo(p.conn)
	return batch[i:], err
}

// pong answers a ZMTP PING; true where m was a command, which is then done with.
func (p *peer) control(m message) bool {
	if !m.command {
		return false
	}
	name, body := splitCommand(m.frames[0])
	if name == "PING" && len(body) >= 2 {
		// Body: a time to live (2 bytes), then a context to send back.
		_ = p.out.put(command("PONG", body[2:min(len(body), 18)]))
	}
	return true
}

// splitCommand gives a command's name and body, "" where it is malformed.
func splitCommand(b []byte) (string, []byte) {
	if len(b) == 0 || int(b[0]) > len(b)-1 {
		return "", nil
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:]
}
