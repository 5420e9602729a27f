package interp

import (
	"fmt"
	"go/types"
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"spindle/kernel/internal/cell"
	"spindle/kernel/internal/core"
	"spindle/kernel/internal/named"
)

// realizer makes the native types and the run-time descriptors that units ask
// for. It is used by one goroutine at a time.
type realizer struct {
	s       *cell.Session
	symbols func(path string) map[string]reflect.Value
	structs map[string]reflect.Type
	descs   map[string]*core.Type
	dyn     map[*core.Type]types.Type
	open    map[string]reflect.Type  // structs being made → their placeholder
	made    map[string]made          // faces that reflection cannot make
	all     map[string][]*named.Type // these, with those that came before them
	methods []func()                 // what gives the newest of them their methods
	patches []patch
	serial  int
	depth   int // of calls of face
}

// patch is a field whose type could not be told while its struct was made.
type patch struct {
	in    reflect.Type
	field int
	typ   types.Type
}

func newRealizer(s *cell.Session, symbols func(string) map[string]reflect.Value) *realizer {
	return &realizer{
		s: s, symbols: symbols, structs: map[string]reflect.Type{}, descs: map[string]*core.Type{},
		dyn: map[*core.Type]types.Type{}, open: map[string]reflect.Type{}, made: map[string]made{}, all: map[string][]*named.Type{},
	}
}

var (
	anyR   = reflect.TypeFor[any]()
	errorR = reflect.TypeFor[error]()
	basics = map[types.BasicKind]reflect.Type{
		types.Bool: reflect.TypeFor[bool](), types.Int: reflect.TypeFor[int](), types.Int8: reflect.TypeFor[int8](),
		types.Int16: reflect.TypeFor[int16](), types.Int32: reflect.TypeFor[int32](), types.Int64: reflect.TypeFor[int64](),
		types.Uint: reflect.TypeFor[uint](), types.Uint8: reflect.TypeFor[uint8](), types.Uint16: reflect.TypeFor[uint16](),
		types.Uint32: reflect.TypeFor[uint32](), types.Uint64: reflect.TypeFor[uint64](), types.Uintptr: reflect.TypeFor[uintptr](),
		types.Float32: reflect.TypeFor[float32](), types.Float64: reflect.TypeFor[float64](),
		types.Complex64: reflect.TypeFor[complex64](), types.Complex128: reflect.TypeFor[complex128](),
		types.String: reflect.TypeFor[string](), types.UnsafePointer: reflect.TypeFor[unsafe.Pointer](),
	}
)

// rtype is the native representation of t.
func (r *realizer) rtype(t types.Type) reflect.Type {
	if n := r.s.NativeNamed(t); n != nil {
		if n.Obj().Pkg() == nil {
			if n.Obj().Name() == "error" {
				return errorR
			}
			return anyR
		}
		if i, ok := n.Underlying().(*types.Interface); ok && i.NumMethods() == 0 {
			return anyR
		}
		if n.TypeArgs().Len() > 0 {
			switch n.Obj().Name() {
			case "Pointer":
				return reflect.TypeFor[core.AtomicPointer]()
			case "Handle":
				return handleR
			}
			return r.rtype(n.Underlying())
		}
		if v, ok := r.symbols(n.Obj().Pkg().Path())[cell.TypeSymbol(n.Obj().Name())]; ok {
			return v.Type().Elem()
		}
		panic(fmt.Errorf("no native type for %s", n))
	}
	if w := r.s.Wrapped(t); w != nil {
		return r.structType(w)
	}
	switch t := t.Underlying().(type) {
	case *types.Basic:
		if b, ok := basics[types.Default(t).(*types.Basic).Kind()]; ok {
			return b
		}
		return anyR
	case *types.Pointer:
		return reflect.PointerTo(r.rtype(t.Elem()))
	case *types.Slice:
		return reflect.SliceOf(r.rtype(t.Elem()))
	case *types.Array:
		return reflect.ArrayOf(int(t.Len()), r.rtype(t.Elem()))
	case *types.Map:
		return reflect.MapOf(r.rtype(t.Key()), r.rtype(t.Elem()))
	case *types.Chan:
		dir := map[types.ChanDir]reflect.ChanDir{types.SendRecv: reflect.BothDir, types.SendOnly: reflect.SendDir, types.RecvOnly: reflect.RecvDir}[t.Dir()]
		return reflect.ChanOf(dir, r.rtype(t.Elem()))
	case *types.Signature:
		return reflect.FuncOf(r.tuple(t.Params()), r.tuple(t.Results()), false)
	case *types.Struct:
		return r.structType(t)
	case *types.Interface:
		return anyR
	}
	panic(fmt.Errorf("no native type for %s", t))
}

