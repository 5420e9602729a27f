package sockets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"spindle/kernel/internal/sockets"
	"spindle/kernel/internal/wire"
)

// zmq4's own sockets, which are another implementation than ours, talk to all
// five. (libzmq does in the tests of kernel, through jupyter_client.)
func TestForeignSockets(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			k := serve(t, transport, sockets.Options{})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			open := func(s zmq4.Socket, port int) zmq4.Socket {
				if err := s.Dial(k.conn.Endpoint(port)); err != nil {
					t.Fatal(err)
				}
				return s
			}
			sub := zmq4.NewSub(ctx)
			if err := sub.SetOption(zmq4.OptionSubscribe, "kernel.st"); err != nil {
				t.Fatal(err)
			}
			open(sub, k.conn.IOPubPort)
			if m, err := sub.Recv(); err != nil || string(m.Frames[0]) != "kernel.st" || !strings.Contains(string(m.Frames[3]), "iopub_welcome") {
				t.Fatalf("welcome: %s %v", m, err)
			}
			for i, port := range []int{k.conn.ShellPort, k.conn.ControlPort, k.conn.StdinPort} {
				dealer := open(zmq4.NewDealer(ctx, zmq4.WithID(zmq4.SocketIdentity("me"))), port)
				content := json.RawMessage(`{"big":"` + strings.Repeat("x", 300_000*i) + `"}`)
				frames, err := k.codec.Encode(wire.Message{Header: wire.NewHeader("me", "ask"), Content: content})
				if err != nil {
					t.Fatal(err)
				}
				if err := dealer.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
					t.Fatal(err)
				}
				reply, err := dealer.Recv()
				if err != nil {
					t.Fatal(err)
				}
				m, err := k.codec.Decode(reply.Frames)
				if err != nil || !bytes.Equal(m.Content, content) {
					t.Errorf("socket %d: %d bytes back, %v", i, len(m.Content), err)
				}
				if m, err := sub.Recv(); err != nil || string(m.Frames[0]) != "kernel.status" {
					t.Errorf("IOPub: %s %v", m, err)
				}
				dealer.Close()
			}
			k.say("other", "not subscribed")
			k.say("status", "last")
			if m, err := sub.Recv(); err != nil || !strings.Contains(string(m.Frames[6]), "last") {
				t.Errorf("IOPub: %s %v", m, err)
			}
			req := open(zmq4.NewReq(ctx), k.conn.HBPort)
			for _, ping := range []string{"ping", "", "ping again"} {
				if err := req.Send(zmq4.NewMsgString(ping)); err != nil {
					t.Fatal(err)
				}
				if m, err := req.Recv(); err != nil || string(m.Frames[0]) != ping {
					t.Errorf("heartbeat: %s %v", m, err)
				}
			}
			sub.Close()
			req.Close()
		})
	}
}

func TestListenSaysWhatIsInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := wire.Connection{Transport: "tcp", IP: "127.0.0.1", Key: "k", StdinPort: ln.Addr().(*net.TCPAddr).Port}
	_, err = sockets.Listen(c, sockets.Options{})
	if err == nil || !strings.Contains(err.Error(), "stdin socket") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
	if _, err := sockets.Listen(wire.Connection{Transport: "pigeon", IP: "x"}, sockets.Options{}); err == nil {
		t.Error("no error for an unknown transport")
	}
}

// A kernel that was killed leaves its socket files; the next one gets the same
// paths. A kernel that lives keeps its own.
func TestSocketFileThatIsLeft(t *testing.T) {
	c := wire.Connection{
		Transport: "ipc", IP: filepath.Join(t.TempDir(), "k"), Key: "k",
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
	}
	left, err := net.Listen("unix", c.IP+"-1")
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	if _, err := sockets.Listen(c, sockets.Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("beside a kernel that lives: %v", err)
	}
	left.Close()
	set, err := sockets.Listen(c, sockets.Options{})
	if err != nil {
		t.Fatal("where a kernel was killed:", err)
	}
	info, err := os.Stat(c.IP + "-1")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	set.Close(context.Background())
	if _, err := os.Stat(c.IP + "-1"); !os.IsNotExist(err) {
		t.Errorf("the file is left behind: %v", err)
	}
}

