// Command spindle-kernel is a Jupyter kernel for Go.
//
//	spindle-kernel CONNECTION_FILE
//
// It serves one session until it is asked to shut down. The same executable
// is also the worker process that cells run in, and plays the processes of the
// lab's experiments; private arguments tell it so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"spindle/kernel/internal/engine"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
	"spindle/kernel/internal/sockets"
	"spindle/kernel/internal/wire"
	"spindle/kernel/internal/worker"
	"spindle/lessons/lab"
)

//go:generate go run ./internal/symbols/gen

func main() {
	lab.ChildMain()
	if worker.Is(os.Args) {
		os.Exit(worker.Main(os.Args, workerConfig()))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

const usage = `usage: spindle-kernel [flags] CONNECTION_FILE

A Jupyter kernel for Go. Front ends start it; "go run ./install" tells them how.
`

// closeTime bounds how long the sockets may take to send what is left.
const closeTime = 250 * time.Millisecond

// run is main with its surroundings given. It returns the exit status: 0 after
// a shutdown, 1 after a failure, 2 for a wrong command line.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("spindle-kernel", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	verbose := flags.Bool("v", false, "log what the kernel does, not only what goes wrong")
	version := flags.Bool("version", false, "print the version and exit")
	var limits engine.Limits
	flags.Int64Var(&limits.MemoryBytes, "memory", envInt("SPINDLE_MEMORY_LIMIT"), "`bytes` that the session's processes may use; 0 is half of the machine's ($SPINDLE_MEMORY_LIMIT)")
	flags.IntVar(&limits.Processes, "processes", int(envInt("SPINDLE_PROCESS_LIMIT")), "processes that the session may have at once; 0 is 512 ($SPINDLE_PROCESS_LIMIT)")
	flags.IntVar(&limits.StackBytes, "stack", int(envInt("SPINDLE_STACK_LIMIT")), "`bytes` of a goroutine's stack; 0 is 32 MiB ($SPINDLE_STACK_LIMIT)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *version {
		fmt.Fprintln(stdout, "spindle-kernel", kernelVersion(), runtime.Version())
		return 0
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	if err := serve(flags.Arg(0), limits, log); err != nil {
		fmt.Fprintln(stderr, "spindle-kernel:", err)
		return 1
	}
	return 0
}

// serve runs one session on the sockets that the connection file names.
func serve(connectionFile string, limits engine.Limits, log *slog.Logger) error {
	conn, err := wire.ReadConnection(connectionFile)
	if err != nil {
		return err
	}
	// Jupyter also sends SIGINT to a kernel that takes interrupts by message;
	// a terminal sends it to all it runs. Neither may end the session.
	// Not by ignoring it: that would be inherited by the learner's programs.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := orphaned(ctx, time.Second)
	defer cancel()
	set, err := sockets.Listen(conn, sockets.Options{Log: log})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		if err := set.Close(closing); err != nil {
			log.Warn("closing the sockets", "err", err)
		}
	}()
	tools := sync.OnceValue(func() *program.Toolchain {
		t, err := program.Find("")
		if err != nil {
			log.Info("programs are run by the interpreter", "err", err)
			return nil
		}
		return t
	})
	eng, err := engine.New(engine.Config{Limits: limits, OwnsProcess: true, Toolchain: tools, Log: log})
	if err != nil {
		return err
	}
	history, err := session.OpenHistory(historyFile(), log)
	if err != nil {
		log.Warn("the history is kept in memory only", "err", err)
		history = session.NewHistory()
	}
	defer func() { _ = history.Close() }()
	s := session.New(set, eng, session.Options{
		Log: log, Version: kernelVersion(), History: history,
		LanguageVersion: strings.TrimPrefix(runtime.Version(), "go"),
		Banner:          "Spindle: Go " + strings.TrimPrefix(runtime.Version(), "go") + " in cells. %help lists the commands.",
	})
	if err := s.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// historyFile is where inputs are kept across sessions.
func historyFile() string {
	dir := os.Getenv("XDG_DATA_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return filepath.Join(os.TempDir(), "spindle-history.jsonl")
		}
		dir = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(dir, "spindle", "history.jsonl")
}

func kernelVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.1.0"
}

func envInt(name string) int64 {
	var n int64
	if _, err := fmt.Sscan(os.Getenv(name), &n); err != nil {
		return 0
	}
	return n
}
