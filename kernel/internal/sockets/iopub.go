package sockets

import (
	"net"
	"strings"
	"sync"

	"github.com/go-zeromq/zmq4"

	"spindle/kernel/internal/wire"
)

const (
	maxTopics     = 256 // subscriptions of one peer
	maxTopicBytes = 1024
	// Above fullLoad of its queue a subscriber gets no more output, only the
	// messages that say how requests end; below drainedLoad it gets output
	// again, and is told how much it missed.
	fullLoad    = 0.5
	drainedLoad = 0.1
)

// publisher is IOPub. publish is its only way out, and runs under mu: all
// subscribers get all messages in one order.
type publisher struct {
	*listener
	codec *wire.Codec

	mu      sync.Mutex // guards all below
	subs    map[*peer]*subscriber
	welcome func(topic string) wire.Message
}

// subscriber is what publisher knows of a peer. Guarded by publisher.mu.
type subscriber struct {
	topics map[string]bool // true once welcomed
	missed int             // messages of output left out since the queue filled
	last   wire.Message    // the last of them: the notice is its cell's
}

func newPublisher(ln net.Listener, codec *wire.Codec, sh shared) *publisher {
	pub := &publisher{codec: codec, subs: make(map[*peer]*subscriber)}
	pub.listener = &listener{
		typ: zmq4.XPub, ln: ln, lim: sh.lim, budget: sh.budget, known: sh.known, log: sh.log.With("socket", "iopub"),
		joined: pub.join, serve: pub.read, left: pub.leave,
	}
	return pub
}

func (pub *publisher) join(p *peer) {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	pub.subs[p] = &subscriber{topics: make(map[string]bool)}
}

func (pub *publisher) leave(p *peer) {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	delete(pub.subs, p)
}

// read takes subscriptions: a message \x01topic or \x00topic from a ZMTP 3.0
// peer, a command from a 3.1 one. Anything else is dropped.
func (pub *publisher) read(p *peer) {
	p.in.limit = freeBytes
	for {
		m, err := p.in.next()
		if err != nil {
			pub.logEnd(err)
			return
		}
		var topic []byte
		var on bool
		switch {
		case m.command:
			name, body := splitCommand(m.frames[0])
			if name != zmq4.CmdSubscribe && name != "CANCEL" {
				p.control(m)
				continue
			}
			topic, on = body, name == zmq4.CmdSubscribe
		case len(m.frames) == 1 && len(m.frames[0]) > 0 && m.frames[0][0] <= 1:
			topic, on = m.frames[0][1:], m.frames[0][0] == 1
		default:
			pub.log.Warn("dropped a message", "err", "no subscription")
			continue
		}
		if on {
			pub.subscribe(p, string(topic))
		} else {
			pub.unsubscribe(p, string(topic))
		}
	}
}

func (pub *publisher) subscribe(p *peer, topic string) {
	pub.prove(p)
	pub.mu.Lock()
	defer pub.mu.Unlock()
	sub := pub.subs[p]
	if len(topic) > maxTopicBytes || len(sub.topics) >= maxTopics {
		pub.log.Warn("refused a subscription: too many, or too long")
		return
	}
	if _, again := sub.topics[topic]; again {
		return
	}
	sub.topics[topic] = pub.greet(p, topic)
}

func (pub *publisher) unsubscribe(p *peer, topic string) {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	delete(pub.subs[p].topics, topic)
}

// setWelcome sets what a new subscriber is greeted with (iopub_welcome, JEP 65),
// and greets those that were faster.
func (pub *publisher) setWelcome(f func(topic string) wire.Message) {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	pub.welcome = f
	for p, sub := range pub.subs {
		for topic, welcomed := range sub.topics {
			if !welcomed {
				sub.topics[topic] = pub.greet(p, topic)
			}
		}
	}
}

func (pub *publisher) greet(p *peer, topic string) bool {
	if pub.welcome == nil {
		return false
	}
	m := pub.welcome(topic)
	m.Identities = [][]byte{[]byte(topic)}
	frames, err := pub.codec.Encode(m)
	if err == nil {
		err = p.out.put(encode(frames))
	}
	if err != nil {
		pub.log.Warn("could not welcome a subscriber", "err", err)
	}
	return true
}

// publish hands m to every subscriber of its topic, the first identity. It
// never waits for any of them.
func (pub *publisher) publish(m wire.Message) error {
	frames, err := pub.codec.Encode(m)
	if err != nil {
		return err
	}
	topic := ""
	if len(m.Identities) > 0 {
		topic = string(m.Identities[0])
	}
	b := encode(frames)
	pub.mu.Lock()
	defer pub.mu.Unlock()
	for p, sub := range pub.subs {
		if sub.wants(topic) {
			pub.offer(p, sub, m, b)
		}
	}
	return nil
}

// offer queues b for one subscriber, by what its queue can still take.
func (pub *publisher) offer(p *peer, sub *subscriber, m wire.Message, b []byte) {
	load := p.out.load()
	if isOutput(m.Header.MsgType) && (load > fullLoad || sub.missed > 0 && load > drainedLoad) {
		sub.missed++
		sub.last = wire.Message{Header: m.Header, Parent: m.Parent, Identities: m.Identities}
		pub.log.Warn("a subscriber reads too slowly: output left out")
		return
	}
	if sub.missed > 0 {
		if notice, err := pub.missedNotice(sub); err == nil {
			_ = p.out.put(notice) // what follows finds out whether the queue is full
		}
		sub.missed = 0
	}
	if err := p.out.put(b); err != nil {
		pub.log.Warn("dropped a subscriber", "err", err)
		p.close()
	}
}

func (pub *publisher) missedNotice(sub *subscriber) ([]byte, error) {
	m := wire.Message{
		Identities: sub.last.Identities,
		Header:     wire.NewHeader(sub.last.Header.Session, "stream"),
		Parent:     sub.last.Parent,
		Content:    missedContent(sub.missed),
	}
	frames, err := pub.codec.Encode(m)
	if err != nil {
		return nil, err
	}
	return encode(frames), nil
}

func (sub *subscriber) wants(topic string) bool {
	for t := range sub.topics {
		if strings.HasPrefix(topic, t) {
			return true
		}
	}
	return false
}

// isOutput says which messages a subscriber can miss without waiting for ever:
// all but those that tell how a request goes on.
func isOutput(msgType string) bool {
	switch msgType {
	case "stream", "display_data", "update_display_data", "clear_output":
		return true
	}
	return false
}
