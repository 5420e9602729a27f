package lab

import "unsafe"

// addressOf is where v is now, as a number to show and compare. A goroutine's
// stack may move later.
func addressOf[T any](v *T) uint64 { return uint64(uintptr(unsafe.Pointer(v))) }
