package engine

import (
	"context"
	"errors"

	"spindle/kernel/display"
	"spindle/kernel/internal/session"
)

// discard is the Output of what is printed before any cell has run.
type discard struct{}

var _ session.Output = discard{}

func (discard) Stream(string, string)        {}
func (discard) Display(display.Bundle)       {}
func (discard) ExecuteResult(display.Bundle) {}
func (discard) ClearOutput(bool)             {}
func (discard) Comm(session.CommMessage)     {}
func (discard) Page(display.Bundle)          {}
func (discard) SetNextInput(string, bool)    {}

func (discard) Input(context.Context, string, bool) (string, error) {
	return "", errors.New("no cell is running")
}
