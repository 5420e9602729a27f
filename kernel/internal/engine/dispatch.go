package engine

import (
	"context"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/session"
)

// dispatch runs a cell the way that its first line or its shape asks for.
func (e *Engine) dispatch(ctx context.Context, cell session.Cell, s *sink) session.Result {
	return e.runCell(ctx, cell, s, frames.ExecuteBody{Source: cell.Source, Silent: cell.Silent})
}
