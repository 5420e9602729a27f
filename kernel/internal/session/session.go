package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"

	"spindle/kernel/internal/loglimit"
	"spindle/kernel/internal/wire"
)

// Options of a session. The zero value is good: a history that is not kept.
type Options struct {
	Log     *slog.Logger
	Version string // of the kernel, for kernel_info_reply
	Banner  string // what a console shows at its start
	// LanguageVersion is the Go that cells are checked against: "1.26.8".
	LanguageVersion string
	// History keeps inputs across sessions; nil keeps them in memory.
	History *History
	// StreamLimitBytes bounds what one cell shows of its printed output; the
	// tail of what exceeds it is shown at the cell's end. 0 is 8 MiB.
	StreamLimitBytes int
}

// Session serves one kernel's front ends.
type Session struct {
	t       Transport
	engine  Engine
	opts    Options
	log     *slog.Logger
	id      string // the kernel's own session id, never a front end's
	history *History
	input   inputs
	stopped chan struct{} // closed when a shutdown was asked for
	stop    sync.Once
	restart bool // what the shutdown asked for; read after stopped is closed

	queue   queue
	outputs outputs

	mu      sync.Mutex // guards all below, and the order of busy and idle
	count   int        // execution counter
	running *run       // the cell that runs, nil between cells
}

// run is one cell under way.
type run struct {
	parent  json.RawMessage // header of its execute_request
	msgID   string          // of the same
	started time.Time
	done    chan struct{}
	// interrupted says that the cells behind it are to be aborted, whatever
	// comes of it. Guarded by Session.mu.
	interrupted bool
}

// New makes a session over t, running cells on engine.
func New(t Transport, engine Engine, opts Options) *Session {
	s := &Session{
		t: t, engine: engine, opts: opts,
		log:     opts.Log,
		id:      uuid.NewString(),
		history: opts.History,
		stopped: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.log = loglimit.New(s.log, time.Second) // a front end that floods is not to fill it
	if s.history == nil {
		s.history = NewHistory()
	}
	if s.opts.StreamLimitBytes == 0 {
		s.opts.StreamLimitBytes = 8 << 20
	}
	s.queue.init()
	t.Welcome(func(topic string) wire.Message {
		return s.message("iopub_welcome", nil, map[string]string{"subscription": topic})
	})
	return s
}

// ID is the kernel's session id.
func (s *Session) ID() string { return s.id }

// Run serves until a shutdown_request, which it has answered when it returns
// with nil, or until ctx is done. The engine is closed then; the transport is
// the caller's to close.
func (s *Session) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.publish("status", nil, status("starting"))

	var readers sync.WaitGroup
	errs := make(chan error, wire.Channels)
	for ch, serve := range map[wire.Channel]func(context.Context, wire.Message){
		wire.Shell:   s.shellArrived,
		wire.Control: s.control,
		wire.Stdin:   s.stdinArrived,
	} {
		readers.Add(1)
		go func() { // ends with ctx
			defer readers.Done()
			errs <- s.read(ctx, ch, serve)
		}()
	}
	var worker sync.WaitGroup
	worker.Add(1)
	go func() { // ends with ctx
		defer worker.Done()
		s.work(ctx)
	}()

	var err error
	select {
	case <-s.stopped:
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-errs:
	}
	s.queue.close()
	s.input.interrupt()
	s.abortQueue(time.Now())
	// The engine first: the running cell's Execute returns when its worker is
	// gone, and the cell gets its reply.
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer done()
	if cerr := s.engine.Close(closing); cerr != nil {
		s.log.Error("close engine", "err", cerr)
	}
	s.awaitRun(500 * time.Millisecond)
	s.outputs.flush()
	cancel()
	readers.Wait()
	worker.Wait()
	if cerr := s.history.Close(); cerr != nil {
		s.log.Warn("close history", "err", cerr)
	}
	return err
}

// Restarting reports, after Run, whether the shutdown was one for a restart.
func (s *Session) Restarting() bool {
	select {
	case <-s.stopped:
		return s.restart
	default:
		return false
	}
}

// read is one channel's reader.
func (s *Session) read(ctx context.Context, ch wire.Channel, serve func(context.Context, wire.Message)) error {
	for {
		m, err := s.t.Receive(ctx, ch)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			return fmt.Errorf("receive on %s: %w", ch, err)
		}
		serve(ctx, m)
	}
}

// awaitRun waits for the running cell's reply, but not for ever.
func (s *Session) awaitRun(limit time.Duration) {
	s.mu.Lock()
	r := s.running
	s.mu.Unlock()
	if r == nil {
		return
	}
	select {
	case <-r.done:
	case <-time.After(limit):
		s.log.Warn("the running cell did not end with its worker")
	}
}

// message makes a message of the kernel's own session. content is a value that
// encoding/json takes.
func (s *Session) message(msgType string, parent json.RawMessage, content any) wire.Message {
	m := wire.Message{Header: wire.NewHeader(s.id, msgType), Parent: parent}
	b, err := json.Marshal(content)
	if err != nil {
		// A cell's display data that JSON cannot hold, such as NaN.
		s.log.Warn("message content is no JSON", "type", msgType, "err", err)
		b, _ = json.Marshal(map[string]string{"name": "stderr", "text": "[spindle: this output is no JSON: " + err.Error() + "]\n"})
		m.Header.MsgType = "stream"
	}
	m.Content = b
	return m
}

// publish sends one message on IOPub.
func (s *Session) publish(msgType string, parent json.RawMessage, content any) {
	s.publishMessage(s.message(msgType, parent, content))
}

func (s *Session) publishMessage(m wire.Message) {
	m.Identities = [][]byte{[]byte("kernel." + s.id + "." + m.Header.MsgType)}
	if err := s.t.Publish(m); err != nil {
		s.log.Error("publish", "type", m.Header.MsgType, "err", err)
	}
}

// reply answers req on the channel it came by.
func (s *Session) reply(req *request, msgType string, content any) {
	m := s.message(msgType, req.msg.RawHeader, content)
	m.Identities = req.msg.Identities
	if err := s.t.Send(req.ch, m); err != nil {
		s.log.Error("send reply", "type", msgType, "err", err)
	}
}

func status(state string) map[string]string { return map[string]string{"execution_state": state} }

// busy and idle stand around every request. idle of a request that was served
// beside a running cell is followed by that cell's busy again: front ends show
// the last state they heard, whoever's it was.
func (s *Session) busy(req *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publish("status", req.msg.RawHeader, status("busy"))
}

func (s *Session) idle(req *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publish("status", req.msg.RawHeader, status("idle"))
	if s.running != nil {
		s.publish("status", s.running.parent, status("busy"))
	}
}

// request is one message that was received.
type request struct {
	msg     wire.Message
	ch      wire.Channel
	arrived time.Time
}

// decode reads the content of a request.
func (r *request) decode(v any) error {
	if err := json.Unmarshal(r.msg.Content, v); err != nil {
		return fmt.Errorf("content of %s: %w", r.msg.Header.MsgType, err)
	}
	return nil
}

// isExecute says whether r takes its turn with the cells.
func (r *request) isExecute() bool { return r.msg.Header.MsgType == "execute_request" }
