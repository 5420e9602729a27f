package sockets

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/go-zeromq/zmq4"

	"spindle/kernel/internal/wire"
)

// router is shell, control or stdin: requests come in from any peer, replies go
// to the peer that a message's identities name. Two come before those that the
// peer sent itself: the connection, which no two peers share, and the peer's
// ZMTP identity, by which a front end's connection on another socket is found.
// (All clients of one jupyter_client.KernelManager have the same identity.)
type router struct {
	*listener
	codec *wire.Codec
	// inbox is unbuffered: every peer has at most one message in hand, and
	// those that wait are served in the order of their arrival, so a peer that
	// floods gets its turn and no more.
	inbox chan inbound
	done  chan struct{} // closed when the socket is: readers leave inbox alone

	rmu    sync.Mutex // guards all below
	byConn map[string]*peer
	byID   map[string]*peer
}

// inbound is one verified message and what it takes of the budget.
type inbound struct {
	msg     wire.Message
	charged int64
}

func newRouter(name string, ln net.Listener, codec *wire.Codec, sh shared) *router {
	r := &router{
		codec: codec,
		inbox: make(chan inbound),
		done:  make(chan struct{}),
		byID:  make(map[string]*peer), byConn: make(map[string]*peer),
	}
	r.listener = &listener{
		typ: zmq4.Router, ln: ln, lim: sh.lim, budget: sh.budget, known: sh.known, log: sh.log.With("socket", name),
		joined: r.join, serve: r.read, left: r.leave,
	}
	return r
}

// join gives p its identity, unless a living peer has it: that one keeps it
// until p shows that it has the key.
func (r *router) join(p *peer) {
	r.rmu.Lock()
	defer r.rmu.Unlock()
	r.byConn[p.unique] = p
	if r.byID[p.id] == nil {
		r.byID[p.id] = p
	}
}

func (r *router) leave(p *peer) {
	r.rmu.Lock()
	defer r.rmu.Unlock()
	delete(r.byConn, p.unique)
	if r.byID[p.id] == p {
		delete(r.byID, p.id)
	}
}

// read is the peer's reader goroutine.
func (r *router) read(p *peer) {
	proven := false
	for {
		m, err := p.in.next()
		if err != nil {
			r.logEnd(err)
			return
		}
		if p.control(m) {
			r.budget.release(m.charged)
			continue
		}
		msg, err := r.codec.Decode(m.frames)
		if err != nil {
			r.budget.release(m.charged)
			r.log.Warn("dropped a message", "err", err)
			continue
		}
		if !proven {
			proven = true
			r.prove(p)
			r.known.add(p.id, 1)
			defer r.known.add(p.id, -1)
			r.rmu.Lock()
			r.byID[p.id] = p // it has the key: a stale namesake has to go
			r.rmu.Unlock()
		}
		msg.Identities = append([][]byte{[]byte(p.unique), []byte(p.id)}, msg.Identities...)
		select {
		case r.inbox <- inbound{msg, m.charged}:
		case <-p.done:
			r.budget.release(m.charged)
			return
		case <-r.done:
			r.budget.release(m.charged)
			return
		}
	}
}

// receive waits for the next request.
func (r *router) receive(ctx context.Context) (wire.Message, error) {
	select {
	case in := <-r.inbox:
		r.budget.release(in.charged) // from here on it is the session's to bound
		return in.msg, nil
	case <-ctx.Done():
		return wire.Message{}, ctx.Err()
	case <-r.done:
		return wire.Message{}, net.ErrClosed
	}
}

// send queues m for the peer that its identities name. A peer that is gone
// is no error: it will not miss the reply. One that does not read is dropped.
func (r *router) send(m wire.Message) error {
	frames, err := r.codec.Encode(m)
	if err != nil {
		return err
	}
	if len(m.Identities) < 2 {
		return fmt.Errorf("send %s: %d identities, want those of a request", m.Header.MsgType, len(m.Identities))
	}
	r.rmu.Lock()
	p := r.byConn[string(m.Identities[0])]
	if p == nil {
		p = r.byID[string(m.Identities[1])]
	}
	r.rmu.Unlock()
	if p == nil {
		r.log.Debug("reply to a peer that is gone", "type", m.Header.MsgType)
		return nil
	}
	if err := p.out.put(encode(frames[2:])); err != nil {
		r.log.Warn("dropped a peer", "err", err)
		p.close()
	}
	return nil
}

func (r *router) stop() {
	r.listener.stop()
	close(r.done)
}
