package interp

import (
	"reflect"
	"unsafe"

	"spindle/kernel/internal/cell"
)

// receive is <-c, and with two the form that also tells whether c is open.
// Reflection makes a new variable for what it receives; for the commonest
// types the one that is there will do. A receive waits, and never panics, but
// it is shown where it waits.
func receive(n *node, two bool, here cell.Place, plain bltn) bltn {
	place := packed(here)
	untyped := func(f *frame) bltn { return at(place, plain, f) }
	dest, status := n, slot{}
	if two {
		dest = n.anc.child[0]
		s, ok := slotOf(n.anc.child[1])
		if !ok || s.up || dest.ident == "_" || n.anc.child[1].ident == "_" {
			return untyped
		}
		status = s
	}
	to, ok := slotOf(dest)
	c := typeOf(n.child[0].typ)
	if !ok || to.up || n.fnext != nil || c.Kind() != reflect.Chan {
		return untyped
	}
	var typed bltn
	switch c.Elem() {
	case reflect.TypeFor[int]():
		typed = receiveOf[int](n, to, status, two, plain)
	case reflect.TypeFor[string]():
		typed = receiveOf[string](n, to, status, two, plain)
	case reflect.TypeFor[bool]():
		typed = receiveOf[bool](n, to, status, two, plain)
	case reflect.TypeFor[struct{}]():
		typed = receiveOf[struct{}](n, to, status, two, plain)
	default:
		return untyped
	}
	return func(f *frame) bltn { return at(place, typed, f) }
}

func receiveOf[T any](n *node, to, status slot, two bool, plain bltn) bltn {
	ch, made, next := valueOf(n.child[0]), freshOf(reflect.TypeFor[T]()), getExec(n.tnext)
	return func(f *frame) bltn {
		var c <-chan T
		switch x := ch(f).Interface().(type) {
		case chan T:
			c = x
		case <-chan T:
			c = x
		default: // a compiled package's own type of channels
			return plain(f)
		}
		x, open := <-c
		d := made.settable(&f.data[to.index])
		*(*T)((*value)(unsafe.Pointer(&d)).ptr) = x
		if two {
			f.data[status.index].SetBool(open)
		}
		return next
	}
}
