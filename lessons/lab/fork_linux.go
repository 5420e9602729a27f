package lab

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// forkOnly makes a process by fork(2) without exec: a copy of this one that
// ends at once, or that stays until killed. Go has no such call, because the
// copy has one thread and no working runtime; so the copy runs nothing but
// raw system calls, in a function that neither grows the stack nor can be
// preempted there (signals to this process's threads don't reach it).
//
//go:norace
//go:noinline
func forkOnly(stay bool) (pid int, err error) {
	r, _, e := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 {
		return 0, fmt.Errorf("fork: %w", e)
	}
	if r == 0 {
		for stay {
			syscall.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
		}
		for {
			syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	return int(r), nil
}

// reap waits for a process of forkOnly's.
func reap(pid int) error {
	for {
		_, err := syscall.Wait4(pid, nil, 0, nil)
		if err != syscall.EINTR {
			return err
		}
	}
}
