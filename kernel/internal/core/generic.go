package core

import (
	"cmp"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"unique"
)

// Generic is a generic function of the standard library for any types, by
// reflection: out has the types of its results, args its arguments, the last
// one a slice where it is variadic.
type Generic func(out []reflect.Type, args []reflect.Value) []reflect.Value

type values = []reflect.Value

func one(v reflect.Value) values { return values{v} }
func val(x any) values           { return values{reflect.ValueOf(x)} }

func compare(a, b reflect.Value) int {
	switch a.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return cmp.Compare(a.Int(), b.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return cmp.Compare(a.Uint(), b.Uint())
	case reflect.Float32, reflect.Float64:
		return cmp.Compare(a.Float(), b.Float())
	}
	return strings.Compare(a.String(), b.String())
}

func less(a, b reflect.Value) bool { return compare(a, b) < 0 }

func equal(a, b reflect.Value) bool { return Eq(a.Interface(), b.Interface()) }

func call1(f reflect.Value, args ...reflect.Value) reflect.Value { return f.Call(args)[0] }

// copyOf is s copied into fresh storage; nil stays nil.
func copyOf(s reflect.Value) reflect.Value {
	if s.IsNil() {
		return s
	}
	c := reflect.MakeSlice(s.Type(), s.Len(), s.Len())
	reflect.Copy(c, s)
	return c
}

// sortBy sorts s in place, stably: where Go promises less, this is one of the
// orders it may give.
func sortBy(s reflect.Value, lt func(a, b reflect.Value) bool) {
	tmp := reflect.MakeSlice(s.Type(), s.Len(), s.Len())
	reflect.Copy(tmp, s)
	idx := make([]int, s.Len())
	for i := range idx {
		idx[i] = i
	}
	sort.SliceStable(idx, func(i, j int) bool { return lt(tmp.Index(idx[i]), tmp.Index(idx[j])) })
	for i, j := range idx {
		s.Index(i).Set(tmp.Index(j))
	}
}

func sortOrdered(s reflect.Value) {
	switch x := s.Interface().(type) {
	case []int:
		slices.Sort(x)
	case []string:
		slices.Sort(x)
	case []float64:
		slices.Sort(x)
	case []int64:
		slices.Sort(x)
	case []byte:
		slices.Sort(x)
	case []rune:
		slices.Sort(x)
	default:
		sortBy(s, less)
	}
}

func by(f reflect.Value) func(a, b reflect.Value) bool {
	return func(a, b reflect.Value) bool { return call1(f, a, b).Int() < 0 }
}

func indexFunc(s reflect.Value, ok func(reflect.Value) bool) int {
	for i := range s.Len() {
		if ok(s.Index(i)) {
			return i
		}
	}
	return -1
}

func pred(f reflect.Value) func(reflect.Value) bool {
	return func(v reflect.Value) bool { return call1(f, v).Bool() }
}

func is(v reflect.Value) func(reflect.Value) bool {
	return func(w reflect.Value) bool { return equal(w, v) }
}

// extreme is slices.Min, Max and their Func forms: keep a unless b is better.
func extreme(name string, s reflect.Value, better func(b, a reflect.Value) bool) values {
	if s.Len() == 0 {
		panic("slices." + name + ": empty list")
	}
	m := s.Index(0)
	for i := 1; i < s.Len(); i++ {
		if better(s.Index(i), m) {
			m = s.Index(i)
		}
	}
	r := reflect.New(m.Type()).Elem()
	r.Set(m)
	return one(r)
}

// replace is slices.Replace, on which Insert and Delete rest: in place where
// the capacity allows, as there.
func replace(s reflect.Value, i, j int, v reflect.Value) reflect.Value {
	_ = s.Slice(i, j) // bounds
	old, n := s.Len(), 0
	if v.IsValid() {
		v = copyOf(v)
		n = v.Len()
	}
	total := i + n + old - j
	tail := reflect.MakeSlice(s.Type(), old-j, old-j)
	reflect.Copy(tail, s.Slice(j, old))
	var r reflect.Value
	if total > s.Cap() {
		r = reflect.AppendSlice(s.Slice(0, i), reflect.MakeSlice(s.Type(), total-i, total-i))
	} else {
		r = s.Slice(0, total)
	}
	if n > 0 {
		reflect.Copy(r.Slice(i, i+n), v)
	}
	reflect.Copy(r.Slice(i+n, total), tail)
	if total < old {
		for k := total; k < old; k++ {
			s.Index(k).SetZero()
		}
	}
	return r
}

