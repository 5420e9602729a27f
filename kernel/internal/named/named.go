// Package named makes types while the program runs that package reflect cannot
// make: with a name, with fields that are not exported, with methods. What it
// makes are types to every compiled package: fmt prints their values with
// their methods, encoding/json decodes into them, type assertions to io.Reader
// succeed.
//
// A type is made from another of the same layout, in two steps, for it may
// refer to itself: New makes it known, Complete gives it the rest. The memory
// has the form of the runtime's own (internal/abi/type.go of Go 1.26; Check
// says whether that still holds), and stays for the life of the process, as
// that of reflect's types does.
package named

import (
	"errors"
	"fmt"
	"go/token"
	"reflect"
	"slices"
	"sort"
	"unsafe"
)

type eface struct{ typ, data unsafe.Pointer }

// header is abi.Type.
type header struct {
	size, ptrBytes          uintptr
	hash                    uint32
	flag                    uint8
	align, fieldAlign, kind uint8
	equal                   func(unsafe.Pointer, unsafe.Pointer) bool
	gcData                  *byte
	str, ptrToThis          int32
}

// The flags of a header (abi.TFlag).
const (
	flagUncommon = 1 << iota
	flagExtraStar
	flagNamed
	_
	_
	flagDirectIface
)

// What follows the header, by kind.
type (
	arrayBody struct {
		header
		elem, slice unsafe.Pointer
		len         uintptr
	}
	chanBody struct {
		header
		elem unsafe.Pointer
		dir  int
	}
	funcBody struct {
		header
		in, out uint16 // the top bit of out says variadic
	}
	interfaceBody struct { // only ever one without methods
		_ header
		_ *byte
		_ []struct{ _, _ int32 }
	}
	mapBody struct {
		header
		key, elem, group             unsafe.Pointer
		hasher                       func(unsafe.Pointer, uintptr) uintptr
		groupSize, slotSize, elemOff uintptr
		flags                        uint32
	}
	elemBody struct { // pointers and slices
		header
		elem unsafe.Pointer
	}
	structBody struct {
		header
		pkgPath *byte
		fields  []field
	}
)

// field is abi.StructField.
type field struct {
	name   *byte
	typ    unsafe.Pointer
	offset uintptr
}

// uncommon is abi.UncommonType.
type uncommon struct {
	pkgPath               int32
	methods, exported     uint16
	methodsOffset, unused uint32
}

// method is abi.Method.
type method struct{ name, typ, ifn, tfn int32 }

//go:linkname addReflectOff reflect.addReflectOff
//go:noescape
func addReflectOff(unsafe.Pointer) int32

// Field is one field of a struct.
type Field struct {
	Name     string
	Type     reflect.Type
	Tag      string
	Embedded bool
}

// Method is a method that a type's method set has; Type is its function type
// without the receiver.
type Method struct {
	Name string
	Type reflect.Type
}

// Type is a type T that is being made, with *T.
type Type struct {
	t, ptr   reflect.Type
	layout   reflect.Type
	pkgPath  string
	mem      unsafe.Pointer // the body, followed as the other two say
	uncommon *uncommon
	args     []unsafe.Pointer // a function type's
	value    *methodTable
	pointer  *methodTable
}

// methodTable is the methods of T or of *T.
type methodTable struct {
	uncommon *uncommon
	list     []method
	names    []string // of the methods in list
	types    map[string]reflect.Type
	iface    map[string]int // stubs by name: called with an interface's word
	direct   map[string]int // called with the receiver itself
}

// Spec says what New makes. Layout is a type whose values have the same bits:
// of the same kind, down to its elements. Name is what String gives:
// "main.Point"; PkgPath is empty for a type literal.
type Spec struct {
	Name, PkgPath string
	Layout        reflect.Type
	// Methods and PtrMethods bound the method sets of T and *T.
	Methods, PtrMethods int
}