func (r *realizer) tuple(t *types.Tuple) []reflect.Type {
	var out []reflect.Type
	for v := range t.Variables() {
		out = append(out, r.rtype(v.Type()))
	}
	return out
}

// structType makes a struct type. One that contains itself is made with a
// placeholder of the same shape, which is then replaced in the finished type:
// reflection can make every type but that one.
func (r *realizer) structType(t *types.Struct) reflect.Type {
	id := "struct " + r.s.ID(t)
	if rt, ok := r.structs[id]; ok {
		return rt
	}
	if p, ok := r.open[id]; ok {
		return p
	}
	r.serial++
	placeholder := reflect.StructOf([]reflect.StructField{{Name: "Placeholder" + strconv.Itoa(r.serial), Type: reflect.TypeFor[struct{}]()}})
	r.open[id] = placeholder
	fields := make([]reflect.StructField, t.NumFields())
	var later []int
	for i := range fields {
		f := t.Field(i)
		ft := r.rtype(f.Type())
		if r.unfinished(ft, map[reflect.Type]bool{}) {
			later = append(later, i)
		}
		fields[i] = reflect.StructField{Name: cell.FieldName(f, i), Type: ft}
	}
	rt := reflect.StructOf(fields)
	delete(r.open, id)
	r.structs[id] = rt
	for _, i := range later {
		r.patches = append(r.patches, patch{rt, i, t.Field(i).Type()})
	}
	if len(r.open) == 0 {
		ps := r.patches
		r.patches = nil
		for _, p := range ps {
			setFieldType(p.in, p.field, r.rtype(p.typ))
		}
	}
	return rt
}

// unfinished reports that t mentions a placeholder.
func (r *realizer) unfinished(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	for _, p := range r.open {
		if t == p {
			return true
		}
	}
	for _, p := range r.patches {
		if t == p.in {
			return false
		}
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		return t.Name() == "" && r.unfinished(t.Elem(), seen)
	case reflect.Map:
		return t.Name() == "" && (r.unfinished(t.Key(), seen) || r.unfinished(t.Elem(), seen))
	case reflect.Func:
		for i := range t.NumIn() {
			if r.unfinished(t.In(i), seen) {
				return true
			}
		}
		for i := range t.NumOut() {
			if r.unfinished(t.Out(i), seen) {
				return true
			}
		}
	}
	return false
}

// structField is reflect's own record of a field (internal/abi.StructField).
type structField struct {
	_   unsafe.Pointer // the name
	typ unsafe.Pointer
	_   uintptr // the offset
}

// setFieldType replaces the type of a field by one of the same shape.
// abi.StructType is a Type of 48 bytes on 64-bit machines, the package path's
// name, and the slice of fields.
func setFieldType(st reflect.Type, field int, t reflect.Type) {
	type iface struct{ tab, data unsafe.Pointer }
	const typeSize = 4*unsafe.Sizeof(uintptr(0)) + 16
	fields := *(*[]structField)(unsafe.Add((*iface)(unsafe.Pointer(&st)).data, typeSize+unsafe.Sizeof(uintptr(0))))
	fields[field].typ = (*iface)(unsafe.Pointer(&t)).data
}

