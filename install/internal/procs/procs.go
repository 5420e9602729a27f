// Package procs starts a process whose whole family can be ended: it, what it
// started, and what those left behind.
package procs

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// Family is a process and its descendants.
type Family struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once the process was waited for
	err    error         // how it ended; read after exited
}

// Start starts cmd in a process group of its own, so that the terminal's
// Ctrl-C reaches only us: we end it in order. One goroutine waits for it.
func Start(cmd *exec.Cmd) (*Family, error) {
	cmd.SysProcAttr = group()
	adopt()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	f := &Family{cmd: cmd, exited: make(chan struct{})}
	go func() {
		f.err = cmd.Wait()
		close(f.exited)
	}()
	return f, nil
}

// Exited is closed when the process has ended.
func (f *Family) Exited() <-chan struct{} { return f.exited }

// Err is how the process ended, as exec.Cmd.Wait has it. Call it after Exited.
func (f *Family) Err() error { return f.err }

// PID is the process's id.
func (f *Family) PID() int { return f.cmd.Process.Pid }

// End asks the process to end (SIGTERM), gives it the time that it needs to
// end its own children in order, at most grace, and then kills what is left of
// the family. It returns when nothing is left.
func (f *Family) End(grace time.Duration) {
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-f.exited:
	case <-time.After(grace):
		_ = f.cmd.Process.Kill()
	}
	// The group: what shares it. The descendants: what left it for a session
	// of its own, as Jupyter's kernels do.
	_ = syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL)
	killDescendants(5 * time.Second)
	<-f.exited
}

// Run runs cmd to its end as a family, and ends the family when ctx is done.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	f, err := Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-f.Exited():
		return f.Err()
	case <-ctx.Done():
		f.End(2 * time.Second)
		return errors.Join(ctx.Err(), context.Cause(ctx))
	}
}
