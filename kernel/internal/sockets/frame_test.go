package sockets

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

func reader(b []byte, budget *budget, limit int64) *frameReader {
	return &frameReader{
		r: bufio.NewReader(bytes.NewReader(b)), budget: budget, limit: limit,
		inside: func() {}, outside: func() {},
	}
}

func TestEncodeAndRead(t *testing.T) {
	for _, sizes := range [][]int{{0}, {1}, {255}, {256}, {0, 0, 0}, {300_000, 1, 1 << 20}, {freeBytes, freeBytes}} {
		var frames [][]byte
		for i, n := range sizes {
			frames = append(frames, bytes.Repeat([]byte{byte(i)}, n))
		}
		b := newBudget(8 << 20)
		m, err := reader(encode(frames), b, 8<<20).next()
		if err != nil {
			t.Fatal(sizes, err)
		}
		for i := range frames {
			if !bytes.Equal(frames[i], m.frames[i]) {
				t.Errorf("%v: frame %d differs", sizes, i)
			}
		}
		if taken := 8<<20 - b.left.Load(); taken != m.charged {
			t.Errorf("%v: %d taken, %d charged", sizes, taken, m.charged)
		}
	}
	m, err := reader(command("PING", make([]byte, 300)), newBudget(1), 1<<20).next()
	if name, body := splitCommand(m.frames[0]); err != nil || !m.command || name != "PING" || len(body) != 300 {
		t.Errorf("command: %+v %v", m, err)
	}
}

func TestReadIsBounded(t *testing.T) {
	big := encode([][]byte{make([]byte, 1<<20)})
	if _, err := reader(big, newBudget(1<<19), 8<<20).next(); !errors.Is(err, errTooLarge) {
		t.Errorf("beyond the budget: %v", err)
	}
	if _, err := reader(big, newBudget(8<<20), 1<<19).next(); !errors.Is(err, errTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
	b := newBudget(8 << 20)
	if _, err := reader(big[:1<<19], b, 8<<20).next(); !errors.Is(err, io.ErrUnexpectedEOF) || b.left.Load() != 8<<20 {
		t.Errorf("cut: %v, %d left", err, b.left.Load())
	}
}

// FuzzRead feeds a peer's bytes after the handshake.
func FuzzRead(f *testing.F) {
	f.Add(encode([][]byte{{}, []byte("<IDS|MSG>"), make([]byte, 300)}))
	f.Add(command("PING", []byte("xxctx")))
	f.Add([]byte{2, 0, 0, 0, 0, 0x80, 0, 0, 0})
	f.Add([]byte{3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{1, 0, 1, 0, 4, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		const budgetBytes, limit = 1 << 20, 1 << 19
		left := newBudget(budgetBytes)
		fr := reader(b, left, limit)
		total := 0
		for {
			m, err := fr.next()
			if err != nil {
				break
			}
			size := 0
			for _, f := range m.frames {
				size += len(f)
			}
			if total += size; size > limit || total > len(b) {
				t.Fatalf("%d bytes from %d", total, len(b))
			}
			if m.command {
				splitCommand(m.frames[0])
			} else if again, err := reader(encode(m.frames), newBudget(budgetBytes), limit).next(); err != nil || len(again.frames) != len(m.frames) {
				t.Fatalf("%v: %d frames, were %d", err, len(again.frames), len(m.frames))
			}
			left.release(m.charged)
		}
		if left.left.Load() != budgetBytes {
			t.Errorf("%d left of the budget", left.left.Load())
		}
	})
}

// FuzzHandshake feeds a peer's bytes before it.
func FuzzHandshake(f *testing.F) {
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	ready := func(body string) []byte { return append(bytes.Clone(greeting), command("READY", []byte(body))...) }
	f.Add(ready("\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x02me"))
	f.Add(ready("\x0bSocket-Type\x00\x00\x00\x03SUB"))
	f.Add(ready("\x0bSocket-Type\x00\x00\x00\x07TOASTER"))
	f.Add(ready("\x01a\xff\xff\xff\xff"))
	f.Add(greeting[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, typ := range []zmq4.SocketType{zmq4.Router, zmq4.XPub, zmq4.Rep} {
			here, there := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				go func() { _, _ = io.Copy(io.Discard, there) }() // ends with here
				_, _ = there.Write(b)
				there.Close()
			}()
			id, err := handshake(here, typ, "", true, time.Second)
			if err == nil && len(id) > 255 {
				t.Errorf("identity of %d bytes", len(id))
			}
			here.Close()
			<-done
		}
	})
}
