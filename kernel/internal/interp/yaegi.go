package interp

//lint:file-ignore U1000 the structs have all fields of yaegi's, used or not

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	yaegi "github.com/traefik/yaegi/interp"
)

// What hook and the faster nodes read and write of yaegi v0.16.1. The structs
// begin as yaegi's do; newLayout compares them by reflection when the
// evaluator is made, and fails if they are not what they were.

// bltn is a node's closure: it runs the node in a frame, and returns the next.
type bltn func(f *frame) bltn

// frame is the activation of a function.
type frame struct {
	id        uint64
	debug     unsafe.Pointer
	root, anc *frame
	data      []reflect.Value
	mutex     sync.RWMutex
	deferred  [][]reflect.Value
	recovered any
	done      reflect.SelectCase
}

// node is a node of the syntax tree, and of the flow of control.
type node struct {
	debug               unsafe.Pointer
	child               []*node
	anc                 *node
	param               []unsafe.Pointer
	start, tnext, fnext *node
	interp              unsafe.Pointer
	index               int64
	findex, level       int // where the frame has the node's value
	nleft, nright       int
	kind                uint
	pos                 int
	sym                 *symbol
	typ                 *itype
	recv                unsafe.Pointer
	types               []reflect.Type // of a function's frame
	scope               unsafe.Pointer
	action              uint
	exec                bltn
	gen                 func(*node)
	val                 any
	rval                reflect.Value
	ident               string
}

type symbol struct {
	kind    uint
	typ     *itype
	node    *node
	from    []*node
	recv    unsafe.Pointer
	index   int
	rval    reflect.Value
	builtin func(*node)
	global  bool
}

type itype struct {
	cat            uint
	field          []struct{}
	key, val, recv *itype
	arg, ret       []*itype
}

// value is what a reflect.Value is; newLayout compares it with the real one.
type value struct {
	typ_ unsafe.Pointer
	ptr  unsafe.Pointer
	flag uintptr
}

// layout has what is told by name.
type layout struct {
	root           uintptr // of a Program's root node
	kinds, actions []string
	gens           map[uintptr]string // names of yaegi's generators by their code
	natives        map[string]native  // natives of the unit being loaded, by name
	gen            map[*node]string   // generators of the nodes of that unit
	functions      map[*node]*function
}

func newLayout() (*layout, error) {
	l := &layout{natives: map[string]native{}, functions: map[*node]*function{}}
	root, ok := reflect.TypeFor[yaegi.Program]().FieldByName("root")
	if !ok || root.Type.Kind() != reflect.Pointer {
		return l, fmt.Errorf("yaegi's Program has no root as known")
	}
	l.root = root.Offset
	n := root.Type.Elem()
	field := func(t reflect.Type, name string) reflect.Type {
		if f, ok := t.FieldByName(name); ok && f.Type.Kind() == reflect.Pointer {
			return f.Type.Elem()
		}
		return reflect.TypeFor[struct{}]()
	}
	for mirror, real := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[node](): n, reflect.TypeFor[symbol](): field(n, "sym"), reflect.TypeFor[itype](): field(n, "typ"),
		reflect.TypeFor[value](): reflect.TypeFor[reflect.Value](),
		reflect.TypeFor[frame](): field(field(n, "interp"), "frame"),
	} {
		if err := sameBeginning(mirror, real); err != nil {
			return l, err
		}
	}
	if f := field(field(n, "interp"), "frame"); f.Size() != unsafe.Sizeof(frame{}) {
		return l, fmt.Errorf("yaegi's frame is %d bytes", f.Size())
	}
	kind, _ := n.FieldByName("kind")
	action, _ := n.FieldByName("action")
	l.kinds, l.actions = names(kind.Type), names(action.Type)
	l.gens = generators()
	return l, nil
}

// sameBeginning compares the fields of mirror with those of yaegi's struct.
func sameBeginning(mirror, real reflect.Type) error {
	if real.Kind() != reflect.Struct {
		return fmt.Errorf("yaegi's %s is not where it was", mirror.Name())
	}
	for i := range mirror.NumField() {
		m := mirror.Field(i)
		r, ok := real.FieldByName(m.Name)
		kind := r.Type
		if !ok || r.Offset != m.Offset || kind.Size() != m.Type.Size() ||
			kind.Kind() != m.Type.Kind() && m.Type.Kind() != reflect.UnsafePointer {
			return fmt.Errorf("yaegi's %s.%s is not as known", mirror.Name(), m.Name)
		}
	}
	return nil
}

// names are what the String method of an enumeration says.
func names(t reflect.Type) []string {
	var out []string
	for i := range uint64(100) {
		v := reflect.New(t).Elem()
		v.SetUint(i)
		out = append(out, fmt.Sprint(v.Interface()))
	}
	return out
}

func (l *layout) kindOf(n *node) string   { return l.kinds[n.kind] }
func (l *layout) actionOf(n *node) string { return l.actions[n.action] }

// genOf is the name of the generator that makes n's closure; "" of one that
// only yaegi needs to know.
func (l *layout) genOf(n *node) string { return l.gens[reflect.ValueOf(n.gen).Pointer()] }