// Check holds the forms that this package writes to types that the compiler
// made, and fails if they are not what they were.
func Check() error {
	type sample struct {
		A int8
		b map[string][]int
	}
	_ = sample{}.b
	t := reflect.TypeFor[sample]()
	body := (*structBody)(pointerTo(t))
	m, s := t.Field(1).Type, reflect.TypeFor[[]int]()
	mp, sl := (*mapBody)(pointerTo(m)), (*elemBody)(pointerTo(s))
	f := (*funcBody)(pointerTo(reflect.TypeFor[func(int, ...int) bool]()))
	arr, ch := (*arrayBody)(pointerTo(reflect.TypeFor[[7]int]())), (*chanBody)(pointerTo(reflect.TypeFor[<-chan int]()))
	u := (*uncommon)(unsafe.Add(pointerTo(reflect.TypeFor[Field]()), unsafe.Sizeof(structBody{})))
	for i, ok := range []bool{
		body.size == t.Size() && reflect.Kind(body.kind) == reflect.Struct && int(body.align) == t.Align() && body.flag&flagNamed != 0,
		len(body.fields) == 2 && body.fields[1].typ == pointerTo(m) && body.fields[1].offset == t.Field(1).Offset,
		*body.fields[0].name == 1 && *body.fields[1].name == 0,
		mp.key == pointerTo(m.Key()) && mp.elem == pointerTo(s) && mp.hasher != nil && mp.flag&flagDirectIface != 0,
		sl.elem == pointerTo(s.Elem()) && sl.flag&flagDirectIface == 0,
		f.in == 2 && f.out == 1|1<<15,
		arr.len == 7 && arr.elem == pointerTo(s.Elem()) && arr.slice == pointerTo(s),
		ch.elem == pointerTo(s.Elem()) && reflect.ChanDir(ch.dir) == reflect.RecvDir,
		u.methods == 0 && u.exported == 0 && reflect.TypeFor[Field]().Name() == "Field",
		typeAt(pointerTo(t)) == t,
	} {
		if !ok {
			return fmt.Errorf("the runtime's types are not of the form that is known (%d)", i)
		}
	}
	return nil
}

var bodies = map[reflect.Kind]reflect.Type{
	reflect.Array: reflect.TypeFor[arrayBody](), reflect.Chan: reflect.TypeFor[chanBody](), reflect.Func: reflect.TypeFor[funcBody](),
	reflect.Interface: reflect.TypeFor[interfaceBody](), reflect.Map: reflect.TypeFor[mapBody](), reflect.Pointer: reflect.TypeFor[elemBody](),
	reflect.Slice: reflect.TypeFor[elemBody](), reflect.Struct: reflect.TypeFor[structBody](),
}

func bodyOf(k reflect.Kind) reflect.Type {
	if b := bodies[k]; b != nil {
		return b
	}
	return reflect.TypeFor[header]()
}

// New makes a type, which reflection may build upon at once.
func New(s Spec) *Type {
	t := &Type{layout: s.Layout, pkgPath: s.PkgPath}
	args := 0
	if s.Layout.Kind() == reflect.Func {
		args = s.Layout.NumIn() + s.Layout.NumOut()
	}
	src := (*header)(pointerTo(s.Layout))
	t.mem, t.uncommon, t.args, t.value = allocate(bodyOf(s.Layout.Kind()), args, s.Methods)
	h := (*header)(t.mem)
	*h = *src
	h.flag = src.flag&^(flagExtraStar|flagNamed) | flagUncommon
	if s.PkgPath != "" {
		h.flag |= flagNamed
		t.uncommon.pkgPath = addReflectOff(unsafe.Pointer(encode(s.PkgPath, "", false, false)))
	}
	h.str = addReflectOff(unsafe.Pointer(encode(s.Name, "", token.IsExported(s.Name), false)))
	h.hash = hash(src.hash, fmt.Sprintf("%s %p", s.Name, t.mem))
	t.t = typeAt(t.mem)

	ptrMem, ptrUncommon, _, ptrTable := allocate(reflect.TypeFor[elemBody](), 0, s.PtrMethods)
	p := (*elemBody)(ptrMem)
	p.header = *(*header)(pointerTo(reflect.TypeFor[*unsafe.Pointer]()))
	p.flag = p.flag&^(flagExtraStar|flagNamed) | flagUncommon
	p.str = addReflectOff(unsafe.Pointer(encode("*"+s.Name, "", false, false)))
	p.hash, p.elem, p.ptrToThis = hash(h.hash, "*"), t.mem, 0
	ptrUncommon.pkgPath = t.uncommon.pkgPath
	t.pointer = ptrTable
	t.ptr = typeAt(ptrMem)
	h.ptrToThis = addReflectOff(ptrMem)
	addReflectOff(t.mem) // keeps it
	return t
}

