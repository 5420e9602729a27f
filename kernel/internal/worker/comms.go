package worker

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"spindle/kernel/comm"
	"spindle/kernel/internal/frames"
)

// commTime is how long a front end waits for the handler of its message.
// Widgets send the next change of a slider when the last one has been dealt
// with; a handler that takes longer goes on without them.
const commTime = 250 * time.Millisecond

// comm delivers a comm message and tells whether somebody takes it.
func (w *Worker) comm(ctx context.Context, params json.RawMessage) (any, error) {
	var body frames.CommBody
	if err := json.Unmarshal(params, &body); err != nil {
		return nil, err
	}
	done, taken := w.comms.Deliver(comm.Message{Type: body.Type, ID: body.ID, Target: body.Target, Data: body.Data})
	if taken {
		select {
		case <-done:
		case <-time.After(commTime):
		case <-ctx.Done():
		}
	}
	return taken, nil
}

// commHost is what package comm needs of the worker.
type commHost struct{ w *Worker }

var _ comm.Host = commHost{}

func (h commHost) Send(m comm.Message) {
	h.w.show(frames.ShowBody{Cell: h.w.eval.CellOf(), Comm: &frames.CommBody{
		Type: m.Type, ID: m.ID, Target: m.Target, Data: m.Data, Metadata: m.Metadata,
	}})
}

func (h commHost) Cell() int { return h.w.eval.CellOf() }

// Run shows a panic of a handler in its cell; the session goes on, as it does
// where a cell panics.
func (h commHost) Run(cell int, handler func()) {
	defer h.w.started(cell)()
	if err := h.w.eval.In(cell, handler); err != nil && err.Name != "interrupted" {
		h.w.output(cell, true, []byte(strings.Join(err.Traceback, "\n")+"\n"))
	}
}
