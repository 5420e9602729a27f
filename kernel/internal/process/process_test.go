package process

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	const tail = " 1 77 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 12 0 4711 1000 25 18446744073709551615"
	for name, c := range map[string]struct {
		in      string
		command string
		state   byte
		ok      bool
	}{
		"plain":   {"42 (sh) S" + tail, "sh", 'S', true},
		"blanks":  {"42 (a ) R (b) Z" + tail, "a ) R (b", 'Z', true},
		"empty":   {"", "", 0, false},
		"no name": {"42 S" + tail, "", 0, false},
		"cut":     {"42 (sh) S 1 2", "", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parseStat([]byte(c.in))
			if (err == nil) != c.ok {
				t.Fatalf("err = %v", err)
			}
			if !c.ok {
				return
			}
			if p.PID != 42 || p.PPID != 1 || p.Group != 77 || p.Threads != 12 || p.StartTicks != 4711 ||
				p.RSSBytes != 25*int64(os.Getpagesize()) || p.Command != c.command || p.State != c.state {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestKillAllEndsAWholeTree(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sh -c 'sleep 1000 & sleep 1000' & sleep 1000")
	if err := Start(cmd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	live := func() []Info {
		tree, err := Descendants(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		var mine []Info
		for _, p := range tree {
			if p.Group == pid && p.State != 'Z' {
				mine = append(mine, p)
			}
		}
		return mine
	}
	for len(live()) < 5 {
		time.Sleep(time.Millisecond)
	}
	killed, err := KillAll(live, time.Second)
	if err != nil || killed < 5 {
		t.Fatalf("killed %d, %v", killed, err)
	}
	_ = Wait(cmd)
	if left := live(); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestWatchStops(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := Start(cmd, 0); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	stops := make(chan bool)
	go func() {
		WatchStops(pid, func() { _ = unix.Kill(pid, unix.SIGCONT); stops <- true })
		close(stops)
	}()
	for range 3 {
		_ = unix.Kill(pid, unix.SIGSTOP)
		select {
		case <-stops:
		case <-time.After(5 * time.Second):
			t.Fatal("the stop was not seen")
		}
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	if _, more := <-stops; more {
		t.Error("a stop was reported twice")
	}
	if err := Wait(cmd); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("exit status was lost: %v", err)
	}
}

// waits until pid waits for input, or fails the test.
func waits(t *testing.T, term *Terminal, pid int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !term.Waiting(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the reader was never seen waiting")
		}
	}
}

func TestTerminal(t *testing.T) {
	term, err := OpenTerminal()
	if err != nil {
		t.Skipf("SKIP: this machine has no pseudo-terminals: %v", err)
	}
	defer term.Close()
	cmd := exec.Command("cat")
	cmd.Stdin = term.File()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := Start(cmd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	long := strings.Repeat("0123456789", 1500)
	for _, line := range []string{"hello", "ä\x03\x04\x15\x16\x7f€", long, ""} {
		rest := []byte(line + "\n")
		for len(rest) > 0 {
			waits(t, term, cmd.Process.Pid)
			if rest, err = term.Type(rest); err != nil {
				t.Fatal(err)
			}
			// cat has to be away before it can be seen waiting anew.
			if len(rest) > 0 {
				time.Sleep(20 * time.Millisecond)
			}
		}
		got, err := r.ReadString('\n')
		if err != nil || got != line+"\n" {
			t.Fatalf("%d bytes came back as %d: %q, %v", len(line)+1, len(got), strconv.Quote(got)[:min(60, len(got))], err)
		}
	}
	waits(t, term, cmd.Process.Pid)
	if err := term.EndOfFile(); err != nil {
		t.Fatal(err)
	}
	if err := Wait(cmd); err != nil {
		t.Errorf("cat after the end of its input: %v", err)
	}
	if term.Secret() {
		t.Error("the echo is off")
	}
	attr, err := unix.IoctlGetTermios(int(term.File().Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	attr.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(term.File().Fd()), unix.TCSETS, attr); err != nil {
		t.Fatal(err)
	}
	if !term.Secret() {
		t.Error("the echo is on")
	}
}

// A reader that was given a line, and hasn't run since, isn't waiting for
// another one.
func TestWaitingAfterType(t *testing.T) {
	term, err := OpenTerminal()
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	cmd := exec.Command("sh", "-c", "while read -r line; do echo took; done")
	cmd.Stdin = term.File()
	acks, answer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer acks.Close()
	cmd.Stdout = answer
	if err := Start(cmd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	answer.Close()
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	wait := func() {
		for deadline := time.Now().Add(time.Minute); !term.Waiting(cmd.Process.Pid); {
			if time.Now().After(deadline) {
				t.Fatal("the reader doesn't wait")
			}
		}
	}
	wait()
	took := make([]byte, len("took\n"))
	for i := range 300 {
		if _, err := term.Type([]byte("x\n")); err != nil {
			t.Fatal(err)
		}
		wait()
		// The shell answers before it reads again.
		ready := []unix.PollFd{{Fd: int32(acks.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(ready, 0); n != 1 {
			t.Fatalf("line %d: said to wait for the next one before it took it (%v)", i, err)
		}
		if _, err := io.ReadFull(acks, took); err != nil {
			t.Fatal(err)
		}
	}
}

// Three shells that share one large variable have it once.
func TestShareBytes(t *testing.T) {
	const size = 16 << 20
	cmd := exec.Command("sh", "-c", "x=$(head -c "+strconv.Itoa(size)+" /dev/zero | tr '\\0' x); (sleep 1000; echo \"$x\") & (sleep 1000; echo \"$x\") & echo on; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := Start(cmd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = KillGroup(cmd.Process.Pid, unix.SIGKILL); _ = Wait(cmd) }()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	var resident, shares int64
	shells := 0
	// The second subshell may still have to be forked.
	for deadline := time.Now().Add(10 * time.Second); shells < 3 && time.Now().Before(deadline); {
		tree, err := Descendants(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		resident, shares, shells = 0, 0, 0
		for _, p := range tree {
			if p.Group != cmd.Process.Pid || p.RSSBytes < size {
				continue
			}
			share, err := ShareBytes(p.PID)
			if err != nil {
				t.Skip("SKIP smaps_rollup cannot be read: ", err)
			}
			shells++
			resident += p.RSSBytes
			shares += share
		}
	}
	if shells < 3 || resident < 3*size || shares < size || shares > resident/2 {
		t.Errorf("%d shells: %d bytes resident, %d with what is shared once", shells, resident, shares)
	}
}
