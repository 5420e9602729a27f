package sockets_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"spindle/kernel/internal/sockets"
	"spindle/kernel/internal/wire"
)

// abuse is what a front end may do to a kernel, by mistake or on purpose.
type abuse struct {
	name string
	do   func(k *kernel) // returns while it is still going on, or has left its traces
	// logged is what the log must say of it; "" where there is nothing to say.
	logged string
}

const unfinished = "8 messages of 60 MB, 50 of them sent and then silence"

// TestAbuse prints the socket table: under each abuse a healthy front end goes
// on as before, what is bad is dropped and logged, and memory stays bounded.
// Everything is on loopback and ends by itself.
func TestAbuse(t *testing.T) {
	if raceEnabled {
		t.Log("SKIP the check of memory: the race detector multiplies it")
	}
	t.Logf("%-58s %10s %10s %12s %s", "abuse", "median ms", "max ms", "RSS MiB", "goroutines")
	for _, a := range abuses() {
		t.Run(a.name, func(t *testing.T) {
			k := serve(t, "tcp", sockets.Options{}.WithLimits(sockets.Limits{Handshake: 2 * time.Second}))
			k.t = t
			f := k.front("healthy")
			if _, err := f.ask(); err != nil { // every front end asks kernel_info first
				t.Fatal(err)
			}
			f.next()
			rss := rssBytes(t)
			a.do(k)
			const rounds = 50
			var times []time.Duration
			for range rounds {
				d, err := f.ask()
				if err != nil {
					t.Fatal("healthy front end:", err)
				}
				if m := f.next(); m.Header.MsgType != "status" {
					t.Fatalf("IOPub has %s", m.Header.MsgType)
				}
				times = append(times, d)
			}
			grown := rssBytes(t) - rss
			slowest, median := maxMedian(times)
			t.Logf("%-58s %10.2f %10.2f %+12.1f %d", a.name, ms(median), ms(slowest), float64(grown)/(1<<20), runtime.NumGoroutine())
			if slowest > 2*time.Second {
				t.Errorf("a round trip took %v", slowest)
			}
			if !raceEnabled && grown > 5*sockets.InboundBudgetBytes/2 { // a buffer that grows is there twice
				t.Errorf("%d MiB more", grown>>20)
			}
			// Another one gets in while it lasts.
			if _, err := k.front("newcomer").ask(); err != nil {
				t.Error("newcomer:", err)
			}
			if a.logged != "" {
				eventually(t, "logged: "+a.logged, func() bool { return strings.Contains(k.log.String(), a.logged) })
			}
			if n := k.received("evil"); n > 0 {
				t.Errorf("%d bad messages came through", n)
			}
			if left := sockets.InboundBudgetBytes - k.BudgetLeft(); left != 0 && a.name != unfinished {
				t.Errorf("%d bytes are still charged", left)
			}
		})
	}
}

