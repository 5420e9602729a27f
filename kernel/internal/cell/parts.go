package cell

import (
	"go/types"
	"iter"
)

// Parts yields the types that the type literal t is made of: elements and keys,
// fields, parameters and results. A named type and an interface have none.
func Parts(t types.Type) iter.Seq[types.Type] {
	return func(yield func(types.Type) bool) {
		switch t := t.(type) {
		case *types.Map:
			_ = yield(t.Key()) && yield(t.Elem())
		case interface{ Elem() types.Type }: // pointer, slice, array, channel
			yield(t.Elem())
		case *types.Struct:
			for f := range t.Fields() {
				if !yield(f.Type()) {
					return
				}
			}
		case *types.Signature:
			for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
				for v := range tuple.Variables() {
					if !yield(v.Type()) {
						return
					}
				}
			}
		}
	}
}
