//go:build amd64 || arm64

package named

import (
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

// Compiled code calls a method at an address, without a closure. Each stub is
// such an address; what it does is to call the closure in its context, which
// has the method's own signature, so that no argument moves.

const stubCount = 8192

// contexts are the closures of the stubs, read by the assembly.
var contexts [stubCount]unsafe.Pointer

var (
	stubMu sync.Mutex
	inUse  int
)

// firstStub is the address of stub 0.
func firstStub() uintptr

var stubSize = map[string]uintptr{"amd64": 13, "arm64": 8}[runtime.GOARCH]

// newStub takes a stub that no method has; calls of it panic until set gives
// it a function.
func newStub() (i int, ok bool) {
	stubMu.Lock()
	defer stubMu.Unlock()
	if inUse == stubCount {
		return 0, false
	}
	i = inUse
	inUse++
	contexts[i] = closureOf(reflect.ValueOf(unset))
	return i, true
}

func unset() { panic("spindle: a method that cannot be called") }

// bind makes stub i call fn.
func bind(i int, fn reflect.Value) {
	stubMu.Lock()
	defer stubMu.Unlock()
	contexts[i] = closureOf(fn)
}

func stubAddr(i int) unsafe.Pointer {
	base := firstStub() + uintptr(i)*stubSize
	return *(*unsafe.Pointer)(unsafe.Pointer(&base)) // code, which does not move
}

// closureOf is the pointer to f's closure, of which the first word is code.
func closureOf(f reflect.Value) unsafe.Pointer {
	x := f.Interface()
	return (*eface)(unsafe.Pointer(&x)).data
}