// desc is the descriptor of t, the same for identical types.
func (r *realizer) desc(t types.Type) *core.Type {
	id := r.s.ID(t)
	if d, ok := r.descs[id]; ok {
		r.dyn[d] = t
		return d
	}
	d := &core.Type{Name: typeName(t), R: r.rtype(t)}
	d.Kind = d.R.Kind()
	r.descs[id], r.dyn[d] = d, t
	if u, ok := t.Underlying().(*types.Interface); ok {
		d.Kind = reflect.Interface
		r.iface(d, t, u)
	}
	r.setFace(d, t)
	return d
}

func (r *realizer) iface(d *core.Type, t types.Type, u *types.Interface) {
	if n := r.s.NativeNamed(t); n != nil && d.R != anyR {
		d.NativeIf = d.R
	}
	d.Iface = map[string]reflect.Type{}
	if d.NativeIf == nil {
		for m := range u.Methods() {
			func() {
				// A method over types without a native form is nobody's.
				defer func() { _ = recover() }()
				d.Iface[m.Name()] = r.rtype(m.Type())
			}()
		}
	}
	d.Missing = func(dyn *core.Type) string {
		dt := r.dyn[dyn]
		if dt == nil {
			return "?"
		}
		if m, _ := types.MissingMethod(dt, u, true); m != nil {
			return m.Name()
		}
		return ""
	}
}

// typeName is t as reflection prints it.
func typeName(t types.Type) string {
	list := func(tp *types.Tuple, variadic bool) string {
		var out []string
		for i := range tp.Len() {
			n := typeName(tp.At(i).Type())
			if variadic && i == tp.Len()-1 {
				n = "..." + strings.TrimPrefix(n, "[]")
			}
			out = append(out, n)
		}
		return strings.Join(out, ", ")
	}
	sig := func(s *types.Signature) string {
		out := "(" + list(s.Params(), s.Variadic()) + ")"
		switch s.Results().Len() {
		case 0:
		case 1:
			out += " " + list(s.Results(), false)
		default:
			out += " (" + list(s.Results(), false) + ")"
		}
		return out
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		n := t.Obj().Name()
		if p := t.Obj().Pkg(); p != nil {
			n = p.Name() + "." + n
		}
		if a := t.TypeArgs(); a.Len() > 0 {
			var args []string
			for i := range a.Len() {
				args = append(args, typeName(a.At(i)))
			}
			n += "[" + strings.Join(args, ",") + "]"
		}
		return n
	case *types.Basic:
		if t.Kind() == types.UntypedNil {
			return "nil"
		}
		return types.Default(t).(*types.Basic).Name()
	case *types.Pointer:
		return "*" + typeName(t.Elem())
	case *types.Slice:
		return "[]" + typeName(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), typeName(t.Elem()))
	case *types.Map:
		return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
	case *types.Chan:
		switch t.Dir() {
		case types.SendOnly:
			return "chan<- " + typeName(t.Elem())
		case types.RecvOnly:
			return "<-chan " + typeName(t.Elem())
		}
		return "chan " + typeName(t.Elem())
	case *types.Signature:
		return "func" + sig(t)
	case *types.Struct:
		if t.NumFields() == 0 {
			return "struct {}"
		}
		var fs []string
		for i := range t.NumFields() {
			f := t.Field(i)
			s := typeName(f.Type())
			if !f.Embedded() {
				s = f.Name() + " " + s
			}
			if tag := t.Tag(i); tag != "" {
				s += " " + strconv.Quote(tag)
			}
			fs = append(fs, s)
		}
		return "struct { " + strings.Join(fs, "; ") + " }"
	case *types.Interface:
		if t.NumMethods() == 0 {
			return "interface {}"
		}
		var ms []string
		for m := range t.Methods() {
			ms = append(ms, m.Name()+sig(m.Type().(*types.Signature)))
		}
		return "interface { " + strings.Join(ms, "; ") + " }"
	}
	return t.String()
}
