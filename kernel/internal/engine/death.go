package engine

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"

	"spindle/kernel/internal/session"
)

// ended says how a process ended, as Go says it (os/exec_posix.go,
// ProcessState.String).
func ended(status syscall.WaitStatus) string {
	switch {
	case status.Exited():
		return fmt.Sprintf("exit status %d", status.ExitStatus())
	case status.Signaled():
		s := "signal: " + status.Signal().String()
		if status.CoreDump() {
			s += " (core dumped)"
		}
		return s
	}
	return fmt.Sprintf("wait status %#x", uint32(status))
}

// maxTrace bounds what is shown of a trace: half head, half tail.
const maxTrace = 60

var cause = regexp.MustCompile(`(?m)^(panic|fatal error): (.*)$`)

// describeDeath turns how a worker ended into an error in Go's words.
// It is pure: reason is why we ended it ourselves, "" where we did not.
func describeDeath(status syscall.WaitStatus, trace []byte, reason string) *session.CellError {
	how := ended(status)
	err := &session.CellError{EName: how}
	switch {
	case reason == reasonInterrupt || reason == reasonStopped:
		err.EName, err.EValue = "interrupted", "the cell did not stop when asked, so its process was ended"
	case reason == reasonRestart:
		err.EName, err.EValue = "restarted", "the session was restarted while the cell ran"
	case reason != "":
		err.EName, err.EValue = "error", reason
		if name, value, ok := strings.Cut(reason, ": "); ok {
			err.EName, err.EValue = name, value
		}
	default:
		if m := cause.FindSubmatch(trace); m != nil {
			err.EName, err.EValue = string(m[1]), string(m[2])
		} else {
			err.EValue = explain(status)
		}
	}
	if len(trace) > 0 && reason == "" {
		err.Traceback = append(trim(strings.Split(strings.TrimRight(string(trace), "\n"), "\n")), how)
	} else {
		err.Traceback = []string{err.EName + ": " + err.EValue}
	}
	return err
}

// explain says in a few words what a bare exit status means.
func explain(status syscall.WaitStatus) string {
	switch {
	case status.Exited():
		return fmt.Sprintf("the process that cells run in ended itself (os.Exit(%d), log.Fatal or the like)", status.ExitStatus())
	case status.Signal() == syscall.SIGKILL:
		return "the process that cells run in was killed, from outside or for lack of memory"
	}
	return "the process that cells run in was ended by a signal"
}

// inner are the functions of the interpreter, the runtime beneath it and the
// worker: no part of the learner's program.
var inner = regexp.MustCompile(`^(created by )?(github\.com/traefik/yaegi/|spindle/kernel/internal/|reflect\.|runtime\.|runtime/|internal/|main\.main|panic\()`)

// trim keeps of a trace what is the learner's, and of that the head and the tail.
func trim(lines []string) []string {
	var kept []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if inner.MatchString(line) {
			if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t") {
				i++
			}
			continue
		}
		if line == "" && len(kept) > 0 && kept[len(kept)-1] == "" {
			continue
		}
		kept = append(kept, line)
	}
	// A goroutine of which nothing is left is none of the learner's.
	var out []string
	for i, line := range kept {
		if strings.HasPrefix(line, "goroutine ") && (i+1 >= len(kept) || kept[i+1] == "") && i > 0 && len(out) > 0 && countHeads(out) > 0 {
			continue
		}
		if line == "" && len(out) > 0 && out[len(out)-1] == "" {
			continue
		}
		out = append(out, line)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	if len(out) > maxTrace {
		left := len(out) - maxTrace
		head := append([]string(nil), out[:maxTrace/2]...)
		head = append(head, fmt.Sprintf("… %d lines left out …", left))
		out = append(head, out[len(out)-maxTrace/2:]...)
	}
	return out
}

func countHeads(lines []string) (n int) {
	for _, l := range lines {
		if strings.HasPrefix(l, "goroutine ") {
			n++
		}
	}
	return n
}

// deathErrorLocked is deathError for callers that don't hold mu.
func (e *Engine) deathErrorLocked(p *proc, cell int, running bool, x *execution) *session.CellError {
	e.mu.Lock()
	defer e.mu.Unlock()
	if why := x.reason.Load(); why != nil && p.reason.Load() == nil && *why != reasonRestart {
		p.reason.CompareAndSwap(nil, why) // it died of being asked
	}
	return e.deathError(p, cell, running)
}

// deathError is p's death as a cell's error, with what was lost. Callers hold mu.
func (e *Engine) deathError(p *proc, cell int, running bool) *session.CellError {
	reason := ""
	if r := p.reason.Load(); r != nil {
		reason = *r
	}
	err := describeDeath(p.status, p.trace, reason)
	err.Traceback = append(err.Traceback, "", e.lost())
	return err
}

// lost states what a death has cost and what can be had again. Callers hold mu.
func (e *Engine) lost() string {
	text := "Lost: the process that cells run in, with every live value and goroutine of the session."
	switch n := len(e.lostWork); n {
	case 0:
		return text + " A fresh one answers the next cell."
	case 1:
		return text + " A fresh one answers the next cell; %restore runs the 1 cell again that declared something."
	default:
		return text + fmt.Sprintf(" A fresh one answers the next cell; %%restore runs the %d cells again that declared something.", n)
	}
}
