package worker

import (
	"testing"

	"spindle/kernel/internal/trace"
)

func TestInNative(t *testing.T) {
	for _, tt := range []struct {
		name string
		head string // of the traceback, innermost first
		want bool
	}{
		{"a library", "regexp.(*machine).add(0x1)\nreflect.Value.call(0x1)\nspindle/kernel/internal/interp.at(0x8000000100000001, 0x1)\n", true},
		{"the runtime for a library", "runtime.mallocgc(0x1)\nstrings.Repeat(0x1)\nspindle/kernel/internal/interp.at(0x8000000100000001, 0x1)\n", true},
		{"the interpreter", "github.com/traefik/yaegi/interp.runCfg(0x1)\nsort.Slice(0x1)\nspindle/kernel/internal/interp.at(0x8000000100000001, 0x1)\n", false},
		{"core", "spindle/kernel/internal/core.Poll()\nspindle/kernel/internal/interp.at(0x8000000100000001, 0x1)\n", false},
		{"the checker, before the cell runs", "go/types.(*Checker).expr(0x1)\nspindle/kernel/internal/interp.(*Interp).Eval(0x1)\n", false},
	} {
		gs := trace.Parse("goroutine 7 [runnable]:\n" + tt.head)
		if len(gs) != 1 || inNative(gs[0]) != tt.want {
			t.Errorf("%s: want %v of %+v", tt.name, tt.want, gs)
		}
	}
}
