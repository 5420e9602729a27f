package worker

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"spindle/kernel/display"
	"spindle/kernel/internal/frames"
)

// output takes what fmt, print and log write. Of the running cell it goes the
// way that os.Stdout and child processes go, through the descriptor, so that
// one order holds for all of it. Of an earlier cell it goes as a frame that
// names the cell.
func (w *Worker) output(cell int, stderr bool, p []byte) {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if r := w.running.Load(); r != nil && (r.cell == cell || cell == 0) {
		fd, other := 1, 2
		if stderr {
			fd, other = 2, 1
		}
		drained(other)
		writeAll(fd, p)
		return
	}
	if cell == 0 {
		cell = int(w.lastCell.Load())
	}
	body := make([]byte, 1, 1+len(p))
	if stderr {
		body[0] = 1
	}
	for len(p) > 0 {
		n := min(len(p), frames.MaxBody/2)
		_ = w.out.Write(frames.Output, uint32(cell), append(body, p[:n]...))
		p = p[n:]
	}
}

// drained waits until the engine has taken what is in the pipe fd, so that
// what is written to another one afterwards also arrives afterwards. It gives
// up soon: order is not worth a hang.
func drained(fd int) {
	for wait := 5 * time.Microsecond; wait < 50*time.Millisecond; wait *= 2 {
		n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
		if err != nil || n == 0 {
			return
		}
		time.Sleep(wait)
	}
}

func writeAll(fd int, p []byte) {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil {
			return // the learner closed it, or the engine is gone: as in Go
		}
		p = p[n:]
	}
}

// sink shows what package display makes.
type sink struct{ w *Worker }

var _ display.Sink = sink{}

func (s sink) Show(b display.Bundle) {
	s.w.show(frames.ShowBody{Cell: s.w.eval.CellOf(), Bundle: &b})
}

func (s sink) ClearOutput(wait bool) {
	s.w.show(frames.ShowBody{Cell: s.w.eval.CellOf(), Clear: &frames.ClearBody{Wait: wait}})
}

// show sends one thing and waits until the engine has handed it on: what is
// printed next then comes after it, whichever way it goes.
func (w *Worker) show(body frames.ShowBody) {
	if body.Cell == 0 {
		body.Cell = int(w.lastCell.Load())
	}
	shown := make(chan struct{})
	w.ackMu.Lock()
	w.lastAck++
	number := w.lastAck
	w.acks[number] = shown
	w.ackMu.Unlock()
	err := w.out.WriteJSON(frames.Show, number, body)
	if err == nil {
		select {
		case <-shown:
			return
		case <-time.After(5 * time.Second): // the engine is stuck or gone
		}
	}
	w.ackMu.Lock()
	delete(w.acks, number)
	w.ackMu.Unlock()
	if err != nil && body.Bundle != nil {
		w.show(frames.ShowBody{Cell: body.Cell, Note: fmt.Sprintf("an output can't be shown: %v", err)})
	}
}

func (w *Worker) acknowledge(number uint32) {
	w.ackMu.Lock()
	defer w.ackMu.Unlock()
	if shown, ok := w.acks[number]; ok {
		close(shown)
		delete(w.acks, number)
	}
}
