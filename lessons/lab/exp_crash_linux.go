package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What a crash happens in.
const (
	inProcess   = "process"
	inThread    = "thread"
	inGoroutine = "goroutine"
)

var crashWays = []string{"SIGKILL", "nil dereference", "panic", "exit 3", "stack overflow", "concurrent map writes"}

// runCrash is P5 and T5.
func runCrash(b *bench, p CrashParams) error {
	ways := p.Ways
	if ways == nil {
		ways = crashWays
	}
	for _, w := range ways {
		if !slices.Contains(crashWays, w) {
			return fmt.Errorf("way %q is none of %s", w, strings.Join(crashWays, ", "))
		}
	}
	alive := map[string][]float64{}
	total, done := 3*len(ways)+2, 0
	for _, way := range ways {
		for _, in := range []string{inProcess, inThread, inGoroutine} {
			b.progress(done, total, "%s in a %s", way, in)
			done++
			crash := crashInside
			if in == inProcess {
				crash = crashProcess
			}
			status, left, err := crash(crashOrder{Way: way, In: in})
			if err != nil {
				return err
			}
			alive[in] = append(alive[in], float64(left))
			b.fact(way+" in a "+in, "%s; %d of %d siblings go on", status, left, siblings)
		}
	}
	for _, in := range []string{inProcess, inThread, inGoroutine} {
		b.add("crash/survivors/"+in, "siblings that outlive a crash", in, "siblings", alive[in]...)
	}
	for _, in := range []string{inThread, inGoroutine} {
		b.progress(done, total, "recovered panic in a %s", in)
		done++
		status, left, err := crashInside(crashOrder{Way: "panic", In: in, Recover: true})
		if err != nil {
			return err
		}
		b.fact("panic with recover in a "+in, "%s; %d of %d siblings go on", status, left, siblings)
	}
	b.fact("this process afterwards", "PID %d is still here", os.Getpid())
	return nil
}

type crashOrder struct {
	Way     string `json:"way"`
	In      string `json:"in"`
	Recover bool   `json:"recover,omitempty"`
}

// crashProcess starts a victim and its siblings as processes.
func crashProcess(o crashOrder) (status string, left int, err error) {
	var group []*sub
	for range siblings {
		s, err := launch("tick", nil, launchOptions{})
		if err != nil {
			return "", 0, err
		}
		defer s.kill()
		group = append(group, s)
	}
	victim, err := launch("crash", o, launchOptions{})
	if err != nil {
		return "", 0, err
	}
	defer victim.kill()
	if err := victim.recv(nil); err != nil {
		return "", 0, err
	}
	if err := victim.send("now"); err != nil {
		return "", 0, err
	}
	status, err = endOf(victim)
	if err != nil {
		return "", 0, err
	}
	for _, s := range group {
		var before, after int64
		if s.send("?") == nil && s.recv(&before) == nil && s.send("?") == nil && s.recv(&after) == nil && after > before {
			left++
		}
	}
	return status, left, nil
}

// crashInside starts a victim and its siblings as threads or goroutines of
// one process.
func crashInside(o crashOrder) (status string, left int, err error) {
	s, err := launch("crash", o, launchOptions{})
	if err != nil {
		return "", 0, err
	}
	defer s.kill()
	if err := s.recv(nil); err != nil {
		return "", 0, err
	}
	if err := s.send("now"); err != nil {
		return "", 0, err
	}
	if err := s.recv(&left); err == nil {
		return "the process goes on", left, nil
	}
	status, err = endOf(s)
	return status, 0, err
}

// endOf waits for a process that is to crash, and decodes how it did.
func endOf(s *sub) (string, error) {
	ended := make(chan error, 1)
	go func() { ended <- s.wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return "", err
		}
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-ended
		return "", fmt.Errorf("the process that was to crash did not within 20 s")
	}
	return describeExit(s.cmd.ProcessState) + causeIn(s.stderr.String()), nil
}

// causeIn finds Go's own line on why it died.
func causeIn(stderr string) string {
	for line := range strings.Lines(stderr) {
		for _, p := range []string{"panic: ", "fatal error: ", "runtime: goroutine stack exceeds", "runtime: failed to create new OS thread"} {
			if strings.HasPrefix(line, p) {
				return ", " + strings.TrimSpace(line)
			}
		}
	}
	return ""
}

// playTick counts, and says where it is when asked.
func playTick(p *peer) error {
	var n atomic.Int64
	go func() { // ticks until the process ends
		for {
			n.Add(1)
			time.Sleep(50 * time.Microsecond)
		}
	}()
	for {
		if err := p.recv(nil); err != nil {
			return err
		}
		at := n.Load()
		eventually(time.Second, func() bool { return n.Load() > at })
		if err := p.send(n.Load()); err != nil {
			return err
		}
	}
}

// playCrash makes a fault in this process, or in one of its threads or
// goroutines with siblings beside it. If it is still there afterwards it
// says how many siblings tick.
func playCrash(p *peer) error {
	var o crashOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	debug.SetMaxStack(1 << 20) // runaway recursion ends sooner than at 1 GB
	var ticks [siblings]atomic.Int64
	if o.In != inProcess {
		for i := range ticks {
			go func() { // ticks until the process ends
				if o.In == inThread {
					runtime.LockOSThread()
				}
				for {
					ticks[i].Add(1)
					time.Sleep(50 * time.Microsecond)
				}
			}()
		}
	}
	if err := p.send("ready"); err != nil {
		return err
	}
	if err := p.recv(nil); err != nil {
		return err
	}
	if o.In == inProcess {
		fault(o.Way)
	}
	over := make(chan struct{})
	go func() {
		if o.In == inThread {
			runtime.LockOSThread()
		}
		defer close(over)
		if o.Recover {
			defer func() { _ = recover() }()
		}
		fault(o.Way)
	}()
	<-over
	left := 0
	for i := range ticks {
		at := ticks[i].Load()
		if eventually(time.Second, func() bool { return ticks[i].Load() > at }) {
			left++
		}
	}
	return p.send(left)
}

// fault does what ends a process; it returns for a mistake in way only.
func fault(way string) {
	switch way {
	case "SIGKILL":
		_ = unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGKILL)
		time.Sleep(time.Minute)
	case "nil dereference":
		var p *struct{ field int }
		p.field++ //nolint:staticcheck // the fault is the purpose
	case "panic":
		panic("a bug")
	case "exit 3":
		os.Exit(3)
	case "stack overflow":
		recurse(0)
	case "concurrent map writes":
		m := map[int]int{}
		for range 4 {
			go func() {
				for i := 0; ; i++ {
					m[i%16] = i
				}
			}()
		}
		time.Sleep(time.Minute)
	}
}

//go:noinline
func recurse(n int) int {
	var pad [512]byte
	if n < 0 { // never: the stack is full long before n is
		return n
	}
	pad[n%len(pad)] = byte(n)
	return recurse(n+1) + int(pad[(n+1)%len(pad)])
}
