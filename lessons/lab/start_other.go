//go:build !linux

package lab

// startOn runs start; affinity is Linux's.
func startOn(_ []int, start func() error) error { return start() }

// roles has none: the experiments read /proc and use Linux's system calls.
func roles() map[string]role { return nil }
