package sockets_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"go.uber.org/goleak"

	"spindle/kernel/internal/sockets"
	"spindle/kernel/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// kernel is a Set with the least session there is: every request gets a reply
// of its content, and its msg_id is published.
type kernel struct {
	*sockets.Set
	t     *testing.T
	conn  wire.Connection
	codec *wire.Codec
	log   *syncBuffer

	mu   sync.Mutex
	seen []string // msg_type of each request that was received
}

func serve(t *testing.T, transport string, opts sockets.Options) *kernel {
	t.Helper()
	c := wire.Connection{Transport: transport, IP: "127.0.0.1", Key: "the-secret-key", SignatureScheme: "hmac-sha256"}
	if transport == "ipc" {
		c.IP = filepath.Join(t.TempDir(), "k")
		c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HBPort = 1, 2, 3, 4, 5
	}
	k := &kernel{t: t, log: &syncBuffer{}}
	opts.Log = slog.New(slog.NewTextHandler(k.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	set, err := sockets.Listen(c, opts)
	if err != nil {
		t.Fatal(err)
	}
	k.Set, k.conn = set, set.Connection()
	k.codec = newCodec(t, k.conn)
	set.Welcome(func(topic string) wire.Message {
		return wire.Message{Header: wire.NewHeader("kernel", "iopub_welcome"), Content: json.RawMessage(fmt.Sprintf(`{"subscription":%q}`, topic))}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for _, ch := range []wire.Channel{wire.Shell, wire.Control, wire.Stdin} {
		readers.Go(func() { k.answer(ctx, ch) })
	}
	t.Cleanup(func() {
		cancel()
		readers.Wait()
		linger, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		set.Close(linger)
		if strings.Contains(k.log.String(), c.Key) {
			t.Error("the key is in the log")
		}
	})
	return k
}

func (k *kernel) answer(ctx context.Context, ch wire.Channel) {
	for {
		m, err := k.Receive(ctx, ch)
		if err != nil {
			if !errors.Is(err, context.Canceled) && !errors.Is(err, net.ErrClosed) {
				k.t.Error(err)
			}
			return
		}
		k.mu.Lock()
		k.seen = append(k.seen, m.Header.MsgType)
		k.mu.Unlock()
		reply := wire.Message{Identities: m.Identities, Header: wire.NewHeader("kernel", "reply"), Parent: m.RawHeader, Content: m.Content}
		if err := k.Send(ch, reply); err != nil {
			k.t.Error(err)
		}
		k.say("status", m.Header.MsgID)
	}
}

// say publishes one message.
func (k *kernel) say(msgType, text string) {
	content, _ := json.Marshal(map[string]string{"text": text})
	m := wire.Message{Identities: [][]byte{[]byte("kernel." + msgType)}, Header: wire.NewHeader("kernel", msgType), Content: content}
	if err := k.Publish(m); err != nil {
		k.t.Error(err)
	}
}

// received counts the requests of a type that came through.
func (k *kernel) received(msgType string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, s := range k.seen {
		if s == msgType {
			n++
		}
	}
	return n
}

func newCodec(t *testing.T, c wire.Connection) *wire.Codec {
	codec, err := wire.NewCodec(c)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// front is one front end: shell and IOPub.
type front struct {
	t     *testing.T
	codec *wire.Codec
	shell *sockets.Conn
	iopub *sockets.Conn
	name  string
}

func (k *kernel) front(name string) *front {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dial := func(port int, typ zmq4.SocketType) *sockets.Conn {
		c, err := sockets.Dial(ctx, k.conn.Endpoint(port), typ, name)
		if err != nil {
			k.t.Fatal(err)
		}
		k.t.Cleanup(c.Close)
		return c
	}
	f := &front{
		t: k.t, codec: newCodec(k.t, k.conn), name: name,
		shell: dial(k.conn.ShellPort, zmq4.Dealer), iopub: dial(k.conn.IOPubPort, zmq4.Sub),
	}
	if m := f.next(); m.Header.MsgType != "iopub_welcome" || string(m.Content) != `{"subscription":""}` {
		k.t.Fatalf("first message on IOPub: %s %s", m.Header.MsgType, m.Content)
	}
	return f
}

// next gives the next IOPub message.
func (f *front) next() wire.Message {
	f.t.Helper()
	frames, err := f.iopub.Recv()
	if err != nil {
		f.t.Fatalf("%s: IOPub: %v", f.name, err)
	}
	m, err := f.codec.Decode(frames)
	if err != nil {
		f.t.Fatalf("%s: IOPub: %v", f.name, err)
	}
	return m
}

// ask makes one round trip on shell, and gives how long it took.
func (f *front) ask() (time.Duration, error) {
	begun := time.Now()
	frames, err := f.codec.Encode(wire.Message{Header: wire.NewHeader(f.name, "ask"), Content: json.RawMessage(`{"x":1}`)})
	if err != nil {
		return 0, err
	}
	if err := f.shell.Send(frames); err != nil {
		return 0, err
	}
	got := make(chan error, 1)
	go func() {
		_, err := f.shell.Recv()
		got <- err
	}()
	select {
	case err := <-got:
		return time.Since(begun), err
	case <-time.After(patience):
		f.shell.Close()
		<-got
		return patience, errors.New("no reply")
	}
}

// raw opens a bare connection to a socket.
func (k *kernel) raw(port int) net.Conn {
	k.t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { c.Close() })
	return c
}

// greeting is ZMTP 3.0's, mechanism NULL; ready its READY command.
func greeting() []byte {
	b := make([]byte, 64)
	b[0], b[9], b[10] = 0xff, 0x7f, 3
	copy(b[12:], "NULL")
	return b
}

func ready(socketType string) []byte {
	body := []byte("\x05READY\x0bSocket-Type")
	body = binary.BigEndian.AppendUint32(body, uint32(len(socketType)))
	body = append(body, socketType...)
	return append([]byte{4, byte(len(body))}, body...)
}

// speak opens a connection to a socket and shakes hands, by hand.
func (k *kernel) speak(port int, socketType string) net.Conn {
	k.t.Helper()
	c := k.raw(port)
	if _, err := c.Write(append(greeting(), ready(socketType)...)); err != nil {
		k.t.Fatal(err)
	}
	return c
}

// frame gives one ZMTP frame.
func frame(flags byte, body []byte) []byte {
	if len(body) > 255 {
		return append(binary.BigEndian.AppendUint64([]byte{flags | 2}, uint64(len(body))), body...)
	}
	return append([]byte{flags, byte(len(body))}, body...)
}

func frames(parts [][]byte) []byte {
	var b []byte
	for i, p := range parts {
		flags := byte(1)
		if i == len(parts)-1 {
			flags = 0
		}
		b = append(b, frame(flags, p)...)
	}
	return b
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// eventually waits for is.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}
