package engine

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCatcher(t *testing.T) {
	at := time.Unix(0, 0)
	trace := "panic: boom\n\ngoroutine 3 [running]:\nmain(...)\n\tcell 1, line 2\n"
	t.Run("ordinary output passes", func(t *testing.T) {
		var c catcher
		if got := c.feed([]byte("warning: x\n"), at); string(got) != "warning: x\n" || c.holding {
			t.Errorf("%q", got)
		}
	})
	t.Run("last words are held", func(t *testing.T) {
		var c catcher
		got := c.feed([]byte("before "+trace[:20]), at)
		got = append(got, c.feed([]byte(trace[20:]), at)...)
		if string(got) != "before " || string(c.take(at)) != trace {
			t.Errorf("passed %q", got)
		}
	})
	t.Run("and released when nobody dies", func(t *testing.T) {
		var c catcher
		c.feed([]byte("panic: only a word\n"), at)
		if got := c.expire(at.Add(holdTime / 2)); got != nil {
			t.Errorf("too soon: %q", got)
		}
		if got := c.expire(at.Add(holdTime)); string(got) != "panic: only a word\n" {
			t.Errorf("%q", got)
		}
		// It may die of them all the same.
		if got := c.take(at.Add(2 * holdTime)); string(got) != "panic: only a word\n" {
			t.Errorf("forgotten: %q", got)
		}
	})
	t.Run("much is cut", func(t *testing.T) {
		var c catcher
		c.feed([]byte(trace), at)
		for i := range 100_000 {
			c.feed(fmt.Appendf(nil, "goroutine %d [running]:\n", i), at)
		}
		if !c.enough() {
			t.Error("not enough")
		}
		got := c.take(at)
		if len(got) > 2*holdMost || !bytes.HasPrefix(got, []byte(trace)) || !bytes.HasSuffix(got, []byte("goroutine 99999 [running]:\n")) {
			t.Errorf("%d bytes", len(got))
		}
	})
}

func TestDescribeDeath(t *testing.T) {
	exit := func(n int) syscall.WaitStatus { return syscall.WaitStatus(n << 8) }
	for name, c := range map[string]struct {
		status        syscall.WaitStatus
		trace, reason string
		ename, evalue string
		traceback     string
	}{
		"panic":     {exit(2), "panic: boom\n\ngoroutine 3 [running]:\nmain(...)\n\tcell 1, line 2\n", "", "panic", "boom", "cell 1, line 2"},
		"overflow":  {exit(2), "runtime: goroutine stack exceeds 33554432-byte limit\nruntime: sp=0x1 stack=[0x1, 0x2]\nfatal error: stack overflow\n\nruntime stack:\nruntime.throw({0x1, 0x2})\n\t/x.go:1\n\ngoroutine 5 gp=0x1 m=0 mp=0x2 [running labels:{\"spindle_cell\": \"3\"}]:\nspindle/kernel/internal/interp.at(0x8000000300000002, 0x1)\n\t/x:1\n", "", "fatal error", "stack overflow", "cell 3, line 2"},
		"exit":      {exit(3), "", "", "exit status 3", "the process that cells run in ended itself (os.Exit(3), log.Fatal or the like)", "exit status 3"},
		"killed":    {syscall.WaitStatus(9), "", "", "signal: killed", "the process that cells run in was killed, from outside or for lack of memory", "signal: killed"},
		"interrupt": {syscall.WaitStatus(9), "", reasonInterrupt, "interrupted", "the cell did not stop when asked, so its process was ended", "interrupted"},
		"memory":    {syscall.WaitStatus(9), "", "fatal error: out of memory: too much", "fatal error", "out of memory: too much", "fatal error"},
	} {
		t.Run(name, func(t *testing.T) {
			err := describeDeath(c.status, []byte(c.trace), c.reason)
			if err.EName != c.ename || err.EValue != c.evalue {
				t.Errorf("%s: %s", err.EName, err.EValue)
			}
			text := strings.Join(err.Traceback, "\n")
			if !strings.Contains(text, c.traceback) || strings.Contains(text, "runtime.throw") || strings.Contains(text, "sp=0x1") {
				t.Errorf("traceback:\n%s", text)
			}
		})
	}
}
