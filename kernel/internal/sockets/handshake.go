package sockets

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/go-zeromq/zmq4"
)

const (
	greetingBytes = 64
	// maxReadyBytes bounds the READY command: an identity (255), a socket type
	// and a few properties.
	maxReadyBytes = 4096
)

// nullSecurity is ZMTP's NULL mechanism: READY commands are exchanged, nothing
// is encrypted. zmq4 has it, but exports it only as a socket's default.
type nullSecurity struct{}

func (nullSecurity) Type() zmq4.SecurityType { return zmq4.NullSecurity }

func (nullSecurity) Handshake(conn *zmq4.Conn, _ bool) error {
	// zmq4's sockets send an Identity from every type; libzmq ignores an empty one.
	meta, err := conn.Meta.MarshalZMTP()
	if err != nil {
		return err
	}
	if err := conn.SendCmd(zmq4.CmdReady, meta); err != nil {
		return err
	}
	cmd, err := conn.RecvCmd()
	if err != nil {
		return err
	}
	if cmd.Name != zmq4.CmdReady {
		return fmt.Errorf("peer sent %.20q, want READY", cmd.Name)
	}
	return conn.Peer.Meta.UnmarshalZMTP(cmd.Body)
}

func (nullSecurity) Encrypt(w io.Writer, data []byte) (int, error) { return w.Write(data) }
func (nullSecurity) Decrypt(w io.Writer, data []byte) (int, error) { return w.Write(data) }

// handshake does ZMTP's greeting and READY on conn within timeout, and gives
// the peer's identity, empty where it has none. What the peer sends is bounded
// before zmq4 sees it; zmq4 v0.17.0 panics on some malformed metadata and on an
// unknown socket type, which is an error here.
func handshake(conn net.Conn, typ zmq4.SocketType, id string, server bool, timeout time.Duration) (peerID string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed READY: %v", r)
		}
	}()
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return "", err
	}
	zc, err := zmq4.Open(&handshakeConn{Conn: conn}, nullSecurity{}, typ, zmq4.SocketIdentity(id), server, nil)
	if err != nil {
		return "", err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return "", err
	}
	peerID = zc.Peer.Meta["Identity"]
	if len(peerID) > 255 {
		return "", fmt.Errorf("identity of %d bytes", len(peerID))
	}
	return peerID, nil
}

// handshakeConn gives zmq4 the greeting and one bounded READY frame, and never
// reads beyond it: what follows on the connection is ours.
type handshakeConn struct {
	net.Conn
	got     int    // bytes of the greeting read so far
	pending []byte // the READY frame, whole, until zmq4 has read it
	ready   bool
}

func (h *handshakeConn) Read(p []byte) (int, error) {
	if h.got < greetingBytes {
		n, err := h.Conn.Read(p[:min(len(p), greetingBytes-h.got)])
		h.got += n
		return n, err
	}
	if !h.ready {
		frame, err := readReady(h.Conn)
		if err != nil {
			return 0, err
		}
		h.pending, h.ready = frame, true
	}
	if len(h.pending) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.pending)
	h.pending = h.pending[n:]
	return n, nil
}

// readReady reads one command frame of at most maxReadyBytes, header and all.
func readReady(r io.Reader) ([]byte, error) {
	head := make([]byte, 2, 9)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	if head[0]&(flagMore|flagUnknown) != 0 || head[0]&flagCommand == 0 {
		return nil, fmt.Errorf("%w: %#02x, want a command", errFlags, head[0])
	}
	size := uint64(head[1])
	if head[0]&flagLong != 0 {
		head = head[:9]
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return nil, err
		}
		size = binary.BigEndian.Uint64(head[1:])
	}
	if size > maxReadyBytes {
		return nil, fmt.Errorf("%w: READY of %d bytes", errTooLarge, size)
	}
	frame := append(head, make([]byte, size)...)
	_, err := io.ReadFull(r, frame[len(head):])
	return frame, err
}
