package procs

import (
	"os"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// group puts the child into a process group of its own.
func group() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// adopt makes orphans of our descendants our own children, so that none gets
// away (prctl(2), PR_SET_CHILD_SUBREAPER).
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// Descendants lists the processes under pid, zombies left out.
func Descendants(pid int) []int {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, p := range all {
		if st, err := p.Stat(); err == nil && st.State != "Z" {
			children[st.PPID] = append(children[st.PPID], p.PID)
		}
	}
	var out []int
	for queue := []int{pid}; len(queue) > 0; {
		next := children[queue[0]]
		out, queue = append(out, next...), append(queue[1:], next...)
	}
	return out
}

// killDescendants kills all that is under this process until nothing is.
func killDescendants(timeout time.Duration) {
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		left := Descendants(os.Getpid())
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// DieWithGoRun ends this process (SIGTERM) when the `go run` that started it
// is killed: go run hands on no signal but those of the terminal. Started by
// anything else, this process stays as it is.
func DieWithGoRun() {
	parent, err := procfs.NewProc(os.Getppid())
	if err != nil {
		return
	}
	if name, err := parent.Comm(); err != nil || name != "go" {
		return
	}
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0)
}
