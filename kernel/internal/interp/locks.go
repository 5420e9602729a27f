package interp

import (
	"reflect"
	"sort"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Package sync does not tell whether a lock is held, and trying to take it
// would get in the way of who wants it: these are where its state stands.
var (
	mutexR     = reflect.TypeFor[sync.Mutex]()
	rwMutexR   = reflect.TypeFor[sync.RWMutex]()
	stateAt    = offset(mutexR, "mu", "state")
	writingAt  = offset(rwMutexR, "w", "mu", "state")
	readingAt  = offset(rwMutexR, "readerCount", "v")
	lockFields = 4 // how deep structs and pointers are looked into
)

// offset finds a field of a field; -1 where the standard library has changed.
func offset(t reflect.Type, path ...string) int {
	at := 0
	for _, name := range path {
		f, ok := t.FieldByName(name)
		if !ok {
			return -1
		}
		at, t = at+int(f.Offset), f.Type
	}
	if t.Kind() != reflect.Int32 {
		return -1
	}
	return at
}

func int32At(p unsafe.Pointer, at int) int32 {
	if at < 0 {
		return 0
	}
	return atomic.LoadInt32((*int32)(unsafe.Add(p, at)))
}

// Locked implements Evaluator. Slices and maps are left alone: goroutines may
// be changing them.
func (i *Interp) Locked() []string {
	var names []string
	slots := i.session.Slots()
	for name, slot := range slots {
		if v, ok := i.globals[slot]; ok && locked(v.Elem(), lockFields) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// locked tells whether v is a lock that is held, or has one.
func locked(v reflect.Value, depth int) bool {
	switch v.Type() {
	case mutexR:
		return int32At(v.Addr().UnsafePointer(), stateAt)&1 != 0
	case rwMutexR:
		p := v.Addr().UnsafePointer()
		return int32At(p, writingAt)&1 != 0 || int32At(p, readingAt) > 0
	}
	if depth == 0 {
		return false
	}
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && locked(v.Elem(), depth-1)
	case reflect.Struct:
		for f := range v.NumField() {
			if locked(v.Field(f), depth-1) {
				return true
			}
		}
	case reflect.Array:
		for e := range min(v.Len(), 64) {
			if locked(v.Index(e), depth-1) {
				return true
			}
		}
	}
	return false
}
