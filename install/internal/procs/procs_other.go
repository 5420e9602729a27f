//go:build !linux

package procs

import (
	"syscall"
	"time"
)

func group() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// Without a subreaper, a kernel ends by itself when Jupyter is gone
// (JPY_PARENT_PID).
func adopt() {}

func killDescendants(time.Duration) {}

// DieWithGoRun needs Linux.
func DieWithGoRun() {}
