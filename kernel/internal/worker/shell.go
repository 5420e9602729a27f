package worker

import (
	"errors"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/process"
)

// shell runs a command line with the worker's folder, environment and
// standard streams. Its exit status is told, not an error of the cell: grep
// that finds nothing should not stop a notebook.
func (w *Worker) shell(r *run, line string) frames.DoneBody {
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var interrupted atomic.Bool
	if err := process.Start(cmd, syscall.SIGKILL); err != nil {
		return frames.DoneBody{Err: &frames.ErrorBody{Name: "error", Value: err.Error()}}
	}
	group := cmd.Process.Pid
	r.setStop(func() {
		interrupted.Store(true)
		_ = process.KillGroup(group, unix.SIGINT)
		select {
		case <-r.over:
		case <-time.After(termTime):
			_ = process.KillGroup(group, unix.SIGKILL)
		}
	})
	err := process.Wait(cmd)
	var exit *exec.ExitError
	switch {
	case interrupted.Load():
		return frames.DoneBody{Err: &frames.ErrorBody{Name: "interrupted", Value: line}}
	case errors.As(err, &exit):
		w.show(frames.ShowBody{Cell: r.cell, Note: exit.String()})
	case err != nil:
		return frames.DoneBody{Err: &frames.ErrorBody{Name: "error", Value: err.Error()}}
	}
	return frames.DoneBody{}
}
