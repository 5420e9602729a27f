package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"spindle/kernel/internal/session"
	"spindle/kernel/internal/trace"
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

// noise are lines in which the runtime speaks of itself.
var noise = regexp.MustCompile(`^(runtime: (sp|gp|frame|g \d)|runtime stack:|\[originating from |PC=|\s*\(/)`)

// trim keeps of a trace what is the learner's: the cause, and the goroutine
// that died with the places in cells; of a long one its head and its tail.
func trim(lines []string) []string {
	var out []string
	rest := len(lines)
	for i, line := range lines {
		if strings.HasPrefix(line, "goroutine ") {
			rest = i
			break
		}
		if line == "runtime stack:" { // of the thread, up to the first goroutine
			continue
		}
		if !noise.MatchString(line) {
			out = append(out, line)
		}
	}
	if i := slices.Index(lines[:rest], "runtime stack:"); i >= 0 {
		out = nil
		for _, line := range lines[:i] {
			if !noise.MatchString(line) {
				out = append(out, line)
			}
		}
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	body := strings.Join(lines[rest:], "\n")
	if !strings.Contains(body, "labels:{") && !strings.Contains(body, "spindle/kernel/internal/") {
		return shorten(append(append(out, ""), lines[rest:]...)) // package core wrote it
	}
	others := 0
	for i, g := range trace.Parse(body) {
		if i == 0 {
			out = append(append(out, ""), g.Lines(nil)...)
		} else if g.Cell != 0 {
			others++
		}
	}
	if others > 0 {
		out = append(out, "", "… and "+count(others, "other goroutine of a cell", "other goroutines of cells"))
	}
	return shorten(out)
}

func shorten(lines []string) []string {
	if len(lines) <= maxTrace {
		return lines
	}
	out := slices.Clone(lines[:maxTrace/2])
	out = append(out, fmt.Sprintf("… %d lines left out …", len(lines)-maxTrace))
	return append(out, lines[len(lines)-maxTrace/2:]...)
}

// named puts the functions' names into a traceback's frames, where only their
// places were known.
func (e *Engine) named(lines []string) []string {
	for i := 0; i+1 < len(lines); i++ {
		if lines[i] != "main(...)" {
			continue
		}
		var cell, line int
		if _, err := fmt.Sscanf(lines[i+1], "\tcell %d, line %d", &cell, &line); err != nil {
			continue
		}
		if f := trace.FuncAt(e.sources.of(cell), line); f != "" {
			lines[i] = f + "(...)"
		}
	}
	return lines
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
	status := p.status
	if p.cut.Load() {
		status = 2 << 8 // what it was about to exit with
	}
	err := describeDeath(status, p.trace, reason)
	err.Traceback = e.named(err.Traceback)
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
		return text + " A fresh one answers the next cell; %restore makes the 1 declaration again."
	default:
		return text + fmt.Sprintf(" A fresh one answers the next cell; %%restore makes the %d declarations again.", n)
	}
}
