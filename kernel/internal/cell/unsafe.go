package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"runtime"
)

// isUnsafePointer reports that t's values are unsafe.Pointers.
func isUnsafePointer(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.UnsafePointer
}

// unsafeCall is a call of a function of package unsafe.
func (u *lowerer) unsafeCall(e *ast.CallExpr, name string) *call {
	res := u.typeOf(e)
	c := &call{results: []types.Type{res}}
	first := u.typeOf(e.Args[0])
	var fn string
	switch name {
	case "Sizeof", "Alignof": // of a type parameter's argument: others are constants
		sizes := types.SizesFor("gc", runtime.GOARCH)
		n := sizes.Alignof(first)
		if name == "Sizeof" {
			n = sizes.Sizeof(first)
		}
		c.render = func([]string) string { return fmt.Sprintf("uintptr(%d)", n) }
		return c
	case "Add":
		fn = "core.UnsafeAdd"
	case "String":
		fn = "core.UnsafeString"
	case "StringData":
		fn = "core.UnsafeStringData"
		first = types.Typ[types.String]
	case "Slice":
		fn = u.native(Native{Kind: "unsafeSlice", Type: first.Underlying().(*types.Pointer).Elem()})
	case "SliceData":
		fn = u.native(Native{Kind: "unsafeSliceData", Type: coreOf(first)})
	default:
		u.refuse("unsafe."+name, "")
	}
	c.ops = u.ordered(len(e.Args), func(i int) string {
		if i == 1 {
			return u.intIndex(e.Args[1])
		}
		if u.f.info.Types[e.Args[0]].IsNil() {
			return u.zero(first)
		}
		if u.f.info.Types[e.Args[0]].Value != nil {
			return u.to(e.Args[0], first)
		}
		return u.operand(e.Args[0])
	})
	c.types = []string{u.tx(coreOf(first)), "int"}[:len(e.Args)]
	c.render = func(ops []string) string {
		if len(ops) == 1 {
			return fn + "(" + ops[0] + ")"
		}
		return fn + "(" + ops[0] + ", " + ops[1] + ")"
	}
	return c
}
