package pyenv

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"spindle/install/internal/progress"
)

// lockFile waits until no other process makes the same environment. The
// system frees the lock when this process ends.
func lockFile(ctx context.Context, path string, r *progress.Reporter) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(err, f.Close())
		}
		if !told {
			r.Printf("another process is making the same environment; waiting for it")
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
