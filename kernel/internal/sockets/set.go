package sockets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"spindle/kernel/internal/loglimit"
	"spindle/kernel/internal/wire"
)

// inboundBudgetBytes bounds what large inbound messages may hold at one time.
const inboundBudgetBytes = 128 << 20

// logInterval is how often one kind of complaint about peers is logged.
const logInterval = time.Second

// Set is the five sockets of a kernel, listening. It is session's Transport.
type Set struct {
	conn      wire.Connection
	routers   [wire.Channels]*router
	iopub     *publisher
	heartbeat *listener
	close     sync.Once
}

// Options of Listen. The zero value is good.
type Options struct {
	Log *slog.Logger // nil: slog.Default

	limits *limits // tests shorten them; nil: defaultLimits
}

// Listen opens the five sockets where c says. A port 0 is chosen by the
// system (tcp) and then to be found in Connection. A port in use is an error
// that says which one.
func Listen(c wire.Connection, opts Options) (*Set, error) {
	log := opts.Log
	if log == nil {
		log = slog.Default()
	}
	log = loglimit.New(log, logInterval) // a peer's deeds are not to fill it
	lim := defaultLimits
	if opts.limits != nil {
		lim = *opts.limits
	}
	codec, err := wire.NewCodec(c)
	if err != nil {
		return nil, err
	}
	if c.Key == "" {
		log.Warn("the connection has no key: messages are not verified")
	}
	s := &Set{conn: c}
	ports := []struct {
		name string
		port *int
	}{
		{"shell", &s.conn.ShellPort},
		{"control", &s.conn.ControlPort},
		{"stdin", &s.conn.StdinPort},
		{"iopub", &s.conn.IOPubPort},
		{"heartbeat", &s.conn.HBPort},
	}
	lns := make([]net.Listener, 0, len(ports))
	for _, p := range ports {
		ln, err := listen(c.Endpoint(*p.port))
		if err != nil {
			for _, l := range lns {
				l.Close()
			}
			if errors.Is(err, syscall.EADDRINUSE) {
				return nil, fmt.Errorf("open %s socket: %s is in use by another process: %w", p.name, c.Endpoint(*p.port), err)
			}
			return nil, fmt.Errorf("open %s socket: %w", p.name, err)
		}
		if a, ok := ln.Addr().(*net.TCPAddr); ok {
			*p.port = a.Port
			if !a.IP.IsLoopback() {
				log.Warn("the connection file asks for a socket that other machines can reach", "address", a)
			}
		}
		lns = append(lns, ln)
	}
	sh := shared{lim: lim, budget: newBudget(inboundBudgetBytes), known: &identities{}, log: log}
	for i := range s.routers {
		s.routers[i] = newRouter(ports[i].name, lns[i], codec, sh)
	}
	s.iopub = newPublisher(lns[3], codec, sh)
	s.heartbeat = newHeartbeat(lns[4], sh)
	for _, l := range s.listeners() {
		l.start()
	}
	return s, nil
}

// shared is what the five sockets have in common.
type shared struct {
	lim    limits
	budget *budget
	known  *identities
	log    *slog.Logger
}

func (s *Set) listeners() []*listener {
	return []*listener{
		s.routers[wire.Shell].listener, s.routers[wire.Control].listener, s.routers[wire.Stdin].listener,
		s.iopub.listener, s.heartbeat,
	}
}

// Connection is where the sockets are, chosen ports filled in.
func (s *Set) Connection() wire.Connection { return s.conn }

// Receive waits for the next verified message on ch. Each channel has one
// reader. The error is ctx's, or net.ErrClosed after Close.
func (s *Set) Receive(ctx context.Context, ch wire.Channel) (wire.Message, error) {
	return s.routers[ch].receive(ctx)
}

// Send queues m on ch for the front end that m.Identities, those of a request,
// name: on another channel than the request's, for its connection there. It
// does not block, and a peer that is gone is no error.
func (s *Set) Send(ch wire.Channel, m wire.Message) error {
	return s.routers[ch].send(m)
}

// Publish queues m for every subscriber of its first identity, the topic. It
// does not block; calls are ordered.
func (s *Set) Publish(m wire.Message) error { return s.iopub.publish(m) }

// Welcome sets the message that greets each new subscription.
func (s *Set) Welcome(f func(topic string) wire.Message) { s.iopub.setWelcome(f) }

// Close stops listening, waits until what is queued for peers that read is out
// or ctx is done, and then ends everything.
func (s *Set) Close(ctx context.Context) error {
	s.close.Do(func() {
		for _, r := range s.routers {
			r.stop()
		}
		s.iopub.listener.stop()
		s.heartbeat.stop()
		for _, l := range s.listeners() {
			for _, p := range l.snapshot() {
				select {
				case <-p.out.drained():
				case <-ctx.Done():
				}
			}
		}
		for _, l := range s.listeners() {
			l.wait()
		}
	})
	return nil
}

// logEnd logs a peer's end where it was not an orderly one.
func (l *listener) logEnd(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) {
		return
	}
	l.log.Warn("dropped a peer", "err", err)
}

func missedContent(n int) json.RawMessage {
	text := fmt.Sprintf("\n[spindle: %d messages of output left out here: this front end reads too slowly]\n", n)
	b, err := json.Marshal(map[string]string{"name": "stderr", "text": text})
	if err != nil {
		panic(err) // two strings
	}
	return b
}
