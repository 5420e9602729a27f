package interp

import "spindle/kernel/internal/cell"

// at runs a node with its place among its arguments, where the runtime's own
// tracebacks show it: "spindle/kernel/internal/interp.at(0x300000004, …)" is
// cell 3, line 4. So a stack overflow, concurrent map writes and a goroutine
// that sleeps for ever have the learner's lines too, which no recover can give
// them. Package trace reads it.
//
//go:noinline
func at(place uint64, run bltn, f *frame) bltn {
	next := run(f)
	if place == 0 { // keeps place alive, and so on the stack, during the call
		return nil
	}
	return next
}

// packed is a place as at takes it: never 0.
func packed(p cell.Place) uint64 { return uint64(p.Cell)<<32 | uint64(uint32(p.Line)) | 1<<63 }
