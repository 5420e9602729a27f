package core

import "unsafe"

// UnsafePointer is unsafe.Pointer, which yaegi knows by this name.
type UnsafePointer = unsafe.Pointer

// UnsafeAdd is unsafe.Add.
func UnsafeAdd(p unsafe.Pointer, n int) unsafe.Pointer { return unsafe.Add(p, n) }

// UnsafeString is unsafe.String.
func UnsafeString(p *byte, n int) string { return unsafe.String(p, n) }

// UnsafeStringData is unsafe.StringData.
func UnsafeStringData(s string) *byte { return unsafe.StringData(s) }

// PointerOf is unsafe.Pointer(u). The object that it points into is kept alive
// by other pointers or not at all, as in Go.
func PointerOf(u uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&u)) }
