package main

import (
	"context"
	"os"
	"time"
)

// parentEnv is set by jupyter_client to the process that started the kernel:
// a kernel must not outlive a notebook server that was killed.
const parentEnv = "JPY_PARENT_PID"

// orphaned gives a context that ends when the process that started this one is
// gone, where that was Jupyter. Its goroutine ends with ctx.
func orphaned(ctx context.Context, every time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv(parentEnv) == "" {
		return ctx, cancel
	}
	// Not the number in the environment: a wrapper may stand between, and then
	// it is the wrapper that we can watch.
	parent := os.Getppid()
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if os.Getppid() != parent {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}
