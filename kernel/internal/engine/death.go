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
var inner = regexp.MustCompile(`^(created by )?(github\.com/traefik/yaegi/|spindle/kernel/|reflect\.|runtime[./]|internal/|main\.main|panic\()`)

var (
	// runtime/traceback.go, goroutineheader.
	goroutineHead = regexp.MustCompile(`^(goroutine \d+) .*?(\[[^\]{]*?)( labels:\{.*?"spindle_cell": "(\d+)".*?\})?( labels:\{.*\})?\]:$`)
	noise         = regexp.MustCompile(`^(runtime: (sp|gp|frame|g \d)|runtime stack:|\[originating from |\s*\(/)`)
)

// trim keeps of a trace what is the learner's: the cause, the goroutine that
// died and others of cells, and of a long one its head and its tail.
func trim(lines []string) []string {
	var out []string
	var block []string // of the goroutine being read
	mine, first, inGoroutine, inNoise := true, true, false, false
	end := func() {
		for len(block) > 0 && block[len(block)-1] == "" {
			block = block[:len(block)-1]
		}
		if len(block) > 0 && mine {
			if len(out) > 0 && out[len(out)-1] != "" {
				out = append(out, "")
			}
			out = append(out, block...)
		}
		block = nil
	}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if m := goroutineHead.FindStringSubmatch(line); m != nil {
			end()
			mine = first || m[4] != ""
			first, inGoroutine, inNoise = false, true, false
			head := m[1] + " " + m[2] + "]:"
			if m[4] != "" {
				head = m[1] + " " + m[2] + ", of cell " + m[4] + "]:"
			}
			block = []string{head}
			continue
		}
		if noise.MatchString(line) {
			inNoise = strings.HasPrefix(line, "runtime stack:")
			continue
		}
		if line == "" {
			inNoise = false
		}
		if inNoise {
			continue
		}
		if inGoroutine && inner.MatchString(line) {
			if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t") {
				i++
			}
			continue
		}
		if line == "" && len(block) > 0 && block[len(block)-1] == "" {
			continue
		}
		block = append(block, line)
	}
	end()
	if len(out) > maxTrace {
		left := len(out) - maxTrace
		head := append([]string(nil), out[:maxTrace/2]...)
		head = append(head, fmt.Sprintf("… %d lines left out …", left))
		out = append(head, out[len(out)-maxTrace/2:]...)
	}
	return out
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