func abuses() []abuse {
	send := func(k *kernel, c net.Conn, b []byte) {
		_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = c.Write(b) // a kernel may have closed it by then
	}
	ports := func(k *kernel) []int {
		return []int{k.conn.ShellPort, k.conn.ControlPort, k.conn.StdinPort, k.conn.IOPubPort, k.conn.HBPort}
	}
	types := map[int]string{0: "DEALER", 1: "DEALER", 2: "DEALER", 3: "SUB", 4: "REQ"}
	// onAll sends b after a handshake on each of the five sockets.
	onAll := func(b []byte) func(*kernel) {
		return func(k *kernel) {
			for i, port := range ports(k) {
				send(k, k.speak(port, types[i]), b)
			}
		}
	}
	// raw sends b instead of a handshake.
	raw := func(b []byte) func(*kernel) {
		return func(k *kernel) {
			for _, port := range ports(k) {
				send(k, k.raw(port), b)
			}
		}
	}
	long := func(flags byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{flags | 2}, n) }
	evil := func(k *kernel) [][]byte {
		parts, err := k.codec.Encode(wire.Message{Header: wire.NewHeader("evil", "evil"), Content: json.RawMessage(`{}`)})
		if err != nil {
			k.t.Fatal(err)
		}
		return parts
	}
	greet := func(more ...[]byte) []byte { return bytes.Join(append([][]byte{greeting()}, more...), nil) }
	return []abuse{
		{"nothing", func(*kernel) {}, ""},
		{"connects and says nothing, on every socket", raw(nil), ""},
		{"half a greeting", raw(greeting()[:31]), ""},
		{"speaks HTTP", raw([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + strings.Repeat("x", 64))), "handshake failed"},
		{"random bytes", raw(bytes.Repeat([]byte{0xff, 0x13, 0x7f, 0x02, 0x99}, 2000)), "handshake failed"},
		{"an older ZMTP", raw(func() []byte { g := greeting(); g[10] = 1; return g }()), "handshake failed"},
		{"another mechanism", raw(func() []byte { g := greeting(); copy(g[12:], "CURVE"); return g }()), "handshake failed"},
		{"READY of 2 GB", raw(greet(long(4, 2<<30))), "handshake failed"},
		{"READY of 2^63 bytes", raw(greet(long(4, 1<<63))), "handshake failed"},
		{"READY with metadata beyond its end", raw(greet(frame(4, []byte("\x05READY\x0cSocket")))), "handshake failed"},
		{"READY with a value beyond its end", raw(greet(frame(4, []byte("\x05READY\x01a\xff\xff\xff\xff")))), "handshake failed"},
		{"READY without socket type", raw(greet(frame(4, []byte("\x05READY")))), "handshake failed"},
		{"READY as a socket that doesn't fit", raw(greet(ready("PUSH"))), "handshake failed"},
		{"READY as no socket", raw(greet(ready("TOASTER"))), "handshake failed"},
		{"a message instead of READY", raw(greet(frame(0, []byte("hello")))), "handshake failed"},
		{"frame of 2 GB announced", onAll(long(0, 2<<30)), "message too large"},
		{"frame of 2^63 bytes announced", onAll(long(1, 1<<63)), "message too large"},
		{"frames without end", onAll(bytes.Repeat(frame(1, nil), 100_000)), "message too large"},
		{"unknown frame flags", onAll([]byte{0xf8, 3, 1, 2, 3}), "unknown flags"},
		{"commands of every kind", onAll(bytes.Join([][]byte{
			frame(4, nil), frame(4, []byte("\xff")), frame(4, []byte("\x04PING")), frame(4, []byte("\x04PINGxxctx")),
			frame(4, []byte("\x09SUBSCRIBE")), frame(4, []byte("\x06CANCEL")), frame(4, []byte("\x05ERRORx")), frame(5, []byte("\x04PING")),
		}, nil)), "unknown flags"},
		{"empty and short messages", onAll(bytes.Repeat(append(frame(0, nil), frame(0, []byte("x"))...), 500)), "malformed message"},
		{"messages without delimiter", onAll(bytes.Repeat(frames([][]byte{[]byte("a"), []byte("b"), []byte("c")}), 500)), "malformed message"},
		{"bad signatures", func(k *kernel) {
			parts := evil(k)
			parts[1] = bytes.Repeat([]byte("0"), 64)
			onAll(bytes.Repeat(frames(parts), 1000))(k)
		}, "bad signature"},
		{"missing signatures", func(k *kernel) {
			parts := evil(k)
			parts[1] = nil
			onAll(bytes.Repeat(frames(parts), 1000))(k)
		}, "bad signature"},
		{"a shutdown replayed on every socket", func(k *kernel) {
			parts, err := k.codec.Encode(wire.Message{Header: wire.NewHeader("evil", "shutdown_request"), Content: json.RawMessage(`{}`)})
			if err != nil {
				k.t.Fatal(err)
			}
			send(k, k.speak(k.conn.ControlPort, "DEALER"), frames(parts))
			eventually(k.t, "the shutdown itself", func() bool { return k.received("shutdown_request") == 1 })
			onAll(bytes.Repeat(frames(parts), 1000))(k)
			k.t.Cleanup(func() {
				if n := k.received("shutdown_request"); n != 1 {
					k.t.Errorf("%d shutdowns came through", n)
				}
			})
		}, "repeated signature"},
		{unfinished, func(k *kernel) {
			for range 8 {
				c := k.speak(k.conn.ShellPort, "DEALER")
				send(k, c, long(0, 60<<20))
				for range 50 {
					send(k, c, make([]byte, 1<<20))
				}
			}
		}, "no memory left"},
		{"vanishes in the middle of messages", func(k *kernel) {
			for range 50 {
				c := k.speak(k.conn.ShellPort, "DEALER")
				send(k, c, long(1, 1<<20))
				send(k, c, make([]byte, 1000))
				_ = c.(*net.TCPConn).SetLinger(0) // a reset, not a FIN
				c.Close()
			}
		}, ""},
		{"floods shell with garbage", flood(func(k *kernel) []byte { return frames([][]byte{[]byte("<IDS|MSG>"), []byte("junk")}) }), "malformed message"},
		{"floods shell with bad signatures", flood(func(k *kernel) []byte {
			parts := evil(k)
			parts[1] = bytes.Repeat([]byte("0"), 64)
			return frames(parts)
		}), "bad signature"},
		{"floods with subscriptions", func(k *kernel) {
			c := k.speak(k.conn.IOPubPort, "SUB")
			var b []byte
			for i := range 100_000 {
				b = append(b, frame(0, []byte("\x01topic"+strconv.Itoa(i)))...)
			}
			send(k, c, b)
		}, "refused a subscription"},
		{"10,000 connects that say nothing", func(k *kernel) { connects(k, 10_000, nil) }, "without handshake"},
		{"10,000 connects with handshake", func(k *kernel) { connects(k, 10_000, append(greeting(), ready("DEALER")...)) }, ""},
	}
}