func deleteFunc(s reflect.Value, drop func(reflect.Value) bool) values {
	n := 0
	for i := range s.Len() {
		if v := s.Index(i); !drop(v) {
			s.Index(n).Set(v)
			n++
		}
	}
	for k := n; k < s.Len(); k++ {
		s.Index(k).SetZero()
	}
	return one(s.Slice(0, n))
}

// search is slices.BinarySearch: cmp orders an element against the target.
func search(s reflect.Value, cmp func(reflect.Value) int) values {
	n := s.Len()
	i := sort.Search(n, func(i int) bool { return cmp(s.Index(i)) >= 0 })
	return values{reflect.ValueOf(i), reflect.ValueOf(i < n && cmp(s.Index(i)) == 0)}
}

// seq makes an iterator of type t (a func(yield)) that pushes what each gives.
func seq(t reflect.Type, each func(yield func(...reflect.Value) bool)) reflect.Value {
	return reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		each(func(vs ...reflect.Value) bool { return call1(args[0], vs...).Bool() })
		return nil
	})
}

// drain calls f for each of an iterator's values until it returns false.
func drain(it reflect.Value, f func(vs ...reflect.Value) bool) {
	yt := it.Type().In(0)
	it.Call(values{reflect.MakeFunc(yt, func(args []reflect.Value) []reflect.Value {
		return val(f(args...))
	})})
}

func collect(t reflect.Type, it reflect.Value) reflect.Value {
	s := reflect.Zero(t)
	drain(it, func(vs ...reflect.Value) bool { s = reflect.Append(s, vs[0]); return true })
	return s
}

func collectMap(m, it reflect.Value) {
	drain(it, func(vs ...reflect.Value) bool { m.SetMapIndex(vs[0], vs[1]); return true })
}

// pull is iter.Pull and Pull2: n values at a time.
func pull(out []reflect.Type, it reflect.Value) values {
	type pair struct{ vs []reflect.Value }
	next, stop := iter.Pull(func(yield func(pair) bool) {
		drain(it, func(vs ...reflect.Value) bool { return yield(pair{append(values(nil), vs...)}) })
	})
	return values{
		reflect.MakeFunc(out[0], func([]reflect.Value) []reflect.Value {
			p, ok := next()
			r := p.vs
			if !ok {
				for i := range out[0].NumOut() - 1 {
					r = append(r, reflect.Zero(out[0].Out(i)))
				}
			}
			return append(r, reflect.ValueOf(ok))
		}),
		reflect.ValueOf(stop),
	}
}

// once is sync.OnceValue and OnceValues.
func once(out []reflect.Type, f reflect.Value) values {
	var (
		o     sync.Once
		r     values
		p     any
		valid bool
	)
	return one(reflect.MakeFunc(out[0], func([]reflect.Value) []reflect.Value {
		o.Do(func() {
			defer func() {
				if !valid {
					p = AsPanicking(recover()).Value
					panic(&Panicking{Value: p})
				}
			}()
			r = f.Call(nil)
			valid = true
		})
		if !valid {
			panic(&Panicking{Value: p})
		}
		return r
	}))
}