// Type is T.
func (t *Type) Type() reflect.Type { return t.t }

// allocate makes a body with what follows it in memory.
func allocate(body reflect.Type, args, methods int) (mem unsafe.Pointer, u *uncommon, a []unsafe.Pointer, tab *methodTable) {
	v := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "Body", Type: body},
		{Name: "Uncommon", Type: reflect.TypeFor[[4]uint32]()},
		{Name: "Args", Type: reflect.ArrayOf(args, reflect.TypeFor[unsafe.Pointer]())},
		{Name: "Methods", Type: reflect.ArrayOf(methods, reflect.TypeFor[[4]int32]())},
	}))
	mem = v.UnsafePointer()
	u = (*uncommon)(v.Elem().Field(1).Addr().UnsafePointer())
	u.methodsOffset = uint32(v.Elem().Type().Field(3).Offset - v.Elem().Type().Field(1).Offset)
	if args > 0 {
		a = unsafe.Slice((*unsafe.Pointer)(v.Elem().Field(2).Addr().UnsafePointer()), args)
	}
	tab = &methodTable{uncommon: u, types: map[string]reflect.Type{}, iface: map[string]int{}, direct: map[string]int{}}
	if methods > 0 {
		tab.list = unsafe.Slice((*method)(v.Elem().Field(3).Addr().UnsafePointer()), methods)
	}
	return mem, u, a, tab
}

// Complete gives a type that is no struct what it is made of: that of the type
// under, of its kind.
func (t *Type) Complete(under reflect.Type) {
	h := *(*header)(t.mem)
	src := pointerTo(under)
	switch under.Kind() {
	case reflect.Array:
		*(*arrayBody)(t.mem) = *(*arrayBody)(src)
	case reflect.Chan:
		*(*chanBody)(t.mem) = *(*chanBody)(src)
	case reflect.Func:
		*(*funcBody)(t.mem) = *(*funcBody)(src)
		for i := range under.NumIn() {
			t.args[i] = pointerTo(under.In(i))
		}
		for i := range under.NumOut() {
			t.args[under.NumIn()+i] = pointerTo(under.Out(i))
		}
	case reflect.Map:
		*(*mapBody)(t.mem) = *(*mapBody)(src)
	case reflect.Pointer, reflect.Slice:
		*(*elemBody)(t.mem) = *(*elemBody)(src)
	case reflect.Struct:
		*(*structBody)(t.mem) = *(*structBody)(src)
	}
	*(*header)(t.mem) = h
}

// CompleteStruct gives a struct its fields, which lie where layout's do.
func (t *Type) CompleteStruct(fields []Field) {
	b := (*structBody)(t.mem)
	b.pkgPath = encode("main", "", false, false)
	b.fields = make([]field, len(fields))
	for i, f := range fields {
		b.fields[i] = field{
			name: encode(f.Name, f.Tag, token.IsExported(f.Name), f.Embedded),
			typ:  pointerTo(f.Type), offset: t.layout.Field(i).Offset,
		}
	}
}

// SetMethods gives T and *T their methods, as New's Spec bounds them. Before
// Bind they panic.
func (t *Type) SetMethods(value, pointer []Method) error {
	direct := (*header)(t.mem).flag&flagDirectIface != 0
	return errors.Join(t.value.add(value, !direct), t.pointer.add(pointer, false))
}

