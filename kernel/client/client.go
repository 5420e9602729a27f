package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/google/uuid"

	"spindle/kernel/internal/sockets"
	"spindle/kernel/internal/wire"
)

// ErrGone is the error of requests to a kernel whose connection has ended.
var ErrGone = errors.New("the kernel is gone")

// iopubBacklog is how many IOPub messages wait for a Wait to take them. Beyond
// it the client does not read, as a slow front end.
const iopubBacklog = 4096

// afterGone is how long what a kernel sent just before its end is waited for:
// the five connections don't end at one instant.
const afterGone = 200 * time.Millisecond

// Client is one front end, connected to one kernel. It is safe for concurrent
// use.
type Client struct {
	session string
	codec   *wire.Codec
	log     *slog.Logger
	shell   *sockets.Conn
	control *sockets.Conn
	stdin   *sockets.Conn
	iopub   *sockets.Conn
	hb      *sockets.Conn

	readers  sync.WaitGroup
	messages chan wire.Message // IOPub, in order
	pump     chan struct{}     // capacity 1: the right to take from messages
	heard    chan struct{}     // closed with the first IOPub message: subscribed
	gone     chan struct{}     // closed when a connection ended, or by Close
	beat     chan struct{}     // capacity 1: a heartbeat came back

	mu      sync.Mutex // guards all below
	replies map[string]chan wire.Message
	runs    map[string]*Run // by msg_id, for the client's life: late output finds its cell
	err     error           // why gone
}

// Connect connects to the kernel of the connection file at path, and waits
// until it answers on shell and IOPub, or ctx is done.
func Connect(ctx context.Context, path string) (*Client, error) {
	conn, err := wire.ReadConnection(path)
	if err != nil {
		return nil, err
	}
	return connect(ctx, conn)
}

func connect(ctx context.Context, conn wire.Connection) (*Client, error) {
	codec, err := wire.NewCodec(conn)
	if err != nil {
		return nil, err
	}
	c := &Client{
		session:  uuid.NewString(),
		codec:    codec,
		log:      slog.Default(),
		messages: make(chan wire.Message, iopubBacklog),
		pump:     make(chan struct{}, 1),
		heard:    make(chan struct{}),
		gone:     make(chan struct{}),
		beat:     make(chan struct{}, 1),
		replies:  make(map[string]chan wire.Message),
		runs:     make(map[string]*Run),
	}
	c.pump <- struct{}{}
	for _, s := range []struct {
		at   **sockets.Conn
		port int
		typ  zmq4.SocketType
	}{
		{&c.shell, conn.ShellPort, zmq4.Dealer},
		{&c.control, conn.ControlPort, zmq4.Dealer},
		{&c.stdin, conn.StdinPort, zmq4.Dealer},
		{&c.iopub, conn.IOPubPort, zmq4.Sub},
		{&c.hb, conn.HBPort, zmq4.Req},
	} {
		// One identity on all: a kernel asks for input by shell's.
		*s.at, err = sockets.Dial(ctx, conn.Endpoint(s.port), s.typ, c.session)
		if err != nil {
			c.Close()
			return nil, err
		}
	}
	c.read(c.shell, c.gotReply)
	c.read(c.control, c.gotReply)
	c.read(c.stdin, c.gotInputRequest)
	var once sync.Once
	c.read(c.iopub, func(m wire.Message) {
		once.Do(func() { close(c.heard) })
		select {
		case c.messages <- m:
			return
		default: // full: wait, but not for a reader that will not come
		}
		select {
		case c.messages <- m:
		case <-c.gone:
		}
	})
	c.readers.Go(func() {
		for {
			if _, err := c.hb.Recv(); err != nil {
				c.end(err)
				return
			}
			select {
			case c.beat <- struct{}{}:
			default:
			}
		}
	})
	if err := c.awaitReady(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// read starts the reader of one socket; Close waits for it.
func (c *Client) read(conn *sockets.Conn, got func(wire.Message)) {
	c.readers.Go(func() {
		for {
			frames, err := conn.Recv()
			if err != nil {
				c.end(err)
				return
			}
			m, err := c.codec.Decode(frames)
			if err != nil {
				c.log.Warn("dropped a message of the kernel", "err", err)
				continue
			}
			got(m)
		}
	})
}

func (c *Client) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = fmt.Errorf("%w: %w", ErrGone, err)
		close(c.gone)
	}
}

