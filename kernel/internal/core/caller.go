package core

import (
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// What runtime.Caller gives for a place in a cell: a program counter that only
// FuncForPC knows.
type function struct {
	name, file string
	line       int
}

var (
	functionsMu sync.Mutex
	functions   = map[function]*function{}
	byPC        = map[uintptr]*function{}
)

// Caller is runtime.Caller(0) at a place in a cell.
func Caller(file string, line int, name string) (pc uintptr, at string, lineno int, ok bool) {
	functionsMu.Lock()
	defer functionsMu.Unlock()
	key := function{name, file, line}
	f := functions[key]
	if f == nil {
		f = &key
		functions[key], byPC[uintptr(unsafe.Pointer(f))] = f, f
	}
	return uintptr(unsafe.Pointer(f)), file, line, true
}

// FuncForPC is runtime.FuncForPC.
func FuncForPC(pc uintptr) *runtime.Func {
	functionsMu.Lock()
	f := byPC[pc]
	functionsMu.Unlock()
	if f != nil {
		return (*runtime.Func)(unsafe.Pointer(f))
	}
	real := runtime.FuncForPC(pc)
	if real != nil {
		for _, own := range []string{"spindle/", "reflect.", "github.com/traefik/yaegi/"} {
			if strings.HasPrefix(real.Name(), own) {
				panic(PlainFault("the interpreter cannot tell the name of a function of the cell's as Go does; begin the cell with %%go to run it with the Go toolchain"))
			}
		}
	}
	return real
}

func ownFunction(f *runtime.Func) *function {
	functionsMu.Lock()
	defer functionsMu.Unlock()
	return byPC[uintptr(unsafe.Pointer(f))]
}

// FuncName is (*runtime.Func).Name.
func FuncName(f *runtime.Func) string {
	if own := ownFunction(f); own != nil {
		return own.name
	}
	return f.Name()
}

// FuncEntry is (*runtime.Func).Entry.
func FuncEntry(f *runtime.Func) uintptr {
	if ownFunction(f) != nil {
		return uintptr(unsafe.Pointer(f))
	}
	return f.Entry()
}

// FuncFileLine is (*runtime.Func).FileLine.
func FuncFileLine(f *runtime.Func, pc uintptr) (string, int) {
	if own := ownFunction(f); own != nil {
		return own.file, own.line
	}
	return f.FileLine(pc)
}