// With one of five subscribers stalled, every other gets every message, in
// order, and soon; the stalled one costs a bounded amount of memory.
func TestStalledSubscriber(t *testing.T) {
	for _, stalls := range []struct {
		name string
		n    int
		at   func(k *kernel)
	}{
		{"subscribes and never reads", 20_001, func(k *kernel) {
			c := k.speak(k.conn.IOPubPort, "SUB")
			if _, err := c.Write(frame(0, []byte{1})); err != nil {
				t.Fatal(err)
			}
		}},
		{"reads a little and stops", 6_001, func(k *kernel) {
			c := k.speak(k.conn.IOPubPort, "SUB")
			if _, err := c.Write(frame(0, []byte{1})); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(stalls.name, func(t *testing.T) {
			k := serve(t, "tcp", sockets.Options{}.WithLimits(sockets.Limits{QueueBytes: 8 << 20}))
			k.t = t
			stalls.at(k)
			var fronts []*front
			for i := range 4 {
				fronts = append(fronts, k.front(fmt.Sprint("healthy-", i)))
			}
			eventually(t, "5 subscribers", func() bool { return k.Peers() == 5+4 })
			n := stalls.n
			text := strings.Repeat("x", 1000) // 20 MB in all: more than the buffers on the way
			var readers, step sync.WaitGroup
			for _, f := range fronts {
				readers.Go(func() {
					for i := range n {
						if i%500 == 0 && i > 0 {
							step.Done()
						}
						var content struct{ Text string }
						if err := json.Unmarshal(f.next().Content, &content); err != nil {
							t.Error(err)
							return
						}
						if got, _, _ := strings.Cut(content.Text, " "); got != fmt.Sprint(i) {
							t.Errorf("%s: message %d is %s", f.name, i, got)
							return
						}
					}
				})
			}
			begun := time.Now()
			var slowest time.Duration
			for i := range n {
				at := time.Now()
				k.say("status", fmt.Sprintf("%d %s", i, text)) // no output: none may be left out
				slowest = max(slowest, time.Since(at))
				if i%500 == 0 && i > 0 {
					step.Wait() // all at once would be a flood for the healthy too
				}
				if i%500 == 0 && i+500 < n {
					step.Add(len(fronts))
				}
			}
			readers.Wait()
			t.Logf("%d messages to 4 healthy subscribers of 5: all, in order, in %v; slowest publish %v", n, time.Since(begun).Round(time.Millisecond), slowest)
			if slowest > 2*time.Second {
				t.Errorf("a publish took %v", slowest)
			}
		})
	}
}

// A subscriber that is slow misses output, but nothing else, and is told.
func TestSlowSubscriberIsTold(t *testing.T) {
	k := serve(t, "tcp", sockets.Options{}.WithLimits(sockets.Limits{QueueBytes: 4 << 20}))
	f := k.front("slow")
	const n = 3000
	for i := range n {
		k.say("stream", fmt.Sprint(i, " ", strings.Repeat("x", 10_000)))
	}
	k.say("status", "idle")
	streams, told, idle := 0, false, false
	for !idle {
		m := f.next()
		switch {
		case m.Header.MsgType == "status":
			idle = true
		case strings.Contains(string(m.Content), "left out here"):
			told = true
		default:
			streams++
		}
	}
	if streams >= n || !told {
		t.Errorf("%d of %d messages, told %v", streams, n, told)
	}
	// It reads again: it gets everything again.
	k.say("stream", "after")
	if m := f.next(); !strings.Contains(string(m.Content), "after") {
		t.Errorf("%s", m.Content)
	}
}

func TestPeerThatStopsReadingIsDropped(t *testing.T) {
	k := serve(t, "tcp", sockets.Options{}.WithLimits(sockets.Limits{Stall: 100 * time.Millisecond}))
	c := k.speak(k.conn.IOPubPort, "SUB")
	if _, err := c.Write(frame(0, []byte{1})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a subscriber", func() bool { return k.Peers() == 1 })
	eventually(t, "no subscriber", func() bool {
		k.say("status", strings.Repeat("x", 1<<20))
		return k.Peers() == 0
	})
}

// Replies to a front end that does not read them end with that front end.
func TestFrontEndThatReadsNoReplies(t *testing.T) {
	k := serve(t, "tcp", sockets.Options{}.WithLimits(sockets.Limits{QueueBytes: 1 << 20}))
	other := k.front("other")
	c := k.speak(k.conn.ShellPort, "DEALER")
	content := json.RawMessage(`{"x":"` + strings.Repeat("x", 100_000) + `"}`)
	go func() {
		for {
			parts, _ := k.codec.Encode(wire.Message{Header: wire.NewHeader("deaf", "ask"), Content: content})
			if _, err := c.Write(frames(parts)); err != nil {
				return
			}
		}
	}()
	eventually(t, "the deaf one is dropped", func() bool { return strings.Contains(k.log.String(), "does not read") })
	if d, err := other.ask(); err != nil || d > 2*time.Second {
		t.Errorf("another front end: %v, %v", d, err)
	}
}

// Input requests go to stdin by the identity of shell; a stale connection with
// the same identity gives way to one that has the key.
func TestIdentities(t *testing.T) {
	k := serve(t, "tcp", sockets.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dial := func(port int) *sockets.Conn {
		c, err := sockets.Dial(ctx, k.conn.Endpoint(port), zmq4.Dealer, "me")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	stdin := dial(k.conn.StdinPort)
	eventually(t, "stdin is there", func() bool { return k.Peers() == 1 })
	if err := k.Send(wire.Stdin, wire.Message{Identities: [][]byte{[]byte("shell's connection"), []byte("me")}, Header: wire.NewHeader("k", "input_request")}); err != nil {
		t.Fatal(err)
	}
	if frames, err := stdin.Recv(); err != nil || len(frames) != 6 {
		t.Errorf("input_request: %d frames, %v", len(frames), err)
	}
	stale, fresh := dial(k.conn.ShellPort), dial(k.conn.ShellPort)
	ask := func(c *sockets.Conn) {
		parts, _ := k.codec.Encode(wire.Message{Header: wire.NewHeader("me", "ask")})
		if err := c.Send(parts); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Recv(); err != nil {
			t.Error(err)
		}
	}
	ask(stale)
	ask(fresh)
	ask(stale) // each gets the replies to its own requests
	if err := k.Send(wire.Shell, wire.Message{Identities: [][]byte{{}, []byte("nobody")}, Header: wire.NewHeader("k", "reply")}); err != nil {
		t.Errorf("reply to nobody: %v", err)
	}
}

// What is queued when the sockets close still arrives.
func TestCloseSendsTheLast(t *testing.T) {
	k := serve(t, "tcp", sockets.Options{})
	f := k.front("f")
	const n = 500
	for i := range n {
		k.say("stream", fmt.Sprint(i, strings.Repeat("x", 5000)))
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		k.Close(ctx)
	}()
	for range n {
		f.next()
	}
	if _, err := f.iopub.Recv(); err == nil {
		t.Error("IOPub is open after the end")
	}
	<-closed
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", k.conn.ShellPort)); err == nil {
		t.Error("shell is open after the end")
	}
}