// flood sends signed-looking rubbish as fast as it goes for as long as the
// test lasts, on 4 connections.
func flood(message func(k *kernel) []byte) func(*kernel) {
	return func(k *kernel) {
		b := bytes.Repeat(message(k), 100)
		for range 4 {
			c := k.speak(k.conn.ShellPort, "DEALER")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for {
					if _, err := c.Write(b); err != nil {
						return
					}
				}
			}()
			k.t.Cleanup(func() { c.Close(); <-ended })
		}
	}
}

// connects opens n connections to shell, 100 at a time, and leaves the last
// ones open. What it sends first is the same on each.
func connects(k *kernel, n int, first []byte) {
	var open []net.Conn
	defer func() {
		k.t.Cleanup(func() {
			for _, c := range open {
				c.Close()
			}
		})
	}()
	for range n {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", k.conn.ShellPort), 5*time.Second)
		if err != nil {
			k.t.Fatal(err)
		}
		if first != nil {
			_, _ = c.Write(first) // the kernel may have had enough of it
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = io.ReadFull(c, make([]byte, 64))
		}
		if open = append(open, c); len(open) > 500 {
			open[0].Close()
			open = open[1:]
		}
	}
}

func maxMedian(d []time.Duration) (largest, median time.Duration) {
	sorted := append([]time.Duration(nil), d...)
	for i := range sorted {
		for j := i; j > 0 && sorted[j] < sorted[j-1]; j-- {
			sorted[j], sorted[j-1] = sorted[j-1], sorted[j]
		}
	}
	return sorted[len(sorted)-1], sorted[len(sorted)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rssBytes is this process's resident memory after a collection; 0 where there
// is no /proc, which makes its check say nothing.
func rssBytes(t *testing.T) int64 {
	runtime.GC()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Log("SKIP the check of memory: no /proc/self/statm")
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
