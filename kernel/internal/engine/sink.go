package engine

import (
	"fmt"

	"spindle/kernel/display"
	"spindle/kernel/internal/session"
)

// sink is where one cell's output goes. Session batches and bounds it.
type sink struct {
	cell int
	out  session.Output
}

// write adds output of a stream, "stdout" or "stderr".
func (s *sink) write(name string, p []byte) {
	if len(p) > 0 {
		s.out.Stream(name, string(p))
	}
}

// remark shows a quiet line of the kernel's own, which is none of the
// program's output.
func (s *sink) remark(text string) { s.out.Display(quiet(text)) }

// quiet is a line in the muted style of the kernel's remarks.
func quiet(text string) display.Bundle {
	return display.Bundle{Data: map[string]any{
		"text/plain": text,
		"text/html":  `<div style="opacity:.65;font-size:.9em;white-space:pre-wrap">` + escape(text) + `</div>`,
	}}
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
