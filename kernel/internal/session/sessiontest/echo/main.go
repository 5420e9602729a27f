// Command echo is a kernel that does next to nothing: session and sockets with
// the engine of package sessiontest. A client's time with it is the client's
// own share, which benchmarks take out.
package main

import (
	"fmt"
	"os"

	"spindle/kernel/internal/session/sessiontest"
	"spindle/kernel/internal/sockets"
	"spindle/kernel/internal/wire"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: echo CONNECTION_FILE")
		os.Exit(2)
	}
	err := sessiontest.Serve(os.Args[1], func(c wire.Connection) (sessiontest.Sockets, error) {
		return sockets.Listen(c, sockets.Options{})
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}
