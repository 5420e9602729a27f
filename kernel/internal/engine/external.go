package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"spindle/kernel/internal/process"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/worker"
)

// pressTime is how long a program may take to end in order after an
// interrupt: it may have a handler. A second interrupt ends it at once.
const pressTime = time.Second

// build makes a program of a cell and runs it with args.
func (e *Engine) build(ctx context.Context, cell session.Cell, s *sink, job program.Job, args []string) session.Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	job.Env = e.environ(ctx)
	// The build too can be interrupted.
	x := &execution{number: cell.Count, sink: s, began: process.NowTicks(), cancel: cancel, press: func() {}, kill: func(string) { cancel() }}
	e.begin(x)
	built, err := e.cfg.Toolchain().Build(ctx, job)
	e.end(x)
	var refused *program.Failure
	switch {
	case ctx.Err() != nil:
		return failed("interrupted", "while the program was being built")
	case errors.As(err, &refused):
		r := failed(refused.Name, refused.Error())
		r.Err.Traceback = refused.Lines
		return r
	case err != nil:
		return failed("error", err.Error())
	}
	if len(built.Modules) > 0 {
		s.remark("With " + strings.Join(built.Modules, ", ") + ".")
	}
	cmd := exec.Command(built.Path, args...)
	cmd.Env = job.Env
	cmd.Dir = e.folder()
	return e.runProgram(ctx, cell, s, cmd, program.Mapper{Cell: s.cell, Tests: job.Kind != program.Run})
}

// environ is the environment of the session, as %env and os.Setenv left it.
func (e *Engine) environ(ctx context.Context) []string {
	var env []string
	if err := e.askWorker(ctx, worker.MethodEnviron, nil, &env); err != nil {
		env = slices.Clone(e.cfg.Env)
	}
	return slices.DeleteFunc(env, func(v string) bool { return v == "GODEBUG="+debugSettings })
}

// folder is the working folder of the session.
func (e *Engine) folder() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.worker != nil {
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", e.worker.pid)); err == nil {
			return dir
		}
	}
	return ""
}

// runProgram runs a process with its output going to s, its input coming from
// the front end, and its exit status shown as Go shows it.
func (e *Engine) runProgram(ctx context.Context, cell session.Cell, s *sink, cmd *exec.Cmd, m program.Mapper) session.Result {
	var out, errs [2]int
	if err := errors.Join(unix.Pipe2(out[:], unix.O_CLOEXEC), unix.Pipe2(errs[:], unix.O_CLOEXEC)); err != nil {
		return failed("error", "make pipes: "+err.Error())
	}
	stdout, stderr := os.NewFile(uintptr(out[1]), "stdout"), os.NewFile(uintptr(errs[1]), "stderr")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	term, err := process.OpenTerminal()
	if err == nil {
		cmd.Stdin = term.File()
		defer func() { _ = term.Close() }()
	}
	err = process.Start(cmd, unix.SIGKILL)
	_ = stdout.Close()
	_ = stderr.Close()
	if err != nil {
		_ = unix.Close(out[0])
		_ = unix.Close(errs[0])
		return failed("error", "start the program: "+err.Error())
	}
	inputs, stopInputs := context.WithCancel(ctx)
	defer stopInputs()
	group := cmd.Process.Pid
	x := &execution{number: cell.Count, sink: s, pid: group, term: term, began: process.NowTicks(), cancel: stopInputs}
	exited := make(chan struct{})
	killIt := func() {
		process.Stop(group) // or it could start another while its children are read
		_, err := process.KillAll(func() []process.Info {
			return e.family(func(i process.Info) bool { return i.Group == group || i.StartTicks > x.began })
		}, time.Second)
		if err != nil {
			e.log.Warn("processes of the program", "err", err)
		}
		_ = process.KillGroup(group, unix.SIGKILL)
	}
	x.kill = func(reason string) { x.reason.CompareAndSwap(nil, &reason); killIt() }
	var presses atomic.Int32
	x.press = func() {
		if presses.Add(1) > 1 {
			killIt()
			return
		}
		_ = process.KillGroup(group, unix.SIGINT)
		go func() { // ends with the process
			select {
			case <-exited:
			case <-time.After(pressTime):
				killIt()
			}
		}()
	}
	e.begin(x)
	defer e.end(x)
	r := newRelay(out[0], errs[0], s, m)
	e.relays.Go(r.run) // ends when nobody holds the pipes any more
	watched := make(chan struct{})
	go func() { defer close(watched); e.watchInput(inputs, x, cell.Stdin) }()
	stopAsking := context.AfterFunc(ctx, func() { e.ask(x, reasonInterrupt) })
	_ = process.Wait(cmd)
	close(exited)
	stopAsking()
	stopInputs()
	<-watched
	r.settle()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if why := x.reason.Load(); why != nil {
		if *why == reasonInterrupt {
			return failed("interrupted", ended(status))
		}
		name, value, _ := strings.Cut(*why, ": ")
		return failed(name, value)
	}
	if status.Exited() && status.ExitStatus() == 0 {
		return session.Result{}
	}
	result := failed(ended(status), r.cause())
	result.Err.Traceback = []string{ended(status)}
	return result
}