// Generics is core's generic standard library, by path and name.
var Generics = map[string]Generic{
	"cmp.Compare": func(_ []reflect.Type, a []reflect.Value) []reflect.Value { return val(compare(a[0], a[1])) },
	"cmp.Less":    func(_ []reflect.Type, a []reflect.Value) []reflect.Value { return val(less(a[0], a[1])) },
	"cmp.Or": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		for i := range a[0].Len() {
			if v := a[0].Index(i); !v.IsZero() {
				return one(v)
			}
		}
		return one(reflect.Zero(out[0]))
	},
	"slices.All": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(seq(out[0], func(yield func(...reflect.Value) bool) {
			for i := range a[0].Len() {
				if !yield(reflect.ValueOf(i), a[0].Index(i)) {
					return
				}
			}
		}))
	},
	"slices.Backward": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(seq(out[0], func(yield func(...reflect.Value) bool) {
			for i := a[0].Len() - 1; i >= 0; i-- {
				if !yield(reflect.ValueOf(i), a[0].Index(i)) {
					return
				}
			}
		}))
	},
	"slices.Values": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(seq(out[0], func(yield func(...reflect.Value) bool) {
			for i := range a[0].Len() {
				if !yield(a[0].Index(i)) {
					return
				}
			}
		}))
	},
	"slices.Chunk": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		n := int(a[1].Int())
		if n < 1 {
			panic("cannot be less than 1")
		}
		return one(seq(out[0], func(yield func(...reflect.Value) bool) {
			for i := 0; i < a[0].Len(); i += n {
				end := min(n, a[0].Len()-i)
				if !yield(a[0].Slice3(i, i+end, i+end)) {
					return
				}
			}
		}))
	},
	"slices.AppendSeq": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		s := a[0]
		drain(a[1], func(vs ...reflect.Value) bool { s = reflect.Append(s, vs[0]); return true })
		return one(s)
	},
	"slices.Collect": func(out []reflect.Type, a []reflect.Value) []reflect.Value { return one(collect(out[0], a[0])) },
	"slices.Sorted": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		s := collect(out[0], a[0])
		sortOrdered(s)
		return one(s)
	},
	"slices.SortedFunc": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		s := collect(out[0], a[0])
		sortBy(s, by(a[1]))
		return one(s)
	},
	"slices.SortedStableFunc": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		s := collect(out[0], a[0])
		sortBy(s, by(a[1]))
		return one(s)
	},
	"slices.Sort":           func(_ []reflect.Type, a []reflect.Value) []reflect.Value { sortOrdered(a[0]); return nil },
	"slices.SortFunc":       func(_ []reflect.Type, a []reflect.Value) []reflect.Value { sortBy(a[0], by(a[1])); return nil },
	"slices.SortStableFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value { sortBy(a[0], by(a[1])); return nil },
	"slices.IsSorted": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		for i := a[0].Len() - 1; i > 0; i-- {
			if less(a[0].Index(i), a[0].Index(i-1)) {
				return val(false)
			}
		}
		return val(true)
	},
	"slices.IsSortedFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		for i := a[0].Len() - 1; i > 0; i-- {
			if by(a[1])(a[0].Index(i), a[0].Index(i-1)) {
				return val(false)
			}
		}
		return val(true)
	},
	"slices.Min": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return extreme("Min", a[0], func(b, m reflect.Value) bool { return less(b, m) })
	},
	"slices.Max": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return extreme("Max", a[0], func(b, m reflect.Value) bool { return less(m, b) })
	},
	"slices.MinFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return extreme("MinFunc", a[0], func(b, m reflect.Value) bool { return by(a[1])(b, m) })
	},
	"slices.MaxFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return extreme("MaxFunc", a[0], func(b, m reflect.Value) bool { return by(a[1])(m, b) })
	},
	"slices.Reverse": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		swap := reflect.Swapper(a[0].Interface())
		for i, j := 0, a[0].Len()-1; i < j; i, j = i+1, j-1 {
			swap(i, j)
		}
		return nil
	},
	"slices.Contains": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(indexFunc(a[0], is(a[1])) >= 0)
	},
	"slices.ContainsFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(indexFunc(a[0], pred(a[1])) >= 0)
	},
	"slices.Index": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(indexFunc(a[0], is(a[1])))
	},
	"slices.IndexFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(indexFunc(a[0], pred(a[1])))
	},
	"slices.Equal": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(equalSlices(a[0], a[1], equal))
	},
	"slices.EqualFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(equalSlices(a[0], a[1], func(x, y reflect.Value) bool { return call1(a[2], x, y).Bool() }))
	},
	"slices.Compare": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(compareSlices(a[0], a[1], compare))
	},
	"slices.CompareFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(compareSlices(a[0], a[1], func(x, y reflect.Value) int { return int(call1(a[2], x, y).Int()) }))
	},
	"slices.Clone": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		if a[0].IsNil() {
			return one(a[0])
		}
		return one(reflect.AppendSlice(reflect.MakeSlice(a[0].Type(), 0, 0), a[0]))
	},
	"slices.Clip": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(a[0].Slice3(0, a[0].Len(), a[0].Len()))
	},
	"slices.Grow": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		n := int(a[1].Int())
		if n < 0 {
			panic("cannot be negative")
		}
		if n -= a[0].Cap() - a[0].Len(); n > 0 {
			full := a[0].Slice(0, a[0].Cap())
			return one(reflect.AppendSlice(full, reflect.MakeSlice(a[0].Type(), n, n)).Slice(0, a[0].Len()))
		}
		return one(a[0])
	},
	"slices.Concat": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		n := 0
		for i := range a[0].Len() {
			n += a[0].Index(i).Len()
		}
		s := reflect.Zero(out[0])
		if n > 0 {
			s = reflect.MakeSlice(out[0], n, n).Slice(0, 0)
		}
		for i := range a[0].Len() {
			s = reflect.AppendSlice(s, a[0].Index(i))
		}
		return one(s)
	},
	"slices.Repeat": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		if a[1].Int() < 0 {
			panic("cannot be negative")
		}
		s := reflect.MakeSlice(out[0], 0, a[0].Len()*int(a[1].Int()))
		for range a[1].Int() {
			s = reflect.AppendSlice(s, a[0])
		}
		return one(s)
	},
	"slices.Insert": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		i := int(a[1].Int())
		return one(replace(a[0], i, i, a[2]))
	},
	"slices.Replace": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(replace(a[0], int(a[1].Int()), int(a[2].Int()), a[3]))
	},
	"slices.Delete": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(replace(a[0], int(a[1].Int()), int(a[2].Int()), reflect.Value{}))
	},
	"slices.DeleteFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return deleteFunc(a[0], pred(a[1]))
	},
	"slices.Compact": func(_ []reflect.Type, a []reflect.Value) []reflect.Value { return compact(a[0], equal) },
	"slices.CompactFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return compact(a[0], func(x, y reflect.Value) bool { return call1(a[1], x, y).Bool() })
	},
	"slices.BinarySearch": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return search(a[0], func(v reflect.Value) int { return compare(v, a[1]) })
	},
	"slices.BinarySearchFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return search(a[0], func(v reflect.Value) int { return int(call1(a[2], v, a[1]).Int()) })
	},
	"maps.All": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(seq(out[0], func(yield func(...reflect.Value) bool) {
			for it := a[0].MapRange(); it.Next(); {
				if !yield(it.Key(), it.Value()) {
					return
				}
			}
		}))
	},
	"maps.Keys": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(seq(out[0], func(yield func(...reflect.Value) bool) {
			for it := a[0].MapRange(); it.Next(); {
				if !yield(it.Key()) {
					return
				}
			}
		}))
	},
	"maps.Values": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		return one(seq(out[0], func(yield func(...reflect.Value) bool) {
			for it := a[0].MapRange(); it.Next(); {
				if !yield(it.Value()) {
					return
				}
			}
		}))
	},
	"maps.Collect": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		m := reflect.MakeMap(out[0])
		collectMap(m, a[0])
		return one(m)
	},
	"maps.Insert": func(_ []reflect.Type, a []reflect.Value) []reflect.Value { collectMap(a[0], a[1]); return nil },
	"maps.Clone": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		if a[0].IsNil() {
			return one(a[0])
		}
		m := reflect.MakeMapWithSize(a[0].Type(), a[0].Len())
		copyMap(m, a[0])
		return one(m)
	},
	"maps.Copy": func(_ []reflect.Type, a []reflect.Value) []reflect.Value { copyMap(a[0], a[1]); return nil },
	"maps.Equal": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(equalMaps(a[0], a[1], equal))
	},
	"maps.EqualFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		return val(equalMaps(a[0], a[1], func(x, y reflect.Value) bool { return call1(a[2], x, y).Bool() }))
	},
	"maps.DeleteFunc": func(_ []reflect.Type, a []reflect.Value) []reflect.Value {
		for it := a[0].MapRange(); it.Next(); {
			if call1(a[1], it.Key(), it.Value()).Bool() {
				a[0].SetMapIndex(it.Key(), reflect.Value{})
			}
		}
		return nil
	},
	"math/rand/v2.N": func(out []reflect.Type, a []reflect.Value) []reflect.Value {
		n := reflect.New(out[0]).Elem()
		if a[0].CanInt() {
			n.SetInt(rand.Int64N(a[0].Int()))
		} else {
			n.SetUint(rand.Uint64N(a[0].Uint()))
		}
		return one(n)
	},
	"iter.Pull":       func(out []reflect.Type, a []reflect.Value) []reflect.Value { return pull(out, a[0]) },
	"iter.Pull2":      func(out []reflect.Type, a []reflect.Value) []reflect.Value { return pull(out, a[0]) },
	"sync.OnceValue":  func(out []reflect.Type, a []reflect.Value) []reflect.Value { return once(out, a[0]) },
	"sync.OnceValues": func(out []reflect.Type, a []reflect.Value) []reflect.Value { return once(out, a[0]) },
}

