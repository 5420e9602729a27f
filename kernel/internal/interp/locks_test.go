package interp

import (
	"reflect"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where the state of a lock stands is the standard library's secret: this
// fails when it moves.
func TestLocked(t *testing.T) {
	var mu sync.Mutex
	var rw sync.RWMutex
	held := func(v any) bool { return locked(reflect.ValueOf(v), lockFields) }
	for _, tt := range []struct {
		name         string
		of           any
		lock, unlock func()
	}{
		{"mutex", &mu, mu.Lock, mu.Unlock},
		{"for writing", &rw, rw.Lock, rw.Unlock},
		{"for reading", &rw, rw.RLock, rw.RUnlock},
		{"in a struct", &struct {
			n int
			m *sync.Mutex
		}{1, &mu}, mu.Lock, mu.Unlock},
	} {
		if held(tt.of) {
			t.Errorf("%s: held at first", tt.name)
		}
		tt.lock()
		if !held(tt.of) {
			t.Errorf("%s: not held when locked", tt.name)
		}
		tt.unlock()
		if held(tt.of) {
			t.Errorf("%s: held after its unlock", tt.name)
		}
	}
}

func TestLockedVariables(t *testing.T) {
	i, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range []struct {
		source string
		want   []string
	}{
		{"import \"sync\"\nvar mu, other sync.Mutex\nmu.Lock()", []string{"mu"}},
		{"type counter struct { sync.RWMutex; n map[string]int }\nc := &counter{}\nc.RLock()", []string{"c", "mu"}},
		{"mu.Unlock()\nc.RUnlock()\nother.Lock()", []string{"other"}},
		{"other.Unlock()", nil},
	} {
		if o := i.Eval(Cell{Count: n + 1, Source: c.source}); o.Err != nil {
			t.Fatalf("%s: %+v", c.source, o.Err)
		}
		if d := cmp.Diff(c.want, i.Locked()); d != "" {
			t.Errorf("after %s: %s", c.source, d)
		}
	}
}
