// Package process starts, watches, lists and ends processes: each one that the
// kernel starts gets a group of its own and ends with the kernel, and whatever
// it leaves behind can be found and ended too. It knows /proc and signals, and
// nothing of cells.
package process

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// starter is the one thread that processes are started from. A process with a
// parent-death signal gets it when the *thread* that started it ends
// (prctl(2), PR_SET_PDEATHSIG), and Go ends threads when it likes, except one
// that a goroutine keeps locked. The goroutine lives as long as the process.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// awaited are the children that somebody will Wait for. Who are a process's
// children is a fact about the process, so this is too.
var awaited = struct {
	sync.Mutex
	pids map[int]bool
}{pids: map[int]bool{}}

// Start starts cmd in a process group of its own. deathSignal is sent to it
// when this process dies, 0 for none. The caller calls Wait.
func Start(cmd *exec.Cmd, deathSignal syscall.Signal) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: deathSignal}
	done := make(chan error)
	starter() <- func() {
		awaited.Lock()
		defer awaited.Unlock()
		err := cmd.Start()
		if err == nil {
			awaited.pids[cmd.Process.Pid] = true
		}
		done <- err
	}
	return <-done
}

// Wait waits for a command that Start started.
func Wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	awaited.Lock()
	defer awaited.Unlock()
	delete(awaited.pids, cmd.Process.Pid)
	return err
}

// BecomeSubreaper makes orphaned descendants of this process its own children,
// so that none escapes Descendants (prctl(2), PR_SET_CHILD_SUBREAPER).
// It is a property of the whole process: only main may ask for it.
func BecomeSubreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	return nil
}

// Codes of siginfo's si_code for SIGCHLD (waitid(2)).
const cldStopped = 5

// WatchStops calls stopped each time the child pid is stopped by a signal, and
// returns when it has ended. It leaves the child's exit status for Wait.
func WatchStops(pid int, stopped func()) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || info.Code != cldStopped {
			return
		}
		// Take the event, so that it isn't reported again.
		_ = unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG, nil)
		stopped()
	}
}

// KillGroup sends sig to every process of the group.
func KillGroup(group int, sig syscall.Signal) error {
	err := unix.Kill(-group, sig)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// KillAll ends the processes that list returns until it returns none: first
// it stops them all, so that a fork bomb can't outrun it. It gives up, with
// the number that is left, after timeout.
func KillAll(list func() []Info, timeout time.Duration) (killed int, err error) {
	seen := map[int]bool{}
	for deadline := time.Now().Add(timeout); ; {
		left := list()
		if len(left) == 0 {
			return len(seen), nil
		}
		if time.Now().After(deadline) {
			return len(seen), fmt.Errorf("%d processes are still running", len(left))
		}
		for _, p := range left {
			_ = unix.Kill(p.PID, unix.SIGSTOP)
		}
		for _, p := range left {
			_ = unix.Kill(p.PID, unix.SIGKILL)
			seen[p.PID] = true
		}
		time.Sleep(time.Millisecond)
	}
}

// Continue wakes a stopped process.
func Continue(pid int) { _ = unix.Kill(pid, unix.SIGCONT) }

// NowTicks is the present on the clock of Info.StartTicks (CLOCK_BOOTTIME in
// USER_HZ, which is 100 on every Linux that Go runs on).
func NowTicks() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return uint64(ts.Nano()) / 10_000_000
}

// Stop holds a process where it is.
func Stop(pid int) { _ = unix.Kill(pid, unix.SIGSTOP) }
