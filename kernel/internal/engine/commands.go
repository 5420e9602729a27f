package engine

import (
	"context"
	"strings"

	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/magic"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/worker"
)

// commands run what package magic lists.
var commands = map[string]handler{
	"!":           shell,
	"%%go":        toolchain,
	"%%interp":    interpreted,
	"%%time":      timed,
	"%%trace":     traced,
	"%%verify":    verify,
	"%%writefile": writeFile,
	"%cd":         changeFolder,
	"%doc":        doc,
	"%env":        environment,
	"%go-version": goVersion,
	"%goroutines": goroutines,
	"%help":       help,
	"%ps":         processes,
	"%reset":      reset,
	"%restore":    restore,
	"%time":       timed,
	"%timeit":     timeit,
	"%trace":      traced,
	"%who":        who,
}

func shell(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	return e.runCell(ctx, cell, s, frames.ExecuteBody{Source: part.Args, Mode: frames.ModeShell})
}

func interpreted(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	if !program.Whole(part.Body) {
		return e.runCell(ctx, cell, s, frames.ExecuteBody{Source: part.Body, Silent: cell.Silent})
	}
	return e.interpret(ctx, cell, s, part.Body)
}

// buildFlags are the flags of `go build` that %%go takes; the others are the
// program's or `go test`'s own.
var buildFlags = map[string]bool{
	"race": true, "msan": true, "asan": true, "cover": true, "tags": true, "gcflags": true,
	"ldflags": true, "covermode": true, "coverpkg": true, "a": true, "work": true, "trimpath": true,
}

// toolchain runs %%go.
func toolchain(e *Engine, ctx context.Context, cell session.Cell, s *sink, part magic.Part) session.Result {
	if e.cfg.Toolchain() == nil {
		return failed("error", "this machine has no Go toolchain: %%go needs one (https://go.dev/dl)")
	}
	job := program.Job{Source: part.Body, Cell: s.cell, Kind: program.Run}
	words := strings.Fields(part.Args)
	if len(words) > 0 {
		switch words[0] {
		case "run", "test", "bench":
			job.Kind = program.Kind(words[0])
			words = words[1:]
		default:
			if !strings.HasPrefix(words[0], "-") {
				return failed("error", "%%go "+words[0]+": want run, test or bench, then flags")
			}
		}
	}
	var args []string
	for _, w := range words {
		name, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
		switch {
		case w == "-with-state":
			if err := e.askWorker(ctx, worker.MethodProgram, nil, &job.State); err != nil {
				return failed("error", "bring in the session's types and functions: "+err.Error())
			}
		case strings.HasPrefix(w, "-") && buildFlags[name]:
			job.Flags = append(job.Flags, w)
		case job.Kind != program.Run && strings.HasPrefix(w, "-") && !strings.HasPrefix(name, "test."):
			args = append(args, "-test."+strings.TrimLeft(w, "-"))
		default:
			args = append(args, w)
		}
	}
	if job.Kind == program.Bench {
		return e.bench(ctx, cell, s, job, args)
	}
	return e.build(ctx, cell, s, job, args)
}
