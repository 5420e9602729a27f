//go:build cgo

package lab

// cgoEnabled tells whether the binary may have been linked with C's thread
// library; without it, threads are the Go runtime's own.
const cgoEnabled = true