// AddMethods gives T and *T those methods that they lack, as far as there is
// room: compiled code that has found one missing does not look again. Methods
// that have another type now keep the functions that they have.
func (t *Type) AddMethods(value, pointer []Method) error { return t.SetMethods(value, pointer) }

// add fills the table; where two, a method has a stub of its own for being
// called with the receiver itself.
func (tab *methodTable) add(ms []Method, two bool) error {
	for _, m := range ms {
		if has, ok := tab.types[m.Name]; ok {
			if has != m.Type { // what is bound from now on takes other arguments
				delete(tab.iface, m.Name)
				delete(tab.direct, m.Name)
			}
			continue
		}
		if len(tab.names) == len(tab.list) {
			continue
		}
		ifn, ok := newStub()
		tfn := ifn
		if two && ok {
			tfn, ok = newStub()
		}
		if !ok {
			return fmt.Errorf("the session has declared more methods than there is room for (%d); restart it", stubCount)
		}
		at := sort.SearchStrings(tab.names, m.Name)
		tab.names = slices.Insert(tab.names, at, m.Name)
		tab.types[m.Name], tab.iface[m.Name], tab.direct[m.Name] = m.Type, ifn, tfn
		copy(tab.list[at+1:], tab.list[at:])
		tab.list[at] = method{
			name: addReflectOff(unsafe.Pointer(encode(m.Name, "", true, false))), typ: addReflectOff(pointerTo(m.Type)),
			ifn: addReflectOff(stubAddr(ifn)), tfn: addReflectOff(stubAddr(tfn)),
		}
	}
	tab.uncommon.methods, tab.uncommon.exported = uint16(len(tab.names)), uint16(len(tab.names))
	return nil
}

// Bind gives T's method the function of the receiver, as layout's type, and
// the parameters that it calls.
func (t *Type) Bind(name string, fn reflect.Value) {
	if i, ok := t.value.direct[name]; ok {
		bind(i, fn)
	}
}

// BindPointer does the same for *T; fn takes a pointer to layout's type. A
// value in an interface is called by way of it, too.
func (t *Type) BindPointer(name string, fn reflect.Value) {
	if i, ok := t.pointer.iface[name]; ok {
		bind(i, fn)
	}
	if i, ok := t.value.iface[name]; ok && i != t.value.direct[name] { // else Bind's
		bind(i, fn)
	}
}

// MapOf is reflect.MapOf for a key or an element that this package made; layout
// is the map type whose values have the same bits: they hash keys alike, too,
// which compiled hash functions and reflect's need not.
func MapOf(key, elem, layout reflect.Type) reflect.Type {
	t := reflect.MapOf(key, elem)
	(*mapBody)(pointerTo(t)).hasher = (*mapBody)(pointerTo(layout)).hasher
	return t
}

// As is x with the type t, which must have the layout of x's own.
func As(x any, t reflect.Type) any {
	(*eface)(unsafe.Pointer(&x)).typ = pointerTo(t)
	return x
}

// pointerTo is the runtime's pointer to t.
func pointerTo(t reflect.Type) unsafe.Pointer {
	return (*eface)(unsafe.Pointer(&t)).data
}

// typeAt is the reflect.Type at p.
func typeAt(p unsafe.Pointer) reflect.Type {
	var x any
	(*eface)(unsafe.Pointer(&x)).typ = p
	return reflect.TypeOf(x)
}

// encode is abi.NewName.
func encode(name, tag string, exported, embedded bool) *byte {
	var bits byte
	if exported {
		bits |= 1 << 0
	}
	if tag != "" {
		bits |= 1 << 1
	}
	if embedded {
		bits |= 1 << 3
	}
	b := append(varint([]byte{bits}, len(name)), name...)
	if tag != "" {
		b = append(varint(b, len(tag)), tag...)
	}
	return &b[0]
}

func varint(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// hash is FNV-1, as reflect hashes the names of its types.
func hash(h uint32, s string) uint32 {
	for i := range len(s) {
		h = h*16777619 ^ uint32(s[i])
	}
	return h
}
