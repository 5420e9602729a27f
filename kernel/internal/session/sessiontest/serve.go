package sessiontest

import (
	"context"
	"log/slog"
	"time"

	"spindle/kernel/internal/session"
	"spindle/kernel/internal/wire"
)

// Sockets is what Serve needs of sockets.Set.
type Sockets interface {
	session.Transport
	Close(context.Context) error
}

// Serve is a whole kernel with the Engine of this package, until it is shut
// down: for tests of what starts kernels.
func Serve(connectionFile string, listen func(wire.Connection) (Sockets, error)) error {
	conn, err := wire.ReadConnection(connectionFile)
	if err != nil {
		return err
	}
	set, err := listen(conn)
	if err != nil {
		return err
	}
	ctx := context.Background()
	err = session.New(set, &Engine{}, session.Options{Log: slog.Default(), Version: "test"}).Run(ctx)
	linger, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if cerr := set.Close(linger); err == nil {
		err = cerr
	}
	return err
}