// generators are yaegi's, by the address of their code.
func generators() map[uintptr]string {
	m := map[uintptr]string{}
	for name, gen := range map[string]func(*node){
		"nop": genNop, "call": genCall, "callBin": genCallBin, "func": genFunc, "assign": genAssign,
		"<": genLower, "<=": genLowerEqual, ">": genGreater, ">=": genGreaterEqual, "==": genEqual, "!=": genNotEqual,
		"+": genAdd, "-": genSub, "*": genMul, "&": genAnd, "|": genOr, "^": genXor, "%": genRem, "/": genQuo,
		"+=": genAddAssign, "-=": genSubAssign, "*=": genMulAssign, "++": genInc, "--": genDec,
		"index": genIndexArray, "deref": genDeref, "field": genIndexSeq,
		"recv": genRecv, "recv2": genRecv2,
		"method": genIndexBinMethod,
	} {
		m[reflect.ValueOf(gen).Pointer()] = name
	}
	return m
}

//go:linkname genNop github.com/traefik/yaegi/interp.nop
func genNop(*node)

//go:linkname genCall github.com/traefik/yaegi/interp.call
func genCall(*node)

//go:linkname genCallBin github.com/traefik/yaegi/interp.callBin
func genCallBin(*node)

//go:linkname genFunc github.com/traefik/yaegi/interp.getFunc
func genFunc(*node)

//go:linkname genAssign github.com/traefik/yaegi/interp.assign
func genAssign(*node)

//go:linkname genLower github.com/traefik/yaegi/interp.lower
func genLower(*node)

//go:linkname genLowerEqual github.com/traefik/yaegi/interp.lowerEqual
func genLowerEqual(*node)

//go:linkname genGreater github.com/traefik/yaegi/interp.greater
func genGreater(*node)

//go:linkname genGreaterEqual github.com/traefik/yaegi/interp.greaterEqual
func genGreaterEqual(*node)

//go:linkname genEqual github.com/traefik/yaegi/interp.equal
func genEqual(*node)

//go:linkname genNotEqual github.com/traefik/yaegi/interp.notEqual
func genNotEqual(*node)

//go:linkname genAdd github.com/traefik/yaegi/interp.add
func genAdd(*node)

//go:linkname genSub github.com/traefik/yaegi/interp.sub
func genSub(*node)

//go:linkname genMul github.com/traefik/yaegi/interp.mul
func genMul(*node)

//go:linkname genAnd github.com/traefik/yaegi/interp.and
func genAnd(*node)

//go:linkname genOr github.com/traefik/yaegi/interp.or
func genOr(*node)

//go:linkname genXor github.com/traefik/yaegi/interp.xor
func genXor(*node)

//go:linkname genRem github.com/traefik/yaegi/interp.rem
func genRem(*node)

//go:linkname genQuo github.com/traefik/yaegi/interp.quo
func genQuo(*node)

//go:linkname genAddAssign github.com/traefik/yaegi/interp.addAssign
func genAddAssign(*node)

//go:linkname genSubAssign github.com/traefik/yaegi/interp.subAssign
func genSubAssign(*node)

//go:linkname genMulAssign github.com/traefik/yaegi/interp.mulAssign
func genMulAssign(*node)

//go:linkname genInc github.com/traefik/yaegi/interp.inc
func genInc(*node)

//go:linkname genDec github.com/traefik/yaegi/interp.dec
func genDec(*node)

//go:linkname genIndexArray github.com/traefik/yaegi/interp.getIndexArray
func genIndexArray(*node)

//go:linkname genDeref github.com/traefik/yaegi/interp.deref
func genDeref(*node)

//go:linkname genIndexSeq github.com/traefik/yaegi/interp.getIndexSeq
func genIndexSeq(*node)

//go:linkname genRecv github.com/traefik/yaegi/interp.recv
func genRecv(*node)

//go:linkname genRecv2 github.com/traefik/yaegi/interp.recv2
func genRecv2(*node)

//go:linkname genIndexBinMethod github.com/traefik/yaegi/interp.getIndexBinMethod
func genIndexBinMethod(*node)

//go:linkname genValue github.com/traefik/yaegi/interp.genValue
func genValue(*node) func(*frame) reflect.Value

//go:linkname genFuncValue github.com/traefik/yaegi/interp.genFuncValue
func genFuncValue(*node) func(*frame) reflect.Value

//go:linkname genDestValue github.com/traefik/yaegi/interp.genDestValue
func genDestValue(*itype, *node) func(*frame) reflect.Value

//go:linkname genInterfaceWrapper github.com/traefik/yaegi/interp.genInterfaceWrapper
func genInterfaceWrapper(*node, reflect.Type) func(*frame) reflect.Value

//go:linkname getExec github.com/traefik/yaegi/interp.getExec
func getExec(*node) bltn

//go:linkname convertLiteralValue github.com/traefik/yaegi/interp.convertLiteralValue
func convertLiteralValue(*node, reflect.Type)

//go:linkname typeOf github.com/traefik/yaegi/interp.(*itype).TypeOf
func typeOf(*itype) reflect.Type