func equalSlices(a, b reflect.Value, same func(x, y reflect.Value) bool) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !same(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func compareSlices(a, b reflect.Value, c func(x, y reflect.Value) int) int {
	for i := range a.Len() {
		if i >= b.Len() {
			return 1
		}
		if r := c(a.Index(i), b.Index(i)); r != 0 {
			return r
		}
	}
	if a.Len() < b.Len() {
		return -1
	}
	return 0
}

func copyMap(dst, src reflect.Value) {
	for it := src.MapRange(); it.Next(); {
		dst.SetMapIndex(it.Key(), it.Value())
	}
}

func equalMaps(a, b reflect.Value, same func(x, y reflect.Value) bool) bool {
	if a.Len() != b.Len() {
		return false
	}
	for it := a.MapRange(); it.Next(); {
		v := b.MapIndex(it.Key())
		if !v.IsValid() || !same(it.Value(), v) {
			return false
		}
	}
	return true
}

// compact is slices.Compact and CompactFunc: it drops an element that equals the last one kept.
func compact(s reflect.Value, same func(a, b reflect.Value) bool) values {
	if s.Len() < 2 {
		return one(s)
	}
	n := 1
	for i := 1; i < s.Len(); i++ {
		if !same(s.Index(n-1), s.Index(i)) {
			s.Index(n).Set(s.Index(i))
			n++
		}
	}
	for k := n; k < s.Len(); k++ {
		s.Index(k).SetZero()
	}
	return one(s.Slice(0, n))
}

// Handle stands for every unique.Handle[T]: of the value in an interface.
type Handle = unique.Handle[any]

// AtomicPointer stands for every sync/atomic.Pointer[T].
type AtomicPointer struct{ p atomic.Pointer[reflect.Value] }

func (a *AtomicPointer) load(t reflect.Type) reflect.Value {
	if v := a.p.Load(); v != nil {
		return *v
	}
	return reflect.Zero(t)
}

// Do calls a method of atomic.Pointer[T], of which t is *T.
func (a *AtomicPointer) Do(name string, t reflect.Type, args []reflect.Value) []reflect.Value {
	switch name {
	case "Load":
		return one(a.load(t))
	case "Store":
		v := args[0]
		a.p.Store(&v)
		return nil
	case "Swap":
		v := args[0]
		old := a.p.Swap(&v)
		if old == nil {
			return one(reflect.Zero(t))
		}
		return one(*old)
	}
	// CompareAndSwap
	for {
		cur := a.p.Load()
		if cur == nil && !args[0].IsNil() || cur != nil && cur.Pointer() != args[0].Pointer() {
			return val(false)
		}
		v := args[1]
		if a.p.CompareAndSwap(cur, &v) {
			return val(true)
		}
	}
}