// awaitReady asks until the kernel answers, and a message has come by IOPub:
// only then is the subscription known to be there.
func (c *Client) awaitReady(ctx context.Context) error {
	for {
		once, cancel := context.WithTimeout(ctx, time.Second)
		_, err := c.Request(once, "kernel_info_request", struct{}{})
		if err == nil {
			select {
			case <-c.heard:
				cancel()
				return nil
			case <-once.Done():
			}
		}
		cancel()
		if err := c.goneErr(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the kernel does not answer: %w", context.Cause(ctx))
		}
	}
}

func (c *Client) goneErr() error {
	select {
	case <-c.gone:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
	default:
		return nil
	}
}

// Close ends the connections. The kernel stays.
func (c *Client) Close() {
	c.end(errors.New("closed"))
	for _, s := range []*sockets.Conn{c.shell, c.control, c.stdin, c.iopub, c.hb} {
		if s != nil {
			s.Close()
		}
	}
	c.readers.Wait()
}

// Request sends a request on shell and waits for its reply, whose content it
// gives: complete_request, inspect_request, history_request and so on. A reply
// with status "error" is no error here.
func (c *Client) Request(ctx context.Context, msgType string, content any) (json.RawMessage, error) {
	return c.request(ctx, c.shell, msgType, content)
}

// Control is Request on the control channel.
func (c *Client) Control(ctx context.Context, msgType string, content any) (json.RawMessage, error) {
	return c.request(ctx, c.control, msgType, content)
}

// Comm sends a comm message (comm_open, comm_msg, comm_close), which has no
// reply. What the kernel sends back goes to the Run that caused it.
func (c *Client) Comm(msgType string, content any) error {
	m, err := c.message(msgType, content)
	if err != nil {
		return err
	}
	return c.send(c.shell, m)
}

// Interrupt asks the kernel to end the running cell, and waits for the reply.
func (c *Client) Interrupt(ctx context.Context) error {
	b, err := c.Control(ctx, "interrupt_request", struct{}{})
	if err != nil {
		return err
	}
	var reply struct{ Status, EValue string }
	if err := json.Unmarshal(b, &reply); err != nil {
		return fmt.Errorf("interrupt_reply: %w", err)
	}
	if reply.Status != "ok" {
		return fmt.Errorf("interrupt: %s", reply.EValue)
	}
	return nil
}

// Heartbeat sends a heartbeat and waits for its echo.
func (c *Client) Heartbeat(ctx context.Context) error {
	select {
	case <-c.beat: // one that came too late
	default:
	}
	if err := c.hb.Send([][]byte{{}, []byte("ping")}); err != nil {
		return c.orGone(err)
	}
	select {
	case <-c.beat:
		return nil
	case <-c.gone:
		return c.goneErr()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) request(ctx context.Context, on *sockets.Conn, msgType string, content any) (json.RawMessage, error) {
	m, err := c.message(msgType, content)
	if err != nil {
		return nil, err
	}
	reply := make(chan wire.Message, 1)
	c.mu.Lock()
	c.replies[m.Header.MsgID] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.replies, m.Header.MsgID)
		c.mu.Unlock()
	}()
	if err := c.send(on, m); err != nil {
		return nil, err
	}
	select {
	case r := <-reply:
		return r.Content, nil
	case <-c.gone:
		select {
		case r := <-reply:
			return r.Content, nil
		case <-time.After(afterGone):
			return nil, c.goneErr()
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: no reply: %w", msgType, ctx.Err())
	}
}

func (c *Client) message(msgType string, content any) (wire.Message, error) {
	b, err := json.Marshal(content)
	if err != nil {
		return wire.Message{}, fmt.Errorf("content of %s: %w", msgType, err)
	}
	return wire.Message{Header: wire.NewHeader(c.session, msgType), Content: b}, nil
}

func (c *Client) send(on *sockets.Conn, m wire.Message) error {
	frames, err := c.codec.Encode(m)
	if err != nil {
		return err
	}
	if err := on.Send(frames); err != nil {
		return c.orGone(fmt.Errorf("send %s: %w", m.Header.MsgType, err))
	}
	return nil
}

// orGone gives why the connection ended, where it did, rather than err.
func (c *Client) orGone(err error) error {
	if gone := c.goneErr(); gone != nil {
		return gone
	}
	return err
}

func (c *Client) gotReply(m wire.Message) {
	id := m.ParentHeader().MsgID
	c.mu.Lock()
	reply, run := c.replies[id], c.runs[id]
	c.mu.Unlock()
	switch {
	case run != nil:
		run.gotReply(m)
	case reply != nil:
		select {
		case reply <- m:
		default: // a second reply to one request
		}
	}
}
